"""When the broker's books are read again without being asked: after fills, while orders live, until it succeeds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from enum import IntEnum
from typing import Any, Final

from alphapanda_desktop.trading.scope import Scope

POLL_LIVE_S: Final = 30.0
"""How often the book is read anyway while an order is live.  Source: CONTRACT 7, lesson 8."""

POLL_CLOSED_S: Final = 5.0
"""How often a desk that could not reconcile tries again."""

SETTLE_S: Final = 0.15
"""How long news of fills is gathered before the books are read once for all of them."""

LOOK_AGAIN_S: Final = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""How long to wait before books that could not be read, or lacked fills, are read again."""


class Need(IntEnum):
    """Why the books should be looked at, the most pressing last."""

    NONE = 0
    LIVE = 1
    FILLS = 2
    ALL = 3


class Rounds:
    """Calls `read(why)` when there is reason to. A read that fails is reported by the scope; the rounds go on."""

    def __init__(
        self,
        read: Callable[[str], Coroutine[Any, Any, None]],
        need: Callable[[], Need],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._read = read
        self._need = need
        self._sleep = sleep
        self._wanted = asyncio.Event()
        self._failed = False

    def start(self, scope: Scope) -> None:
        """Begin; both rounds end with the scope."""
        scope.spawn("refresh", self._refresh(scope))
        scope.spawn("poll", self._poll(scope))

    def want(self) -> None:
        """There is news that only the broker's books tell in full."""
        self._wanted.set()

    @property
    def wanted(self) -> bool:
        """Whether there is news for which the books were not begun to be read."""
        return self._wanted.is_set()

    def failed(self) -> None:
        """The books could not be read: try again, ever more slowly."""
        self._failed = True
        self._wanted.set()

    async def _refresh(self, scope: Scope) -> None:
        failures = 0
        while True:
            await self._wanted.wait()
            await self._sleep(LOOK_AGAIN_S[min(failures, len(LOOK_AGAIN_S)) - 1] if failures else SETTLE_S)
            self._wanted.clear()
            self._failed = False
            read = await scope.attempt("refresh books", self._read("fills"))
            if not read or self._need() is Need.FILLS:
                self.failed()
            failures = failures + 1 if self._failed else 0

    async def _poll(self, scope: Scope) -> None:
        while True:
            await self._sleep(POLL_CLOSED_S if self._need() is Need.ALL else POLL_LIVE_S)
            if self._need() is not Need.NONE:
                await scope.attempt("poll books", self._read("regular look"))
