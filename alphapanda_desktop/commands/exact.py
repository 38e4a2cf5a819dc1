"""`alphapanda backtest --exact`: recorded ticks played to the parts of paper trading, tick by tick."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from alphapanda_desktop.commands.jobs import Progress, chosen_strategy, read, values_of
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.replaying.models import Models
from alphapanda_desktop.sweeps.job import Outcome, StrategyFile
from alphapanda_desktop.sweeps.pool import Pool

TICK: Final = 0.05
LOT: Final = 1
"""What `--tick` and `--lot` are when nobody says anything: then prices, or the day's master, tell."""

LATENCY_MS: Final = 100.0

ABOUT: Final = """
--exact plays ticks: the day files under recordings/MODE of a profile, or CSV with a time and a price column, and day
volume, token or symbol where there are such. KEY=FILE says what is traded of a file, NSE:INFY=2026-11-23.ticks; the
same file may be named more than once. Market, desk, risk, order rates and broker are the very ones of paper trading,
so it takes a second for some ten thousand ticks; without it bars are played, and a second is enough for a million.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """One replay, small enough to be sent to another process: files and code are named and not carried."""

    strategy: str | StrategyFile
    params: Mapping[str, object]
    files: tuple[tuple[str, str], ...]
    """Keys, "" for all that is in it, and paths."""
    first: date | None = None
    last: date | None = None
    bar_s: int | None = None
    product: Product = "MIS"
    cash: float
    models: Models
    tick: float = TICK
    lot: int = LOT
    page: bool = False


def add_exact(parser: argparse.ArgumentParser) -> None:
    """The arguments of a replay."""
    parser.add_argument("--exact", action="store_true", help="DATA is recorded ticks: play them tick by tick")
    parser.add_argument(
        "--latency", type=read(float), metavar="MS",
        help=f"with --exact: how long an order is on its way (default: {LATENCY_MS:g})",
    )  # fmt: skip
    parser.add_argument(
        "--volume-share", type=read(float), metavar="PART",
        help="with --exact: what of a tick's quantity an order may take where no depth was recorded (default: all)",
    )  # fmt: skip


def judge_exact(parser: argparse.ArgumentParser, given: argparse.Namespace) -> None:
    """Refuse what would have no effect: an argument of the other tier."""
    ticks_only = {"--latency": given.latency, "--volume-share": given.volume_share}
    wrong = [name for name, value in ticks_only.items() if value is not None and not given.exact]
    if wrong:
        parser.error(f"{wrong[0]} is for ticks, with --exact: bars know nothing of it")
    if given.exact and given.closing_auction:
        parser.error("--closing-auction is for bars: with --exact the recorded ticks tell when the market was open")


def replay_of(given: argparse.Namespace) -> Replay:
    """The replay that the arguments describe. Raises BadData and StrategyError."""
    chosen = chosen_strategy(given.strategy)
    pairs = (text.rpartition("=") for text in given.data)
    return Replay(
        strategy=chosen.which,
        params=values_of(given.strategy, chosen.presets, given.preset, given.set),
        files=tuple((key, str(Path(name).absolute())) for key, _, name in pairs),
        first=given.first,
        last=given.last,
        bar_s=given.bar,
        product=given.product,
        cash=given.cash,
        models=Models(
            latency_s=(LATENCY_MS if given.latency is None else given.latency) / 1000,
            slippage=given.slippage,
            volume_share=given.volume_share or 0.0,
        ),
        tick=given.tick,
        lot=given.lot,
        page=given.report is not None,
    )


def replayed(replay: Replay) -> Outcome:
    """What came of it: shipped strategies are played here, a file's code in a process of its own.

    Raises BadData for what cannot be played, OSError for what cannot be read, StrategyError for a strategy that fails.
    """
    from alphapanda_desktop.commands.exact_play import play_replay  # the whole desk, which bars do without

    progress = Progress()

    def told(done: int, total: int) -> bool:
        progress(f"{done * 100 // max(total, 1)} % of the recording")
        return True

    try:
        if isinstance(replay.strategy, str):
            return play_replay(replay, told)
        pool = Pool(1)
        try:
            return pool.submit(play_replay, replay).result()
        finally:
            pool.kill()
    finally:
        progress.end()
