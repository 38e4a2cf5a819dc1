"""What a strategy holds in its hand in a process of its own: a mirror of its run, and a pipe for its wishes.

The mirror is what the program had told when the call began; within a call it stands still, but for the strategy's own
orders. Purchases, sales and cancellations leave at once and are answered by `on_order`; a wish whose answer depends on
the account (`exit`, `protect`, `target`, `bracket`, timers) waits for the program's word, some tenths of a millisecond.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time
from time import monotonic
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.barbuilder import Hours
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Period
from alphapanda_desktop.domain.orders import INTENDED, Order, Product, Side
from alphapanda_desktop.domain.runbook import Brought, holding_of
from alphapanda_desktop.domain.strategy import Holding
from alphapanda_desktop.domain.wishes import Wishes
from alphapanda_desktop.hosting.papers import moment, order_of
from alphapanda_desktop.hosting.wire import Columns, columns_of, joined, no_rows

LOG_LINES: Final = 200
"""Lines of one call that reach the run's log."""

LONGEST_LINE: Final = 2_000
LONGEST_REASON: Final = 900

SHOW_EVERY_S: Final = 0.05
"""How often values are told while a call goes on; its last are told when it ends."""

SHOWN_AT_ONCE: Final = 60
LARGEST: Final = 1 << 53
"""Beyond it JSON's numbers are not exact."""


class Pipe(Protocol):
    """The way to the program."""

    def say(self, **header: Any) -> None: ...

    def ask(self, what: str, i: int | None, args: Mapping[str, Any]) -> Any:
        """The answer to a wish; what came of it is in the mirror already. Raises ValueError where it was refused."""
        ...


