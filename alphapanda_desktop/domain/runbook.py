"""What a run's own orders have made it own: one folding for the program and for the process a strategy sits in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import cast

from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.strategy import Holding

Brought = Mapping[tuple[str, Product], tuple[int, float]]
"""Signed quantity and average price that a run did not trade itself, by instrument key and product."""


def holding_of(
    key: str, brought: Brought, orders: Iterable[Order], last_price: float | None, units: float = 1
) -> Holding:
    """What a run owns of one instrument; its profit at the last price, at cost where none is known."""
    lots = [lot for (where, _), lot in brought.items() if where == key]
    quantity, cost, realised = sum(q for q, _ in lots), sum(q * price for q, price in lots), 0.0
    for order in orders:
        if order.key == key and order.filled_quantity:
            quantity, cost, realised = fold(quantity, cost, realised, order)
    average = cost / quantity if quantity else 0.0
    last = average if last_price is None else last_price
    return Holding(quantity, average, (realised + quantity * (last - average)) * units)


def held_as(key: str, brought: Brought, orders: Iterable[Order]) -> dict[Product, int]:
    """Signed quantity of one instrument by product, where there is any: each can be closed only as itself."""
    held: dict[Product, int] = {product: count for (where, product), (count, _) in brought.items() if where == key}
    for order in orders:
        if order.key == key and order.filled_quantity:
            product = cast(Product, order.product)
            held[product] = held.get(product, 0) + order.sign * order.filled_quantity
    return {product: quantity for product, quantity in held.items() if quantity}


def average_as(key: str, product: Product, brought: Brought, orders: Iterable[Order]) -> tuple[int, float]:
    """Signed quantity and average price of one instrument as one product."""
    quantity, price = brought.get((key, product), (0, 0.0))
    cost, realised = quantity * price, 0.0
    for order in orders:
        if order.key == key and order.product == product and order.filled_quantity:
            quantity, cost, realised = fold(quantity, cost, realised, order)
    return quantity, cost / quantity if quantity else 0.0


def fold(quantity: int, cost: float, realised: float, order: Order) -> tuple[int, float, float]:
    """Average-cost book after one more order; `cost` is quantity × average price, signed."""
    signed, price = order.sign * order.filled_quantity, order.average_price
    if quantity * signed >= 0:
        return quantity + signed, cost + signed * price, realised
    average = cost / quantity
    closing = min(abs(signed), abs(quantity)) * (1 if quantity > 0 else -1)
    realised += closing * (price - average)
    left = quantity + signed
    if left * quantity > 0:
        return left, left * average, realised
    return left, left * price, realised
