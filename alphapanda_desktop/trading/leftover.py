"""GTTs that waited to close what has been closed: left alone, each would open the other side when its price comes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.portfolio import Gtt
from alphapanda_desktop.trading.books import Place
from alphapanda_desktop.trading.desk import Desk


@dataclass(frozen=True, slots=True)
class LeftOver:
    """Ids of the GTTs that were deleted, and in words what was not done."""

    deleted: tuple[int, ...] = ()
    problems: tuple[str, ...] = ()


async def delete_left_over(desk: Desk, closed: Mapping[Place, int]) -> LeftOver:
    """Delete the GTTs that only made sense with these positions, by place and with the sign that was held.

    Where something of a position stays, a GTT for more than that is named, not deleted. Nothing is raised.
    """
    if desk.gtts is None or not closed:
        return LeftOver()
    try:
        waiting = [gtt for gtt in await desk.gtts.list() if gtt.active]
    except AlphaPandaError as error:
        return LeftOver(problems=(f"GTTs could not be read, one may wait for what is closed now: {error}",))
    deleted, problems = list[int](), list[str]()
    for gtt in waiting:
        said = await _look_at(desk, gtt, closed)
        if said is not None:
            problems += [said] if said else []
            deleted += [] if said else [gtt.id]
    return LeftOver(tuple(deleted), tuple(problems))


async def _look_at(desk: Desk, gtt: Gtt, closed: Mapping[Place, int]) -> str | None:
    """Empty when it was deleted, words when it could not or should not be, None when it is none of these."""
    places = {(gtt.exchange, gtt.tradingsymbol, order.product) for order in gtt.orders if order.sign}
    closes = all(
        order.sign * closed.get((gtt.exchange, gtt.tradingsymbol, order.product), 0) < 0 for order in gtt.orders
    )
    if not closes or not gtt.orders:
        return None
    left, most = min(_left(desk, place) for place in places), max(order.quantity for order in gtt.orders)
    if left >= most:
        return None
    order = gtt.orders[0]
    name = f"GTT {gtt.id}, {order.transaction_type} {most} {gtt.tradingsymbol} {order.product}"
    if left:
        return f"{name}, still waits, and only {left} are left to be closed: change or delete it"
    try:
        assert desk.gtts is not None
        await desk.gtts.delete(gtt.id)
    except AlphaPandaError as error:
        return f"{name}, still waits for what is closed, and could not be deleted: {error}"
    return ""


def _left(desk: Desk, place: Place) -> int:
    """Units of a position that no order is closing."""
    held = desk.books.held(*place)
    buying, selling = desk.books.working(*place)
    return max(0, abs(held) - (selling if held > 0 else buying))
