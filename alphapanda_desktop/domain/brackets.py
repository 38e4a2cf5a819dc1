"""One entry with the two prices at which it ends. The stop is `ctx.protect`; the target rests at the broker.

Both can never close the same units: a stop that fires withdraws the target first, and is sent once that is confirmed.
The target never rests for more than is held, and is not put again once somebody else has withdrawn it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.strategy import Context

AGAIN: Final = timedelta(seconds=5)
"""How long a cancellation may take before it is asked for again."""

UNTOUCHED: Final = timedelta(seconds=1)
"""How long a target is left as it is while its entry fills on: one of many small fills would else make many orders."""


@dataclass(slots=True)
class Bracket:
    """One that is open. `sign` is 1 for a long one."""

    instrument: Instrument
    sign: int
    entry: set[str]
    """Tags of the orders that enter."""
    target: float | None
    reason: str
    product: Product | None
    filled: bool = False
    """Whether anything of it was ever held."""
    over: bool = False
    """Whether what it held is closed: whatever of the entry still fills is closed as well."""
    taking: set[str] = field(default_factory=set)
    """Tags of the orders at the target, empty while there are none."""
    resizing: bool = False
    """Whether this bracket itself takes its target back, to put it for another quantity."""
    put_at: datetime | None = None
    """When its target was last put."""
    waits: bool = False
    """Whether the target is to grow once it may be touched again."""
    taken_back: dict[str, datetime] = field(default_factory=dict)
    """When the cancellation of an order was asked for."""


class Brackets:
    """The brackets of one run, one for each instrument. Tell it of every order with `heard`.

    `leaving(instrument)` says whether an exit is on its way: then no target is put.
    """

    def __init__(self, leaving: Callable[[Instrument], bool] = lambda _instrument: False) -> None:
        self._leaving = leaving
        self._open: dict[str, Bracket] = {}
        self._slices: dict[str, Sequence[str]] = {}

    def on(self, instrument: Instrument) -> Bracket | None:
        """The bracket that is open on an instrument, if one is."""
        return self._open.get(instrument.key)

    def enter(
        self,
        ctx: Context,
        instrument: Instrument,
        quantity: int,
        *,
        stop: float,
        reason: str,
        target: float | None = None,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str | None:
        """As `Context.bracket`."""
        sign = 1 if quantity > 0 else -1
        _judge(instrument, quantity, price or trigger_price, stop, target)
        refusal = self._objection(ctx, instrument, sign, price or trigger_price, stop, target)
        if refusal:
            ctx.log(f"no bracket on {instrument.key}: {refusal}")
            return None
        ask = ctx.buy if sign > 0 else ctx.sell
        tag = ask(instrument, abs(quantity), reason=reason, price=price, trigger_price=trigger_price, product=product)
        entry = set(self._slices.pop(tag, (tag,)))
        self._open[instrument.key] = Bracket(instrument, sign, entry, target, reason, product)
        ctx.protect(instrument, stop, reason=f"stop of: {reason}")
        return tag

    @staticmethod
    def _objection(
        ctx: Context, instrument: Instrument, sign: int, price: float | None, stop: float, target: float | None
    ) -> str:
        """Why it cannot begin as things are now, empty if it can: nobody is to blame, the market has moved."""
        if ctx.position(instrument).quantity or ctx.working(instrument):
            return "something is held, or an order is at work"
        last = ctx.last_price(instrument)
        if last is None:
            return "no price is known yet"
        if price is None and (last - stop) * sign <= 0:
            return f"the price of {last} is beyond the stop at {stop} already"
        if price is None and target is not None and (target - last) * sign <= 0:
            return f"the price of {last} is beyond the target of {target} already"
        return ""

    def note_slices(self, tag: str, tags: Sequence[str]) -> None:
        """Know that what was asked for as `tag` goes out as several orders."""
        self._slices = {tag: tags}

    def heard(self, ctx: Context, order: Order) -> None:
        """Something became of an order of the run."""
        bracket = self._open.get(order.key)
        if bracket is None:
            return
        if order.tag in bracket.taking and not order.live:
            self._target_ended(ctx, bracket, order)
        self._go_on(ctx, bracket)

    def look(self, ctx: Context, instrument: Instrument) -> None:
        """Do what had to wait; for the host, with the instrument's ticks."""
        bracket = self._open.get(instrument.key)
        if bracket is not None and bracket.waits:
            self._go_on(ctx, bracket)

    def _go_on(self, ctx: Context, bracket: Bracket) -> None:
        bracket.waits = False
        held = ctx.position(bracket.instrument).quantity * bracket.sign
        entering = [order for order in ctx.working(bracket.instrument) if order.tag in bracket.entry]
        bracket.filled = bracket.filled or held > 0
        bracket.over = bracket.over or (bracket.filled and held <= 0) or not (held > 0 or entering)
        if bracket.over:
            self._wind_up(ctx, bracket, held, entering)
        elif self._leaving(bracket.instrument):
            self._cancel(ctx, bracket, entering)
        elif bracket.target is not None and held > 0:
            self._take_profit(ctx, bracket, held, bracket.target, filling=bool(entering))

    def _target_ended(self, ctx: Context, bracket: Bracket, order: Order) -> None:
        bracket.taking.discard(order.tag or "")
        if order.status != "COMPLETE" and not bracket.resizing:
            # A person, the broker or an exit took it back: to put it again would be to argue.
            bracket.target = None
            leaves = any(each.sign * bracket.sign < 0 for each in ctx.working(bracket.instrument))
            if not leaves and not self._leaving(bracket.instrument):
                ctx.log(f"{order.key}: its target was {order.status.lower()} and is not put again; its stop goes on")
        bracket.resizing = bracket.resizing and bool(bracket.taking)

    def _take_profit(self, ctx: Context, bracket: Bracket, held: int, price: float, *, filling: bool) -> None:
        """Let what is held rest at the target, one order for all of it; nothing beside another order that closes."""
        closers = [order for order in ctx.working(bracket.instrument) if order.sign * bracket.sign < 0]
        mine = [order for order in closers if order.tag in bracket.taking]
        if not closers:
            ask = ctx.sell if bracket.sign > 0 else ctx.buy
            reason = f"target of: {bracket.reason}"
            tag = ask(bracket.instrument, held, reason=reason, price=price, product=bracket.product)
            bracket.taking, bracket.put_at = set(self._slices.pop(tag, (tag,))), ctx.now
            return
        closing = sum(order.open_quantity for order in closers)
        grows = closing < held and mine == closers
        bracket.waits = grows and filling and bracket.put_at is not None and ctx.now - bracket.put_at < UNTOUCHED
        if mine and (closing > held or grows) and not bracket.waits:
            bracket.resizing = True  # its end is heard, and then all of what is held rests again
            self._cancel(ctx, bracket, mine)

    def _wind_up(self, ctx: Context, bracket: Bracket, held: int, entering: Sequence[Order]) -> None:
        """Take back what still works of it, and close what fills meanwhile."""
        bracket.target = None
        taking = [order for order in ctx.working(bracket.instrument) if order.tag in bracket.taking]
        self._cancel(ctx, bracket, [*entering, *taking])
        if held > 0:
            ctx.exit(bracket.instrument, reason=f"filled after its end: {bracket.reason}")
        elif not entering:
            del self._open[bracket.instrument.key]
            ctx.protect(bracket.instrument, None, reason="")

    @staticmethod
    def _cancel(ctx: Context, bracket: Bracket, orders: Sequence[Order]) -> None:
        """Ask for their cancellation, and again only where it has come to nothing for a while."""
        for order in orders:
            tag, asked = order.tag or "", bracket.taken_back.get(order.tag or "")
            if order.changeable and tag and (asked is None or ctx.now - asked >= AGAIN):
                bracket.taken_back[tag] = ctx.now
                ctx.cancel(tag)


def _judge(instrument: Instrument, quantity: int, price: float | None, stop: float, target: float | None) -> None:
    """Raise ValueError for a bracket that can never be."""
    key, sign = instrument.key, 1 if quantity > 0 else -1
    if not quantity:
        raise ValueError(f"a bracket on {key} needs a quantity, 0 given")
    if not stop > 0:
        raise ValueError(f"a bracket on {key} needs a stop above 0, {stop} given")
    if price is not None and (price - stop) * sign <= 0:
        raise ValueError(f"a stop at {stop} is on the wrong side of {key}'s entry at {price}")
    if target is not None and not (target - (stop if price is None else price)) * sign > 0:
        of = f"stop at {stop}" if price is None else f"entry at {price}"
        raise ValueError(f"a target of {target} is on the wrong side of {key}'s {of}")
