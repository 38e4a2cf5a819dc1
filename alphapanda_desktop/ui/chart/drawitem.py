"""Drawings over the candles: where they stand on the screen, how they are painted, which one is under the mouse."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QRegion

from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.drawings import Anchor, Drawing, levels
from alphapanda_desktop.ui.chart.items import FAR_PX
from alphapanda_desktop.ui.chart.labels import Labels
from alphapanda_desktop.ui.chart.overlay import Over, Touch
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.series import CandleSource, Source
from alphapanda_desktop.ui.chart.strokes import Lines, inside
from alphapanda_desktop.ui.theme import Theme

GRAB_PX: Final = 6.0
HANDLE_PX: Final = 7
AIR: Final = 4
SHADE: Final = 28
"""How opaque the inside of a rectangle is, of 255."""


def row_of(source: Source, at_s: float) -> float:
    """Place in bar numbers of a time, also before the first and after the last bar."""
    step_s = _step_s(source)
    first_s, last_s = (float(source.times(row, row + 1)[0]) for row in (source.first, source.end - 1))
    if at_s > last_s:
        return source.end - 1 + (at_s - last_s) // step_s if step_s else source.end - 1
    if at_s < first_s:
        return source.first - (first_s - at_s) // step_s if step_s else source.first
    return source.row_at(at_s) or source.first


def time_of(source: Source, row: int) -> float:
    """Epoch second of a bar number, also of one that is not there yet."""
    held = min(max(row, source.first), source.end - 1)
    return float(source.times(held, held + 1)[0]) + (row - held) * _step_s(source)


def _step_s(source: Source) -> int:
    return int(source.series.interval.seconds) if isinstance(source, CandleSource) else 0


class DrawingsItem(Over):
    """All drawings of a chart; `rough` is the one being made, `chosen` the number of the one taken."""

    def __init__(self, touch: Touch, pane: Pane, labels: Labels) -> None:
        super().__init__(touch)
        self.source: Source | None = None
        self.drawings: tuple[Drawing, ...] = ()
        self.rough: Drawing | None = None
        self.chosen: int | None = None
        self.words_of: Callable[[float], str] = str
        self._pane = pane
        self._labels = labels
        self._lines = Lines()

    def show(self, drawings: Sequence[Drawing], rough: Drawing | None = None, chosen: int | None = None) -> None:
        """Draw these from now on."""
        if (tuple(drawings), rough, chosen) != (self.drawings, self.rough, self.chosen):
            self._touch_all()
            self.drawings, self.rough, self.chosen = tuple(drawings), rough, chosen
            self._touch_all()

    def places(self) -> Sequence[QRect]:
        there = self.source is not None and self.source.end > self.source.first
        return (self._pane.place,) if there and (self.drawings or self.rough is not None) else ()

    # --- places

    def anchor_at(self, x: float, y: float) -> Anchor:
        """Time and price of a pixel, on a bar."""
        assert self.source is not None
        return time_of(self.source, round(self._pane.row_at(x))), self._pane.price_at(y)

    def point_of(self, anchor: Anchor) -> QPointF:
        """Pixel of a time and price."""
        assert self.source is not None
        x = math.floor(self._pane.px(row_of(self.source, anchor[0]))) + 0.5
        y = math.floor(float(self._pane.py(anchor[1]))) + 0.5
        return QPointF(min(max(x, -FAR_PX), FAR_PX), min(max(y, -FAR_PX), FAR_PX))

    def _strokes(self, drawing: Drawing) -> Iterator[QLineF]:
        """The lines it is made of, in pixels."""
        place = self._pane.place
        points = [self.point_of(anchor) for anchor in drawing.points]
        match drawing.kind:
            case "line":
                yield QLineF(points[0], points[1])
            case "ray":
                yield _lengthened(QLineF(points[0], points[1]), place)
            case "level":
                yield QLineF(place.left(), points[0].y(), place.right() + 1, points[0].y())
            case "fibonacci":
                left = min(point.x() for point in points)
                for _, price in levels(drawing):
                    y = self.point_of((drawing.points[0][0], price)).y()
                    yield QLineF(left, y, place.right() + 1, y)
                yield QLineF(points[0], points[1])
            case "box" | "measure":
                yield from _edges(QRectF(points[0], points[1]).normalized())

    # --- painting

    def draw(self, painter: QPainter, theme: Theme, asked: QRegion) -> None:
        if self.source is None:
            return
        painter.save()
        painter.setClipRect(self._pane.place, Qt.ClipOperation.IntersectClip)
        self._labels.begin(painter)
        for number, drawing in enumerate(self.drawings):
            self._draw_one(painter, theme, drawing, taken=number == self.chosen)
        if self.rough is not None:
            self._draw_one(painter, theme, self.rough, taken=True)
        painter.restore()

    def _draw_one(self, painter: QPainter, theme: Theme, drawing: Drawing, *, taken: bool) -> None:
        colour = theme.colour("practice")
        if drawing.kind in ("box", "measure"):
            shade = QColor(colour)
            shade.setAlpha(SHADE)
            corners = [self.point_of(anchor).toPoint() for anchor in drawing.points]
            painter.fillRect(QRect(corners[0], corners[1]).normalized(), shade)
        pen = QPen(colour, 1.6 if taken else 1.0)
        pen.setCapStyle(Qt.PenCapStyle.RoundCap)  # others are not painted alike in parts and whole
        painter.setPen(pen)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        ends = np.array([stroke.toTuple() for stroke in self._strokes(drawing)], np.float64).reshape(-1, 4)
        self._lines.set(*inside(self._pane.place, *ends.T))
        self._lines.paint(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(colour)
        for at, text in self._words(drawing):
            left, top = math.floor(at.x()) + AIR, math.floor(at.y()) - self._labels.height - 1
            ground = QRect(left - 2, top, math.ceil(self._labels.width(text)) + 4, self._labels.height)
            painter.fillRect(ground, theme.colour("panel"))
            self._labels.draw(painter, left, top, text)
        if taken:
            self._draw_handles(painter, theme, drawing)

    def _draw_handles(self, painter: QPainter, theme: Theme, drawing: Drawing) -> None:
        for anchor in drawing.points:
            at, half = self.point_of(anchor), HANDLE_PX // 2
            left, top = math.floor(at.x()) - half, math.floor(at.y()) - half
            painter.fillRect(left, top, HANDLE_PX, HANDLE_PX, theme.colour("practice"))
            painter.fillRect(left + 1, top + 1, HANDLE_PX - 2, HANDLE_PX - 2, theme.colour("panel"))

    def _words(self, drawing: Drawing) -> Iterator[tuple[QPointF, str]]:
        """Where its words stand, and which."""
        points = [self.point_of(anchor) for anchor in drawing.points]
        match drawing.kind:
            case "text":
                yield points[0], drawing.text
            case "level":
                yield QPointF(self._pane.place.left(), points[0].y()), self.words_of(drawing.points[0][1])
            case "fibonacci":
                left, last = min(point.x() for point in points), math.inf
                for ratio, price in levels(drawing):
                    y = self.point_of((drawing.points[0][0], price)).y()
                    if abs(y - last) > self._labels.height:  # words over words cannot be read
                        last = y
                        yield QPointF(left, y), f"{ratio:.3f}  {self.words_of(price)}"
            case "measure":
                top = min(points[0].y(), points[1].y())
                yield QPointF(min(points[0].x(), points[1].x()), top), self._measured(drawing)

    def _measured(self, drawing: Drawing) -> str:
        assert self.source is not None
        (start_s, start), (end_s, end) = drawing.points
        bars = round(row_of(self.source, end_s) - row_of(self.source, start_s))
        change = formats.percent((end / start - 1) * 100) if start > 0 else formats.DASH
        sign = "+" if end >= start else formats.MINUS
        return f"{sign}{self.words_of(abs(end - start))}  {change}  {bars} bars"

    # --- finding

    def at(self, x: float, y: float) -> tuple[int, int | None] | None:
        """Number of the drawing under a pixel, and of its anchor if it is that; None where there is none."""
        if not self.places() or not self._pane.place.contains(math.floor(x), math.floor(y)):
            return None
        here = QPointF(x, y)
        for number, drawing in reversed(list(enumerate(self.drawings))):
            for k, anchor in enumerate(drawing.points):
                if QLineF(self.point_of(anchor), here).length() <= GRAB_PX:
                    return number, k
            if any(_distance(stroke, here) <= GRAB_PX for stroke in self._strokes(drawing)) or self._on_text(
                drawing, here
            ):
                return number, None
        return None

    def _on_text(self, drawing: Drawing, here: QPointF) -> bool:
        if drawing.kind != "text":
            return False
        at, width = self.point_of(drawing.points[0]), self._labels.width(drawing.text) + 2 * AIR
        return QRectF(at.x(), at.y() - self._labels.height - 2, width, self._labels.height + 4).contains(here)


def _edges(box: QRectF) -> Iterator[QLineF]:
    corners = [box.topLeft(), box.topRight(), box.bottomRight(), box.bottomLeft()]
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        yield QLineF(start, end)


def _lengthened(line: QLineF, place: QRect) -> QLineF:
    """On beyond its end to the edge of the pane; a point stays one."""
    length = line.length()
    if length < 1e-6:
        return line
    far = (place.width() + place.height() + abs(line.x1()) + abs(line.y1())) / length
    far = min(max(far, 1.0), FAR_PX / max(abs(line.dx()), abs(line.dy()), 1.0))
    return QLineF(line.p1(), line.pointAt(max(far, 1.0)))


def _distance(line: QLineF, here: QPointF) -> float:
    """From a point to the nearest one of a line."""
    dx, dy = line.dx(), line.dy()
    squared = dx * dx + dy * dy
    share = ((here.x() - line.x1()) * dx + (here.y() - line.y1()) * dy) / squared if squared else 0.0
    return QLineF(here, line.pointAt(min(max(share, 0.0), 1.0))).length()
