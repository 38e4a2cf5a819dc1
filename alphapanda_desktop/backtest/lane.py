"""One instrument under way: where its bars are, what is held, what waits, and what must happen before it is looked at.

A bar is matched only where something can happen in it: `due` is the number of the first bar that must be looked at
for its time, `watch_low` and `watch_high` are the prices whose reaching an order or a stop waits for.

Most bars are none of these. For each the engine says only how many have closed: what follows from that, the last
price and the time, is worked out when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from math import inf
from typing import Final, NamedTuple, cast

import numpy as np

from alphapanda_desktop.backtest.orders import Working
from alphapanda_desktop.backtest.series import DAY_S, Series, begins_s, day_of, decided_of, ends_of
from alphapanda_desktop.backtest.ticks import Ticks, Way
from alphapanda_desktop.domain.calendar import Phase, session_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.slicing import CASH, largest_order
from alphapanda_desktop.domain.squareoff import rule_of
from alphapanda_desktop.domain.strategy import Holding

NOTHING: Final = (0, 0.0, 0.0)
"""A lot of which nothing was ever held."""

NEVER: Final = 1 << 62
"""Number of a bar that does not come."""


class DayPlan(NamedTuple):
    """One Indian day of an exchange, as epoch seconds; a day whose hours are not known is open for no short cut."""

    day: date
    begins_s: float
    ends_s: float
    open_s: float
    close_s: float
    square_off_s: float
    largest: int | None
    """The most that one order may ask for; None where it is not known."""
    units: int
    lot: int = 1
    products: tuple[str, ...] = ()
    """What it may be ordered as; nothing for an index."""


@dataclass(slots=True)
class Stop:
    """A stop that the program watches: `ctx.protect`. `sign` is that of the position it closes."""

    trigger: float
    sign: int
    reason: str
    held: bool = False

    def crossed(self, price: float) -> bool:
        """Whether that price is at or beyond the trigger."""
        return price <= self.trigger if self.sign > 0 else price >= self.trigger


class Lane:
    """State of one instrument; changed only by the engine."""

    def __init__(self, series: Series, *, has_derivatives: bool = False, ticks: Ticks | None = None) -> None:
        self.series = series
        self.way = None if ticks is None else Way(ticks, series)
        """The ticks of the bars, where they are known: else a bar's way is assumed."""
        self.instrument = series.instrument
        self.key = series.instrument.key
        self.seconds = series.seconds
        self.ends = ends_of(series, has_derivatives=has_derivatives)
        self.decided = decided_of(series, self.ends)
        """When the strategy is called with each bar."""
        self.units = series.instrument.multiplier
        self.has_derivatives = has_derivatives
        self.count = 0
        """Bars that have closed."""
        self._shown = 0.0
        self._shown_at = -1
        self.resting: list[Working] = []
        self.coming: list[Working] = []
        """Orders that leave with the next price."""
        self.stop: Stop | None = None
        self.lots: dict[Product, tuple[int, float, float]] = {}
        """Quantity, cost and realised rupees by product, before the multiplier."""
        self.whole: tuple[int, float, float] = (0, 0.0, 0.0)
        """The same of all products together."""
        self.intraday_day: date | None = None
        """The day on which the MIS position that is held was opened."""
        self.daily = False
        """Whether the first bar of each day must be looked at: limits on the day's result need its beginning."""
        self.due = 0
        self.watching = False
        """Whether some price is waited for."""
        self.watch_low = -inf
        self.watch_high = inf
        self._due_s = -inf
        self._due_at = 0
        """Which bar is the first at `_due_s`."""
        self.begun = self._plan = DayPlan(date.min, inf, -inf, inf, -inf, inf, None, 1)
        """Plans: of the last day of which a bar was met, and of the one last asked for."""

    @property
    def last(self) -> float:
        """The last price that the market has shown: one within a bar, or the close of the last one; 0 before any."""
        if self._shown_at == self.count:
            return self._shown
        return self.series.close.item(self.count - 1) if self.count else 0.0

    @last.setter
    def last(self, price: float) -> None:
        self._shown, self._shown_at = price, self.count

    @property
    def end_s(self) -> int:
        """When the strategy is called with the last closed bar; there must be one."""
        return self.decided.item(self.count - 1)

    def plan(self, at_s: float) -> DayPlan:
        """The day of that moment."""
        known = self._plan
        if known.begins_s <= at_s < known.ends_s:
            return known
        self._plan = _planned(self.instrument, day_of(at_s), self.has_derivatives)
        return self._plan

    def held(self, product: Product) -> int:
        """Signed quantity held as that product."""
        lot = self.lots.get(product)
        return lot[0] if lot else 0

    def held_as(self) -> dict[Product, int]:
        """Signed quantity by product, where there is any."""
        return {product: lot[0] for product, lot in self.lots.items() if lot[0]}

    def working(self) -> list[Working]:
        """Orders that may still fill, oldest first."""
        return [*self.resting, *self.coming]

    def holding(self) -> Holding:
        """What is held, at the last price."""
        quantity, cost, realised = self.whole
        if not quantity:
            return Holding(0, 0.0, realised * self.units)
        average = cost / quantity
        return Holding(quantity, average, (realised + quantity * (self.last - average)) * self.units)

    def take(self, product: Product, sign: int, quantity: int, price: float, day: date) -> None:
        """Book a fill."""
        before = self.lots.get(product, NOTHING)
        now = self.lots[product] = folded(before, sign * quantity, price)
        self.whole = now if len(self.lots) == 1 else folded(self.whole, sign * quantity, price)
        if product == "MIS" and (before[0] == 0 or before[0] * now[0] < 0):
            self.intraday_day = day

    def schedule(self, wake_s: float = inf) -> None:
        """Work out what must be waited for, after something has changed; `wake_s` is a timer's moment."""
        low, high, due = -inf, inf, inf
        for work in self.resting:
            if work.status == "TRIGGER PENDING":
                price, upward = cast(float, work.trigger), work.sign > 0
            else:
                price, upward = work.limit, work.sign < 0
            low, high = (low, min(high, price)) if upward else (max(low, price), high)
        if self.stop is not None:
            low = max(low, self.stop.trigger) if self.stop.sign > 0 else low
            high = min(high, self.stop.trigger) if self.stop.sign < 0 else high
        plan = self._plan
        if self.resting:
            due = plan.close_s - self.seconds
        if self.daily:
            due = min(due, plan.ends_s)
        if self.held("MIS"):
            due = min(due, plan.square_off_s - self.seconds + 1, plan.ends_s)
        due = min(due, wake_s - self.seconds)
        self.watching = low > -inf or high < inf
        self.watch_low, self.watch_high, self.due = low, high, 0 if self.coming else self._first_at(due)

    def _first_at(self, at_s: float) -> int:
        """Number of the first bar that begins then or later; the last answer is kept, for it is asked for again."""
        if at_s != self._due_s:
            self._due_s = at_s
            self._due_at = NEVER if at_s == inf else int(np.searchsorted(self.series.start_s, at_s))
        return self._due_at


