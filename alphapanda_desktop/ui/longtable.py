"""A table model for long lists that do not change: a cell is made when it is painted, whatever the length."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QModelIndex, QObject, Qt

from alphapanda_desktop.ui.tables import Cell, CellModel, Column, Index
from alphapanda_desktop.ui.theme import DARK, Theme

T = TypeVar("T")


class LongModel(CellModel, Generic[T]):
    """Rows of anything under declared columns; `show_rows` replaces them all."""

    def __init__(self, columns: Sequence[Column[T]], theme: Theme = DARK, parent: QObject | None = None) -> None:
        super().__init__(columns, theme, parent)
        self._columns = tuple(columns)
        self._given: Sequence[T] = ()
        self._rows: list[T] = []

    def show_rows(self, rows: Sequence[T]) -> None:
        """Show exactly these, in this order."""
        self.beginResetModel()
        self._given, self._rows = rows, list(rows)
        self.endResetModel()

    def row(self, index: Index | int) -> T:
        """The row shown at this place."""
        return self._rows[index if isinstance(index, int) else index.row()]

    def rows(self) -> list[T]:
        """All rows as they stand on screen."""
        return list(self._rows)

    def cell(self, row: int, column: int) -> Cell:
        """What is painted there."""
        one, kind = self._rows[row], self._columns[column]
        text = kind.text(one) if kind.text else str(kind.value(one))
        return Cell(text, kind.colour(one) if kind.colour else None, kind.chip(one) if kind.chip else None)

    def tooltip(self, row: int, column: int) -> str:
        """More about a cell, or nothing."""
        told = self._columns[column].tooltip
        return told(self._rows[row]) if told else ""

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column, rows without a value last; column -1 goes back to the order they came in."""
        self.beginResetModel()  # a list that is sorted once by hand needs no selection to survive it
        if column < 0:
            self._rows = list(self._given)
        else:
            value = self._columns[column].value
            known = [row for row in self._given if value(row) is not None]
            known.sort(key=value, reverse=order == Qt.SortOrder.DescendingOrder)
            self._rows = known + [row for row in self._given if value(row) is None]
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._rows)
