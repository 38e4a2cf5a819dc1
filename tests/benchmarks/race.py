"""Ours against a rival in the same run: alternating rounds, medians, a ratio.

Ratios travel between machines, times do not; so nothing here fails for a time, and a missed target is said, not raised.

How a benchmark becomes a row of the table: the test carries `@figure("decode-100")` (several names where it measures
several), and calls `board.figure("decode-100", ours, rival)`. What the row is called and how far it may go stand in
FIGURES. A test that raises or skips before that leaves a row that says why. `board.race` and `board.note` are for what
is worth knowing beside the table.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
QUICK = bool(os.environ.get("ALPHAPANDA_BENCH_QUICK"))
"""Fewer rounds: for seeing that all runs, not for numbers to show."""


def figure(*names: str) -> pytest.MarkDecorator:
    """Mark of a test that measures the figures of these names."""
    return pytest.mark.figure(*names)  # asked for late: the mark is known where benchmarks run, and only there


@dataclass(frozen=True)
class Figure:
    """A row that is promised: `target` is the highest ratio to the rival, or the highest value itself if `alone`."""

    name: str
    target: float
    unit: str
    alone: bool = False


FIGURES: dict[str, Figure] = {
    "decode-1": Figure("decode to objects, full mode, 1 a frame; KiteTicker", 1 / 12, "µs"),
    "decode-100": Figure("decode to objects, full mode, 100 a frame; KiteTicker", 1 / 25, "µs"),
    "table-100": Figure("decode into the table, 100 a frame; KiteTicker", 1 / 120, "µs"),
    "table-3000": Figure("decode into the table, 3,000 a frame; KiteTicker", 1 / 200, "µs"),
    "table-mixed": Figure("decode into the table, mixed 100 a frame; KiteTicker", 1 / 50, "µs"),
    "path-10k-p50": Figure("socket to strategy, 10,000/s, p50; KiteTicker + Qt signal", 1 / 5, "µs"),
    "path-10k-p99": Figure("socket to strategy, 10,000/s, p99; KiteTicker + Qt signal", 1 / 4, "µs"),
    "path-50k-p99": Figure("socket to strategy, 50,000/s, p99; KiteTicker + Qt signal", 1 / 50, "µs"),
    "path-50k-cpu": Figure("CPU at 50,000/s, 60 Hz chart (% of a core)", 30.0, "%", alone=True),
    "hop-idle": Figure("call_soon hop, idle; qasync", 0.5, "µs"),
    "hop-paint": Figure("call_soon hop, saturated paint; qasync", 0.01, "µs"),
    "timers-early": Figure("the earliest timer before its time (ms)", 0.0, "ms", alone=True),
    "burst-3000": Figure("a frame of 3,000, socket to last callback; KiteTicker", 1 / 25, "ms"),
    "window-cpu": Figure("CPU of the whole window, 10,000/s; VeighNa's parts", 1 / 3, "CPU s"),
    "last-bar": Figure("last-bar update at 1,000,000 candles; finplot", 1 / 100, "ms"),
    "pan-300": Figure("pan step, 300 of 1,000,000; finplot", 1 / 10, "ms"),
    "repaint-100k": Figure("full view of 100,000 candles repainted; VeighNa chart", 1 / 100, "ms"),
    "zoom-any": Figure("pan or zoom at 1,000,000, any zoom; empty PlotWidget", 2.5, "ms"),
    "cells-50k": Figure("50,000 changed cells/s, CPU; QTableWidget", 1 / 4, "CPU s"),
    "recording": Figure("recording, CPU a tick; SQLAlchemy Core executemany", 1 / 30, "µs"),
    "intent": Figure("durable order intent; fdatasync of 200 bytes", 2.5, "µs"),
    "growth": Figure("CPU a tick at 9,000 instruments; itself at 100", 1.3, "µs"),
    "first-paint": Figure("spawn to first paint; bare QMainWindow", 1.5, "ms"),
    "usable": Figure("spawn to usable: loop, database, chart; bare QMainWindow", 3.5, "ms"),
    "bars-backtrader": Figure("EMA cross, 1,000,000 bars, a bar; backtrader", 1 / 80, "µs"),
    "bars-nautilus": Figure("EMA cross, 1,000,000 bars, a bar; NautilusTrader in Python", 1 / 20, "µs"),
    "bars-backtesting": Figure("EMA cross, 1,000,000 bars, a bar; backtesting.py", 1 / 7, "µs"),
    "bars-veighna": Figure("EMA cross, 1,000,000 bars, a bar; VeighNa's CTA backtester", 1 / 1.2, "µs"),
    "bars-growth": Figure("EMA cross, a bar of 1,000,000; itself of 100,000", 1.1, "µs"),
    "ticks-nautilus": Figure("EMA cross, 10,000,000 ticks, a tick; NautilusTrader in Python", 1 / 20, "µs"),
    "ticks-veighna": Figure("EMA cross, 10,000,000 ticks, a tick; VeighNa's CTA backtester", 1 / 1.2, "µs"),
    "ticks-heard": Figure("EMA cross, every tick heard, a tick; VeighNa's CTA backtester", 1.0, "µs"),
    "ticks-growth": Figure("EMA cross, a tick of 10,000,000; itself of 1,000,000", 1.1, "µs"),
    "gc-pause": Figure("longest collection on the loop after start-up (ms)", 2.0, "ms", alone=True),
    "memory-hour": Figure("memory after an hour of 9,000 at 5/s; itself after 5 min", 1.05, "MB"),
}


@dataclass(frozen=True)
class Result:
    """Medians of both sides in `unit`; `ratio` is ours over the rival's, less is better.

    `target` is the highest ratio (or, for what stands alone, value) we are content with. Where nothing was promised,
    target and ok are None; where it could not be measured, `ours` is None and `detail` says why.
    """

    name: str
    ours: float | None
    rival: float | None = None
    ratio: float | None = None
    target: float | None = None
    ok: bool | None = None
    unit: str = ""
    detail: str = ""
    key: str = ""

    def line(self) -> str:
        said = {True: "ok", False: "MISSED", None: ""}[self.ok]
        if self.ok is False and self.ours is None:
            said = "NOT MEASURED"
        cells = (
            f"{_cell(self.ours, 12, 2)}{_cell(self.rival, 14, 2)}{_cell(self.ratio, 9, 4)}{_cell(self.target, 9, 4)}"
        )
        return f"{self.name:<60}{cells}  {said}{f' ({self.detail})' if self.detail else ''}"


def _cell(value: float | None, width: int, digits: int) -> str:
    return f"{value:>{width},.{digits}f}" if value is not None else f"{'–':>{width}}"


@dataclass
class Board:
    """Results in the order in which they came."""

    results: list[Result] = field(default_factory=list)

    def figure(
        self, key: str, ours: Sequence[float] | float, rival: Sequence[float] | float | None = None, detail: str = ""
    ) -> Result:
        """Note a promised row: medians of both sides in the unit of FIGURES; without a rival the value stands alone."""
        promised, a = FIGURES[key], _median(ours)
        b = None if rival is None else _median(rival)
        if b is None and not promised.alone:
            raise ValueError(f"{key} needs a rival")
        ratio = None if not b else a / b
        measured = a if promised.alone or ratio is None else ratio
        return self._add(
            Result(
                promised.name,
                round(a, 4),
                None if b is None else round(b, 4),
                None if ratio is None else round(ratio, 5),
                promised.target,
                measured <= promised.target,
                promised.unit,
                detail,
                key,
            )
        )

    def cannot(self, key: str, why: str) -> Result:
        """Note a promised row that could not be measured."""
        promised = FIGURES[key]
        return self._add(
            Result(promised.name, None, target=promised.target, ok=False, unit=promised.unit, detail=why, key=key)
        )

    def race(self, name: str, ours: Sequence[float], rival: Sequence[float], target: float) -> Result:
        """Note medians of both sides of something that the table does not promise."""
        a, b = statistics.median(ours), statistics.median(rival)
        return self._add(Result(name, round(a, 3), round(b, 3), round(a / b, 4), target, a / b <= target))

    def limit(self, name: str, ours: Sequence[float] | float, target: float) -> Result:
        """Note what has a limit and no rival, and is not in the table."""
        value = _median(ours)
        return self._add(Result(name, round(value, 3), target=target, ok=value <= target))

    def note(self, name: str, ours: float) -> None:
        """Note a number that has no rival."""
        self._add(Result(name, round(ours, 3)))

    def has(self, key: str) -> bool:
        """Whether that figure has its row."""
        return any(result.key == key for result in self.results)

    def _add(self, result: Result) -> Result:
        self.results.append(result)
        return result

    def table(self) -> str:
        head = f"{'':<60}{'ours':>12}{'rival':>14}{'ratio':>9}{'target':>9}"
        return "\n".join([head, *(result.line() for result in self.results)])

    def json_lines(self) -> str:
        return "\n".join(json.dumps(asdict(result), ensure_ascii=False) for result in self.results)


def _median(values: Sequence[float] | float) -> float:
    return float(values) if isinstance(values, int | float) else float(statistics.median(values))


def rounds(full: int, quick: int = 3) -> int:
    """How often to measure: `full` times, or `quick` times where only a look is wanted."""
    return quick if QUICK else full


def alternating(
    ours: Callable[[], object],
    rival: Callable[[], object],
    rounds: int,
    calls: int = 1,
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[list[float], list[float]]:
    """Microseconds of one call of each, one figure a round; the first round warms up and is left out.

    `clock` may be `time.process_time`, which other programs on the machine disturb less.
    """
    times: tuple[list[float], list[float]] = ([], [])
    for number in range((min(rounds, 3) if QUICK else rounds) + 1):
        for work, noted in zip((ours, rival), times, strict=True):
            began = clock()
            for _ in range(calls):
                work()
            if number:
                noted.append((clock() - began) / calls * 1e6)
    return times


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


# --- rivals that are no part of the program ---------------------------------------------------------------------------


def rivals_python() -> Path:
    """The interpreter of the rivals' own environment, which `make bench` makes; skips the test where there is none."""
    folder = ROOT / ".venv-rivals"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / "installed-from").exists() or not python.exists():
        why = folder / "why-not"
        pytest.skip(f"rival not installed: {why.read_text().strip() if why.exists() else 'run `make bench`'}")
    return python


