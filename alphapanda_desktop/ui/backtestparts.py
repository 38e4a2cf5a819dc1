"""What the backtest window asks for and is given: words between it and whoever plays backtests; no Qt.

`Bench` is made at the top of the program, which knows Kite's history, the disk and the worker processes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Protocol

from alphapanda_desktop.backtest.facts import Facts
from alphapanda_desktop.backtest.orders import Execution
from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.strategy import Strategy

Value = bool | int | float | str
"""What a parameter may be."""

Told = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much of it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One backtest as a person asks for it. With a `file`, its bars are those of the one instrument."""

    strategy: str
    params: Mapping[str, object] = field(default_factory=dict)
    instruments: tuple[Instrument, ...] = ()
    file: Path | None = None
    first: date | None = None
    last: date | None = None
    bar_s: int | None = None
    """Seconds of a bar; the strategy's own where there is none."""
    product: Product = "MIS"
    cash: float = 10_00_000.0
    slippage: str = "1t"
    continuous: bool = False
    """A future's days stitched over its expiries, as Kite has them; only for day bars of futures."""


class Played(Facts, Protocol):
    """What came of a backtest, as a worker tells it."""

    @property
    def strategy(self) -> str: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    @property
    def executions(self) -> Sequence[Execution]: ...
    @property
    def lines(self) -> Sequence[tuple[int, str]]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """One backtest that was played: what was asked, what came of it; instruments and the bars of each by key."""

    number: int
    wanted: Wanted
    played: Played
    instruments: Mapping[str, Instrument]
    bars: Mapping[str, BarSeries]
    notes: tuple[str, ...] = ()
    """What is to be said of its history: what lacks, what was fetched anew."""
    took_s: float = 0.0

    @property
    def name(self) -> str:
        """What tells it from others: number, strategy, instruments."""
        keys = self.played.keys
        more = f" +{len(keys) - 1}" if len(keys) > 1 else ""
        return f"#{self.number} {self.played.title} · {keys[0]}{more}"


class Field(Protocol):
    """A figure over two parameters: `cells[row][column]`, None where nothing was found."""

    @property
    def across(self) -> str: ...
    @property
    def down(self) -> str: ...
    @property
    def columns(self) -> Sequence[Value]: ...
    @property
    def rows(self) -> Sequence[Value]: ...
    @property
    def cells(self) -> Sequence[Sequence[float | None]]: ...


class Tried(Protocol):
    """One set of parameters, and what came of it; `reason` says why there are no figures."""

    @property
    def params(self) -> Mapping[str, Value]: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def statistics(self) -> Mapping[str, float | int | None]: ...


@dataclass(frozen=True, slots=True, eq=False)
class SweepReport:
    """What a sweep found: candidates best first, then the rest; `by_luck` as `sweeps.swept` has it."""

    wanted: Wanted
    figure: str
    least: bool
    tried: tuple[Tried, ...]
    candidates: int
    field: Field | None
    by_luck: float | None
    took_s: float


class Bench(Protocol):
    """Plays backtests away from this process's loop."""

    @property
    def available(self) -> Mapping[str, type[Strategy]]:
        """What can be played, by name, now."""
        ...

    @property
    def master(self) -> InstrumentMaster: ...

    def today(self) -> date:
        """The day it is in India, by the venue's clock."""
        ...

    async def play(self, wanted: Wanted, told: Told) -> Report:
        """Fetch what lacks, play it in a worker process, and report. Cancelling ends the worker.

        Raises what is wrong with the wish, the history or the strategy, in words.
        """
        ...

    async def sweep(self, wanted: Wanted, axes: Sequence[str], figure: str, told: Told) -> SweepReport:
        """Try every combination of axes like "fast=5:50:5", and rank them by a figure. Cancelling ends the workers.

        Raises what is wrong with the wish, an axis or the history, in words.
        """
        ...

    async def save_page(self, report: Report) -> Sequence[Path]:
        """Write the report as one HTML file that needs nothing else; where. Raises OSError."""
        ...

    async def save_tables(self, report: Report) -> Sequence[Path]:
        """Write its trades and its equity as CSV; where. Raises OSError."""
        ...
