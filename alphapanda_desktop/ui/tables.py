"""One table model for every table: columns are data, rows are anything, only cells that changed are repainted."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, Generic, Literal, NamedTuple, Protocol, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.theme import DARK, Role, Theme
from alphapanda_desktop.ui.words import say

T = TypeVar("T")
Index = QModelIndex | QPersistentModelIndex
Align = Literal["left", "right", "center"]
Mark = Literal["", "late", "stale"]

ALIGNMENT: Final = {
    "left": Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
    "right": Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
    "center": Qt.AlignmentFlag.AlignCenter,
}

SORT_EVERY_S: Final = 0.5
"""Rows under a live sort change places at most this often: a table that jumps cannot be clicked."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """What one column shows of a row.

    `value` is sorted by; `text` is shown (default: the value). `colour` names the role the words are drawn in,
    `chip` the role of a filled label behind them. `width_chars` is in digits and never changes by itself.
    """

    title: str
    value: Callable[[T], Any]
    text: Callable[[T], str] | None = None
    align: Align = "left"
    width_chars: int = 10
    colour: Callable[[T], Role | None] | None = None
    tooltip: Callable[[T], str] | None = None
    chip: Callable[[T], Role | None] | None = None
    header_tooltip: str = ""
    elide: Literal["end", "middle"] = "end"
    """Where words that do not fit lose letters; a contract's name says its strike at the end."""


class Cell(NamedTuple):
    """What is painted of one cell."""

    text: str
    colour: Role | None = None
    chip: Role | None = None
    mark: Mark = ""
    """A sign of age before the words: half a ring for late, a crossed ring for stale."""


class Heading(Protocol):
    """What a view has to know of a column."""

    @property
    def title(self) -> str: ...
    @property
    def align(self) -> Align: ...
    @property
    def width_chars(self) -> int: ...
    @property
    def header_tooltip(self) -> str: ...
    @property
    def elide(self) -> Literal["end", "middle"]: ...


