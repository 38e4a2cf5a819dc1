"""How much of each position has a stop: at the broker, only in this program, or none.

Counted with care: a stop that is on its way, unanswered, being withdrawn, or has fired already protects nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from alphapanda_desktop.domain.orders import UPDATE, Order, Side
from alphapanda_desktop.domain.portfolio import Gtt
from alphapanda_desktop.domain.positions import Position, to_close

WAITING: Final = frozenset(
    {"TRIGGER PENDING", "AMO REQ RECEIVED", "MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", UPDATE}
)
"""Statuses in which a stop order rests at the exchange or will when it opens."""


@dataclass(frozen=True, slots=True)
class AppStop:
    """A stop that only this program watches; `quantity` is positive, `trigger` rupees, `owner` the run's id.

    `side` is what it would do: SELL protects a long position when the price falls to the trigger, BUY a short one.
    """

    key: str
    product: str
    quantity: int
    trigger: float
    owner: str
    side: Side = "SELL"
    reason: str = ""

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.key} at {self.trigger:.2f}, watched by this program"


@dataclass(frozen=True, slots=True)
class Coverage:
    """One open position and its stops; the three counts are positive and add up to the quantity held.

    `stops` says each stop in words, those at the broker first; `app_stops` are the ones that could be converted.
    """

    position: Position
    at_broker: int
    in_program: int
    unprotected: int
    stops: tuple[str, ...] = ()
    app_stops: tuple[AppStop, ...] = ()


def covered(
    positions: Iterable[Position], orders: Iterable[Order], gtts: Iterable[Gtt], app_stops: Iterable[AppStop]
) -> list[Coverage]:
    """Coverage of each open position, in the order given; a unit counts once, at the broker before in the program."""
    orders, gtts, app_stops = list(orders), list(gtts), list(app_stops)
    return [
        _covered(position, orders, gtts, app_stops)
        for position in positions
        if to_close(position.product, position.quantity)
    ]


def _covered(position: Position, orders: list[Order], gtts: list[Gtt], app_stops: list[AppStop]) -> Coverage:
    held = abs(position.quantity)
    resting = [(o.open_quantity, _order_words(o)) for o in orders if _protects(o, position)]
    fired = [(quantity, _gtt_words(gtt, leg)) for gtt in gtts for leg, quantity in _legs(gtt, position)]
    ours = tuple(stop for stop in app_stops if _guards(stop, position))
    at_broker = min(held, sum(quantity for quantity, _ in (*resting, *fired)))
    in_program = min(held - at_broker, sum(stop.quantity for stop in ours))
    words = (*(text for _, text in (*resting, *fired)), *map(str, ours))
    return Coverage(position, at_broker, in_program, held - at_broker - in_program, words, ours)


def _protects(order: Order, position: Position) -> bool:
    """Whether the order is a stop that would close some of the position. Kite may show SL-M as LIMIT with a trigger."""
    same = (order.exchange, order.tradingsymbol, order.product) == position.id
    stop = order.trigger_price > 0 and order.status in WAITING and bool(order.order_id)
    return same and stop and order.sign * position.quantity < 0


def _guards(stop: AppStop, position: Position) -> bool:
    closes = stop.side == ("SELL" if position.quantity > 0 else "BUY")
    return closes and (stop.key, stop.product) == (position.key, position.product)


def _legs(gtt: Gtt, position: Position) -> list[tuple[int, int]]:
    """Legs of a GTT that stop the position's loss, with their quantities: below the market for a long, above else."""
    if not gtt.active or gtt.key != position.key:
        return []
    long = position.quantity > 0
    return [
        (leg, order.quantity)
        for leg, (trigger, order) in enumerate(zip(gtt.trigger_values, gtt.orders, strict=False))
        if order.product == position.product
        and order.sign * position.quantity < 0
        and (trigger < gtt.last_price if long else trigger > gtt.last_price)
    ]


def _order_words(order: Order) -> str:
    return f"{order.transaction_type} {order.open_quantity} stop at {order.trigger_price:.2f}, order {order.order_id}"


def _gtt_words(gtt: Gtt, leg: int) -> str:
    order = gtt.orders[leg]
    words = f"{order.transaction_type} {order.quantity} at {gtt.trigger_values[leg]:.2f}, limit {order.price:.2f}"
    return f"{words}, GTT {gtt.id}"
