"""What the rules of alerts look at, read from the market, the desk and the session gate as they are now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain import indicators
from alphapanda_desktop.domain.alerts import (
    INDICATORS,
    LOGIN,
    Crossing,
    Direction,
    Kind,
    Rule,
    indicator_name,
    made_of,
    problem,
)
from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.calendar import closing_time, is_open, session_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.pnl import Pnl
from alphapanda_desktop.domain.ports import Clock, LinkState
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.market import Market

Floats = NDArray[np.float64]


class TellsNet(Protocol):
    """The desk, as far as profit and loss go."""

    def net(self) -> Pnl | None: ...


class TellsSession(Protocol):
    """The session gate, as far as its end goes."""

    def seconds_left(self) -> float | None: ...


class Values:
    """The value that each kind of rule holds against its level; None where it is not known now.

    `hours` says whether exchanges keep hours: the practice exchange never closes. `look` is called once a second.
    """

    def __init__(self, market: Market, desk: TellsNet, gate: TellsSession, clock: Clock, *, hours: bool) -> None:
        self._market = market
        self._now_s = clock.monotonic_s
        self._desk = desk
        self._gate = gate
        self._hours = hours
        self._heard_s = self._now_s()
        self._of: dict[Kind, Callable[[Rule], float | None]] = {
            Kind.PRICE: self._price,
            Kind.MOVE: self._move,
            Kind.INDICATOR: self._indicator,
            Kind.PNL: lambda _rule: self._net(),
            Kind.SESSION: self._minutes_left,
            Kind.FEED: self._silent_s,
        }

    def now(self, rule: Rule) -> float | None:
        """The value of a rule's kind at the moment; orders have none."""
        of = self._of.get(rule.kind)
        return of(rule) if of is not None else None

    def look(self) -> None:
        """Note whether the feed is heard; a feed that need not speak, out of hours, counts as heard."""
        if self._market.ticks_per_s > 0 or not self._speaks():
            self._heard_s = self._now_s()

    def why_not(self, rule: Rule) -> str:
        """Why a sound rule can never be true here; empty where it can."""
        if rule.key and self._instrument(rule) is None:
            return f"{rule.key} is not in today's list of instruments."
        if rule.kind is Kind.SESSION and rule.event != LOGIN and not self._hours:
            return f"The practice exchange never closes: an alert before {rule.event} closes would stay silent."
        return ""

    def waits(self, rule: Rule) -> str:
        """Why the value of an indicator cannot be worked out yet; empty where it can, and for any other kind."""
        instrument = self._instrument(rule)
        if rule.kind is not Kind.INDICATOR or instrument is None or problem(rule):
            return ""
        interval = Interval(rule.interval)
        have, needs = self._market.live_series(instrument, interval).closed_count, bars_needed(rule)
        if have < needs:
            return (
                f"{instrument.tradingsymbol} has {have} of the {needs} closed bars of {interval.label} that "
                f"{indicator_name(rule)} needs."
            )
        return "" if self.now(rule) is not None else f"{indicator_name(rule)} has no value of these bars."

    # -- each kind -------------------------------------------------------------------------------------------

    def _price(self, rule: Rule) -> float | None:
        instrument = self._instrument(rule)
        # What a subscription tells first may be of yesterday, and has crossed nothing today.
        tick = self._market.trusted(instrument.instrument_token) if instrument is not None else None
        return tick.last_price if tick is not None else None

    def _move(self, rule: Rule) -> float | None:
        instrument = self._instrument(rule)
        tick = self._market.trusted(instrument.instrument_token) if instrument is not None else None
        if tick is None or tick.ohlc is None or not tick.ohlc.close:
            return None
        change = tick.change or 0.0
        return {"either": abs(change), "above": change, "below": -change}[rule.direction]

    def _indicator(self, rule: Rule) -> float | None:
        instrument = self._instrument(rule)
        if instrument is None or problem(rule):
            return None
        value = indicator_of(rule, self._market.live_series(instrument, Interval(rule.interval)))
        return value if np.isfinite(value) else None

    def _net(self) -> float | None:
        net = self._desk.net()
        return net.net if net is not None else None

    def _minutes_left(self, rule: Rule) -> float | None:
        if rule.event == LOGIN:
            left = self._gate.seconds_left()
            return None if left is None else left / 60
        now = self._market.now()
        closes = closing_time(rule.event, now)
        return None if closes is None else (closes - now).total_seconds() / 60

    def _silent_s(self, rule: Rule) -> float | None:
        instrument = self._instrument(rule) if rule.key else None
        if instrument is None:
            return max(0.0, self._now_s() - self._heard_s)
        age_s = self._market.age_s(instrument.instrument_token)
        return age_s if age_s is None or not self._hours else self._since_bell(instrument.exchange, age_s)

    def _since_bell(self, exchange: str, age_s: float) -> float | None:
        """A silence that began before the exchange opened is counted from its bell; none while it is closed."""
        now = self._market.now()
        day = session_on(exchange, now.astimezone(IST).date())
        if day is None or not is_open(exchange, now):
            return None
        return min(age_s, (now - day.open).total_seconds())

    # -- what they share -------------------------------------------------------------------------------------

    def _instrument(self, rule: Rule) -> Instrument | None:
        return self._market.master.by_key(rule.key) if rule.key else None

    def _speaks(self) -> bool:
        """Whether ticks are due at all: of something that is watched, on an exchange that is open."""
        if self._market.frozen_at is not None or self._market.link.state is LinkState.OFF:
            return False
        now, master = self._market.now(), self._market.master
        watched = [instrument for token in self._market.watched() if (instrument := master.by_token(token)) is not None]
        if not self._hours:
            return bool(watched)
        return any(is_open(exchange, now) for exchange in {instrument.exchange for instrument in watched})


