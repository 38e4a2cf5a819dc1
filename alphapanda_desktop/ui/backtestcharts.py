"""The charts of a backtest on the program's own chart engine: equity over drawdown, and the price with its trades."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from PySide6.QtCore import QPointF, QRect, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QPen, QResizeEvent
from PySide6.QtWidgets import QSplitter, QVBoxLayout, QWidget

from alphapanda_desktop.backtest.orders import Execution
from alphapanda_desktop.backtest.statistics import Equity, drawdown_of
from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.cursor import CURVES
from alphapanda_desktop.ui.chart.items import Item, Marker, sunk
from alphapanda_desktop.ui.chart.overlay import Word
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.series import CandleSource, CurveSource, Floats, Source
from alphapanda_desktop.ui.chart.strokes import Lines, Rects
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.theme import Role, Theme
from alphapanda_desktop.ui.words import say

MOST_MARKERS: Final = 400
"""Trades drawn at once; of more, none is told from another."""

NEAR: Final = 3.0
"""A trade is shown with so many times its own bars around it."""


class CurveItem(Item):
    """A line through each figure, as a stripe from lowest to highest where rows are denser than pixels."""

    def __init__(self, source: CurveSource, role: Role) -> None:
        self._source = source
        self._role = role
        self._line = Lines()

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        factor = self._source.factor(pane.x1 - pane.x0, pane.width())
        x, low, high = self._source.groups(pane.x0, pane.x1, factor)
        if len(x) < 2:
            return
        across = np.repeat(np.floor(pane.px(x)) + 0.5, 2)[: 2 * len(x)]
        heights = np.floor(pane.py(np.stack((low, high), axis=1).reshape(-1))) + 0.5
        self._line.set(across[:-1], heights[:-1], across[1:], heights[1:])
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, factor == 1)
        painter.setPen(QPen(theme.colour(self._role), 1.4 if factor == 1 else 1.0))
        self._line.paint(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


class DepthItem(Item):
    """How deep a figure lies below nought, filled from above."""

    def __init__(self, source: CurveSource) -> None:
        self._source = source
        self._columns = Rects()

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        factor = self._source.factor(pane.x1 - pane.x0, pane.width())
        x, low, _ = self._source.groups(pane.x0, pane.x1, factor)
        if not len(x):
            return
        left = np.floor(pane.px(x - factor / 2))
        right = np.append(left[1:], math.floor(pane.px(x[-1] + factor / 2)))
        top = math.floor(float(pane.py(0.0)))
        self._columns.set(
            left, np.full_like(left, top), np.maximum(right - left, 1), np.maximum(np.floor(pane.py(low)) - top, 1)
        )
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(sunk(theme, "down", 0.45))
        self._columns.paint(painter)


class Held(NamedTuple):
    """From where to where a position was held: epoch seconds and prices; whether it won."""

    first_s: float
    first_price: float
    last_s: float
    last_price: float
    won: bool


class HeldItem(Item):
    """A line from the entry to the exit of the trade that is looked at, and the bars between them tinted."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.held: Held | None = None

    def draw(self, painter: QPainter, pane: Pane, theme: Theme, part: QRect) -> None:
        held = self.held
        rows = [self._source.row_at(at_s) for at_s in (held.first_s, held.last_s)] if held is not None else []
        if held is None or None in rows:
            return
        x0, x1 = (math.floor(pane.px(row)) for row in rows)
        role: Role = "up" if held.won else "down"
        painter.fillRect(x0, pane.place.top(), max(1, x1 - x0), pane.place.height(), sunk(theme, role, 0.1))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(theme.colour(role), 1.4, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x0, pane.py(held.first_price)), QPointF(x1, pane.py(held.last_price)))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)


