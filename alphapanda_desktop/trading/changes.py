"""A modification as the risk check sees it: the order that would then be working."""

from __future__ import annotations

from dataclasses import asdict
from typing import cast

from alphapanda_desktop.domain.orders import TAG_MAX, Order, OrderChange, OrderRequest, OrderType, Product, Variety


def as_request(order: Order, change: OrderChange) -> OrderRequest:
    """What would still be open of the order after the change, as if it were asked for anew."""
    total = order.quantity if change.quantity is None else change.quantity
    return OrderRequest(
        exchange=order.exchange,
        tradingsymbol=order.tradingsymbol,
        instrument_token=order.instrument_token,
        transaction_type=order.transaction_type,
        quantity=total - order.filled_quantity,
        product=cast(Product, order.product),
        order_type=change.order_type or cast(OrderType, order.order_type),
        price=order.price or None if change.price is None else change.price,
        trigger_price=order.trigger_price or None if change.trigger_price is None else change.trigger_price,
        market_protection=order.market_protection or None
        if change.market_protection is None
        else change.market_protection,
        variety=cast(Variety, order.variety),
        tag=(order.tag or order.order_id)[:TAG_MAX],
    )


def asked(order_id: str, change: OrderChange) -> dict[str, object]:
    """What is journaled of a change: the order and what it asks for."""
    return {"order_id": order_id} | {name: value for name, value in asdict(change).items() if value is not None}
