"""How much was traded at which price among the closed bars in sight, as bars from the right edge.

A bar's volume is spread evenly between its low and high: Kite's candles tell no more. The forming bar joins once it has
closed, so a tick moves nothing here.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QRect
from PySide6.QtGui import QPainter

from alphapanda_desktop.ui.chart.items import Floats, Item, sunk
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.series import CandleSource
from alphapanda_desktop.ui.theme import Theme

STEP_PX: Final = 5
SHARE: Final = 0.25
"""Of the pane's width, for the price at which most was traded."""


def spread(low: Floats, high: Floats, volume: Floats, edges: Floats) -> Floats:
    """Volume between each two neighbouring edges, which rise; a bar of one price counts where it lies."""
    room = np.maximum(high - low, 1e-9)
    below = np.clip((edges[:, None] - low) / room, 0.0, 1.0) @ volume
    return np.diff(below)


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
    factor = source.factor(pane.x1 - pane.x0, pane.width())
    drawn = source.candles(pane.x0, pane.x1, factor)
    closed = drawn.x + (factor - 1) / 2 < source.series.closed_count - 0.25
    floor, steps = pane.place.top() + pane.place.height(), pane.place.height() // STEP_PX
    edges = np.array([pane.price_at(floor - number * STEP_PX) for number in range(steps + 1)])
    volume = drawn.volume[closed].astype(np.float64)
    return spread(drawn.low[closed], drawn.high[closed], volume, edges)
