"""Orders as Kite speaks of them: requests, book rows, fills, and which changes of state are news.

A cancelled order can own a position, an unknown status is live, and updates repeat and overtake one another:
`OrderBook.apply` is the one place that decides which of two pictures of an order is the later one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final, Literal

Side = Literal["BUY", "SELL"]
OrderType = Literal["MARKET", "LIMIT", "SL", "SL-M"]
Product = Literal["CNC", "NRML", "MIS", "MTF"]
Variety = Literal["regular", "amo", "co", "iceberg", "auction"]
Validity = Literal["DAY", "IOC", "TTL"]

TERMINAL: Final = frozenset({"COMPLETE", "REJECTED", "CANCELLED", "LAPSED"})
"""Statuses after which nothing more happens; every other one, known or not, is live."""

RESTING: Final = frozenset({"OPEN", "TRIGGER PENDING", "AMO REQ RECEIVED"})
"""Statuses in which Kite lets an order be modified or cancelled."""

UNKNOWN: Final = "UNKNOWN"
"""Our own status of an order whose answer never came; it may exist at the broker."""

INTENDED: Final = "INTENDED"
"""Our own status of an order that is journaled and on its way."""

TAG_MAX: Final = 20

AUTOMATIC: Final = -1.0
"""Market protection of which Kite chooses the percentage, demanded on MARKET and SL-M.  Source: CONTRACT 2.6."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRequest:
    """One order as it will be sent; prices rupees, `quantity` units (lots on MCX).

    `tag` names the intent, unique per order, at most 20 characters: it is how a lost reply is found again.
    `market_protection` is per cent, -1 for Kite's automatic figure; Kite demands it on MARKET and SL-M.
    """

    exchange: str
    tradingsymbol: str
    transaction_type: Side
    quantity: int
    product: Product
    order_type: OrderType
    tag: str
    instrument_token: int = 0
    price: float | None = None
    trigger_price: float | None = None
    variety: Variety = "regular"
    validity: Validity = "DAY"
    validity_ttl: int | None = None
    disclosed_quantity: int = 0
    market_protection: float | None = None
    iceberg_legs: int | None = None
    iceberg_quantity: int | None = None
    strategy: str = ""
    """Run id of the strategy that asked, empty for an order by hand; never sent to Kite."""
    reason: str = ""
    """Why, in the strategy's words; never sent to Kite."""
    closes: bool = False
    """It may only shrink what is held: the desk refuses it where it would not. Never sent to Kite."""

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def sign(self) -> int:
        return 1 if self.transaction_type == "BUY" else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderChange:
    """What a modification changes; None leaves a value as it is. `quantity` is the new total."""

    quantity: int | None = None
    price: float | None = None
    trigger_price: float | None = None
    order_type: OrderType | None = None
    validity: Validity | None = None
    disclosed_quantity: int | None = None
    market_protection: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One row of the order book; fields are Kite's, times aware UTC, prices rupees.

    `order_id` is opaque text, empty while the reply is awaited. `status` is Kite's word, or UNKNOWN / INTENDED.
    """

    order_id: str
    status: str
    exchange: str
    tradingsymbol: str
    transaction_type: Side
    quantity: int
    product: str
    order_type: str
    variety: str = "regular"
    validity: str = "DAY"
    instrument_token: int = 0
    price: float = 0.0
    trigger_price: float = 0.0
    average_price: float = 0.0
    filled_quantity: int = 0
    pending_quantity: int = 0
    cancelled_quantity: int = 0
    disclosed_quantity: int = 0
    market_protection: float = 0.0
    exchange_order_id: str | None = None
    parent_order_id: str | None = None
    status_message: str | None = None
    status_message_raw: str | None = None
    order_timestamp: datetime | None = None
    exchange_timestamp: datetime | None = None
    exchange_update_timestamp: datetime | None = None
    modified: bool = False
    placed_by: str = ""
    tag: str | None = None
    tags: tuple[str, ...] = ()
    meta: dict[str, object] = field(default_factory=dict)
    guid: str = ""

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def live(self) -> bool:
        """Whether anything can still happen to it; an unknown status counts as live."""
        return self.status not in TERMINAL

    @property
    def changeable(self) -> bool:
        """Whether Kite would take a modification or cancellation now."""
        return self.status in RESTING

    @property
    def open_quantity(self) -> int:
        """Units that may still fill; 0 once the order has ended, whatever the wire's pending field says."""
        return max(0, self.quantity - self.filled_quantity) if self.live else 0

    @property
    def sign(self) -> int:
        return 1 if self.transaction_type == "BUY" else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution; Kite calls it a trade. `average_price` rupees, `fill_timestamp` aware UTC."""

    trade_id: str
    order_id: str
    exchange: str
    tradingsymbol: str
    transaction_type: Side
    quantity: int
    average_price: float
    product: str
    instrument_token: int = 0
    exchange_order_id: str = ""
    fill_timestamp: datetime | None = None

    @property
    def id(self) -> tuple[str, str, str]:
        """What tells fills apart: a trade_id is unique only within its exchange."""
        return (self.exchange, self.order_id, self.trade_id)

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def sign(self) -> int:
        return 1 if self.transaction_type == "BUY" else -1


_STAGE: Final = {
    INTENDED: 0,
    UNKNOWN: 1,
    "PUT ORDER REQ RECEIVED": 2,
    "AMO REQ RECEIVED": 3,
    "VALIDATION PENDING": 3,
    "OPEN PENDING": 4,
    "TRIGGER PENDING": 5,
}
_RESTS: Final = 6

UPDATE: Final = "UPDATE"
"""The socket's word for an open order that was modified or partly filled: news, not a state that an order rests in.

