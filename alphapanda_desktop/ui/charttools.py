"""What a person puts on one chart: its menus, the indicators' sheet, drawings by instrument, a picture of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QLineEdit, QMenu, QWidget

from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.alertlines import AlertLines
from alphapanda_desktop.ui.chart.chartbook import ChartBook
from alphapanda_desktop.ui.chart.drawings import KINDS, TITLES, Anchor, Drawing, Kind
from alphapanda_desktop.ui.chart.layouts import ChartLayout
from alphapanda_desktop.ui.chart.view import STYLES, ChartView
from alphapanda_desktop.ui.chartlayouts import LayoutMenu, LongerMenu
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.sheet import Sheet
from alphapanda_desktop.ui.studysheet import AlertOn, StudySheet
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.domain.instruments import Instrument
    from alphapanda_desktop.ui.chart.studies import Study
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

PICTURES: Final = "pictures"
"""Folder beside the journal in which pictures of charts are saved."""

WORDS_PX: Final = 220

MENU: Final = "chart_menu"

Lay = Callable[[str, Callable[[], Sheet]], object]
"""Lays the open sheet of that name, or a new one, on top."""


class ChartTools(QObject):
    """Equips one chart; owned by it. `book` keeps what is put on it.

    Signal: `drawings_kept(key)` after a person drew on that instrument.
    """

    drawings_kept = Signal(str)

    def __init__(
        self,
        chart: ChartView,
        book: ChartBook,
        folder: Path,
        lay: Lay,
        edge: Edge,
        alert_at: Callable[[float], object] | None = None,
        bar: QWidget | None = None,
        alert_on: AlertOn | None = None,
    ) -> None:
        super().__init__(chart)
        self._alert_on = alert_on
        self._alert_at = alert_at
        self._bar = bar
        self._chart, self._book, self._folder, self._lay, self._edge = chart, book, folder, lay, edge
        self._key = ""
        self._words: QLineEdit | None = None
        plot = chart.plot
        plot.set_studies(book.studies())
        plot.hand.changed.connect(self._keep_drawings)
        plot.hand.words_wanted.connect(self._ask_words)
        plot.hand.tool_changed.connect(self._show_tool)
        chart.instrument_changed.connect(self.show_drawings)
        chart.candle_kind_changed.connect(book.keep_style)
        if book.style in STYLES:
            chart.set_candle_kind(book.style)
        self.laid = ChartLayout(chart, book)
        self.laid.laid_out.connect(lambda: self.profile.setChecked(plot.profile.shown))
        self.actions: list[QAction] = []
        self.tools: dict[Kind, QAction] = {}
        self.menu = self._build_menu()
        chart.add_menu_button("Draw", "Lines, rectangles and words on the chart", self._drawing_menu)
        chart.add_button("Indicators", "Lines and panes worked out of the bars (I)", self.show_studies)
        self.show_drawings()
        chart.plot.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        chart.plot.customContextMenuRequested.connect(self._show_menu_at)

    # --- menus

    def _show_menu_at(self, at: QPoint) -> None:
        """What can be done at the price pointed at, and with the indicators."""
        plot, instrument = self._chart.plot, self._chart.instrument
        if instrument is None or plot.source is None:
            return
        menu = QMenu(plot)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if plot.prices.place.united(plot.price_axis.place).contains(at):
            self._add_price(menu, instrument, plot.prices.price_at(at.y() + 0.5))
        for study in plot.studies.wanted if self._alert_on is not None else ():
            menu.addAction(say(f"Alert on {study.title}…")).triggered.connect(partial(self._ask_on, study))
        menu.addSeparator()
        menu.addMenu(self._drawing_menu)
        for action in self.menu.actions()[:3]:
            menu.addAction(action)
        menu.popup(plot.viewport().mapToGlobal(at))

    def _add_price(self, menu: QMenu, instrument: Instrument, pointed: float) -> None:
        price = instrument.snap(pointed)
        words = formats.price(price, instrument.decimals)
        if self._alert_at is not None:
            menu.addAction(say(f"&Alert at {words}…")).triggered.connect(partial(self._ask_alert, price))
        menu.addAction(say(f"&Horizontal line at {words}")).triggered.connect(partial(self._put_level, price))

    def _ask_on(self, study: Study, _checked: bool = False) -> None:
        if self._alert_on is not None:
            self._alert_on(study)

    def _ask_alert(self, price: float, _checked: bool = False) -> None:
        if self._alert_at is not None:
            self._alert_at(price)

    def _put_level(self, price: float, _checked: bool = False) -> None:
        plot = self._chart.plot
        if plot.source is not None and plot.source.end > plot.source.first:
            at_s = float(plot.source.times(plot.source.end - 1, plot.source.end)[0])
            plot.hand.add(Drawing("level", ((at_s, price),)))
            self._chart.setFocus()

    def _build_menu(self) -> QMenu:
        """All of it in one menu, for the window's menu bar and the palette."""
        menu = QMenu(say("&Chart"), self._bar or self._chart)
        menu.setObjectName(MENU)
        self._add(menu, "&Indicators…\tI", self.show_studies)
        self._add(menu, "&Save a picture of the chart", self.save_picture)
        self._add(menu, "&Copy a picture of the chart", self.copy_picture)
        menu.addSeparator()
        for style, title in STYLES.items():
            self._add(menu, title, partial(self._chart.set_candle_kind, style))
        self.profile = self._add(menu, "&Volume profile of the bars in sight", self._show_profile)
        self.profile.setCheckable(True)
        self.profile.setChecked(self._book.profile)
        self._chart.plot.show_profile(self._book.profile)
        self.longer = LongerMenu(self._chart, menu)
        self.layouts = LayoutMenu(self.laid, self._book, self._lay, self._edge, menu)
        menu.addMenu(self.longer)
        menu.addMenu(self.layouts)
        menu.addSeparator()
        self._drawing_menu = QMenu(say("&Draw"), menu)
        for kind in KINDS:
            self.tools[kind] = action = self._add(self._drawing_menu, TITLES[kind], partial(self.draw, kind))
            action.setCheckable(True)
        self._drawing_menu.addSeparator()
        self._add(self._drawing_menu, "Horizontal line at the last price", self.draw_level)
        self._add(self._drawing_menu, "Take the next drawing\tD", self._next_drawing)
        self._add(self._drawing_menu, "Delete the drawing taken\tDel", self._chart.plot.hand.delete_chosen)
        self._add(self._drawing_menu, "Delete all drawings on this instrument", self._chart.plot.hand.delete_all)
        menu.addMenu(self._drawing_menu)
        return menu

    def _add(self, menu: QMenu, text: str, work: Callable[[], object]) -> QAction:
        action = QAction(say(text), self)
        menu.addAction(action)
        action.triggered.connect(lambda _checked=False: work())
        self.actions.append(action)
        return action

    def _next_drawing(self) -> None:
        self._chart.setFocus()
        self._chart.plot.hand.take_next()

    def _show_profile(self) -> None:
        self._chart.plot.show_profile(self.profile.isChecked())
        self._book.keep_profile(self.profile.isChecked())

    # --- indicators

    def show_studies(self) -> None:
        """The sheet of indicators."""
        chart, book = self._chart, self._book
        self._lay("study_sheet", lambda: StudySheet(chart.plot, book, self._edge, chart.window(), self._alert_on))

    # --- drawings

    def draw(self, kind: Kind) -> None:
        """The next press on the chart draws this; chosen once more, nothing."""
        hand = self._chart.plot.hand
        hand.choose_tool(None if hand.tool == kind else kind)
        self._chart.setFocus()
        self._show_tool()

    def draw_level(self) -> None:
        """A horizontal line at the last price, which the arrow keys move."""
        price = self._chart.last_price()
        if price is not None:
            self._put_level(price)

    def _show_tool(self) -> None:
        for kind, action in self.tools.items():
            action.setChecked(kind == self._chart.plot.hand.tool)

    def show_drawings(self) -> None:
        """Those of the instrument that is charted, as the book has them."""
        instrument = self._chart.instrument
        self._key = instrument.key if instrument is not None else ""
        self._take_words_away()
        self._chart.plot.hand.show(self._book.drawings(self._key) if self._key else ())

    def _keep_drawings(self) -> None:
        if self._key:
            self._book.keep_drawings(self._key, self._chart.plot.hand.drawings)
            self.drawings_kept.emit(self._key)

    # --- words on the chart

    def _ask_words(self, at: Anchor) -> None:
        """A field where the words are to stand; Enter puts them there, an empty one nothing."""
        self._take_words_away()
        plot = self._chart.plot
        field = self._words = QLineEdit(plot)
        field.setObjectName("drawing_words")
        field.setAccessibleName(say("Words on the chart"))
        field.setPlaceholderText(say("Words, then Enter"))
        place = plot.drawn.point_of(at).toPoint()
        left = max(0, min(place.x(), plot.width() - WORDS_PX))
        field.setGeometry(left, max(0, place.y() - 24), WORDS_PX, 24)
        field.editingFinished.connect(lambda: self._put_words(at))
        field.show()
        field.setFocus()

    def _put_words(self, at: Anchor) -> None:
        text = self._words.text().strip() if self._words is not None else ""
        self._take_words_away()
        hand = self._chart.plot.hand
        if text:
            hand.add(Drawing("text", (at,), text))
        else:
            hand.choose_tool(None)

    def _take_words_away(self) -> None:
        field, self._words = self._words, None
        if field is not None:
            field.hide()
            field.deleteLater()

    # --- a picture

    def save_picture(self) -> Path | None:
        """Put the chart as it is seen into a file; None where that failed, which is told."""
        path = _unused(self._folder / PICTURES, self._name())
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._edge.notify(f"{path.parent} could not be made: {error.strerror or error}", "danger")
            return None
        if not self._chart.picture().save(str(path), "PNG"):
            self._edge.notify(f"{path} could not be written.", "danger")
            return None
        self._edge.notify(f"Saved to {path}", "info")
        return path

    def copy_picture(self) -> None:
        """Put the chart as it is seen on the clipboard."""
        QGuiApplication.clipboard().setPixmap(self._chart.picture())
        self._edge.notify("A picture of the chart is on the clipboard.", "info")

    def _name(self) -> str:
        words = f"{self._key or 'chart'} {self._chart.interval_label}"
        return "".join(letter if letter.isalnum() or letter in "-." else "-" for letter in words)


