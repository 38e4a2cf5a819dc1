from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import QAction, QColor, QGuiApplication
from PySide6.QtTest import QTest

from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import LAID_OUT, CellDelegate, TableView
from alphapanda_desktop.ui.theme import DARK, LIGHT


@dataclass(frozen=True)
class Fruit:
    name: str
    price: float | None
    count: int = 1


COLUMNS: list[Column[Fruit]] = [
    Column("Name", value=lambda f: f.name),
    Column(
        "Price",
        value=lambda f: f.price,
        text=lambda f: "–" if f.price is None else f"{f.price:.2f}",
        align="right",
        colour=lambda f: "up" if f.price and f.price > 2 else None,
        tooltip=lambda f: f"price of {f.name}",
    ),
    Column("Count", value=lambda f: f.count, align="right"),
]


class Stopwatch:
    at_s = 0.0

    def __call__(self) -> float:
        return self.at_s


@pytest.fixture
def model(qapp: Any) -> RowModel[Fruit]:
    return RowModel(COLUMNS, key=lambda f: f.name, monotonic_s=Stopwatch())


def names(model: RowModel[Fruit]) -> list[str]:
    return [row.name for row in model.rows()]


def fruits(text: str) -> list[Fruit]:
    return [Fruit(name, float(ord(name))) for name in text]


def changes_of(model: RowModel[Fruit]) -> list[tuple[int, int, int]]:
    seen: list[tuple[int, int, int]] = []
    model.dataChanged.connect(lambda a, b, *_: seen.append((a.row(), a.column(), b.column())))
    return seen


def test_the_model_keeps_qts_rules_through_its_whole_life(model: RowModel[Fruit], qtmodeltester: Any) -> None:
    qtmodeltester.check(model)
    for rows in (fruits("abc"), fruits("cxa"), fruits("axyc"), [], fruits("b")):
        model.update(rows)
        assert model.rows() == rows
    qtmodeltester.check(model)


@given(st.lists(st.lists(st.sampled_from("abcdefgh"), unique=True), max_size=5))
def test_after_any_updates_the_model_shows_the_rows_it_was_given(steps: list[list[str]]) -> None:
    model: RowModel[Fruit] = RowModel(COLUMNS, key=lambda f: f.name)
    for step in steps:
        model.update(fruits("".join(step)))
        assert names(model) == step
        assert [model.place(name) for name in step] == list(range(len(step)))


def test_only_the_cells_that_changed_are_announced(model: RowModel[Fruit]) -> None:
    model.update([Fruit("a", 1.0), Fruit("b", 2.0), Fruit("c", 3.0)])
    changes = changes_of(model)
    model.update([Fruit("a", 1.0), Fruit("b", 2.5), Fruit("c", 3.0, 2)])
    assert changes == [(1, 1, 1), (2, 2, 2)]


def test_neighbouring_cells_of_a_row_are_announced_as_one_run(model: RowModel[Fruit]) -> None:
    model.update([Fruit("a", 1.0)])
    changes = changes_of(model)
    model.update([Fruit("a", 9.0, 9)])
    assert changes == [(0, 1, 2)]


def test_a_touched_row_that_is_not_shown_is_ignored(model: RowModel[Fruit]) -> None:
    model.update([Fruit("a", 1.0)])
    model.touch([Fruit("a", 2.0), Fruit("z", 5.0)])
    assert model.rows() == [Fruit("a", 2.0)]


def test_no_update_resets_the_model(model: RowModel[Fruit]) -> None:
    resets: list[int] = []
    model.modelReset.connect(lambda: resets.append(1))
    for rows in (fruits("abc"), fruits("xbq"), [], fruits("abc")):
        model.update(rows)
    model.sort(1)
    assert resets == []


def test_the_selected_row_stays_itself_when_others_come_and_go(model: RowModel[Fruit]) -> None:
    model.update(fruits("abcd"))
    kept = QPersistentModelIndex(model.index(2, 0))
    model.update(fruits("xdyc"))
    assert kept.isValid()
    assert model.row(kept).name == "c"


def test_rows_without_a_value_are_last_in_either_direction(model: RowModel[Fruit]) -> None:
    model.update([Fruit("a", None), Fruit("b", 2.0), Fruit("c", 3.0)])
    model.sort(1, Qt.SortOrder.AscendingOrder)
    assert names(model) == ["b", "c", "a"]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert names(model) == ["c", "b", "a"]


def test_a_live_sort_moves_rows_at_most_twice_a_second(qapp: Any) -> None:
    watch = Stopwatch()
    model: RowModel[Fruit] = RowModel(COLUMNS, key=lambda f: f.name, monotonic_s=watch)
    model.update([Fruit("a", 1.0), Fruit("b", 2.0)])
    model.sort(1)
    model.touch([Fruit("a", 9.0)])
    assert names(model) == ["a", "b"]
    watch.at_s = 0.6
    model.touch([Fruit("b", 2.1)])
    assert names(model) == ["b", "a"]


