"""Texts of one font at whole pixels: marks that come back with every frame are shaped once, passing words each time."""

from __future__ import annotations

import math
from typing import Final

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QStaticText, QTransform

KEPT: Final = 256
"""Texts kept; then all are let go, which is rare and costs a frame some microseconds a word."""


class Labels:
    """Draws texts and knows their widths. Set pen and font (`begin`) before.

    To shape a text for keeping costs as much as drawing it twenty times: `draw_mark` is for what stays.
    """

    def __init__(self, font: QFont) -> None:
        self.font = font
        self.metrics = QFontMetricsF(font)
        self.height = math.ceil(self.metrics.height())
        self._ascent = round(self.metrics.ascent())
        self._widths: dict[str, float] = {}
        self._shaped: dict[str, QStaticText] = {}

    def begin(self, painter: QPainter) -> None:
        """Draw in this font from now on."""
        painter.setFont(self.font)

    def width(self, text: str) -> float:
        """Pixels that the text advances."""
        found = self._widths.get(text)
        if found is None:
            if len(self._widths) >= KEPT:
                self._widths.clear()
            found = self._widths[text] = self.metrics.horizontalAdvance(text)
        return found

    def draw(self, painter: QPainter, x: float, top: int, text: str) -> None:
        """Put the upper left corner of a text that may not come again here."""
        painter.drawText(round(x), top + self._ascent, text)

    def draw_mark(self, painter: QPainter, x: float, top: int, text: str) -> None:
        """The same of a text that will be drawn again."""
        shaped = self._shaped.get(text)
        if shaped is None:
            if len(self._shaped) >= KEPT:
                self._shaped.clear()
            shaped = self._shaped[text] = QStaticText(text)
            shaped.setTextFormat(Qt.TextFormat.PlainText)
            shaped.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
            shaped.prepare(QTransform(), self.font)
        painter.drawStaticText(QPointF(round(x), top), shaped)
