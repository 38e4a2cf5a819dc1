"""A striped frame about the whole window, so that a recorded day cannot be mistaken for one that is traded."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygon
from PySide6.QtWidgets import QMainWindow, QWidget

from alphapanda_desktop.ui.edge import Edge

WIDE_PX: Final = 5
STRIPE_PX: Final = 12


class _Side(QWidget):
    """One side of the frame; the mouse goes through it."""

    def __init__(self, one: QColor, other: QColor, window: QWidget) -> None:
        super().__init__(window)
        self._one, self._other = one, other
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._other)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._one)
        across, down = self.width(), self.height()
        for at in range(-down, across + down, 2 * STRIPE_PX):
            corners = (at, down), (at + STRIPE_PX, down), (at + STRIPE_PX + down, 0), (at + down, 0)
            painter.drawPolygon(QPolygon([QPoint(*corner) for corner in corners]))
        painter.end()


class StripedFrame(QObject):
    """Four sides that stay at the window's edges; what is in the window keeps clear of them."""

    def __init__(self, window: QMainWindow, edge: Edge) -> None:
        super().__init__(window)
        self._window = window
        colours = edge.theme.colour("replay"), edge.theme.colour("window")
        self.sides = [_Side(*colours, window) for _ in range(4)]
        window.setContentsMargins(WIDE_PX, WIDE_PX, WIDE_PX, WIDE_PX)
        window.installEventFilter(self)
        self._place()
        for side in self.sides:
            side.show()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Resize:
            self._place()
        return False

    def _place(self) -> None:
        across, down = self._window.width(), self._window.height()
        places = (
            QRect(0, 0, across, WIDE_PX),
            QRect(0, down - WIDE_PX, across, WIDE_PX),
            QRect(0, 0, WIDE_PX, down),
            QRect(across - WIDE_PX, 0, WIDE_PX, down),
        )
        for side, place in zip(self.sides, places, strict=True):
            side.setGeometry(place)
            side.raise_()
