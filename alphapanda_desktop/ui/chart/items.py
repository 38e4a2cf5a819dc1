"""What is painted inside a pane: grid, candles, volume, tick line, trade markers, last price.

Each item turns what is visible into pixels once per change and only replays that when Qt uncovers a part of it,
as the crosshair does with every move of the mouse.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np
import pyqtgraph as pg
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QGraphicsItem

from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.ui.chart.series import MIN_CANDLE_PX, Candles, CandleSource, Source, TickSource
from alphapanda_desktop.ui.chart.strokes import Lines, Rects
from alphapanda_desktop.ui.theme import Role, Theme

Floats = NDArray[np.float64]
Look = Callable[[], Theme]
"""Gives the colours there are now."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A trade on the chart: when, at what price in rupees, which side, and the words of its tooltip."""

    at_s: float
    price: float
    side: Side
    text: str = ""


class Frame(NamedTuple):
    """The stretch of bar numbers and prices that a pane shows, and its size in pixels."""

    x0: float
    x1: float
    y0: float
    y1: float
    width: float
    height: float

    @property
    def bar_px(self) -> float:
        return self.width / (self.x1 - self.x0)

    def px(self, x: Any) -> Any:
        return (x - self.x0) * (self.width / (self.x1 - self.x0))

    def py(self, y: Any) -> Any:
        return (self.y1 - y) * (self.height / (self.y1 - self.y0))


class PaneItem(pg.GraphicsObject):
    """Base of what fills a pane: laid out anew when data or view changed, painted in pixels.

    Subclasses give `lay_out(frame)` and `draw(painter, theme)`. `layouts` counts how often the data was gone through.
    """

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.layouts = 0
        self._look = look
        self._laid_out_for: Frame | None = None
        self.setFlag(QGraphicsItem.GraphicsItemFlag.ItemUsesExtendedStyleOption)

    def changed(self) -> None:
        """Something to be drawn is different: lay out and paint with the next frame."""
        self._laid_out_for = None
        self.update()

    def changed_at(self, x: float) -> None:
        """Only what stands at this place is different."""
        self._laid_out_for = None
        y0, y1 = self.getViewBox().viewRange()[1]
        self.update(QRectF(x - 1.5, y0, 3.0, y1 - y0))

    def boundingRect(self) -> QRectF:
        (x0, x1), (y0, y1) = self.getViewBox().viewRange()
        return QRectF(x0, y0, x1 - x0, y1 - y0)

    def viewTransformChanged(self) -> None:
        self.prepareGeometryChange()

    def paint(self, painter: QPainter, _option: Any, _widget: Any = None) -> None:
        view = self.boundingRect()
        on_device = painter.transform().mapRect(view)
        frame = Frame(view.left(), view.right(), view.top(), view.bottom(), on_device.width(), on_device.height())
        if frame != self._laid_out_for:
            self.lay_out(frame)
            self.layouts += 1
            self._laid_out_for = frame
        painter.resetTransform()
        painter.translate(round(on_device.left()), round(on_device.top()))
        self.draw(painter, self._look())

    def lay_out(self, frame: Frame) -> None:
        """Turn what is visible into pixels."""

    def draw(self, painter: QPainter, theme: Theme) -> None:
        """Paint what was laid out; (0, 0) is the pane's top left corner."""


class GridItem(PaneItem):
    """Faint lines at the marks of the axes; `topped` draws the pane's upper edge."""

    def __init__(
        self, look: Look, marks: Callable[[Frame], tuple[Floats, Floats, Floats]], *, topped: bool = False
    ) -> None:
        super().__init__(look)
        self._topped = topped
        self._marks = marks
        self._faint, self._strong = Lines(), Lines()
        self.setZValue(-10)

    def lay_out(self, frame: Frame) -> None:
        minor, major, prices = self._marks(frame)
        x, y = np.floor(frame.px(minor)) + 0.5, np.floor(frame.py(prices)) + 0.5
        across, down = np.zeros_like(y), np.zeros_like(x)
        self._faint.set(
            np.concatenate((x, across)),
            np.concatenate((down, y)),
            np.concatenate((x, across + frame.width)),
            np.concatenate((down + frame.height, y)),
        )
        x = np.floor(frame.px(major)) + 0.5
        edge = np.full(int(self._topped), 0.5)
        self._strong.set(
            np.concatenate((x, edge - 0.5)),
            np.concatenate((np.zeros_like(x), edge)),
            np.concatenate((x, edge + frame.width)),
            np.concatenate((np.full_like(x, frame.height), edge)),
        )

    def draw(self, painter: QPainter, theme: Theme) -> None:
        painter.setPen(QPen(theme.colour("grid"), 1))
        self._faint.paint(painter)
        painter.setPen(QPen(theme.colour("border"), 1))
        self._strong.paint(painter)


