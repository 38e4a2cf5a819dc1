"""Columns fit the width that there is: what can be spared goes first and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import shiboken6
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.ui.columns import FittedColumns
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import DARK

TITLES = ("Symbol", "Price", "Product", "Tag", "Message")


@pytest.fixture
def table(qapp: QApplication) -> Iterator[TableView]:
    columns = tuple(Column(title, lambda row: row, width_chars=12) for title in TITLES)
    model: RowModel[str] = RowModel(columns, key=lambda row: row, theme=DARK)
    table = TableView(model, "nothing")
    model.update(["INFY", "TCS"])
    FittedColumns(table, ("Tag", "Product", "absent"), "Message")
    table.show()
    yield table
    shiboken6.delete(table)


def _at_width(table: TableView, width: int) -> list[str]:
    table.resize(width, 200)
    QApplication.sendPostedEvents()
    return [title for place, title in enumerate(TITLES) if not table.isColumnHidden(place)]


def _whole(table: TableView) -> int:
    """Width at which all columns are shown and none is stretched."""
    assert _at_width(table, 2000) == list(TITLES)
    edges = table.width() - table.viewport().width()
    return sum(table.columnWidth(place) for place in range(4)) + table.columnWidth(0) + edges


def test_what_can_be_spared_goes_in_its_order_and_comes_back(table: TableView) -> None:
    whole = _whole(table)
    assert _at_width(table, whole + 10) == list(TITLES)
    assert _at_width(table, whole - 20) == ["Symbol", "Price", "Product", "Message"]
    assert _at_width(table, whole - 150) == ["Symbol", "Price", "Message"]
    assert _at_width(table, whole + 10) == list(TITLES)


def test_there_is_no_sideways_scroll_bar_even_where_nothing_is_left_to_spare(table: TableView) -> None:
    _at_width(table, 2 * table.columnWidth(0) + 60)
    assert not table.horizontalScrollBar().isVisible()


def test_what_is_left_over_goes_to_one_column(table: TableView) -> None:
    _at_width(table, 1400)
    widths = [table.columnWidth(k) for k in range(5)]
    assert sum(widths) == table.viewport().width() and widths[4] > 2 * max(widths[:4])


def test_the_stretched_column_is_narrowed_before_another_goes(qapp: QApplication) -> None:
    columns = tuple(Column(title, lambda row: row, width_chars=12) for title in TITLES)
    model: RowModel[str] = RowModel(columns, key=lambda row: row, theme=DARK)
    table = TableView(model, "nothing")
    FittedColumns(table, ("Tag", "Product"), "Message", 40)
    table.show()
    assert _at_width(table, 2000) == list(TITLES)
    fixed = sum(table.columnWidth(place) for place in range(4))
    assert _at_width(table, fixed + 60) == list(TITLES)
    assert "Tag" not in _at_width(table, fixed + 30)
    shiboken6.delete(table)


def test_a_column_that_is_gone_is_copied_all_the_same(table: TableView) -> None:
    _at_width(table, 300)
    assert table.isColumnHidden(TITLES.index("Tag"))
    table.selectRow(1)
    assert table.text_of_selection().splitlines() == ["\t".join(TITLES), "\t".join(["TCS"] * 5)]


def test_a_column_drawn_wider_is_reckoned_with(table: TableView) -> None:
    whole = _whole(table)
    assert _at_width(table, whole + 10) == list(TITLES)
    table.horizontalHeader().resizeSection(0, table.columnWidth(0) + 60)
    _at_width(table, whole + 9)
    assert table.isColumnHidden(TITLES.index("Tag"))
    assert not table.isColumnHidden(TITLES.index("Product"))
