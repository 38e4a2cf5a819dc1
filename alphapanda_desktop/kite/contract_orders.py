"""Orders, trades, positions and holdings as Kite sends them, and what Kite wants to be sent.

Source: CONTRACT 2.4-2.10 and 5 (kite.trade/docs/connect/v3/orders, /portfolio, /postbacks).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal

from alphapanda_desktop.domain.errors import BadData, Refused
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.portfolio import Slices
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.kite.contract_wire import (
    Float,
    Int,
    Meta,
    Text,
    Texts,
    When,
    Wire,
    parse,
    parse_list,
)

AUTOMATIC_PROTECTION: Final = -1
"""`market_protection` by which Kite chooses the percentage itself. Source: CONTRACT 2.6."""

PROTECTED_TYPES: Final = frozenset({"MARKET", "SL-M"})
"""Order types that Kite refuses without market protection since 1 Apr 2026. Source: CONTRACT 2.6."""


KITES_TAGS: Final = ("mktp", "autoslice")
"""How tags begin that Kite adds to an order itself. Source: CONTRACT 2.6-2.7."""

_same: Final = sys.intern
"""A word that many orders and pictures of them have is kept once."""


class OrderRow(Wire):
    """One row of the order book, and one snapshot of an order's history. Source: CONTRACT 2.8."""

    order_id: str
    status: str
    exchange: str
    tradingsymbol: str
    transaction_type: Literal["BUY", "SELL"]
    quantity: int
    product: Text = ""
    order_type: Text = ""
    account_id: Text = ""
    placed_by: Text = ""
    exchange_order_id: str | None = None
    parent_order_id: str | None = None
    status_message: str | None = None
    status_message_raw: str | None = None
    order_timestamp: When = None
    exchange_update_timestamp: When = None
    exchange_timestamp: When = None
    variety: Text = "regular"
    modified: bool | None = False
    instrument_token: Int = 0
    validity: Text = "DAY"
    validity_ttl: Int = 0
    disclosed_quantity: Int = 0
    price: Float = 0.0
    trigger_price: Float = 0.0
    auction_number: str | None = None
    average_price: Float = 0.0
    filled_quantity: Int = 0
    pending_quantity: Int = 0
    cancelled_quantity: Int = 0
    market_protection: Float = 0.0
    meta: Meta = {}  # noqa: RUF012  # pydantic copies a model's default
    tag: str | None = None
    tags: Texts = ()
    guid: Text = ""
    terminal_id: Text = ""

    @property
    def own_tag(self) -> str | None:
        """The tag it was placed with: `tag`, else the first of `tags` that is not Kite's own."""
        return self.tag or next((tag for tag in self.tags if not tag.startswith(KITES_TAGS)), None)

    def order(self) -> Order:
        """The row as the desk knows it."""
        return Order(
            order_id=_same(self.order_id),
            status=_same(self.status),
            exchange=_same(self.exchange),
            tradingsymbol=_same(self.tradingsymbol),
            transaction_type=self.transaction_type,
            quantity=self.quantity,
            product=_same(self.product),
            order_type=_same(self.order_type),
            variety=_same(self.variety),
            validity=_same(self.validity),
            instrument_token=self.instrument_token,
            price=self.price,
            trigger_price=self.trigger_price,
            average_price=self.average_price,
            filled_quantity=self.filled_quantity,
            pending_quantity=self.pending_quantity,
            cancelled_quantity=self.cancelled_quantity,
            disclosed_quantity=self.disclosed_quantity,
            market_protection=self.market_protection,
            exchange_order_id=self.exchange_order_id,
            parent_order_id=self.parent_order_id,
            status_message=self.status_message,
            status_message_raw=self.status_message_raw,
            order_timestamp=self.order_timestamp,
            exchange_timestamp=self.exchange_timestamp,
            exchange_update_timestamp=self.exchange_update_timestamp,
            modified=bool(self.modified),
            placed_by=_same(self.placed_by),
            tag=self.own_tag,
            tags=self.tags,
            meta=dict(self.meta),
            guid=self.guid,
        )


class Postback(OrderRow):
    """An order update: a postback's body and the socket's `order` message. Source: CONTRACT 5.

    `checksum` means something for postbacks of our own app only.
    """

    user_id: Text = ""
    unfilled_quantity: Int = 0
    app_id: Int = 0
    checksum: Text = ""


