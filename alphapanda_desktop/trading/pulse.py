"""How a strategy's process does, as measured: its calls, what it uses, and what it was too slow to hear."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

REMEMBERED: Final = 512
"""Calls of which the times are kept: percentiles are of the recent past."""


@dataclass(slots=True)
class Pulse:
    """One run's calls and its process. Times are milliseconds in the strategy's own code; None while unknown.

    `cpu_share` is of one processor, over the last look; `memory_bytes` is what is resident.
    """

    pid: int | None = None
    calls: int = 0
    slowest_ms: float = 0.0
    dropped_ticks: int = 0
    """Ticks that a newer one of the same instrument replaced while the strategy was busy."""
    memory_bytes: int | None = None
    cpu_share: float | None = None
    last_call_at: datetime | None = None
    recent_ms: deque[float] = field(default_factory=lambda: deque(maxlen=REMEMBERED), repr=False)

    def called(self, took_s: float, at: datetime) -> None:
        """A call ended."""
        took_ms = took_s * 1000
        self.calls += 1
        self.last_call_at = at
        self.slowest_ms = max(self.slowest_ms, took_ms)
        self.recent_ms.append(took_ms)

    @property
    def p50_ms(self) -> float | None:
        """The time that half of the recent calls took no more than."""
        return self._share(0.5)

    @property
    def p99_ms(self) -> float | None:
        """The time that all but one of a hundred recent calls took no more than."""
        return self._share(0.99)

    def _share(self, share: float) -> float | None:
        times = sorted(self.recent_ms)
        return times[min(len(times) - 1, int(share * len(times)))] if times else None
