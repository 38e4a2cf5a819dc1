"""The surface that panes lie on: says what mouse and wheel want, in pixels.

pyqtgraph's own mouse scene asks every item for every move; here the moves go straight to the plot.
"""

from __future__ import annotations

from typing import Final

import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

WHEEL: Final = 0.85
"""Share of the bars that one notch of the wheel leaves."""

NOTCH: Final = 120.0


class Canvas(pg.GraphicsView):
    """Signals: `dragged(px)` to the right, `wheeled(factor, at)`, `double_clicked()`, `pointed(at)`, `left()`."""

    dragged = Signal(float)
    wheeled = Signal(float, QPoint)
    double_clicked = Signal()
    pointed = Signal(QPoint)
    left = Signal()

    def __init__(self, background: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=background)
        self._held_at: QPointF | None = None
        self.setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.CrossCursor)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._held_at = event.position()
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held_at is not None:
            moved = event.position().x() - self._held_at.x()
            self._held_at = event.position()
            self.dragged.emit(moved)
        self.pointed.emit(event.position().toPoint())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held_at = None
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.double_clicked.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        turned = event.angleDelta()
        if turned.x():
            self.dragged.emit(turned.x() / 2)
        if turned.y():
            self.wheeled.emit(WHEEL ** (turned.y() / NOTCH), event.position().toPoint())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # keys are the chart's, not the scroll area's
