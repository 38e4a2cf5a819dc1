"""While trading is halted, orders of ours that turn up late, or are found still working, are cancelled.

While only exits pass it is those that could open or enlarge a position. A stop that is larger than what it guards is
made smaller, never cancelled: what it guards would be bare.
"""

from __future__ import annotations

from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.domain.orders import Order, OrderChange
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.books import left_of, place_of
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.endings import ended
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.trim import surplus

ROOM_WAIT_S: Final = 10.0
"""How long a stop that is to be made smaller waits for the end of what is cancelled beside it."""


class Sweep:
    """Hears of every picture of an order. `spared` are the tags of the kill switch's own exits."""

    def __init__(self, parts: Parts, changing: Changing) -> None:
        self._parts = parts
        self._changing = changing
        self._swept: set[str] = set()
        self._shrinking: set[str] = set()
        self._told: set[str] = set()
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
        if parts.gate.latch is TradingState.REDUCING:
            fits = surplus(parts.books).get(order.order_id)
            if fits:
                self._shrink(order)
            if fits != 0:
                return
        if parts.books.of_gtt(order) and self._closes(order):
            return  # the kill switch left its GTT standing, so that what it closes is not bared
        if order.order_id and order.live and parts.books.ours(order) and order.tag not in self.spared:
            self._swept.add(order.order_id)
            self.taken.append(order)
            parts.scope.spawn(f"kill {order.order_id}", self._cancel(order.order_id))

    def trim(self) -> list[str]:
        """Only exits pass from now on: cancel what is none, and say in words what that is."""
        books = self._parts.books
        fits = surplus(books)
        rows = [order for order in books.book.working() if order.order_id in fits]
        for order in rows:
            self.take(order)
        cancelled = [_words(order) for order in rows if not fits[order.order_id]]
        smaller = [f"{_words(o)} to {fits[o.order_id]}" for o in rows if fits[o.order_id]]
        words = [f"resting orders cancelled: {len(cancelled)} ({'; '.join(cancelled)})"] if cancelled else []
        return words + ([f"stops made smaller: {'; '.join(smaller)}"] if smaller else [])

    def _shrink(self, order: Order) -> None:
        """Make a stop as large as what it guards, once it can be changed."""
        if order.changeable and order.order_id not in self._shrinking:
            self._shrinking.add(order.order_id)
            self._parts.scope.spawn(f"make {order.order_id} smaller", self._make_fit(order))

    async def _make_fit(self, order: Order) -> None:
        try:
            await self._make_room(order)
            now, fits = self._parts.books.book.get(order.order_id), surplus(self._parts.books).get(order.order_id)
            if now is not None and fits and self._parts.gate.latch is TradingState.REDUCING:
                await self._changing.modify(now.order_id, OrderChange(quantity=now.filled_quantity + fits))
                self._told.discard(now.order_id)
        except AlphaPandaError as error:
            self._tell_kept(order, error)  # the next look at the book tries again
        finally:
            self._shrinking.discard(order.order_id)

    async def _make_room(self, order: Order) -> None:
        """Wait for the end of what is cancelled beside a stop: until then more may come to be held, or be sold."""
        books, where = self._parts.books, place_of(order)
        going = [id for id, fits in surplus(books).items() if not fits]
        beside = [id for id in going if (row := books.book.get(id)) is not None and place_of(row) == where]
        if not await ended(self._parts.voice, books, beside, ROOM_WAIT_S):
            raise Refused(f"of {', '.join(beside)} nobody knows yet that it has ended")

    def _tell_kept(self, order: Order, error: AlphaPandaError) -> None:
        if order.order_id not in self._told:
            self._told.add(order.order_id)
            larger = "it stays, and is larger than what it guards"
            self._parts.voice.notice(f"{_words(order)} could not be made smaller, {larger}: {error}")

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


def _words(order: Order) -> str:
    price = f"stop at {order.trigger_price:.2f}" if order.trigger_price else f"at {order.price:.2f}"
    what = f"{order.transaction_type} {left_of(order)} {order.tradingsymbol} {order.product}"
    return f"{what} {price}, order {order.order_id}"
