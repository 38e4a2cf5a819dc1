"""Garbage collection that the loop does not feel: what lives for good is frozen, the rest is looked at when idle.

A full collection of this program's 150,000 lasting objects takes 60 ms. Frozen ones are not looked at again, so that a
collection costs what was made since; garbage in cycles that was frozen with them waits for an hour without a market.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any, Final

YOUNG: Final = (700, 5)
"""Half of Python's own: a young collection looks at 3,500 objects, in less than a millisecond."""
NEVER: Final = 1_000_000_000
FULL_YOUNGS: Final = 2
"""So many young collections since the last full one, and more was made that lasts than 2 ms are enough for."""
LONG_NS: Final = 1_000_000
"""A full collection that took this long had survivors enough to be frozen."""
EVERY_NS: Final = 5_000_000_000
DEEP_NS: Final = 3_600_000_000_000
LATEST_NS: Final = 60_000_000_000
"""A loop that is never idle is held for a collection all the same, this long after the last."""


class Collector:
    """Owns the process's collector from `start` to `stop`. `paused(ns)` hears how long each collection took."""

    def __init__(self, paused: Callable[[int], None], now_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._paused = paused
        self._now_ns = now_ns
        self._before: tuple[int, int, int] | None = None
        self._began_ns = 0
        self._last_ns = 0
        self._deep_ns = now_ns()

    def start(self) -> None:
        """Collect nothing until `settle`: the start makes what stays, and no garbage worth a pause."""
        self._before = gc.get_threshold()
        gc.disable()
        gc.callbacks.append(self._heard)

    def settle(self) -> None:
        """What there is now stays: freeze it, and collect young garbage by itself, old when `look` is told of idleness.

        Call it again when much was loaded that stays.
        """
        gc.freeze()
        gc.set_threshold(*YOUNG, NEVER)
        gc.enable()
        self._last_ns = self._now_ns()

    def stop(self) -> None:
        """Leave everything as it was found."""
        if self._before is None:
            return
        gc.callbacks.remove(self._heard)
        gc.unfreeze()
        gc.set_threshold(*self._before)
        gc.enable()
        self._before = None

    def look(self, idle: bool, *, nobody_waits: bool = False) -> None:
        """Collect old garbage if there is time for it now, or has been none for a minute.

        Where `nobody_waits`, because no market speaks, it may be a long look at everything, once an hour.
        """
        if not gc.isenabled() or self._before is None:
            return
        now_ns, youngs = self._now_ns(), gc.get_count()[2]
        if nobody_waits and now_ns - self._deep_ns > DEEP_NS:
            self._deep_ns = now_ns
            gc.unfreeze()
            gc.collect()
            self.settle()
        elif youngs >= FULL_YOUNGS:
            self.settle()
        elif now_ns - self._last_ns > (EVERY_NS if idle else LATEST_NS) or (idle and youngs):
            self._last_ns = now_ns
            gc.collect()
            if self._now_ns() - now_ns > LONG_NS:
                gc.freeze()

    def _heard(self, phase: str, _info: dict[str, Any]) -> None:
        if phase == "start":
            self._began_ns = self._now_ns()
        else:
            self._paused(self._now_ns() - self._began_ns)
