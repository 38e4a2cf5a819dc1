"""A bench whose backtests are real and are played at once, when the test lets them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.bars import BarSeries, Table
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.sweeps.bars import keep
from alphapanda_desktop.sweeps.job import Job, play
from alphapanda_desktop.sweeps.space import Axis, points_of
from alphapanda_desktop.sweeps.swept import heat_map
from alphapanda_desktop.sweeps.trial import Objective, try_out
from alphapanda_desktop.ui.backtestparts import Report, SweepReport, Told, Wanted
from tests.backtest.history import walk
from tests.ui.fakes_market import ALL, INFY


@dataclass
class FakeBench:
    """What was asked of it, and what it is to answer. Bars lie in `folder`."""

    folder: Path
    available: Mapping[str, type[Strategy]] = field(default_factory=lambda: SHIPPED)
    master: InstrumentMaster = field(default_factory=lambda: InstrumentMaster(ALL))
    asked: list[Wanted] = field(default_factory=list)
    fails: Exception | None = None
    gate: asyncio.Event | None = None
    swept: list[tuple[Wanted, tuple[str, ...], str]] = field(default_factory=list)
    saved: list[str] = field(default_factory=list)
    cancelled: int = 0
    last: Report | None = None

    def today(self) -> date:
        return datetime(2026, 11, 23, tzinfo=UTC).date()

    async def play(self, wanted: Wanted, told: Told) -> Report:
        self.asked.append(wanted)
        told("Playing bar by bar…", 1, 4)
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.fails is not None:
            raise self.fails
        number = len(self.asked)
        if number > 2 and self.last is not None:  # one more of the same, which takes no time
            return replace(self.last, number=number)
        self.last = a_report(wanted, self.folder, number)
        return self.last

    async def sweep(self, wanted: Wanted, axes: Sequence[str], figure: str, told: Told) -> SweepReport:
        """Every combination in this process, as the workers would have it."""
        self.swept.append((wanted, tuple(axes), figure))
        told("Trying…", 0, 1)
        if self.fails is not None:
            raise self.fails
        chosen, objective = tuple(map(Axis.of, axes)), Objective(figure)
        job = a_job(wanted, self.folder)
        found = [try_out(job, point) for point in points_of(chosen)]
        ranked = objective.ranked(found)
        rest = [trial for trial in found if trial not in ranked]
        field = heat_map(chosen, found, objective)
        return SweepReport(wanted, figure, objective.least, (*ranked, *rest), len(ranked), field, 0.5, 0.1)

    async def save_page(self, report: Report) -> Sequence[Path]:
        self.saved.append(f"page {report.number}")
        return [Path("/somewhere/page.html")]

    async def save_tables(self, report: Report) -> Sequence[Path]:
        self.saved.append(f"tables {report.number}")
        return [Path("/somewhere/trades.csv"), Path("/somewhere/equity.csv")]


def a_report(wanted: Wanted, folder: Path, number: int = 1) -> Report:
    """What comes of that wish over a random walk of INFY."""
    series = walk(375 * 8, seed=number, instrument=INFY)
    played = play(a_job(wanted, folder, number))
    note = ("NSE:INFY: 1 trading day without a candle: 10 Jun 2024.",)
    return Report(number, wanted, played, {INFY.key: INFY}, {INFY.key: bars_of(series)}, note, 0.5)


def a_job(wanted: Wanted, folder: Path, seed: int = 1) -> Job:
    data = keep(walk(375 * 8, seed=seed, instrument=INFY), folder)
    return Job(
        strategy=wanted.strategy, params=wanted.params, data=(data,), cash=wanted.cash,
        slippage=Slippage.of(wanted.slippage), product=wanted.product,
    )  # fmt: skip


def bars_of(series: Series) -> BarSeries:
    made = BarSeries(Interval.MINUTE)
    columns = (series.start_s, series.open, series.high, series.low, series.close, series.volume)
    made.load(Table(*columns, np.zeros(len(series), np.int64)))
    return made