class CurvePlot(Plot):
    """A chart of figures instead of prices. Signal: `window_moved()` when other rows came into sight."""

    window_moved = Signal()

    def __init__(self, edge: Edge, name: str, parent: QWidget | None = None, *, filled: bool = False) -> None:
        super().__init__(lambda: edge.theme, parent)
        self._filled = filled
        self._text_of: Callable[[float], str] = formats.grouped
        self.setObjectName(name)

    def show_curve(self, source: CurveSource, title: str, finest: float, beside: Sequence[str] = ()) -> None:
        """Draw this one, all of it, under that title; `beside` names the lines that share its pane."""
        self._text_of = source.text_of
        self.show_source(source, _named(title, finest), "")
        names = (title, *beside)
        self._caption = [Word(name, role if beside else "text") for name, role in zip(names, CURVES, strict=False)]
        self.fit()

    def put_items(self, source: Source) -> None:
        super().put_items(source)
        if isinstance(source, CurveSource):
            made: list[Item] = [
                CurveItem(one, role) for one, role in zip((source, *source.beside), CURVES, strict=False)
            ]
            if self._filled:
                made = [DepthItem(source)]
            self._items = ([self._grids[0], *made], [])

    def _set_scale_texts(self, instrument: Instrument) -> None:
        self.price_axis.text_of = self.lines.words_of = lru_cache(1_000)(self._text_of)
        self.price_axis.finest = self.scale.finest = instrument.tick_size
        self._make_room_for_prices()

    def _make_room_for_prices(self) -> None:
        self.price_axis.set_widest(formats.grouped(88_88_88_888))
        self.arrange()
        self._note_width()

    def _window_moved(self) -> None:
        super()._window_moved()
        self.window_moved.emit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        had_room = not hasattr(self, "pointer") or bool(self._width_px)  # the engine resizes it while it is being made
        super().resizeEvent(event)
        if not had_room and self._width_px:
            self.fit()  # what was to be shown whole was shown before there was any room

    def look_at(self, x0: float, x1: float) -> None:
        """Show these rows, without telling that they moved."""
        window = self.window_shown
        if (window.x0, window.x1) != (x0, x1):
            window.x0, window.x1 = x0, x1
            self._apply_window()


