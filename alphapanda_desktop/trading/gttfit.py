"""Which GTTs can only shrink what is held, all of them together: each waits for itself, and each would fire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from alphapanda_desktop.domain.portfolio import Gtt, GttRequest
from alphapanda_desktop.trading.books import Books, Place

Needs = Counter[tuple[Place, int]]
"""Units that may be bought (sign 1) or sold (-1) to close a position."""


def that_only_close(gtts: Iterable[Gtt], books: Books) -> list[Gtt]:
    """Those of these, first come first, that what is held has room for beside working orders, and no more."""
    taken: Needs = Counter()
    fitting: list[Gtt] = []
    for gtt in gtts:
        needs = _needs(gtt, books)
        if needs and _fit(taken + needs, books):
            fitting.append(gtt)
            taken += needs
    return fitting


def closes_beside(request: GttRequest, others: Iterable[Gtt], books: Books) -> bool:
    """Whether all of these and the request, beside working orders, can only shrink what is held."""
    needs = _needs(request, books)
    return bool(needs) and _fit(sum((_needs(gtt, books) for gtt in others), needs), books)


def closes_alone(request: GttRequest, books: Books) -> bool:
    """Whether each of its orders, if it were the only one, could only shrink what is held."""
    needs = _needs(request, books)
    return bool(needs) and all(_room(where, sign, units, books) for (where, sign), units in needs.items())


def _needs(gtt: Gtt | GttRequest, books: Books) -> Needs:
    """Units of each position that it may close, of two legs the larger; empty where a leg of it would open one."""
    needs: Needs = Counter()
    for order in gtt.orders:
        where = (gtt.exchange, gtt.tradingsymbol, order.product)
        if books.closable(where, order.sign) == 0:
            return Counter()
        needs[where, order.sign] = max(needs[where, order.sign], order.quantity)
    return needs


def _fit(needs: Needs, books: Books) -> bool:
    for (where, sign), units in needs.items():
        buying, selling = books.working(*where)
        if not _room(where, sign, units + (buying if sign > 0 else selling), books):
            return False
    return True


def _room(where: Place, sign: int, units: int, books: Books) -> bool:
    most = books.closable(where, sign)
    return most is None or units <= most
