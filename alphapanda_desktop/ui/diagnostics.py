"""How the program itself is doing: times along its path, what waits, what it takes of the computer, and how that went.

It reads once a second, and only while it can be seen.
Object names: `meter_words`, `meter_times`, `meter_stalls`, `diagnostics_facts`, `diagnostics_copy`, `curve_memory`,
`curve_processor`, `curve_lag`, `curve_ticks`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QPushButton, QSplitter, QVBoxLayout, QWidget

from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.meter import EVERY_NS, MeterPanel, duration, words_of
from alphapanda_desktop.ui.sheet import copy_text
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

LOOK_NS: Final = 2 * EVERY_NS
"""Threads, children and queues are looked at this often: the system is asked for them."""


class Fact(NamedTuple):
    """One line: what, and how it stands."""

    name: str
    value: str


class Moment(Protocol):
    """The program at one moment; see `usage.Sample`."""

    @property
    def at_s(self) -> float: ...
    @property
    def memory(self) -> int: ...
    @property
    def processor(self) -> float: ...
    @property
    def lag_ns(self) -> int: ...
    @property
    def ticks_per_s(self) -> float: ...


class Sources(NamedTuple):
    """Where the figures come from. `facts` asks the system: it is called only while somebody looks."""

    facts: Callable[[], Sequence[Fact]]
    samples: Callable[[], Sequence[Moment]]


FACTS: Final[tuple[Column[Fact], ...]] = (
    Column("What", lambda fact: fact.name, width_chars=15),
    Column("Now", lambda fact: fact.value, width_chars=52, tooltip=lambda fact: fact.value),
)

CURVES: Final[tuple[tuple[str, str, Callable[[Moment], float], Callable[[float], str]], ...]] = (
    ("memory", "Memory", lambda m: m.memory / 1e6, lambda v: f"{grouped(v)} MB"),
    ("processor", "Processor", lambda m: 100 * m.processor, lambda v: f"{grouped(v)} %"),
    ("lag", "Loop lag, 99 %", lambda m: m.lag_ns, lambda v: duration(round(v))),
    ("ticks", "Ticks/s", lambda m: m.ticks_per_s, grouped),
)
"""Name, title, figure, and its words."""


class Curve(QWidget):
    """One figure over the last hours, with its last, its least and its most in words."""

    def __init__(self, name: str, title: str, words: Callable[[float], str], edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._title = title
        self._words = words
        self._points: list[tuple[float, float]] = []
        self.setObjectName(f"curve_{name}")
        self.setFont(ui_font(8))
        self.setMinimumHeight(30)
        self.show_points([])

    def sizeHint(self) -> QSize:
        return QSize(320, 44)

    def show_points(self, points: list[tuple[float, float]]) -> None:
        """Seconds since the start, and the figure then."""
        self._points = points
        self.setAccessibleName(say(self.told()))
        self.update()

    def told(self) -> str:
        """All that it shows, in words."""
        if not self._points:
            return f"{say(self._title)}: –"
        values = [value for _at, value in self._points]
        last, least, most = (self._words(value) for value in (values[-1], min(values), max(values)))
        minutes = (self._points[-1][0] - self._points[0][0]) / 60
        return f"{say(self._title)}: {last} ({least} – {most}, {minutes:.0f} min)"

    def paintEvent(self, _event: QPaintEvent) -> None:
        theme, painter = self._edge.theme, QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = painter.fontMetrics().height()
        painter.setPen(theme.colour("muted"))
        words = self.told().rpartition(",")[0] + ")" if self._points else self.told()  # how long it is, the curve shows
        shown = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, self.width() - 16)
        painter.drawText(QRectF(8, 0, self.width() - 16, line), Qt.AlignmentFlag.AlignLeft, shown)
        room = QRectF(8, line + 2, self.width() - 16, self.height() - line - 5)
        painter.setPen(theme.colour("border"))
        painter.drawLine(room.bottomLeft(), room.bottomRight())
        if len(self._points) > 1:
            painter.setPen(QPen(theme.colour("accent"), 1.4))
            painter.drawPolyline(QPolygonF(_fitted(self._points, room)))
        painter.end()


def _fitted(points: list[tuple[float, float]], room: QRectF) -> list[QPointF]:
    """The points in that room, the least at its bottom; what does not change lies in the middle."""
    first, last = points[0][0], points[-1][0]
    values = [value for _at, value in points]
    low, high = min(values), max(values)
    wide, tall = (last - first) or 1.0, high - low
    return [
        QPointF(
            room.left() + (at - first) / wide * room.width(),
            room.bottom() - ((value - low) / tall if tall else 0.5) * room.height(),
        )
        for at, value in points
    ]


class DiagnosticsPanel(QWidget):
    """The meter, and beside it what the program takes of the computer and what waits in it."""

    def __init__(self, edge: Edge, sources: Sources, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edge = edge
        self._sources = sources
        self._looked_ns = 0
        self.meter = MeterPanel(edge, self)
        self.facts: RowModel[Fact] = RowModel(FACTS, key=lambda fact: fact.name, theme=edge.theme, parent=self)
        self.curves: dict[str, Curve] = {}
        split = QSplitter(Qt.Orientation.Horizontal, self)
        split.addWidget(self.meter)
        table = TableView(self.facts, "", split)
        table.setObjectName("diagnostics_facts")
        table.setAccessibleName(say("What the program takes and what waits"))
        split.addWidget(table)
        split.addWidget(self._side(split))
        split.setSizes([800, 400, 280])
        self.meter.split.setSizes([520, 280])
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(split)
        edge.frames.add(self, self._frame)

    def _side(self, parent: QWidget) -> QWidget:
        side = QWidget(parent)
        box = QVBoxLayout(side)
        box.setContentsMargins(0, 2, 4, 4)
        box.setSpacing(2)
        for name, title, _figure, words in CURVES:
            curve = self.curves[name] = Curve(name, title, words, self._edge, side)
            box.addWidget(curve, 1)
        self.copy = QPushButton(say("Copy"), side)
        self.copy.setObjectName("diagnostics_copy")
        self.copy.setAccessibleName(say("Copy all figures"))
        self.copy.setToolTip(say("All of this as text, for a message to support"))
        self.copy.clicked.connect(lambda _checked=False: copy_text(self.told(), self._edge, "What the program takes"))
        box.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignRight)
        return side

    def _frame(self) -> None:
        now_ns = self._edge.meter.now_ns()
        if now_ns - self._looked_ns >= LOOK_NS:
            self._looked_ns = now_ns
            self.refresh()

    def refresh(self) -> None:
        """Ask the system anew."""
        self.facts.update(Fact(say(name), value) for name, value in self._sources.facts())
        samples = self._sources.samples()
        for name, _title, figure, _words in CURVES:
            self.curves[name].show_points([(sample.at_s, figure(sample)) for sample in samples])

    def told(self) -> str:
        """Everything as lines of text, as it is now."""
        self.refresh()
        return "\n".join([report(self._edge.meter, self._sources.facts()), *(c.told() for c in self.curves.values())])


def report(meter: Meter, facts: Sequence[Fact]) -> str:
    """The figures as text, with the time."""
    times = [
        f"{row.name}: half below {duration(row.p50_ns)}, 99 % below {duration(row.p99_ns)}, "
        f"longest {duration(row.worst_ns if row.total else None)}, {grouped(row.total)} measured"
        for row in meter.rows()
    ]
    stalls = [
        f"held {stall.count} times, up to {duration(round(stall.worst_s * 1e9))}: {stall.where}"
        for stall in meter.stalls()
    ]
    lines = [f"AlphaPanda, {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC", words_of(meter), *times, *stalls]
    return "\n".join([*lines, *(f"{fact.name}: {fact.value}" for fact in facts)])
