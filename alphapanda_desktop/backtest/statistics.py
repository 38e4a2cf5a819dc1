"""What a backtest comes to in figures; each formula stands beside its figure.

Returns are those of the account from day to day: r = equity at the last bar of a day / equity of the day before - 1,
for the first day against the opening cash. A year has 252 days and the risk-free rate is 0, as empyrical has it:

  total return    equity at the end / opening cash - 1
  CAGR            (1 + total return) ^ (252 / days) - 1
  volatility      standard deviation of r (n - 1) x sqrt(252)
  Sharpe          mean of r / standard deviation of r (n - 1) x sqrt(252)
  Sortino         mean of r x 252 / (sqrt(mean of min(r, 0)^2) x sqrt(252))
  max drawdown    lowest of equity / highest equity so far - 1, from day to day, the opening cash included
  win rate        closed trades with a net result above 0 / closed trades
  profit factor   net results above 0 / -(net results below 0)
  expectancy      mean net result of a closed trade
  exposure        bars at whose close something is held / bars
  turnover        rupees bought and sold

A figure that cannot be worked out is None: a ratio with nothing below the line, and what days return once an account is
worth nothing.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np

from alphapanda_desktop.backtest.engine import Result
from alphapanda_desktop.backtest.series import DAY_S, IST_S, Floats, Ints, ends_of
from alphapanda_desktop.backtest.trades import Trade, trades_of
from alphapanda_desktop.domain.positions import RUPEE, to_money

YEAR = 252


@dataclass(frozen=True, slots=True)
class Equity:
    """The account at the close of each bar: epoch second of the close, booked money, whether something is held."""

    at_s: Ints
    worth: Ints
    holding: np.ndarray[tuple[int], np.dtype[np.bool_]]

    def daily(self, opening: int) -> tuple[Ints, Ints]:
        """Indian days since 1970 and the account at the end of each, `opening` before the first."""
        days = (self.at_s - 1 + IST_S) // DAY_S
        last = np.flatnonzero(np.append(np.diff(days) > 0, True)) if len(days) else np.zeros(0, np.int64)
        return days[last], np.concatenate([[opening], self.worth[last]]).astype(np.int64)


class Ratios(NamedTuple):
    """What the account's days alone tell, as fractions of one."""

    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """The figures; money in rupees, ratios as fractions of one."""

    bars: int
    days: int
    opening: float
    closing: float
    total_return: float
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    max_drawdown: float
    trades: int
    open_trades: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    best_trade: float | None
    worst_trade: float | None
    gross: float
    charges: float
    turnover: float
    exposure: float
    orders: int
    fills: int
    refused: int

    def as_dict(self) -> dict[str, float | int | None]:
        return asdict(self)


def equity_of(result: Result) -> Equity:
    """The account bar by bar, over all instruments."""
    shares = result.setup.with_derivatives
    ends_all = [ends_of(series, has_derivatives=series.instrument.key in shares) for series in result.series]
    times = np.unique(np.concatenate(ends_all))
    cash = np.zeros(len(times), np.int64)
    value, holding = np.zeros(len(times), np.int64), np.zeros(len(times), np.bool_)
    for series, ends in zip(result.series, ends_all, strict=True):
        own = [fill for fill in result.executions if fill.key == series.instrument.key]
        units = series.instrument.multiplier
        bars = np.array([fill.bar for fill in own], np.int64)
        paid = [-fill.sign * to_money(fill.quantity * fill.price * units) - fill.charges for fill in own]
        np.add.at(cash, np.searchsorted(times, ends[bars]), np.array(paid, np.int64))
        moved = np.zeros(len(series), np.int64)
        np.add.at(moved, bars, np.array([fill.sign * fill.quantity for fill in own], np.int64))
        held = np.cumsum(moved)
        worth = np.rint(held * series.close * units * RUPEE).astype(np.int64)
        last = np.searchsorted(ends, times, side="right") - 1
        known = last >= 0
        value += np.where(known, worth[last], 0)
        holding |= known & (held[last] != 0)
    return Equity(times, result.opening + np.cumsum(cash) + value, holding)


def statistics_of(result: Result, equity: Equity | None = None, trades: list[Trade] | None = None) -> Statistics:
    """All figures of a result."""
    equity = equity or equity_of(result)
    units = {series.instrument.key: series.instrument.multiplier for series in result.series}
    trades = trades_of(result.executions, units) if trades is None else trades
    days, daily = equity.daily(result.opening)
    nets = np.array([trade.net for trade in trades if trade.closed_s is not None]) / RUPEE
    won, lost = float(nets[nets > 0].sum()), float(-nets[nets < 0].sum())
    ratios, closing, opening = ratios_of(daily), int(daily[-1]) / RUPEE, result.opening / RUPEE
    bought = sum(to_money(fill.quantity * fill.price * units[fill.key]) for fill in result.executions)
    return Statistics(
        bars=sum(len(series) for series in result.series),
        days=len(days),
        opening=opening,
        closing=closing,
        total_return=ratios.total_return,
        cagr=ratios.cagr,
        volatility=ratios.volatility,
        sharpe=ratios.sharpe,
        sortino=ratios.sortino,
        max_drawdown=ratios.max_drawdown,
        trades=len(nets),
        open_trades=len(trades) - len(nets),
        win_rate=_over(int(np.count_nonzero(nets > 0)), len(nets)),
        profit_factor=_over(won, lost),
        expectancy=_over(float(nets.sum()), len(nets)),
        best_trade=float(nets.max()) if len(nets) else None,
        worst_trade=float(nets.min()) if len(nets) else None,
        gross=closing - opening + result.charged / RUPEE,
        charges=result.charged / RUPEE,
        turnover=bought / RUPEE,
        exposure=float(np.mean(equity.holding)),
        orders=len(result.working),
        fills=len(result.executions),
        refused=len(result.refused),
    )


def ratios_of(daily: Ints) -> Ratios:
    """The figures of an account that was worth so much at the start and at the end of each day after.

    Of an account that was worth nothing, or less, there is no return of a day: what is made of them is unknown.
    """
    growth = int(daily[-1]) / int(daily[0])
    lost = bool((daily[:-1] <= 0).any())
    returns = np.zeros(0) if lost else np.diff(daily) / daily[:-1]
    return Ratios(
        total_return=growth - 1,
        cagr=_cagr(growth, len(daily) - 1),
        volatility=_over(float(np.std(returns, ddof=1)) * YEAR**0.5, 1.0) if len(returns) > 1 else None,
        sharpe=_sharpe(returns),
        sortino=_sortino(returns),
        max_drawdown=float(np.min(daily / np.maximum.accumulate(daily) - 1)),
    )


def drawdown_of(worth: Ints) -> Floats:
    """How far below its highest value so far each one is, as a fraction, 0 or less."""
    fallen: Floats = worth / np.maximum.accumulate(worth) - 1.0
    return fallen


def _cagr(growth: float, days: int) -> float | None:
    return growth ** (YEAR / days) - 1 if days and growth > 0 else None


def _sharpe(returns: Floats) -> float | None:
    if len(returns) < 2:
        return None
    return _over(float(np.mean(returns)) * YEAR**0.5, float(np.std(returns, ddof=1)))


def _sortino(returns: Floats) -> float | None:
    if not len(returns):
        return None
    return _over(float(np.mean(returns)) * YEAR**0.5, float(np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2))))


def _over(above: float, below: float) -> float | None:
    return above / below if below else None
