"""What stands at Kite until something happens: GTT, alerts; and mutual funds.

Source: CONTRACT 2.13-2.14 (kite.trade/docs/connect/v3/gtt, /alerts, /mutual-funds).
"""

from __future__ import annotations

from typing import Any, Literal

from alphapanda_desktop.domain import portfolio
from alphapanda_desktop.kite.contract_wire import (
    Day,
    Float,
    Int,
    Meta,
    Text,
    Texts,
    TriggerId,
    When,
    Wire,
    parse,
    parse_list,
)


class GttCondition(Wire):
    """One trigger price, or two (lower, upper)."""

    exchange: str
    tradingsymbol: str
    trigger_values: tuple[float, ...] = ()
    last_price: Float = 0.0
    instrument_token: Int = 0


class GttOrderResult(Wire):
    """What became of the placement; an order that was placed may still be refused later."""

    status: Text = ""
    order_id: Text = ""
    rejection_reason: Text = ""


class GttResult(Wire):
    """The order as it was placed when the trigger fired; `meta` is JSON in text."""

    account_id: Text = ""
    exchange: Text = ""
    tradingsymbol: Text = ""
    validity: Text = ""
    product: Text = ""
    order_type: Text = ""
    transaction_type: Text = ""
    quantity: Int = 0
    price: Float = 0.0
    meta: Text = ""
    timestamp: When = None
    triggered_at: Float = 0.0
    order_result: GttOrderResult = GttOrderResult()

    def result(self) -> portfolio.GttResult:
        """The outcome as the desk knows it."""
        said = self.order_result
        return portfolio.GttResult(
            status=said.status,
            order_id=said.order_id,
            rejection_reason=said.rejection_reason,
            triggered_at=self.triggered_at,
            at=self.timestamp,
        )


class GttOrder(Wire):
    """An order that waits for its trigger; `result` is None until it fires."""

    exchange: str
    tradingsymbol: str
    transaction_type: Literal["BUY", "SELL"]
    quantity: int
    price: Float = 0.0
    product: Text = ""
    order_type: Text = "LIMIT"
    result: GttResult | None = None

    def order(self) -> portfolio.GttOrder:
        """The order as the desk knows it."""
        return portfolio.GttOrder(
            transaction_type=self.transaction_type,
            quantity=self.quantity,
            price=self.price,
            product=self.product,
            order_type=self.order_type,
            result=self.result.result() if self.result else None,
        )


class Gtt(Wire):
    """A good-till-triggered order; `type` is "single" or "two-leg". Source: CONTRACT 2.13."""

    id: int
    user_id: Text = ""
    parent_trigger: int | None = None
    type: Text = ""
    created_at: When = None
    updated_at: When = None
    expires_at: When = None
    status: Text = ""
    condition: GttCondition
    orders: tuple[GttOrder, ...] = ()
    meta: Meta = {}  # noqa: RUF012  # pydantic copies a model's default

    def gtt(self) -> portfolio.Gtt:
        """The trigger as the desk knows it."""
        return portfolio.Gtt(
            id=self.id,
            type=self.type,
            status=self.status,
            exchange=self.condition.exchange,
            tradingsymbol=self.condition.tradingsymbol,
            trigger_values=self.condition.trigger_values,
            last_price=self.condition.last_price,
            orders=tuple(order.order() for order in self.orders),
            instrument_token=self.condition.instrument_token,
            created_at=self.created_at,
            updated_at=self.updated_at,
            expires_at=self.expires_at,
        )


def gtt_from_wire(data: object) -> portfolio.Gtt:
    """One GTT. Raises BadData."""
    return parse(Gtt, data, "gtt").gtt()


def gtts_from_wire(rows: object) -> list[portfolio.Gtt]:
    """A list of GTTs. Raises BadData."""
    return [row.gtt() for row in parse_list(Gtt, rows, "gtts")]


