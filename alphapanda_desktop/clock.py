"""The clocks the program runs on: the machine's, and one that follows a practice exchange's."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_s(self) -> float:
        return time.monotonic()


class VenueClock:
    """Now at a venue whose clock stood at `at` when this was made and runs `speed` times as fast as the machine's."""

    def __init__(self, at: datetime, speed: float) -> None:
        self._origin_ns = int(at.timestamp() * 1e9)
        self._speed = speed
        self._began = time.monotonic_ns()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ns() / 1e9, UTC)

    def now_ns(self) -> int:
        return self._origin_ns + int((time.monotonic_ns() - self._began) * self._speed)

    def monotonic_s(self) -> float:
        return time.monotonic()
