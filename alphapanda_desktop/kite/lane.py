"""A lane: one named daemon thread that makes blocking calls for the loop, one at a time, urgent ones first.

The queue is on the loop, not in the thread: what has not begun can still be overtaken, cancelled or given up, and
then it certainly was not sent. The thread is a daemon, so a call that hangs never holds up the end of the program.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from heapq import heappop, heappush
from itertools import count
from queue import SimpleQueue
from threading import Thread
from typing import Any, Generic, TypeVar

from alphapanda_desktop.domain.errors import NOT_BEGUN, AlphaPandaError, Offline, Unknown

T = TypeVar("T")
Tool = TypeVar("Tool")
Errand = tuple[Callable[[Any], Any], "asyncio.Future[Any]", AlphaPandaError]
"""What to do, who waits for it, and what is true for them if its answer is lost."""


class Lane(Generic[Tool]):
    """Owns a thread, and the tool that only this thread uses; `build` makes the tool in the thread at first use."""

    def __init__(self, name: str, build: Callable[[], Tool]) -> None:
        self.name = name
        self._build = build
        self._tool: Tool | None = None
        self._errands: SimpleQueue[Errand | None] = SimpleQueue()
        self._thread: Thread | None = None
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._serial = count()
        self._busy = False
        self._closed = False
        self._current: Errand | None = None

    async def run(
        self,
        work: Callable[[Tool], T],
        ready: Callable[[], Awaitable[None]],
        urgent: bool = False,
        sends: bool = False,
        patience_s: float | None = None,
    ) -> T:
        """What `work` returns, done in the thread when it is free and `ready` has returned.

        Raises Offline, nothing having been done, when that takes longer than `patience_s` or the lane is closed;
        where an answer is lost after work began that `sends` something, Unknown.
        Cancelling before it began means that it never begins, and says so (`errors.never_begun`); later, that its
        result is lost.
        """
        try:
            async with asyncio.timeout(patience_s):
                await self._enter(urgent)
                await self._when_ready(ready)
        except TimeoutError:
            raise Offline(f"not sent: {self.name} had no turn within {patience_s} s") from None
        except asyncio.CancelledError:
            raise asyncio.CancelledError(NOT_BEGUN) from None
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        lost = f"{self.name}: the call broke off before its answer was read"
        self._current = (work, future, Unknown(lost) if sends else Offline(lost))
        self._hand_over(self._current)
        return await future

    def close(self) -> None:
        """Begin nothing more; whoever waits is told, and the thread ends after what it is doing."""
        self._closed = True
        self._errands.put(None)
        for _, _, place in self._waiting:
            if not place.done():
                place.set_exception(self._gone())
        self._waiting.clear()
        if self._current is not None and not self._current[1].done():
            self._current[1].set_exception(self._current[2])

    def _gone(self) -> Offline:
        return Offline(f"not sent: {self.name} is closed")

    async def _enter(self, urgent: bool) -> None:
        if self._closed:
            raise self._gone()
        if not self._busy:
            self._busy = True
            return
        place = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (not urgent, next(self._serial), place))
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self._leave()  # the turn came in the same moment as the cancellation
            raise

    async def _when_ready(self, ready: Callable[[], Awaitable[None]]) -> None:
        passed = False
        try:
            await ready()
            if self._closed:
                raise self._gone()
            passed = True
        finally:
            if not passed:
                self._leave()

    def _leave(self) -> None:
        while self._waiting:
            place = heappop(self._waiting)[2]
            if not place.done():
                place.set_result(None)
                return
        self._busy = False

    def _hand_over(self, errand: Errand) -> None:
        if self._thread is None:
            self._thread = Thread(target=self._work, name=self.name, daemon=True)
            self._thread.start()
        self._errands.put(errand)

    def _work(self) -> None:
        while (errand := self._errands.get()) is not None:
            self._carry_out(*errand)

    def _carry_out(self, work: Callable[[Tool], T], future: asyncio.Future[T], lost: AlphaPandaError) -> None:
        """Only errors of our tree are answers; another one ends this thread, and the crash handler reports it."""
        result: T | None = None
        problem: AlphaPandaError | None = lost
        try:
            if self._tool is None:
                self._tool = self._build()
            result, problem = work(self._tool), None
        except AlphaPandaError as error:
            problem = error
        finally:
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                future.get_loop().call_soon_threadsafe(self._settle, future, result, problem, problem is lost)

    def _settle(
        self, future: asyncio.Future[Any], result: object, problem: AlphaPandaError | None, broken: bool
    ) -> None:
        if broken:
            self._thread = self._tool = None  # that thread is ending; the next errand starts another
        if not future.done():
            if problem is None:
                future.set_result(result)
            else:
                future.set_exception(problem)
        self._leave()
