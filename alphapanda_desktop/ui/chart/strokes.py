"""Many lines and rectangles in one call to Qt, from numpy columns."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter

Floats = NDArray[np.float64]


class Lines:
    """Line segments in pixels that keep their memory from frame to frame."""

    def __init__(self) -> None:
        self._array: Any = PrimitiveArray(QLineF, 4, use_array=pointers_work())

    def set(self, x0: Any, y0: Any, x1: Any, y1: Any) -> None:
        """Take these ends, one line for each row."""
        _fill(self._array, x0, y0, x1, y1)

    def paint(self, painter: QPainter) -> None:
        if len(self._array):
            painter.drawLines(*self._array.drawargs())


class Rects:
    """Rectangles in pixels that keep their memory from frame to frame."""

    def __init__(self) -> None:
        self._array: Any = PrimitiveArray(QRectF, 4, use_array=pointers_work())

    def set(self, left: Any, top: Any, width: Any, height: Any) -> None:
        """Take these rectangles, one for each row."""
        _fill(self._array, left, top, width, height)

    def paint(self, painter: QPainter) -> None:
        if len(self._array):
            painter.drawRects(*self._array.drawargs())


def _fill(array: Any, *columns: NDArray[np.float64]) -> None:
    array.resize(columns[0].size)
    rows = array.ndarray()
    for k, column in enumerate(columns):
        rows[:, k] = column


def inside(box: QRect, x0: Floats, y0: Floats, x1: Floats, y1: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """The parts of these lines that are inside a rectangle; those that have none are left out.

    Qt cuts what reaches beyond the picture itself, where it ends for the part being painted: other pixels come of it.
    """
    left, top, right, bottom = box.left(), box.top(), box.left() + box.width(), box.top() + box.height()
    if not x0.size or (
        min(x0.min(), x1.min()) >= left
        and max(x0.max(), x1.max()) <= right
        and min(y0.min(), y1.min()) >= top
        and max(y0.max(), y1.max()) <= bottom
    ):
        return x0, y0, x1, y1
    dx, dy = x1 - x0, y1 - y0
    start, end, there = np.zeros_like(dx), np.ones_like(dx), np.ones(dx.shape, np.bool_)
    sides = ((-dx, x0 - left), (dx, right - x0), (-dy, y0 - top), (dy, bottom - y0))
    for towards, room in sides:
        share = np.divide(room, towards, out=np.zeros_like(dx), where=towards != 0)
        start = np.where(towards < 0, np.maximum(start, share), start)
        end = np.where(towards > 0, np.minimum(end, share), end)
        there &= (towards != 0) | (room >= 0)
    there &= start <= end
    x0, y0, dx, dy, start, end = (column[there] for column in (x0, y0, dx, dy, start, end))
    return x0 + start * dx, y0 + start * dy, x0 + end * dx, y0 + end * dy


@cache
def pointers_work() -> bool:
    """Whether this PySide6 draws from a bare pointer, which it does without saying so; a list is slower but sure."""
    image = QImage(4, 4, QImage.Format.Format_RGB32)
    image.fill(0)
    lines: Any = PrimitiveArray(QLineF, 4, use_array=True)
    _fill(lines, np.array([0.5, 0.5]), np.array([0.5, 2.5]), np.array([3.5, 3.5]), np.array([0.5, 2.5]))
    painter = QPainter(image)
    painter.setPen(QColor(Qt.GlobalColor.white))
    try:
        painter.drawLines(*lines.drawargs())
    except (TypeError, ValueError):
        return False
    finally:
        painter.end()
    return all(image.pixelColor(1, y) == QColor(Qt.GlobalColor.white) for y in (0, 2))