class CellModel(QAbstractTableModel):
    """What a `TableView` shows: cells under headings, painted from `cell` alone."""

    def __init__(self, columns: Sequence[Heading], theme: Theme = DARK, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self._headings = tuple(columns)

    @property
    def headings(self) -> Sequence[Heading]:
        """The columns, as far as a view has to know them."""
        return self._headings

    def cell(self, row: int, column: int) -> Cell:
        """What is painted there."""
        raise TypeError(f"{type(self).__name__} has no cells: a model of its kind says what they are")

    def row(self, index: Index | int) -> Any:
        """The row shown at this place."""
        raise TypeError(f"{type(self).__name__} has no rows: a model of its kind says what they are")

    def flash(self, row: int, column: int) -> Role | None:
        """The colour in which this cell lights up at the moment, if it does."""
        return None

    def tooltip(self, row: int, column: int) -> str:
        """More about a cell, or nothing."""
        return ""

    def set_theme(self, theme: Theme) -> None:
        """Draw in other colours from now on."""
        self.theme = theme
        if self.rowCount():
            last = self.index(self.rowCount() - 1, self.columnCount() - 1)
            self.dataChanged.emit(self.index(0, 0), last, [Qt.ItemDataRole.ForegroundRole])

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._headings)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal or not 0 <= section < len(self._headings):
            return None
        column = self._headings[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return say(column.title)
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tip(say(column.header_tooltip)) or None
        return ALIGNMENT[column.align] if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or not 0 <= index.row() < self.rowCount():
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return say(self.cell(index.row(), index.column()).text)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return ALIGNMENT[self._headings[index.column()].align]
        if role == Qt.ItemDataRole.ForegroundRole:
            return self.theme.colour(self.cell(index.row(), index.column()).colour or "text")
        if role == Qt.ItemDataRole.ToolTipRole:
            return as_tip(say(self.tooltip(index.row(), index.column()))) or None
        return None


class RowModel(CellModel, Generic[T]):
    """Rows of anything under declared columns.

    The owner calls `update` once a frame with all rows, or `touch` with those that changed; the model is never
    reset, so selection and scroll position survive. Rows with the same `key` are the same row.
    """

    def __init__(
        self,
        columns: Sequence[Column[T]],
        key: Callable[[T], Hashable],
        theme: Theme = DARK,
        parent: QObject | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(columns, theme, parent)
        self.columns = tuple(columns)
        self._key = key
        self._monotonic_s = monotonic_s
        self._keys: list[Hashable] = []
        self._rows: dict[Hashable, T] = {}
        self._cells: dict[Hashable, tuple[Cell, ...]] = {}
        self._places: dict[Hashable, int] = {}
        self._sorted_by: tuple[int, bool] | None = None
        self._sorted_at_s = 0.0

    # --- what the owner calls

    def update(self, rows: Iterable[T]) -> None:
        """Show exactly these rows, in this order unless a column is sorted by."""
        wanted = {self._key(row): row for row in rows}
        self._remove([key for key in self._keys if key not in wanted])
        self._refresh((key, row) for key, row in wanted.items() if key in self._rows)
        self._insert(wanted)
        self._arrange(list(wanted))

    def touch(self, rows: Iterable[T]) -> None:
        """Repaint what changed in these rows; rows that are not shown are ignored."""
        self._refresh((key, row) for row in rows if (key := self._key(row)) in self._rows)
        if self._sorted_by is not None:
            self._arrange(self._keys)

    def row(self, index: Index | int) -> T:
        """The row shown at this place."""
        return self._rows[self._keys[index if isinstance(index, int) else index.row()]]

    def rows(self) -> list[T]:
        """All rows as they stand on screen."""
        return [self._rows[key] for key in self._keys]

    def place(self, key: Hashable) -> int | None:
        """Where the row of this key stands, or None."""
        return self._places.get(key)

    def cell(self, row: int, column: int) -> Cell:
        """What is painted there."""
        return self._cells[self._keys[row]][column]

    def tooltip(self, row: int, column: int) -> str:
        """More about a cell, or nothing."""
        told = self.columns[column].tooltip
        return told(self.row(row)) if told else ""

    # --- rows in and out

    def _remove(self, keys: Sequence[Hashable]) -> None:
        for first, last in reversed(runs_of(sorted(self._places[key] for key in keys))):
            self.beginRemoveRows(QModelIndex(), first, last)
            for key in self._keys[first : last + 1]:
                del self._rows[key], self._cells[key]
            del self._keys[first : last + 1]
            self._number()
            self.endRemoveRows()

    def _insert(self, wanted: dict[Hashable, T]) -> None:
        order = list(wanted)
        new = [place for place, key in enumerate(order) if key not in self._rows]
        for first, last in runs_of(new):
            # Rows that are kept may be about to change places, so the new ones' place is a proposal here.
            at = min(first, len(self._keys))
            self.beginInsertRows(QModelIndex(), at, at + last - first)
            for key in order[first : last + 1]:
                self._rows[key] = wanted[key]
                self._cells[key] = self._cells_of(wanted[key])
            self._keys[at:at] = order[first : last + 1]
            self._number()
            self.endInsertRows()

    def _number(self) -> None:
        self._places = {key: place for place, key in enumerate(self._keys)}

    # --- cells

    def _refresh(self, rows: Iterable[tuple[Hashable, T]]) -> None:
        for key, row in rows:
            self._rows[key] = row
            before, now = self._cells[key], self._cells_of(row)
            if before == now:
                continue
            self._cells[key] = now
            changed = [k for k, (old, new) in enumerate(zip(before, now, strict=True)) if old != new]
            place = self._places[key]
            for first, last in runs_of(changed):
                self.dataChanged.emit(self.index(place, first), self.index(place, last))

    def _cells_of(self, row: T) -> tuple[Cell, ...]:
        return tuple(
            Cell(
                column.text(row) if column.text else str(column.value(row)),
                column.colour(row) if column.colour else None,
                column.chip(row) if column.chip else None,
            )
            for column in self.columns
        )

    # --- order

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by a column from now on; column -1 goes back to the order the rows come in."""
        self._sorted_by = (column, order == Qt.SortOrder.DescendingOrder) if column >= 0 else None
        self._sorted_at_s = -SORT_EVERY_S
        if self._sorted_by is not None:
            self._arrange(self._keys)

    def _arrange(self, natural: Sequence[Hashable]) -> None:
        now_s = self._monotonic_s()
        if self._sorted_by is None:
            target = list(natural)
        elif now_s - self._sorted_at_s < SORT_EVERY_S:
            return
        else:
            target = self._in_order(natural, *self._sorted_by)
            self._sorted_at_s = now_s
        if target != self._keys:
            self._move_to(target)

    def _in_order(self, keys: Sequence[Hashable], column: int, descending: bool) -> list[Hashable]:
        value = self.columns[column].value
        values = {key: value(self._rows[key]) for key in keys}
        known = [key for key in keys if values[key] is not None]
        known.sort(key=lambda key: values[key], reverse=descending)
        return known + [key for key in keys if values[key] is None]  # no value is last either way

    def _move_to(self, target: list[Hashable]) -> None:
        self.layoutAboutToBeChanged.emit()
        before, held = self._keys, self.persistentIndexList()
        self._keys = target
        self._number()
        moved = [self.index(self._places[before[i.row()]], i.column()) for i in held]
        self.changePersistentIndexList(held, moved)
        self.layoutChanged.emit()

    # --- what Qt asks

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own signature
        return 0 if parent.isValid() else len(self._keys)


def runs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Unbroken stretches of ascending numbers, each as first and last."""
    runs = []
    for _, members in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        stretch = [number for _, number in members]
        runs.append((stretch[0], stretch[-1]))
    return runs
