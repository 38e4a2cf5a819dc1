"""Plays the window's backtests: history from Kite or a file, a worker process for the strategy, pages on the disk.

No strategy is executed here. Files of bars are read by a worker, too; this process maps the columns that it wrote.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.store.history import CandleHistory, folder_of
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.ui.backtestparts import Report, SweepReport, Told, Wanted

if TYPE_CHECKING:  # the workers' side is imported when the first backtest is asked for
    from alphapanda_desktop.domain.bars import BarSeries
    from alphapanda_desktop.domain.ports import Clock
    from alphapanda_desktop.sweeps.bars import DataRef
    from alphapanda_desktop.sweeps.job import Job
    from alphapanda_desktop.sweeps.pool import Pool, Work
    from alphapanda_desktop.venues.venue import PracticeOptions, Venue

T = TypeVar("T")

MOST_POINTS: Final = 10_000
"""Combinations of a sweep in the window, whose table is ranked by hand and eye."""

TELL_EVERY_S: Final = 0.05
"""A person cannot read faster; bars are played by the million."""


@dataclass(slots=True)
class TestBench:
    """`ui.backtestparts.Bench` of one venue, for one loop; `close` ends its workers."""

    __test__ = False  # pytest takes its name for a test's

    folder: Path
    """The profile's: bars go into its `bars`, pages into its `reports`."""
    history: CandleHistory | None
    """None where a venue has no past, as a recorded day has none."""
    master: InstrumentMaster
    strategies: Callable[[], Mapping[str, type[Strategy]]]
    clock: Clock
    playing: int = 0
    """How many backtests and sweeps play now."""
    _pool: Pool | None = None
    _numbers: count[int] = field(default_factory=lambda: count(1))

    @property
    def available(self) -> Mapping[str, type[Strategy]]:
        """What can be played, by name, now."""
        return self.strategies()

    def today(self) -> date:
        """The day it is in India, by the venue's clock."""
        return self.clock.now().astimezone(IST).date()

    async def play(self, wanted: Wanted, told: Told) -> Report:
        """Fetch what lacks, play it in a worker process, and report. Cancelling ends the worker."""
        with self._counted():
            return await self._play(wanted, told)

    async def sweep(self, wanted: Wanted, axes: Sequence[str], figure: str, told: Told) -> SweepReport:
        """Try every combination of the axes in workers of its own, and rank them. Cancelling ends the workers."""
        with self._counted():
            return await self._sweep(wanted, axes, figure, told)

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self.playing += 1
        try:
            yield
        finally:
            self.playing -= 1

    async def _play(self, wanted: Wanted, told: Told) -> Report:
        began = time.perf_counter()
        refs, notes = await self._bars(wanted, told)
        job = self._job(wanted, refs)
        told("Playing bar by bar…", 0, 0)
        work = self._workers().play(job, _on_loop("Playing bar by bar…", told))
        played = await asyncio.wrap_future(work)
        told("Drawing…", 0, 0)
        bars = await _in_thread(lambda: {ref.instrument.key: _series(ref, job, played.bar_s) for ref in refs})
        instruments = {ref.instrument.key: ref.instrument for ref in refs}
        took = time.perf_counter() - began
        return Report(next(self._numbers), wanted, played, instruments, bars, tuple(notes), took)

    async def _sweep(self, wanted: Wanted, axes: Sequence[str], figure: str, told: Told) -> SweepReport:
        from alphapanda_desktop.sweeps.pool import Pool
        from alphapanda_desktop.sweeps.search import Hands, Listed, search
        from alphapanda_desktop.sweeps.space import Axis, points_of
        from alphapanda_desktop.sweeps.swept import Swept, heat_map
        from alphapanda_desktop.sweeps.trial import Objective, Results

        began, objective = time.perf_counter(), Objective(figure)
        chosen = tuple(Axis.of(text) for text in axes)
        points = list(points_of(chosen))
        if len(points) > MOST_POINTS:
            raise BadData(f"{len(points):,} combinations, {MOST_POINTS:,} allowed here; `alphapanda sweep` takes more")
        refs, _notes = await self._bars(wanted, told)
        job, words = self._job(wanted, refs), f"Trying {len(points):,} combinations…"
        tell = _on_loop(words, told)
        told(words, 0, len(points))
        pool = Pool()
        try:
            found = await _in_thread(
                lambda: search(
                    job, Listed(points), Hands(pool, 2 * pool.workers), Results(),
                    lambda done, _trial: tell(done, len(points)),
                )
            )  # fmt: skip
        finally:  # cancelled, this ends the search too: what it waits for is cancelled with the workers
            in_daemon_thread("test bench", pool.kill)
        ranked = objective.ranked(found)
        placed = set(map(id, ranked))
        rest = [trial for trial in found if id(trial) not in placed]
        swept = Swept(
            job=job, title=wanted.strategy, method="grid", axes=chosen, objective=objective, trials=tuple(found)
        )
        took = time.perf_counter() - began
        field = heat_map(chosen, found, objective)
        return SweepReport(wanted, figure, objective.least, (*ranked, *rest), len(ranked), field, swept.by_luck, took)

    async def save_page(self, report: Report) -> Sequence[Path]:
        """Write the report as one HTML file; where. Raises OSError."""
        from alphapanda_desktop.backtest.report import page_of

        return await _in_thread(lambda: [self._write(report, ".html", page_of(report.played, report.notes))])

    async def save_tables(self, report: Report) -> Sequence[Path]:
        """Write trades and equity as CSV; where. Raises OSError."""
        from alphapanda_desktop.backtest.tables import csv_of_equity, csv_of_trades

        played = report.played
        return await _in_thread(
            lambda: [
                self._write(report, "-trades.csv", csv_of_trades(played.trades)),
                self._write(report, "-equity.csv", csv_of_equity(played.equity)),
            ]
        )

    def close(self) -> None:
        """End every worker; what waits for one is cancelled."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.kill()

    def _workers(self) -> Pool:
        if self._pool is None:
            from alphapanda_desktop.sweeps.pool import Pool

            self._pool = Pool(1)  # one after another, in one worker that is warm
        return self._pool

    # -- bars ------------------------------------------------------------------------------------------------

    async def _bars(self, wanted: Wanted, told: Told) -> tuple[list[DataRef], list[str]]:
        if wanted.file is not None:
            told(f"Reading {wanted.file.name}…", 0, 0)
            return [await self._of_file(wanted.file, wanted.instruments)], []
        refs, notes = list[Any](), list[str]()
        for instrument in wanted.instruments:
            ref, said = await self._of_kite(instrument, wanted, told)
            refs.append(ref)
            notes += [f"{instrument.key}: {line}" for line in said]
        return refs, notes

    async def _of_file(self, path: Path, instruments: Sequence[Instrument]) -> DataRef:
        from alphapanda_desktop.sweeps.bars import refer

        instrument = instruments[0] if instruments else self._named_like(path)
        work: Work[DataRef] = self._workers().submit(refer, path, instrument, self.folder / "bars")
        return await asyncio.wrap_future(work)

    def _named_like(self, path: Path) -> Instrument:
        """The share on NSE that the file is called like; it need not be one of today."""
        symbol = re.sub(r"[^A-Z0-9&-]", "", path.name.split(".")[0].upper()) or "FILE"
        known = self.master.by_key(f"NSE:{symbol}")
        return known or Instrument(1, 0, symbol, symbol, 0.0, None, 0.0, 0.05, 1, "EQ", "NSE", "NSE")

    async def _of_kite(self, instrument: Instrument, wanted: Wanted, told: Told) -> tuple[DataRef, list[str]]:
        from alphapanda_desktop.sweeps.past import interval_for, refer_past

        if self.history is None:
            raise BadData("A recorded day has no past to play: choose a file of bars.")
        seconds = wanted.bar_s or self.available[wanted.strategy].interval.seconds
        first, last = wanted.first, wanted.last
        if first is None or last is None:
            raise BadData("History from Kite needs a first and a last day.")
        interval = interval_for(seconds)
        if wanted.continuous and (interval is not Interval.DAY or instrument.instrument_type != "FUT"):
            raise BadData(f"{instrument.key}: Kite stitches expiries for day bars of futures only.")
        words = f"Reading candles of {instrument.tradingsymbol}…"
        past = await self.history.past(
            instrument, interval, first, last, continuous=wanted.continuous,
            has_derivatives=self.master.has_derivatives(instrument),
            progress=lambda done, pages: told(words, done, pages),
        )  # fmt: skip
        return await _in_thread(lambda: refer_past(past, self.folder / "bars")), past.lines()

    # -- the job ---------------------------------------------------------------------------------------------

    def _job(self, wanted: Wanted, refs: Sequence[DataRef]) -> Job:
        from alphapanda_desktop.backtest.path import Slippage
        from alphapanda_desktop.sweeps.job import Job, StrategyFile

        kind = self.available[wanted.strategy]
        source = getattr(kind, "source", None)
        seconds = wanted.bar_s or (None if wanted.file else kind.interval.seconds)
        return Job(
            strategy=wanted.strategy if source is None else StrategyFile.of(source),
            params=wanted.params, data=tuple(refs), first=wanted.first, last=wanted.last, bar_s=seconds,
            product=wanted.product, cash=wanted.cash, slippage=Slippage.of(wanted.slippage),
            closing_auction=all(self.master.has_derivatives(ref.instrument) for ref in refs),
        )  # fmt: skip

    def _write(self, report: Report, ending: str, text: str) -> Path:
        played = report.played
        words = f"backtest-{played.strategy}-{'-'.join(played.keys[:3])}-{self.today()}-{report.number}"
        folder = self.folder / "reports"
        folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^A-Za-z0-9_-]+", "-", words)
        for number in count(1):
            path = folder / f"{stem}{'' if number == 1 else f'-{number}'}{ending}"
            with suppress(FileExistsError), path.open("x", encoding="utf-8") as file:
                file.write(text)
                return path
        raise AssertionError("numbers do not end")


def bench_of(
    folder: Path,
    practice: PracticeOptions,
    venue: Venue,
    master: InstrumentMaster,
    strategies: Mapping[str, type[Strategy]],
    tell: Callable[[str], None],
) -> TestBench:
    """The bench of a venue; prices of each made-up market are kept apart from all others."""
    from alphapanda_desktop.kite.contract_market import candle_pages
    from alphapanda_desktop.kite.reader import KiteReader

    name = "kite"
    if venue.mode == "practice":
        replayed = hashlib.sha256("|".join(map(str, practice.ticks)).encode()).hexdigest()[:8]
        name = f"practice-{replayed if practice.ticks else practice.seed}"
    history, client = None, venue.client
    if isinstance(client, KiteReader):  # a recorded day has another reader, and no past
        history = CandleHistory(client, candle_pages, folder_of(folder, name), venue.clock, tell)
    return TestBench(folder, history, master, lambda: strategies, venue.clock)


def _series(ref: DataRef, job: Job, seconds: int) -> BarSeries:
    """The bars that were played, as a chart draws them."""
    import numpy as np

    from alphapanda_desktop.domain.bars import BarSeries, Table
    from alphapanda_desktop.domain.market import period_of
    from alphapanda_desktop.sweeps.bars import load

    played = load(ref).longer(seconds).between(job.first, job.last)
    made = BarSeries(period_of(f"{seconds}s"))
    columns = (played.start_s, played.open, played.high, played.low, played.close, played.volume)
    made.load(Table(*columns, np.zeros(len(played), np.int64)))
    return made


def _on_loop(words: str, told: Told) -> Callable[[int, int], None]:
    """Carries progress from a thread of the pool's to the loop, no oftener than a person reads."""
    loop, last = asyncio.get_running_loop(), [0.0]

    def tell(done: int, total: int) -> None:
        now = time.monotonic()
        if now - last[0] >= TELL_EVERY_S:
            last[0] = now
            with suppress(RuntimeError):  # the loop is closed: nobody looks any more
                loop.call_soon_threadsafe(told, words, done, total)

    return tell


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(in_daemon_thread("test bench", work))
