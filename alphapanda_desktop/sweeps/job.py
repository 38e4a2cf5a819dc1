"""One backtest as a job: all that a worker needs to play it, small enough to send, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Final

from pydantic import ValidationError

from alphapanda_desktop.authoring.load import execute, imported
from alphapanda_desktop.authoring.sources import Source, read
from alphapanda_desktop.backtest.assumptions import assumptions_of
from alphapanda_desktop.backtest.engine import CASH, Progress, Result, Setup, backtest
from alphapanda_desktop.backtest.orders import Execution, Refused
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.report import html_of
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.backtest.statistics import Equity, Statistics, equity_of, statistics_of
from alphapanda_desktop.backtest.trades import Trade, trades_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.misfits import misfits_of
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.risk import RiskLimits
from alphapanda_desktop.domain.strategy import Parameters, Strategy
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.sweeps.bars import DataRef, load


@dataclass(frozen=True, slots=True)
class StrategyFile:
    """A strategy file as it was when the job was made; `entry` is "module:Class" for an installed package's."""

    path: str
    sha256: str
    entry: str = ""

    @classmethod
    def of(cls, source: Source) -> StrategyFile:
        return cls(str(source.path.absolute()), source.sha256, source.entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One backtest: pickles to a few hundred bytes, for bars and code are named and not carried."""

    strategy: str | StrategyFile
    """The name of a shipped one, or a file. A file's code runs where the job is played: that is a worker's process."""
    params: Mapping[str, object] = field(default_factory=dict)
    data: tuple[DataRef, ...]
    first: date | None = None
    last: date | None = None
    bar_s: int | None = None
    """Seconds of a bar; the strategy's own where they can be made of the file's, else the file's."""
    product: Product = "MIS"
    cash: float = CASH
    slippage: Slippage = field(default_factory=Slippage)
    limits: RiskLimits = field(default_factory=RiskLimits)
    closing_auction: bool = False
    """These are shares with derivatives: their day ends in the auction of 2026."""
    warm: bool = False
    """Bars before `first` fill the strategy's look-back, so that it can decide on the first bar; no figure has them."""
    page: bool = False
    """Make the report as HTML, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a job; plain values and arrays, whatever the strategy was."""

    strategy: str
    title: str
    params: Mapping[str, Any]
    keys: tuple[str, ...]
    bar_s: int
    first_s: int
    """Epoch second at which the first bar begins; `last_s` of the last."""
    last_s: int
    product: str
    slippage: str
    statistics: Statistics
    equity: Equity
    trades: tuple[Trade, ...]
    executions: tuple[Execution, ...]
    refused: tuple[Refused, ...]
    lines: tuple[tuple[int, str], ...]
    """The strategy's log: epoch second and text."""
    assumptions: tuple[str, ...]
    complete: bool
    """False where it was ended before the last bar."""
    page: str = ""


TELLER: Final[ContextVar[Progress | None]] = ContextVar("TELLER", default=None)
"""Who is told how far a job is where nobody else was named: a pool's worker sets it for its parent."""

_EXECUTING: Final = Lock()
"""Workers of a cluster play in several threads, and a strategy file's classes are looked up under one name."""


class BadParameters(BadData):
    """The strategy refuses these values; the message names each field and what is wrong with it."""


def play(job: Job, told: Progress | None = None) -> Outcome:
    """Play a job here. Raises BadData for what cannot be played; what the strategy raises passes."""
    strategy = strategy_of(job.strategy)
    params = params_of(strategy, job.params)
    bars = [_cut(_bars(ref, _length(ref, job, strategy)), job, strategy, params) for ref in job.data]
    setup = Setup(
        strategy=strategy,
        params=params,
        series=[series for series, _ in bars],
        product=job.product,
        cash=job.cash,
        slippage=job.slippage,
        limits=job.limits,
        with_derivatives=frozenset(ref.instrument.key for ref in job.data) if job.closing_auction else frozenset(),
    )
    return _outcome(_without(backtest(setup, told or TELLER.get()), [before for _, before in bars]), page=job.page)


def strategy_of(which: str | StrategyFile) -> type[Strategy]:
    """The class that is meant. A file is executed anew each time, so that no job finds what another left behind."""
    if isinstance(which, str):
        if which not in SHIPPED:
            raise BadData(f"no strategy is called {which!r}; there are: {', '.join(SHIPPED)}")
        return SHIPPED[which]
    if which.entry:
        return imported(which.entry, which.sha256)
    source, content = read(Path(which.path))
    if source.sha256 != which.sha256:
        raise BadData(f"{which.path} is not the file that the job was made for: it has other content")
    with _EXECUTING:
        kind = execute(which.path, content)
        kind.Params.model_rebuild()
        return kind


def params_of(strategy: type[Strategy], values: Mapping[str, object]) -> Parameters:
    """Values as the strategy's parameters. Raises BadParameters."""
    try:
        return strategy.Params.model_validate(dict(values))
    except ValidationError as error:
        faults = "; ".join(map(str, misfits_of(error, strategy.Params.model_fields)))
        raise BadParameters(f"parameters of {strategy.name}: {faults}") from None


# --- bars ------------------------------------------------------------------------------------------------------------


def _length(ref: DataRef, job: Job, strategy: type[Strategy]) -> int:
    if job.bar_s is not None:
        return job.bar_s
    own, has = strategy.interval.seconds, load(ref).seconds
    return own if own > has and own % has == 0 else has


@lru_cache(maxsize=16)
def _bars(ref: DataRef, seconds: int) -> Series:
    return load(ref).longer(seconds)


def _cut(series: Series, job: Job, strategy: type[Strategy], params: Parameters) -> tuple[Series, int]:
    """The bars to play, and how many of them lie before the first day."""
    part = series.between(job.first, job.last)
    if not len(part):
        name = series.instrument.key
        raise BadData(f"{name}: no bars between {job.first or 'the first'} and {job.last or 'the last'}")
    if not job.warm:
        return part, 0
    begin = int(series.start_s.searchsorted(part.start_s[0]))
    before = min(begin, max(0, strategy(params).lookback - 1))
    return series[begin - before : begin + len(part)], before


def _without(result: Result, before: list[int]) -> Result:
    """The same result, with the bars that only filled the look-back left out; no order can have filled in them."""
    if not any(before):
        return result
    skipped = {series.instrument.key: count for series, count in zip(result.series, before, strict=True)}
    return replace(
        result,
        series=tuple(series[count:] for series, count in zip(result.series, before, strict=True)),
        executions=tuple(fill._replace(bar=fill.bar - skipped[fill.key]) for fill in result.executions),
    )


# --- what came of it -------------------------------------------------------------------------------------------------


def _outcome(result: Result, *, page: bool) -> Outcome:
    equity = equity_of(result)
    units = {series.instrument.key: series.instrument.multiplier for series in result.series}
    trades = trades_of(result.executions, units)
    statistics = statistics_of(result, equity, trades)
    setup = result.setup
    return Outcome(
        strategy=setup.strategy.name,
        title=setup.strategy.title or setup.strategy.name,
        params=setup.params.model_dump(mode="json"),
        keys=tuple(series.instrument.key for series in result.series),
        bar_s=result.series[0].seconds,
        first_s=int(min(series.start_s[0] for series in result.series)),
        last_s=int(max(series.start_s[-1] for series in result.series)),
        product=setup.product,
        slippage=str(setup.slippage),
        statistics=statistics,
        equity=equity,
        trades=tuple(trades),
        executions=result.executions,
        refused=result.refused,
        lines=result.lines,
        assumptions=tuple(assumptions_of(result)),
        complete=result.complete,
        page=html_of(result, statistics, equity, trades) if page else "",
    )
