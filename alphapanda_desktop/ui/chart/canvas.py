"""The surface that a chart is painted on: says what mouse and wheel want, in pixels, and lets a thrown chart glide.

pyqtgraph's view without pyqtgraph's mouse: its scene asks every item for every move. What is painted lies on a sheet
(`sheet.py`) below the scene's items and over them (`overlay.py`).
"""

from __future__ import annotations

import math
from typing import Any, Final, Literal

import pyqtgraph as pg
from PySide6.QtCore import QElapsedTimer, QEvent, QObject, QPoint, QPointF, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QGraphicsView, QWidget

WHEEL: Final = 0.85
"""Share of the bars that one notch of the wheel leaves."""

NOTCH: Final = 120.0

Zone = Literal["panes", "price axis", "volume axis", "time axis"]

FRAME_MS: Final = 16
MEMORY_MS: Final = 90
"""A throw is as fast as the mouse was in this time before it let go."""

LEAST_THROW: Final = 0.25
"""Slower than this, in pixels a millisecond, a chart stays where it was let go."""

REST: Final = 0.03
HALVES_IN_MS: Final = 160.0


class Glide(QObject):
    """Carries a movement on after the hand has let go, ever slower. Signal: `moved(px)`."""

    moved = Signal(float)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._speed = 0.0
        self._trail: list[tuple[int, float]] = []
        self._clock = QElapsedTimer()
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(lambda: self.step(float(self._clock.restart())))

    @property
    def active(self) -> bool:
        return self._timer.isActive()

    def note(self, at_ms: int, x: float) -> None:
        """The hand was here."""
        self._trail = [one for one in self._trail if at_ms - one[0] <= MEMORY_MS] + [(at_ms, x)]

    def throw(self, at_ms: int) -> None:
        """The hand let go: go on if it was fast."""
        trail, self._trail = [one for one in self._trail if at_ms - one[0] <= MEMORY_MS], []
        took = trail[-1][0] - trail[0][0] if trail else 0
        self._speed = (trail[-1][1] - trail[0][1]) / took if took > 0 else 0.0
        if abs(self._speed) >= LEAST_THROW:
            self._clock.start()
            self._timer.start()

    def step(self, ms: float) -> None:
        """Move as far as in so many milliseconds, and slow down."""
        left = 0.5 ** (ms / HALVES_IN_MS)
        far = self._speed * (1 - left) * HALVES_IN_MS / math.log(2)
        self._speed *= left
        if abs(self._speed) < REST:
            self.stop()
        self.moved.emit(far)

    def stop(self) -> None:
        self._timer.stop()
        self._trail = []


class Canvas(pg.GraphicsView):
    """Signals: `dragged(zone, dx, dy)`, `wheeled(factor, at)`, `double_clicked(zone)`, `pointed(at)`, `left()`."""

    dragged = Signal(str, float, float)
    wheeled = Signal(float, QPoint)
    double_clicked = Signal(str)
    pointed = Signal(QPoint)
    left = Signal()

    def __init__(self, background: str, parent: QWidget | None = None) -> None:
        super().__init__(parent, background=background)
        self.glide = Glide(self)
        self.glide.moved.connect(lambda px: self.dragged.emit("panes", px, 0.0))
        self._held_at: QPointF | None = None
        self._zone: Zone = "panes"
        self.setMouseTracking(True)
        self.setCacheMode(QGraphicsView.CacheModeFlag.CacheNone)
        self.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.NoViewportUpdate)
        self.viewport().setCursor(Qt.CursorShape.CrossCursor)
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def zone_at(self, at: QPointF) -> Zone:
        """What lies under a pixel."""
        return "panes"

    # The scene is the widget's pixels, whatever pyqtgraph makes of its range.

    def mapToScene(self, *at: Any) -> QPointF:
        return QPointF(*at) if len(at) == 2 else QPointF(at[0])

    def mapFromScene(self, *at: Any) -> QPoint:
        return self.mapToScene(*at).toPoint()

    # --- the mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.glide.stop()
        if event.button() in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            self._held_at, self._zone = event.position(), self.zone_at(event.position())
            self.glide.note(event.timestamp(), event.position().x())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if self._held_at is not None:
            moved, self._held_at = at - self._held_at, at
            self.glide.note(event.timestamp(), at.x())
            self.dragged.emit(self._zone, moved.x(), moved.y())
        self.pointed.emit(QPoint(math.floor(at.x()), math.floor(at.y())))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if self._held_at is not None and self._zone == "panes":
            self.glide.throw(event.timestamp())
        self._held_at = None
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
        self.double_clicked.emit(self.zone_at(event.position()))

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.glide.stop()
        turned = event.angleDelta()
        if turned.x():
            self.dragged.emit("panes", turned.x() / 2, 0.0)
        if turned.y():
            self.wheeled.emit(WHEEL ** (turned.y() / NOTCH), event.position().toPoint())
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        event.ignore()  # keys are the chart's, not the scroll area's
