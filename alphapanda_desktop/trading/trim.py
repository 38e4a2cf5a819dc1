"""While only exits pass: what rests and could open or enlarge a position, beyond what is held to be closed."""

from __future__ import annotations

from collections import Counter, defaultdict

from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.portfolio import Gtt
from alphapanda_desktop.trading.books import COVER, Books, Place, left_of, place_of
from alphapanda_desktop.trading.gttfit import that_only_close


def surplus(books: Books) -> set[str]:
    """Ids of our working orders that do not fit into what is held; stops stay before others, then the oldest."""
    if books.positions_at is None:
        return set()  # what is held is not known yet, and a stop must not be taken for an entry
    too_much: set[str] = set()
    taken: dict[Place, Counter[int]] = defaultdict(Counter)
    for order in sorted(books.book.working(), key=_stops_first):
        where = place_of(order)
        if not _may_open(order):
            continue
        held = books.held(*where)
        taken[where][order.sign] += left_of(order)
        if held * order.sign >= 0 or taken[where][order.sign] > abs(held):
            taken[where][order.sign] -= left_of(order)
            too_much |= {order.order_id} if books.ours(order) else set()
    return too_much


def surplus_gtts(gtts: list[Gtt], books: Books) -> list[Gtt]:
    """Those that could open or enlarge a position; what sells shares held in CNC can only sell what is owned."""
    fitting = that_only_close(gtts, books)
    return [gtt for gtt in gtts if gtt not in fitting and any(o.sign > 0 or o.product != "CNC" for o in gtt.orders)]


def _may_open(order: Order) -> bool:
    """Whether it could open a position at all: no cover order's own stop, and no sale of shares that are owned."""
    stop_of_cover = place_of(order)[2] == COVER and bool(order.parent_order_id)
    return not stop_of_cover and not (order.product == "CNC" and order.sign < 0)


def _stops_first(order: Order) -> tuple[bool, str]:
    return (not order.trigger_price, order.order_id)
