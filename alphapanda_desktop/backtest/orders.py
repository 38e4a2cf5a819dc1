"""One order of a backtest: as little as the loop needs, and the same as `OrderRequest` and `Order` when asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import AUTOMATIC, INTENDED, Order, OrderRequest, OrderType, Product, Side

STOPS: Final = ("SL", "SL-M")


@dataclass(slots=True, eq=False)
class Working:
    """An order from the wish to its end; `sign` is 1 for a purchase. It fills whole or not at all.

    `limit` is the price that the book shows: a market order's is its protection. `at_s` is its last news.
    """

    number: int
    instrument: Instrument
    sign: int
    quantity: int
    product: Product
    order_type: OrderType
    price: float | None
    trigger: float | None
    tag: str
    reason: str
    asked_s: int
    closes: bool = False
    status: str = INTENDED
    message: str | None = None
    limit: float = 0.0
    filled: int = 0
    average_price: float = 0.0
    at_s: int = 0
    square_off: bool = False

    @property
    def side(self) -> Side:
        return "BUY" if self.sign > 0 else "SELL"

    @property
    def live(self) -> bool:
        return self.status in (INTENDED, "OPEN", "TRIGGER PENDING")

    def request(self) -> OrderRequest:
        """What the desk would be asked for."""
        return OrderRequest(
            exchange=self.instrument.exchange,
            tradingsymbol=self.instrument.tradingsymbol,
            instrument_token=self.instrument.instrument_token,
            transaction_type=self.side,
            quantity=self.quantity,
            product=self.product,
            order_type=self.order_type,
            price=self.price,
            trigger_price=self.trigger,
            market_protection=AUTOMATIC if self.order_type in ("MARKET", "SL-M") else None,
            tag=self.tag,
            strategy="backtest",
            reason=self.reason,
            closes=self.closes,
        )

    def order(self) -> Order:
        """The row that an order book would show; market orders are limits at their protection, as with Kite."""
        stop = self.order_type in STOPS
        number = f"{self.number:08d}" if self.status not in (INTENDED, "REJECTED") else ""
        return Order(
            order_id=number,
            status=self.status,
            exchange=self.instrument.exchange,
            tradingsymbol=self.instrument.tradingsymbol,
            instrument_token=self.instrument.instrument_token,
            transaction_type=self.side,
            quantity=self.quantity,
            product=self.product,
            order_type="SL" if stop else "LIMIT" if self.limit else self.order_type,
            price=self.limit or self.price or 0.0,
            trigger_price=(self.trigger or 0.0) if stop else 0.0,
            average_price=self.average_price,
            filled_quantity=self.filled,
            pending_quantity=self.quantity - self.filled if self.live else 0,
            cancelled_quantity=self.quantity if self.status == "CANCELLED" else 0,
            status_message=self.message,
            order_timestamp=datetime.fromtimestamp(self.at_s or self.asked_s, UTC),
            placed_by="RMS" if self.square_off else "backtest",
            tag=self.tag,
            tags=(self.tag,),
        )


class Execution(NamedTuple):
    """One fill: rupees and units, `charges` booked money. `bar` is the number of its bar in its instrument's series."""

    at_s: int
    bar: int
    key: str
    sign: int
    quantity: int
    price: float
    product: str
    charges: int
    tag: str
    reason: str


class Refused(NamedTuple):
    """One order that was not taken: by which rule, and in what words."""

    at_s: int
    key: str
    rule: str
    text: str
