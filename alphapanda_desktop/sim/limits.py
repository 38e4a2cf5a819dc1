"""Kite's limits: requests a second by class of call, and orders a second, minute and day.

Seconds and minutes are this machine's, whatever the speed of the simulated clock: a client paces itself in real time.
Source: CONTRACT 3.1 and 3.2.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from typing import Final

from alphapanda_desktop.sim.answers import KiteError

PER_SECOND: Final = {"quote": 1, "historical": 3, "order": 10, "other": 10}
ORDERS_PER_MINUTE: Final = 400
ORDERS_PER_DAY: Final = 5000
MODIFICATIONS_PER_ORDER: Final = 25


def too_many() -> KiteError:
    """429 as Kite answers it."""
    return KiteError(429, "NetworkException", "Too many requests")


def class_of(method: str, path: str) -> str:
    """Which limit a call counts against."""
    if path == "/quote" or path.startswith("/quote/"):
        return "quote"
    if path.startswith("/instruments/historical/"):
        return "historical"
    if method != "GET" and re.match(r"/orders/[^/]", path):
        return "order"
    return "other"


class Window:
    """At most `allowed` events in any `seconds`."""

    def __init__(self, allowed: int, seconds: float) -> None:
        self._allowed, self._seconds = allowed, seconds
        self._at: deque[float] = deque()

    def take(self, now: float) -> bool:
        """Count one event, unless the window is full."""
        while self._at and now - self._at[0] >= self._seconds:
            self._at.popleft()
        if len(self._at) >= self._allowed:
            return False
        self._at.append(now)
        return True


class Limits:
    """Counts requests by api_key and class, and the account's orders; `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._windows: dict[tuple[str, str], Window] = {}
        self._minute = Window(ORDERS_PER_MINUTE, 60.0)
        self.orders_today = 0

    def request(self, api_key: str, kind: str) -> None:
        """Count one request; KiteError 429 when it is one too many."""
        window = self._windows.setdefault((api_key, kind), Window(PER_SECOND[kind], 1.0))
        if not window.take(self._monotonic()):
            raise too_many()
        if kind == "order" and not self._minute.take(self._monotonic()):
            raise too_many()

    def order(self, count: int = 1) -> None:
        """Count placements against the day's cap, refused ones too."""
        if self.orders_today + count > ORDERS_PER_DAY:
            raise KiteError(429, "NetworkException", "Maximum allowed order requests exceeded.")
        self.orders_today += count

    def new_day(self) -> None:
        self.orders_today = 0

    def start_over(self) -> None:
        """Forget every request counted so far."""
        self._windows.clear()
        self._minute = Window(ORDERS_PER_MINUTE, 60.0)
        self.orders_today = 0