def crossing_of(rule: Rule, side: int = 0) -> Crossing:
    """What watches a rule's value. A move is made positive by its direction, time and silence have one of their own."""
    directions: dict[Kind, Direction] = {Kind.MOVE: "above", Kind.SESSION: "below", Kind.FEED: "above"}
    return Crossing(rule.level, directions.get(rule.kind, rule.direction), side)


def bars_needed(rule: Rule) -> int:
    """Closed bars before an indicator has its first value."""
    if rule.indicator not in INDICATORS:
        return made_of(rule).lookback + 1
    return {"macd": 34, "rsi": rule.period + 1, "atr": rule.period + 1}.get(rule.indicator, rule.period)


def indicator_of(rule: Rule, series: BarSeries) -> float:
    """The rule's indicator at the last bar that has closed, of as many bars as it needs to settle; NaN for too few."""
    end = series.closed_count
    if not end:
        return float("nan")
    if rule.indicator not in INDICATORS:
        return _listed(rule, series, end)
    window = indicators.settled(max(rule.period, 26))
    high, low, close = (column[max(0, end - window) : end] for column in (series.high, series.low, series.close))
    return float(_INDICATORS[rule.indicator](high, low, close, rule.period)[-1])


def _listed(rule: Rule, series: BarSeries, end: int) -> float:
    """The same number as on the chart: over as many bars, of the line that is wanted."""
    made = made_of(rule)
    first = max(0, end - made.window)
    lines = made(*(getattr(series, column)[first:end] for column in made.columns))
    if not isinstance(lines, tuple):
        return float(lines[-1])
    return float(lines[made.lines.index(rule.line) if rule.line else 0][-1])


_INDICATORS: Final[dict[str, Callable[[Floats, Floats, Floats, int], Floats]]] = {
    "rsi": lambda _high, _low, close, period: indicators.rsi(close, period),
    "sma": lambda _high, _low, close, period: indicators.sma(close, period),
    "ema": lambda _high, _low, close, period: indicators.ema(close, period),
    "atr": indicators.atr,
    "macd": lambda _high, _low, close, _period: indicators.macd(close).line,
}
