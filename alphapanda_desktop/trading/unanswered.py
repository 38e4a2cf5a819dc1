"""Orders whose answer never came: shown as UNKNOWN, journaled so, and looked for by their tag; never sent again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from alphapanda_desktop.trading.gate import DeskState
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import Reconciler, journaled


class Unanswered:
    """Looks for them in the broker's book, a bounded and visible number of times; `look(why)` reads the book."""

    def __init__(self, parts: Parts, reconciler: Reconciler, look: Callable[[str], Awaitable[None]]) -> None:
        self._parts = parts
        self._reconciler = reconciler
        self._look = look

    async def mark(self, tag: str, why: str) -> None:
        """Show the order as UNKNOWN and begin to look for it."""
        parts = self._parts
        parts.voice.show(parts.books.mark_unknown(tag, why))
        if not parts.scope.closed:
            parts.scope.spawn(f"resolve {tag}", self._resolve(tag))
        settled = parts.owed.settle(parts.journal, tag, "unknown", parts.clock.now(), detail=why)
        parts.voice.report(await journaled(settled), tag)

    async def _resolve(self, tag: str) -> None:
        parts = self._parts
        for wait_s in self._reconciler.waits_s:
            await asyncio.sleep(wait_s)
            if not parts.books.undecided(tag):
                return
            if parts.gate.state is DeskState.READY:
                await self._look(f"looking for {tag}")
        if parts.books.undecided(tag):
            parts.voice.notice(f"Order {tag} is still unknown: it is not in Kite's book. Check Kite before trading on.")
