"""The time of a recorded day, set by what plays it; and the desk's own, which goes on while the market stands."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final, final

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@final
class ReplayClock:
    """The recorded market's clock. It stands while nothing is played, so that no price grows old in a pause."""

    def __init__(self, at_ns: int) -> None:
        self._began_ns = self._at_ns = at_ns
        self._said_ns, self._said = -1, _EPOCH

    def set(self, at_ns: int) -> None:
        """What time it is now; never one that has passed."""
        self._at_ns = max(self._at_ns, at_ns)

    def now(self) -> datetime:
        if self._said_ns != self._at_ns:
            self._said_ns, self._said = self._at_ns, _EPOCH + timedelta(microseconds=self._at_ns // 1000)
        return self._said

    def now_ns(self) -> int:
        return self._at_ns

    def monotonic_s(self) -> float:
        return (self._at_ns - self._began_ns) / 1e9


@final
class DeskClock:
    """The same time of day for the desk, whose deadlines and order rates run on while the market stands.

    An order that waits for its turn would else wait for ever in a pause, and the kill switch with it.
    """

    def __init__(self, market: ReplayClock, running_s: Callable[[], float] = time.monotonic) -> None:
        self._market = market
        self._running_s = running_s
        self._stood_s = 0.0
        self._since_s: float | None = running_s()

    def stand(self) -> None:
        """The market stands still from now on."""
        if self._since_s is None:
            self._since_s = self._running_s()

    def go_on(self) -> None:
        """The market moves again."""
        if self._since_s is not None:
            self._stood_s += self._running_s() - self._since_s
            self._since_s = None

    def now(self) -> datetime:
        return self._market.now()

    def now_ns(self) -> int:
        return self._market.now_ns()

    def monotonic_s(self) -> float:
        standing_s = 0.0 if self._since_s is None else self._running_s() - self._since_s
        return self._market.monotonic_s() + self._stood_s + standing_s
