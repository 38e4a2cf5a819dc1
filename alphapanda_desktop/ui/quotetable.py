"""The watchlist's table: a `TableView` that paints all changed cells in one go, from pictures of words kept."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QRect
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui.quotemodel import COLUMNS, PRICE, RARE, SYMBOL, QuoteModel
from alphapanda_desktop.ui.stamps import Ink, Stamps
from alphapanda_desktop.ui.tables import Cell
from alphapanda_desktop.ui.tableview import ELIDE, FLASH_ALPHA, TIGHT, TableView, faint, paint_chip, paint_mark
from alphapanda_desktop.ui.theme import Role

MOST_KEPT: Final = 20_000
"""Symbols whose shortened names are kept."""

Span = tuple[int, int, int]
"""A column, its left edge and its width."""


TITLE_PADDING: Final = 9
"""What the style sheet leaves on each side of a title, and a pixel for its last letter."""


class QuoteTable(TableView):
    """Tight columns, the first of which takes what the others leave; painted without a call to Qt by the cell.

    Qt's own way makes an option, asks a delegate and lays out words for each cell: four times the work of this.
    """

    def __init__(self, model: QuoteModel, empty_text: str, parent: QWidget | None = None) -> None:
        super().__init__(model, empty_text, parent, tight=True)
        self._quotes = model
        self.least_first_px = 0
        self._stamps = Stamps(self.font(), self.devicePixelRatioF())
        self._inks: dict[Role, Ink] = {}
        self._inked_in = model.theme.look
        self._give_room()
        for column in RARE:
            self.setColumnHidden(column, True)
        self._elided: dict[tuple[str, int], str] = {}

    def _give_room(self) -> None:
        """Every column as wide as its words may be in this font, and no wider: all are to be seen at once."""
        self.ensurePolished()
        header, words = self.horizontalHeader(), self.fontMetrics()
        titles = header.fontMetrics()
        for column, heading in enumerate(COLUMNS):
            if heading.widest:
                wide = words.horizontalAdvance(heading.widest) + 2 * TIGHT
                title = titles.horizontalAdvance(heading.title) + 2 * TITLE_PADDING
                header.resizeSection(column, max(wide, title))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange) and hasattr(self, "_inks"):
            self._give_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        header = self.horizontalHeader()
        if header.sectionSize(SYMBOL) < self.least_first_px:
            header.resizeSection(SYMBOL, self.least_first_px)

    def paintEvent(self, event: QPaintEvent) -> None:
        if not self._quotes.rowCount():
            super().paintEvent(event)
            return
        if not self._stamps.fits(self.font(), self.devicePixelRatioF()):
            self._stamps = Stamps(self.font(), self.devicePixelRatioF())
            self._elided.clear()
        if self._inked_in != self._quotes.theme.look:
            self._inked_in, self._inks = self._quotes.theme.look, {}
        selected = {index.row() for index in self.selectionModel().selectedRows()}
        painter = QPainter(self.viewport())
        for exposed in event.region():  # type: ignore[attr-defined]  # QRegion iterates, and its stub does not say so
            self._paint_rows(painter, exposed, self._spans(exposed), selected)
        painter.end()

    def _spans(self, exposed: QRect) -> list[Span]:
        """The columns of which something is exposed."""
        at, wide, first, last = self.columnViewportPosition, self.columnWidth, exposed.left(), exposed.right()
        spans = [(column, at(column), wide(column)) for column in range(len(COLUMNS))]
        return [span for span in spans if span[2] and span[1] + span[2] > first and span[1] <= last]

    def _paint_rows(self, painter: QPainter, exposed: QRect, spans: list[Span], selected: set[int]) -> None:
        first, last = self.rowAt(exposed.top()), self.rowAt(exposed.bottom())
        if first < 0:
            return
        height, top = self.rowHeight(first), self.rowViewportPosition(first)  # all are of one height
        for row in range(first, (last if last >= 0 else self._quotes.rowCount() - 1) + 1):
            if row in selected:
                ends = spans[-1]
                whole = QRect(spans[0][1], top, ends[1] + ends[2] - spans[0][1], height)
                painter.fillRect(whole, self._ink("selection").colour)
            self._paint_row(painter, row, top, height, spans)
            top += height

    def _paint_row(self, painter: QPainter, row: int, top: int, height: int, spans: list[Span]) -> None:
        stamps, cells, inks = self._stamps, self._quotes.cells_of(row), self._inks
        down = top + (height - stamps.height) // 2
        for column, left, width in spans:
            cell = cells[column]
            if column == SYMBOL:
                stamps.draw(painter, left + TIGHT, down, self._fitted(cell.text, width - 2 * TIGHT), self._ink("text"))
                continue
            if column == PRICE:
                self._paint_signs(painter, row, QRect(left, top, width, height), cell)
            if cell.chip is not None:
                self._paint_chip(painter, QRect(left, top, width, height), cell)
            role = cell.colour or "text"
            if column == PRICE and self._quotes.lit_of(row) is not None:
                role = "text"  # green on red could not be read
            ink = inks.get(role) or self._ink(role)
            stamps.draw_number(painter, left + width - TIGHT, down, cell.text, ink)

    def _paint_signs(self, painter: QPainter, row: int, place: QRect, cell: Cell) -> None:
        lit = self._quotes.lit_of(row)
        if lit is not None:
            painter.fillRect(place, self._faint(lit))
        if cell.mark:
            paint_mark(painter, place, cell.mark, self._ink("warn").colour)

    def _paint_chip(self, painter: QPainter, place: QRect, cell: Cell) -> None:
        assert cell.chip is not None
        width = self._stamps.width(cell.text)
        paint_chip(painter, place, place.right() + 1 - TIGHT - width, width, self._ink(cell.chip).colour)

    def _fitted(self, text: str, room: int) -> str:
        known = self._elided.get((text, room))
        if known is None:
            if len(self._elided) > MOST_KEPT:
                self._elided.clear()
            known = self._elided[text, room] = self._stamps.elided(text, ELIDE["middle"], room)
        return known

    def _ink(self, role: Role) -> Ink:
        ink = self._inks.get(role)
        if ink is None:
            colour = self._quotes.theme.colour(role)
            ink = self._inks[role] = Ink(colour, colour.rgba())
        return ink

    def _faint(self, role: Role) -> QColor:
        return faint(self._ink(role).colour, FLASH_ALPHA)
