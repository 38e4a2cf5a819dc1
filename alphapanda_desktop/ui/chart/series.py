"""What a chart draws of a series, as numpy columns by bar number; no Qt.

Bars stand side by side by their number, so nights and holidays leave no gap. A tick costs what the visible rows
cost, however long the series is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.bars import BarSeries, TickSeries

Floats = NDArray[np.float64]

MIN_CANDLE_PX: Final = 3.0
"""Narrower bars are drawn joined, several to one, with the highest high and the lowest low."""


class Candles(NamedTuple):
    """Drawn candles: `x` is the middle of each in bar numbers, `width` how many bars one stands for."""

    x: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    width: int


class Line(NamedTuple):
    """A drawn line: bar numbers and prices, rising in x."""

    x: Floats
    y: Floats


class Source(Protocol):
    """What axes, cursor and view need of whatever is drawn. Rows are numbered from `first` to `end` - 1."""

    @property
    def version(self) -> int:
        """Changes whenever something must be drawn anew."""
        ...

    @property
    def first(self) -> int: ...

    @property
    def end(self) -> int: ...

    def times(self, first: int, end: int) -> Floats:
        """Epoch seconds of these rows."""
        ...

    def price_extremes(self, x0: float, x1: float, width_px: float) -> tuple[float, float] | None:
        """Lowest and highest price drawn between these places, or None where there is nothing."""
        ...

    def last_price(self) -> float | None: ...

    def row_at(self, at_s: float) -> int | None:
        """Number of the row that holds this time, or None where it is before the first."""
        ...


class CandleSource:
    """Candles of a `BarSeries`, joined when they are too many for the pixels there are.

    Joined closed bars are kept until history changes; only the last group is made anew for a tick.
    """

    first = 0

    def __init__(self, series: BarSeries) -> None:
        self.series = series
        self._joined: dict[int, NDArray[np.float64]] = {}
        self._joined_for = (-1, -1)
        self._last: tuple[tuple[float, ...], Candles] | None = None

    @property
    def version(self) -> int:
        return self.series.version

    @property
    def end(self) -> int:
        return len(self.series)

    def times(self, first: int, end: int) -> Floats:
        return self.series.start_s[first:end].astype(np.float64)

    def candles(self, x0: float, x1: float, width_px: float) -> Candles:
        """What is to be drawn between two places in bar numbers; scale, candles and volume ask for the same."""
        asked = (self.version, x0, x1, width_px)
        if self._last is None or self._last[0] != asked:
            self._last = (asked, self._candles(x0, x1, width_px))
        return self._last[1]

    def _candles(self, x0: float, x1: float, width_px: float) -> Candles:
        factor = join_factor(x1 - x0, width_px)
        first, end = visible(x0, x1, self.first, self.end, factor)
        columns = self._rows(first, end) if factor == 1 else self._groups(factor, first // factor, -(-end // factor))
        x = np.arange(columns.shape[1], dtype=np.float64) * factor + (first // factor * factor + (factor - 1) / 2)
        return Candles(x, columns[0], columns[1], columns[2], columns[3], columns[4], factor)

    def price_extremes(self, x0: float, x1: float, width_px: float) -> tuple[float, float] | None:
        drawn = self.candles(x0, x1, width_px)
        return (float(drawn.low.min()), float(drawn.high.max())) if drawn.x.size else None

    def last_price(self) -> float | None:
        return float(self.series.close[-1]) if len(self.series) else None

    def row_at(self, at_s: float) -> int | None:
        row = int(np.searchsorted(self.series.start_s, at_s, side="right")) - 1
        return row if row >= 0 else None

    def _rows(self, first: int, end: int) -> NDArray[np.float64]:
        s = self.series
        return np.array([column[first:end] for column in (s.open, s.high, s.low, s.close, s.volume)], np.float64)

    def _groups(self, factor: int, first: int, end: int) -> NDArray[np.float64]:
        closed = self._closed_groups(factor)
        if end <= closed.shape[1]:
            return closed[:, first:end]
        rest = joined(self._rows(closed.shape[1] * factor, self.end), factor)
        return np.concatenate((closed[:, first:], rest), axis=1)[:, : end - first]

    def _closed_groups(self, factor: int) -> NDArray[np.float64]:
        """Groups that are full of closed bars: no tick changes them."""
        made_for = (self.series.history_version, self.series.closed_count)
        if made_for != self._joined_for:
            self._joined, self._joined_for = {}, made_for
        if factor not in self._joined:
            self._joined[factor] = joined(self._rows(0, self.series.closed_count // factor * factor), factor)
        return self._joined[factor]


class TickSource:
    """A line through the ticks of a `TickSeries`, one step to the right for each.

    Numbers go on rising when the ring lets its oldest ticks go.
    """

    def __init__(self, series: TickSeries) -> None:
        self.series = series

    @property
    def version(self) -> int:
        return self.series.version

    @property
    def first(self) -> int:
        return self.series.version - len(self.series)

    @property
    def end(self) -> int:
        return self.series.version

    def times(self, first: int, end: int) -> Floats:
        return self.series.at_s[first - self.first : end - self.first]

    def line(self, x0: float, x1: float, width_px: float) -> Line:
        """The line between two places, as lows and highs of groups where ticks are denser than pixels."""
        factor = join_factor(x1 - x0, width_px, at_least_px=1.0)
        first, end = visible(x0, x1, self.first, self.end, factor)
        prices = self.series.price[first - self.first : end - self.first]
        if factor == 1 or not prices.size:
            return Line(np.arange(first, end, dtype=np.float64), prices)
        starts = np.arange(0, prices.size, factor)
        pairs = np.stack((np.minimum.reduceat(prices, starts), np.maximum.reduceat(prices, starts)), axis=1)
        return Line(np.repeat(starts + first + (factor - 1) / 2, 2), pairs.reshape(-1))

    def price_extremes(self, x0: float, x1: float, width_px: float) -> tuple[float, float] | None:
        prices = self.line(x0, x1, width_px).y
        return (float(prices.min()), float(prices.max())) if prices.size else None

    def last_price(self) -> float | None:
        return float(self.series.price[-1]) if len(self.series) else None

    def row_at(self, at_s: float) -> int | None:
        row = int(np.searchsorted(self.series.at_s, at_s, side="right")) - 1
        return row + self.first if row >= 0 else None


def join_factor(bars: float, width_px: float, at_least_px: float = MIN_CANDLE_PX) -> int:
    """How many bars become one so that each has its pixels; a power of two, so that zooming does not shimmer."""
    dense = bars * at_least_px / max(width_px, 1.0)
    return 1 if dense <= 1 else 1 << math.ceil(math.log2(dense))


def visible(x0: float, x1: float, first: int, end: int, factor: int = 1) -> tuple[int, int]:
    """Rows between two places, whole groups counted from row 0, so that panning does not shimmer."""
    low = math.floor(x0 / factor) * factor
    high = math.ceil(x1 / factor + 1) * factor
    low = min(max(first, low), end)
    return low, max(low, min(end, high))


def joined(columns: NDArray[np.float64], factor: int) -> NDArray[np.float64]:
    """Rows open, high, low, close, volume with every `factor` bars made one; the last may be of fewer."""
    count = columns.shape[1]
    if count == 0:
        return columns
    starts = np.arange(0, count, factor)
    ends = np.minimum(starts + factor, count) - 1
    return np.array(
        [
            columns[0, starts],
            np.maximum.reduceat(columns[1], starts),
            np.minimum.reduceat(columns[2], starts),
            columns[3, ends],
            np.add.reduceat(columns[4], starts),
        ]
    )


@dataclass
class Window:
    """Which bar numbers are on screen, from `x0` to `x1`; `follows` while it sticks to the newest bar."""

    x0: float = -0.5
    x1: float = 119.5
    follows: bool = True

    FEWEST = 8.0
    MARGIN = 0.06
    """Share of the width that stays free right of the newest bar."""

    @property
    def bars(self) -> float:
        return self.x1 - self.x0

    def follow(self, end: int) -> None:
        """Stick to the newest bar, with the zoom there is."""
        self.follows = True
        self.place(end, self.bars)

    def place(self, end: int, bars: float) -> None:
        """Show `bars` with the newest one near the right edge."""
        self.x1 = end - 0.5 + bars * self.MARGIN
        self.x0 = self.x1 - bars

    def fit(self, first: int, end: int) -> None:
        """Show all rows there are."""
        bars = max(self.FEWEST * 4, (end - first) / (1 - self.MARGIN))
        self.follows = True
        self.place(end, bars)

    def pan(self, bars: float, first: int, end: int) -> None:
        """Move to the right by so many bars; some of them always stay in sight."""
        kept = min(self.bars / 4, max(1.0, float(end - first)))
        moved = min(max(self.x0 + bars, first + kept - self.bars), max(end - kept, first + kept - self.bars))
        self.x0, self.x1 = moved, moved + self.bars
        self.follows = self.x1 >= end - 0.5

    def zoom(self, factor: float, anchor: float, first: int, end: int) -> None:
        """Show `factor` times as many bars, with the bar at `anchor` staying where it is on screen."""
        bars = min(max(self.bars * factor, self.FEWEST), max(240.0, 1.5 * (end - first)))
        share = (anchor - self.x0) / self.bars
        self.x0 = anchor - share * bars
        self.x1 = self.x0 + bars
        self.pan(0, first, end)

    def stretch(self, factor: float) -> None:
        """Show `factor` times as many bars with the right edge staying where it is, as a wider pane does."""
        self.x0 = self.x1 - max(self.bars * factor, self.FEWEST)

    def shift(self, rows: int) -> None:
        """Keep the same bars in sight after `rows` were put in front of them."""
        self.x0 += rows
        self.x1 += rows
