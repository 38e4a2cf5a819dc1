"""While only exits pass: what rests and could open or enlarge a position, beyond what is held to be closed."""

from __future__ import annotations

from collections import Counter, defaultdict

from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.portfolio import Gtt
from alphapanda_desktop.domain.positions import DELIVERY, to_close
from alphapanda_desktop.trading.books import COVER, Books, Place, left_of, place_of
from alphapanda_desktop.trading.gttfit import that_only_close


def surplus(books: Books) -> dict[str, int]:
    """Our working orders that do not fit into what is held, by id, with the units of each that do.

    Units are left to stops alone, which guard what is held; 0 says that the order is to go. Stops have room before
    others, then the oldest.
    """
    if books.positions_at is None:
        return {}  # what is held is not known yet, and a stop must not be taken for an entry
    too_much: dict[str, int] = {}
    taken: dict[Place, Counter[int]] = defaultdict(Counter)
    for order in sorted(books.book.working(), key=_stops_first):
        where = place_of(order)
        if not _may_open(order):
            continue
        held = to_close(where[2], books.held(*where))
        room = max(0, abs(held) - taken[where][order.sign]) if held * order.sign < 0 else 0
        fits = left_of(order) <= room
        if not fits and books.ours(order):
            too_much[order.order_id] = room if order.trigger_price else 0
        taken[where][order.sign] += left_of(order) if fits else too_much.get(order.order_id, 0)
    return too_much


def surplus_gtts(gtts: list[Gtt], books: Books) -> list[Gtt]:
    """Those that could open or enlarge a position; what sells shares in CNC or MTF can only sell what is owned."""
    fitting = that_only_close(gtts, books)
    return [
        gtt for gtt in gtts if gtt not in fitting and any(o.sign > 0 or o.product not in DELIVERY for o in gtt.orders)
    ]


def _may_open(order: Order) -> bool:
    """Whether it could open a position at all: no cover order's own stop, and no sale of shares that are owned."""
    stop_of_cover = place_of(order)[2] == COVER and bool(order.parent_order_id)
    return not stop_of_cover and not (order.product in DELIVERY and order.sign < 0)


def _stops_first(order: Order) -> tuple[bool, str]:
    return (not order.trigger_price, order.order_id)
