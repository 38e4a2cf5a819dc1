"""The command palette: every action and every instrument is found by typing, and Enter does it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from alphapanda_desktop.ui.palette import Command, Palette, commands_of, found
from tests.ui.window_stage import WindowStage, a_window

Eventually = Callable[..., Awaitable[Any]]


def palette(stage: WindowStage) -> Palette:
    sheet = stage.window.deck.find("palette")
    assert isinstance(sheet, Palette)
    return sheet


def names(sheet: Palette) -> list[str]:
    return [command.words for command in sheet.model.rows()]


def test_the_better_match_comes_first_and_the_impossible_last() -> None:
    commands = [
        Command("View", "Dark", "", list),
        Command("Trade", "Kill switch", "Ctrl+Shift+K", list),
        Command("Order", "Cancel the selected order", "Del", list),
        Command("Trade", "Cancel all working orders", "Ctrl+Shift+C", list, enabled=False),
    ]
    assert [c.words for c in found(commands, "cancel order")] == [
        "Cancel the selected order",
        "Cancel all working orders",
    ]
    assert [c.words for c in found(commands, "kill trade")] == ["Kill switch"]
    assert found(commands, "kill nothing") == []
    assert len(found(commands, "")) == len(commands)


def test_every_entry_of_the_menus_is_in_it_with_its_key(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            commands = {command.words: command for command in commands_of(stage.window.menuBar())}
            assert commands["Cancel all working orders"].key == "Ctrl+Shift+C"
            assert commands["Change the selected order…"].key == "F2"
            assert commands["Log out of Kite"].place == "File"
            assert not [words for words in commands if "&" in words or "\t" in words]

    run(story())


def test_enter_does_what_is_selected_and_takes_the_palette_away(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            stage.window.menus.show_palette()
            sheet = palette(stage)
            QTest.keyClicks(sheet.field, "limits")
            sheet.look()
            assert names(sheet)[0] == "Limits…"
            QTest.keyClick(sheet.field, Qt.Key.Key_Return)
            await eventually(lambda: stage.window.deck.find("limits_sheet") is not None)
            assert stage.window.deck.find("palette") is None

    run(story())


def test_an_instrument_that_is_picked_is_shown_on_the_chart(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            stage.window.menus.show_palette()
            sheet = palette(stage)
            QTest.keyClicks(sheet.field, "infy")
            QTest.keyClick(sheet.field, Qt.Key.Key_Return)  # before the pause has passed
            assert stage.window.deck.find("palette") is None
            view = stage.window.view
            assert view is not None and view.chart.instrument is not None
            assert view.chart.instrument.tradingsymbol == "INFY"

    run(story())


def test_down_and_up_walk_the_list_and_stop_at_its_ends(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            stage.window.menus.show_palette()
            sheet = palette(stage)
            QTest.keyClick(sheet.field, Qt.Key.Key_Up)
            assert sheet.list.currentIndex().row() == 0
            QTest.keyClick(sheet.field, Qt.Key.Key_Down)
            QTest.keyClick(sheet.field, Qt.Key.Key_Down)
            assert sheet.list.currentIndex().row() == 2
            for _ in range(20):
                QTest.keyClick(sheet.field, Qt.Key.Key_PageDown)
            assert sheet.list.currentIndex().row() == sheet.model.rowCount() - 1

    run(story())


def test_what_is_not_possible_now_says_so_and_stays(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            stage.window.menus.show_palette()
            sheet = palette(stage)
            QTest.keyClicks(sheet.field, "release kill")
            sheet.look()
            assert names(sheet) == ["Release the kill switch…"]
            QTest.keyClick(sheet.field, Qt.Key.Key_Return)
            assert stage.window.deck.find("palette") is sheet
            assert "not possible now" in sheet.answer.text()

    run(story())
