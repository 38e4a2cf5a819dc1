from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.watchlists import RARE, WatchedList
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.quotemodel import COLUMNS
from alphapanda_desktop.ui.watchimport import ImportSheet
from alphapanda_desktop.ui.watchtabs import SYMBOL_PX, TITLES, WatchTabs
from tests.ui.fakes_market import FUTURE, INFY, NIFTY, OPTION, RUPEE, MarketStage

TWO = (
    WatchedList(name="Mine", keys=(INFY.key, NIFTY.key, FUTURE.key), groups={FUTURE.key: "Futures"}),
    WatchedList(name="Other", keys=(OPTION.key,)),
)


class Pane:
    """Watchlists on a stage, with what was saved of them."""

    def __init__(self, *lists: WatchedList, folder: Path | None = None) -> None:
        self.stage = MarketStage()
        self.saved: list[tuple[tuple[WatchedList, ...], int]] = []
        self.notices: list[str] = []
        self.edge = Edge(Scope("ui", lambda *_: None), FrameClock(), lambda text, _: self.notices.append(text))
        self.tabs = WatchTabs(
            self.edge, self.stage.market, lambda lists, at: self.saved.append((lists, at)), lists, folder=folder
        )
        self.tabs.resize(700, 400)
        self.tabs.show()

    def rows(self) -> list[str]:
        return [quote.instrument.key for quote in self.tabs.model.rows()]

    def kept(self, at: int = 0) -> WatchedList:
        return self.saved[-1][0][at]

    def frame(self) -> None:
        self.edge.frames.beat()

    def cells(self, instrument: Instrument) -> dict[str, str]:
        place = self.tabs.model.place(instrument.instrument_token)
        assert place is not None
        return {title: self.tabs.model.cell(place, TITLES.index(title)).text for title in RARE}

    def shown_titles(self) -> list[str]:
        return [title for at, title in enumerate(TITLES) if not self.tabs.table.isColumnHidden(at)]


@pytest.fixture
def pane(qtbot: Any) -> Iterator[Callable[..., Pane]]:
    made: list[Pane] = []

    def make(*lists: WatchedList, folder: Path | None = None) -> Pane:
        made.append(Pane(*lists, folder=folder))
        return made[-1]

    yield make
    for each in made:
        if shiboken6.isValid(each.tabs):
            shiboken6.delete(each.tabs)


def test_only_the_shown_list_is_subscribed(pane: Any) -> None:
    p = pane(*TWO)
    assert set(p.stage.feed.wanted) == {i.instrument_token for i in (INFY, NIFTY, FUTURE)}
    p.tabs.tabs.setCurrentIndex(1)
    assert p.stage.feed.wanted == {OPTION.instrument_token: Mode.FULL}
    assert p.rows() == [OPTION.key]
    assert p.saved[-1] == (TWO, 1)


