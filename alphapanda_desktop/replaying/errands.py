"""Which of a desk's tasks the recorded day waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from alphapanda_desktop.trading.scope import OnError, Scope

ERRANDS: Final = frozenset(("submit", "cancel", "place", "end", "kill"))
"""First words of the names of tasks that an order or a run's end is carried out in."""


class ErrandScope(Scope):
    """A scope that knows how many orders and endings are under way in it."""

    def __init__(self, name: str, on_error: OnError) -> None:
        super().__init__(name, on_error)
        self.errands = 0

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a child task, as a scope does."""
        task = super().spawn(name, work)
        if name.partition(" ")[0] in ERRANDS:
            self.errands += 1
            task.add_done_callback(self._ended)
        return task

    def _ended(self, _task: asyncio.Task[Any]) -> None:
        self.errands -= 1
