"""What a running strategy holds in its hand: `domain.strategy.Context` over the market and its own run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.barbuilder import Hours
from alphapanda_desktop.domain.coverage import WAITING
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import AUTOMATIC, Order, OrderRequest, OrderType, Product, Side
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.strategy import Holding
from alphapanda_desktop.domain.why import Cause, bar_facts, market_facts, shown, tick_facts
from alphapanda_desktop.domain.wishes import Wishes
from alphapanda_desktop.trading.bell import Bell, Spawn
from alphapanda_desktop.trading.closing import Closing, Wait
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.shares import Shares
from alphapanda_desktop.trading.stops import KeptStop, StopWatch
from alphapanda_desktop.trading.tags import Tags


class RunContext(Wishes):
    """Context of one run. `submit` and `cancel` carry wishes on, `shares` tells what is there still; nothing waits.

    `withdraw` cancels an order that is not the run's and is in the way of its exit.

    Its host tells it of every order with `heard`, after the run's own picture has been brought up to date. `rings`
    hears the name of each timer that has come; `spawn(name, work)` keeps the time where no ticks come.
    """

    def __init__(
        self,
        run: Run,
        market: Market,
        clock: Clock,
        submit: Callable[[OrderRequest, Cause], None],
        cancel: Callable[[str], None],
        changed: Callable[[], None],
        shares: Shares,
        keep: Callable[[KeptStop], None] = lambda _kept: None,
        warn: Callable[[str], None] = lambda _text: None,
        withdraw: Callable[[Order], None] = lambda _order: None,
        rings: Callable[[str], None] = lambda _name: None,
        spawn: Spawn | None = None,
    ) -> None:
        super().__init__(run.interval)
        self._rings = rings
        self._bell = Bell(run, market, clock, self.next_timer, self._ring, spawn)
        self._shares = shares
        self._run = run
        self._market = market
        self._clock = clock
        self._submit = submit
        self._cancel = cancel
        self._changed = changed
        self._tags = Tags(clock)
        self._closing = Closing(run, clock, cancel, self._send_exit, self._tags.new, shares, warn,
            lambda i, product: shares.targets(i.key, product, self._trusted(i)), withdraw)  # fmt: skip
        self._stops = StopWatch(run, clock, self._fire, keep, lambda i, product: shares.held(i.key, product), warn)
        self._asked: set[str] = set()
        """Tags of the orders that the strategy asked for; others of the run were asked for by a person."""
        self._listening: dict[int, Callable[[], None]] = {}

    @property
    def instruments(self) -> Sequence[Instrument]:
        return self._run.instruments

    @property
    def now(self) -> datetime:
        return self._clock.now()

    def bars(self, instrument: Instrument, count: int | None = None) -> Sequence[Bar]:
        return self._market.live_series(instrument, self._run.interval).closed(count)

    def closes(self, instrument: Instrument, count: int | None = None) -> NDArray[np.float64]:
        series = self._market.live_series(instrument, self._run.interval)
        closed = series.close[: series.closed_count]
        return (closed if count is None else closed[max(0, len(closed) - count) :]).copy()

    def last_price(self, instrument: Instrument) -> float | None:
        tick = self._market.latest(instrument.instrument_token)
        return tick.last_price if tick else None

    def position(self, instrument: Instrument) -> Holding:
        return self._run.holding(instrument.key)

    def working(self, instrument: Instrument) -> Sequence[Order]:
        return self._run.working(instrument.key)

    # -- for the wishes that are made of simpler ones ------------------------------------------------------------------

    def held_as(self, instrument: Instrument) -> Mapping[Product, int]:
        return self._run.held_as(instrument.key)

    def leaving(self, instrument: Instrument) -> bool:
        return any(self._closing.waits(instrument.key, product) for product in self._run.held_as(instrument.key))

    def hours_of(self, instrument: Instrument) -> Hours | None:
        return self._market.live_series(instrument, self._run.interval).hours

    def version_of(self, instrument: Instrument) -> int:
        return self._market.live_series(instrument, self._run.interval).history_version

    # -- timers --------------------------------------------------------------------------------------------------------

    def _timed(self) -> None:
        self._bell.look_again()

    def _ring(self) -> None:
        for name in self.due():
            if self._run.asking:
                self._rings(name)

    # -- wishes --------------------------------------------------------------------------------------------------------

    def exit(self, instrument: Instrument, *, reason: str) -> str | None:
        if not self._run.asking:
            self._run.note("warning", f"refused: the exit of {instrument.key} was asked for after the run's end")
            return None
        tag: str | None = None
        for product, held in self._run.held_as(instrument.key).items():
            tag = self._exit(instrument, product, 1 if held > 0 else -1, reason) or tag
        return tag

    def _exit(self, instrument: Instrument, product: Product, sign: int, reason: str) -> str | None:
        key, closing = instrument.key, self._closing
        closing.look()
        if not self._shares.held(key, product):
            self._note_once(f"no exit of {key} {product}: the account holds nothing of it any more")
        if closing.waits(key, product) or closing.left(key, product, sign) <= 0:
            return None
        wait = Wait(instrument, product, sign, self._tags.new(), reason)
        closing.begin(wait)
        self._listen(instrument)
        return wait.tag

    def _note_once(self, text: str) -> None:
        """A strategy may ask with every tick."""
        if not self._run.log or self._run.log[-1].text != text:
            self._run.note("warning", text)

    def _send_exit(self, wait: Wait, quantity: int) -> None:
        side: Side = "SELL" if wait.sign > 0 else "BUY"
        self._order(side, wait.instrument, quantity, wait.reason, None, None, wait.product, wait.tag,
            closes=self._shares.only_closes(wait.instrument.key, wait.product))  # fmt: skip

    def cut(self, request: OrderRequest) -> OrderRequest | None:
        """What of a refused exit only shrinks what the account holds, where another run holds the opposite; or None."""
        if request.closes or not self._closing.bears(request.tag):
            return None
        room = self._shares.room(request.key, request.product, -request.sign)
        return replace(request, quantity=min(room, request.quantity), closes=True) if room else None

    def _trusted(self, instrument: Instrument) -> float | None:
        tick = self._market.trusted(instrument.instrument_token)
        return tick.last_price if tick is not None else None

    def _fire(self, instrument: Instrument, why: str) -> None:
        self.exit(instrument, reason=why)

    def finishes(self, tag: str) -> bool:
        """Whether it is the order of an exit that was begun: it may leave after the run's end, for its stop is gone."""
        return self._closing.bears(tag)

    def protect(self, instrument: Instrument, trigger: float | None, *, reason: str) -> None:
        if trigger is None:
            self._stops.take_away(instrument)
        elif self._stops.put(instrument, trigger, reason):
            self._listen(instrument)
            if not self._market.stale(instrument.instrument_token):
                self._hear(instrument)
        self._changed()

    def heard(self, order: Order) -> None:
        """Something became of one of the run's orders; its host has put it into the run already."""
        self._closing.look()
        if self._run.asking:
            self.tell_order(order)

    def note_slices(self, request: OrderRequest, tags: Sequence[str]) -> None:
        """Know that what was asked for goes out as several orders."""
        self.tell_slices(request.tag, tags)
        self._asked.update(tags)
        for tag in tags:
            if request.order_type == "MARKET":
                self._closing.note_market(tag)

    def guards(self, order: Order) -> bool:
        """Whether to cancel it would bare what the run holds: a stop that rests at the broker, or an exit."""
        closes = any(
            as_ == order.product and count * order.sign < 0 and order.open_quantity <= abs(count)
            for as_, count in self._run.held_as(order.key).items()
        )
        return order.live and closes and (self._is_stop(order) or self._is_exit(order))

    def _is_stop(self, order: Order) -> bool:
        rests = bool(order.order_id) and order.trigger_price > 0 and order.status in WAITING
        return rests and not self._closing.withdraws(order.tag or "")

    def _is_exit(self, order: Order) -> bool:
        """At the market, or asked for by a person: Exit on the run, or a stop put to the broker."""
        tag = order.tag or ""
        return self._closing.at_market(tag) or tag not in self._asked

    def left_behind(self) -> list[str]:
        """What goes on without the run, in words."""
        guards = [order for order in self._run.orders.values() if self.guards(order)]
        stops = sum(1 for order in guards if self._is_stop(order))
        exits = len(guards) - stops + sum(1 for wait in self._closing.baring() if not wait.sent)
        words = [f"{stops} stop stays at the broker" if stops == 1 else f"{stops} stops stay at the broker"] * bool(
            stops
        )
        return words + [f"{exits} exit goes on" if exits == 1 else f"{exits} exits go on"] * bool(exits)

    def _listen(self, instrument: Instrument) -> None:
        token = instrument.instrument_token
        if token not in self._listening:
            self._listening[token] = self._market.on_tick(token, lambda _tick: self._hear(instrument))

    def _hear(self, instrument: Instrument) -> None:
        tick = self._market.trusted(instrument.instrument_token)
        if self._run.asking and tick is not None:
            self._stops.hear(instrument, tick.last_price)
            self.look(instrument)
        self._closing.look()
        if not self._closing and self._stops.on(instrument) is None:
            self._listening.pop(instrument.instrument_token, lambda: None)()

    def _order(
        self,
        side: Side,
        instrument: Instrument,
        quantity: int,
        reason: str,
        price: float | None,
        trigger_price: float | None,
        product: Product | None,
        tag: str = "",
        *,
        closes: bool = False,
    ) -> str:
        kind = _order_type(price, trigger_price)
        request = OrderRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=side,
            quantity=quantity,
            product=product or self._run.product,
            order_type=kind,
            price=instrument.snap(price) if price else None,
            trigger_price=instrument.snap(trigger_price) if trigger_price else None,
            market_protection=AUTOMATIC if kind in ("MARKET", "SL-M") else None,
            tag=tag or self._tags.new(),
            strategy=self._run.run_id,
            reason=reason,
            closes=closes,
        )
        self._asked.add(request.tag)
        if kind == "MARKET":
            self._closing.note_market(request.tag)
        self._submit(request, self._cause(instrument, reason))
        return request.tag

    def _cause(self, instrument: Instrument, reason: str) -> Cause:
        """What the run knows at this moment."""
        token, interval = instrument.instrument_token, self._run.interval
        tick, bars = self._market.latest(token), self._market.live_series(instrument, interval).closed(1)
        facts = {**market_facts(tick, self._clock.now_ns()), "age_s": self._market.age_s(token)}
        return Cause(
            tick=tick_facts(tick) if tick else None,
            bar=bar_facts(bars[-1], interval) if bars else None,
            values=shown(self._run.variables),
            reason=reason,
            market=facts,
        )

    def why_held(self, request: OrderRequest) -> str:
        """Why an entry must not go out now, or empty; orders that shrink the run's position always may.

        What other orders of the run will close already is no longer there to be closed.
        """
        held = self._run.held_as(request.key).get(request.product, 0)
        others = [o for o in self._run.working(request.key) if o.tag != request.tag and o.product == request.product]
        closing = sum(o.open_quantity for o in others if o.sign * held < 0)
        if held * request.sign < 0 and request.quantity <= abs(held) - closing:
            return ""
        if self._run.state not in (RunState.RUNNING, RunState.STARTING):
            return f"entries are held: {self._run.state}"
        if self._run.hold_entries and self._run.state is RunState.STARTING:
            return "entries are held: they were paused before it had begun"
        if self._market.stale(request.instrument_token):
            return f"entries are held: the price of {request.key} is stale"
        return ""

    def cancel(self, tag: str) -> None:
        self._cancel(tag)

    def log(self, text: str) -> None:
        self._run.note("info", text)
        self._changed()

    def show(self, **variables: object) -> None:
        self._run.variables.update(variables)
        self._changed()


def _order_type(price: float | None, trigger_price: float | None) -> OrderType:
    if trigger_price:
        return "SL" if price else "SL-M"
    return "LIMIT" if price else "MARKET"
