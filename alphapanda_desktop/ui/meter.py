"""The live meter on the screen: a word in the status bar, and a panel of figures and stalls behind it.

Object names: `meter_chip`, `dock_meter`, `meter_words`, `meter_times`, `meter_stalls`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QSplitter, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.trading.meter import Meter, Row, Stall
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import DASH, grouped
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import say

KEY: Final = "Ctrl+Shift+M"
EVERY_NS: Final = 1_000_000_000
"""Figures are read this often: a person cannot read faster."""
LATE_NS: Final = 50_000_000
"""A time as long as this can be felt."""


def duration(ns: int | None) -> str:
    """A time in the unit that suits it."""
    if ns is None:
        return DASH
    if ns < 1_000_000:
        return f"{grouped(ns / 1e3)} µs"
    return f"{grouped(ns / 1e6, 2 if ns < 10_000_000 else 0)} ms"


def _felt(ns: int | None) -> Role | None:
    return "warn" if ns is not None and ns >= LATE_NS else None


TIMES: Final[tuple[Column[Row], ...]] = (
    Column("Time", lambda row: row.name, width_chars=17),
    Column("Half below", lambda row: row.p50_ns, lambda row: duration(row.p50_ns), "right", 9,
           colour=lambda row: _felt(row.p50_ns), header_tooltip="p50 of the last ten to twenty seconds"),
    Column("99 % below", lambda row: row.p99_ns, lambda row: duration(row.p99_ns), "right", 9,
           colour=lambda row: _felt(row.p99_ns), header_tooltip="p99 of the last ten to twenty seconds"),
    Column("Longest", lambda row: row.worst_ns, lambda row: duration(row.worst_ns if row.total else None), "right", 9,
           colour=lambda row: _felt(row.worst_ns), header_tooltip="Since the program started"),
    Column("Measured", lambda row: row.total, lambda row: grouped(row.total), "right", 9),
)  # fmt: skip

STALLS: Final[tuple[Column[Stall], ...]] = (
    Column("Times", lambda stall: stall.count, lambda stall: grouped(stall.count), "right", 7),
    Column("Longest", lambda stall: stall.worst_s, lambda stall: duration(round(stall.worst_s * 1e9)), "right", 10),
    Column("Together", lambda stall: stall.total_s, lambda stall: duration(round(stall.total_s * 1e9)), "right", 10),
    Column("The loop was held at", lambda stall: stall.where, width_chars=90, tooltip=lambda stall: stall.where),
)


class MeterPanel(QWidget):
    """Times along the path, what waits, what is drawn less often, and where the loop was held."""

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._meter = edge.meter
        self._read_ns = 0
        self.words = Words(self)
        self.words.setObjectName("meter_words")
        self.words.setContentsMargins(8, 4, 8, 4)
        self.times: RowModel[Row] = RowModel(TIMES, key=lambda row: row.name, theme=edge.theme, parent=self)
        self.stalls: RowModel[Stall] = RowModel(STALLS, key=lambda stall: stall.where, theme=edge.theme, parent=self)
        split = self.split = QSplitter(Qt.Orientation.Horizontal, self)
        for name, title, model, empty in (
            ("meter_times", "Times", self.times, ""),
            ("meter_stalls", "Stalls", self.stalls, "The loop was never held longer than 50 ms."),
        ):
            table = TableView(model, empty, split)
            table.setObjectName(name)
            table.setAccessibleName(say(title))
            split.addWidget(table)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.words)
        whole.addWidget(split, 1)
        edge.frames.add(self, self._frame)

    def _frame(self) -> None:
        now_ns = self._meter.now_ns()
        if now_ns - self._read_ns >= EVERY_NS:
            self._read_ns = now_ns
            self.refresh()

    def refresh(self) -> None:
        """Read the meter anew."""
        meter = self._meter
        self.words.setText(say(words_of(meter)))
        self.times.update(meter.rows())
        self.stalls.update(_Seen(stall) for stall in meter.stalls())


class _Seen:
    """A stall as it was when it was read: the watchdog's own goes on counting behind the model's back."""

    def __init__(self, stall: Stall) -> None:
        self.where, self.count = stall.where, stall.count
        self.worst_s, self.total_s = stall.worst_s, stall.total_s


def words_of(meter: Meter) -> str:
    """Rate, what waits, and what is drawn less often."""
    parts = [
        f"{grouped(meter.ticks_per_s())} ticks/s",
        f"{grouped(meter.backlog)} callbacks waiting, {grouped(meter.deepest)} at most",
        f"drawn less often: {meter.shed}" if meter.shed else "everything is drawn as often as it should be",
    ]
    return "   ·   ".join(parts)


class MeterChip(QToolButton):
    """How late the loop is, in a word; what is shed, while anything is. A click opens the meter."""

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._read_ns = 0
        self._shown = ("", "")
        self.setObjectName("meter_chip")
        self.setAccessibleName(say("Loop and shedding"))
        self.setAutoRaise(True)
        self.setFont(ui_font(9))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        edge.frames.add(self, self._frame)
        self.refresh()

    def _frame(self) -> None:
        meter = self._edge.meter
        if meter.now_ns() - self._read_ns >= EVERY_NS or bool(meter.shed) != (self._shown[1] == "warn"):
            self.refresh()

    def refresh(self) -> None:
        """Read the meter anew."""
        meter = self._edge.meter
        self._read_ns = meter.now_ns()
        (p99_ns,) = meter.lag.quantiles(0.99)
        role: Role = "warn" if meter.shed else "muted"
        text = f"SHEDDING: {meter.shed}" if meter.shed else f"loop {duration(p99_ns)}"
        if (text, role) != self._shown:
            self._shown = (text, role)
            self.setText(say(text))
            self.setStyleSheet(f"QToolButton{{color:{self._edge.theme.colour(role).name()};border:none;}}")
            self.setToolTip(say("99 % of the loop's beats come no later than this. Press for the meter."))


class Shown(Protocol):
    """A dock: brought back, and before the others of its place."""

    def show(self) -> None: ...
    def raise_(self) -> None: ...


class MeterDock:
    """The chip in a window's status bar and the figures in its View menu; the panel is made when it is asked for.

    `make` gives the panel, `dock` a place for it: name, title, widget, area. Owned by the window.
    """

    def __init__(
        self,
        window: QMainWindow,
        edge: Edge,
        view_menu: QMenu | None,
        make: Callable[[], QWidget],
        dock: Callable[[str, str, QWidget, Qt.DockWidgetArea], Shown],
    ) -> None:
        self._make = make
        self._place = dock
        self.dock: Shown | None = None
        self.chip = MeterChip(edge, window)
        self.chip.clicked.connect(lambda _checked=False: self.show())
        window.statusBar().addPermanentWidget(self.chip)
        if view_menu is not None:
            action = view_menu.addAction(say("&Diagnostics: times, queues, memory"))
            action.setObjectName("meter_action")
            action.setShortcut(QKeySequence(KEY))
            action.triggered.connect(lambda _checked=False: self.show())

    def show(self) -> None:
        """Bring the figures up, below."""
        if self.dock is None:
            below = Qt.DockWidgetArea.BottomDockWidgetArea
            self.dock = self._place("meter", say("Diagnostics"), self._make(), below)
        self.dock.show()
        self.dock.raise_()
