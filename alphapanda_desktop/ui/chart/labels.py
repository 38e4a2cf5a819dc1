"""Texts of one font, shaped once each: the digits of an axis come back with every frame."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QStaticText, QTransform

KEPT: Final = 1_000
"""Texts kept; then all are let go, which is rare and costs a frame some microseconds a word."""


class Labels:
    """Draws texts at whole pixels and knows their widths. Set pen and font (`begin`) before."""

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.metrics = QFontMetricsF(font)
        self.height = math.ceil(self.metrics.height())
        self._kept: dict[str, tuple[QStaticText, float]] = {}

    def begin(self, painter: QPainter) -> None:
        """Draw in this font from now on."""
        painter.setFont(self.font)

    def width(self, text: str) -> float:
        """Pixels that the text advances."""
        return self._of(text)[1]

    def draw(self, painter: QPainter, x: float, top: float, text: str) -> None:
        """Put a text's upper left corner here."""
        painter.drawStaticText(QPointF(round(x), round(top)), self._of(text)[0])

    def _of(self, text: str) -> tuple[QStaticText, float]:
        found = self._kept.get(text)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            shaped = QStaticText(text)
            shaped.setTextFormat(Qt.TextFormat.PlainText)
            shaped.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
            shaped.prepare(QTransform(), self.font)
            found = self._kept[text] = (shaped, self.metrics.horizontalAdvance(text))
        return found
