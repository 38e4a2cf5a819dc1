"""What is painted inside a pane: grid, gaps, candles, volume, tick line, trade markers.

Items hold no pixels: asked for the columns between two pixels, they take just those rows from the series and paint
them, by the same arithmetic whether it is the whole pane or one bar. So a part repainted is the whole repainted.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRect, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen, QPolygonF

from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.series import Candles, CandleSource, Source, TickSource
from alphapanda_desktop.ui.chart.strokes import Lines, Rects
from alphapanda_desktop.ui.theme import Role, Theme

Floats = NDArray[np.float64]
Look = Callable[[], Theme]
"""Gives the colours there are now."""

FAR_PX: Final = 30_000.0
"""Farther out of sight nothing is painted: Qt counts pixels in small numbers."""

FEW: Final = 8
"""Up to so many candles are painted one by one."""

HOLLOW_PX: Final = 3.0
"""Bodies of this width and more have room for a hollow."""


@dataclass(frozen=True, slots=True)
class Marker:
    """A trade on the chart: when, at what price in rupees, which side, and the words of its tooltip."""

    at_s: float
    price: float
    side: Side
    text: str = ""


@dataclass(slots=True)
class Dress:
    """How candles look: hollow when they rise, which needs no colour to be seen, and in which pair of colours."""

    hollow: bool = False
    up: Role = "up"
    down: Role = "down"


class Item(ABC):
    """Base of what fills a pane."""

    @abstractmethod
    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        """Paint what shows in this part of the widget; the painter is clipped to it."""


class GridItem(Item):
    """Faint lines at the marks of the axes; `topped` draws the pane's upper edge."""

    def __init__(self, marks: Callable[[], tuple[Floats, Floats, Floats]], *, topped: bool = False) -> None:
        self._marks = marks
        self._topped = topped
        self._made_for: tuple[object, ...] = ()
        self._minor: list[int] = []
        self._major: list[int] = []
        self._level: list[int] = []

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        self._catch_up(pane)
        place, faint, strong = pane.place, theme.colour("grid"), theme.colour("border")
        left, top, right, bottom = part.left(), part.top(), part.right(), part.bottom()
        for rows, colour in ((self._minor, faint), (self._major, strong)):
            for x in rows:
                if left <= x <= right:
                    painter.fillRect(x, place.top(), 1, place.height(), colour)
            if rows is self._minor:
                for y in self._level:
                    if top <= y <= bottom:
                        painter.fillRect(left, y, part.width(), 1, colour)
        if self._topped:
            painter.fillRect(place.left(), place.top(), place.width(), 1, strong)

    def _catch_up(self, pane: Pane) -> None:
        marks = self._marks()
        made_for = (*map(id, marks), pane.x0, pane.x1, pane.low, pane.high, pane.log, pane.place)
        if made_for != self._made_for:
            minor, major, prices = self._kept = marks  # kept, lest another array has its id
            self._made_for = made_for[:-1] + (QRect(pane.place),)
            self._minor, self._major = (np.floor(pane.px(rows)).astype(int).tolist() for rows in (minor, major))
            self._level = np.floor(pane.py(prices)).astype(int).tolist()


class GapsItem(Item):
    """Bands behind bars that may lack trades: the feed was not heard then, and history has not filled it yet."""

    def __init__(self, source: CandleSource) -> None:
        self._source = source

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        place = pane.place
        for first, end in self._source.gaps():
            x0, x1 = math.floor(pane.px(first - 0.5)), math.ceil(pane.px(end - 0.5))
            if x1 >= part.left() and x0 <= part.right():
                width = max(2, x1 - x0)
                painter.fillRect(x0, place.top(), width, place.height(), sunk(theme, "warn", 0.12))
                painter.fillRect(x0, place.top(), width, 2, theme.colour("warn"))