def test_what_is_added_is_kept_in_the_shown_list_alone(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.add(RUPEE)
    assert p.kept(0).keys == (*TWO[0].keys, RUPEE.key)
    assert p.kept(1) == TWO[1]
    p.tabs.remove(INFY)
    assert p.kept(0).keys == (NIFTY.key, FUTURE.key, RUPEE.key)


def test_a_group_shows_its_rows_only_and_new_ones_join_it(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.groups.chosen.emit("Futures")
    assert p.rows() == [FUTURE.key]
    p.tabs.add(RUPEE)
    assert p.rows() == [FUTURE.key, RUPEE.key]
    assert p.kept().groups[RUPEE.key] == "Futures"
    assert len(p.kept().keys) == 4
    p.tabs.groups.chosen.emit("")
    assert len(p.rows()) == 4


def test_the_selected_rows_are_put_into_a_group_by_name(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.select(INFY)
    p.tabs.ask_group()
    QTest.keyClicks(p.tabs.namer, "IT")
    QTest.keyClick(p.tabs.namer, Qt.Key.Key_Return)
    assert p.kept().groups == {FUTURE.key: "Futures", INFY.key: "IT"}
    assert p.tabs.groups.isVisible()
    assert p.tabs.namer.isHidden()


def test_a_list_without_groups_has_no_row_for_them(pane: Any) -> None:
    p = pane(TWO[1])
    assert p.tabs.groups.isHidden()


def test_rows_move_by_keys_and_stay_where_they_were_put(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.select(INFY)
    QTest.keyClick(p.tabs.table, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert p.rows() == [NIFTY.key, INFY.key, FUTURE.key]
    assert p.tabs.current() == INFY
    QTest.keyClick(p.tabs.table, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    QTest.keyClick(p.tabs.table, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert p.kept().keys == (NIFTY.key, FUTURE.key, INFY.key)
    assert p.kept().groups == TWO[0].groups


def test_a_row_is_carried_to_another_place_with_the_mouse(pane: Any) -> None:
    p = pane(*TWO)
    table = p.tabs.table
    at = [table.visualRect(p.tabs.model.index(row, 1)).center() for row in range(3)]
    view = table.viewport()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at[2])
    QTest.mouseMove(view, at[2] - QPoint(0, 40))
    assert p.tabs.carry.carrying
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at[0])
    assert not p.tabs.carry.carrying
    assert p.rows() == [FUTURE.key, INFY.key, NIFTY.key]


def test_a_carried_row_put_on_a_tab_goes_to_that_list(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs._dropped_on_tab(INFY, 1)
    assert p.kept(0).keys == (NIFTY.key, FUTURE.key)
    assert p.kept(1).keys == (OPTION.key, INFY.key)


def test_escape_lets_a_carried_row_go(pane: Any) -> None:
    p = pane(*TWO)
    view, start = p.tabs.table.viewport(), p.tabs.table.visualRect(p.tabs.model.index(2, 1)).center()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    QTest.mouseMove(view, start - QPoint(0, 40))
    QTest.keyClick(p.tabs.table, Qt.Key.Key_Escape)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    assert p.rows() == list(TWO[0].keys)


def test_columns_that_were_taken_away_stay_away_in_that_list_alone(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.show_column("Volume", False)
    p.tabs.resize(900, 400)
    assert "Volume" not in p.shown_titles()
    assert p.kept().hidden == (*RARE, "Volume")
    p.tabs.tabs.setCurrentIndex(1)
    assert "Volume" in p.shown_titles()
    p.tabs.tabs.setCurrentIndex(0)
    assert "Volume" not in p.shown_titles()
    p.tabs.show_column("Volume", True)
    assert "Volume" in p.shown_titles()


def test_the_columns_menu_ticks_what_is_shown(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.show_column("Bid", False)
    ticked = {action.text(): action.isChecked() for action in p.tabs.open_columns(QPoint()).actions()}
    assert ticked == {title: title not in (*RARE, "Bid") for title in TITLES[1:]}


def test_each_list_is_sorted_as_it_was_left(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.table.horizontalHeader().setSortIndicator(0, Qt.SortOrder.DescendingOrder)
    assert p.rows() == [FUTURE.key, NIFTY.key, INFY.key]
    assert (p.kept().sorted_by, p.kept().descending) == ("Symbol", True)
    p.tabs.tabs.setCurrentIndex(1)
    p.tabs.add(INFY)
    assert p.rows() == [OPTION.key, INFY.key]
    p.tabs.tabs.setCurrentIndex(0)
    assert p.rows() == [FUTURE.key, NIFTY.key, INFY.key]


def test_moving_a_row_gives_the_list_its_own_order_back(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.table.horizontalHeader().setSortIndicator(0, Qt.SortOrder.DescendingOrder)
    p.tabs.move_before(NIFTY, INFY)
    assert p.kept().sorted_by == ""
    assert p.rows() == [NIFTY.key, INFY.key, FUTURE.key]


def test_a_removed_list_can_be_brought_back_where_it_stood(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.remove_list()
    assert [each.name for each in p.saved[-1][0]] == ["Other"]
    assert p.rows() == [OPTION.key]
    p.tabs.bring_back()
    assert p.saved[-1] == (TWO, 0)
    assert p.rows() == list(TWO[0].keys)


def test_the_last_list_stays(pane: Any) -> None:
    p = pane(TWO[1])
    p.tabs.remove_list()
    assert p.tabs.lists == (TWO[1],)
    assert "only list" in p.notices[-1]


def test_a_new_list_is_named_at_once_and_never_as_another(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.new_list()
    p.tabs.namer.clear()
    QTest.keyClicks(p.tabs.namer, "Other")
    QTest.keyClick(p.tabs.namer, Qt.Key.Key_Return)
    assert [p.tabs.tabs.tabText(at) for at in range(3)] == ["Mine", "Other", "Other 2"]
    assert p.saved[-1][1] == 2
    assert p.rows() == []


def test_tabs_that_change_places_keep_their_lists(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.tabs.moveTab(0, 1)
    assert p.saved[-1] == ((TWO[1], TWO[0]), 1)
    assert p.rows() == list(TWO[0].keys)
    QTest.keyClick(p.tabs.table, Qt.Key.Key_PageDown, Qt.KeyboardModifier.ControlModifier)
    assert p.rows() == [OPTION.key]


def test_what_is_gone_from_the_master_is_taken_off_every_list_and_told(pane: Any) -> None:
    p = pane(WatchedList(name="A", keys=("NSE:GONE", INFY.key)), WatchedList(name="B", keys=("NFO:PAST",)))
    assert [each.keys for each in p.saved[-1][0]] == [(INFY.key,), ()]
    assert "NSE:GONE, NFO:PAST" in p.notices[0]


def test_a_list_goes_out_as_csv_and_comes_back_from_the_file(pane: Any, tmp_path: Path) -> None:
    p = pane(*TWO, folder=tmp_path)
    path = p.tabs.export()
    assert path is not None
    p.tabs.take_file(path)
    assert p.kept(2).name == "Mine 2"
    assert p.kept(2).keys == TWO[0].keys
    assert p.kept(2).groups == TWO[0].groups


def test_a_file_that_names_nothing_makes_no_list(pane: Any, tmp_path: Path) -> None:
    p = pane(*TWO)
    (tmp_path / "notes.txt").write_text("hello\n")
    p.tabs.take_file(tmp_path / "notes.txt")
    p.tabs.take_file(tmp_path / "absent.csv")
    assert len(p.tabs.lists) == 2
    assert len(p.notices) == 2


def test_pasted_text_is_judged_before_it_is_added(pane: Any) -> None:
    p = pane(*TWO)
    sheet = ImportSheet(p.tabs, p.edge, p.tabs)
    assert not sheet.add.isEnabled()
    sheet.text.setPlainText("NSE:GONE")
    assert not sheet.add.isEnabled()
    sheet.text.setPlainText(f"{OPTION.key},Options\nNSE:GONE")
    assert sheet.found.text() == "1 instruments, 1 not found: line 2: NSE:GONE."
    QTest.mouseClick(sheet.add, Qt.MouseButton.LeftButton)
    assert p.kept().keys[-1] == OPTION.key
    assert p.kept().groups[OPTION.key] == "Options"


def test_a_named_file_is_read_into_the_sheet(pane: Any, tmp_path: Path) -> None:
    p = pane(*TWO)
    sheet = ImportSheet(p.tabs, p.edge, p.tabs)
    sheet.path.setText(str(tmp_path / "absent.csv"))
    QTest.keyClick(sheet.path, Qt.Key.Key_Return)
    assert "cannot be read" in sheet.found.text()
    (tmp_path / "mine.csv").write_text("INFY\n")
    sheet.path.setText(str(tmp_path / "mine.csv"))
    QTest.keyClick(sheet.path, Qt.Key.Key_Return)
    QTest.mouseClick(sheet.new, Qt.MouseButton.LeftButton)
    assert p.kept(2).keys == (INFY.key,)


def test_rare_columns_are_shown_when_they_are_asked_for(pane: Any) -> None:
    p = pane(*TWO)
    assert not set(RARE) & set(p.shown_titles())
    p.stage.tick(FUTURE, 26_000.0, 100, close=25_900.0)
    p.frame()
    p.tabs.resize(1200, 400)
    for title in RARE:
        p.tabs.show_column(title, True)
    assert set(RARE) <= set(p.shown_titles())
    assert p.cells(FUTURE) == {
        "Open": "26,000.00", "High": "26,000.00", "Low": "26,000.00", "Prev": "25,900.00", "OI": "–",
    }  # fmt: skip
    p.stage.tick(FUTURE, 26_100.0, 100, close=25_900.0)
    p.frame()
    assert p.cells(FUTURE)["High"] == "26,100.00"
    p.tabs.show_column("High", False)
    assert p.cells(FUTURE)["High"] == ""


def test_the_rare_columns_of_a_new_list_are_those_of_the_table() -> None:
    assert tuple(column.title for column in COLUMNS if column.rare) == RARE


def test_with_more_columns_than_room_the_names_keep_theirs(pane: Any) -> None:
    p = pane(*TWO)
    p.tabs.resize(460, 400)
    for title in RARE:
        p.tabs.show_column(title, True)
    assert p.tabs.table.columnWidth(0) >= SYMBOL_PX
    p.tabs.resize(440, 400)
    assert p.tabs.table.columnWidth(0) >= SYMBOL_PX
    p.tabs.resize(1400, 400)
    assert p.tabs.table.columnWidth(0) > 2 * SYMBOL_PX