def postback_checksum(order_id: str, order_timestamp: str, api_secret: str) -> str:
    """SHA-256 that Kite signs a postback with; `order_timestamp` is the body's literal text."""
    return hashlib.sha256(f"{order_id}{order_timestamp}{api_secret}".encode()).hexdigest()


class TradeRow(Wire):
    """One execution. `order_timestamp` is a time of day only, so it stays text. Source: CONTRACT 2.8."""

    trade_id: str
    order_id: str
    exchange: str
    tradingsymbol: str
    transaction_type: Literal["BUY", "SELL"]
    quantity: int
    average_price: float
    product: Text = ""
    instrument_token: Int = 0
    exchange_order_id: Text = ""
    fill_timestamp: When = None
    order_timestamp: Text = ""
    exchange_timestamp: When = None

    def fill(self) -> Fill:
        """The trade as the desk knows it."""
        return Fill(
            trade_id=self.trade_id,
            order_id=_same(self.order_id),
            exchange=_same(self.exchange),
            tradingsymbol=_same(self.tradingsymbol),
            transaction_type=self.transaction_type,
            quantity=self.quantity,
            average_price=self.average_price,
            product=_same(self.product),
            instrument_token=self.instrument_token,
            exchange_order_id=self.exchange_order_id,
            fill_timestamp=self.fill_timestamp or self.exchange_timestamp,
        )


class PositionRow(Wire):
    """The 29 fields of a position; values include the multiplier. Source: CONTRACT 2.9."""

    tradingsymbol: str
    exchange: str
    product: str
    quantity: int
    instrument_token: Int = 0
    overnight_quantity: Int = 0
    multiplier: Float = 1.0
    average_price: Float = 0.0
    close_price: Float = 0.0
    last_price: Float = 0.0
    value: Float = 0.0
    pnl: Float = 0.0
    m2m: Float = 0.0
    unrealised: Float = 0.0
    realised: Float = 0.0
    buy_quantity: Int = 0
    buy_price: Float = 0.0
    buy_value: Float = 0.0
    buy_m2m: Float = 0.0
    sell_quantity: Int = 0
    sell_price: Float = 0.0
    sell_value: Float = 0.0
    sell_m2m: Float = 0.0
    day_buy_quantity: Int = 0
    day_buy_price: Float = 0.0
    day_buy_value: Float = 0.0
    day_sell_quantity: Int = 0
    day_sell_price: Float = 0.0
    day_sell_value: Float = 0.0

    def position(self) -> Position:
        """The row as the desk knows it; what the other fields say follows by Kite's arithmetic."""
        return Position(
            exchange=self.exchange,
            tradingsymbol=self.tradingsymbol,
            product=self.product,
            quantity=self.quantity,
            instrument_token=self.instrument_token,
            overnight_quantity=self.overnight_quantity,
            multiplier=self.multiplier,
            close_price=self.close_price,
            last_price=self.last_price,
            buy_quantity=self.buy_quantity,
            buy_value=self.buy_value,
            sell_quantity=self.sell_quantity,
            sell_value=self.sell_value,
            day_buy_quantity=self.day_buy_quantity,
            day_buy_value=self.day_buy_value,
            day_sell_quantity=self.day_sell_quantity,
            day_sell_value=self.day_sell_value,
            told_pnl=self.pnl if "pnl" in self.model_fields_set else None,
        )


class Positions(Wire):
    """`net` is what is held, `day` what today's trades alone made. Source: CONTRACT 2.9."""

    net: tuple[PositionRow, ...] = ()
    day: tuple[PositionRow, ...] = ()


class Slice(Wire):
    """One slice of a sliced order: an order id, or Kite's error object. Source: CONTRACT 2.7."""

    order_id: Text = ""
    error: Meta = {}  # noqa: RUF012  # pydantic copies a model's default


class Autoslice(Wire):
    """Answer to a placement with autoslice: the parent and what became of each slice."""

    order_id: Text = ""
    children: tuple[Slice, ...] = ()


def order_from_wire(row: Mapping[str, Any]) -> Order:
    """An order out of the book, its history, a postback or a socket message. Raises BadData."""
    return parse(OrderRow, row, "order").order()


