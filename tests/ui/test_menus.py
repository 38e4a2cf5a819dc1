"""The menu bar: every command does what it says, and the dangerous ones ask for a word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QPushButton

from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.ui.keys import KEYS
from alphapanda_desktop.ui.sheet import Sheet
from alphapanda_desktop.ui.theme import DARK, LIGHT, LiveTheme
from tests.ui.window_stage import WindowStage, a_window

Eventually = Callable[..., Awaitable[Any]]


def action(stage: WindowStage, text: str) -> QAction:
    for menu in stage.window.menuBar().actions():
        for item in menu.menu().actions():  # type: ignore[union-attr]
            if item.text().replace("&", "").startswith(text):
                return item
    raise AssertionError(f"no command {text!r}")


def dialog() -> QDialog | None:
    shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.isVisible()]
    return shown[0] if shown else None


async def type_word(stage: WindowStage, eventually: Eventually, word: str) -> Sheet:
    """Type a word into the sheet that asks for it; the sheet."""
    sheet: Sheet = await eventually(lambda: stage.window.deck.top)
    field = next(f for f in sheet.findChildren(QLineEdit) if f.objectName() in ("typed_word", "kill_word"))
    button = next(b for b in sheet.findChildren(QPushButton) if b.objectName() in ("typed_ok", "kill_release"))
    QTest.keyClicks(field, word)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    return sheet


def said(sheet: Sheet) -> str:
    return " ".join(label.text() for label in sheet.findChildren(QLabel))


def test_before_the_login_only_what_works_is_offered(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            menus = {m.text().replace("&", ""): m.isVisible() for m in stage.window.menuBar().actions()}
            assert menus == {"File": True, "View": True, "Trade": False, "Order": False, "Help": True}
            assert not action(stage, "Log out of Kite").isEnabled()
            assert action(stage, "Close AlphaPanda").isEnabled()

    run(story())


def test_log_out_and_close_are_two_commands(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            closed: list[bool] = []
            stage.window.closed.connect(lambda: closed.append(True))
            action(stage, "Close AlphaPanda").trigger()
            assert closed == [True] and stage.gate.logged_out == 0
            action(stage, "Log out of Kite").trigger()
            await eventually(lambda: stage.gate.logged_out == 1)
            assert closed == [True]
            assert not action(stage, "Log out of Kite").isEnabled()  # there is nothing to log out of now

    run(story())


@pytest.mark.parametrize(("word", "released"), [("RELEASE", True), ("release", False)])
def test_release_needs_its_word(word: str, released: bool, run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            desk = stage.desk.desk
            await desk.kill.press("tested", flatten=False)
            stage.window.strip.release.click()
            sheet = await type_word(stage, eventually, word)
            if released:
                await eventually(lambda: desk.trading_state is TradingState.ACTIVE)
                await eventually(lambda: not stage.window.strip.release.isVisible())
            else:
                await eventually(lambda: "'release' was typed" in said(sheet) or "release typed" in said(sheet))
                assert "tested" in said(sheet)
                assert desk.trading_state is TradingState.HALTED

    run(story())


def test_only_exits_can_be_let_pass(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            action(stage, "Let only exits pass").trigger()
            await eventually(lambda: stage.desk.desk.trading_state is TradingState.REDUCING)
            await eventually(lambda: stage.window.strip.desk.text() == "▲ REDUCING: exits only")
            assert not action(stage, "Let only exits pass").isEnabled()
            assert action(stage, "Release the kill switch").isEnabled()

    run(story())


@pytest.mark.parametrize(
    ("command", "sheet"),
    [
        ("Differences with the broker", "reconcile_sheet"),
        ("Limits", "limits_sheet"),
        ("Kill switch: state and report", "kill_sheet"),
    ],
)
def test_each_sheet_has_a_command(command: str, sheet: str, run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            for _ in range(2):
                action(stage, command).trigger()
            sheets = [s for s in stage.window.findChildren(Sheet) if s.isVisible()]
            assert [s.objectName() for s in sheets] == [sheet]  # one of each kind

    run(story())


def test_there_is_something_to_release_only_while_halted(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            release = action(stage, "Release the kill switch")
            assert not release.isEnabled()
            await stage.desk.desk.kill.press("tested", flatten=False)
            assert release.isEnabled()
            await stage.desk.desk.kill.release("RELEASE")
            assert not release.isEnabled()

    run(story())


def test_the_menu_kills_too(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            action(stage, "Kill switch").trigger()
            await eventually(lambda: stage.desk.desk.trading_state is TradingState.HALTED)

    run(story())


@pytest.mark.parametrize(("word", "armed"), [("LIVE", True), ("live", False), ("yes", False)])
def test_live_is_armed_by_typing_and_by_nothing_else(word: str, armed: bool, run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window(live=True) as stage:
            assert stage.window.strip.desk.text() == "disarmed"
            action(stage, "Arm live trading").trigger()
            sheet = await type_word(stage, eventually, word)
            if armed:
                await eventually(lambda: stage.desk.arming.armed)
                await eventually(lambda: stage.window.strip.desk.text() == "desk ready")
                assert stage.window.deck.top is None
            else:
                await eventually(lambda: "was typed" in said(sheet))
                assert "real money" in said(sheet)
                assert not stage.desk.arming.armed

    run(story())


def test_practice_has_nothing_to_arm(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            with pytest.raises(AssertionError, match="no command"):
                action(stage, "Arm live trading")

    run(story())


def test_cancel_all_and_reconcile_reach_the_broker(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            stage.desk.order("1", "OPEN")
            action(stage, "Cancel all working orders").trigger()
            await eventually(lambda: stage.desk.broker.book["1"][-1].status == "CANCELLED")
            states: list[str] = []
            stage.desk.desk.state_changed.connect(lambda state: states.append(str(state)))
            action(stage, "Reconcile").trigger()
            await eventually(lambda: states == ["reconciling", "ready"])

    run(story())


def test_a_panel_behind_a_tab_can_be_shown(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            trades = stage.window.dockyard().find("trades")
            assert trades is not None and not trades.widget().isVisible()
            action(stage, "Show Trades").trigger()
            await eventually(trades.widget().isVisible)

    run(story())


def test_help_lists_the_keys_that_exist(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            action(stage, "Keys").trigger()
            shown = await eventually(dialog)
            assert "Ctrl+Shift+K" in shown.findChild(QLabel).text()
            QTest.keyClick(shown, Qt.Key.Key_Escape)
            await eventually(lambda: dialog() is None)

    run(story())


def test_other_colours_come_at_once_and_are_remembered(run: Any, qapp: QApplication) -> None:
    before = qapp.palette(), qapp.styleSheet()

    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            stage.window._edge.theme = LiveTheme(DARK, qapp)
            action(stage, "Light").trigger()
            assert stage.saved == {"theme": "light"}
            assert qapp.palette().window().color().name() == LIGHT.window

    try:
        run(story())
    finally:
        qapp.setPalette(before[0])
        qapp.setStyleSheet(before[1])


def test_every_key_of_a_panel_is_in_the_menu_and_on_the_page_of_keys(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            listed = " ".join(key for section in KEYS.values() for key in section)
            told = {
                (item.text().partition("\t")[2] or item.shortcut().toString())
                for menu in stage.window.menuBar().actions()
                for item in menu.menu().actions()  # type: ignore[union-attr]
            } - {""}
            assert {"B", "S", "/", "T", "W", "C", "L", "F2", "Del", "Shift+Del", "Ctrl+Shift+K"} <= told
            numbered = {f"{keys}+{n}" for keys in ("Ctrl", "Ctrl+Alt") for n in range(1, 10)}
            words = set(listed.replace("/", " ").split()) | {"/"} | numbered
            assert told - words == set()

    run(story())


@pytest.mark.parametrize(("key", "side"), [("b", "BUY"), ("s", "SELL")])
def test_b_and_s_order_what_is_on_the_chart_or_selected_wherever_the_keyboard_is(key: str, side: str, run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            view = stage.window.view
            assert view is not None and view.chart.instrument is not None
            action(stage, "Show Chart").trigger()
            QTest.keyClicks(stage.window.focusWidget(), key)
            assert view.ticket.isVisible() and view.ticket.side == side
            assert view.ticket.instrument == view.chart.instrument
            view.ticket.dismiss()
            action(stage, "Limits").trigger()
            QTest.keyClicks(stage.window.focusWidget(), key)
            assert not view.ticket.isVisible()  # a sheet's keys are not for what lies beneath it

    run(story())


def test_each_panel_is_reached_by_its_number(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            view = stage.window.view
            assert view is not None
            for dock in view.docks:
                action(stage, f"Show {dock.windowTitle()}").trigger()
                focused = stage.window.focusWidget()
                assert focused is not None and (dock.widget() is focused or dock.widget().isAncestorOf(focused))

    run(story())


def test_what_was_chosen_about_asking_first_is_remembered(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            view = stage.window.view
            assert view is not None and view.ticket.ask_first.isChecked()
            view.ticket.ask_first.setChecked(False)
            assert stage.saved["ask_first"] is False

    run(story())


def test_every_shortcut_has_one_meaning(run: Any) -> None:
    async def story() -> None:
        async with a_window(live=True) as stage:
            items = [i for m in stage.window.menuBar().actions() for i in m.menu().actions()]  # type: ignore[union-attr]
            keys = [item.shortcut().toString() for item in items if not item.shortcut().isEmpty()]
            assert sorted(keys) == sorted(set(keys))
            assert {"Ctrl+Q", "Ctrl+Shift+C", "F5", "F1"} <= set(keys)

    run(story())
