"""Rings when a run's next timer has come, by the venue's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run

LOOK_S: Final = 1.0
"""Longest sleep between two looks at the clock: it may be set, and that of a practice exchange may run faster."""

Spawn = Callable[[str, Coroutine[Any, Any, None]], object]


class Bell:
    """Watches the clock for one run while it has a timer and may ask for something; `due()` says when the next comes.

    It looks with each frame of ticks, which a clock that runs many times as fast may leave behind, and by itself where
    `spawn(name, work)` is given, for the market may be silent.
    """

    def __init__(
        self,
        run: Run,
        market: Market,
        clock: Clock,
        due: Callable[[], datetime | None],
        ring: Callable[[], None],
        spawn: Spawn | None,
    ) -> None:
        self._run = run
        self._market = market
        self._clock = clock
        self._due = due
        self._ring = ring
        self._spawn = spawn
        self._watching = False
        self._moved = asyncio.Event()
        self._end_frames: Callable[[], None] | None = None

    def look_again(self) -> None:
        """A timer was put or taken away."""
        self._moved.set()
        if self._due() is None:
            return
        if self._end_frames is None:
            self._end_frames = self._market.after_frame(self._after_frame)
        if self._spawn is not None and not self._watching:
            self._watching = True
            self._spawn(f"timers of {self._run.run_id}", self._watch())

    async def _watch(self) -> None:
        began, began_s = self._clock.now(), self._clock.monotonic_s()
        try:
            while (due := self._due()) is not None and self._run.asking:
                now, gone_s = self._clock.now(), self._clock.monotonic_s() - began_s
                if due <= now:
                    self._ring()
                    continue
                pace = max(1.0, (now - began).total_seconds() / gone_s) if gone_s > 0 else 1.0
                self._moved.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(min((due - now).total_seconds() / pace, LOOK_S)):
                        await self._moved.wait()
        finally:
            self._watching = False

    def _after_frame(self) -> None:
        due = self._due()
        if (due is None or not self._run.asking) and self._end_frames is not None:
            self._end_frames()
            self._end_frames = None
        elif due is not None and due <= self._clock.now():
            self._ring()
