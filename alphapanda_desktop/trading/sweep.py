"""While trading is halted, orders of ours that turn up late, or are found still working, are cancelled.

While only exits pass it is those that could open or enlarge a position.
"""

from __future__ import annotations

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.books import place_of
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.trim import surplus


class Sweep:
    """Hears of every picture of an order. `spared` are the tags of the kill switch's own exits."""

    def __init__(self, parts: Parts, changing: Changing) -> None:
        self._parts = parts
        self._changing = changing
        self._swept: set[str] = set()
        self.spared: set[str] = set()
        self.taken: list[Order] = []
        """What turned up since the last press."""

    def begin(self) -> None:
        """The kill switch was pressed: what works now is cancelled by it, and need not be swept as well."""
        self.taken.clear()
        self._swept.update(order.order_id for order in self._parts.books.book.working())

    def end(self) -> None:
        """The kill switch was released."""
        self._swept.clear()
        self.taken.clear()
        self.spared.clear()

    def failed(self, order_id: str) -> None:
        """That order still works: the next look at the book tries again."""
        self._swept.discard(order_id)

    def take(self, order: Order) -> None:
        """Cancel it if nothing of ours may work now."""
        parts = self._parts
        if parts.gate.latch is TradingState.ACTIVE or order.order_id in self._swept or parts.scope.closed:
            return
        if parts.gate.latch is TradingState.REDUCING and order.order_id not in surplus(parts.books):
            return
        if parts.books.of_gtt(order) and self._closes(order):
            return  # the kill switch left its GTT standing, so that what it closes is not bared
        if order.order_id and order.live and parts.books.ours(order) and order.tag not in self.spared:
            self._swept.add(order.order_id)
            self.taken.append(order)
            parts.scope.spawn(f"kill {order.order_id}", self._cancel(order.order_id))

    def trim(self) -> int:
        """Only exits pass from now on: cancel what is none, and say how many there were."""
        too_much = surplus(self._parts.books)
        for order in self._parts.books.book.working():
            self.take(order)
        return len(too_much)

    def _closes(self, order: Order) -> bool:
        where = place_of(order)
        held, (buying, selling) = self._parts.books.held(*where), self._parts.books.working(*where)
        return held * order.sign < 0 and (buying if order.sign > 0 else selling) <= abs(held)

    async def _cancel(self, order_id: str) -> None:
        try:
            await self._changing.cancel(order_id)
        except AlphaPandaError as error:
            self.failed(order_id)
            state = "halted" if self._parts.gate.latch is TradingState.HALTED else "let through for exits only"
            text = f"Trading is {state}, and order {order_id} could not be cancelled: {error}"
            self._parts.voice.notice(text)
