"""Margin and charge calculators. Source: CONTRACT 2.12 (kite.trade/docs/connect/v3/margins).

Rates in the official samples are from old schedules; they are right about shape only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphapanda_desktop.domain.orders import Fill, OrderRequest
from alphapanda_desktop.kite.contract_wire import Float, Int, Text, Wire


class Gst(Wire):
    """Goods and services tax, in rupees."""

    igst: Float = 0.0
    cgst: Float = 0.0
    sgst: Float = 0.0
    total: Float = 0.0


class Charges(Wire):
    """What an order costs beside its price, in rupees; `transaction_tax_type` is "stt" or "ctt"."""

    transaction_tax: Float = 0.0
    transaction_tax_type: Text = ""
    exchange_turnover_charge: Float = 0.0
    sebi_turnover_charge: Float = 0.0
    brokerage: Float = 0.0
    stamp_duty: Float = 0.0
    gst: Gst = Gst()
    total: Float = 0.0


class MarginPnl(Wire):
    """Profit and loss that counts into a margin."""

    realised: Float = 0.0
    unrealised: Float = 0.0


class OrderMargin(Wire):
    """Margin that one order asks for, in rupees; the compact form has fewer fields."""

    type: Text = ""
    tradingsymbol: Text = ""
    exchange: Text = ""
    span: Float = 0.0
    exposure: Float = 0.0
    option_premium: Float = 0.0
    additional: Float = 0.0
    bo: Float = 0.0
    cash: Float = 0.0
    var: Float = 0.0
    pnl: MarginPnl = MarginPnl()
    leverage: Float = 0.0
    charges: Charges = Charges()
    total: Float = 0.0


class BasketMargin(Wire):
    """Margin of several orders together; `final` is after the benefit of spreads and hedges."""

    initial: OrderMargin = OrderMargin()
    final: OrderMargin = OrderMargin()
    orders: tuple[OrderMargin, ...] = ()
    charges: Charges = Charges()


class ContractNote(Wire):
    """The virtual contract note of one order: the order echoed, with its charges."""

    transaction_type: Text = ""
    tradingsymbol: Text = ""
    exchange: Text = ""
    variety: Text = ""
    product: Text = ""
    order_type: Text = ""
    quantity: Int = 0
    price: Float = 0.0
    charges: Charges = Charges()


def margin_query(request: OrderRequest) -> Mapping[str, Any]:
    """What the margin calculators want to know of an order."""
    return {
        "exchange": request.exchange,
        "tradingsymbol": request.tradingsymbol,
        "transaction_type": request.transaction_type,
        "variety": request.variety,
        "product": request.product,
        "order_type": request.order_type,
        "quantity": request.quantity,
        "price": request.price or 0,
        "trigger_price": request.trigger_price or 0,
    }


def charges_query(fill: Fill, variety: str = "regular", order_type: str = "LIMIT") -> Mapping[str, Any]:
    """What the charge calculator wants to know of an execution."""
    return {
        "order_id": fill.order_id,
        "exchange": fill.exchange,
        "tradingsymbol": fill.tradingsymbol,
        "transaction_type": fill.transaction_type,
        "variety": variety,
        "product": fill.product,
        "order_type": order_type,
        "quantity": fill.quantity,
        "average_price": fill.average_price,
    }
