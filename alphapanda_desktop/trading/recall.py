"""Requests that change what is at the broker already, each in a task of its own, so that it can be called back.

They wait for their turn, and then in the broker's client behind slower calls. The gate is asked in the step in which
one leaves here; what still waits in the client when the gate shuts is called back, and is then certainly not sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Unknown, never_begun
from alphapanda_desktop.trading.scope import Scope

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Errand:
    """One request: when its turn comes, why it must not leave now (empty when it may), and its sending."""

    name: str
    turn: Callable[[], Awaitable[None]]
    why_shut: Callable[[], str]
    left: bool = False


class Recall:
    """Requests on their way; one account's, used from one loop."""

    def __init__(self) -> None:
        self._under_way: dict[Errand, asyncio.Task[object]] = {}

    async def send(self, scope: Scope, errand: Errand, request: Callable[[], Awaitable[T]]) -> T:
        """The broker's answer. Raises what it raises; Refused for what certainly never left, Unknown where it is
        called back after it had.
        """
        task: asyncio.Task[T | AlphaPandaError] = scope.spawn(errand.name, _carry(errand, request))
        self._under_way[errand] = task
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()  # whoever stops waiting calls it back
            del self._under_way[errand]
        if task.cancelled():
            raise _called_back(errand)
        answer = task.result()
        if isinstance(answer, AlphaPandaError):
            raise answer
        return answer

    def call_back(self) -> int:
        """Send nothing more of what the gate would not let out now, and say how many had not been handed over."""
        called = [(errand, task) for errand, task in self._under_way.items() if errand.why_shut()]
        for _, task in called:
            task.cancel()
        return sum(1 for errand, _ in called if not errand.left)


async def _carry(errand: Errand, request: Callable[[], Awaitable[T]]) -> T | AlphaPandaError:
    try:
        await errand.turn()
        if errand.why_shut():
            return Refused(f"Not sent: {errand.why_shut()}", "kill switch")
        errand.left = True
        return await request()
    except AlphaPandaError as error:
        return error  # an answer to whoever asked, not a failed task
    except asyncio.CancelledError as error:
        errand.left = errand.left and not never_begun(error)
        raise


def _called_back(errand: Errand) -> AlphaPandaError:
    if errand.left:
        return Unknown(f"{errand.name} was called back; it may have left before")
    return Refused(f"Not sent: {errand.why_shut() or 'it was called back'}. {errand.name} never left.", "kill switch")
