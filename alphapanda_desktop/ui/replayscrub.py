"""The recorded day as a strip: one instrument's price and volume, and where it is now. Press it to go anywhere.

What has no volume shows how busy the whole market was.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from alphapanda_desktop.domain.replay import Outline
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import ist_time
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.words import say

SECOND: Final = 1_000_000_000
MINUTE: Final = 60 * SECOND
HIGH_PX: Final = 44
MARGIN_PX: Final = 4
USUAL_PCT: Final = 98
FAINT: Final = 110
TO_COME: Final = 90
"""How visible of 255 the part is that has not been played."""


class Scrubber(QWidget):
    """Shows an outline and a position between its ends. Signal: `wanted(at_ns)` when a person points somewhere.

    Left and Right go by a minute, Page Up and Page Down by half an hour, Home to the beginning.
    """

    wanted = Signal(object)

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._span = (0, 1)
        self._at_ns = 0
        self._pointed: float | None = None
        self._outline: Outline | None = None
        self._picture: QPixmap | None = None
        self.setObjectName("replay_scrubber")
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HIGH_PX)
        edge.theme.follow(self._forget_picture)

    def _forget_picture(self) -> None:
        self._picture = None
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(600, HIGH_PX)

    def show_day(self, outline: Outline, begin_ns: int, end_ns: int) -> None:
        """Draw another outline of the same day."""
        self._outline, self._span, self._picture = outline, (begin_ns, max(end_ns, begin_ns + 1)), None
        self.update()

    def show_position(self, at_ns: int) -> None:
        """Move the line that says where the day is; nothing is drawn for less than a pixel."""
        before, self._at_ns = self._x_of(self._at_ns), at_ns
        after = self._x_of(at_ns)
        if round(before) != round(after):
            left, right = sorted((before, after))
            self.update(int(left) - 3, 0, int(right - left) + 7, self.height())
            self.setAccessibleName(say(f"Position in the recorded day: {ist_time(at_ns / SECOND)}"))

    # -- where things are --------------------------------------------------------------------------------------------

    def _x_of(self, at_ns: float) -> float:
        begin, end = self._span
        part = min(max((at_ns - begin) / (end - begin), 0.0), 1.0)
        return MARGIN_PX + part * max(self.width() - 2 * MARGIN_PX, 1)

    def _at(self, x: float) -> int:
        begin, end = self._span
        part = (x - MARGIN_PX) / max(self.width() - 2 * MARGIN_PX, 1)
        return int(begin + min(max(part, 0.0), 1.0) * (end - begin))

    # -- what a person does ------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointed = event.position().x()
        QToolTip.showText(event.globalPosition().toPoint(), as_tip(ist_time(self._at(self._pointed) / SECOND)), self)
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.wanted.emit(self._at(event.position().x()))

    def leaveEvent(self, _event: object) -> None:
        self._pointed = None
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that this does not know are the window's."""
        key = Qt.Key
        steps = {key.Key_Left: -1, key.Key_Right: 1, key.Key_PageUp: 30, key.Key_PageDown: -30}
        if event.key() in steps:
            self.wanted.emit(self._at_ns + steps[Qt.Key(event.key())] * MINUTE)
        elif event.key() == key.Key_Home:
            self.wanted.emit(self._span[0])
        else:
            super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()

    # -- drawing -----------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._picture = None

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme, painter = self._edge.theme, QPainter(self)
        if self._picture is None:
            self._picture = self._drawn()
        painter.drawPixmap(0, 0, self._picture)
        now = self._x_of(self._at_ns)
        ahead = QColor(theme.panel)
        ahead.setAlpha(255 - TO_COME)
        painter.fillRect(QRectF(now, 1, self.width() - now - 1, self.height() - 2), ahead)
        painter.fillRect(QRectF(now - 1, 0, 2, self.height()), theme.colour("replay"))
        if self._pointed is not None:
            painter.setPen(QPen(theme.colour("text"), 1, Qt.PenStyle.DotLine))
            painter.drawLine(QPointF(self._pointed, 0), QPointF(self._pointed, self.height()))
        painter.setPen(theme.colour("accent" if self.hasFocus() else "border"))
        painter.drawRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1))
        painter.end()

    def _drawn(self) -> QPixmap:
        """The outline, once for each size."""
        scale = self.devicePixelRatioF()
        picture = QPixmap(self.size() * scale)
        picture.setDevicePixelRatio(scale)
        picture.fill(self._edge.theme.colour("panel"))
        painter = QPainter(picture)
        if self._outline is not None and len(self._outline.ticks):
            self._draw_bulk(painter, self._outline)
            self._draw_price(painter, self._outline)
        painter.end()
        return picture

    def _draw_bulk(self, painter: QPainter, outline: Outline) -> None:
        bulk = outline.volume if outline.volume.any() else outline.ticks
        # Of the busiest minutes, which are the first and the last, the tops are cut off: the rest would be flat.
        highest = max(float(np.percentile(bulk, USUAL_PCT)), 1.0)
        room = self.height() * 0.45
        colour = QColor(self._edge.theme.muted)
        colour.setAlpha(FAINT)
        for number, count in enumerate(bulk.tolist()):
            left = self._x_of(outline.begin_ns + number * outline.piece_ns)
            right = self._x_of(outline.begin_ns + (number + 1) * outline.piece_ns)
            high = room * min(count / highest, 1.0)
            painter.fillRect(QRectF(left, self.height() - high, max(right - left, 1.0), high), colour)

    def _draw_price(self, painter: QPainter, outline: Outline) -> None:
        known = np.flatnonzero(~np.isnan(outline.price))
        if len(known) < 2:
            return
        prices = outline.price[known]
        low, span = float(prices.min()), float(np.ptp(prices)) or 1.0
        room = self.height() - 2 * MARGIN_PX
        points = [
            QPointF(
                self._x_of(outline.begin_ns + (int(number) + 0.5) * outline.piece_ns),
                MARGIN_PX + room * (1 - (float(price) - low) / span),
            )
            for number, price in zip(known, prices, strict=True)
        ]
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._edge.theme.colour("accent"), 1.2))
        painter.drawPolyline(QPolygonF(points))
