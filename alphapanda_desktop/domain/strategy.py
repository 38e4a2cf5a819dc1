"""All that a strategy author reads.

    class Crossover(Strategy):
        name = "crossover"
        title = "Moving-average crossover"

        class Params(Parameters):
            fast: int = number(9, "bars in the fast average", ge=2, le=200)

        def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
            closes = ctx.closes(instrument)
            ...
            ctx.buy(instrument, 10, reason="fast crossed above slow")

One file, one class. A strategy decides; the desk checks, journals and sends. It holds no token and makes no
request of its own. It runs in a process of its own, in a backtest within the worker that plays it; hooks are called one
after the other, each must return within milliseconds, and a process whose hook does not come back is ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Period, Tick
from alphapanda_desktop.domain.orders import Order, Product


class Parameters(BaseModel):
    """Base of a strategy's parameters: typed, bounded, explained. A run that is given others gets a new `params`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, defer_build=True)


Presets = Mapping[str, Mapping[str, object]]
"""Values of parameters by the name of the preset; what one leaves out keeps its default."""


def number(
    default: float,
    help: str,
    *,
    unit: str = "",
    ge: float | None = None,
    le: float | None = None,
    step: float | None = None,
) -> Any:
    """A bounded number for `Parameters`: default, help, unit ("bars", "%", "₹"), lowest, highest, form step."""
    return Field(default, ge=ge, le=le, description=help, json_schema_extra={"unit": unit, "step": step})


def choice(default: object, help: str) -> Any:
    """A parameter that is no number: a `Literal[...]` of words, a text, yes or no; default and help."""
    return Field(default, description=help)


@dataclass(frozen=True, slots=True)
class Holding:
    """What one strategy run owns of one instrument: from its own fills only. `average_price` rupees, 0 when flat."""

    quantity: int = 0
    average_price: float = 0.0
    pnl: float = 0.0
    """Realised and unrealised together, before charges, in rupees."""


