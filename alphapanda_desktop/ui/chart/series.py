"""What a chart draws of a series, as numpy columns by bar number; no Qt.

Bars stand side by side by their number, so nights and holidays leave no gap. Whatever is asked costs what the screen
can show, however long the series is: many bars come joined, from the pyramid above their columns.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.bars import TickSeries
from alphapanda_desktop.domain.market import Period
from alphapanda_desktop.domain.pyramid import Columns, Pyramid

if TYPE_CHECKING:
    from alphapanda_desktop.domain.bargaps import Gap
    from alphapanda_desktop.ui.chart.studies import Charted

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MIN_CANDLE_PX: Final = 2.0
"""Narrower bars are drawn joined, several to one, with the highest high and the lowest low."""


class Candles(NamedTuple):
    """Drawn candles: `x` is the middle of each in bar numbers, `factor` how many bars one stands for."""

    x: Floats
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints
    factor: int


class Line(NamedTuple):
    """A drawn line: bar numbers and prices, rising in x."""

    x: Floats
    y: Floats


class Extremes(NamedTuple):
    """What is visible lies between these prices and under this volume."""

    low: float
    high: float
    volume: float = 0.0


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

    @property
    def oldest_s(self) -> float:
        """Epoch second of the first row, 0 without one."""
        ...

    @property
    def history_version(self) -> int:
        """Changes whenever rows before the last did."""
        ...

    def times(self, first: int, end: int, step: int = 1) -> Floats:
        """Epoch seconds of these rows, every `step`th."""
        ...

    def factor(self, bars: float, width_px: float) -> int:
        """How many rows are drawn as one where so many are to be seen."""
        ...

    def extremes(self, x0: float, x1: float, factor: int) -> Extremes | None:
        """Of what is drawn between these places, or None where there is nothing."""
        ...

    def last_price(self) -> float | None: ...

    def price_of(self, row: int) -> float:
        """The row's price, or its close."""
        ...

    def row_at(self, at_s: float) -> int | None:
        """Number of the row that holds this time, or None where it is before the first."""
        ...


class Bars(Protocol):
    """Bars that are drawn as candles; domain.bars.BarSeries is one. What is named there means the same here."""

    @property
    def version(self) -> int: ...

    @property
    def history_version(self) -> int: ...

    @property
    def columns(self) -> Columns: ...

    @property
    def pyramid(self) -> Pyramid: ...

    @property
    def closed_count(self) -> int: ...

    @property
    def interval(self) -> Period: ...

    @property
    def start_s(self) -> Ints: ...

    @property
    def gaps(self) -> tuple[Gap, ...]: ...

    def gap_rows(self) -> list[tuple[int, int]]: ...


