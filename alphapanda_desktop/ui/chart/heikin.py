"""Heikin-Ashi candles of a series: each is half made of the one before, so that a trend shows as one colour; no Qt.

The close is the mean of the bar's four prices, the open the middle of the candle before; high and low are the bar's
own, reached over to both.  Orders fill at true prices: the last price stays the bar's.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

from alphapanda_desktop.domain.bargaps import Gap
from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.pyramid import Floats, Ints
from alphapanda_desktop.ui.chart.following import Following
from alphapanda_desktop.ui.chart.series import CandleSource


class HeikinBars(Following):
    """Row for row the same bars as its origin's."""

    @property
    def closed_count(self) -> int:
        return self.origin.closed_count

    @property
    def start_s(self) -> Ints:
        return self.origin.start_s

    @property
    def gaps(self) -> tuple[Gap, ...]:
        return self.origin.gaps

    def gap_rows(self) -> list[tuple[int, int]]:
        return self.origin.gap_rows()

    def _catch_up(self) -> None:
        origin, seen = self.origin, (self.origin.version, self.origin.history_version)
        if seen == self._seen:
            return
        rows, same_past = len(origin), seen[1] == self._seen[1] and len(origin) == self._columns.rows
        first = max(0, rows - 1) if same_past else self._first_changed()
        self._seen = seen
        self._columns.replace(first, *self._made(first))

    def _first_changed(self) -> int:
        """The first row that is made of another bar than before; the last one may always have moved."""
        origin, mine = self.origin, self._columns
        rows = min(len(origin), mine.rows)
        part = slice(0, rows)
        close = _means(origin, 0)[part]
        opens = mine.open[part]
        differs = close != mine.close[part]
        differs |= np.maximum(origin.high[part], np.maximum(opens, close)) != mine.high[part]
        differs |= np.minimum(origin.low[part], np.minimum(opens, close)) != mine.low[part]
        differs |= (origin.volume[part] != mine.volume[part]) | (origin.start_s[part] != mine.start_s[part])
        return int(differs.argmax()) if differs.any() else max(0, rows - 1)

    def _made(self, first: int) -> tuple[Ints, Floats, Floats, Floats, Floats, Ints, Ints]:
        origin, mine = self.origin, self._columns
        close = _means(origin, first)
        if first:
            start = (mine.open.item(first - 1) + mine.close.item(first - 1)) / 2
        else:
            start = (origin.open.item(0) + origin.close.item(0)) / 2 if len(origin) else 0.0
        halves = accumulate(close[:-1].tolist(), lambda opened, closed: (opened + closed) / 2, initial=start)
        opens = np.fromiter(halves, np.float64, max(1, close.size))[: close.size]
        high = np.maximum(origin.high[first:], np.maximum(opens, close))
        low = np.minimum(origin.low[first:], np.minimum(opens, close))
        return origin.start_s[first:], opens, high, low, close, origin.volume[first:], origin.oi[first:]


def _means(bars: BarSeries, first: int) -> Floats:
    return (bars.open[first:] + bars.high[first:] + bars.low[first:] + bars.close[first:]) / 4


class HeikinSource(CandleSource):
    """Draws Heikin-Ashi candles; indicators stay those of the true bars, and so does the last price."""

    def __init__(self, origin: BarSeries) -> None:
        super().__init__(HeikinBars(origin))
        self._origin = origin
        self.studied = origin

    def last_price(self) -> float | None:
        return float(self._origin.close[-1]) if len(self._origin) else None
