"""One piece of work at a time, shared by all who asked before it began."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Turns:
    """Whoever asks gets work that began after the question; those who ask during one turn share the next."""

    def __init__(self) -> None:
        self._asked = 0
        self._served = 0
        self._under_way: asyncio.Event | None = None

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Return once a turn that began after this call has succeeded; raises what the caller's own turn raises."""
        self._asked += 1
        ticket = self._asked
        while self._served < ticket:
            if self._under_way is None:
                await self._take(work)
            else:
                await self._under_way.wait()

    async def _take(self, work: Callable[[], Awaitable[None]]) -> None:
        covers, over = self._asked, asyncio.Event()
        self._under_way = over
        try:
            await work()
            self._served = covers
        finally:
            self._under_way = None
            over.set()
