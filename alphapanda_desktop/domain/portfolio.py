"""What stands beside the order book: holdings, good-till-triggered orders, conversion, margins and charges asked for.

Kite and paper trading satisfy the three protocols; the panels and the desk know no more of either.
Source: CONTRACT 2.9, 2.10, 2.12 and 2.13.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, Protocol

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.orders import Order, OrderRequest, Side
from alphapanda_desktop.domain.positions import DELIVERY, Position

GttType = Literal["single", "two-leg"]

GTT_PRODUCTS: Final = ("CNC", "NRML", "MTF")
"""Products that a GTT's order may have.  Source: CONTRACT 2.13."""

CASH_EXCHANGES: Final = ("NSE", "BSE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """Stock in the demat account; prices rupees, `day_change` per share.

    `quantity` is settled, `t1_quantity` bought yesterday, `used_quantity` sold already; `pnl` is Kite's own figure.
    """

    tradingsymbol: str
    exchange: str
    quantity: int
    instrument_token: int = 0
    isin: str = ""
    product: str = "CNC"
    t1_quantity: int = 0
    used_quantity: int = 0
    realised_quantity: int = 0
    authorised_quantity: int = 0
    opening_quantity: int = 0
    short_quantity: int = 0
    collateral_quantity: int = 0
    collateral_type: str = ""
    discrepancy: bool = False
    average_price: float = 0.0
    last_price: float = 0.0
    close_price: float = 0.0
    pnl: float = 0.0
    day_change: float = 0.0
    day_change_percentage: float = 0.0
    mtf_quantity: int = 0
    mtf_average_price: float = 0.0
    mtf_value: float = 0.0

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def held(self) -> int:
        """All shares owned, settled or not."""
        return self.quantity + self.t1_quantity

    @property
    def sellable(self) -> int:
        """Shares that may be sold today, settlement and authorisation permitting."""
        return max(0, self.held - self.used_quantity)

    def invested(self) -> float:
        """What the shares cost, in rupees."""
        return self.held * self.average_price

    def value_at(self, last_price: float) -> float:
        """What the shares are worth, in rupees."""
        return self.held * last_price

    def pnl_at(self, last_price: float) -> float:
        """Profit and loss in rupees at that price, by Kite's own arithmetic."""
        return (last_price - self.average_price) * self.held


@dataclass(frozen=True, slots=True, kw_only=True)
class GttResult:
    """The outcome of placing a GTT's order when it fired; a placed order may still be refused later.

    `status` is "success" or "failed"; `triggered_at` is the price in rupees that fired it.
    """

    status: str
    order_id: str = ""
    rejection_reason: str = ""
    triggered_at: float = 0.0
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GttOrder:
    """The LIMIT order that waits behind one trigger; `result` is None until it fires."""

    transaction_type: Side
    quantity: int
    price: float
    product: str
    order_type: str = "LIMIT"
    result: GttResult | None = None

    @property
    def sign(self) -> int:
        return 1 if self.transaction_type == "BUY" else -1


@dataclass(frozen=True, slots=True, kw_only=True)
class GttRequest:
    """A GTT to be made: one trigger and order, or two of each (lower first), of which exactly one will fire.

    `last_price` tells on which side of the market each trigger lies; prices rupees.
    """

    exchange: str
    tradingsymbol: str
    trigger_values: tuple[float, ...]
    last_price: float
    orders: tuple[GttOrder, ...]

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def type(self) -> GttType:
        return "two-leg" if len(self.trigger_values) == 2 else "single"

    def problem(self) -> str:
        """Why Kite would not take it, in words; empty when nothing is known against it."""
        legs = len(self.trigger_values)
        if legs not in (1, 2) or len(self.orders) != legs:
            return f"a GTT has one or two triggers and as many orders, not {legs} and {len(self.orders)}"
        return self._trigger_problem() or next((text for o in self.orders if (text := self._order_problem(o))), "")

    def _trigger_problem(self) -> str:
        values, last = self.trigger_values, self.last_price
        if last <= 0 or min(values) <= 0:
            return f"trigger and last price must be above 0, not {min(values):g} and {last:.10g}"
        if len(values) == 2 and not values[0] < last < values[1]:
            return f"the last price {last:.10g} must lie between the two triggers {values[0]:g} and {values[1]:g}"
        return f"the trigger must differ from the last price {last:.10g}" if values[0] == last else ""

    def _order_problem(self, order: GttOrder) -> str:
        if order.quantity < 1 or order.price <= 0:
            return f"quantity and price must be above 0, not {order.quantity} and {order.price:.10g}"
        if order.order_type != "LIMIT":
            return f"a GTT places LIMIT orders, not {order.order_type}"
        if order.product not in GTT_PRODUCTS:
            return f"a GTT takes {', '.join(GTT_PRODUCTS)}, not {order.product}"
        if self.type == "two-leg" and order.transaction_type == "BUY" and self.exchange in CASH_EXCHANGES:
            return "a two-leg GTT that buys is for derivatives only, not for shares"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gtt:
    """A GTT as it stands at the broker; `status` is Kite's word, times aware UTC, `trigger_values` lower first."""

    id: int
    type: str
    status: str
    exchange: str
    tradingsymbol: str
    trigger_values: tuple[float, ...]
    last_price: float
    orders: tuple[GttOrder, ...]
    instrument_token: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def active(self) -> bool:
        """Whether it still waits for its price."""
        return self.status == "active"

    def as_request(self) -> GttRequest:
        """What would have to be sent to make it again; a change sends it whole."""
        return GttRequest(
            exchange=self.exchange,
            tradingsymbol=self.tradingsymbol,
            trigger_values=self.trigger_values,
            last_price=self.last_price,
            orders=self.orders,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Margin:
    """What orders would ask for, in rupees; None is what could not be learned, never nought."""

    required: float | None = None
    available: float | None = None
    charges: float | None = None
    leverage: float | None = None

    @property
    def short_by(self) -> float | None:
        """Rupees that are missing, 0 when the money reaches."""
        if self.required is None or self.available is None:
            return None
        return max(0.0, self.required - self.available)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargeQuery:
    """One executed order, or one thought of, whose charges are asked for; `average_price` rupees, above 0."""

    exchange: str
    tradingsymbol: str
    transaction_type: Side
    product: str
    quantity: int
    average_price: float
    order_type: str = "LIMIT"
    variety: str = "regular"
    order_id: str = "1"

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @classmethod
    def of_request(cls, request: OrderRequest, at: float) -> ChargeQuery:
        """What the order would cost if all of it traded at that price."""
        return cls(
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            transaction_type=request.transaction_type,
            product=request.product,
            quantity=request.quantity,
            average_price=at,
            order_type=request.order_type,
            variety=request.variety,
        )

    @classmethod
    def of_order(cls, order: Order) -> ChargeQuery:
        """What the filled part of an order costs."""
        return cls(
            exchange=order.exchange,
            tradingsymbol=order.tradingsymbol,
            transaction_type=order.transaction_type,
            product=order.product,
            quantity=order.filled_quantity,
            average_price=order.average_price,
            order_type=order.order_type,
            variety=order.variety,
            order_id=order.order_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Slices:
    """What became of an order that the broker cut up itself: ids of the slices that stand, reasons of those refused.

    `parent` is the id that the slices' tags name, empty where the broker gave none.
    """

    order_ids: tuple[str, ...]
    refused: tuple[str, ...] = ()
    parent: str = ""


class Gtts(Protocol):
    """GTTs of one account. Writing calls may raise Refused, Rejected, Retry, SessionEnded, and Unknown."""

    async def list(self) -> list[Gtt]:
        """Those that wait, and what became of the others of the last days."""
        ...

    async def place(self, request: GttRequest) -> int:
        """The id of a new GTT. Raises Unknown when no answer came: look at the list before asking again."""
        ...

    async def modify(self, id: int, request: GttRequest) -> int:
        """The id of a GTT whose condition and orders were replaced."""
        ...

    async def delete(self, id: int) -> int:
        """The id of a GTT that waits no more."""
        ...


class Portfolio(Protocol):
    """Holdings, and the product of positions."""

    async def holdings(self) -> list[Holding]: ...

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        """Move that much of an open position to another product.

        Raises Refused for a quantity that is not there, Rejected, and Unknown when no answer came: read the positions.
        """
        ...


class Calculator(Protocol):
    """What orders would ask for and cost; nothing is sent to an exchange."""

    async def margin(self, requests: Sequence[OrderRequest]) -> Margin:
        """Margin of these orders together, positions considered, and the money that is there."""
        ...

    async def charges(self, orders: Sequence[ChargeQuery]) -> list[Charges]:
        """Charges of each, in the same order."""
        ...


def conversion_problem(position: Position, quantity: int, to_product: str) -> str:
    """Why a position cannot be converted so, in words; empty when nothing is known against it."""
    held = abs(position.quantity)
    if not 0 < quantity <= held:
        return f"{quantity} asked to be converted, {held} held of {position.key} as {position.product}"
    if to_product == position.product:
        return f"{position.key} is held as {to_product} already"
    allowed = ("CNC", "MIS", "MTF") if position.exchange in CASH_EXCHANGES else ("NRML", "MIS")
    if to_product not in allowed:
        return f"{position.exchange} knows {', '.join(allowed)}, not {to_product}"
    return f"{to_product} takes no short position" if to_product in DELIVERY and position.quantity < 0 else ""


def position_type(position: Position, quantity: int) -> Literal["day", "overnight"]:
    """Which part of a position a conversion takes from: what was carried overnight where it reaches, else today's."""
    same_way = position.overnight_quantity * position.quantity > 0
    carried = min(abs(position.overnight_quantity), abs(position.quantity)) if same_way else 0
    return "overnight" if 0 < quantity <= carried else "day"
