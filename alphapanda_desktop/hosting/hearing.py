"""Shares the loop among strategies' processes: what they say is heard in turn, for no more than a part of its time.

A strategy that says something two thousand times with every tick would else hold up the window and all others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

SHARE: Final = 0.5
"""Part of the loop's time in which strategies are heard."""

BURST_S: Final = 0.004
"""How long they are heard without a pause, after a silence."""

Speaker = Callable[[], bool]
"""Hears one message; whether there may be another."""


class Hearing:
    """All processes of one venue: one message of each in turn. While little is said, each is heard as it comes."""

    def __init__(self) -> None:
        self._waiting: dict[Speaker, None] = {}
        self._debt_s = 0.0
        """Time that was spent hearing, less the share that has passed since."""
        self._until_s = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._under_way = False

    def want(self, speaker: Speaker) -> None:
        """Hear this one until it has nothing more to say; at once if there is time."""
        self._waiting.setdefault(speaker)
        if self._later is None and not self._under_way:
            self._turn()

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._later, self._under_way = None, True
        self._debt_s = max(0.0, self._debt_s - (now - self._until_s) * SHARE)
        try:
            while self._waiting and self._debt_s < BURST_S:
                speaker = next(iter(self._waiting))
                del self._waiting[speaker]
                if speaker():
                    self._waiting[speaker] = None
                before, now = now, loop.time()
                self._debt_s += now - before
        finally:
            self._under_way, self._until_s = False, now
            if self._waiting:
                self._later = loop.call_later(max(self._debt_s, BURST_S) / SHARE / 2, self._turn)
