"""Which prices a pane shows: those that fit what is visible, or those that the hand chose; even or logarithmic."""

from __future__ import annotations

import math
from typing import Final

from alphapanda_desktop.ui.chart.pane import Pane, ScaleKind

AIR: Final = 0.06
"""Share of the price range that stays free below."""

LEGEND_PX: Final = 44.0
"""Room above the highest price for two lines of words in the corner."""

MOST_HEAD: Final = 0.3
"""Share of the pane that the words may take when there are more of them."""

LEAST_TICKS: Final = 10
"""So many steps are shown at least, lest a still price fills the pane."""


class PriceScale:
    """`auto` while it fits itself; stretching or shifting makes it the hand's."""

    def __init__(self, pane: Pane) -> None:
        self.kind: ScaleKind = "linear"
        self.auto = True
        self.finest = 0.01
        self.head_px = LEGEND_PX
        """Room for the words in the corner, above the highest price."""
        self._pane = pane

    def fit(self, low: float, high: float) -> bool:
        """Show what lies between these, with air, if it is automatic; whether the pane's prices moved."""
        pane, log = self._pane, self.kind == "log" and low > 0
        if not self.auto:
            return pane.set_prices(pane.low, pane.high, log=self.kind == "log")
        least = LEAST_TICKS * self.finest
        finest = self.finest
        if log:
            least, finest = math.log10(1 + least / low), math.log10(1 + self.finest / low)
            low, high = math.log10(low), math.log10(high)
        spare = max(least - (high - low), 0.0) / 2
        air = max((high - low) * AIR, finest)
        head_px = min(self.head_px, max(LEGEND_PX, MOST_HEAD * pane.height()))
        above = max(air, (high - low + 2 * spare + air) * head_px / max(pane.height() - head_px, 1.0))
        low, high = low - spare - air, high + spare + above
        return pane.set_prices(*((10.0**low, 10.0**high) if log else (low, high)), log=log)

    def stretch(self, dy: float) -> None:
        """Pull the scale by so many pixels: downwards shows more prices."""
        self._set(1.5 ** (dy / 100.0), 0.0)

    def shift(self, dy: float) -> None:
        """Push the prices down by so many pixels."""
        self._set(1.0, dy / max(1.0, self._pane.height()))

    def _set(self, factor: float, share: float) -> None:
        pane, self.auto = self._pane, False
        low, high = (math.log10(pane.low), math.log10(pane.high)) if pane.log else (pane.low, pane.high)
        middle, half = (low + high) / 2 + share * (high - low), (high - low) / 2 * factor
        if not pane.log:
            half = min(max(half, self.finest), 1e12)
            pane.set_prices(middle - half, middle + half)
        elif abs(middle) + half < 12 and half > 1e-6:
            pane.set_prices(10.0 ** (middle - half), 10.0 ** (middle + half), log=True)