class CandleItem(PaneItem):
    """Candles: up and down in their colours, bodies only where they have room."""

    def __init__(self, source: CandleSource, look: Look) -> None:
        super().__init__(look)
        self._source = source
        self._wicks = (Lines(), Lines())
        self._bodies = (Rects(), Rects())
        self._drawn: Candles | None = None

    def drawn(self) -> Candles | None:
        """What was last laid out, joined where bars were too narrow."""
        return self._drawn

    def lay_out(self, frame: Frame) -> None:
        drawn = self._drawn = self._source.candles(frame.x0, frame.x1, frame.width)
        middle = np.floor(frame.px(drawn.x)) + 0.5
        width = body_width(frame.bar_px * drawn.width)
        rises = drawn.close >= drawn.open
        for falls, wicks, bodies in zip((False, True), self._wicks, self._bodies, strict=True):
            rows = rises ^ falls
            self._set_wicks(wicks, frame, drawn, middle, rows)
            if frame.bar_px * drawn.width < MIN_CANDLE_PX:
                rows = np.zeros_like(rows)
            self._set_bodies(bodies, frame, drawn, middle, rows, width)

    def _set_wicks(self, wicks: Lines, frame: Frame, drawn: Candles, middle: Floats, rows: NDArray[np.bool_]) -> None:
        top, bottom = np.floor(frame.py(drawn.high[rows])), np.ceil(frame.py(drawn.low[rows]))
        wicks.set(middle[rows], top, middle[rows], np.maximum(bottom, top + 1))

    def _set_bodies(
        self, bodies: Rects, frame: Frame, drawn: Candles, middle: Floats, rows: NDArray[np.bool_], width: float
    ) -> None:
        one, other = frame.py(drawn.open[rows]), frame.py(drawn.close[rows])
        top = np.floor(np.minimum(one, other))
        height = np.maximum(np.ceil(np.maximum(one, other)) - top, 1.0)
        bodies.set(middle[rows] - width / 2, top, np.full_like(top, width), height)

    def draw(self, painter: QPainter, theme: Theme) -> None:
        roles: tuple[Role, Role] = ("up", "down")
        for role, wicks, bodies in zip(roles, self._wicks, self._bodies, strict=True):
            painter.setPen(QPen(theme.colour(role), 1))
            wicks.paint(painter)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(role))
            bodies.paint(painter)


def body_width(bar_px: float) -> float:
    """Width of a candle's body in whole, odd pixels, so that the wick is in its middle."""
    width = max(1.0, np.floor(bar_px * 0.7))
    return float(width if width % 2 else width - 1)


class VolumeItem(PaneItem):
    """Volume columns in the candles' colours, dimmed."""

    def __init__(self, source: CandleSource, look: Look) -> None:
        super().__init__(look)
        self._source = source
        self._columns = (Rects(), Rects())

    def lay_out(self, frame: Frame) -> None:
        drawn = self._source.candles(frame.x0, frame.x1, frame.width)
        rises = drawn.close >= drawn.open
        width = body_width(frame.bar_px * drawn.width)
        left = np.floor(frame.px(drawn.x)) + 0.5 - width / 2
        top = np.floor(frame.py(drawn.volume))
        for falls, columns in zip((False, True), self._columns, strict=True):
            rows = (rises ^ falls) & (drawn.volume > 0)
            columns.set(left[rows], top[rows], np.full_like(top[rows], width), np.maximum(frame.height - top[rows], 1))

    def draw(self, painter: QPainter, theme: Theme) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        roles: tuple[Role, Role] = ("up", "down")
        for role, columns in zip(roles, self._columns, strict=True):
            painter.setBrush(dimmed(theme.colour(role), theme.colour("panel")))
            columns.paint(painter)


