"""How rows of the book come about: out of what was asked, and out of other orders (legs, stops)."""

from __future__ import annotations

from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.sim.checks import Ask
from alphapanda_desktop.sim.orders import SimOrder


def made(ask: Ask, order_id: str, user_id: str, tags: list[str], meta: dict[str, object]) -> SimOrder:
    """The row of a new order."""
    return SimOrder(
        order_id=order_id,
        placed_by=user_id,
        exchange=ask.instrument.exchange,
        tradingsymbol=ask.instrument.tradingsymbol,
        instrument_token=ask.instrument.instrument_token,
        transaction_type=ask.transaction_type,
        order_type=ask.order_type,
        product=booked_as(ask),
        variety=ask.variety,
        quantity=ask.quantity,
        validity=ask.validity,
        validity_ttl=ask.validity_ttl,
        price=ask.price,
        trigger_price=ask.trigger_price,
        disclosed_quantity=ask.disclosed_quantity,
        tag=ask.tag,
        tags=[*([ask.tag] if ask.tag else []), *tags],
        auction_number=ask.auction_number,
        guid=f"{int(order_id) % 100_000}X{int(order_id) >> 22:x}",
        meta=meta,
    )


def sibling(order: SimOrder, order_id: str, quantity: int, meta: dict[str, object]) -> SimOrder:
    """The row of an order that grows out of another one."""
    return SimOrder(
        order_id=order_id, placed_by=order.placed_by, exchange=order.exchange, tradingsymbol=order.tradingsymbol,
        instrument_token=order.instrument_token, transaction_type=order.transaction_type,
        order_type=order.order_type, product=order.product, variety=order.variety, quantity=quantity,
        validity=order.validity, validity_ttl=order.validity_ttl, price=order.price,
        trigger_price=order.trigger_price, tag=order.tag, tags=list(order.tags), guid=f"{order.guid}L", meta=meta,
    )  # fmt: skip


def first_leg(ask: Ask) -> dict[str, int]:
    """`meta.iceberg` of an iceberg's first leg."""
    return {
        "leg": 1,
        "legs": ask.iceberg_legs,
        "leg_quantity": ask.leg_quantity,
        "total_quantity": ask.quantity,
        "remaining_quantity": ask.quantity - ask.leg_quantity,
    }


def booked_as(ask: Ask) -> str:
    """The product under which it stands: a cover order has one of its own."""
    return "CO" if ask.variety == "co" else ask.product


def other(side: Side) -> Side:
    """The opposite side."""
    return "SELL" if side == "BUY" else "BUY"
