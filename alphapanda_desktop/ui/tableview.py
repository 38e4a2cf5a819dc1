"""The view every table is shown in: fixed columns, quiet lines, words where there is nothing, copy as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QColor,
    QContextMenuEvent,
    QGuiApplication,
    QKeyEvent,
    QKeySequence,
    QPainter,
    QPaintEvent,
    QPen,
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

from alphapanda_desktop.ui.tables import ALIGNMENT, RowModel

PADDING: Final = 8
ROW_AIR: Final = 8
ELIDE: Final = {"end": Qt.TextElideMode.ElideRight, "middle": Qt.TextElideMode.ElideMiddle}
SELECTED: Final = QStyle.StateFlag.State_Selected.value


class CellDelegate(QStyledItemDelegate):
    """Paints a cell straight from the model: one call where Qt's own asks for six roles."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._digit_px = view.fontMetrics().horizontalAdvance("0")

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, RowModel)
        rect, metrics = option.rect, option.fontMetrics
        if option.state.value & SELECTED:
            painter.fillRect(rect, model.theme.colour("selection"))
        cell = model.cell(index.row(), index.column())
        column = model.columns[index.column()]
        align = ALIGNMENT[column.align]
        painter.setFont(option.font)
        room, text = rect.width() - 2 * PADDING, cell.text
        # Measuring costs as much as drawing: numbers that fit by their count of digits are spared it.
        if align & Qt.AlignmentFlag.AlignLeft or (len(text) + 2) * self._digit_px > room:
            text = metrics.elidedText(text, ELIDE[column.elide], room)
        if cell.chip is None:
            painter.setPen(model.theme.colour(cell.colour or "text"))
        else:
            _paint_chip(painter, rect, metrics.horizontalAdvance(text), align, model.theme.colour(cell.chip))
        painter.drawText(rect.adjusted(PADDING, 0, -PADDING, 0), align, text)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        metrics = option.fontMetrics
        return QSize(metrics.horizontalAdvance(str(index.data() or "")) + 2 * PADDING, metrics.height() + ROW_AIR)


def _paint_chip(painter: QPainter, cell: QRect, width: int, align: Qt.AlignmentFlag, colour: QColor) -> None:
    """A rounded label around where the words go, faint inside, so that the words keep their contrast."""
    left = cell.left() + PADDING
    if align & Qt.AlignmentFlag.AlignRight:
        left = cell.right() - PADDING - width
    elif align & Qt.AlignmentFlag.AlignHCenter:
        left = cell.center().x() - width // 2
    inside = QColor(colour)
    inside.setAlpha(28)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(colour, 1))
    painter.setBrush(inside)
    painter.drawRoundedRect(QRectF(left - 5.5, cell.top() + 3.5, width + 11, cell.height() - 7), 3, 3)
    painter.restore()
    painter.setPen(colour)


class TableView(QTableView):
    """A table of a `RowModel`: signals give rows, never indexes.

    `chosen(row)` follows the current row, `opened(row)` is a double click or Enter. `menu_for` may give the actions
    of a row's context menu. `empty_text` is painted in the middle while there are no rows.
    """

    chosen = Signal(object)
    opened = Signal(object)

    def __init__(self, model: RowModel[Any], empty_text: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.empty_text = empty_text
        self.menu_for: Callable[[Any], Sequence[QAction]] | None = None
        self._rows = model
        self.setItemDelegate(CellDelegate(self))
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
        header.setSectionsMovable(True)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.setSortingEnabled(True)
        digit = self.fontMetrics().horizontalAdvance("0")
        for place, column in enumerate(self._rows.columns):
            title = header.fontMetrics().horizontalAdvance(column.title) + 2 * PADDING + 14  # the sort arrow's room
            header.resizeSection(place, max(column.width_chars * digit + 2 * PADDING, title))

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
        columns = range(len(self._rows.columns))
        lines = [[self._rows.cell(place, column).text for column in columns] for place in places]
        return "\n".join("\t".join(line) for line in [[c.title for c in self._rows.columns], *lines])

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
        index = self.indexAt(event.pos())
        if self.menu_for is not None and index.isValid():
            self.open_menu(self._rows.row(index), event.globalPos())

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
            painter.drawText(room, Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.empty_text)