class Context(Protocol):
    """What a running strategy may see and do.

    Orders return at once with their tag; what becomes of them comes to `on_order`. While a run is paused or its
    data is stale, orders that would enter or enlarge a position are refused, orders that shrink one pass.
    """

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What the run was started on."""
        ...

    @property
    def now(self) -> datetime:
        """Market time, aware UTC; in a replay the recording's time."""
        ...

    def bars(self, instrument: Instrument, count: int | None = None) -> Sequence[Bar]:
        """Closed bars of this instrument, oldest first, back-filled from history; the last `count` of them."""
        ...

    def closes(self, instrument: Instrument, count: int | None = None) -> NDArray[np.float64]:
        """Closing prices of `bars`, as a float64 array of shape (n,)."""
        ...

    def last_price(self, instrument: Instrument) -> float | None:
        """Last traded price, or None before the first tick."""
        ...

    def position(self, instrument: Instrument) -> Holding:
        """What this run holds of it."""
        ...

    def working(self, instrument: Instrument) -> Sequence[Order]:
        """This run's own orders in it that may still fill, those still on their way included."""
        ...

    def buy(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        reason: str,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str:
        """Ask for a purchase, at the market unless `price` is given; its tag.

        Quantity in units (lots on MCX). `trigger_price` makes it a stop. The default product is the run's.
        """
        ...

    def sell(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        reason: str,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str:
        """Ask for a sale; as `buy`."""
        ...

    def exit(self, instrument: Instrument, *, reason: str) -> str | None:
        """Close what this run holds of it, at the market; the tag, or None when it is flat or already closing.

        Orders of this run that rest and would close it too, stops and limits, are withdrawn first. The exit leaves
        once the broker has confirmed that they are gone, for what is still held then: both can never fill. If one of
        them fills meanwhile and nothing is left to close, no order of this tag is sent.
        """
        ...

    def protect(self, instrument: Instrument, trigger: float | None, *, reason: str) -> None:
        """Watch a stop in this program: `exit` when the last price reaches the trigger; None watches no more.

        One stop for each instrument; asking again moves it. It guards what the run holds, or is about to hold, on
        the side that a price beyond the trigger would hurt, ends with the position, and tries again until it is
        closed. It outlives the run while something of it is held, but it is no order: it does nothing while the
        program is closed, the computer sleeps or ticks stay away, and the kill switch ends it with the run.
        `sell(..., trigger_price=...)` puts a stop to the broker instead, which outlives all that.
        """
        ...

    def target(
        self, instrument: Instrument, quantity: int, *, reason: str, product: Product | None = None
    ) -> str | None:
        """Ask for what is missing to hold `quantity` (negative is short); the tag, or None when nothing was asked.

        Call it as often as you like: what an earlier call asked for counts while it is on its way, and what was refused
        is not asked for again for 5 s. Your own orders that are in the way are cancelled first, stops and limits that
        close included where the position is to shrink; the call after that asks. To the other side it goes in two
        steps as well: this call closes, the next one after that opens. What shrinks is sold as what it is held as;
        `product` is for what is added.
        """
        ...

    def bracket(
        self,
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
        """Buy `quantity` (sell it short where negative) with its stop, and a target where given; the entry's tag.

        None, and a line in the log, where something of it is held or at work already, no price is known yet, or the
        price is beyond stop or target already.

        The stop is `protect`: it guards from the first unit that is filled. At the target a limit order rests for what
        is held, never for more. When one of them closes the position, the other one and what is left of the entry are
        withdrawn; the stop withdraws the target first and leaves once that is confirmed, so that both never fill. A
        target that was cancelled by somebody else or refused is not put again: the stop goes on. After the run's end
        the target is withdrawn as every order is; the stop goes on while something is held.

        `price` makes the entry a limit, `trigger_price` a stop. Raises ValueError for stop, target and entry's price in
        an order that can never be.
        """
        ...

    def cancel(self, tag: str) -> None:
        """Ask for the cancellation of one of this run's own orders."""
        ...

    def timer(
        self,
        name: str,
        *,
        after: float | None = None,
        every: float | None = None,
        at: time | datetime | None = None,
    ) -> None:
        """Call `on_timer(ctx, name)` in market time: once `after` so many seconds, `every` so many, or `at` a time.

        A `time` is of the day in India, and comes each day; a `datetime` with a zone comes once. Asking for a name
        again moves it. Several of `every` that were missed come as one. In a backtest of bars a moment comes when that
        bar is over in which it lies, or the first one after it, before its `on_bar`; one at which a bar ends may come
        before or after that. Raises ValueError unless exactly one of the three is given.
        """
        ...

    def cancel_timer(self, name: str) -> None:
        """Call it no more; a name that is not there is no error."""
        ...

    def history(self, instrument: Instrument, interval: Period, count: int | None = None) -> Sequence[Bar]:
        """Closed bars of a longer interval, made of this run's own, oldest first; the last `count` of them.

        They reach back as far as `bars` does, and one that lacks its beginning is left out. With the run's own interval
        it is `bars`. Raises ValueError for an interval into which the run's bars do not fit whole.
        """
        ...

    def log(self, text: str) -> None:
        """A line in this run's log."""
        ...

    def show(self, **variables: object) -> None:
        """Values to show live on the strategy's card."""
        ...


class Strategy:
    """Base of every strategy. Hooks do nothing unless overridden; `params` is an instance of `Params`.

    `lookback` is how many closed bars must exist before the first `on_bar`: the runner back-fills them.
    """

    name: ClassVar[str] = ""
    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    interval: ClassVar[Interval] = Interval.MINUTE
    Params: ClassVar[type[Parameters]] = Parameters
    presets: ClassVar[Presets] = {}
    """Parameters worth beginning with."""

    def __init__(self, params: Parameters) -> None:
        self.params: Any = params

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision."""
        return 0

    def on_start(self, ctx: Context) -> None:
        """Called once, after history is there and before the first bar or tick."""

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        """Called for each bar that closes, per instrument."""

    def on_tick(self, ctx: Context, instrument: Instrument, tick: Tick) -> None:
        """Called for each tick of each instrument."""

    def on_order(self, ctx: Context, order: Order) -> None:
        """Called when something became of one of this run's own orders."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """Called when a timer of that name has come."""

    def on_stop(self, ctx: Context) -> None:
        """Called once when the run ends; new orders are refused from here on."""
