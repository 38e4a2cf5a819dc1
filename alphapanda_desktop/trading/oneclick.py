"""One click, one order: armed on purpose, for one instrument and some minutes, through the desk like any other.

What is armed is the click, not the desk: every rule of the desk holds, and live trading has to be armed as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order, OrderRequest, Product, Side
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market

GAP_S: Final = 0.5
"""Two clicks within this time are one: the second of a double click, or a finger that trembled."""

RULE: Final = "one click"


class OneClick:
    """Whether one click sends an order. Signal: `changed()` when it was armed or disarmed.

    It is disarmed by its time, by another instrument, by the kill switch, by
    a desk that takes no entries, by live trading that is no longer armed, and by an order that was not answered.
    """

    changed = Signal()

    def __init__(
        self, desk: Desk, market: Market, arming: Arming, monotonic_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._market = market
        self._arming = arming
        self._now_s = monotonic_s
        self._armed: Instrument | None = None
        self._until_s = 0.0
        self._sent_s = -GAP_S
        self.why = ""
        """Why it was disarmed last."""

    def armed(self, instrument: Instrument | None) -> bool:
        """Whether a click in this instrument would send."""
        self.look()
        return instrument is not None and self._armed is not None and self._armed.key == instrument.key

    def left_s(self) -> float:
        """Seconds until it disarms itself; 0 while disarmed."""
        return max(0.0, self._until_s - self._now_s()) if self._armed is not None else 0.0

    def arm(self, instrument: Instrument, minutes: float) -> None:
        """Let clicks in this instrument send for so long. Raises Refused where no order could leave."""
        why = self._why_no_order(instrument)
        if why:
            raise Refused(f"One click cannot be armed: {why}", RULE)
        self._armed, self._until_s, self.why = instrument, self._now_s() + 60 * minutes, ""
        self.changed.emit()

    def disarm(self, why: str) -> None:
        """Let no click send any more."""
        if self._armed is not None:
            self._armed, self.why = None, why
            self.changed.emit()

    def look(self) -> None:
        """Disarm where its time is over or no order could leave."""
        if self._armed is not None and not self.left_s():
            self.disarm("its time is over")
        elif self._armed is not None and (why := self._why_no_order(self._armed)):
            self.disarm(why)

    def _why_no_order(self, instrument: Instrument) -> str:
        desk = self._desk
        if not instrument.tradable:
            return f"{instrument.key} is an index and cannot be traded."
        if desk.trading_state is not TradingState.ACTIVE:
            return f"the kill switch lets no entry pass ({desk.trading_state.name.lower()})."
        if not desk.ready:
            return f"the desk takes no entries: {desk.state}. {desk.state_detail}".strip()
        return self._arming.why_not()

    async def send(self, instrument: Instrument, side: Side, price: float, quantity: int, product: Product) -> str:
        """One LIMIT order at that price; what came of it, in words.

        Raises Refused where it is not armed, too soon after the last, or the price is stale; else what the desk does.
        """
        if not self.armed(instrument):
            raise Refused(f"Not armed{f': {self.why}' if self.why else ''}. Nothing was sent.", RULE)
        since_s = self._now_s() - self._sent_s
        if since_s < GAP_S:
            raise Refused(f"{since_s:.1f} s after the last click, {GAP_S} s asked: nothing was sent.", RULE)
        if self._market.stale(instrument.instrument_token):
            raise Refused(f"The price of {instrument.tradingsymbol} is old: nothing was sent.", RULE)
        self._sent_s = self._now_s()
        return await self._sent(self._request(instrument, side, price, quantity, product), instrument.decimals)

    def _request(
        self, instrument: Instrument, side: Side, price: float, quantity: int, product: Product
    ) -> OrderRequest:
        return OrderRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=side,
            quantity=quantity,
            product=product,
            order_type="LIMIT",
            price=instrument.snap(price),
            tag=self._desk.new_tag(),
            reason="one click in the depth ladder",
        )

    async def _sent(self, request: OrderRequest, decimals: int) -> str:
        try:
            orders = await self._desk.submit_sliced(request)
        except Unknown:
            self.disarm("an order was not answered: it may exist. Look at Orders before sending again.")
            raise
        return _words(request, orders, decimals)

    async def cancel_at(self, instrument: Instrument, price: float) -> int:
        """Cancel working orders of the instrument with this limit, armed or not; how many were asked for.

        Raises the first failure after all were tried.
        """
        ticks = instrument.ticks(price)
        orders = [order for order in self.working(instrument) if instrument.ticks(order.price) == ticks]
        first: AlphaPandaError | None = None
        for order in orders:
            try:
                await self._desk.cancel(order.order_id)
            except AlphaPandaError as error:
                first = first or error
        if first is not None:
            raise first
        return len(orders)

    def working(self, instrument: Instrument) -> list[Order]:
        """Orders of the instrument that rest with a limit and can be cancelled."""
        return [o for o in self._desk.orders() if o.key == instrument.key and o.changeable and o.order_type == "LIMIT"]


def _words(request: OrderRequest, orders: list[Order], decimals: int) -> str:
    price = f"{request.price:.{decimals}f}"  # all of it: ":g" tells six digits
    what = f"{request.transaction_type} {request.quantity} {request.tradingsymbol} @ {price}"
    numbers = ", ".join(order.order_id for order in orders)
    return f"Sent {what}: order {numbers}" if len(orders) == 1 else f"Sent {what} in {len(orders)} orders: {numbers}"
