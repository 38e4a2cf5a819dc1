"""What is drawn less often when there is too much to do: the chart first, then depth, then tables; orders never.

Only drawing is ever shed, for only drawing asks here. Ticks, strategies, orders and the kill switch do not know that
this exists.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What a painter draws."""

    CHART = "chart"
    DEPTH = "depth"
    TABLE = "table"


FRAME_HZ: Final = 60


class Level(NamedTuple):
    """Of how many frames each kind is drawn in one."""

    chart: int
    depth: int
    table: int

    def every(self, kind: Kind) -> int:
        return {Kind.CHART: self.chart, Kind.DEPTH: self.depth, Kind.TABLE: self.table}[kind]

    def hz(self, kind: Kind) -> int:
        """Times a second that a kind is drawn."""
        return FRAME_HZ // self.every(kind)


LEVELS: Final = (
    Level(chart=1, depth=2, table=2),
    Level(chart=2, depth=2, table=2),
    Level(chart=4, depth=2, table=2),
    Level(chart=12, depth=2, table=2),
    Level(chart=12, depth=6, table=2),
    Level(chart=12, depth=12, table=2),
    Level(chart=12, depth=12, table=6),
    Level(chart=12, depth=12, table=12),
)
"""From everything down to what is enough to see that something is wrong."""

LAG_NS: Final = 12_000_000
"""A loop whose heartbeat is this late on the average has too much to do."""
SHARE: Final = 0.5
"""So much of the time may go into drawing."""
LITTLE: Final = SHARE / 4
"""A loop that draws no more than this is late for other reasons, and twice as much would change little."""
LOOKS_DOWN: Final = 2
LOOKS_UP: Final = 8
"""Looks in a row that must agree before less, or more, is drawn."""
MOST_LOOKS_UP: Final = 64
"""Where more was soon too much again, each new try waits twice as long, up to this."""


class Shedding:
    """Steps through LEVELS by what it is told four times a second. `changed` is called after each step."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self.changed = changed
        self._place = 0
        self._busy = 0
        self._calm = 0
        self._patience = LOOKS_UP
        self._since_up = MOST_LOOKS_UP
        self.steps = 0
        """Steps down since the start."""

    @property
    def level(self) -> Level:
        return LEVELS[self._place]

    @property
    def depth(self) -> int:
        """How far down it is; 0 draws everything."""
        return self._place

    def words(self) -> str:
        """What is drawn less often, as "chart 15/s, tables 10/s"; empty where nothing is."""
        full, now = LEVELS[0], self.level
        less = [kind for kind in Kind if now.every(kind) > full.every(kind)]
        return ", ".join(f"{kind} {now.hz(kind)}/s" for kind in less)

    def look(self, lag_ns: float, share: float) -> None:
        """The loop's mean lateness since the last look, and the share of that time that went into drawing."""
        self._since_up += 1
        if lag_ns > LAG_NS or share > SHARE:
            self._busy, self._calm = self._busy + 1, 0
        elif share < LITTLE or (lag_ns < LAG_NS / 2 and share < SHARE / 2):  # twice as many frames must fit
            self._busy, self._calm = 0, self._calm + 1
        else:
            self._busy = self._calm = 0
        if self._busy >= LOOKS_DOWN and self._place < len(LEVELS) - 1:
            self._down()
        elif self._calm >= self._patience and self._place:
            self._up()

    def _down(self) -> None:
        self._place, self._busy = self._place + 1, 0
        self.steps += 1
        if self._since_up <= LOOKS_UP:
            self._patience = min(self._patience * 2, MOST_LOOKS_UP)
        self.changed()

    def _up(self) -> None:
        self._place, self._calm = self._place - 1, 0
        if self._since_up > self._patience * 2:
            self._patience = LOOKS_UP
        self._since_up = 0
        self.changed()
