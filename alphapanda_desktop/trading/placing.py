"""Orders on their way to the broker: each in a task of its own, so that what has not left can be called back."""

from __future__ import annotations

import asyncio

from alphapanda_desktop.domain.errors import AlphaPandaError, Unknown
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.ports import Broker
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.scope import Scope

Answer = str | AlphaPandaError


class Placing:
    """Placements that have no answer yet."""

    def __init__(self, broker: Broker, books: Books, scope: Scope) -> None:
        self._broker = broker
        self._books = books
        self._scope = scope
        self._tasks: dict[str, asyncio.Task[Answer]] = {}

    async def place(self, request: OrderRequest) -> str:
        """The broker's order id. Raises what the broker raises, and Unknown for one that was called back."""
        tag = request.tag
        task = self._tasks[tag] = self._scope.spawn(f"place {tag}", self._ask(request))
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()  # whoever stops waiting calls it back
            self._tasks.pop(tag, None)
        answer = self._answer(tag, task)
        if isinstance(answer, str):
            return answer
        raise answer

    def call_back(self) -> None:
        """Send nothing more of what still waits for its turn; what has left already is Unknown from now on."""
        for task in self._tasks.values():
            task.cancel()

    async def _ask(self, request: OrderRequest) -> Answer:
        try:
            return await self._broker.place(request)
        except AlphaPandaError as error:
            return error  # an answer to whoever asked, not a failed task

    def _answer(self, tag: str, task: asyncio.Task[Answer]) -> Answer:
        answer = Unknown(f"{tag} was called back; it may have left before") if task.cancelled() else task.result()
        known = self._books.book.by_tag(tag)
        if isinstance(answer, Unknown) and known is not None:
            return known.order_id  # the socket was faster than the answer that never came
        return answer