class ChildContext(Wishes):
    """Context of the one strategy of this process."""

    def __init__(
        self, pipe: Pipe, instruments: Sequence[Instrument], interval: Period, product: Product,
        units: Sequence[float], hours: Sequence[Hours | None],
    ) -> None:  # fmt: skip
        super().__init__(interval)
        self._pipe = pipe
        self._instruments = tuple(instruments)
        self._places = {instrument.key: place for place, instrument in enumerate(instruments)}
        self._product: Product = product
        self._units = tuple(units)
        self._hours = tuple(hours)
        self._now_ns = 0
        self._bars: list[Columns] = [no_rows() for _ in instruments]
        self._versions = [0] * len(self._instruments)
        self._prices: dict[int, float] = {}
        self._orders: dict[str, Order] = {}
        self._brought: Brought = {}
        self._tags: deque[str] = deque()
        self._lines = 0
        self._shown: dict[str, object] = {}
        """What is to be shown and was not told yet."""
        self._shown_s = 0.0
        self._owner = threading.get_ident()
        self.open = False
        """Whether a call of the strategy is going on: only within one may it wish for something."""

    # -- what the program tells ------------------------------------------------------------------------------

    def begin(self) -> None:
        """A call begins."""
        self._lines, self.open = 0, True

    def end(self) -> None:
        """The call is over."""
        self.open = False
        self._tell_shown()
        if self._lines > LOG_LINES:
            self._pipe.say(say="log", level="warning", text=f"{self._lines - LOG_LINES} more lines in one call")

    def take(self, state: Mapping[str, Any], body: bytes) -> None:
        """Bring the mirror up to date."""
        self._now_ns = state.get("now", self._now_ns)
        self._prices |= {int(place): price for place, price in state.get("prices", {}).items()}
        for told in state.get("orders", ()):
            order = order_of(told)
            self._orders[order.tag or ""] = order
        for tag in state.get("gone", ()):
            self._orders.pop(tag, None)
        if "brought" in state:
            self._brought = {(key, product): (count, price) for key, product, count, price in state["brought"]}
        self._tags.extend(state.get("tags", ()))
        at = 0
        for place, first, rows in state.get("bars", ()):
            new = columns_of(body, at, rows)
            self._bars[place] = joined(self._bars[place], first, new)
            self._versions[place] += 1
            at += sum(column.nbytes for column in new)

    def count(self, instrument: Instrument) -> int:
        """How many bars have closed."""
        return len(self._bars[self._place(instrument)].start_s)

    # -- what the strategy sees ------------------------------------------------------------------------------

    @property
    def instruments(self) -> Sequence[Instrument]:
        return self._instruments

    @property
    def now(self) -> datetime:
        return moment(self._now_ns)

    def bars(self, instrument: Instrument, count: int | None = None) -> Sequence[Bar]:
        columns = self._last(instrument, count)
        return [Bar._make((*row, True)) for row in zip(*(column.tolist() for column in columns), strict=True)]

    def closes(self, instrument: Instrument, count: int | None = None) -> NDArray[np.float64]:
        return self._last(instrument, count).close.copy()

    def _last(self, instrument: Instrument, count: int | None) -> Columns:
        columns = self._bars[self._place(instrument)]
        rows = len(columns.start_s)
        return columns.rows(0 if count is None else max(0, rows - count), rows)

    def last_price(self, instrument: Instrument) -> float | None:
        return self._prices.get(self._place(instrument))

    def position(self, instrument: Instrument) -> Holding:
        place = self._place(instrument)
        last = self._prices.get(place)
        return holding_of(instrument.key, self._brought, self._orders.values(), last, self._units[place])

    def working(self, instrument: Instrument) -> Sequence[Order]:
        return [order for order in self._orders.values() if order.key == instrument.key and order.live]

    def hours_of(self, instrument: Instrument) -> Hours | None:
        return self._hours[self._place(instrument)]

    def version_of(self, instrument: Instrument) -> int:
        return self._versions[self._place(instrument)]

    def _place(self, instrument: Instrument) -> int:
        place = self._places.get(instrument.key)
        if place is None:
            raise ValueError(f"{instrument.key} is not of this run: {', '.join(self._places)}")
        return place

    # -- what it wishes --------------------------------------------------------------------------------------

    def _order(
        self, side: Side, instrument: Instrument, quantity: int, reason: str, price: float | None,
        trigger_price: float | None, product: Product | None,
    ) -> str:  # fmt: skip
        self._check()
        self._tell_shown()  # what was shown before an order is written down as what it was decided on
        place, count = self._place(instrument), whole(quantity)
        if not self._tags:
            raise ValueError("more orders were asked for in one call than can have a tag")
        tag = self._tags.popleft()
        limit, trigger = decimal(price), decimal(trigger_price)
        self._pipe.say(say="order", tag=tag, side=side, i=place, quantity=count, reason=str(reason)[:LONGEST_REASON],
            price=limit, trigger_price=trigger, product=product)  # fmt: skip
        kind = ("SL" if limit else "SL-M") if trigger else "LIMIT" if limit else "MARKET"
        self._orders[tag] = Order(
            order_id="", status=INTENDED, exchange=instrument.exchange, tradingsymbol=instrument.tradingsymbol,
            transaction_type=side, quantity=count, product=product or self._product, order_type=kind,
            instrument_token=instrument.instrument_token, pending_quantity=count, order_timestamp=self.now, tag=tag,
        )  # fmt: skip
        return tag

    def exit(self, instrument: Instrument, *, reason: str) -> str | None:
        tag: str | None = self._wish("exit", instrument, reason=reason)
        return tag

    def protect(self, instrument: Instrument, trigger: float | None, *, reason: str) -> None:
        self._wish("protect", instrument, trigger=decimal(trigger), reason=reason)

    def target(
        self, instrument: Instrument, quantity: int, *, reason: str, product: Product | None = None
    ) -> str | None:
        tag: str | None = self._wish("target", instrument, quantity=whole(quantity), reason=reason, product=product)
        return tag

    def bracket(
        self, instrument: Instrument, quantity: int, *, stop: float, reason: str, target: float | None = None,
        price: float | None = None, trigger_price: float | None = None, product: Product | None = None,
    ) -> str | None:  # fmt: skip
        prices = {"stop": stop, "target": target, "price": price, "trigger_price": trigger_price}
        plain_prices = {name: decimal(value) for name, value in prices.items()}
        count = whole(quantity)
        tag = self._wish("bracket", instrument, quantity=count, reason=reason, product=product, **plain_prices)
        return None if tag is None else str(tag)

    def timer(
        self, name: str, *, after: float | None = None, every: float | None = None, at: time | datetime | None = None
    ) -> None:
        moment_ = at.isoformat() if at is not None else None
        self._wish("timer", None, name=str(name), after=decimal(after), every=decimal(every), at=moment_)

    def cancel_timer(self, name: str) -> None:
        self._wish("cancel_timer", None, name=str(name))

    def cancel(self, tag: str) -> None:
        self._check()
        self._pipe.say(say="cancel", tag=str(tag)[:20])

    def _wish(self, what: str, instrument: Instrument | None, **args: Any) -> Any:
        self._check()
        self._tell_shown()
        if "reason" in args:
            args["reason"] = str(args["reason"])[:LONGEST_REASON]
        return self._pipe.ask(what, None if instrument is None else self._place(instrument), args)

    def _check(self) -> None:
        if not self.open or threading.get_ident() != self._owner:
            raise RuntimeError("ctx is for the hooks alone: nothing can be asked for by a thread, or between two calls")

    def log(self, text: str) -> None:
        self._check()
        self._lines += 1
        if self._lines <= LOG_LINES:
            self._pipe.say(say="log", text=str(text)[:LONGEST_LINE])

    def show(self, **variables: object) -> None:
        self._check()
        if len(self._shown) + len(variables) > SHOWN_AT_ONCE:
            self._tell_shown()
        self._shown |= {name[:200]: plain(value) for name, value in variables.items()}
        if monotonic() - self._shown_s >= SHOW_EVERY_S:
            self._tell_shown()

    def _tell_shown(self) -> None:
        if self._shown:
            values, self._shown, self._shown_s = self._shown, {}, monotonic()
            self._pipe.say(say="show", values=values)


def whole(quantity: object) -> int:
    """A quantity as a plain int, numpy's included. Raises ValueError for a fraction."""
    count = int(quantity)  # type: ignore[call-overload]
    if count != quantity or abs(count) > LARGEST:
        raise ValueError(f"a quantity is a whole number, {quantity!r} given")
    return int(count)


def decimal(price: object) -> float | None:
    """A price as a plain float, numpy's included; None stays None. Raises ValueError for what is no number."""
    number = None if price is None else float(price)  # type: ignore[arg-type]
    if number is not None and not math.isfinite(number):
        raise ValueError(f"a price is a number, {price!r} given")
    return number


def plain(value: object) -> object:
    """A value as the card shows it: numbers and texts as they are, everything else in words."""
    number: Callable[[], object] | None = getattr(value, "item", None)
    if number is not None and getattr(value, "ndim", 1) == 0:
        value = number()
    shows = value is None or isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
    if isinstance(value, int) and abs(value) > LARGEST:
        shows = False
    return value if shows else str(value)[:LONGEST_LINE]
