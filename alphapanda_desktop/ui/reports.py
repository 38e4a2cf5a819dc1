"""The review: what was made by day, instrument, strategy and tag, with curves, charges, tax lots and the journal.

A window of its own, so that it may stand on another screen. It reads the journal when it is opened and when asked,
on a thread beside the desk's. Every figure on it comes out of one table, and so does what it saves.
Object names: `review_window`, `review_period`, `review_again`, `review_csv`, `review_workbook`, `review_pdf`,
`review_said`, `review_figures`, `review_pages`, `review_days`, `review_instruments`, `review_strategies`,
`review_tags`, `review_open`, `review_heads`, `review_lots`, `review_curve`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QSplitter, QTabWidget, QVBoxLayout, QWidget

from alphapanda_desktop.domain.daynotes import DayNote
from alphapanda_desktop.domain.dayresults import Cell, Results, total_of
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.domain.taxlots import TaxLot, totals_of
from alphapanda_desktop.trading.reports import Kind, Looked, Row, curve_of, rows_by, sheets_of, tax_sheets
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.backtestcharts import CurvePlot, window_key
from alphapanda_desktop.ui.chart.series import CurveSource
from alphapanda_desktop.ui.clothes import clothe
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import Pick, field_looks
from alphapanda_desktop.ui.longtable import LongModel
from alphapanda_desktop.ui.plain import Marked, Words, as_tip
from alphapanda_desktop.ui.progress import WorkBar
from alphapanda_desktop.ui.reportcolumns import HEADS, LOTS, OPEN, columns_of, figures_words
from alphapanda_desktop.ui.reportnote import NoteEditor
from alphapanda_desktop.ui.reportparts import Period, Review, periods_of
from alphapanda_desktop.ui.reportpdf import pdf_of
from alphapanda_desktop.ui.reportsaving import Saver
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from PySide6.QtGui import QKeyEvent
    from PySide6.QtWidgets import QMainWindow

SIZE: Final = (1360, 860)
NOTE_PX: Final = 330
Saves = Callable[[Sequence[Any], str, Progress], Awaitable[Sequence[Path]]]
EPOCH_DAY: Final = 719_163
"""1 January 1970 as a date's ordinal."""

NOON_S: Final = 36_000
"""Seconds into a UTC day at which India has the same date."""

VIEWS: Final[tuple[tuple[Kind, str, str, str], ...]] = (
    ("day", "days", "Days", "No trades in these days."),
    ("instrument", "instruments", "Instruments", "No trades in these days."),
    ("strategy", "strategies", "Strategies", "No trades in these days."),
    ("tag", "tags", "Tags", "No tags in these days: write some beside a day."),
)