class Rival:
    """A script of tests/benchmarks that answers each line on its input with one line of JSON (`rivals_parts.serve`).

    `rivals=True` runs it in the rivals' environment, False in ours; always in a process of its own. Turns alternate
    with ours, so both meet the same noise; what happens before the first turn is not measured, because the script
    measures itself.
    """

    def __init__(self, script: str, *words: str, rivals: bool = True) -> None:
        python = rivals_python() if rivals else Path(sys.executable)
        self._home = tempfile.TemporaryDirectory()  # some keep their settings there, and read ours
        settings = os.environ | {"PYTHONPATH": str(ROOT), "HOME": self._home.name, "PYQTGRAPH_QT_LIB": "PySide6"}
        settings.setdefault("QT_QPA_PLATFORM", "offscreen")
        self._process = subprocess.Popen(
            [str(python), str(HERE / script), *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=settings,
        )
        self.ready = self._line()
        """What the script said when it was ready for its first turn."""

    def turn(self, word: str = "go") -> Any:
        """Have it do one turn; what it measured."""
        assert self._process.stdin is not None
        self._process.stdin.write(word + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> Any:
        assert self._process.stdout is not None
        while line := self._process.stdout.readline():
            if line.startswith(("{", "[")) or line[:1].isdigit():
                return json.loads(line)  # what else a rival prints is for people
        assert self._process.stderr is not None
        raise RuntimeError(f"the rival ended: {self._process.stderr.read().strip()[-600:]}")

    def __enter__(self) -> Rival:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()
        self._home.cleanup()
