"""How many ticks come a second, and since when none has."""

from __future__ import annotations

from collections import deque
from typing import Final

BEAT_S: Final = 0.05
"""Ticks of so short a time are one beat to the guard of freshness, whose limits are seconds."""

SPAN_S: Final = 3.0


class TickRate:
    """Counts ticks by beats; times are seconds of a clock that only goes forward."""

    def __init__(self) -> None:
        self._beats: deque[tuple[float, int]] = deque(maxlen=128)
        """When a beat began, and how many ticks it had; more than three seconds of them."""
        self._last_s = 0.0

    def add(self, count: int, now_s: float) -> bool:
        """Note that so many came; whether a new beat has begun with them."""
        self._last_s = now_s
        if not self._beats or now_s - self._beats[-1][0] > BEAT_S:
            self._beats.append((now_s, count))
            return True
        began_s, before = self._beats[-1]
        self._beats[-1] = began_s, before + count
        return False

    def per_s(self, now_s: float) -> float:
        """Ticks a second over the last few seconds."""
        return sum(count for at_s, count in self._beats if now_s - at_s <= SPAN_S) / SPAN_S

    def silence_s(self, now_s: float) -> float | None:
        """Seconds since anything ticked; None before the first tick."""
        return max(0.0, now_s - self._last_s) if self._beats else None