def _unused(folder: Path, name: str) -> Path:
    """A new file's path there, numbered where that name is taken."""
    path, number = folder / f"{name}.png", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.png"
    return path


def equip(window: MainWindow, chart: ChartView, parts: DeskParts, edge: Edge, book: ChartBook) -> ChartTools:
    """Give a chart its tools and its menu; pictures of it go beside the journal."""
    bar = window.menuBar()

    made: dict[str, Sheet] = {}

    def lay(name: str, make: Callable[[], Sheet]) -> None:
        """A sheet that is open may be another chart's: it gives way."""
        found = window.deck.find(name)
        if found is not None and found is not made.get(name):
            found.dismiss()
            found = None
        made[name] = found or make()
        window.deck.lay(made[name])

    def alert_at(price: float) -> None:
        alerts = window.view.alerts if window.view is not None else None
        if alerts is not None:
            alerts.ask_about(chart.instrument, price)

    def alert_on(study: Study) -> None:
        alerts = window.view.alerts if window.view is not None else None
        if alerts is not None:
            alerts.ask_on(chart.instrument, study, chart.interval)

    folder = Path(parts.database).parent
    at, on = (alert_at, alert_on) if parts.alerts is not None else (None, None)
    tools = ChartTools(chart, book, folder, lay, edge, at, bar, on)
    if parts.alerts is not None:
        AlertLines(chart, parts.alerts, edge)
    bar.insertMenu(bar.actions()[-1], tools.menu)
    return tools


def forget_menus(window: MainWindow) -> None:
    """Take the chart menus of an earlier desk out of the bar."""
    bar = window.menuBar()
    for before in bar.findChildren(QMenu, MENU):
        bar.removeAction(before.menuAction())
        before.deleteLater()