def orders_from_wire(rows: object) -> list[Order]:
    """The order book, or the snapshots of one order. Raises BadData."""
    return [row.order() for row in parse_list(OrderRow, rows, "orders")]


def fill_from_wire(row: Mapping[str, Any]) -> Fill:
    """One trade. Raises BadData."""
    return parse(TradeRow, row, "trade").fill()


def fills_from_wire(rows: object) -> list[Fill]:
    """A list of trades. Raises BadData."""
    return [row.fill() for row in parse_list(TradeRow, rows, "trades")]


def position_from_wire(row: Mapping[str, Any]) -> Position:
    """One position. Raises BadData."""
    return parse(PositionRow, row, "position").position()


def positions_from_wire(data: object) -> list[Position]:
    """Net positions. Raises BadData."""
    return [row.position() for row in parse(Positions, data, "positions").net]


def autoslice_from_wire(data: object) -> Autoslice:
    """A sliced placement in either of Kite's shapes: parent with children, or the older flat list.

    Source: CONTRACT 2.7 (v2 is what the clients and the sample show, v1 what the text still says).
    """
    if isinstance(data, list):
        return Autoslice(children=tuple(parse_list(Slice, data, "autoslice")))
    return parse(Autoslice, data, "autoslice")


def slices_from_wire(data: object) -> Slices:
    """What became of each slice of an order. Raises BadData where the answer tells of none at all."""
    said = autoslice_from_wire(data)
    order_ids = tuple(child.order_id for child in said.children if child.order_id)
    refused = tuple(str(child.error.get("message", "no reason given")) for child in said.children if child.error)
    if not said.children and said.order_id:
        return Slices(order_ids=(said.order_id,))
    if not order_ids and not refused:
        raise BadData("autoslice: neither an order id nor an error came")
    return Slices(order_ids=order_ids, refused=refused, parent=said.order_id)


Params = dict[str, str | int | float]


def request_to_params(request: OrderRequest, auction_number: str = "") -> Params:
    """Form fields of POST /orders/{variety}, the variety itself left out; our own fields never leave.

    A MARKET or SL-M order without protection gets Kite's automatic one. Source: CONTRACT 2.4, 2.6.
    """
    iceberg = request.variety == "iceberg"
    triggered = request.order_type in ("SL", "SL-M") or request.variety == "co"
    params: dict[str, str | int | float | None] = {
        "exchange": request.exchange,
        "tradingsymbol": request.tradingsymbol,
        "transaction_type": request.transaction_type,
        "quantity": request.quantity,
        "product": request.product,
        "order_type": request.order_type,
        "validity": request.validity,
        "price": request.price if request.order_type in ("LIMIT", "SL") else None,
        "trigger_price": request.trigger_price if triggered else None,
        "validity_ttl": request.validity_ttl if request.validity == "TTL" else None,
        "disclosed_quantity": request.disclosed_quantity or None,
        "market_protection": _protection(request.order_type, request.market_protection),
        "iceberg_legs": request.iceberg_legs if iceberg else None,
        "iceberg_quantity": request.iceberg_quantity if iceberg else None,
        "auction_number": auction_number or None,
        "tag": request.tag or None,
    }
    return {name: value for name, value in params.items() if value is not None}


def change_to_params(change: OrderChange) -> Params:
    """Form fields of PUT /orders/{variety}/{order_id}; what does not change is left out. Source: CONTRACT 2.4.

    Raises Refused where nothing changes.
    """
    params: dict[str, str | int | float | None] = {
        "quantity": change.quantity,
        "price": change.price,
        "trigger_price": change.trigger_price,
        "order_type": change.order_type,
        "validity": change.validity,
        "disclosed_quantity": change.disclosed_quantity,
        "market_protection": _protection(change.order_type or "", change.market_protection),
    }
    sent = {name: value for name, value in params.items() if value is not None}
    if not sent:
        raise Refused("nothing to change in the order", rule="empty change")
    return sent


def _protection(order_type: str, wanted: float | None) -> float | None:
    if order_type not in PROTECTED_TYPES:
        return wanted or None
    return wanted or AUTOMATIC_PROTECTION
