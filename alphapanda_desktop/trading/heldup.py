"""Orders without an answer that hold up the way out of a position, and for how long they can.

They are never sent again earlier: where the broker's book is slow to show an order that it has, a second exit would
turn the position round.
"""

from __future__ import annotations

from alphapanda_desktop.domain.orders import UNKNOWN
from alphapanda_desktop.trading.books import Books, Place, place_of
from alphapanda_desktop.trading.reconcile import GIVE_UP_AFTER_S


def why_held_up(books: Books, where: Place, now_s: float) -> str:
    """Which order in a position nobody answered for and when it counts as lost; empty where there is none."""
    doubtful = [o for o in books.unanswered() if o.status == UNKNOWN and place_of(o) == where]
    if not doubtful:
        return ""
    named = ", ".join(f"{order.transaction_type} {order.quantity}" for order in doubtful)
    since_s = max(books.missing_since_s.get(order.tag or "", now_s) for order in doubtful)
    left_s = max(0.0, GIVE_UP_AFTER_S - (now_s - since_s))
    return f"{named} got no answer and may still fill; it counts as lost if the book lacks it for {left_s:.0f} s more"
