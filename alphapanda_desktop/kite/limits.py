"""Rate limits as true sliding windows, held on the loop so that a waiting request can be overtaken or cancelled.

Source: CONTRACT 3.1-3.2; each window stays a little under Kite's figure, for the network bunches requests.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import StrEnum
from heapq import heappop, heappush
from itertools import count
from typing import Final

from alphapanda_desktop.domain.ports import Clock


class Rate(StrEnum):
    """Kite's classes of requests, each with a limit of its own."""

    QUOTE = "quotes"
    HISTORICAL = "historical candles"
    ORDER = "orders"
    OTHER = "everything else"


WINDOWS: Final[dict[Rate, tuple[tuple[int, float], ...]]] = {
    Rate.QUOTE: ((1, 1.05),),
    Rate.HISTORICAL: ((3, 1.05),),
    Rate.ORDER: ((9, 1.05), (390, 60.0)),
    Rate.OTHER: ((9, 1.05),),
}
"""Requests allowed in so many seconds; an order must pass both its windows."""


class Window:
    """At most `limit` turns in any `span_s` seconds; urgent waiters first, else first come, first served."""

    def __init__(self, limit: int, span_s: float, clock: Clock) -> None:
        self._span_s = span_s
        self._clock = clock
        self._taken: deque[float] = deque(maxlen=limit)
        self._waiting: list[tuple[bool, int, asyncio.Future[None]]] = []
        self._serial = count()
        self._timer: asyncio.TimerHandle | None = None

    async def turn(self, urgent: bool = False) -> None:
        """Return when one more request may be sent. Cancelling gives the place to the next."""
        place = asyncio.get_running_loop().create_future()
        heappush(self._waiting, (not urgent, next(self._serial), place))
        self._let_in()
        await place

    def shut(self) -> None:
        """Give no turn for a whole span: Kite counts otherwise than we do, or another program uses the key."""
        self._taken.extend([self._clock.monotonic_s()] * (self._taken.maxlen or 0))

    def _let_in(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._waiting:
            place = self._waiting[0][2]
            if not place.done():
                wait_s = self._wait_s()
                if wait_s > 0:
                    self._timer = place.get_loop().call_later(wait_s, self._let_in)
                    return
                self._taken.append(self._clock.monotonic_s())
                place.set_result(None)
            heappop(self._waiting)

    def _wait_s(self) -> float:
        if len(self._taken) < (self._taken.maxlen or 0):
            return 0.0
        return self._taken[0] + self._span_s - self._clock.monotonic_s()


class Limits:
    """Every window of one api_key."""

    def __init__(self, clock: Clock) -> None:
        self._windows = {
            rate: [Window(limit, span_s, clock) for limit, span_s in windows] for rate, windows in WINDOWS.items()
        }

    async def turn(self, rate: Rate, urgent: bool = False) -> None:
        """Return when a request of this class may be sent."""
        for window in reversed(self._windows[rate]):
            await window.turn(urgent)

    def back_off(self, rate: Rate) -> None:
        """Kite said 429: send nothing of this class for about a second."""
        self._windows[rate][0].shut()
