"""How much was traded at which price among the closed bars in sight, as bars from the right edge.

A bar's volume is spread evenly between its low and high: Kite's candles tell no more. The forming bar joins once it has
closed, so a tick moves nothing here.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from alphapanda_desktop.domain.pyramid import Ints
from alphapanda_desktop.ui.chart.items import Floats, Item, sunk
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.series import CandleSource, join_factor
from alphapanda_desktop.ui.theme import Theme

STEP_PX: Final = 5
MOST_BARS: Final = 20_000
"""Counted one by one in milliseconds; a hundred thousand would hold up the window."""

SHARE: Final = 0.25
"""Of the pane's width, for the price at which most was traded."""


def spread(low: Floats, high: Floats, volume: Floats, edges: Floats) -> Floats:
    """Volume between each two neighbouring edges, which rise; a bar of one price counts where it lies.

    What lies under an edge is summed by counting, so that a hundred thousand bars cost milliseconds.
    """
    low, high, edges = low - edges[0], high - edges[0], edges - edges[0]
    wide = high > low
    dense = np.where(wide, volume / np.where(wide, high - low, 1.0), 0.0)
    begun, ended = np.searchsorted(edges, low, "left"), np.searchsorted(edges, high, "left")
    rising = edges * _under(begun, dense, edges) - _under(begun, dense * low, edges)
    rising -= edges * _under(ended, dense, edges) - _under(ended, dense * high, edges)
    below: Floats = rising + _under(np.searchsorted(edges, low, "right"), np.where(wide, 0.0, volume), edges)
    return np.maximum(np.diff(below), 0.0)


def _under(places: Ints, amounts: Floats, edges: Floats) -> Floats:
    """At each edge, the sum of what has its place at it or under it."""
    found: Floats = np.cumsum(np.bincount(places, amounts, edges.size + 1), dtype=np.float64)[:-1]
    return found


class ProfileItem(Item):
    """Painted behind the candles while `shown`."""

    def __init__(self) -> None:
        self.shown = False
        self.source: CandleSource | None = None
        self._made_for: tuple[object, ...] = ()
        self._sums: Floats = np.empty(0)

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        if not self.shown or self.source is None:
            return
        sums = self.sums(self.source, pane)
        most = float(sums.max()) if sums.size else 0.0
        if most <= 0:
            return
        place = pane.place
        right, wide = place.left() + place.width(), place.width() * SHARE
        faint, strong = sunk(theme, "muted", 0.22), sunk(theme, "accent", 0.4)
        for number, (length, volume) in enumerate(zip((sums / most * wide).astype(int).tolist(), sums, strict=True)):
            top = place.top() + place.height() - (number + 1) * STEP_PX
            colour = strong if volume == most else faint
            painter.fillRect(right - length, top, length, STEP_PX - 1, colour)

    def sums(self, source: CandleSource, pane: Pane) -> Floats:
        """Volume of each step of `STEP_PX`, from the bottom of the pane."""
        made_for = (source, source.history_version, source.end, pane.x0, pane.x1, pane.low, pane.high, pane.log,
                    pane.height(), pane.width())  # fmt: skip
        if made_for != self._made_for:
            self._made_for, self._sums = made_for, _sums(source, pane)
        return self._sums


def _sums(source: CandleSource, pane: Pane) -> Floats:
    """Of the bars themselves, also where many are drawn as one; of joined ones only where they are past counting."""
    bars = source.series
    first = max(0, math.ceil(pane.x0 - 0.5))
    end = max(first, min(math.floor(pane.x1 + 0.5) + 1, bars.closed_count))
    floor, steps = pane.place.top() + pane.place.height(), pane.place.height() // STEP_PX
    edges = np.array([pane.price_at(floor - number * STEP_PX) for number in range(steps + 1)])
    factor = join_factor(end - first, MOST_BARS, at_least_px=1.0)
    rows = bars.pyramid.joined(first // factor * factor, end, factor)
    return spread(rows.low, rows.high, rows.volume.astype(np.float64), edges)
