"""An asyncio loop in virtual time: where nothing is ready, the time leaps to the next timer or the next frame.

No selector, no sockets, no threads: what is done depends on what was given alone, so it is the same every time.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Executor
from contextvars import Context
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any, Final, Never, TypeVar, TypeVarTuple, Unpack

from alphapanda_desktop.domain.ticklog import Frame

T = TypeVar("T")
Args = TypeVarTuple("Args")

_SECOND: Final = 1_000_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_AFTER_ALL: Final = 2**63
_NO_MORE: Final[Frame] = (_AFTER_ALL, b"")


class Stuck(RuntimeError):
    """Nothing is left that could wake the loop: whoever waits would wait for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop that begins at `begin_ns`, epoch nanoseconds, and whose `time()` is the seconds since then.

    A timer that is due when a frame comes goes first. What leaves the loop, a thread or a socket, raises RuntimeError.
    """

    _scheduled: list[asyncio.TimerHandle]
    _ready: deque[asyncio.Handle]

    def __init__(self, begin_ns: int) -> None:
        super().__init__()
        self._begin_ns = self._now_ns = begin_ns
        self._selector = self  # the base class asks its selector to wait; here that is `select`
        self._frames: Iterator[Frame] = iter(())
        self._next: Frame = _NO_MORE
        self._take: Callable[[int, bytes], object] = _ignore
        self._played: asyncio.Future[None] | None = None

    @property
    def now_ns(self) -> int:
        """Epoch nanoseconds."""
        return self._now_ns

    @property
    def next_ns(self) -> int:
        """When the next frame comes; 0 where none is left."""
        return 0 if self._next[0] == _AFTER_ALL else self._next[0]

    def time(self) -> float:
        """Seconds since the loop's beginning."""
        return (self._now_ns - self._begin_ns) / _SECOND

    def play(self, frames: Iterator[Frame], take: Callable[[int, bytes], object]) -> asyncio.Future[None]:
        """Hand every frame to `take` when its time has come; done after the last. One source at a time.

        Frames that came earlier than the loop's now come now: recordings are in the order of arrival.
        """
        if self._played is not None and not self._played.done():
            raise RuntimeError("frames are being played already")
        self._frames, self._take, self._played = frames, take, self.create_future()
        self._next = next(frames, _NO_MORE)
        if self._next[0] == _AFTER_ALL:
            self._tell_played()
        return self._played

    def _tell_played(self) -> None:
        if self._played is not None and not self._played.done():
            self._played.set_result(None)

    # -- what the base class asks for --------------------------------------------------------------------------------

    def select(self, timeout: float | None) -> tuple[()]:
        """Let the time leap: to the timer that is due after `timeout` seconds, frame by frame, until work is ready."""
        if timeout is not None and timeout <= 0:
            return ()
        due_ns = _AFTER_ALL if timeout is None else self._now_ns + ceil(timeout * _SECOND)
        timers, first = self._scheduled, self._scheduled[0] if self._scheduled else None
        frames, take, ready = self._frames, self._take, self._ready
        at_ns, frame = self._next
        while at_ns < due_ns:
            self._now_ns = max(self._now_ns, at_ns)
            take(at_ns, frame)
            self._next = at_ns, frame = next(frames, _NO_MORE)
            if at_ns == _AFTER_ALL:
                self._tell_played()
            if ready or (timers[0] if timers else None) is not first:
                return ()
        if timeout is None:
            raise Stuck("the loop would wait for ever: no timer is set and no frame is left")
        self._now_ns = due_ns
        return ()

    def _process_events(self, event_list: Sequence[Any]) -> None:
        """No events come from outside."""

    def call_soon_threadsafe(
        self, callback: Callable[[Unpack[Args]], object], *args: *Args, context: Context | None = None
    ) -> Never:
        raise RuntimeError("nothing outside the loop exists in virtual time: no thread can call it")

    def run_in_executor(self, executor: Executor | None, func: Callable[[Unpack[Args]], T], *args: *Args) -> Never:
        raise RuntimeError("no threads in virtual time: what they do would take a time of its own")


class VirtualClock:
    """The loop's time as the venue's clock; `seed` makes the names that are drawn by lot the same every time."""

    def __init__(self, loop: VirtualLoop, seed: int = 0) -> None:
        self._loop = loop
        self._dice = random.Random(seed)  # names of orders, no secrets
        self._at_ns = -1
        self._at = _EPOCH

    def now(self) -> datetime:
        now_ns = self._loop.now_ns
        if now_ns != self._at_ns:
            self._at_ns, self._at = now_ns, _EPOCH + timedelta(microseconds=now_ns // 1000)
        return self._at

    def now_ns(self) -> int:
        return self._loop.now_ns

    def monotonic_s(self) -> float:
        return self._loop.time()

    def draw(self, letters: str, count: int) -> str:
        """So many of the letters, by lot."""
        return "".join(self._dice.choices(letters, k=count))


def _ignore(_at_ns: int, _frame: bytes) -> None:
    """Take nothing, before there is anything to take."""


def driven(loop: VirtualLoop, story: Coroutine[Any, Any, T]) -> T:
    """What the story returns; the loop is closed afterwards, and nothing is left on it, however the story ended."""
    try:
        return loop.run_until_complete(story)
    finally:
        left = asyncio.all_tasks(loop)
        for task in left:
            task.cancel()
        if left:
            loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()