def gtt_fields(request: portfolio.GttRequest) -> dict[str, Any]:
    """What the official client's place_gtt and modify_gtt take. Source: CONTRACT 2.13."""
    return {
        "trigger_type": request.type,
        "tradingsymbol": request.tradingsymbol,
        "exchange": request.exchange,
        "trigger_values": list(request.trigger_values),
        "last_price": request.last_price,
        "orders": [
            {
                "transaction_type": order.transaction_type,
                "quantity": order.quantity,
                "order_type": order.order_type,
                "product": order.product,
                "price": order.price,
            }
            for order in request.orders
        ],
    }


def trigger_id(data: object) -> int:
    """The id in an answer to creating, changing or deleting a GTT. Raises BadData."""
    return parse(TriggerId, data, "gtt").trigger_id


class BasketItem(Wire):
    """One order of an alert's basket; `params` is what the order would be placed with."""

    id: Int = 0
    tradingsymbol: str
    exchange: str
    instrument_token: Int = 0
    weight: Int = 0
    params: Meta = {}  # noqa: RUF012  # pydantic copies a model's default


class Basket(Wire):
    """Orders that an alert places."""

    name: Text = ""
    type: Text = ""
    tags: Texts = ()
    items: tuple[BasketItem, ...] = ()


class Alert(Wire):
    """An alert; an "ato" one places its basket, which Kite sometimes leaves out. Source: CONTRACT 2.14."""

    type: Text = ""
    user_id: Text = ""
    uuid: str
    name: Text = ""
    status: Text = ""
    disabled_reason: Text = ""
    basket: Basket | None = None
    lhs_attribute: Text = ""
    lhs_exchange: Text = ""
    lhs_tradingsymbol: Text = ""
    operator: Text = ""
    rhs_type: Text = ""
    rhs_attribute: Text = ""
    rhs_exchange: Text = ""
    rhs_tradingsymbol: Text = ""
    rhs_constant: Float = 0.0
    alert_count: Int = 0
    created_at: When = None
    updated_at: When = None


class AlertEvent(Wire):
    """One time that an alert fired; `meta` holds quotes as they were then."""

    uuid: str
    type: Text = ""
    meta: Any = None
    condition: Text = ""
    created_at: When = None
    order_meta: Any = None


class MfOrder(Wire):
    """A mutual-fund order."""

    order_id: str
    status: Text = ""
    purchase_type: Text = ""
    folio: str | None = None
    order_timestamp: When = None
    average_price: Float = 0.0
    exchange_order_id: str | None = None
    last_price: Float = 0.0
    last_price_date: Day = None
    tradingsymbol: Text = ""
    settlement_id: str | None = None
    transaction_type: Text = ""
    amount: Float = 0.0
    tag: str | None = None
    placed_by: Text = ""
    exchange_timestamp: Day = None
    variety: Text = ""
    status_message: Text = ""
    fund: Text = ""
    quantity: Float = 0.0


class MfHolding(Wire):
    """Units of a mutual fund that are held."""

    tradingsymbol: str
    quantity: Float = 0.0
    folio: str | None = None
    fund: Text = ""
    average_price: Float = 0.0
    last_price: Float = 0.0
    last_price_date: Day = None
    pledged_quantity: Float = 0.0
    pnl: Float = 0.0


class MfSip(Wire):
    """A mutual-fund plan of regular instalments; counts of -1 have no end."""

    sip_id: str
    status: Text = ""
    sip_reg_num: str | None = None
    created: When = None
    dividend_type: Text = ""
    instalment_amount: Float = 0.0
    fund: Text = ""
    instalments: Int = 0
    pending_instalments: Int = 0
    completed_instalments: Int = 0
    next_instalment: Day = None
    last_instalment: When = None
    instalment_day: Int = 0
    transaction_type: Text = ""
    trigger_price: Float = 0.0
    step_up: Meta = {}  # noqa: RUF012  # pydantic copies a model's default
    tradingsymbol: Text = ""
    tag: str | None = None
    frequency: Text = ""
    sip_type: Text = ""
    fund_source: Text = ""
