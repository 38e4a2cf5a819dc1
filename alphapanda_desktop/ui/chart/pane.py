"""Where bars and prices stand on the screen, in whole pixels: the one place that turns one into the other."""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF

ScaleKind = Literal["linear", "log", "percent"]

LEAST_HEIGHT: Final = 1e-9


class Pane:
    """A rectangle of the chart: rows `x0` to `x1` across, prices `low` to `high` upwards.

    It speaks pyqtgraph's words where others ask it (`viewRange`, `mapViewToScene`); the scene is the widget's pixels.
    """

    def __init__(self) -> None:
        self.place = QRect(0, 0, 1, 1)
        self.shown = True
        self.x0, self.x1 = -0.5, 119.5
        self.low, self.high = 0.0, 1.0
        self.log = False

    def set_prices(self, low: float, high: float, *, log: bool = False) -> bool:
        """Show these prices, evenly or by their logarithm; whether anything moved."""
        log = log and low > 0
        if (low, high, log) == (self.low, self.high, self.log) or not high - low > LEAST_HEIGHT:
            return False
        self.low, self.high, self.log = low, high, log
        return True

    @property
    def bar_px(self) -> float:
        """Pixels from one row to the next."""
        return self.place.width() / (self.x1 - self.x0)

    def px(self, row: Any) -> Any:
        """Pixel from the left of a row or of many."""
        return (row - self.x0) * self.bar_px + self.place.left()

    def py(self, price: Any) -> Any:
        """Pixel from the top of a price or of many."""
        if self.log:
            # numpy's logarithm for one as for many: the last bit must be the same.
            top, bottom, at = math.log10(self.high), math.log10(self.low), np.log10(np.maximum(price, 1e-12))
        else:
            top, bottom, at = self.high, self.low, price
        return (top - at) * (self.place.height() / (top - bottom)) + self.place.top()

    def row_at(self, px: float) -> float:
        """Place in bar numbers of a pixel."""
        return self.x0 + (px - self.place.left()) / self.bar_px

    def price_at(self, py: float) -> float:
        """Price of a pixel."""
        share = (py - self.place.top()) / max(1, self.place.height())
        if self.log:
            return float(self.high * (self.low / self.high) ** share)
        return self.high + (self.low - self.high) * share

    # --- pyqtgraph's words

    def width(self) -> float:
        return float(self.place.width())

    def height(self) -> float:
        return float(self.place.height())

    def isVisible(self) -> bool:
        return self.shown

    def sceneBoundingRect(self) -> QRectF:
        return QRectF(self.place)

    def viewRange(self) -> list[list[float]]:
        return [[self.x0, self.x1], [self.low, self.high]]

    def mapViewToScene(self, place: QPointF) -> QPointF:
        return QPointF(self.px(place.x()), float(self.py(place.y())))

    def mapSceneToView(self, at: QPointF) -> QPointF:
        return QPointF(self.row_at(at.x()), self.price_at(at.y()))
