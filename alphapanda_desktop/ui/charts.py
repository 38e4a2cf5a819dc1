"""All charts of a desk: the one in the middle, and those in docks, each with its own interval, kind and indicators.

Charts of one colour show one instrument. The Chart menu is of the chart that had the keyboard last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt, Signal

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.portfolio import Gtt
from alphapanda_desktop.trading.shedding import Kind
from alphapanda_desktop.ui.chart.chartbook import Aside, ChartBook
from alphapanda_desktop.ui.chart.drawings import Drawing
from alphapanda_desktop.ui.chart.studies import Study
from alphapanda_desktop.ui.chart.view import STYLES, TICKS, ChartView
from alphapanda_desktop.ui.chartorders import ChartOrders
from alphapanda_desktop.ui.charttools import ChartTools, equip
from alphapanda_desktop.ui.dockplan import CENTRE
from alphapanda_desktop.ui.edge import Edge, Notify, ended
from alphapanda_desktop.ui.links import LinkChip, LinkMenu
from alphapanda_desktop.ui.words import say
from alphapanda_desktop.ui.workspaces import ChartRecord

if TYPE_CHECKING:
    from alphapanda_desktop.ui.docks import Dock
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

INTERVALS: Final = {TICKS: None, **{interval.label: interval for interval in Interval}}
FIRST_LINK: Final = 1
MOST: Final = 16
"""Each chart draws sixty times a second; more than these would slow down all of them."""


class OwnPage(ChartBook):
    """Indicators and looks of one chart; templates and drawings are those of all charts."""

    def __init__(self, whole: ChartBook, path: Path, tell: Notify, aside: Aside) -> None:
        super().__init__(path, tell, aside)
        self._whole = whole

    def templates(self) -> list[str]:
        return self._whole.templates()

    def template(self, name: str) -> list[Study]:
        return self._whole.template(name)

    def keep_template(self, name: str, studies: Sequence[Study]) -> None:
        self._whole.keep_template(name, studies)

    def layouts(self) -> list[str]:
        return self._whole.layouts()

    def layout(self, name: str) -> Mapping[str, object]:
        return self._whole.layout(name)

    def keep_layout(self, name: str, layout: Mapping[str, object]) -> None:
        self._whole.keep_layout(name, layout)

    def drawings(self, key: str) -> list[Drawing]:
        return self._whole.drawings(key)

    def keep_drawings(self, key: str, drawings: Sequence[Drawing]) -> None:
        self._whole.keep_drawings(key, drawings)


@dataclass(eq=False)
class Pane:
    """One chart with all that belongs to it; `dock` is None for the one in the middle."""

    name: str
    chart: ChartView
    tools: ChartTools
    lines: ChartOrders
    links: LinkMenu
    book: ChartBook
    dock: Dock | None = None

    @property
    def link(self) -> int:
        return self.links.link

    def record(self) -> ChartRecord:
        """How it is left."""
        chart = self.chart
        key = chart.instrument.key if chart.instrument is not None else ""
        return ChartRecord(self.name, key, chart.interval_label, chart.candle_kind, self.link)

    def follow(self, record: ChartRecord) -> None:
        """Be as it was left, but for the instrument."""
        if record.interval in INTERVALS and record.interval != self.chart.interval_label:
            self.chart.set_interval(INTERVALS[record.interval])
        if record.kind in STYLES:
            self.chart.set_candle_kind(record.kind)
        self.links.show_link(record.link)


class Charts(QObject):
    """Makes and closes charts; owned by the window. Signals: `opened(pane)`, `changed()` after one came or went.

    `closed(pane)` once a person has closed one for good.
    """

    opened = Signal(object)
    closed = Signal(object)
    changed = Signal()

    def __init__(self, window: MainWindow, main: ChartView, parts: DeskParts, edge: Edge) -> None:
        super().__init__(main)
        self._window, self._parts, self._edge = window, parts, edge
        self._folder = Path(parts.database).parent
        self._book = ChartBook(self._folder / f"charts-{parts.mode}.json", edge.notify, self._aside)
        self._pages: dict[str, OwnPage] = {}
        """By name of the chart. One that comes again finds its page, whether or not the disk has it by then."""
        self._gtts: list[Gtt] = []
        self.main = self._equipped(CENTRE, main, self._book)
        self.main.links.show_link(FIRST_LINK)
        self._panes = {CENTRE: self.main}
        self.active = self.main
        self.watchlist = LinkMenu(say("Colour of the &watchlist"), edge, window)
        self.watchlist.show_link(FIRST_LINK)

    def __iter__(self) -> Iterator[Pane]:
        return iter([pane for pane in self._panes.values() if shiboken6.isValid(pane.chart)])

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def find(self, name: str) -> Pane | None:
        """The chart of that dock."""
        return next((pane for pane in self if pane.name == name), None)

    # --- making and closing

    def open(self, record: ChartRecord) -> Pane | None:
        """One more chart in a dock, as it was left; None where there are too many, which is told."""
        if len(self) >= MOST:
            self._edge.notify(
                say(f"{MOST} charts are open, which is as many as are drawn well: close one first."), "warning"
            )
            return None
        chart = ChartView(self._edge, self._parts.market, self._window)
        pane = self._equipped(record.name, chart, self._page(record.name))
        pane.follow(record)
        pane.dock = self._window.dock(
            record.name, say("Chart"), chart, Qt.DockWidgetArea.NoDockWidgetArea, passing=True
        )
        self._panes[record.name] = pane
        chart.instrument_changed.connect(partial(self._entitle, pane))
        chart.interval_changed.connect(lambda _label: self._entitle(pane))
        chart.destroyed.connect(partial(_gone, pane.tools.menu))
        pane.dock.closed.connect(partial(self._closed, pane))
        instrument = self._parts.market.master.by_key(record.key) if record.key else None
        if instrument is not None:
            chart.show_instrument(instrument)
        self._entitle(pane)
        self.opened.emit(pane)
        self.changed.emit()
        return pane

    def _equipped(self, name: str, chart: ChartView, book: ChartBook) -> Pane:
        parts, edge = self._parts, self._edge
        chart.setAccessibleName(say("Chart"))
        tools = equip(self._window, chart, parts, edge, book)
        lines = ChartOrders(chart, parts.desk, parts.mode, edge, parts.gtts)
        lines.take_gtts(self._gtts)
        links = LinkMenu(say("&Colour of the chart"), edge, chart)
        pane = Pane(name, chart, tools, lines, links, book)
        links.chosen.connect(partial(self._linked, pane))
        chart.bar.add(LinkChip(links, chart), chart.buttons[TICKS], keep=True)
        tools.menu.addMenu(links)
        tools.menu.menuAction().setVisible(name == CENTRE)
        tools.drawings_kept.connect(partial(self._drawn, pane))
        edge.frames.draws(chart, Kind.CHART)
        chart.installEventFilter(self)
        return pane

    def _page(self, name: str) -> OwnPage:
        path = self._folder / "charts" / f"{self._parts.mode}-{name}.json"
        known = self._pages.get(name)
        return known or self._pages.setdefault(name, OwnPage(self._book, path, self._edge.notify, self._aside))

    def _aside(self, write: Callable[[], None]) -> None:
        """Begin at once, also where the desk is about to be left; what goes wrong is told."""
        self._edge.spawn("keep the chart", ended(self._parts.aside("chart", write)))

    def close_all(self, but: Iterable[str] = ()) -> None:
        """Take the charts in docks away, to be opened again as they were; not those of these names."""
        keep = {CENTRE, *but}
        for pane in [pane for pane in self if pane.name not in keep]:
            self._drop(pane)
            self._window.dockyard().remove(pane.name)

    def _closed(self, pane: Pane) -> None:
        """By a person: what was put on it is not needed again unless another workspace has it."""
        if self._panes.get(pane.name) is pane:
            self._drop(pane)
            self.changed.emit()
            self.closed.emit(pane)

    def _drop(self, pane: Pane) -> None:
        self._panes.pop(pane.name, None)
        if self.active is pane:
            self._activate(self.main)
        if shiboken6.isValid(pane.tools.menu):
            self._window.menuBar().removeAction(pane.tools.menu.menuAction())
            pane.tools.menu.deleteLater()

    def _entitle(self, pane: Pane) -> None:
        if pane.dock is not None and pane.dock.alive:
            instrument = pane.chart.instrument
            words = instrument.tradingsymbol if instrument is not None else say("Chart")
            pane.dock.set_title(f"{words} {pane.chart.interval_label}")

    # --- links

    def show(self, instrument: Instrument) -> None:
        """On the chart in the middle, and on those of its colour."""
        self.main.chart.show_instrument(instrument)
        self.show_linked(instrument, self.main.link)

    def show_linked(self, instrument: Instrument, link: int) -> bool:
        """On all charts of that colour; whether the one in the middle is one of them."""
        for pane in self:
            if link and pane.link == link:
                pane.chart.show_instrument(instrument)
        return bool(link) and self.main.link == link

    def put_on(self, pane: Pane, instrument: Instrument) -> None:
        """On that chart, and on those of its colour."""
        pane.chart.show_instrument(instrument)
        self.show_linked(instrument, pane.link)

    def _linked(self, pane: Pane, link: int) -> None:
        """A chart that gets a colour shows what that colour shows."""
        mates = (mate.chart.instrument for mate in self if mate is not pane and link and mate.link == link)
        instrument = next((found for found in mates if found is not None), None)
        if instrument is not None:
            pane.chart.show_instrument(instrument)
        self.changed.emit()

    # --- what is the same on all of them

    def take_gtts(self, gtts: Iterable[Gtt]) -> None:
        """These wait at the broker now."""
        self._gtts = list(gtts)
        for pane in self:
            pane.lines.take_gtts(self._gtts)

    def _drawn(self, source: Pane, key: str) -> None:
        for pane in self:
            if pane is not source and pane.chart.instrument is not None and pane.chart.instrument.key == key:
                pane.tools.show_drawings()

    # --- which has the menu

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusIn:
            pane = next((pane for pane in self if pane.chart is watched), None)
            if pane is not None:
                self._activate(pane)
        return False

    def _activate(self, pane: Pane) -> None:
        self.active = pane
        for other in self:
            if shiboken6.isValid(other.tools.menu):
                other.tools.menu.menuAction().setVisible(other is pane)


def _gone(menu: QObject, _chart: QObject | None = None) -> None:
    if shiboken6.isValid(menu):
        menu.deleteLater()