class CandleItem(Item):
    """Candles in whole pixels: the wick in the middle of its body, bodies only where they have room."""

    def __init__(self, source: CandleSource, dress: Dress) -> None:
        self.source = source
        self._dress = dress
        self._wicks, self._bodies, self._hollows = Rects(), Rects(), Rects()

    def drawn(self, pane: Pane) -> Candles:
        """What the pane shows, joined where bars are too narrow."""
        return self.source.candles(pane.x0, pane.x1, self.source.factor(pane.x1 - pane.x0, pane.width()))

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        drawn = _between(self.source, pane, part)
        if drawn.x.size <= FEW:
            self._draw_few(painter, pane, theme, drawn)
            return
        middle = np.floor(pane.px(drawn.x))
        rises = drawn.close >= drawn.open
        painter.setPen(Qt.PenStyle.NoPen)
        for role, rows in ((self._dress.down, ~rises), (self._dress.up, rises)):
            painter.setBrush(theme.colour(role))
            self._draw_some(painter, pane, theme, drawn, middle, rows, hollow=self._dress.hollow and rows is rises)

    def _draw_some(
        self, painter: QPainter, pane: Pane, theme: Theme, drawn: Candles, middle: Floats, rows: Any, *, hollow: bool
    ) -> None:
        at, width = middle[rows], body_width(pane.bar_px * drawn.factor)
        if not at.size:
            return
        top, tall = span(pane.py(drawn.high[rows]), pane.py(drawn.low[rows]))
        self._wicks.set(at, top, np.ones_like(at), tall)
        self._wicks.paint(painter)
        if width < 2:
            return
        one, other = pane.py(drawn.open[rows]), pane.py(drawn.close[rows])
        top, tall = span(np.minimum(one, other), np.maximum(one, other))
        left = at - (width - 1) / 2
        self._bodies.set(left, top, np.full_like(at, width), tall)
        self._bodies.paint(painter)
        if hollow and width >= HOLLOW_PX:
            painter.setBrush(theme.colour("panel"))
            self._hollows.set(left + 1, top + 1, np.full_like(at, width - 2), np.maximum(tall - 2, 0))
            self._hollows.paint(painter)

    def _draw_few(self, painter: QPainter, pane: Pane, theme: Theme, drawn: Candles) -> None:
        """The same without columns: numpy's calls cost more than a few candles do."""
        width, ground = body_width(pane.bar_px * drawn.factor), theme.colour("panel")
        rows = zip(*(column.tolist() for column in drawn[:5]), strict=True)
        for x, opens, high, low, close in rows:
            rises = close >= opens
            colour = theme.colour(self._dress.up if rises else self._dress.down)
            at = math.floor(pane.px(x))
            painter.fillRect(at, *one_span(pane.py(high), pane.py(low), 1), colour)
            if width < 2:
                continue
            left, (top, _, tall) = at - width // 2, one_span(pane.py(max(opens, close)), pane.py(min(opens, close)), 1)
            painter.fillRect(left, top, width, tall, colour)
            if self._dress.hollow and rises and width >= HOLLOW_PX and tall > 2:
                painter.fillRect(left + 1, top + 1, width - 2, tall - 2, ground)

    def place_of_last(self, pane: Pane) -> QRect:
        """All pixels that the newest bar covers."""
        return _column(self.source, pane, lambda high, low, _volume: (pane.py(high), pane.py(low)))


def one_span(top: float, bottom: float, width: int) -> tuple[int, int, int]:
    """As `span`, of one: first pixel, the width given, how many pixels."""
    first = math.floor(min(max(top, -FAR_PX), FAR_PX))
    return first, width, max(math.ceil(min(max(bottom, -FAR_PX), FAR_PX)) - first, 1)


def span(top: Floats, bottom: Floats) -> tuple[Floats, Floats]:
    """Whole pixels from one height down to another: the first, and how many; never none."""
    first = np.floor(np.clip(top, -FAR_PX, FAR_PX))
    return first, np.maximum(np.ceil(np.clip(bottom, -FAR_PX, FAR_PX)) - first, 1.0)


def body_width(bar_px: float) -> int:
    """Width of a candle's body in whole, odd pixels, so that the wick is in its middle."""
    width = max(1, math.floor(bar_px * 0.75))
    return width if width % 2 else width - 1


def _between(source: CandleSource, pane: Pane, part: QRect) -> Candles:
    """Candles that may touch this part of the pane."""
    factor, left, right = source.factor(pane.x1 - pane.x0, pane.width()), part.left(), part.right()
    if left <= pane.place.left() and right >= pane.place.right():
        return source.candles(pane.x0, pane.x1, factor)
    return source.part(pane.row_at(left) - factor, pane.row_at(right) + factor, factor)


def _column(source: CandleSource, pane: Pane, heights: Callable[[float, float, float], tuple[float, float]]) -> QRect:
    factor = source.factor(pane.x1 - pane.x0, pane.width())
    if not source.end or source.end - 1 < pane.x0 - factor or source.end - 1 > pane.x1 + factor:
        return QRect()
    x, high, low, volume = source.newest(factor)
    half = body_width(pane.bar_px * factor) // 2
    first, _, tall = one_span(*heights(high, low, volume), 1)
    return QRect(math.floor(pane.px(x)) - half, first - 1, 2 * half + 1, tall + 2).intersected(pane.place)


