"""The menu bar: every command does what it says, and the dangerous ones ask for a word."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QDialogButtonBox, QDockWidget, QLabel, QLineEdit

from alphapanda_desktop.domain.risk import TradingState
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


async def type_word(eventually: Eventually, word: str, *, ok: bool = True) -> str:
    """Answer the dialog that asks for a word; what it says."""
    asked: QDialog = await eventually(dialog)
    said = " ".join(label.text() for label in asked.findChildren(QLabel))
    field = asked.findChild(QLineEdit, "typed_word")
    box = asked.findChild(QDialogButtonBox)
    assert field is not None and box is not None
    await eventually(field.hasFocus)
    QTest.keyClicks(field, word)
    which = QDialogButtonBox.StandardButton.Ok if ok else QDialogButtonBox.StandardButton.Cancel
    QTest.mouseClick(box.button(which), Qt.MouseButton.LeftButton)
    await eventually(lambda: dialog() is None)
    return said


def test_before_the_login_only_what_works_is_offered(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            menus = {m.text().replace("&", ""): m.isVisible() for m in stage.window.menuBar().actions()}
            assert menus == {"File": True, "View": True, "Trade": False, "Help": True}
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


@pytest.mark.parametrize(
    ("word", "ok", "released"), [("RELEASE", True, True), ("release", True, False), ("RELEASE", False, False)]
)
def test_release_needs_its_word(word: str, ok: bool, released: bool, run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            desk = stage.desk.desk
            await desk.halt("tested")
            stage.window.strip.kill.click()  # it says RELEASE… now
            said = await type_word(eventually, word, ok=ok)
            assert "tested" in said
            if released:
                await eventually(lambda: desk.trading_state is TradingState.ACTIVE)
                await eventually(lambda: stage.window.strip.kill.text() == "KILL")
            else:
                assert desk.trading_state is TradingState.HALTED
            if ok and not released:
                await eventually(lambda: any("Not released" in text for text, _ in stage.desk.notices))

    run(story())


def test_there_is_something_to_release_only_while_halted(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            release = action(stage, "Release the kill switch")
            assert not release.isEnabled()
            await stage.desk.desk.halt("tested")
            assert release.isEnabled()
            await stage.desk.desk.release()
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
            said = await type_word(eventually, word)
            assert "real money" in said
            if armed:
                await eventually(lambda: stage.desk.arming.armed)
                await eventually(lambda: stage.window.strip.desk.text() == "desk ready")
            else:
                await eventually(lambda: any("was typed" in text for text, _ in stage.desk.notices))
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
            trades = stage.window.findChild(QDockWidget, "dock_trades")
            assert trades is not None and trades.visibleRegion().isEmpty()
            action(stage, "Show Trades").trigger()
            await eventually(lambda: not trades.visibleRegion().isEmpty())

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


def test_the_colours_come_with_the_next_start(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            action(stage, "Light").trigger()
            assert stage.saved == {"theme": "light"}
            assert "next start" in stage.window.statusBar().currentMessage()

    run(story())


def test_every_shortcut_has_one_meaning(run: Any) -> None:
    async def story() -> None:
        async with a_window(live=True) as stage:
            items = [i for m in stage.window.menuBar().actions() for i in m.menu().actions()]  # type: ignore[union-attr]
            keys = [item.shortcut().toString() for item in items if not item.shortcut().isEmpty()]
            assert sorted(keys) == sorted(set(keys))
            assert {"Ctrl+Q", "Ctrl+Shift+C", "F5", "F1"} <= set(keys)

    run(story())
