"""The view every table is shown in: fixed columns, quiet lines, words where there is nothing, copy as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QFontMetrics,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QStaticText,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from alphapanda_desktop.ui.tables import CellModel
from alphapanda_desktop.ui.words import say

PADDING: Final = 8
TIGHT: Final = 4
LEAST_FIRST: Final = 52
"""Pixels that the first column of a tight table keeps."""
LAID_OUT: Final = 256
"""So many texts are kept laid out at least, a kilobyte each; as many as there are cells, where more can be seen."""
FLASH_ALPHA: Final = 60
ROW_AIR: Final = 8
ELIDE: Final = {"end": Qt.TextElideMode.ElideRight, "middle": Qt.TextElideMode.ElideMiddle}
SELECTED: Final = QStyle.StateFlag.State_Selected.value


class CellDelegate(QStyledItemDelegate):
    """Paints a cell straight from the model: one call where Qt's own asks for six roles.

    Words that are painted again and again are kept laid out; a number keeps its place digit by digit.
    """

    def __init__(self, view: QWidget, padding: int = PADDING) -> None:
        super().__init__(view)
        self.padding = padding
        self._digit_px = view.fontMetrics().horizontalAdvance("0")
        self._laid: dict[tuple[str, int, str], tuple[QStaticText, int]] = {}
        self._laid_before: dict[tuple[str, int, str], tuple[QStaticText, int]] = {}
        self._most = LAID_OUT

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, CellModel)
        place, at = index.row(), index.column()
        rect, metrics, theme = option.rect, option.fontMetrics, model.theme
        if option.state.value & SELECTED:
            painter.fillRect(rect, theme.colour("selection"))
        lit = model.flash(place, at)
        if lit is not None:
            painter.fillRect(rect, faint(theme.colour(lit), FLASH_ALPHA))
        cell, column = model.cell(place, at), model.headings[at]
        text, width = self._laid_out(cell.text, rect.width() - 2 * self.padding, column.align, column.elide, metrics)
        left = rect.left() + self.padding
        if column.align == "right":
            left = rect.right() + 1 - self.padding - width
        elif column.align == "center":
            left = rect.left() + (rect.width() - width) // 2
        if cell.chip is None:
            painter.setPen(theme.colour(cell.colour or "text"))
        else:
            paint_chip(painter, rect, left, width, theme.colour(cell.chip))
        if cell.mark:
            paint_mark(painter, rect, cell.mark, theme.colour("warn"))
        painter.drawStaticText(left, rect.top() + (rect.height() - metrics.height()) // 2, text)

    def _laid_out(self, text: str, room: int, align: str, elide: str, metrics: QFontMetrics) -> tuple[QStaticText, int]:
        """The words laid out, and how wide they are. Measuring costs as much as drawing, so it is done once."""
        key = (text, room, align)
        known = self._laid.get(key)
        if known is None:
            if len(self._laid) >= self._most:
                self._forget_the_older()
            known = self._laid_before.get(key)
            if known is not None:
                self._laid[key] = known
                return known
            text = say(text)
            width = metrics.horizontalAdvance(text)
            if width > room + (self.padding if align == "right" else 0):  # a number may use the air around it
                text = metrics.elidedText(text, ELIDE[elide], room)
                width = metrics.horizontalAdvance(text)
            laid = QStaticText(text)
            laid.setTextFormat(Qt.TextFormat.PlainText)
            laid.setPerformanceHint(QStaticText.PerformanceHint.AggressiveCaching)
            known = self._laid[key] = laid, width
        return known

    def _forget_the_older(self) -> None:
        """What is on the screen stays, for it was painted since the last time; prices of long ago go."""
        self._laid, self._laid_before = {}, self._laid
        view = self.parent()
        if isinstance(view, QTableView) and isinstance(model := view.model(), CellModel):
            rows = view.height() // (view.fontMetrics().height() + ROW_AIR) + 1
            self._most = max(LAID_OUT, rows * len(model.headings))

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        metrics = option.fontMetrics
        return QSize(metrics.horizontalAdvance(str(index.data() or "")) + 2 * self.padding, metrics.height() + ROW_AIR)


def faint(colour: QColor, alpha: int) -> QColor:
    faint = QColor(colour)
    faint.setAlpha(alpha)
    return faint


def paint_chip(painter: QPainter, cell: QRect, left: int, width: int, colour: QColor) -> None:
    """A rounded label around where the words go, faint inside, so that the words keep their contrast."""
    inside = faint(colour, 28)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(inside)
    painter.drawRoundedRect(QRectF(left - 5.5, cell.top() + 3.5, width + 11, cell.height() - 7), 3, 3)
    painter.restore()
    painter.setPen(colour)


def paint_mark(painter: QPainter, cell: QRect, mark: str, colour: QColor) -> None:
    """A sign at the cell's left edge, told by its shape: half a ring for late, a crossed ring for stale."""
    ring = QRectF(cell.left() + 2.5, cell.center().y() - 2.5, 6, 6)
    words = painter.pen()
    painter.setPen(QPen(colour, 1.2))
    if mark == "late":
        painter.drawArc(ring, 90 * 16, 180 * 16)
    else:
        painter.drawEllipse(ring)
        painter.drawLine(ring.bottomLeft(), ring.topRight())
    painter.setPen(words)