class CandleSource:
    """Candles of a `BarSeries`, joined when they are too many for the pixels there are."""

    first = 0

    def __init__(self, series: Bars) -> None:
        self.series = series
        self.studied: Charted = series
        """What indicators are worked out over; its rows are those drawn."""
        self._last: tuple[tuple[float, ...], Candles] | None = None
        self._last_part: tuple[tuple[float, ...], Candles] | None = None
        self._newest = ((-1, 0), (0.0, 0.0, 0.0, 0))
        self._settled: tuple[tuple[float, ...], Extremes, bool] = ((), Extremes(0.0, 0.0), False)
        self._gaps: tuple[tuple[object, ...], list[tuple[int, int]]] = ((), [])

    @property
    def version(self) -> int:
        return self.series.version

    @property
    def oldest_s(self) -> float:
        return float(self.series.columns.start_s.item(0)) if self.end else 0.0

    @property
    def history_version(self) -> int:
        return self.series.history_version

    @property
    def end(self) -> int:
        return self.series.columns.rows

    def times(self, first: int, end: int, step: int = 1) -> Floats:
        return self.series.start_s[first:end:step].astype(np.float64)

    def factor(self, bars: float, width_px: float) -> int:
        return join_factor(bars, width_px)

    def candles(self, x0: float, x1: float, factor: int) -> Candles:
        """What is to be drawn between two places in bar numbers; scale, candles and volume ask for the same."""
        asked = (self.version, x0, x1, factor)
        if self._last is None or self._last[0] != asked:
            self._last = (asked, self._some(x0, x1, factor))
        return self._last[1]

    def part(self, x0: float, x1: float, factor: int) -> Candles:
        """The same for a part, which candles and volume ask for in turn."""
        asked = (self.version, x0, x1, factor)
        if self._last_part is None or self._last_part[0] != asked:
            self._last_part = (asked, self._some(x0, x1, factor))
        return self._last_part[1]

    def _some(self, x0: float, x1: float, factor: int) -> Candles:
        first, end = visible(x0, x1, 0, self.end, factor)
        rows = self.series.pyramid.joined(first, end, factor)
        middle = rows.start_row + (factor - 1) / 2
        x = np.arange(len(rows.open), dtype=np.float64) * factor + middle
        return Candles(x, rows.open, rows.high, rows.low, rows.close, rows.volume, factor)

    def newest(self, factor: int) -> tuple[float, float, float, int]:
        """Middle, high, low and volume of the last drawn candle."""
        asked = (self.version, factor)
        if asked != self._newest[0]:
            rows = self.series.pyramid.joined(self.end - 1, self.end, factor)
            middle = rows.start_row + (factor - 1) / 2
            self._newest = (asked, (middle, rows.high.item(-1), rows.low.item(-1), rows.volume.item(-1)))
        return self._newest[1]

    def extremes(self, x0: float, x1: float, factor: int) -> Extremes | None:
        """As said there; for a tick only the last candle is looked at."""
        asked = (self.history_version, self.end, x0, x1, factor)
        if asked != self._settled[0]:
            first, end = visible(x0, x1, 0, self.end, factor)
            live = (self.end - 1) // factor * factor
            rows = self.series.pyramid.joined(first, min(end, live), factor)
            found = (rows.low.min(), rows.high.max(), rows.volume.max()) if len(rows.low) else (math.inf, -math.inf, 0)
            self._settled = (asked, Extremes(*map(float, found)), first < self.end and end > live)
        _, settled, shows_last = self._settled
        if shows_last:
            _, high, low, volume = self.newest(factor)
            settled = Extremes(min(settled.low, low), max(settled.high, high), max(settled.volume, volume))
        return settled if settled.low <= settled.high else None

    def last_price(self) -> float | None:
        return self.price_of(self.end - 1) if self.end else None

    def price_of(self, row: int) -> float:
        return self.series.columns.close.item(row)

    def row_at(self, at_s: float) -> int | None:
        # Whole seconds: for a fraction numpy would make floats of the whole column first.
        row = int(np.searchsorted(self.series.start_s, math.floor(at_s), side="right")) - 1
        return row if row >= 0 else None

    def gaps(self) -> list[tuple[int, int]]:
        """First row and the one after the last of bars that may lack trades."""
        made_for = (self.series.gaps, self.end, self.series.history_version)
        if made_for != self._gaps[0]:
            self._gaps = (made_for, self.series.gap_rows() if made_for[0] else [])
        return self._gaps[1]


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

    @property
    def oldest_s(self) -> float:
        return float(self.series.at_s[0]) if len(self.series) else 0.0

    @property
    def history_version(self) -> int:
        return self.first

    def times(self, first: int, end: int, step: int = 1) -> Floats:
        return self.series.at_s[first - self.first : end - self.first : step]

    def factor(self, bars: float, width_px: float) -> int:
        return join_factor(bars, width_px, at_least_px=1.0)

    def line(self, x0: float, x1: float, factor: int) -> Line:
        """The line between two places, as lows and highs of groups where ticks are denser than pixels."""
        first, end = visible(x0, x1, self.first, self.end, factor)
        prices = self.series.price[first - self.first : end - self.first]
        if factor == 1 or not prices.size:
            return Line(np.arange(first, end, dtype=np.float64), prices)
        starts = np.arange(0, prices.size, factor)
        pairs = np.stack((np.minimum.reduceat(prices, starts), np.maximum.reduceat(prices, starts)), axis=1)
        return Line(np.repeat(starts + first + (factor - 1) / 2, 2), pairs.reshape(-1))

    def extremes(self, x0: float, x1: float, factor: int) -> Extremes | None:
        prices = self.line(x0, x1, factor).y
        return Extremes(float(prices.min()), float(prices.max())) if prices.size else None

    def last_price(self) -> float | None:
        return float(self.series.price[-1]) if len(self.series) else None

    def price_of(self, row: int) -> float:
        return float(self.series.price[row - self.first])

    def row_at(self, at_s: float) -> int | None:
        row = int(np.searchsorted(self.series.at_s, at_s, side="right")) - 1
        return row + self.first if row >= 0 else None


