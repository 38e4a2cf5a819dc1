"""Renko bricks of a series: one more each time a close is a brick's size beyond the last; time plays no part; no Qt.

A brick against the trend needs two sizes from the last brick's close, as is usual. Bricks are made of closed bars; the
last row is what lies between the last brick and the price now. The size is kept for as long as the first bar is.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from alphapanda_desktop.domain.bargaps import Gap
from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.pyramid import Floats, Ints
from alphapanda_desktop.ui.chart.following import Following
from alphapanda_desktop.ui.chart.series import CandleSource

SHARE: Final = 0.001
"""A brick of minutes is a thousandth of the first price high, of longer bars by the root of their length."""

LONGEST_MIN: Final = 375.0


def brick_size(price: float, interval_s: float, tick: float) -> float:
    """How high a brick is, in whole ticks."""
    minutes = min(max(interval_s / 60.0, 1.0), LONGEST_MIN)
    return max(1, round(price * SHARE * math.sqrt(minutes) / tick)) * tick


class RenkoBars(Following):
    """Bricks of its origin's closes."""

    gaps: tuple[Gap, ...] = ()

    def __init__(self, origin: BarSeries, tick: float) -> None:
        super().__init__(origin)
        self.size = 0.0
        self._tick = tick or 0.01
        self._closes: Floats = np.empty(0)
        self._volume = 0
        self._bricks = 0

    @property
    def closed_count(self) -> int:
        self._catch_up()
        return self._bricks

    @property
    def start_s(self) -> Ints:
        columns = self.columns
        return columns.start_s[: columns.rows]

    def gap_rows(self) -> list[tuple[int, int]]:
        """None: a brick lacks no trades that a close would not tell."""
        return []

    def _catch_up(self) -> None:
        seen = (self.origin.version, self.origin.history_version)
        if seen == self._seen or not len(self.origin):
            return
        if seen[1] != self._seen[1]:
            self._take_closed()
        self._seen = seen
        self._show_forming()

    # --- closed bars

    def _take_closed(self) -> None:
        """Add bricks for bars that closed since; all anew where earlier bars changed."""
        closes = self.origin.close[: self.origin.closed_count]
        known = self._closes.size
        if not known or known > closes.size or not np.array_equal(closes[:known], self._closes):
            known = self._bricks = self._volume = 0
        start = float(self.origin.open[0])
        if not known:
            self.size = brick_size(start, self.origin.interval.seconds, self._tick)
        self._closes = closes.copy()
        self._add(known, start)

    def _add(self, known: int, start: float) -> None:
        columns, size, rows = self._columns, self.size, []
        if self._bricks:
            low, high = sorted((columns.open.item(self._bricks - 1), columns.close.item(self._bricks - 1)))
        else:
            low = high = start
        volumes, times = self.origin.volume.tolist(), self.origin.start_s.tolist()
        for number, close in enumerate(self._closes[known:].tolist(), known):
            self._volume += volumes[number]
            while close >= high + size * (1 - 1e-9) or close <= low - size * (1 - 1e-9):
                opened, closed = (high, high + size) if close > high else (low, low - size)
                low, high = min(opened, closed), max(opened, closed)
                rows.append((times[number], opened, high, low, closed, self._volume))
                self._volume = 0
        if rows:
            start_s, opens, highs, lows, shut, volume = (np.array(column) for column in zip(*rows, strict=True))
            columns.replace(self._bricks, start_s, opens, highs, lows, shut, volume, np.zeros(len(rows), np.int64))
            self._bricks += len(rows)

    # --- what is not a brick yet

    def _show_forming(self) -> None:
        columns, price = self._columns, float(self.origin.close[-1])
        opened = float(self.origin.open[0])
        if self._bricks:
            low, high = sorted((columns.open.item(self._bricks - 1), columns.close.item(self._bricks - 1)))
            opened = min(max(price, low), high)
            opened = columns.close.item(self._bricks - 1) if low < price < high else opened
        forming = self.origin.volume[self.origin.closed_count :].sum()
        opens, high, low, close = np.array([[opened], [max(opened, price)], [min(opened, price)], [price]])
        volume = np.array([self._volume + int(forming)])
        columns.replace(self._bricks, self.origin.start_s[-1:], opens, high, low, close, volume, np.zeros(1, np.int64))


class RenkoSource(CandleSource):
    """Draws bricks; indicators are worked out over them."""

    def __init__(self, origin: BarSeries, tick: float) -> None:
        self.bricks = RenkoBars(origin, tick)
        super().__init__(self.bricks)