Source: CONTRACT 2.8 and 5.
"""

_CHANGING: Final = frozenset({"MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "CANCEL PENDING", UPDATE})
"""What a resting order passes through and comes back from, to where it rested before: a stop to TRIGGER PENDING."""


def is_news(known: Order, seen: Order) -> bool:
    """Whether `seen` tells something later than `known` of the same order.

    An end is later than any life, and an ended order stays ended; then more filled is later, then the exchange's
    own time decides, then the life cycle.
    """
    if known.live != seen.live:
        return known.live
    if seen.filled_quantity != known.filled_quantity:
        return seen.filled_quantity > known.filled_quantity
    if not known.live:
        return seen != known and seen.status == known.status
    return _later(known, seen)


def _later(known: Order, seen: Order) -> bool:
    for old, new in (
        (known.exchange_update_timestamp, seen.exchange_update_timestamp),
        (known.order_timestamp, seen.order_timestamp),
    ):
        if old and new and old != new:
            return new > old
    if known.modified != seen.modified and known.status != UPDATE:
        return seen.modified
    reached = _STAGE["TRIGGER PENDING"] if known.status in _CHANGING else _STAGE.get(known.status, _RESTS)
    return seen != known and _STAGE.get(seen.status, _RESTS) >= reached


def _still_resting(seen: Order, known: Order) -> Order:
    """An UPDATE of what rests rests where it did: only more filled could have moved it from its trigger."""
    rests = seen.status == UPDATE and known.status in RESTING and seen.filled_quantity == known.filled_quantity
    return replace(seen, status=known.status) if rests else seen


def _completed(seen: Order, known: Order) -> Order:
    """A later picture with what it leaves out: snapshots come with fewer fields, and filled quantity never falls."""
    token = seen.instrument_token or known.instrument_token
    seen = replace(seen, tag=seen.tag or known.tag, instrument_token=token)
    if seen.filled_quantity >= known.filled_quantity:
        return seen
    return replace(seen, filled_quantity=known.filled_quantity, average_price=known.average_price)


class OrderBook:
    """The day's orders, by order_id and by tag. Owned by one desk; not shared between venues."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._by_tag: dict[str, str] = {}

    def __iter__(self) -> Iterator[Order]:
        return iter(list(self._orders.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, order_id: str) -> Order | None:
        return self._orders.get(order_id)

    def by_tag(self, tag: str) -> Order | None:
        return self._orders.get(self._by_tag.get(tag, ""))

    def apply(self, seen: Order) -> Order | None:
        """Take a picture of an order; the row as it now stands if it was news, else None."""
        known = self._orders.get(seen.order_id)
        if known is not None:
            seen = _still_resting(seen, known)
            if not is_news(known, seen):
                return None
            seen = _completed(seen, known)
        self._orders[seen.order_id] = seen
        for tag in (seen.tag, *seen.tags):
            if tag:
                self._by_tag.setdefault(tag, seen.order_id)
        return seen

    def working(self) -> list[Order]:
        """Orders to which something can still happen."""
        return [order for order in self._orders.values() if order.live]