@lru_cache(maxsize=1 << 14)
def _planned(instrument: Instrument, day: date, has_derivatives: bool) -> DayPlan:
    """The plan of a day; kept, since every run of a sweep asks for the same days."""
    session = session_on(instrument.exchange, day, has_derivatives=has_derivatives)
    rule = rule_of(instrument.exchange, has_derivatives=has_derivatives)
    begins = begins_s(day)
    spans = [span for span in session.phases if span.phase is Phase.OPEN] if session else []
    close = session.close.timestamp() if session else begins + DAY_S
    return DayPlan(
        day,
        begins,
        begins + DAY_S,
        spans[0].start.timestamp() if len(spans) == 1 else inf,
        close,
        close - rule.before_close.total_seconds() if session and rule else inf,
        largest_order(instrument, day, None),
        instrument.multiplier,
        instrument.lot,
        _products(instrument),
    )


def _products(instrument: Instrument) -> tuple[str, ...]:
    if not instrument.tradable:
        return ()
    return ("CNC", "MIS", "MTF") if instrument.exchange in CASH else ("NRML", "MIS")


def folded(book: tuple[int, float, float], signed: int, price: float) -> tuple[int, float, float]:
    """An average-cost book after one more fill: quantity, cost, realised."""
    quantity, cost, realised = book
    if quantity * signed >= 0:
        return quantity + signed, cost + signed * price, realised
    average = cost / quantity
    closing = min(abs(signed), abs(quantity)) * (1 if quantity > 0 else -1)
    left = quantity + signed
    realised += closing * (price - average)
    return (left, left * average, realised) if left * quantity > 0 else (left, left * price, realised)
