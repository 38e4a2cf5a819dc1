"""Wishes made of simpler ones: a target, a bracket, a timer, bars of another length. One meaning for every host.

They need no more of a context than what `Context` promises, so a strategy may use them as they are, and a context
that has them as methods (`Wishes`) does the same. A bracket's stop is `ctx.protect`: stop coverage counts it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from alphapanda_desktop.domain.barbuilder import NSE_OPEN_S
from alphapanda_desktop.domain.bars import combined
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Period
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Context

DAY: Final = timedelta(days=1)


def target(
    ctx: Context, instrument: Instrument, quantity: int, *, reason: str, product: Product | None = None
) -> str | None:
    """Ask for what is missing to hold `quantity` (negative is short); the tag, or None when nothing was asked.

    Call it as often as you like: what is on its way counts, and what rests at another price is cancelled first. To
    the other side it goes in two steps: this call closes, the next one after that opens.
    """
    held = ctx.position(instrument).quantity
    working = ctx.working(instrument)
    missing = quantity - held - sum(order.sign * order.open_quantity for order in working)
    if not missing:
        return None
    if working:
        for order in working:
            if order.changeable and order.tag:
                ctx.cancel(order.tag)
        return None
    if held and held * quantity <= 0:
        return ctx.exit(instrument, reason=reason)
    ask = ctx.buy if missing > 0 else ctx.sell
    return ask(instrument, abs(missing), reason=reason, product=product)


@dataclass(slots=True)
class Bracket:
    """One entry with the two prices at which it ends. `sign` is 1 for a long one."""

    instrument: Instrument
    sign: int
    entry: str
    target: float | None
    reason: str
    product: Product | None
    filled: int = 0
    taking: str = ""
    """Tag of the limit order at the target, empty while there is none."""


class Brackets:
    """The brackets of one run, one for each instrument. Tell it of every order with `heard`."""

    def __init__(self) -> None:
        self._open: dict[str, Bracket] = {}

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
        product: Product | None = None,
    ) -> str:
        """Buy `quantity` (sell it short where negative), guarded by a stop from the first fill on; the entry's tag.

        With a target, what was filled rests there as a limit order. Raises ValueError where something is held or at
        work already, or where stop or target lie on the wrong side of the price.
        """
        sign = 1 if quantity > 0 else -1
        self._judge(ctx, instrument, sign, price or ctx.last_price(instrument), stop, target)
        ask = ctx.buy if sign > 0 else ctx.sell
        tag = ask(instrument, abs(quantity), reason=reason, price=price, product=product)
        self._open[instrument.key] = Bracket(instrument, sign, tag, target, reason, product)
        ctx.protect(instrument, stop, reason=f"stop of: {reason}")
        return tag

    @staticmethod
    def _judge(
        ctx: Context, instrument: Instrument, sign: int, price: float | None, stop: float, target: float | None
    ) -> None:
        if ctx.position(instrument).quantity or ctx.working(instrument):
            raise ValueError(f"a bracket on {instrument.key} needs it flat, with no order at work")
        if price is None:
            raise ValueError(f"a bracket on {instrument.key} needs a price, and none is known yet")
        if not stop > 0 or (price - stop) * sign <= 0:
            raise ValueError(f"a stop at {stop} is on the wrong side of {instrument.key}'s price of {price}")
        if target is not None and (target - price) * sign <= 0:
            raise ValueError(f"a target of {target} is on the wrong side of {instrument.key}'s price of {price}")

    def heard(self, ctx: Context, order: Order) -> None:
        """Something became of an order of the run."""
        bracket = self._open.get(order.key)
        if bracket is None:
            return
        if order.tag == bracket.entry:
            bracket.filled = max(bracket.filled, order.filled_quantity)
            if not order.live and not bracket.filled:
                self._give_up(ctx, bracket)
                return
        elif order.tag == bracket.taking and not order.live:
            bracket.taking = ""
        if bracket.filled and not ctx.position(bracket.instrument).quantity:
            self._give_up(ctx, bracket)
        elif bracket.target is not None:
            self._take_profit(ctx, bracket, bracket.target)

    def _take_profit(self, ctx: Context, bracket: Bracket, price: float) -> None:
        """Let what is held rest at the target, one order for all of it; nothing while the exit is on its way."""
        held = ctx.position(bracket.instrument).quantity * bracket.sign
        closers = [order for order in ctx.working(bracket.instrument) if order.sign * bracket.sign < 0]
        if not closers and held > 0:
            ask = ctx.sell if bracket.sign > 0 else ctx.buy
            reason = f"target of: {bracket.reason}"
            bracket.taking = ask(bracket.instrument, held, reason=reason, price=price, product=bracket.product)
        for order in closers:
            if order.tag == bracket.taking and order.open_quantity < held and order.changeable:
                ctx.cancel(bracket.taking)  # more was filled: its end is heard, and all of it rests again

    def _give_up(self, ctx: Context, bracket: Bracket) -> None:
        del self._open[bracket.instrument.key]
        ctx.protect(bracket.instrument, None, reason="")
        if any(order.tag == bracket.taking and order.changeable for order in ctx.working(bracket.instrument)):
            ctx.cancel(bracket.taking)


@dataclass(slots=True)
class _Timer:
    due: datetime
    every: timedelta | None


class Timers:
    """Named moments of market time; asking for a name again moves it. `due(now)` says which have come."""

    def __init__(self) -> None:
        self._timers: dict[str, _Timer] = {}

    def after(self, name: str, seconds: float, now: datetime) -> None:
        """Once, so many seconds from now."""
        self._timers[name] = _Timer(now + _span(name, seconds), None)

    def every(self, name: str, seconds: float, now: datetime) -> None:
        """Again and again, without drift; several that were missed come as one."""
        self._timers[name] = _Timer(now + _span(name, seconds), _span(name, seconds))

    def at(self, name: str, local: time, now: datetime) -> None:
        """Each day at this Indian time, today if it is still to come."""
        today = datetime.combine(now.astimezone(IST).date(), local, IST)
        self._timers[name] = _Timer(today if today > now else today + DAY, DAY)

    def stop(self, name: str) -> None:
        """Not any more; a name that is not there is no error."""
        self._timers.pop(name, None)

    def next(self) -> datetime | None:
        """When the next one comes; None without any."""
        return min((timer.due for timer in self._timers.values()), default=None)

    def due(self, now: datetime) -> list[str]:
        """Names of those that have come since the last question, the earliest first."""
        come = sorted((timer.due, name) for name, timer in self._timers.items() if timer.due <= now)
        for _, name in come:
            timer = self._timers[name]
            if timer.every is None:
                del self._timers[name]
            else:
                timer.due += timer.every * ((now - timer.due) // timer.every + 1)
        return [name for _, name in come]


def _span(name: str, seconds: float) -> timedelta:
    if not seconds > 0:
        raise ValueError(f"timer {name!r} asked for every {seconds} s, more than 0 can be")
    return timedelta(seconds=seconds)


def longer(bars: Sequence[Bar], source: Interval, period: Period, open_s: int = NSE_OPEN_S) -> list[Bar]:
    """Closed bars of a longer period out of the source's, oldest first; a first one that lacks its start is left out.

    `open_s` is what intraday bars are counted from, in seconds after midnight in India. Raises ValueError where the
    source's bars do not fit into the period whole.
    """
    if not period.seconds or period.seconds % source.seconds:
        raise ValueError(f"bars of {period.label} cannot be made of bars of {source.label}")
    made = combined(bars, source, period, open_s)
    whole = made if made and made[0].start_s == min(bars).start_s else made[1:]
    return [bar for bar in whole if bar.closed]


class Wishes(Context):
    """A context that has the wishes of this module as methods; what else a context promises is its subclass's.

    Its host calls `tell_order` after the order is in the run's picture, and `due` as market time goes on.
    """

    def __init__(self) -> None:
        self._brackets = Brackets()
        self._timers = Timers()

    def target(
        self, instrument: Instrument, quantity: int, *, reason: str, product: Product | None = None
    ) -> str | None:
        """As `wishes.target`."""
        return target(self, instrument, quantity, reason=reason, product=product)

    def bracket(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        stop: float,
        reason: str,
        target: float | None = None,
        price: float | None = None,
        product: Product | None = None,
    ) -> str:
        """As `Brackets.enter`."""
        return self._brackets.enter(
            self, instrument, quantity, stop=stop, reason=reason, target=target, price=price, product=product
        )

    def after(self, name: str, seconds: float) -> None:
        """Call `on_timer(ctx, name)` once, so many seconds of market time from now."""
        self._timers.after(name, seconds, self.now)

    def every(self, name: str, seconds: float) -> None:
        """Call `on_timer(ctx, name)` again and again; several that were missed come as one."""
        self._timers.every(name, seconds, self.now)

    def at(self, name: str, local: time) -> None:
        """Call `on_timer(ctx, name)` each day at this Indian time."""
        self._timers.at(name, local, self.now)

    def no_timer(self, name: str) -> None:
        """Call it no more."""
        self._timers.stop(name)

    def tell_order(self, order: Order) -> None:
        """For the host: something became of an order of the run."""
        self._brackets.heard(self, order)

    def due(self) -> list[str]:
        """For the host: names of the timers whose `on_timer` is to be called now."""
        return self._timers.due(self.now)
