"""What a running strategy holds in its hand: `domain.strategy.Context` over the market and its own run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order, OrderRequest, OrderType, Product, Side
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.strategy import Holding
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.tags import Tags


class RunContext:
    """Context of one run. `submit` and `cancel` carry wishes on; nothing here waits."""

    def __init__(
        self,
        run: Run,
        market: Market,
        clock: Clock,
        submit: Callable[[OrderRequest], None],
        cancel: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self._run = run
        self._market = market
        self._clock = clock
        self._submit = submit
        self._cancel = cancel
        self._changed = changed
        self._tags = Tags(clock)

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
        return self._order("BUY", instrument, quantity, reason, price, trigger_price, product)

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
        return self._order("SELL", instrument, quantity, reason, price, trigger_price, product)

    def exit(self, instrument: Instrument, *, reason: str) -> str | None:
        tag: str | None = None
        for product, held in self._run.held_as(instrument.key).items():
            same = [o for o in self.working(instrument) if o.product == product]
            quantity = abs(held) - sum(o.open_quantity for o in same if o.sign * held < 0)
            if quantity > 0:
                side: Side = "SELL" if held > 0 else "BUY"
                tag = self._order(side, instrument, quantity, reason, None, None, product)
        return tag

    def _order(
        self,
        side: Side,
        instrument: Instrument,
        quantity: int,
        reason: str,
        price: float | None,
        trigger_price: float | None,
        product: Product | None,
    ) -> str:
        request = OrderRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=side,
            quantity=quantity,
            product=product or self._run.product,
            order_type=_order_type(price, trigger_price),
            price=instrument.snap(price) if price else None,
            trigger_price=instrument.snap(trigger_price) if trigger_price else None,
            tag=self._tags.new(),
            strategy=self._run.run_id,
            reason=reason,
        )
        self._submit(request)
        return request.tag

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