class ReviewWindow(QWidget):
    """Owned by the main window; closing hides it, and it reads anew when it is opened again."""

    def __init__(self, review: Review, edge: Edge, main: QMainWindow) -> None:
        super().__init__(main, Qt.WindowType.Window)
        self.review = review
        self._edge = edge
        self._looked: Looked | None = None
        self._shown: Results | None = None
        self._lots: Sequence[TaxLot] = ()
        self._reading = False
        self._read_again = False
        """Whether something was written after what is being read."""
        self.saver = Saver(edge, self._say)
        self.looked_at = 0
        """How often the journal was read and shown."""
        self.setObjectName("review_window")
        self.setWindowTitle(say(f"Review — {review.mode.upper()}"))
        clothe(self, edge.theme, field_looks(edge.theme))
        self.setAutoFillBackground(True)
        self.resize(*SIZE)
        self._build()
        QShortcut(QKeySequence("F5"), self).activated.connect(self.read)
        QShortcut(QKeySequence("Ctrl+W"), self).activated.connect(self.close)

    # -- its parts -------------------------------------------------------------------------------------------

    def _build(self) -> None:
        self.figures = Marked("", self)
        self.figures.setObjectName("review_figures")
        self.figures.setContentsMargins(12, 2, 12, 6)
        self.curve = CurvePlot(self._edge, "review_curve", self)
        self.curve.setAccessibleName(say("Result summed up from day to day"))
        self.curve.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.pages = self._build_pages()
        self.note = NoteEditor(self._edge, self)
        self.note.setMinimumWidth(NOTE_PX - 60)
        self.note.written.connect(self._keep)
        left = QSplitter(Qt.Orientation.Vertical, self)
        left.addWidget(self.curve)
        left.addWidget(self.pages)
        left.setSizes([300, 460])
        left.setChildrenCollapsible(False)
        split = QSplitter(Qt.Orientation.Horizontal, self)
        split.addWidget(left)
        split.addWidget(self.note)
        split.setSizes([SIZE[0] - NOTE_PX, NOTE_PX])
        split.setStretchFactor(0, 1)
        split.setChildrenCollapsible(False)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addLayout(self._build_head())
        box.addWidget(self.figures)
        box.addWidget(split, 1)

    def _build_head(self) -> QHBoxLayout:
        self.period = Pick(self)
        self.period.setObjectName("review_period")
        self.period.setAccessibleName(say("Days that are looked at"))
        self.period.setMinimumContentsLength(22)
        self.period.currentIndexChanged.connect(lambda _place: self._show())
        self.said = Words("", self)
        self.said.setObjectName("review_said")
        self.said.setAccessibleName(say("What was done last"))
        # A path must not make the window wider: its buttons would move from under the hand.
        self.said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        mode = Words(say(self.review.mode.upper()), self)
        mode.setObjectName("review_mode")
        colour = getattr(self._edge.theme, self.review.mode, self._edge.theme.muted)
        mode.setStyleSheet(f"color: {colour}; font-weight: 700; padding-right: 6px;")
        head = QHBoxLayout()
        head.setContentsMargins(12, 10, 12, 4)
        head.addWidget(mode)
        head.addWidget(self.period)
        head.addWidget(self._button("again", "Read again", self.read, "Read the journal as it is now (F5)"))
        head.addWidget(self.said, 1)
        head.addWidget(WorkBar(self._edge, self))
        self.savers = [
            self._button("csv", "Save CSV", self._save_csv, "Every table as a file of its own"),
            self._button("workbook", "Save workbook", self._save_workbook, "Every table as a sheet of one .xlsx"),
            self._button("pdf", "Save PDF", self._save_page, "Every table on pages to print"),
        ]
        for button in self.savers:
            head.addWidget(button)
        return head

    def _build_pages(self) -> QTabWidget:
        pages, theme = QTabWidget(self), self._edge.theme
        pages.setObjectName("review_pages")
        pages.setAccessibleName(say("Results by what they are of"))
        self.tables: dict[Kind, TableView] = {}
        self.models: dict[Kind, LongModel[Row]] = {}
        for kind, name, title, empty in VIEWS:
            self.models[kind] = model = LongModel(columns_of(kind), theme, self)
            self.tables[kind] = table = self._table(model, name, title, empty)
            table.chosen.connect(self._chosen)
            pages.addTab(table, say(title))
        self.open = LongModel(OPEN, theme, self)
        pages.addTab(self._table(self.open, "open", "Open lots", "Nothing is open by this journal."), say("Open"))
        pages.addTab(self._build_tax(), say("Tax lots"))
        pages.currentChanged.connect(lambda _place: self._turned())
        return pages

    def _build_tax(self) -> QWidget:
        page = QWidget(self)
        self.heads = LongModel(HEADS, self._edge.theme, self)
        self.lots = LongModel(LOTS, self._edge.theme, self)
        heads = self._table(self.heads, "heads", "Sums of closed lots by head", "Nothing was closed in these days.")
        heads.setMaximumHeight(170)
        self.caveats = Words("", page)
        self.caveats.setWordWrap(True)
        self.caveats.setContentsMargins(10, 6, 10, 6)
        self.caveats.setStyleSheet(f"color: {self._edge.theme.muted}; background: {self._edge.theme.panel};")
        box = QVBoxLayout(page)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(0)
        box.addWidget(heads)
        box.addWidget(self._table(self.lots, "lots", "Closed lots", ""), 1)
        box.addWidget(self.caveats)
        return page

    def _table(self, model: LongModel[Any], name: str, title: str, empty: str) -> TableView:
        table = TableView(model, empty, self)
        table.setObjectName(f"review_{name}")
        table.setAccessibleName(say(title))
        return table

    def _button(self, name: str, text: str, work: Callable[[], object], tip: str) -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(f"review_{name}")
        button.setAccessibleName(say(text))
        button.setToolTip(as_tip(say(tip)))
        button.clicked.connect(lambda _checked=False: work())
        return button

    def come_forward(self) -> None:
        """Show it above others, with the journal as it is now."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        self.renew()

    def renew(self) -> None:
        """Show what is so now."""
        self.read()

    # -- reading ---------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Read the journal; once more where it is being read as it was before."""
        self._read_again = self._reading
        if not self._reading:
            self._reading = True
            self._say("Reading the journal…", "muted")
            self._edge.spawn("review", self._read())

    async def _read(self) -> None:
        try:
            with self._edge.works.shown(Progress("Reading the journal")) as progress:
                self._looked = await self.review.look(progress)
        finally:
            self._reading = False
            if shiboken6.isValid(self):  # a replay that begins anew takes the window away meanwhile
                self._say("", "muted")
        if not shiboken6.isValid(self):
            return
        self._offer_periods()
        self._show()
        self.looked_at += 1
        if self._read_again:
            self.read()

    def _offer_periods(self) -> None:
        assert self._looked is not None
        chosen = self.period.currentText()
        self.period.blockSignals(True)
        self.period.clear()
        for period in periods_of(self._looked.results.days, self.review.today()):
            self.period.addItem(period.name, period)
        self.period.setCurrentIndex(max(0, self.period.findText(chosen)))
        self.period.blockSignals(False)

    def _show(self) -> None:
        """Everything of the days that are chosen."""
        looked, period = self._looked, self.period.currentData()
        if looked is None or not isinstance(period, Period):
            return
        self._shown = shown = looked.results.between(period.first, period.last)
        self._lots = [lot for lot in looked.lots if _inside(lot, period)]
        for kind, model in self.models.items():
            rows = rows_by(shown, kind)
            model.show_rows(rows[::-1] if kind == "day" else rows)
        self.open.show_rows(shown.open)
        self._show_tax()
        self.figures.setText(say(figures_words(shown, self._edge.theme)))
        self._draw(shown.cells, "all")
        self._choose_day()

    def _show_tax(self) -> None:
        self.heads.show_rows(totals_of(self._lots))
        self.lots.show_rows(self._lots[::-1])
        self.caveats.setText(say("\n".join(tax_sheets(self._lots)[0].notes)))

    def _choose_day(self) -> None:
        """The day that was written about, else the newest."""
        model, table = self.models["day"], self.tables["day"]
        days = [row.day for row in model.rows()]
        if not days:
            self.note.show_day(None, (), ())
            return
        place = days.index(self.note.day) if self.note.day in days else 0
        self._note_of(model.row(place))
        table.setCurrentIndex(model.index(place, 0))

    # -- what is chosen --------------------------------------------------------------------------------------

    def _turned(self) -> None:
        """Another page: the curve is of what is chosen there."""
        table = self.pages.currentWidget()
        for beside in (self.curve, self.note):  # what is open or closed has no days: the room is for its columns
            beside.setVisible(table in self.tables.values())
        row = table.current_row() if isinstance(table, TableView) else None
        if isinstance(row, Row) and row.day is None:
            self._draw(row.cells, row.of)
        elif self._shown is not None:
            self._draw(self._shown.cells, "all")

    def _chosen(self, row: Row) -> None:
        if row.day is not None:
            self._note_of(row)
        else:
            self._draw(row.cells, row.of)

    def _note_of(self, row: Row) -> None:
        assert self._looked is not None
        notes = [note for note in self._looked.results.notes if note.day == row.day]
        abouts = sorted({cell.key for cell in row.cells}) + sorted({cell.strategy for cell in row.cells})
        self.note.show_day(row.day, abouts, notes)

    def _keep(self, note: DayNote) -> None:
        self._edge.spawn("note", self._kept(note))

    async def _kept(self, note: DayNote) -> None:
        try:
            await self.review.note(note)
        except AlphaPandaError:
            if shiboken6.isValid(self):
                self.note.is_refused(note)
            raise
        if shiboken6.isValid(self):
            self.note.is_kept(note)
            self.read()

    def keep_words(self) -> None:
        """Words that were not saved yet are: the program is closing."""
        self.note.write()

    def _draw(self, cells: Sequence[Cell], of: str) -> None:
        """The curve from nought before the first day; of what is known where not all is."""
        points = curve_of(cells)
        if not points:
            points_at = np.empty(0)
            self.curve.show_curve(CurveSource(points_at, points_at, formats.rupees), "No trades", 1.0)
            return
        first = points[0][0].toordinal()
        days = np.array([first - 1, *(day.toordinal() for day, _, _ in points)], np.float64) - EPOCH_DAY
        at_s = days * 86_400 + NOON_S
        net, realised = (np.array([0, *(point[n] for point in points)]) / RUPEE for n in (1, 2))
        known = "" if total_of(cells).net is not None else "known part of the "
        gross = CurveSource(at_s, realised, formats.rupees)
        words = f"{known}net of {of}, ₹"
        self.curve.show_curve(
            CurveSource(at_s, net, formats.rupees, (gross,), 0.0), words[0].upper() + words[1:], 1.0,
            ["before charges"],
        )  # fmt: skip

    # -- saving ----------------------------------------------------------------------------------------------

    def _save_csv(self) -> None:
        self._save("csv", self.review.save_csv)

    def _save_workbook(self) -> None:
        self._save("workbook", self.review.save_workbook)

    def _save_page(self) -> None:
        self._save("pdf", self._page)

    async def _page(self, sheets: Sequence[Any], name: str, progress: Progress) -> Sequence[Path]:
        title = f"{self.review.mode} · {name}"
        return await self.review.save_page(await pdf_of(sheets, title), name, progress)

    def _save(self, kind: str, saving: Saves) -> None:
        """What is shown now is saved, also where another is saved before it."""
        if self._shown is not None:
            name, sheets = self.period.currentText(), [*sheets_of(self._shown), *tax_sheets(self._lots)]
            self.saver.save(f"{kind} of {name}", lambda progress: saving(sheets, name, progress))

    def _say(self, text: str, role: Role) -> None:
        if not shiboken6.isValid(self):
            return
        self.said.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        self.said.setToolTip(as_tip(say(text)))
        self.said.setText(say(text))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not (self.curve.hasFocus() and window_key(self.curve, event)):
            super().keyPressEvent(event)

    def hideEvent(self, event: Any) -> None:
        """Words that were not saved yet are."""
        self.note.write()
        super().hideEvent(event)


def _inside(lot: TaxLot, period: Period) -> bool:
    after = period.first is None or lot.closed_on >= period.first
    return after and (period.last is None or lot.closed_on <= period.last)
