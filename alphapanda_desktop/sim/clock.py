"""The simulator's own clock: wall time at a chosen speed, from a chosen origin, and it may be set."""

from __future__ import annotations

import time
from datetime import UTC, datetime


class SimClock:
    """Time as the local Kite sees it; changing `speed` or jumping never makes it miss a beat elsewhere.

    Runs on the machine's monotonic clock, so a corrected wall clock does not move the market.
    """

    def __init__(self, origin: datetime | None = None, speed: float = 1.0) -> None:
        self._origin_s = (origin or datetime.now(UTC)).timestamp()
        self._mark_s = time.monotonic()
        self._speed = speed

    def now_s(self) -> float:
        """Epoch seconds."""
        return self._origin_s + (time.monotonic() - self._mark_s) * self._speed

    def now(self) -> datetime:
        """Aware UTC."""
        return datetime.fromtimestamp(self.now_s(), UTC)

    @property
    def speed(self) -> float:
        """Simulated seconds per second of the wall; 0 stands still."""
        return self._speed

    @speed.setter
    def speed(self, value: float) -> None:
        self.jump_to(self.now())
        self._speed = value

    def jump_to(self, at: datetime) -> None:
        """Go on from another moment, backwards too."""
        self._origin_s = at.timestamp()
        self._mark_s = time.monotonic()
