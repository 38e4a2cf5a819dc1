"""Margin and charge calculators. Source: CONTRACT 2.12 (kite.trade/docs/connect/v3/margins).

Rates in the official samples are from old schedules; they are right about shape only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alphapanda_desktop.domain import charges
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery
from alphapanda_desktop.domain.positions import to_money
from alphapanda_desktop.kite.contract_wire import Float, Int, Text, Wire, parse_list


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

    def booked(self) -> charges.Charges:
        """The same in ten-thousandths of a rupee, to be set beside our own."""
        return charges.Charges(
            transaction_tax=to_money(self.transaction_tax),
            transaction_tax_type="ctt" if self.transaction_tax_type == "ctt" else "stt",
            exchange_turnover_charge=to_money(self.exchange_turnover_charge),
            sebi_turnover_charge=to_money(self.sebi_turnover_charge),
            brokerage=to_money(self.brokerage),
            stamp_duty=to_money(self.stamp_duty),
            gst=to_money(self.gst.total),
        )


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
    charges: Charges | None = None
    total: Float = 0.0


class BasketMargin(Wire):
    """Margin of several orders together; `final` is after the benefit of spreads and hedges."""

    initial: OrderMargin = OrderMargin()
    final: OrderMargin = OrderMargin()
    orders: tuple[OrderMargin, ...] = ()
    charges: Charges | None = None


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


def charges_query(order: ChargeQuery) -> Mapping[str, Any]:
    """What the charge calculator wants to know of an executed order."""
    return {
        "order_id": order.order_id,
        "exchange": order.exchange,
        "tradingsymbol": order.tradingsymbol,
        "transaction_type": order.transaction_type,
        "variety": order.variety,
        "product": order.product,
        "order_type": order.order_type,
        "quantity": order.quantity,
        "average_price": order.average_price,
    }


def charges_from_wire(rows: object, asked: int) -> list[charges.Charges]:
    """The charges of so many orders, in their order. Raises BadData where there are more or fewer."""
    notes = parse_list(ContractNote, rows, "charges")
    if asked and len(notes) != asked:
        raise BadData(f"charges: {asked} orders were asked for, {len(notes)} came")
    return [note.charges.booked() for note in notes]
