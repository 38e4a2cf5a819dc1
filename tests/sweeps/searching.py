"""A job with bars on the disk, and hands that need no process, for tests of sweeps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.sweeps.bars import DataRef, keep
from alphapanda_desktop.sweeps.job import Job, StrategyFile
from alphapanda_desktop.sweeps.search import Hands
from tests.backtest.history import walk

AXES = ("fast=2:8:2", "slow=5,9")
LIVELY = {"cool_down": 0, "stop_loss": 0.3, "lots": 20}


def bars_in(folder: Path, count: int = 1_500, seed: int = 1) -> DataRef:
    return keep(walk(count, seed), folder)


def a_job(folder: Path, count: int = 1_500, **kept: Any) -> Job:
    """A crossover over some days of a random walk."""
    return Job(**{"strategy": "ma_cross", "params": LIVELY, "data": (bars_in(folder, count),), **kept})


class Here(Executor):
    """Does what it is asked for at once, in this thread; `before` is called first and may raise."""

    def __init__(self, before: Callable[[int], object] = lambda _number: None) -> None:
        self.count = 0
        self._before = before

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.count += 1
        self._before(self.count)
        try:
            future.set_result(fn(*args, **kwargs))
        except (AlphaPandaError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            future.set_exception(error)
        return future


def here(before: Callable[[int], object] = lambda _number: None) -> Hands:
    return Hands(Here(before), 2)


HEAD = """
import ctypes, os, signal, sys, time
from pathlib import Path
from alphapanda_desktop.domain.strategy import Parameters, Strategy, number

class Mine(Strategy):
    name = "mine"
    class Params(Parameters):
        fast: int = number(3, "bars", ge=1, le=50)
    lookback = 3
    runs = []
"""


def a_file(
    folder: Path, *body: str, name: str = "mine.py", at: str = "on_bar(self, ctx, instrument, bar)"
) -> StrategyFile:
    """A strategy file whose one hook has that body."""
    path = folder / name
    lines = [f"    def {at}:", *(f"        {line}" for line in body)]
    path.write_text(HEAD + "\n".join(lines) + "\n", encoding="utf-8")
    return StrategyFile.of(read(path)[0])