class TableView(QTableView):
    """A table of a `CellModel`: signals give rows, never indexes.

    `chosen(row)` follows the current row, `opened(row)` is a double click or Enter. `menu_for` may give the actions
    of a row's context menu. `empty_text` is painted in the middle while there are no rows. A `tight` one spares room
    around words, and its first column takes what the others leave.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(
        self, model: CellModel, empty_text: str, parent: QWidget | None = None, *, tight: bool = False
    ) -> None:
        super().__init__(parent)
        self._tight = tight
        self._padding = padding = TIGHT if tight else PADDING
        self.empty_text = empty_text
        self.menu_for: Callable[[Any], Sequence[QAction]] | None = None
        self._rows = model
        self.setItemDelegate(CellDelegate(self, padding))
        self.setModel(model)
        self._set_up_looks()
        self._set_up_columns()
        self.selectionModel().currentRowChanged.connect(self._choose)
        self.activated.connect(lambda index: self.opened.emit(model.row(index)))

    def _set_up_looks(self) -> None:
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setCornerButtonEnabled(False)
        self.verticalHeader().hide()
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + ROW_AIR)

    def _set_up_columns(self) -> None:
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setHighlightSections(False)
        if self._tight:  # else titles are cut off where their digits are not
            header.setStyleSheet(f"QHeaderView::section {{ padding: 4px {TIGHT}px; }}")
        header.setSectionsMovable(True)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        digit = self.fontMetrics().horizontalAdvance("0")
        for place, column in enumerate(self._rows.headings):
            title = (
                header.fontMetrics().horizontalAdvance(say(column.title)) + 2 * self._padding + 14
            )  # the sort arrow's room
            header.resizeSection(place, max(column.width_chars * digit + 2 * self._padding, title))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._tight:
            header = self.horizontalHeader()
            others = header.length() - header.sectionSize(0)
            header.resizeSection(0, max(LEAST_FIRST, self.viewport().width() - others))

    def places_in_sight(self) -> tuple[int, int]:
        """First and last row of which anything can be seen; the last is -1 where there is none."""
        room = self.viewport().height()
        first, last = self.rowAt(0), self.rowAt(max(0, room - 1))
        return max(first, 0), last if last >= 0 else self._rows.rowCount() - 1

    def current_row(self) -> Any | None:
        """The current row, or None."""
        index = self.currentIndex()
        return self._rows.row(index) if index.isValid() else None

    def selected_rows(self) -> list[Any]:
        """Selected rows from top to bottom."""
        return [self._rows.row(place) for place in sorted({index.row() for index in self.selectedIndexes()})]

    def text_of_selection(self) -> str:
        """Selected rows as lines of tab-separated words under the titles, as a spreadsheet takes them."""
        places = sorted({index.row() for index in self.selectedIndexes()})
        columns = range(len(self._rows.headings))
        lines = [[self._rows.cell(place, column).text for column in columns] for place in places]
        return "\n".join("\t".join(line) for line in [[c.title for c in self._rows.headings], *lines])

    def _choose(self, now: QModelIndex, _before: QModelIndex) -> None:
        if now.isValid():
            self.chosen.emit(self._rows.row(now))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.text_of_selection())
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.current_row())
        elif (
            event.text().strip()
            and event.text().isprintable()
            and not event.modifiers() & Qt.KeyboardModifier.ControlModifier
        ):
            # Qt would search the first column; letters and signs are commands of the pane here.
            event.ignore()
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        index, at = self.indexAt(event.pos()), event.globalPos()
        if event.reason() == QContextMenuEvent.Reason.Keyboard:  # it is about the current row, wherever the mouse is
            index = self.currentIndex()
            at = self.viewport().mapToGlobal(self.visualRect(index).bottomLeft())
        if self.menu_for is not None and index.isValid():
            self.open_menu(self._rows.row(index), at)

    def open_menu(self, row: Any, at: QPoint) -> QMenu | None:
        """Show the context menu of a row; None if it has no commands."""
        actions = self.menu_for(row) if self.menu_for is not None else ()
        if not actions:
            return None
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addActions(list(actions))
        for action in actions:
            if action.parent() is None:
                action.setParent(menu)  # made for this menu: it goes with it
        menu.popup(at)
        return menu

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._rows.rowCount() == 0:
            painter = QPainter(self.viewport())
            painter.setPen(self._rows.theme.colour("muted"))
            room = self.viewport().rect().adjusted(12, 8, -12, -8)
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, say(self.empty_text))
            painter.end()  # the stall watchdog may hold this frame, and with it the painter, a moment longer
