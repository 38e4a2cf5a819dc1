"""One chart: its instrument and interval, loading of history, the frame beat, keys and buttons."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Final, Protocol

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPixmap
from PySide6.QtWidgets import QButtonGroup, QMenu, QSplitter, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.bars import BarSeries, TickSeries
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.freshness import OLD, Grade
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval, Mode
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.foldingbar import FoldingBar
from alphapanda_desktop.ui.chart.heikin import HeikinSource
from alphapanda_desktop.ui.chart.items import Marker
from alphapanda_desktop.ui.chart.longer import LongerPane
from alphapanda_desktop.ui.chart.lookmenu import LookMenu
from alphapanda_desktop.ui.chart.orderlines import OrderLine
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.renko import RenkoSource
from alphapanda_desktop.ui.chart.series import CandleSource, TickSource
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.words import say

TICKS: Final = "Tick"
STYLES: Final = {"candles": "Candles", "heikin": "Heikin-Ashi", "renko": "Renko"}
"""How the bars of an interval are drawn, by the name that is kept."""

NO_BARS: Final = "No bars yet: they begin with the first trade."
Choice = Interval | None
"""What a chart is made of: candles of an interval, or None for every tick."""

_names = count(1)


class ChartMarket(Protocol):
    """What a chart asks of the market; trading.market.Market is one."""

    link: LinkReport

    def watch(self, owner: str, instruments: Sequence[Instrument], mode: Mode) -> None: ...

    def unwatch(self, owner: str) -> None: ...

    def age_s(self, instrument_token: int) -> float | None: ...

    def stale(self, instrument_token: int) -> bool: ...

    def grade(self, instrument_token: int) -> Grade: ...

    async def series(self, instrument: Instrument, interval: Interval) -> BarSeries: ...

    def live_series(self, instrument: Instrument, interval: Interval) -> BarSeries: ...

    def tick_series(self, instrument: Instrument) -> TickSeries: ...


def _source_of(series: BarSeries, kind: str, instrument: Instrument) -> CandleSource:
    if kind == "renko":
        return RenkoSource(series, instrument.tick_size)
    return HeikinSource(series) if kind == "heikin" else CandleSource(series)


class ChartView(QWidget):
    """Live chart of one instrument. `interval_changed(str)` gives the label of the interval chosen ("Tick", "5m").

    `instrument_changed()`, `candle_kind_changed(kind)` and `longer_changed(label)` tell what else is shown now.

    `line_moved(OrderLine, price)` asks for an order's line to be elsewhere: answer it with `let_go_of_line`;
    `line_cancelled(OrderLine)` asks for its order's end. `alert_moved` and `alert_removed` are the same of alerts.
    """

    interval_changed = Signal(str)
    line_moved = Signal(object, float)
    line_cancelled = Signal(object)
    alert_moved = Signal(object, float)
    alert_removed = Signal(object)
    instrument_changed = Signal()
    candle_kind_changed = Signal(str)
    longer_changed = Signal(str)

    def __init__(self, edge: Edge, market: ChartMarket, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.instrument: Instrument | None = None
        self.interval: Choice = Interval.MINUTE
        self.candle_kind = "candles"
        self.longer: Interval | None = None
        """The second time frame, beneath."""
        self.below: LongerPane | None = None
        self._edge = edge
        self._market = market
        self._stay = _Stay(market, f"chart {next(_names)}")
        self.plot = Plot(lambda: edge.theme, self)
        self.buttons: dict[str, QToolButton] = {}
        self._build()
        self.plot.grip.moved.connect(self._line_moved)
        self.plot.grip.cancelled.connect(self._line_cancelled)
        self.plot.say_status("Choose an instrument in the watchlist to see its chart.")
        edge.frames.add(self, self._frame)
        self.destroyed.connect(_leaving(self._stay))

    def _build(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.plot.setFocusProxy(self)
        bar = self.bar = FoldingBar(self)
        group = QButtonGroup(self)
        for label, choice in ((TICKS, None), *((i.label, i) for i in Interval)):
            button = self._button(label, f"Candles of {label}" if choice else "Every tick", checkable=True)
            button.clicked.connect(lambda _checked=False, chosen=choice: self.set_interval(chosen))
            group.addButton(button)
            bar.add(button, keep=choice in (None, Interval.MINUTE))
        for button in (*self._scale_buttons(), *self._window_buttons()):
            bar.add(button)
        self.buttons[Interval.MINUTE.label].setChecked(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(bar)
        self._panes = QSplitter(Qt.Orientation.Vertical, self)
        self._panes.setChildrenCollapsible(False)
        self._panes.addWidget(self.plot)
        whole.addWidget(self._panes, 1)

    def _scale_buttons(self) -> list[QToolButton]:
        plot = self.plot
        look = self._button("Look", "How candles are painted")
        self.looks = looks = LookMenu(plot, self)
        look.clicked.connect(lambda: looks.popup(look.mapToGlobal(look.rect().bottomLeft())))
        auto = self._button("Auto", "Fit the price scale to what is visible (A, or double-click it)", checkable=True)
        auto.clicked.connect(plot.set_auto)
        log = self._button("Log", "Logarithmic price scale: equal steps are equal per cents (G)", checkable=True)
        log.clicked.connect(lambda on: plot.set_scale("log" if on else "linear"))
        percent = self._button("%", "Per cent from the first bar in sight (P)", checkable=True)
        percent.clicked.connect(lambda on: plot.set_scale("percent" if on else "linear"))
        plot.scale_changed.connect(self._show_scale)
        self._show_scale()
        return [look, log, percent, auto]

    def _show_scale(self) -> None:
        scale = self.plot.scale
        for text, on in (("Auto", scale.auto), ("Log", scale.kind == "log"), ("%", scale.kind == "percent")):
            self.buttons[text].setChecked(on)

    def _window_buttons(self) -> list[QToolButton]:
        fit = self._button("Fit", "Show all bars (Home, or double-click the chart)")
        fit.clicked.connect(self.plot.fit)
        follow = self._button("Follow", "Stay at the newest bar (End)", checkable=True)
        follow.clicked.connect(self.plot.follow)
        self.plot.follow_changed.connect(follow.setChecked)
        return [fit, follow]

    def _button(self, text: str, tooltip: str, *, checkable: bool = False) -> QToolButton:
        button = QToolButton(self)
        button.setText(say(text))
        button.setToolTip(as_tip(say(tooltip)))
        button.setCheckable(checkable)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.buttons[text] = button
        return button

    def add_button(self, text: str, tooltip: str, work: Callable[[], object]) -> QToolButton:
        """One more button, before those of the scale."""
        button = self._button(text, tooltip)
        button.setAccessibleName(say(text))
        button.clicked.connect(lambda _checked=False: work())
        self.bar.add(button, self.buttons["Look"])
        return button

    def add_menu_button(self, text: str, tooltip: str, menu: QMenu) -> QToolButton:
        """One more button, which shows a menu."""
        button = self.add_button(text, tooltip, lambda: menu.popup(button.mapToGlobal(button.rect().bottomLeft())))
        return button

    # --- what to show

    @property
    def interval_label(self) -> str:
        return self.interval.label if self.interval is not None else TICKS

    def set_candle_kind(self, kind: str) -> None:
        """Draw candles of this kind, one of `STYLES`."""
        if kind != self.candle_kind:
            self.candle_kind = kind
            self._load()
            self._load_longer()
            self.candle_kind_changed.emit(kind)

    def set_longer(self, interval: Interval | None) -> None:
        """Show a second time frame of the instrument beneath; None takes it away."""
        if interval is self.longer:
            return
        self.longer = interval
        if interval is None and self.below is not None:
            below, self.below = self.below, None
            self._stay.below = None
            below.stop_loading()
            below.hide()
            below.deleteLater()
        elif interval is not None and self.below is None:
            self.below = self._stay.below = LongerPane(self._edge, self._market, self.plot, self._panes)
            self._panes.addWidget(self.below)
            self._panes.setSizes([620, 380])
        self._load_longer()
        self.longer_changed.emit(interval.label if interval is not None else "")

    def _load_longer(self) -> None:
        if self.below is not None and self.longer is not None and self.instrument is not None:
            self.below.chart(self.instrument, self.longer, lambda series, of: _source_of(series, self.candle_kind, of))

    def show_instrument(self, instrument: Instrument) -> None:
        """Chart this instrument from now on, in the interval chosen; one that is charted stays as it is."""
        if instrument == self.instrument:
            return
        self.plot.set_markers(())
        self.plot.grip.let_go()
        self.plot.set_lines(())
        self.plot.set_alerts(())
        self.instrument = instrument
        self._market.watch(self._stay.owner, [instrument], Mode.FULL)
        self._load()
        self._load_longer()
        self.instrument_changed.emit()

    def set_interval(self, interval: Choice) -> None:
        """Draw candles of this length, or every tick (None). The one that is shown already is loaded again."""
        self.interval = interval
        label = interval.label if interval else TICKS
        self.buttons[label].setChecked(True)
        self._load()
        self.interval_changed.emit(label)

    def set_markers(self, markers: Sequence[Marker]) -> None:
        """Show these trades of the instrument that is charted."""
        self.plot.set_markers(markers)

    def set_lines(self, lines: Sequence[OrderLine]) -> None:
        """Show these orders of the instrument that is charted."""
        self.plot.set_lines(lines)

    def set_alerts(self, alerts: Sequence[OrderLine]) -> None:
        """Show these alerts of the instrument that is charted."""
        self.plot.set_alerts(alerts)

    def _line_moved(self, line: OrderLine, price: float) -> None:
        (self.alert_moved if line.owner == "alert" else self.line_moved).emit(line, price)

    def _line_cancelled(self, line: OrderLine) -> None:
        (self.alert_removed if line.owner == "alert" else self.line_cancelled).emit(line)

    def let_go_of_line(self) -> None:
        """The moved line was decided on: it stands where its order is."""
        self.plot.grip.let_go()

    def picture(self) -> QPixmap:
        """The panes as they are seen."""
        return self._panes.grab()

    def last_price(self) -> float | None:
        """The newest price drawn, or None."""
        return self.plot.source.last_price() if self.plot.source is not None else None

    def _load(self) -> None:
        self._stay.stop_loading()
        if self.instrument is None:
            return
        if self.interval is None:
            ticks = self._market.tick_series(self.instrument)
            self.plot.show_source(TickSource(ticks), self.instrument, TICKS)
            self.plot.say_status("" if len(ticks) else "waiting for ticks…")
        else:
            series = self._market.live_series(self.instrument, self.interval)
            source = _source_of(series, self.candle_kind, self.instrument)
            words = (
                self.interval.label
                if self.candle_kind == "candles"
                else f"{self.interval.label}  {STYLES[self.candle_kind]}"
            )
            self.plot.show_source(source, self.instrument, words)
            self.plot.say_status("loading history…")
            task = self._edge.spawn("chart history", self._backfill(self.instrument, self.interval))
            task.add_done_callback(self._say_failure)
            self._stay.loading = task
        self._frame()

    async def _backfill(self, instrument: Instrument, interval: Interval) -> None:
        try:
            series = await self._market.series(instrument, interval)
        except AlphaPandaError as error:
            why = str(error).rstrip(".")
            self.plot.say_status(
                f"History could not be loaded: {why}. Live bars go on; press {interval.label} to try again.", "warn"
            )
            return
        self.plot.say_status("" if len(series) else NO_BARS)
        self._frame()

    def _say_failure(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.plot.say_status("History could not be loaded: an error in the program, which is in its log.", "danger")

    # --- once a frame

    def _frame(self) -> None:
        if self.instrument is None:
            return
        source = self.plot.source
        waited = isinstance(source, TickSource) or self.plot.notice.text == NO_BARS
        if waited and source is not None and source.end and self.plot.notice.text:
            self.plot.say_status("")
        self.plot.say_badge(self._badge(self.instrument.instrument_token))
        self.plot.refresh()
        if self.below is not None:
            self.below.frame()

    def _badge(self, token: int) -> str:
        grade = self._market.grade(token)
        if grade not in OLD:
            return ""
        age = self._market.age_s(token)
        closed = grade is Grade.CLOSED
        said = "NO TICKS YET" if age is None else "MARKET CLOSED" if closed else f"STALE {formats.age(age)}"
        state = self._market.link.state
        return said if state is LinkState.UP else f"{said} · feed {state.value}"

    # --- keys and looks

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        below = self.below is not None and self.below.drawn.chosen is not None and self.below.hand
        hands = (below, self.plot.grip, self.plot.hand) if below else (self.plot.grip, self.plot.hand)
        if any(hand.key(event.key(), shifted=shifted) for hand in hands):
            return
        step = self.plot.window_shown.bars / 10
        match event.key():
            case Qt.Key.Key_Left:
                self.plot.pan(-step)
            case Qt.Key.Key_Right:
                self.plot.pan(step)
            case Qt.Key.Key_Plus | Qt.Key.Key_Equal:
                self.plot.zoom(0.8)
            case Qt.Key.Key_Minus:
                self.plot.zoom(1.25)
            case Qt.Key.Key_End:
                self.plot.follow()
            case Qt.Key.Key_Home:
                self.plot.fit()
            case Qt.Key.Key_G:
                self.buttons["Log"].click()
            case Qt.Key.Key_P:
                self.buttons["%"].click()
            case Qt.Key.Key_I if "Indicators" in self.buttons:
                self.buttons["Indicators"].click()
            case Qt.Key.Key_A:
                self.buttons["Auto"].click()
            case _:
                super().keyPressEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "plot"):
            self.plot.spoil()
            if self.below is not None:
                self.below.spoil()


@dataclass
class _Stay:
    """What a chart holds outside itself, and gives back when it is destroyed."""

    market: ChartMarket
    owner: str
    loading: asyncio.Task[None] | None = None
    below: LongerPane | None = None

    def stop_loading(self) -> None:
        if self.loading is not None:
            self.loading.cancel()
            self.loading = None

    def end(self) -> None:
        self.stop_loading()
        if self.below is not None:
            self.below.stop_loading()
        self.market.unwatch(self.owner)


def _leaving(stay: _Stay) -> Callable[..., None]:
    # Not a method of the chart: by the time Qt says "destroyed", the chart's own parts are gone.
    return lambda _gone=None: stay.end()