class VolumeItem(Item):
    """Volume columns in the candles' colours, dimmed."""

    def __init__(self, source: CandleSource, dress: Dress) -> None:
        self._source = source
        self._dress = dress
        self._columns = Rects()

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        drawn = _between(self._source, pane, part)
        if drawn.x.size <= FEW:
            self._draw_few(painter, pane, theme, drawn)
            return
        width, floor = body_width(pane.bar_px * drawn.factor), pane.place.top() + pane.place.height()
        first = np.floor(pane.px(drawn.x)) - (width - 1) / 2
        top = np.minimum(np.floor(pane.py(drawn.volume)), floor - 1.0)
        rises, traded = drawn.close >= drawn.open, drawn.volume > 0
        painter.setPen(Qt.PenStyle.NoPen)
        for role, rows in ((self._dress.down, traded & ~rises), (self._dress.up, traded & rises)):
            left_edge, tip = first[rows], top[rows]
            if tip.size:
                painter.setBrush(sunk(theme, role))
                self._columns.set(left_edge, tip, np.full_like(tip, width), floor - tip)
                self._columns.paint(painter)

    def _draw_few(self, painter: QPainter, pane: Pane, theme: Theme, drawn: Candles) -> None:
        width, floor = body_width(pane.bar_px * drawn.factor), pane.place.top() + pane.place.height()
        columns = (drawn.x, drawn.open, drawn.close, drawn.volume)
        for x, opens, close, volume in zip(*(column.tolist() for column in columns), strict=True):
            if volume > 0:
                top = min(math.floor(pane.py(volume)), floor - 1)
                colour = sunk(theme, self._dress.up if close >= opens else self._dress.down)
                painter.fillRect(math.floor(pane.px(x)) - width // 2, top, width, floor - top, colour)

    def place_of_last(self, pane: Pane) -> QRect:
        """All pixels that the newest column covers."""
        floor = float(pane.place.top() + pane.place.height())
        return _column(self._source, pane, lambda _high, _low, volume: (min(pane.py(volume), floor - 1), floor))


def sunk(theme: Theme, role: Role, share: float = 0.5) -> QColor:
    """So much of a colour over the panel; opaque, because translucent fills leave Qt's fast path."""
    return _sunk(getattr(theme, role), theme.panel, share)


@cache
def _sunk(upper: str, lower: str, share: float) -> QColor:
    colour, ground = QColor(upper), QColor(lower)
    pairs = ((colour.red(), ground.red()), (colour.green(), ground.green()), (colour.blue(), ground.blue()))
    return QColor(*(round(share * a + (1 - share) * b) for a, b in pairs))


class TickLineItem(Item):
    """A line through every tick."""

    def __init__(self, source: TickSource) -> None:
        self._source = source
        self._line = Lines()

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        line = self._source.line(pane.x0, pane.x1, self._source.factor(pane.x1 - pane.x0, pane.width()))
        x, y = np.floor(pane.px(line.x)) + 0.5, np.floor(pane.py(line.y)) + 0.5
        # As steps: a price holds until the next tick, and straight lines are the fast ones.
        self._line.set(
            np.concatenate((x[:-1], x[1:])),
            np.concatenate((y[:-1], y[:-1])),
            np.concatenate((x[1:], x[1:])),
            np.concatenate((y[:-1], y[1:])),
        )
        painter.setPen(QPen(theme.colour("accent"), 1))
        self._line.paint(painter)


MARKER_PX: Final = 9.0


class _Placed(NamedTuple):
    x: float
    y: float
    marker: Marker


class MarkersItem(Item):
    """Trades: a triangle that points up at a buy from below, down at a sell from above."""

    def __init__(self) -> None:
        self.source: Source | None = None
        self.markers: tuple[Marker, ...] = ()

    def set_markers(self, markers: Sequence[Marker]) -> None:
        self.markers = tuple(markers)

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        placed = [one for one in self._placed(pane) if part.left() - MARKER_PX <= one.x <= part.right() + MARKER_PX]
        if not placed:
            return
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("panel"), 1))
        for x, y, marker in placed:
            painter.setBrush(theme.colour("buy" if marker.side == "BUY" else "sell"))
            painter.drawPath(_triangle(x, y, MARKER_PX if marker.side == "BUY" else -MARKER_PX))
        painter.restore()

    def _placed(self, pane: Pane) -> list[_Placed]:
        found = []
        for marker in self.markers:
            row = self.source.row_at(marker.at_s) if self.source is not None else None
            if row is not None and pane.x0 - 1 <= row <= pane.x1 + 1:
                y = math.floor(float(pane.py(marker.price))) + 0.5
                found.append(_Placed(math.floor(pane.px(row)) + 0.5, y, marker))
        return found

    def at(self, pane: Pane, x: float, y: float) -> Marker | None:
        """The marker under a pixel of the widget, or None."""
        for px, py, marker in reversed(self._placed(pane)):
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
