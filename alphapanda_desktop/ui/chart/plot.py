"""The drawing surface of a chart: price pane, volume pane, their scales, and what the mouse does on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QToolTip, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.axes import PriceAxis, Tag, TimeAxis
from alphapanda_desktop.ui.chart.canvas import Canvas
from alphapanda_desktop.ui.chart.cursor import Crosshair, Word, Words, caption, readout
from alphapanda_desktop.ui.chart.items import (
    CandleItem,
    Floats,
    Frame,
    GridItem,
    LastPriceItem,
    Look,
    Marker,
    MarkersItem,
    PaneItem,
    TickLineItem,
    VolumeItem,
)
from alphapanda_desktop.ui.chart.orderlines import LineGrip, OrderLine, OrderLinesItem
from alphapanda_desktop.ui.chart.scales import TimeMark, time_marks
from alphapanda_desktop.ui.chart.series import CandleSource, Source, TickSource, Window
from alphapanda_desktop.ui.theme import Role

AIR: Final = 0.06
"""Share of the price range that stays free below."""

NARROW_PX: Final = 60.0
"""A pane narrower than this is on its way in or out of sight."""

LEGEND_PX: Final = 44.0
"""Room above the highest price for the words in the corner."""


class Pane(pg.ViewBox):
    """A view whose range the plot sets, for all panes at once; it never moves by itself."""

    def __init__(self) -> None:
        super().__init__(enableMenu=False, enableMouse=False, defaultPadding=0)
        self.disableAutoRange()
        self.setAcceptedMouseButtons(Qt.MouseButton.NoButton)
        self.layers: list[PaneItem] = []

    def put(self, item: PaneItem) -> None:
        """Draw it here."""
        self.layers.append(item)
        self.addItem(item, ignoreBounds=True)

    def take(self, item: PaneItem) -> None:
        """Draw it no longer."""
        self.layers.remove(item)
        self.removeItem(item)


class Plot(Canvas):
    """Draws one source. `refresh` once a frame; nothing else repaints. `follow_changed(bool)` when panning ends it."""

    follow_changed = Signal(bool)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(look().panel, parent)
        self.window_shown = Window()
        self._look = look
        self._source: Source | None = None
        self._instrument: Instrument | None = None
        self._caption: list[Word] = []
        self._drawn = (-1, 0, 0, 0.0)
        self._cursor: QPointF | None = None
        self._width_px = 0.0
        self._marks: tuple[object, list[TimeMark]] = (None, [])
        self._build_panes()
        self._build_items()
        self.prices.sigResized.connect(self._arrange)
        self._obey_the_mouse()

    def _build_panes(self) -> None:
        layout = pg.GraphicsLayout(border=None)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self.setCentralItem(layout)
        self.prices, self.volumes = Pane(), Pane()
        self.price_axis = PriceAxis(self.prices, self._look)
        self.volume_axis = PriceAxis(self.volumes, self._look)
        self.volume_axis.text_of, self.volume_axis.finest, self.volume_axis.count_limit = formats.volume, 1.0, 2
        self.time_axis = TimeAxis(self.prices, self._look, self.marks)
        for place, (pane, axis) in enumerate(((self.prices, self.price_axis), (self.volumes, self.volume_axis))):
            layout.addItem(pane, place, 0)
            layout.addItem(axis, place, 1)
        layout.addItem(self.time_axis, 2, 0)
        layout.layout.setRowStretchFactor(0, 4)
        layout.layout.setRowStretchFactor(1, 1)
        self._layout = layout

    def _build_items(self) -> None:
        self.candles: CandleItem | None = None
        self.volume: VolumeItem | None = None
        self.line: TickLineItem | None = None
        self.last_price = LastPriceItem(self._look)
        self.markers = MarkersItem(self._look)
        self.lines = OrderLinesItem(self._look)
        self.grip = LineGrip(self.lines, self._snap, lambda: self.price_axis.finest)
        for item in (GridItem(self._look, self._grid_of_prices), self.last_price, self.markers, self.lines):
            self.prices.put(item)
        self.volumes.put(GridItem(self._look, self._grid_of_volumes, topped=True))
        corner = Qt.AlignmentFlag.AlignLeft
        self.legend = Words(self._look, self.prices, corner)
        self.badge = Words(self._look, self.prices, Qt.AlignmentFlag.AlignRight, framed=True)
        self.notice = Words(self._look, self.prices, Qt.AlignmentFlag.AlignHCenter)
        self.crosshair = Crosshair(self.scene(), self._look)

    # --- what is shown

    @property
    def source(self) -> Source | None:
        return self._source

    def show_source(self, source: Source, instrument: Instrument, interval: str) -> None:
        """Draw another source from now on, at its newest rows."""
        self._source, self._instrument = source, instrument
        self._caption = caption(instrument, interval)
        self.markers.source = source
        self._replace_items(source)
        self._set_scale_texts(instrument)
        self._show_volume(instrument.tradable and isinstance(source, CandleSource))
        self.last_price.show_price(None, "muted")
        self.price_axis.set_tag("last", None)
        self.window_shown = Window()
        self.window_shown.place(source.end, self._first_bars(source))
        self._drawn = (-1, source.first, source.end, _oldest(source))
        self._apply_window()
        self.refresh()
        self.follow_changed.emit(True)

    def _first_bars(self, source: Source) -> float:
        """As many bars as can be told apart at a glance."""
        bar_px = 4.0 if isinstance(source, TickSource) else 8.0
        return min(max(float(self.prices.width()) / bar_px, 40.0), 300.0)

    def _replace_items(self, source: Source) -> None:
        for pane, item in ((self.prices, self.candles), (self.volumes, self.volume), (self.prices, self.line)):
            if item is not None:
                pane.take(item)
        self.candles = self.volume = self.line = None
        if isinstance(source, CandleSource):
            self.candles, self.volume = CandleItem(source, self._look), VolumeItem(source, self._look)
            self.prices.put(self.candles)
            self.volumes.put(self.volume)
        elif isinstance(source, TickSource):
            self.line = TickLineItem(source, self._look)
            self.prices.put(self.line)

    def _set_scale_texts(self, instrument: Instrument) -> None:
        decimals = instrument.decimals
        self.price_axis.text_of = self.lines.words_of = lambda price: formats.grouped(price, decimals)
        self.price_axis.finest = instrument.tick_size or 0.01
        self._make_room_for_prices()

    def _make_room_for_prices(self) -> None:
        price = self._source.last_price() if self._source is not None else None
        known = price or (self._instrument.last_price if self._instrument is not None else 0.0)
        digits = max(5, len(str(int(known))))
        widest = self.price_axis.text_of(float("8" * digits))
        self.price_axis.set_widest(widest)
        self.volume_axis.set_widest(widest)

    def _show_volume(self, shown: bool) -> None:
        for item in (self.volumes, self.volume_axis):
            item.setVisible(shown)
        self._layout.layout.setRowStretchFactor(1, 1 if shown else 0)
        self._layout.layout.setRowMaximumHeight(1, 16_777_215 if shown else 0)
        self._layout.layout.setRowPreferredHeight(1, 90 if shown else 0)
        self._layout.layout.activate()

    # --- once a frame

    def refresh(self) -> None:
        """Take what has changed in the source since the last call; costs nothing where nothing has."""
        source = self._source
        if source is None or source.version == self._drawn[0]:
            return
        _, first, end, oldest = self._drawn
        now_oldest = _oldest(source)
        self._drawn = (source.version, source.first, source.end, now_oldest)
        if isinstance(source, CandleSource) and now_oldest != oldest and end > first:
            self._rows_came_before(source, oldest, end)
        elif source.end != end:
            self._rows_came_after(source, end)
        elif self._rescale():
            self._repaint_all()
        else:
            self._repaint_last(source)
        self._show_last_price(source)
        self._say_legend()

    def _rows_came_before(self, source: CandleSource, oldest: float, end: int) -> None:
        row = source.row_at(oldest)
        if self.window_shown.follows or row is None:
            self.window_shown.place(source.end, self.window_shown.bars)
        else:
            self.window_shown.shift(row)
        self._make_room_for_prices()
        self._apply_window()

    def _rows_came_after(self, source: Source, end: int) -> None:
        if end == 0 or end <= source.first:
            self.window_shown.place(source.end, self.window_shown.bars)
            self._make_room_for_prices()
        elif self.window_shown.follows:
            self.window_shown.shift(source.end - end)
        self._apply_window()

    def _repaint_last(self, source: Source) -> None:
        factor = 1.0
        if isinstance(source, CandleSource):
            factor = max(1.0, self.window_shown.bars * 3 / max(1.0, self.prices.width()))
        for item in (self.candles, self.volume, self.line):
            if item is not None and factor == 1.0:
                item.changed_at(source.end - 1)
            elif item is not None:
                item.changed()

    def _repaint_all(self) -> None:
        for item in (*self.prices.layers, *self.volumes.layers):
            item.changed()

    def _apply_window(self) -> None:
        window = self.window_shown
        for pane in (self.prices, self.volumes):
            pane.setXRange(window.x0, window.x1, padding=0)
        self._rescale()
        self._repaint_all()
        self.time_axis.update()

    def _rescale(self) -> bool:
        """Fit the scales to what is visible; whether anything moved."""
        if self._source is None:
            return False
        window, width = self.window_shown, self.prices.width()
        found = self._source.price_extremes(window.x0, window.x1, width)
        self.price_axis.has_prices = self.volume_axis.has_prices = found is not None
        moved = found is not None and self._set_y(self.prices, *self._with_air(*found))
        if self.volume is not None and isinstance(self._source, CandleSource):
            volume = self._source.candles(window.x0, window.x1, width).volume
            moved |= self._set_y(self.volumes, 0.0, max(1.0, float(volume.max(initial=0.0)) * 1.12))
        return moved

    def _with_air(self, low: float, high: float) -> tuple[float, float]:
        least = 10 * self.price_axis.finest
        spare = max(least - (high - low), 0.0) / 2
        air = max((high - low) * AIR, self.price_axis.finest)
        drawn_px = max(self.prices.height() - LEGEND_PX, 1.0)
        above = max(air, (high - low + 2 * spare + air) * LEGEND_PX / drawn_px)
        return low - spare - air, high + spare + above

    def _set_y(self, pane: Pane, low: float, high: float) -> bool:
        if [low, high] == pane.viewRange()[1]:
            return False
        pane.setYRange(low, high, padding=0)
        return True

    def _show_last_price(self, source: Source) -> None:
        price, instrument = source.last_price(), self._instrument
        if price is None or instrument is None:
            return
        role: Role = "accent"
        if isinstance(source, CandleSource):
            role = "up" if price >= float(source.series.open[-1]) else "down"
        if self.badge.text:
            role = "muted"
        self.last_price.show_price(price, role)
        self.price_axis.set_tag("last", Tag(price, formats.price(price, instrument.decimals), role))

    # --- words

    def say_status(self, text: str, role: Role = "muted") -> None:
        """Words in the middle of the pane, "" for none."""
        self.notice.say_wrapped(text, role)

    def say_badge(self, text: str) -> None:
        """A badge that says the price is old, "" for none; the last price then loses its colour."""
        before = self.badge.text
        self.badge.say([Word(text, "warn")] if text else [])
        if bool(before) != bool(text) and self._source is not None:
            self._show_last_price(self._source)

    def _say_legend(self) -> None:
        source, instrument = self._source, self._instrument
        if source is None or instrument is None:
            return
        row = source.end - 1
        if self._cursor is not None:
            row = min(max(round(self._cursor.x()), source.first), source.end - 1)
        self.legend.say(self._caption, readout(source, row, instrument.decimals))

    # --- the window over the bars

    def pan(self, bars: float) -> None:
        """Move right by so many bars."""
        if self._source is not None:
            self.window_shown.pan(bars, self._source.first, self._source.end)
            self._window_moved()

    def zoom(self, factor: float, anchor: float | None = None) -> None:
        """Show `factor` times as many bars around `anchor`, by default around the newest or the middle one."""
        if self._source is not None:
            window = self.window_shown
            around = anchor if anchor is not None else (window.x1 if window.follows else (window.x0 + window.x1) / 2)
            window.zoom(factor, around, self._source.first, self._source.end)
            self._window_moved()

    def fit(self) -> None:
        """Show all rows."""
        if self._source is not None:
            self.window_shown.fit(self._source.first, self._source.end)
            self._window_moved()

    def follow(self) -> None:
        """Stick to the newest bar."""
        if self._source is not None:
            self.window_shown.follow(self._source.end)
            self._window_moved()

    def _window_moved(self) -> None:
        self._apply_window()
        self._say_legend()
        self.follow_changed.emit(self.window_shown.follows)

    def set_markers(self, markers: Sequence[Marker]) -> None:
        """Show these trades."""
        self.markers.set_markers(markers)

    def set_lines(self, lines: Sequence[OrderLine]) -> None:
        """Show these orders; what they are called on the scale moves with them."""
        kept = {line.name for line in lines}
        for line in self.lines.lines:
            if line.name not in kept:
                self.price_axis.set_tag(line.name, None)
        for line in lines:
            self.price_axis.set_tag(line.name, Tag(line.price, self.price_axis.text_of(line.price), line.role, False))
        self.lines.set_lines(lines)

    def _snap(self, price: float) -> float:
        return self._instrument.snap(price) if self._instrument is not None else price

    # --- marks, shared by scales and grid

    def marks(self) -> list[TimeMark]:
        """Marks of the time axis for what is visible; worked out once for a view and its rows."""
        source, window = self._source, self.window_shown
        if source is None:
            return []
        state = (source, source.end, window.x0, window.x1, self.prices.width())
        if state != self._marks[0]:
            first = max(source.first, math.floor(window.x0))
            times = source.times(first, max(first, min(source.end, math.ceil(window.x1) + 1)))
            self._marks = (state, time_marks(times, first, self.prices.width() / window.bars))
        return self._marks[1]

    def _grid_of_prices(self, _frame: Frame) -> tuple[Floats, Floats, Floats]:
        return (*self._upright_grid(), self.price_axis.marks())

    def _grid_of_volumes(self, _frame: Frame) -> tuple[Floats, Floats, Floats]:
        return (*self._upright_grid(), np.empty(0))

    def _upright_grid(self) -> tuple[Floats, Floats]:
        marks = self.marks()
        return (
            np.array([mark.x for mark in marks if not mark.major], np.float64),
            np.array([mark.x for mark in marks if mark.major], np.float64) - 0.5,
        )

    # --- the mouse

    def _obey_the_mouse(self) -> None:
        self.dragged.connect(lambda px: self.pan(-px * self.window_shown.bars / max(1.0, self.prices.width())))
        self.wheeled.connect(lambda factor, at: self.zoom(factor, self.prices.mapSceneToView(self.mapToScene(at)).x()))
        self.double_clicked.connect(self.fit)
        self.pointed.connect(self.point_at)
        self.left.connect(self.point_nowhere)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        inside = self._inside(event.position())
        if event.button() != Qt.MouseButton.LeftButton or not self.grip.press(inside.x(), inside.y()):
            super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.grip.holding:
            self.grip.drag(self.prices.mapSceneToView(self.mapToScene(event.position().toPoint())).y())
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.grip.release()
        super().mouseReleaseEvent(event)

    def _inside(self, at: QPointF) -> QPointF:
        """A pixel of the widget as one of the price pane."""
        here: QPointF = self.mapToScene(at.toPoint())
        return here - _place(self.prices).topLeft()

    def _show_hand(self, inside: QPointF) -> None:
        line = self.lines.at(inside.x(), inside.y())
        upright = line is not None and line.movable
        self.viewport().setCursor(Qt.CursorShape.SizeVerCursor if upright else Qt.CursorShape.CrossCursor)

    def point_at(self, at: QPoint) -> None:
        """Put the crosshair at a pixel of the widget."""
        here = self.mapToScene(at)
        pane = next((p for p in (self.prices, self.volumes) if p.isVisible() and _place(p).contains(here)), None)
        if pane is None or self._source is None or self._source.end == self._source.first:
            self.point_nowhere()
            return
        self._cursor = self.prices.mapSceneToView(here)
        row = min(max(round(self._cursor.x()), self._source.first), self._source.end - 1)
        x = self.prices.mapViewToScene(QPointF(row, 0)).x()
        column = _place(self.prices)
        if self.volumes.isVisible():
            column = column.united(_place(self.volumes))
        self.crosshair.move(x, here.y(), column, _place(pane))
        self._label_cursor(pane, here, row)
        self._say_legend()
        self._show_tooltip(pane, here, at)

    def point_nowhere(self) -> None:
        """Take the crosshair away."""
        self._cursor = None
        self.crosshair.hide()
        for axis in (self.price_axis, self.volume_axis, self.time_axis):
            axis.set_tag("cursor", None)
        self._say_legend()

    def _label_cursor(self, pane: Pane, here: QPointF, row: int) -> None:
        assert self._source is not None
        value = pane.mapSceneToView(here).y()
        for axis, owner in ((self.price_axis, self.prices), (self.volume_axis, self.volumes)):
            axis.set_tag("cursor", Tag(value, axis.text_of(value), "text", False) if owner is pane else None)
        at_s = float(self._source.times(row, row + 1)[0])
        is_day = isinstance(self._source, CandleSource) and self._source.series.interval.seconds >= 86_400
        text = formats.ist_day(at_s) if is_day else formats.ist_moment(at_s)
        if isinstance(self._source, TickSource):
            text = formats.ist_time(at_s)
        self.time_axis.set_tag("cursor", Tag(row, text, "text", False))

    def _show_tooltip(self, pane: Pane, here: QPointF, at: QPoint) -> None:
        inside = here - _place(self.prices).topLeft()
        self._show_hand(inside)
        marker = self.markers.at(inside.x(), inside.y()) if pane is self.prices else None
        if marker is not None and marker.text:
            QToolTip.showText(self.mapToGlobal(at), marker.text, self)
        else:
            QToolTip.hideText()

    def _arrange(self, *_: object) -> None:
        """Fit words and bars to the pane's new size; bars keep their width, so that more room shows more of them."""
        pane = self.prices.boundingRect()
        self.legend.set_room(pane.adjusted(4, 4, -4, -4))
        self.badge.set_room(pane.adjusted(4, 4, -8, -4))
        self.notice.set_room(pane.adjusted(8, 60, -8, -8))
        width, before = float(self.prices.width()), self._width_px
        if width < NARROW_PX:
            return  # a dock being folded: what was shown comes back with its room
        self._width_px = width
        if self._source is not None and before:
            self.window_shown.stretch(width / before)
        elif self._source is not None:
            self.window_shown.place(self._source.end, self._first_bars(self._source))
        self._apply_window()


def _oldest(source: Source) -> float:
    return float(source.times(source.first, source.first + 1)[0]) if source.end > source.first else 0.0


def _place(item: Any) -> QRectF:
    """Where an item stands in the scene."""
    return QRectF(item.sceneBoundingRect())
