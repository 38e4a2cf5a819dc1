"""Which GTTs can only shrink what is held, all of them together: each waits for itself, and each would fire."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from alphapanda_desktop.domain.portfolio import Gtt, GttRequest
from alphapanda_desktop.trading.books import Books, Place


def that_only_close(gtts: Iterable[Gtt], books: Books) -> list[Gtt]:
    """Those of these, first come first, that what is held has room for beside working orders, and no more."""
    taken = Counter[Place]()
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
    return bool(needs) and all(units <= abs(books.held(*where)) for where, units in needs.items())


def _needs(gtt: Gtt | GttRequest, books: Books) -> Counter[Place]:
    """Units of each position that it may close, of two legs the larger; empty where a leg of it would open one."""
    needs = Counter[Place]()
    for order in gtt.orders:
        where = (gtt.exchange, gtt.tradingsymbol, order.product)
        if books.held(*where) * order.sign >= 0:
            return Counter()
        needs[where] = max(needs[where], order.quantity)
    return needs


def _fit(needs: Counter[Place], books: Books) -> bool:
    for where, units in needs.items():
        held, (buying, selling) = books.held(*where), books.working(*where)
        if units + (selling if held > 0 else buying) > abs(held):
            return False
    return True
