"""Panes, scales and words of a chart in their places, and the painting of them: data on the sheet, the rest over it.

Whoever changes something says which pixels no longer hold: `spoil` for all of them, `spoil_part` for a rectangle of
the sheet, `_touch` for what lies over it.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Final

import numpy as np
from PySide6.QtCore import QPoint, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QRegion, QResizeEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.axes import PriceAxis, TimeAxis
from alphapanda_desktop.ui.chart.canvas import Canvas, Zone
from alphapanda_desktop.ui.chart.drawitem import DrawingsItem
from alphapanda_desktop.ui.chart.items import (
    CandleItem,
    Dress,
    Floats,
    GapsItem,
    GridItem,
    Item,
    Look,
    MarkersItem,
    TickLineItem,
    VolumeItem,
)
from alphapanda_desktop.ui.chart.labels import Labels
from alphapanda_desktop.ui.chart.orderlines import OrderLinesItem
from alphapanda_desktop.ui.chart.overlay import Crosshair, LastPrice, Over, Words
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.profile import ProfileItem
from alphapanda_desktop.ui.chart.series import CandleSource, Source, TickSource
from alphapanda_desktop.ui.chart.sheet import Sheet
from alphapanda_desktop.ui.chart.studyset import StudySet
from alphapanda_desktop.ui.chart.timemarks import TimeMarks
from alphapanda_desktop.ui.theme import ui_font

log = logging.getLogger(__name__)

AXIS_POINTS: Final = 8.5
LEGEND_POINTS: Final = 9.0
VOLUME_SHARE: Final = 0.2

_NONE: Final[Floats] = np.empty(0)


class Surface(Canvas):
    """Knows where everything is and paints it; what is shown, and when, is the plot's."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(look().panel, parent)
        self._gathered: QRegion | None = None
        self.dress = Dress()
        self.sheet = Sheet(self._paint_sheet)
        self._look = look
        self._asked = QRegion()
        self._told = ""
        self._last_places: tuple[QRect, ...] = ()
        self._build_panes()
        self._build_items()
        self._build_over()
        self.arrange()
        look().follow(self._recolour)

    def _recolour(self) -> None:
        self.sheet.spoil()
        self.viewport().update()

    def _build_panes(self) -> None:
        self.prices, self.volumes = Pane(), Pane()
        self.volumes.shown = False
        self._labels, self._words = Labels(ui_font(AXIS_POINTS)), Labels(ui_font(LEGEND_POINTS))
        self.price_axis = PriceAxis(self._touch, self.prices, self._labels)
        self.volume_axis = PriceAxis(self._touch, self.volumes, self._labels)
        self.volume_axis.text_of, self.volume_axis.finest, self.volume_axis.count_limit = formats.volume, 1.0, 2
        self.time_marks = TimeMarks(self.prices)
        bold = Labels(ui_font(AXIS_POINTS, bold=True))
        self.time_axis = TimeAxis(self._touch, self.prices, self._labels, bold, self.time_marks.marks)

    def _build_items(self) -> None:
        self.candles: CandleItem | None = None
        self.volume: VolumeItem | None = None
        self.line: TickLineItem | None = None
        self.markers = MarkersItem()
        self.profile = ProfileItem()
        self._grids = (GridItem(self._grid_of_prices), GridItem(self._grid_of_volumes, topped=True))
        self._items: tuple[list[Item], list[Item]] = ([self._grids[0]], [])
        self.studies = StudySet(self._touch, self._labels, self._words, self.time_marks.upright)

    def _build_over(self) -> None:
        self.last_price = LastPrice(self._touch, self.prices)
        self.lines = OrderLinesItem(self._touch, self.prices, self._labels)
        self.drawn = DrawingsItem(self._touch, self.prices, self._labels)
        self.legend = Words(self._touch, self._words, Qt.AlignmentFlag.AlignLeft)
        self.badge = Words(self._touch, self._words, Qt.AlignmentFlag.AlignRight, framed=True)
        self.notice = Words(self._touch, self._words, Qt.AlignmentFlag.AlignHCenter)
        self.crosshair = Crosshair(self._touch)
        axes = (self.price_axis, self.volume_axis, self.time_axis)
        words = (self.legend, self.badge, self.notice)
        self._always: tuple[Over, ...] = (self.last_price, self.drawn, self.lines, self.crosshair, *words, *axes)
        self._over: tuple[Over, ...] = self._always

    def put_items(self, source: Source) -> None:
        """Paint what this source holds from now on."""
        self.markers.source = self.time_marks.source = self.drawn.source = source
        self.candles = self.volume = self.line = None
        prices: list[Item] = [self._grids[0]]
        volumes: list[Item] = [self._grids[1]]
        if isinstance(source, CandleSource):
            self.candles, self.volume = CandleItem(source, self.dress), VolumeItem(source, self.dress)
            self.profile.source = source
            prices += [self.profile, GapsItem(source), self.candles]
            volumes.append(self.volume)
        elif isinstance(source, TickSource):
            self.line = TickLineItem(source)
            prices.append(self.line)
        self._items = ([*prices, self.markers], volumes)
        self.put_studies(source)

    def put_studies(self, source: Source | None) -> None:
        """Paint the indicators that are wanted, over this source."""
        self.studies.bind(source)
        self._over = (*self._always, *self.studies.parts())

    def _grid_of_prices(self) -> tuple[Floats, Floats, Floats]:
        return (*self.time_marks.upright(), self.price_axis.marks())

    def _grid_of_volumes(self) -> tuple[Floats, Floats, Floats]:
        return (*self.time_marks.upright(), _NONE)

    # --- what no longer holds

    def _touch(self, place: QRect) -> None:
        if self._gathered is None:
            self.viewport().update(place)
        else:
            self._gathered += place

    @contextmanager
    def gathered(self) -> Iterator[None]:
        """Ask Qt once for all that is touched within: each asking costs as much as a label."""
        if self._gathered is not None:
            yield
            return
        self._gathered = QRegion()
        try:
            yield
        finally:
            region, self._gathered = self._gathered, None
            self.viewport().update(region)

    def spoil(self) -> None:
        """Paint everything anew with the next frame: the view or the colours changed."""
        self.lines.place()
        self.sheet.spoil()
        self.viewport().update()

    def spoil_part(self, place: QRect) -> None:
        """Paint the data in this rectangle anew with the next frame."""
        if not place.isEmpty():
            self.sheet.spoil_part(place)
            self._touch(place)

    def spoil_last_bar(self) -> None:
        """Paint the newest bar anew: where it was painted last, and where it is now."""
        if self.sheet.moving or self.candles is None:
            return
        places = self._places_of_last()
        for before, now in zip(self._last_places, places, strict=True):  # as many: else all would be painted anew
            self.spoil_part(before.united(now))
        self._last_places = places

    def _places_of_last(self) -> tuple[QRect, ...]:
        if self.candles is None or self.volume is None:
            return ()
        volume = self.volume.place_of_last(self.volumes) if self.volumes.shown else QRect()
        over, below = self.studies.places_of_last(self.prices)
        return self.candles.place_of_last(self.prices).united(over), volume, *below

    # --- painting

    def paintEvent(self, event: QPaintEvent) -> None:
        self._asked = event.region()
        super().paintEvent(event)

    def drawBackground(self, painter: QPainter, _rect: QRectF) -> None:
        self._drawn(self._draw_data, painter)

    def drawForeground(self, painter: QPainter, _rect: QRectF) -> None:
        self._drawn(self._draw_over, painter)

    def _drawn(self, draw: Callable[[QPainter], None], painter: QPainter) -> None:
        """Draw; an error is told once and leaves a gap in the picture, for Qt would end the program with it."""
        try:
            draw(painter)
        except Exception as error:
            if str(error) != self._told:
                self._told = str(error)
                log.exception("the chart cannot be drawn")

    def _draw_data(self, painter: QPainter) -> None:
        whole = self.viewport().rect()
        painter.resetTransform()
        if self.sheet.moving:
            self._last_places = self._places_of_last()
            if self._asked.rectCount() == 1 and self._asked.boundingRect() == whole:
                self.sheet.paint_through(painter, whole)
                return
        picture = self.sheet.picture(whole.size(), self.devicePixelRatioF())
        ratio = int(picture.devicePixelRatio())
        if ratio != picture.devicePixelRatio():
            painter.drawPixmap(QPoint(0, 0), picture)  # pixels of a fraction go only with all others
            return
        asked: Iterable[QRect] = self._asked  # type: ignore[assignment]  # it is one, its stub does not say so
        for place in asked:
            part = place if ratio == 1 else QRect(place.topLeft() * ratio, place.size() * ratio)
            painter.drawPixmap(place, picture, part)

    def _draw_over(self, painter: QPainter) -> None:
        painter.resetTransform()
        theme, asked = self._look(), self._asked
        for part in self._over:
            for place in part.places():
                if asked.intersects(place):
                    part.draw(painter, theme, asked)  # Qt clips to what was asked for
                    break

    def _paint_sheet(self, painter: QPainter, place: QRect) -> None:
        theme = self._look()
        painter.fillRect(place, theme.colour("panel"))
        for pane, items in self._panes_filled():
            part = pane.place & place
            if pane.shown and not part.isEmpty():
                if part != place:
                    painter.setClipRect(part)
                for item in items:
                    item.draw(painter, pane, theme, part)
                if part == place:
                    return  # one bar: nothing of it is outside
        painter.setClipRect(place)
        axes: list[PriceAxis | TimeAxis] = [self.price_axis, self.volume_axis, self.time_axis]
        for axis in (*axes, *(one.axis for one in self.studies.lower)):
            if place.intersects(axis.place):
                axis.draw_marks(painter, theme)

    def _panes_filled(self) -> Iterator[tuple[Pane, list[Item]]]:
        """All panes, each with what it shows."""
        prices, volumes = self._items
        yield self.prices, [*prices, *self.studies.over] if self.studies.over else prices
        yield self.volumes, volumes
        for lower in self.studies.lower:
            yield lower.pane, lower.items

    # --- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if hasattr(self, "crosshair"):  # pyqtgraph resizes while it is being made
            self.arrange()
            self.spoil()

    def arrange(self) -> None:
        """Give panes, scales and words their room."""
        size, wide, tall = self.viewport().size(), self.price_axis.wide, self.time_axis.tall
        width, height = max(1, size.width() - wide), max(1, size.height() - tall)
        heights = self.studies.heights(height)
        above = height - sum(heights)
        below = round(above * VOLUME_SHARE) if self.volumes.shown else 0
        self.prices.place = QRect(0, 0, width, max(1, above - below))
        self.volumes.place = QRect(0, above - below, width, below)
        self.price_axis.place = QRect(width, 0, wide, above - below)
        self.volume_axis.place = QRect(width, above - below, wide, below)
        for lower, high in zip(self.studies.lower, heights, strict=True):
            lower.place(QRect(0, above, width, high), wide)
            above += high
        self.time_axis.place = QRect(0, height, width, tall)
        pane = self.prices.place
        self.legend.set_room(pane.adjusted(4, 4, -4, -4))
        self.badge.set_room(pane.adjusted(4, 4, -8, -4))
        self.notice.set_room(pane.adjusted(8, 60, -8, -8))

    def zone_at(self, at: QPointF) -> Zone:
        here = QPoint(math.floor(at.x()), math.floor(at.y()))
        if self.price_axis.place.contains(here):
            return "price axis"
        if self.volume_axis.place.contains(here) or any(one.axis.place.contains(here) for one in self.studies.lower):
            return "volume axis"
        return "time axis" if self.time_axis.place.contains(here) else "panes"
