"""A loop whose time leaps to the next timer, and a clock over it: hours of waiting cost no waiting."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.fakes import NOON


class _Leaping(selectors.DefaultSelector):
    """Never waits: what it was told to wait is added to the time."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("the loop would wait for ever: nothing is left that could wake it")
        self.now_s += max(0.0, timeout)
        return super().select(0)


class LeapingLoop(asyncio.SelectorEventLoop):
    """An asyncio loop in virtual time."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now_s

    def stall(self, seconds: float) -> None:
        """Stand still, as when a callback takes too long."""
        self._leaping.now_s += seconds


class LeapingClock:
    """The loop's time as a clock; `step` sets the wall clock and leaves the monotonic one alone."""

    def __init__(self, loop: LeapingLoop, at: datetime = NOON) -> None:
        self._loop = loop
        self._at = at

    def now(self) -> datetime:
        return self._at + timedelta(seconds=self._loop.time())

    def now_ns(self) -> int:
        return (self.now() - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000

    def monotonic_s(self) -> float:
        return self._loop.time()

    def step(self, seconds: float) -> None:
        self._at += timedelta(seconds=seconds)


def leap(story: Callable[[LeapingLoop, LeapingClock], Awaitable[Any]], at: datetime = NOON) -> float:
    """Drive a story in virtual time; how many seconds of it passed. Fails on a task that is left behind."""
    loop = LeapingLoop()
    try:
        loop.run_until_complete(_told(story, loop, LeapingClock(loop, at)))
        left = asyncio.all_tasks(loop)
        assert not left, f"left behind: {left}"
        return loop.time()
    finally:
        loop.close()


async def _told(
    story: Callable[[LeapingLoop, LeapingClock], Awaitable[Any]], loop: LeapingLoop, clock: LeapingClock
) -> None:
    await story(loop, clock)
