"""What shipped strategies share: at most one position per instrument, one order at a time, exits before entries.

A subclass says what it sees in `signal`; when to enter, when to leave and how much is decided here. The stop is a
real one (`ctx.protect`): it stands from the moment of the entry, follows the price that was paid, fires within the bar,
and stop coverage counts it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections import defaultdict
from typing import ClassVar, Final, Literal, NamedTuple

from alphapanda_desktop.domain.indicators import Floats
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.strategy import Context, Holding, Parameters, Strategy, number

LONG_AGO: Final = 1_000_000

Direction = Literal["up", "down", "none"]


class Signal(NamedTuple):
    """What a rule sees on a closed bar: where the market goes, and the numbers behind it in one sentence.

    `enter` is False where it is reason to leave the other side but not to enter this one. `stop` is the price at which
    the rule itself calls such an entry wrong, where it has one.
    """

    direction: Direction
    reason: str
    enter: bool = True
    stop: float | None = None


class OnePositionParams(Parameters):
    """How much, and when to get out."""

    lots: int = number(1, "Lots in each entry; a lot of a share is one share", unit="lots", ge=1, le=10_000, step=1)
    cool_down: int = number(5, "Bars to wait between two entries", unit="bars", ge=0, le=1_000, step=1)
    stop_loss: float = number(1.0, "Loss at which a position is closed; 0 never", unit="%", ge=0, le=50, step=0.1)
    target: float = number(0.0, "Profit at which a position is closed; 0 never", unit="%", ge=0, le=100, step=0.1)
    allow_short: bool = False
    """Whether to sell short as well; shares are then sold as MIS, which Zerodha closes the same day."""


class OnePosition(Strategy):
    """Base of the shipped strategies; decides on closed bars only, and remembers each instrument by itself."""

    Params: ClassVar[type[Parameters]] = OnePositionParams

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self._bars_since_entry: defaultdict[str, int] = defaultdict(lambda: LONG_AGO)
        self._wrong_at: dict[str, float] = {}
        """The rule's own stop of the last entry, by instrument."""
        self._stops: dict[str, float] = {}
        """Where a stop was last asked for, by instrument."""

    @abstractmethod
    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """What the rule sees now that another bar of this instrument has closed."""

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        """Leave, enter or wait. One order at a time: while one is at work nothing new is decided."""
        self._bars_since_entry[instrument.key] += 1
        seen, holding = self.signal(ctx, instrument), ctx.position(instrument)
        ctx.show(signal=seen.reason)
        self._guard(ctx, instrument)
        if self._withdraw_stale(ctx, instrument):
            return
        if holding.quantity:
            self._leave(ctx, instrument, holding, _reason_to_leave(holding, seen, bar.close, self.params))
        elif self._may_enter(seen) and self._bars_since_entry[instrument.key] > self.params.cool_down:
            self._enter(ctx, instrument, seen, bar.close)

    def on_order(self, ctx: Context, order: Order) -> None:
        """Move the stop to where the price that was really paid puts it."""
        for instrument in ctx.instruments:
            if instrument.key == order.key:
                self._guard(ctx, instrument)

    def _withdraw_stale(self, ctx: Context, instrument: Instrument) -> bool:
        """Cancel what still rests when a bar closes: it was decided on older prices. Whether there was any."""
        working = ctx.working(instrument)
        for order in working:
            if order.changeable and order.tag:
                ctx.log(f"cancelling {order.transaction_type} {order.open_quantity} {order.key}: unfilled at bar close")
                ctx.cancel(order.tag)
        return bool(working)

    def _may_enter(self, seen: Signal) -> bool:
        return seen.enter and (seen.direction == "up" or (seen.direction == "down" and self.params.allow_short))

    def _enter(self, ctx: Context, instrument: Instrument, seen: Signal, price: float) -> None:
        """Enter on the side that was seen; called only where that may be entered."""
        quantity = self.params.lots * instrument.lot
        if seen.direction == "up":
            ctx.buy(instrument, quantity, reason=seen.reason)
        else:
            ctx.sell(instrument, quantity, reason=seen.reason, product=_short_product(instrument))
        self._bars_since_entry[instrument.key] = 0
        self._stops.pop(instrument.key, None)
        self._wrong_at.pop(instrument.key, None)
        if seen.stop is not None:
            self._wrong_at[instrument.key] = seen.stop
        self._put_stop(ctx, instrument, 1 if seen.direction == "up" else -1, price)

    def _guard(self, ctx: Context, instrument: Instrument) -> None:
        """See to it that what is held has its stop, one that was held before the start of the run too."""
        holding = ctx.position(instrument)
        if holding.quantity and holding.average_price > 0:
            self._put_stop(ctx, instrument, 1 if holding.quantity > 0 else -1, holding.average_price)
        elif not holding.quantity and not ctx.working(instrument):
            self._stops.pop(instrument.key, None)
            self._wrong_at.pop(instrument.key, None)

    def _put_stop(self, ctx: Context, instrument: Instrument, sign: int, price: float) -> None:
        """Ask for a stop against this price: the parameter's, or the rule's own where that is nearer."""
        levels, loss = [], self.params.stop_loss
        if loss:
            levels.append((price * (1 - sign * loss / 100), f"{loss:g} % from {price:.2f}"))
        own = self._wrong_at.get(instrument.key)
        if own is not None and (price - own) * sign > 0:
            levels.append((own, "where the rule calls the entry wrong"))
        if not levels:
            return
        level, why = max(levels, key=lambda pair: pair[0] * sign)
        trigger = instrument.snap(level)
        if trigger > 0 and self._stops.get(instrument.key) != trigger:
            self._stops[instrument.key] = trigger
            ctx.protect(instrument, trigger, reason=f"stop loss, {why}")

    def _leave(self, ctx: Context, instrument: Instrument, holding: Holding, reason: str) -> None:
        if not reason:
            return
        product = _short_product(instrument)
        if holding.quantity < 0 and product:
            ctx.buy(instrument, -holding.quantity, reason=reason, product=product)
        else:
            ctx.exit(instrument, reason=reason)


def _reason_to_leave(holding: Holding, seen: Signal, price: float, params: OnePositionParams) -> str:
    """Why the position should be closed now, empty when it should not; its stop is watched apart from this."""
    sign = 1 if holding.quantity > 0 else -1
    if seen.direction == ("down" if sign > 0 else "up"):
        return seen.reason
    if not holding.average_price:
        return ""
    gain = sign * (price - holding.average_price) * 100 / holding.average_price
    if params.target and gain >= params.target:
        return f"profit of {gain:.2f} % reached the target of {params.target:.2f} %"
    return ""


def _short_product(instrument: Instrument) -> Product | None:
    """Shares can be sold short for the day only; derivatives in the run's own product."""
    return "MIS" if instrument.exchange in ("NSE", "BSE") else None


def closes_of(ctx: Context, instrument: Instrument, count: int) -> Floats | None:
    """The last `count` closes of this instrument alone; None while there are fewer."""
    closes = ctx.closes(instrument, count)
    return closes if len(closes) == count else None


def too_few(ctx: Context, instrument: Instrument, count: int) -> Signal:
    """What a rule sees before its look-back is full."""
    return Signal("none", f"{len(ctx.closes(instrument, count))} of {count} bars")
