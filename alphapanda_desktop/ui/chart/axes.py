"""The scales beside and below the panes, with the labels that ride on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen
from PySide6.QtWidgets import QGraphicsItem

from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.items import Floats, Look
from alphapanda_desktop.ui.chart.scales import LABEL_PX, TimeMark, price_marks
from alphapanda_desktop.ui.theme import Role, Theme, ui_font

AXIS_POINTS: Final = 8.5
PRICE_LABEL_PX: Final = 46.0
"""Distance of price labels from one another, about."""

AIR: Final = 6.0


class Tag(NamedTuple):
    """A label on an axis at a price or bar number; filled with its role's colour, or framed in it."""

    at: float
    text: str
    role: Role
    filled: bool = True


class Axis(pg.GraphicsWidget):
    """Base of the scales: marks from the pane beside it, tags on top of them. Its size never follows its text."""

    tag_align = Qt.AlignmentFlag.AlignCenter

    def __init__(self, pane: Any, look: Look) -> None:
        super().__init__()
        self.label_font: QFont = ui_font(AXIS_POINTS)
        self.metrics = QFontMetricsF(self.label_font)
        self._pane = pane
        self._look = look
        self._tags: dict[str, Tag] = {}
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)  # gives paint what is uncovered
        pane.sigRangeChanged.connect(self._moved)

    def _moved(self, *_: object) -> None:
        self.update()

    def set_tag(self, name: str, tag: Tag | None) -> None:
        """Put, move or (None) remove a label; those named later lie on top."""
        before = self._tags.get(name)
        if tag == before:
            return
        if tag is None:
            self._tags.pop(name, None)
        else:
            self._tags[name] = tag
        for changed in (before, tag):
            if changed is not None:
                self.update(self.place_of(changed).adjusted(-2, -2, 2, 2))

    def tag(self, name: str) -> Tag | None:
        """The label of that name, or None."""
        return self._tags.get(name)

    def place_of(self, tag: Tag) -> QRectF:
        """Where a label is painted, in the axis's own pixels."""
        return QRectF()

    def _paint_tags(self, painter: QPainter, theme: Theme) -> None:
        for tag in self._tags.values():
            place = self.place_of(tag)
            painter.setPen(QPen(theme.colour(tag.role), 1))
            painter.setBrush(theme.colour(tag.role if tag.filled else "panel"))
            painter.drawRect(place.adjusted(0.5, 0.5, -0.5, -0.5))
            painter.setPen(theme.colour("panel" if tag.filled else tag.role))
            painter.drawText(place.adjusted(AIR, 0, -AIR, 0), self.tag_align, tag.text)


class PriceAxis(Axis):
    """Prices right of a pane; wide enough for the prices of its instrument, and as wide while it is shown."""

    tag_align = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter

    def __init__(self, pane: Any, look: Look) -> None:
        super().__init__(pane, look)
        self.text_of: Callable[[float], str] = formats.price
        self.finest = 0.01
        self.count_limit = 99
        self.has_prices = False
        """Without a price there is no scale: an empty chart shows no numbers."""

    def set_widest(self, text: str) -> None:
        """Make room for this text."""
        self.setFixedWidth(math.ceil(self.metrics.horizontalAdvance(text) + 2 * AIR + 4))

    def marks(self) -> Floats:
        """Prices that are marked in the pane now."""
        if not self.has_prices:
            return np.empty(0)
        low, high = self._pane.viewRange()[1]
        count = max(1, min(self.count_limit, int(self.size().height() / PRICE_LABEL_PX)))
        return price_marks(low, high, count, self.finest)

    def y_of(self, price: float) -> float:
        """Pixel of a price."""
        low, high = self._pane.viewRange()[1]
        return float((high - price) * self.size().height() / (high - low))

    def place_of(self, tag: Tag) -> QRectF:
        height, whole = self.metrics.height() + 4, self.size().height()
        top = min(max(round(self.y_of(tag.at) - height / 2), 0), max(0, whole - height))
        return QRectF(0, top, self.size().width(), height)

    def paint(self, painter: QPainter, option: Any, _widget: Any = None) -> None:
        theme, size, uncovered = self._look(), self.size(), option.exposedRect
        painter.setFont(self.label_font)
        painter.setPen(QPen(theme.colour("border"), 1))
        painter.drawLine(QPointF(0.5, 0), QPointF(0.5, size.height()))
        painter.setPen(theme.colour("muted"))
        half = self.metrics.height() / 2
        for mark in self.marks().tolist():
            y = self.y_of(mark)
            if half <= y <= size.height() - half and uncovered.top() - half <= y <= uncovered.bottom() + half:
                room = QRectF(AIR, y - half, size.width() - 2 * AIR, 2 * half)
                painter.drawText(room, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, self.text_of(mark))
        self._paint_tags(painter, theme)


class TimeAxis(Axis):
    """India's time below the panes; where a day begins its date stands instead."""

    def __init__(self, pane: Any, look: Look, marks: Callable[[], list[TimeMark]]) -> None:
        super().__init__(pane, look)
        self.marks = marks
        self.setFixedHeight(math.ceil(self.metrics.height() + 8))
        self._bold = ui_font(AXIS_POINTS, bold=True)

    def x_of(self, row: float) -> float:
        """Pixel of a bar number."""
        x0, x1 = self._pane.viewRange()[0]
        return float((row - x0) * self.size().width() / (x1 - x0))

    def place_of(self, tag: Tag) -> QRectF:
        width = self.metrics.horizontalAdvance(tag.text) + 2 * AIR
        left = min(max(round(self.x_of(tag.at) - width / 2), 0), max(0, self.size().width() - width))
        return QRectF(left, 1, width, self.size().height() - 2)

    def paint(self, painter: QPainter, option: Any, _widget: Any = None) -> None:
        theme, size, uncovered = self._look(), self.size(), option.exposedRect
        painter.setPen(QPen(theme.colour("border"), 1))
        painter.drawLine(QPointF(0, 0.5), QPointF(size.width(), 0.5))
        for mark in self.marks():
            room = QRectF(self.x_of(mark.x) - LABEL_PX / 2, 1, LABEL_PX, size.height() - 1)
            if room.left() >= 0 and room.right() <= size.width() and room.intersects(uncovered):
                painter.setFont(self._bold if mark.major else self.label_font)
                painter.setPen(theme.colour("text" if mark.major else "muted"))
                painter.drawText(room, Qt.AlignmentFlag.AlignCenter, mark.text)
        painter.setFont(self.label_font)
        self._paint_tags(painter, theme)
