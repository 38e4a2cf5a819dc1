"""Spans of time in which a series may have missed ticks, until history covers them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple


class Gap(NamedTuple):
    """From the last moment that was seen to the next one; `end_s` is infinite while nothing came yet."""

    start_s: float
    end_s: float


class Gaps:
    """Gaps of one series, oldest first, never touching one another."""

    def __init__(self) -> None:
        self._gaps: list[Gap] = []

    def __iter__(self) -> Iterator[Gap]:
        return iter(self._gaps)

    def __len__(self) -> int:
        return len(self._gaps)

    @property
    def open(self) -> bool:
        """Whether one has not ended yet."""
        return bool(self._gaps) and math.isinf(self._gaps[-1].end_s)

    def add(self, start_s: float, end_s: float = math.inf) -> None:
        """Note a gap, as one with those that it touches."""
        if start_s >= end_s:
            return
        touched = [gap for gap in self._gaps if gap.start_s <= end_s and start_s <= gap.end_s]
        joined = Gap(min([start_s, *(g.start_s for g in touched)]), max([end_s, *(g.end_s for g in touched)]))
        self._gaps = sorted([gap for gap in self._gaps if gap not in touched] + [joined])

    def end(self, at_s: float, *, nothing_missed: bool = False) -> None:
        """A tick came: the open gap is over, or never was one where the tick proves that nothing traded in it."""
        if self.open:
            gap = self._gaps.pop()
            if not nothing_missed:
                self.add(gap.start_s, at_s)

    def cover(self, start_s: float, end_s: float) -> None:
        """Forget what history now tells: everything from `start_s` to `end_s`."""
        left: list[Gap] = []
        for gap in self._gaps:
            if gap.end_s <= start_s or gap.start_s >= end_s:
                left.append(gap)
                continue
            left += [Gap(gap.start_s, start_s)] if gap.start_s < start_s else []
            left += [Gap(end_s, gap.end_s)] if gap.end_s > end_s else []
        self._gaps = left