def test_a_cleared_sort_returns_to_the_order_of_the_rows(model: RowModel[Fruit]) -> None:
    model.update(fruits("cab"))
    model.sort(0)
    assert names(model) == ["a", "b", "c"]
    model.sort(-1)
    model.update(fruits("cab"))
    assert names(model) == ["c", "a", "b"]


def test_colours_and_tooltips_come_from_the_columns(model: RowModel[Fruit]) -> None:
    model.update([Fruit("a", 5.0)])
    index = model.index(0, 1)
    assert model.data(index, Qt.ItemDataRole.ForegroundRole) == QColor(DARK.up)
    assert model.data(index, Qt.ItemDataRole.ToolTipRole) == "price of a"
    model.set_theme(LIGHT)
    assert model.data(index, Qt.ItemDataRole.ForegroundRole) == QColor(LIGHT.up)


# --- the view


@pytest.fixture
def view(model: RowModel[Fruit], qtbot: Any) -> Iterator[TableView]:
    view = TableView(model, "No fruit yet today.")
    qtbot.addWidget(view)
    view.resize(420, 160)
    yield view


def inks(view: TableView) -> set[str]:
    image = view.viewport().grab().toImage()
    return {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(0, image.height(), 1)}


def test_an_empty_table_says_why_and_a_full_one_does_not(model: RowModel[Fruit], view: TableView) -> None:
    assert DARK.muted in inks(view)
    model.update([Fruit("a", 1.0)])
    assert DARK.muted not in inks(view)


def test_a_cell_is_drawn_in_the_colour_of_its_role(model: RowModel[Fruit], view: TableView) -> None:
    model.update([Fruit("a", 1.0)])
    assert DARK.up not in inks(view)
    model.update([Fruit("a", 3.0)])
    assert DARK.up in inks(view)


def test_prices_of_long_ago_are_not_kept_laid_out(model: RowModel[Fruit], view: TableView) -> None:
    painter = view.itemDelegate()
    assert isinstance(painter, CellDelegate)
    for step in range(2 * LAID_OUT):
        model.update([Fruit("a", float(step)), Fruit("b", 1.0)])
        view.viewport().grab()
    assert len(painter._laid) + len(painter._laid_before) <= 2 * LAID_OUT
    kept = {text for text, *_ in (*painter._laid, *painter._laid_before)}
    assert {"a", "b", "1.00", f"{2 * LAID_OUT - 1}.00"} <= kept and "0.00" not in kept


def test_columns_keep_their_width_whatever_they_hold(model: RowModel[Fruit], view: TableView) -> None:
    before = [view.columnWidth(k) for k in range(3)]
    model.update([Fruit("a very long name that does not fit into any column", 123456789.0)])
    assert [view.columnWidth(k) for k in range(3)] == before


def test_copy_gives_the_selected_rows_with_titles(model: RowModel[Fruit], view: TableView) -> None:
    model.update([Fruit("a", 1.0), Fruit("b", 2.0)])
    view.selectRow(1)
    QTest.keyClick(view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == "Name\tPrice\tCount\nb\t2.00\t1"


def test_the_view_gives_rows_not_indexes(model: RowModel[Fruit], view: TableView) -> None:
    model.update([Fruit("a", 1.0), Fruit("b", 2.0)])
    chosen: list[Fruit] = []
    opened: list[Fruit] = []
    view.chosen.connect(chosen.append)
    view.opened.connect(opened.append)
    view.selectRow(1)
    QTest.keyClick(view, Qt.Key.Key_Return)
    assert (chosen, opened) == ([Fruit("b", 2.0)], [Fruit("b", 2.0)])


def test_a_row_menu_opens_without_a_nested_loop(model: RowModel[Fruit], view: TableView, qtbot: Any) -> None:
    model.update([Fruit("a", 1.0)])
    eaten: list[str] = []

    def menu_for(fruit: Fruit) -> list[QAction]:
        action = QAction(f"Eat {fruit.name}", view)
        action.triggered.connect(lambda: eaten.append(fruit.name))
        return [action]

    view.menu_for = menu_for
    menu = view.open_menu(model.row(0), view.mapToGlobal(QPoint(5, 5)))
    assert menu is not None
    menu.actions()[0].trigger()
    menu.close()
    assert eaten == ["a"]


def test_clicking_a_title_sorts_both_ways_and_a_third_click_stops(model: RowModel[Fruit], view: TableView) -> None:
    model.update(fruits("bca"))
    header, seen = view.horizontalHeader(), []
    view.show()
    for _ in range(3):
        at = QPoint(header.sectionViewportPosition(0) + 20, header.height() // 2)
        QTest.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=at)
        model.update(fruits("bca"))
        seen.append("".join(names(model)))
    view.hide()
    assert sorted(seen[:2]) == ["abc", "cba"]
    assert seen[2] == "bca"
