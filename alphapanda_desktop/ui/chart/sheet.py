"""The picture of the data, kept between frames: made when the view has come to rest, patched where one bar moves.

The screen is filled from it, so that a crosshair, a tooltip or another window passing by goes through no data. While
the view moves nothing is kept: each frame is painted straight onto the screen.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QRect, QSize
from PySide6.QtGui import QPainter, QPixmap

Paint = Callable[[QPainter, QRect], None]
"""Paints all that is inside a rectangle; the painter is clipped to it."""


class Sheet:
    """`made` and `patched` count how often all of the data, or a rectangle of it, was painted."""

    def __init__(self, paint: Paint) -> None:
        self.made = 0
        self.patched = 0
        self._paint = paint
        self._picture = QPixmap()
        self._stale = True
        self._moving = True
        self._patches: list[QRect] = []

    @property
    def moving(self) -> bool:
        """Whether nothing that is on the screen holds: all of it must be painted."""
        return self._moving

    def spoil(self) -> None:
        """Nothing on it holds any more."""
        self._stale = self._moving = True
        self._patches.clear()

    def paint_through(self, painter: QPainter, whole: QRect) -> None:
        """Paint all of the data onto the screen; the sheet stays as stale as it is."""
        painter.setClipRect(whole)
        self._paint(painter, whole)
        painter.setClipping(False)
        self.made += 1
        self._moving = False

    def spoil_part(self, place: QRect) -> None:
        """What it shows here holds no more."""
        if not self._stale and not place.isEmpty():
            self._patches.append(place)

    def picture(self, size: QSize, ratio: float) -> QPixmap:
        """The picture as it must be now; `ratio` is the screen's pixels for one of Qt's."""
        if self._picture.size() != size * ratio or self._picture.devicePixelRatio() != ratio:
            self._picture = QPixmap(size * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._stale = True
        whole = QRect(0, 0, size.width(), size.height())
        if self._stale:
            self.made += 1
            self._fill([whole])
        elif self._patches:
            self.patched += len(self._patches)
            self._fill([patch & whole for patch in self._patches])
        self._stale = self._moving = False
        self._patches.clear()
        return self._picture

    def _fill(self, places: list[QRect]) -> None:
        if self._picture.isNull():
            return
        painter = QPainter(self._picture)
        for place in places:
            painter.setClipRect(place)
            self._paint(painter, place)
        painter.end()