class CurveSource:
    """A line through one figure for each bar of a history that is over: an equity, a drawdown. It never changes.

    `text_of` puts a figure into words. Others that are `beside` it share its rows and its scale, which always
    `reaches` that figure, if one is given.
    """

    first = 0
    version = 1
    history_version = 1

    def __init__(
        self,
        at_s: Floats,
        values: Floats,
        text_of: Callable[[float], str],
        beside: tuple[CurveSource, ...] = (),
        reaches: float | None = None,
    ) -> None:
        self.at_s = at_s
        self.values = values
        self.text_of = text_of
        self.beside = beside
        self.reaches = () if reaches is None else (reaches,)

    @property
    def end(self) -> int:
        return len(self.values)

    @property
    def oldest_s(self) -> float:
        return float(self.at_s[0]) if self.end else 0.0

    def times(self, first: int, end: int, step: int = 1) -> Floats:
        return self.at_s[first:end:step]

    def factor(self, bars: float, width_px: float) -> int:
        return join_factor(bars, width_px, at_least_px=1.0)

    def groups(self, x0: float, x1: float, factor: int) -> tuple[Floats, Floats, Floats]:
        """Middle, lowest and highest of each group of rows between two places."""
        first, end = visible(x0, x1, 0, self.end, factor)
        values = self.values[first:end]
        if factor == 1 or not values.size:
            return np.arange(first, end, dtype=np.float64), values, values
        starts = np.arange(0, values.size, factor)
        low, high = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        return starts.astype(np.float64) + (first + (factor - 1) / 2), low, high

    def extremes(self, x0: float, x1: float, factor: int) -> Extremes | None:
        found = [one.groups(x0, x1, factor) for one in (self, *self.beside)]
        if not found[0][1].size:
            return None
        lows, highs = [float(low.min()) for _, low, _ in found], [float(high.max()) for *_, high in found]
        return Extremes(min(*lows, *self.reaches, lows[0]), max(*highs, *self.reaches, highs[0]))

    def last_price(self) -> float | None:
        return float(self.values[-1]) if self.end else None

    def price_of(self, row: int) -> float:
        return float(self.values[row])

    def row_at(self, at_s: float) -> int | None:
        row = int(np.searchsorted(self.at_s, at_s, side="right")) - 1
        return row if row >= 0 else None


@lru_cache(64)
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

    def zoom_following(self, factor: float, first: int, end: int) -> None:
        """Show `factor` times as many bars, the newest one as near the right edge as ever."""
        self.zoom(factor, end - 0.5, first, end)
        self.follow(end)

    def stretch(self, factor: float) -> None:
        """Show `factor` times as many bars with the right edge staying where it is, as a wider pane does."""
        self.x0 = self.x1 - max(self.bars * factor, self.FEWEST)

    def shift(self, rows: int) -> None:
        """Keep the same bars in sight after `rows` were put in front of them."""
        self.x0 += rows
        self.x1 += rows
