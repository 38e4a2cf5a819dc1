"""What the broker tells: updates of single orders, and whole looks at its books."""

from __future__ import annotations

from collections.abc import Callable

from alphapanda_desktop.domain.orders import UPDATE, Order
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import Reconciler, Report
from alphapanda_desktop.trading.sweep import Sweep


class News:
    """Brings it into the books and tells of it. `want()` asks for a look at the books."""

    def __init__(self, parts: Parts, reconciler: Reconciler, sweep: Sweep, want: Callable[[], None]) -> None:
        self._parts = parts
        self._reconciler = reconciler
        self._sweep = sweep
        self._want = want

    def take_update(self, order: Order) -> None:
        """An order update from the feed: may repeat, overtake the reply, or be of another program."""
        parts = self._parts
        if parts.scope.closed:
            return  # the books are no longer kept; the next start reads them anew
        before = parts.books.book.get(order.order_id)
        changed = parts.books.apply(order)
        if changed is None:
            return
        self._reconciler.owe(changed)
        parts.scope.spawn("journal update", self._reconciler.write_owed())
        if changed.filled_quantity != (before.filled_quantity if before else 0) or order.status == UPDATE:
            self._want()  # an UPDATE leaves out which state the order is in
        parts.voice.show(changed)
        self._sweep.take(changed)

    def announce(self, report: Report) -> None:
        """Tell of what a look at the books found."""
        parts, voice = self._parts, self._parts.voice
        for order in report.changed:
            voice.show(order)
        for order in parts.books.book.working():
            self._sweep.take(order)
        parts.ledger.tell_units(parts.books.positions)
        for fill in report.fills:
            owner = report.owner_of(fill)
            parts.ledger.take(fill, owner, parts.books.book.get(fill.order_id))
            voice.tell(voice.filled, fill, owner)
        for text in report.notices:
            voice.notice(text)
        voice.tell(voice.positions_changed)
