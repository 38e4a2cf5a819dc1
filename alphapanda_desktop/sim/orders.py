"""One order as the simulator keeps it, its rows on the wire, and the ids that orders carry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from alphapanda_desktop.domain.orders import TERMINAL, Side

_HISTORY_KEYS: Final = (
    "average_price", "cancelled_quantity", "disclosed_quantity", "exchange", "exchange_order_id",
    "exchange_timestamp", "filled_quantity", "instrument_token", "order_id", "order_timestamp", "order_type",
    "parent_order_id", "pending_quantity", "placed_by", "price", "product", "quantity", "status", "status_message",
    "tag", "tradingsymbol", "transaction_type", "trigger_price", "validity", "variety", "modified",
)  # fmt: skip
_PRIVATE: Final = frozenset({"history", "modifications", "per_unit", "opening", "last_second", "due_s"})
_EPOCH_MS: Final = 1_288_834_974_657


@dataclass(slots=True, kw_only=True)
class SimOrder:
    """A row of the book; wire fields under Kite's names, then what only the exchange knows. Prices rupees."""

    order_id: str
    placed_by: str
    exchange: str
    tradingsymbol: str
    instrument_token: int
    transaction_type: Side
    order_type: str
    product: str
    variety: str
    quantity: int
    validity: str = "DAY"
    validity_ttl: int = 0
    price: float = 0.0
    trigger_price: float = 0.0
    disclosed_quantity: int = 0
    market_protection: float = 0.0
    tag: str | None = None
    tags: list[str] = field(default_factory=list)
    guid: str = ""
    parent_order_id: str | None = None
    auction_number: str | None = None
    exchange_order_id: str | None = None
    status: str = ""
    status_message: str | None = None
    status_message_raw: str | None = None
    order_timestamp: str = ""
    exchange_update_timestamp: str | None = None
    exchange_timestamp: str | None = None
    modified: bool = False
    average_price: float = 0.0
    filled_quantity: int = 0
    cancelled_quantity: int = 0
    meta: dict[str, object] = field(default_factory=dict)

    history: list[dict[str, object]] = field(default_factory=list)
    modifications: int = 0
    per_unit: float = 0.0
    """Margin in rupees that each unit not yet filled blocks."""
    opening: int = 0
    """Units that open or enlarge a position; the rest only closes."""
    last_second: float = 0.0
    """Epoch second at which a TTL order is cancelled; 0 for none."""
    due_s: float = 0.0
    """Epoch second at which an AMO is sent to the exchange."""

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def live(self) -> bool:
        return self.status not in TERMINAL

    @property
    def open_quantity(self) -> int:
        """Units that may still fill."""
        return self.quantity - self.filled_quantity if self.live else 0

    @property
    def pending_quantity(self) -> int:
        """What Kite reports as pending: on a cancelled order the cancelled units are counted here as well."""
        return 0 if self.status == "REJECTED" else self.quantity - self.filled_quantity

    @property
    def limit(self) -> float | None:
        """Price it will not trade beyond; None for a market order."""
        return None if self.order_type in ("MARKET", "SL-M") else self.price

    @property
    def blocked(self) -> float:
        """Margin in rupees that it holds now."""
        return self.per_unit * min(self.opening, self.open_quantity)

    def row(self) -> dict[str, object]:
        """The order object of the book."""
        wire = {name: value for name, value in self.body().items() if name not in _PRIVATE}
        wire |= {"tags": list(self.tags), "pending_quantity": self.pending_quantity}
        return {"account_id": self.placed_by, **wire}

    def body(self) -> dict[str, object]:
        """Everything, to be kept; not copied, so write it down at once."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def note(self) -> None:
        """Add what it is now to its history."""
        row = self.row()
        shown = {name: row[name] for name in _HISTORY_KEYS}
        if not self.history:
            shown["instrument_token"] = 1  # Kite has not looked the symbol up when it takes the first picture
        self.history.append(shown)

    def postback(self, api_secret: str) -> dict[str, object]:
        """The order object as socket updates and postbacks carry it."""
        signed = f"{self.order_id}{self.order_timestamp}{api_secret}"
        return self.row() | {
            "user_id": self.placed_by,
            "unfilled_quantity": self.open_quantity,
            "app_id": 1234,
            "checksum": hashlib.sha256(signed.encode()).hexdigest(),
        }


class Ids:
    """Order ids of 19 time-ordered digits, exchange ids and trade numbers; never the same twice."""

    def __init__(self) -> None:
        self._last = 0
        self._exchange = 0
        self._trade = 0

    def order(self, epoch_s: float) -> str:
        fresh = (int(epoch_s * 1000) - _EPOCH_MS) << 22
        self._last = max(fresh, self._last + (1 << 12))
        return str(self._last)

    def exchange(self) -> str:
        self._exchange += 1
        return f"{1_300_000_000_000_000 + self._exchange}"

    def trade(self) -> str:
        self._trade += 1
        return f"{10_000_000 + self._trade}"

    def seen(self, order_id: str, orders: int, trades: int) -> None:
        """Go on after what an earlier process handed out."""
        self._last = max(self._last, int(order_id or 0))
        self._exchange = max(self._exchange, orders)
        self._trade = max(self._trade, trades)
