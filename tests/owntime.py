"""Time as it would pass on a machine that this thread has to itself: other programs make nothing late here."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace

import pytest

from alphapanda_desktop.trading import heart


class OwnTime:
    """What this thread worked and slept so far. A sleep in which it worked is as long as the longer of both."""

    def __init__(self) -> None:
        self._slept_ns = 0

    def now_ns(self) -> int:
        return self._slept_ns + time.thread_time_ns()

    async def sleep(self, seconds: float) -> None:
        """As asyncio.sleep; what comes late because of others is on time."""
        began_ns = time.thread_time_ns()
        await asyncio.sleep(seconds)
        self._slept_ns += max(0, round(seconds * 1e9) - (time.thread_time_ns() - began_ns))


def work(seconds: float) -> None:
    """Keep this thread at work for so long."""
    until_ns = time.thread_time_ns() + round(seconds * 1e9)
    while time.thread_time_ns() < until_ns:
        pass


def of_the_heart(monkeypatch: pytest.MonkeyPatch) -> OwnTime:
    """Time by which the heart beats from now on, for a meter that goes by it too."""
    own = OwnTime()
    monkeypatch.setattr(heart, "asyncio", SimpleNamespace(sleep=own.sleep))
    return own