class EquityCharts(QWidget):
    """The account bar by bar, and beneath it how far it lay below its highest; both show the same days."""

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.equity = CurvePlot(edge, "backtest_equity", self)
        self.drawdown = CurvePlot(edge, "backtest_drawdown", self, filled=True)
        self.equity.setAccessibleName(say("Equity"))
        self.drawdown.setAccessibleName(say("Drawdown"))
        self.equity.window_moved.connect(lambda: self._follow(self.equity, self.drawdown))
        self.drawdown.window_moved.connect(lambda: self._follow(self.drawdown, self.equity))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.addWidget(self.equity)
        split.addWidget(self.drawdown)
        split.setSizes([300, 120])
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(split)

    def show_one(self, equity: Equity) -> None:
        """The equity in rupees."""
        at_s = equity.at_s.astype(np.float64)
        self.equity.show_curve(CurveSource(at_s, equity.worth / RUPEE, formats.rupees), say("Equity, ₹"), 1.0)
        self._show_drawdown(at_s, drawdown_of(equity.worth) * 100)

    def show_two(self, one: tuple[str, Equity, int], other: tuple[str, Equity, int]) -> None:
        """Two of them side by side, each by name, equity and opening cash: their returns from day to day in per cent.

        The drawdown is that of the first.
        """
        days, values = together([one[1:], other[1:]])
        at_s = days * 86_400.0 + 36_000.0  # an hour of the day at which India's date is UTC's
        second = CurveSource(at_s, values[1], _percent)
        self.equity.show_curve(CurveSource(at_s, values[0], _percent, (second,)), one[0], 0.01, [other[0]])
        worth = 1 + values[0] / 100
        self._show_drawdown(at_s, (worth / np.maximum.accumulate(worth) - 1) * 100)

    def _show_drawdown(self, at_s: Floats, depth: Floats) -> None:
        self.drawdown.show_curve(CurveSource(at_s, depth, _percent, reaches=0.0), say("Drawdown bar by bar, %"), 0.01)

    def _follow(self, moved: CurvePlot, other: CurvePlot) -> None:
        other.look_at(moved.window_shown.x0, moved.window_shown.x1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not window_key(self.equity, event):
            super().keyPressEvent(event)


class PricePlot(Plot):
    """The bars that were played, with what was bought and sold on them."""

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(lambda: edge.theme, parent)
        self.shown: object = None
        """What is drawn, for its owner to know by."""
        self._fills: list[Execution] = []
        self._at_s = np.empty(0)
        self.setObjectName("backtest_price")
        self.setAccessibleName(say("Price with trades"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def show_bars(self, instrument: Instrument, bars: BarSeries, executions: Sequence[Execution]) -> None:
        """Draw this instrument's bars, and its executions among these."""
        self._fills = [fill for fill in executions if fill.key == instrument.key]
        self._at_s = np.array([fill.at_s for fill in self._fills], np.float64)
        self.show_source(CandleSource(bars), instrument, bars.interval.label)
        self._choose_markers()

    def put_items(self, source: Source) -> None:
        super().put_items(source)
        prices, volumes = self._items
        self._held = HeldItem(source)
        self._items = ([prices[0], self._held, *prices[1:]], volumes)

    def show_held(self, held: Held) -> None:
        """Mark this trade, and bring it into the middle with what is around it."""
        source = self.source
        rows = [source.row_at(at_s) for at_s in (held.first_s, held.last_s)] if source is not None else []
        if not rows:
            return
        self._held.held = held
        first, last = (row or 0 for row in rows)
        half = max(30.0, NEAR * (last - first) / 2)
        window, middle = self.window_shown, (first + last) / 2
        window.x0, window.x1 = middle - half, middle + half
        self.set_auto(True)
        window.follows = False
        self._window_moved()

    def _apply_window(self) -> None:
        super()._apply_window()
        if hasattr(self, "_fills"):
            self._choose_markers()

    def _choose_markers(self) -> None:
        """Markers of what is in sight alone, made now; none where they would lie on one another."""
        source, instrument = self.source, self.instrument
        if source is None or instrument is None or not source.end:
            return
        row0, row1 = (min(max(int(x), 0), source.end - 1) for x in (self.window_shown.x0, self.window_shown.x1 + 1))
        times = (float(source.times(row, row + 1)[0]) for row in (row0, row1))
        low, high = np.searchsorted(self._at_s, tuple(times))
        shown = self._fills[max(0, low - 1) : high + 1]
        self.set_markers([_marker(fill, instrument) for fill in shown] if len(shown) <= MOST_MARKERS else ())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not window_key(self, event):
            super().keyPressEvent(event)


def window_key(plot: Plot, event: QKeyEvent) -> bool:
    """Move the window over the bars by a key, as the live chart does; whether it was such a key."""
    step = plot.window_shown.bars / 10
    match event.key():
        case Qt.Key.Key_Left:
            plot.pan(-step)
        case Qt.Key.Key_Right:
            plot.pan(step)
        case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
            plot.zoom(0.8)
        case Qt.Key.Key_Minus:
            plot.zoom(1.25)
        case Qt.Key.Key_Home:
            plot.fit()
        case Qt.Key.Key_End:
            plot.follow()
        case _:
            return False
    return True


def together(equities: Sequence[tuple[Equity, int]]) -> tuple[Floats, list[Floats]]:
    """Days since 1970 on which any of them stands, and the return in per cent of each since its opening cash.

    Each holds its last value on days that it does not know, and 0 before its first.
    """
    daily = [equity.daily(opening) for equity, opening in equities]
    days = np.unique(np.concatenate([own for own, _ in daily])).astype(np.float64)
    values = []
    for own, worth in daily:
        rows = np.searchsorted(own, days, side="right")
        values.append((worth[rows] / worth[0] - 1) * 100)
    return days, values


def _percent(value: float) -> str:
    return f"{formats.grouped(value, 2)} %"


def _named(title: str, finest: float) -> Instrument:
    """What a plot takes a name and a scale from."""
    return Instrument(0, 0, title, title, 0.0, None, 0.0, finest, 1, "", "INDICES", "")


def _marker(fill: Execution, instrument: Instrument) -> Marker:
    side: Side = "BUY" if fill.sign > 0 else "SELL"
    price = formats.price(fill.price, instrument.decimals)
    return Marker(fill.at_s, fill.price, side, f"{side} {formats.grouped(fill.quantity)} @ {price}\n{fill.reason}")