def dimmed(colour: QColor, ground: QColor) -> QColor:
    """The colour half sunk into its ground; opaque, because translucent fills leave Qt's fast path."""
    return QColor(
        (colour.red() + ground.red()) // 2,
        (colour.green() + ground.green()) // 2,
        (colour.blue() + ground.blue()) // 2,
    )


class TickLineItem(PaneItem):
    """A line through every tick."""

    def __init__(self, source: TickSource, look: Look) -> None:
        super().__init__(look)
        self._source = source
        self._line = Lines()

    def lay_out(self, frame: Frame) -> None:
        line = self._source.line(frame.x0, frame.x1, frame.width)
        x, y = np.floor(frame.px(line.x)) + 0.5, np.floor(frame.py(line.y)) + 0.5
        # As steps: a price holds until the next tick, and straight lines are the fast ones.
        self._line.set(
            np.concatenate((x[:-1], x[1:])),
            np.concatenate((y[:-1], y[:-1])),
            np.concatenate((x[1:], x[1:])),
            np.concatenate((y[:-1], y[1:])),
        )

    def draw(self, painter: QPainter, theme: Theme) -> None:
        painter.setPen(QPen(theme.colour("accent"), 1))
        self._line.paint(painter)


class LastPriceItem(PaneItem):
    """A dashed line at the last price, in the colour that its label has."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.price: float | None = None
        self.role: Role = "muted"
        self._y = -10.0
        self._width = 0.0
        self.setZValue(5)

    def show_price(self, price: float | None, role: Role) -> None:
        """Move the line: only where it was and where it will be is painted."""
        if (price, role) == (self.price, self.role):
            return
        for place in (self.price, price):
            if place is not None:
                self._uncover(place)
        self.price, self.role = price, role
        self._laid_out_for = None

    def _uncover(self, price: float) -> None:
        (x0, x1), (y0, y1) = self.getViewBox().viewRange()
        pixel = (y1 - y0) / max(1.0, float(self.getViewBox().height()))
        self.update(QRectF(x0, price - 2 * pixel, x1 - x0, 4 * pixel))

    def lay_out(self, frame: Frame) -> None:
        self._y = -10.0 if self.price is None else float(np.floor(frame.py(self.price))) + 0.5
        self._width = frame.width

    def draw(self, painter: QPainter, theme: Theme) -> None:
        painter.setPen(QPen(theme.colour(self.role), 1, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(0, self._y), QPointF(self._width, self._y))


MARKER_PX: Final = 9.0


class MarkersItem(PaneItem):
    """Trades: a triangle that points up at a buy from below, down at a sell from above."""

    def __init__(self, look: Look) -> None:
        super().__init__(look)
        self.source: Source | None = None
        self.markers: tuple[Marker, ...] = ()
        self._places: list[tuple[float, float, Marker]] = []
        self.setZValue(10)

    def set_markers(self, markers: Sequence[Marker]) -> None:
        self.markers = tuple(markers)
        self.changed()

    def lay_out(self, frame: Frame) -> None:
        self._places = []
        for marker in self.markers:
            row = self.source.row_at(marker.at_s) if self.source is not None else None
            if row is not None and frame.x0 - 1 <= row <= frame.x1 + 1:
                self._places.append((float(np.floor(frame.px(row))) + 0.5, frame.py(marker.price), marker))

    def draw(self, painter: QPainter, theme: Theme) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("panel"), 1))
        for x, y, marker in self._places:
            painter.setBrush(theme.colour("buy" if marker.side == "BUY" else "sell"))
            painter.drawPath(_triangle(x, y, MARKER_PX if marker.side == "BUY" else -MARKER_PX))

    def at(self, x: float, y: float) -> Marker | None:
        """The marker under a pixel of the pane, or None."""
        for px, py, marker in reversed(self._places):
            middle = py + (MARKER_PX / 2 if marker.side == "BUY" else -MARKER_PX / 2)
            if abs(px - x) <= MARKER_PX * 0.8 and abs(middle - y) <= MARKER_PX * 0.8:
                return marker
        return None


def _triangle(x: float, y: float, height: float) -> QPainterPath:
    path = QPainterPath()
    half = MARKER_PX * 0.62
    path.addPolygon(QPolygonF([QPointF(x, y), QPointF(x + half, y + height), QPointF(x - half, y + height)]))
    path.closeSubpath()
    return path
