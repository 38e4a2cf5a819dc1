"""Orders on their way to the broker: each in a task of its own, so that what has not left can be called back.

An order has left from the moment that the broker's `place` is entered: before it, in the governor's queue, it is
certain that it never left. After it only the broker knows, unless its client says that the call had not begun.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Unknown, never_begun
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.ports import Broker
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.governor import Governor, Kind
from alphapanda_desktop.trading.scope import Scope

Answer = str | AlphaPandaError

MOST_AT_ONCE: Final = 1
"""Entries, and exits, that are with the broker's client at once. It sends one at a time, and of those that queue up
inside it nobody can say whether they have left; so the queues are kept here, where the kill switch can call them back
for certain. Two queues, so that an exit never waits for an entry's turn.
"""


@dataclass(frozen=True, slots=True)
class Leaving:
    """An order that passed every rule. `why_shut` is asked in the very step in which it leaves.

    `called_back` says whether the kill switch calls it back; its own exits it does not.
    """

    request: OrderRequest
    kind: Kind
    why_shut: Callable[[], str]
    called_back: bool = True
    unwritten: bool = False
    """Whether it leaves though the disk does not take its intent: a full disk must not lock anybody in."""

    @property
    def counts_for(self) -> int:
        """Orders that it comes to in the day's count: each leg of an iceberg is one.  Source: CONTRACT 3.2."""
        return self.request.iceberg_legs or 1


class Placing:
    """Placements that have no answer yet."""

    def __init__(self, broker: Broker, books: Books, scope: Scope, governor: Governor) -> None:
        self._broker = broker
        self._books = books
        self._scope = scope
        self._governor = governor
        self._under_way: dict[str, tuple[Leaving, asyncio.Task[Answer]]] = {}
        self._left: set[str] = set()
        self._entries = asyncio.Semaphore(MOST_AT_ONCE)
        self._exits = asyncio.Semaphore(MOST_AT_ONCE)

    async def place(self, leaving: Leaving) -> str:
        """The broker's order id. Raises what the broker raises; Refused for an order that certainly never left,
        Unknown for one that was called back after it had.
        """
        tag = leaving.request.tag
        task = self._scope.spawn(f"place {tag}", self._ask(leaving))
        self._under_way[tag] = (leaving, task)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()  # whoever stops waiting calls it back
            self._under_way.pop(tag, None)
        answer = self._answer(leaving, task)
        if isinstance(answer, str):
            return answer
        raise answer

    def has_left(self, tag: str) -> bool:
        """Whether its request was handed to the broker; once it is called back and has not, it never will be."""
        return tag in self._left

    def call_back(self) -> int:
        """Send nothing more of what the gate would not let out now, and say how many waited here for their turn.

        What was with the broker's client already is Unknown from now on, unless it had not begun there either.
        """
        under_way = self._under_way.values()
        called = [(leaving, task) for leaving, task in under_way if leaving.called_back and leaving.why_shut()]
        for _, task in called:
            task.cancel()
        return sum(1 for leaving, _ in called if not self.has_left(leaving.request.tag))

    async def _ask(self, leaving: Leaving) -> Answer:
        try:
            if not leaving.called_back:
                return await self._leave(leaving)
            async with self._governor.slot(self._exits if leaving.kind.gets_out else self._entries):
                return await self._leave(leaving)
        except AlphaPandaError as error:
            return error  # an answer to whoever asked, not a failed task

    async def _leave(self, leaving: Leaving) -> Answer:
        request = leaving.request
        await self._governor.turn(leaving.kind, orders=leaving.counts_for)
        if leaving.why_shut():
            return _never(request.tag, leaving.why_shut())
        self._left.add(request.tag)
        try:
            return await self._broker.place(request)
        except asyncio.CancelledError as error:
            if never_begun(error):
                self._left.discard(request.tag)
            raise

    def _answer(self, leaving: Leaving, task: asyncio.Task[Answer]) -> Answer:
        tag = leaving.request.tag
        if not task.cancelled():
            answer = task.result()
        elif self.has_left(tag):
            answer = Unknown(f"{tag} was called back; it may have left before")
        else:
            answer = _never(tag, leaving.why_shut() or "it was called back")
        known = self._books.book.by_tag(tag)
        if isinstance(answer, Unknown) and known is not None:
            return known.order_id  # the socket was faster than the answer that never came
        return answer


def _never(tag: str, why: str) -> Refused:
    return Refused(f"Not sent: {why}. {tag} never left.", "not sent")
