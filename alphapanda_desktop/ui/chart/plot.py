"""What a chart shows: which rows and prices of its source, and the words over them; what the mouse does to that.

`refresh` finds out how little of the sheet a tick has changed; panning and zooming make it anew, once a frame, from
what is visible.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.axes import Tag
from alphapanda_desktop.ui.chart.canvas import Zone
from alphapanda_desktop.ui.chart.cursor import caption, readout
from alphapanda_desktop.ui.chart.drawhand import DrawingHand
from alphapanda_desktop.ui.chart.items import Dress, Look, Marker
from alphapanda_desktop.ui.chart.orderlines import LineGrip, OrderLine
from alphapanda_desktop.ui.chart.overlay import Word
from alphapanda_desktop.ui.chart.pane import ScaleKind
from alphapanda_desktop.ui.chart.pointer import Pointer
from alphapanda_desktop.ui.chart.pricescale import LEGEND_PX, PriceScale
from alphapanda_desktop.ui.chart.series import CandleSource, Source, TickSource, Window
from alphapanda_desktop.ui.chart.studies import Study
from alphapanda_desktop.ui.chart.surface import Surface
from alphapanda_desktop.ui.theme import Role

NARROW_PX: Final = 60
"""A pane narrower than this is on its way in or out of sight."""

VOLUME_AIR: Final = 1.05


class _Seen(NamedTuple):
    """The state of a source when it was last looked at."""

    version: int
    first: int
    end: int
    oldest: float
    history: int

    @classmethod
    def of(cls, source: Source) -> _Seen:
        return cls(source.version, source.first, source.end, source.oldest_s, source.history_version)


def _ceiling(volume: float) -> float:
    """Where the scale of volumes ends: in steps, lest the column that grows with every tick moves all others."""
    if volume < 1:
        return 1.0
    step = 10.0 ** math.floor(math.log10(volume)) / 4
    return math.ceil(volume * VOLUME_AIR / step) * step


class Plot(Surface):
    """Draws one source. `refresh` once a frame; nothing else takes new data.

    Signals: `follow_changed(bool)` when panning ends it; `scale_changed()` when kind or automatic did.
    """

    follow_changed = Signal(bool)
    scale_changed = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(look, parent)
        self.window_shown = Window()
        self.scale = PriceScale(self.prices)
        self.grip = LineGrip(self.lines, self._snap, lambda: self.price_axis.finest)
        self.hand = DrawingHand(self.drawn, self._snap, lambda: self.price_axis.finest)
        self._source: Source | None = None
        self._instrument: Instrument | None = None
        self._caption: list[Word] = []
        self._seen = _Seen(-1, 0, 0, 0.0, 0)
        self._width_px = 0
        self.pointer = Pointer(self)
        self._obey_the_mouse()

    # --- what is shown

    @property
    def source(self) -> Source | None:
        return self._source

    @property
    def instrument(self) -> Instrument | None:
        return self._instrument

    def show_source(self, source: Source, instrument: Instrument, interval: str) -> None:
        """Draw another source from now on, at its newest rows."""
        self.glide.stop()
        self._source, self._instrument = source, instrument
        self._caption = caption(instrument, interval)
        self.put_items(source)
        self._set_scale_texts(instrument)
        self.volumes.shown = instrument.tradable and isinstance(source, CandleSource)
        self.last_price.show_price(None, "muted")
        self.price_axis.set_tag("last", None)
        self.scale.auto = True
        self.arrange()
        self._note_width()
        self.window_shown = Window()
        self.window_shown.place(source.end, self._first_bars(source))
        self._seen = _Seen.of(source)._replace(version=-1)
        self._apply_window()
        self.refresh()
        self.follow_changed.emit(True)
        self.scale_changed.emit()

    def _first_bars(self, source: Source) -> float:
        """As many bars as can be told apart at a glance."""
        bar_px = 4.0 if isinstance(source, TickSource) else 8.0
        return min(max(self.prices.width() / bar_px, 40.0), 300.0)

    def _set_scale_texts(self, instrument: Instrument) -> None:
        decimals = instrument.decimals
        text_of = lru_cache(1_000)(lambda price: formats.grouped(price, decimals))
        self.price_axis.text_of = self.lines.words_of = self.drawn.words_of = text_of
        self.price_axis.finest = self.scale.finest = instrument.tick_size or 0.01
        self._make_room_for_prices()

    def _make_room_for_prices(self) -> None:
        price = self._source.last_price() if self._source is not None else None
        known = price or (self._instrument.last_price if self._instrument is not None else 0.0)
        digits = max(5, len(str(int(known))))
        before = self.price_axis.wide
        self.price_axis.set_widest(self.price_axis.text_of(float("8" * digits)))
        if self.price_axis.wide != before:
            self.arrange()
            self._note_width()

    def _note_width(self) -> None:
        width = self.prices.place.width()
        self._width_px = width if width >= NARROW_PX else 0

    def set_dress(self, dress: Dress) -> None:
        """Paint candles so from now on."""
        self.dress.hollow, self.dress.up, self.dress.down = dress.hollow, dress.up, dress.down
        self._say_legend()
        if self._source is not None:
            self._show_last_price(self._source)
        self.spoil()

    # --- once a frame

    def refresh(self) -> None:
        """Take what has changed in the source since the last call; costs nothing where nothing has."""
        source, before = self._source, self._seen
        if source is None or source.version == before.version:
            return
        now = self._seen = _Seen.of(source)
        with self.gathered():
            self._take(source, before, now)
            self._show_last_price(source)
            self._say_legend()

    def _take(self, source: Source, before: _Seen, now: _Seen) -> None:
        if isinstance(source, CandleSource) and now.oldest != before.oldest and before.end > before.first:
            self._rows_came_before(source, before)
        elif now.end != before.end:
            self._rows_came_after(source, before.end)
        elif now.history != before.history:
            self._apply_window()
        else:
            self._last_bar_moved(source)

    def _rows_came_before(self, source: CandleSource, before: _Seen) -> None:
        row = source.row_at(before.oldest)
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

    def _last_bar_moved(self, source: Source) -> None:
        if source.end - 1 > math.ceil(self.window_shown.x1) + source.factor(
            self.window_shown.bars, self.prices.width()
        ):
            return
        prices_moved, volumes_moved = self._rescale()
        if prices_moved:
            self.spoil()
            return
        if volumes_moved:
            self.spoil_part(self.volumes.place.united(self.volume_axis.place))
        for lower in self.studies.fit():
            self.spoil_part(lower.room)
        self.spoil_last_bar()

    def _apply_window(self) -> None:
        window = self.window_shown
        for pane in (self.prices, self.volumes):
            pane.x0, pane.x1 = window.x0, window.x1
        self._rescale()
        self.studies.show_rows(window.x0, window.x1)
        self.studies.fit()
        self.spoil()

    def _rescale(self) -> tuple[bool, bool]:
        """Fit the scales to what is visible; whether those of prices and volume moved."""
        source, window = self._source, self.window_shown
        if source is None:
            return False, False
        found = source.extremes(window.x0, window.x1, source.factor(window.bars, self.prices.width()))
        self.price_axis.has_prices = self.volume_axis.has_prices = found is not None
        if found is None or source.end == source.first:
            return False, False
        if self.scale.kind == "percent":
            self._rebase(source)
        moved = self.scale.fit(found.low, found.high)
        return moved, self.volumes.set_prices(0.0, _ceiling(found.volume))

    def _rebase(self, source: Source) -> None:
        """Per cents are counted from the first bar in sight."""
        first = min(max(math.ceil(self.window_shown.x0), source.first), source.end - 1)
        self.price_axis.base = source.price_of(first)

    def _show_last_price(self, source: Source) -> None:
        price, instrument = source.last_price(), self._instrument
        if price is None or instrument is None:
            return
        role: Role = "accent"
        if isinstance(source, CandleSource):
            role = self.dress.up if price >= source.series.columns.open.item(source.end - 1) else self.dress.down
        if self.badge.text:
            role = "muted"
        self.last_price.show_price(price, role)
        self.price_axis.set_tag("last", Tag(price, self.price_axis.words_of(price), role))

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
        if source is not None and instrument is not None:
            row = self.pointer.row if self.pointer.row is not None else source.end - 1
            row = min(max(row, source.first), source.end - 1)
            values = readout(source, row, instrument.decimals, self.dress.up, self.dress.down)
            said = self.studies.say(row, self.price_axis.text_of) if self.studies.wanted and source.end else ()
            self.legend.say(self._caption, values, *said)

    # --- the window over the bars

    def pan(self, bars: float) -> None:
        """Move right by so many bars."""
        if self._source is not None:
            self.window_shown.pan(bars, self._source.first, self._source.end)
            self._window_moved()

    def zoom(self, factor: float, anchor: float | None = None) -> None:
        """Show `factor` times as many bars around `anchor`, by default around the newest or the middle one."""
        if self._source is not None:
            window, first, end = self.window_shown, self._source.first, self._source.end
            if anchor is None and window.follows:
                window.zoom_following(factor, first, end)
            else:
                window.zoom(factor, (window.x0 + window.x1) / 2 if anchor is None else anchor, first, end)
            self._window_moved()

    def fit(self) -> None:
        """Show all rows, with the scale that fits them."""
        if self._source is not None:
            self.glide.stop()
            self.window_shown.fit(self._source.first, self._source.end)
            self.set_auto(True)
            self._window_moved()

    def follow(self) -> None:
        """Stick to the newest bar."""
        if self._source is not None:
            self.glide.stop()
            self.window_shown.follow(self._source.end)
            self._window_moved()

    def _window_moved(self) -> None:
        self._apply_window()
        self.pointer.repoint()
        self._say_legend()
        self.follow_changed.emit(self.window_shown.follows)

    # --- the price scale

    def set_scale(self, kind: ScaleKind) -> None:
        """Even, logarithmic, or even with per cents from the first bar in sight."""
        self.scale.kind = self.price_axis.kind = kind
        self._scale_moved()

    def set_auto(self, auto: bool) -> None:
        """Whether the scale fits itself to what is visible."""
        self.scale.auto = auto
        self._scale_moved()

    def stretch_prices(self, dy: float) -> None:
        """Show more (downwards) or fewer prices in the same room; the scale is the hand's from then on."""
        self.scale.stretch(dy)
        self._scale_moved()

    def _scale_moved(self) -> None:
        self._apply_window()
        if self._source is not None:
            self._show_last_price(self._source)
        self.pointer.repoint()
        self.scale_changed.emit()

    def set_studies(self, studies: Sequence[Study]) -> None:
        """Show these indicators from now on; where ticks are drawn they wait for candles."""
        if tuple(studies) != self.studies.wanted:
            self.studies.wanted = tuple(studies)
            self.put_studies(self._source)
            self.scale.head_px = LEGEND_PX + self._words.height * sum(study.over for study in studies)
            self.arrange()
            self._apply_window()
            self._say_legend()
            self.pointer.repoint()

    def show_profile(self, shown: bool) -> None:
        """Whether the volume by price of the bars in sight is shown behind them."""
        self.profile.shown = shown
        self.spoil()

    def set_markers(self, markers: Sequence[Marker]) -> None:
        """Show these trades."""
        if tuple(markers) != self.markers.markers:
            self.markers.set_markers(markers)
            self.spoil()

    def set_lines(self, lines: Sequence[OrderLine]) -> None:
        """Show these orders; what they are called on the scale moves with them."""
        self._put_lines([line for line in self.lines.lines if line.owner == "alert"], lines)

    def set_alerts(self, alerts: Sequence[OrderLine]) -> None:
        """Show these alerts, beside the orders."""
        self._put_lines(alerts, [line for line in self.lines.lines if line.owner != "alert"])

    def _put_lines(self, alerts: Sequence[OrderLine], orders: Sequence[OrderLine]) -> None:
        lines = [*orders, *alerts]
        kept = {line.name for line in lines}
        for line in self.lines.lines:
            if line.name not in kept:
                self.price_axis.set_tag(line.name, None)
        for line in lines:
            self.price_axis.set_tag(line.name, Tag(line.price, self.price_axis.text_of(line.price), line.role, False))
        self.lines.set_lines(lines)

    def _snap(self, price: float) -> float:
        return self._instrument.snap(price) if self._instrument is not None else price

    # --- the mouse

    def _obey_the_mouse(self) -> None:
        self.dragged.connect(self._drag)
        self.wheeled.connect(lambda factor, at: self.zoom(factor, self.prices.row_at(at.x())))
        self.double_clicked.connect(self._double_click)
        self.pointed.connect(self.point_at)
        self.left.connect(self.point_nowhere)

    def _drag(self, zone: Zone, dx: float, dy: float) -> None:
        if zone == "price axis":
            self.stretch_prices(dy)
        elif zone == "time axis":
            self.zoom(2.0 ** (-dx / 200.0))
        elif zone == "panes":
            before = self.window_shown.x0
            if not self.scale.auto and dy:
                self.scale.shift(dy)
            self.pan(-dx / self.prices.bar_px)
            if self.glide.active and self.window_shown.x0 == before:
                self.glide.stop()

    def _double_click(self, zone: Zone) -> None:
        if zone == "price axis":
            self.set_auto(True)
        else:
            self.fit()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        at = event.position()
        if event.button() != Qt.MouseButton.LeftButton or not self._taken(at.x(), at.y()):
            super().mousePressEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """A line that was clicked and is pulled at once is pulled: the chart is not fitted from under it."""
        at = event.position()
        pulls = event.button() == Qt.MouseButton.LeftButton and self.hand.tool is None
        if not pulls or not self._taken(at.x(), at.y()):
            super().mouseDoubleClickEvent(event)

    def _taken(self, x: float, y: float) -> bool:
        """Whether the mouse took something that lies over the data: an order's line before a drawing."""
        if not self.prices.place.contains(math.floor(x), math.floor(y)):
            return self.grip.press(x, y)
        draws = self.hand.tool is not None or self.hand.holding
        return self.hand.press(x, y) if draws else self.grip.press(x, y) or self.hand.press(x, y)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self.grip.holding:
            self.grip.drag(self.prices.price_at(event.position().y()))
        if self.hand.holding:
            self.hand.move(event.position().x(), event.position().y())
        super().mouseMoveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self.grip.release()
        self.hand.release(event.position().x(), event.position().y())
        super().mouseReleaseEvent(event)

    def point_at(self, at: QPoint) -> None:
        """Put the crosshair at a pixel of the widget."""
        with self.gathered():
            self.pointer.point_at(at)
            self._say_legend()

    def point_nowhere(self) -> None:
        """Take the crosshair away."""
        self.pointer.point_nowhere()
        self._say_legend()

    # --- room

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Bars keep their width when the pane's changes, so that more room shows more of them."""
        super().resizeEvent(event)
        if not hasattr(self, "pointer") or self.prices.place.width() < NARROW_PX:
            return  # being made; or a dock being folded: what was shown comes back with its room
        before, self._width_px = self._width_px, self.prices.place.width()
        if self._source is None:
            return
        if before:
            self.window_shown.stretch(self._width_px / before)
        else:
            self.window_shown.place(self._source.end, self._first_bars(self._source))
        self._apply_window()
