"""Time that runs faster than the wall's, for loop and clock alike: what the desk waits for is over sooner.

Sockets, disk and threads stay as fast as they are; only sleeping and deadlines shrink.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

SPEED: Final = 10.0
"""Seconds of the story in a second of the wall."""


class Pace:
    """Seconds since an arbitrary moment, `speed` of them in a second of the wall; `skip` leaps over more."""

    def __init__(self, speed: float = SPEED) -> None:
        self.speed = speed
        self._since_s = time.monotonic()
        self._skipped_s = 0.0

    def time(self) -> float:
        return (time.monotonic() - self._since_s) * self.speed + self._skipped_s

    def run_at(self, speed: float) -> None:
        """From now on so many seconds in one of the wall."""
        self._skipped_s = self.time()
        self._since_s, self.speed = time.monotonic(), speed

    def skip(self, seconds: float) -> None:
        """Everything that is due within these seconds is due now, as after a machine has slept."""
        self._skipped_s += seconds


class PacedLoop(asyncio.SelectorEventLoop):
    """A loop whose timers follow a Pace."""

    def __init__(self, pace: Pace) -> None:
        super().__init__(_PacedSelector(pace))
        self._pace = pace

    def time(self) -> float:
        return self._pace.time()


class _PacedSelector(selectors.BaseSelector):
    """The system's selector, told to wait for as long as the loop's seconds last by the wall."""

    def __init__(self, pace: Pace) -> None:
        self._real = selectors.DefaultSelector()
        self._pace = pace

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return self._real.select(timeout / self._pace.speed if timeout else timeout)

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.register(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._real.unregister(fileobj)

    def modify(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        return self._real.modify(fileobj, events, data)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._real.get_map()

    def close(self) -> None:
        self._real.close()


class StoryClock:
    """domain.ports.Clock that stood at `at` when it was made and follows the Pace."""

    def __init__(self, pace: Pace, at: datetime) -> None:
        self._pace = pace
        self._at_ns = int(at.timestamp() * 1e9)
        self._began_s = pace.time()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ns() / 1e9, UTC)

    def now_ns(self) -> int:
        return self._at_ns + int((self._pace.time() - self._began_s) * 1e9)

    def monotonic_s(self) -> float:
        return self._pace.time()


async def until(true: Callable[[], object], every_s: float) -> None:
    """Return once something has become true that tells nobody so: it is asked again and again."""
    while True:
        if true():
            return
        await asyncio.sleep(every_s)
