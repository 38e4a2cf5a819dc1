"""The main window: what it says of itself, and that it decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QCloseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QDialog, QLineEdit, QMenu, QPushButton, QWidget

from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.ui.edge import ask
from alphapanda_desktop.ui.formats import DASH
from alphapanda_desktop.ui.login import LoginPlan
from alphapanda_desktop.ui.whysheet import WhySheet
from tests.ui.fakes_market import INFY
from tests.ui.fakes_sheets import FakeCoverage, FakeTrail, a_difference, covered_row
from tests.ui.window_stage import WindowStage, a_window

Eventually = Callable[..., Awaitable[Any]]
NO_WEB = LoginPlan(frozenset(), web=False, why_not_web="not in this test")


@pytest.mark.parametrize(("mode", "mark"), [("practice", "◇ PRACTICE"), ("paper", "▢ PAPER"), ("live", "⬤ LIVE")])
def test_the_mode_is_told_by_shape_and_word_in_strip_and_title(mode: str, mark: str, run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            stage.window.set_mode(mode, "AB1234")
            assert stage.window.strip.mode.text() == mark
            assert stage.window.windowTitle() == f"{mark} — AB1234 — AlphaPanda"

    run(story())


def test_another_profile_is_named_in_the_title(run: Any) -> None:
    async def story() -> None:
        async with a_window(profile="wife", show_desk=False) as stage:
            stage.window.set_mode("live", "AB1234")
            assert stage.window.windowTitle().endswith("AB1234 — wife — AlphaPanda")

    run(story())


def test_before_the_login_the_strip_says_that_it_does_not_know(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            strip = stage.window.strip
            assert strip.session.text() == "not logged in"
            assert strip.feed.text() == f"feed {DASH}"
            assert strip.desk.text() == f"desk {DASH}"
            assert strip.pnl.text() == f"Net today {DASH}"
            assert not strip.kill.isEnabled()

    run(story())


def test_a_desk_fills_the_strip(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            strip = stage.window.strip
            assert strip.session.text() == "AB1234  ends in 5 h 00 m"
            assert strip.desk.text() == "desk ready"
            assert strip.kill.isEnabled() and strip.kill.text() == "KILL"
            assert stage.window._status["phase"].text() == "open"
            assert stage.window._status["database"].text() == "journal practice.sqlite"

    run(story())


def test_the_session_counts_down_and_warns(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            calm = stage.window.strip.session.styleSheet()
            stage.desk.clock.advance(4 * 3600 + 45 * 60)
            stage.window._refresh_strip()
            assert stage.window.strip.session.text() == "AB1234  ends in 15 m 00 s"
            assert stage.window.strip.session.styleSheet() != calm

    run(story())


def test_a_chip_tells_a_new_reason_under_the_same_words(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            feed = stage.window.strip
            for reason in ("connection reset", "no route to host"):
                feed.show_feed(LinkState.WAITING, 0.0, reason)
                assert feed.feed.toolTip() == reason

    run(story())


def test_a_dead_feed_is_no_feed_with_no_ticks(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            stage.desk.market.link = LinkReport(LinkState.WAITING, "silence for 5 s")
            stage.window._refresh_strip()
            assert "ticks/s" not in stage.window.strip.feed.text()
            assert stage.window.strip.feed.toolTip() == "silence for 5 s"

    run(story())


def test_closing_only_signals(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            asked: list[bool] = []
            stage.window.closed.connect(lambda: asked.append(True))
            assert not stage.window.close()
            assert asked == [True] and stage.window.isVisible()
            assert stage.saved["layout"]

    run(story())


def test_closing_at_the_login_does_not_lose_the_layout(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            stage.window.close()
            assert "layout" not in stage.saved

    run(story())


def test_a_layout_comes_back(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            dock = stage.window.dockyard().find("strategies")
            assert dock is not None and not dock.floating
            dock.float_()
            stage.window.close()
            layout = stage.saved["layout"]
        assert isinstance(layout, bytes)
        async with a_window(layout=layout) as again:
            dock = again.window.dockyard().find("strategies")
            assert dock is not None and dock.floating

    run(story())


def test_a_spoilt_layout_costs_nothing(run: Any) -> None:
    async def story() -> None:
        async with a_window(layout=b"\x00\xff spoilt") as stage:
            assert stage.window.strip.isVisible()
            assert stage.window.view is not None and stage.window.view.chart.isVisible()

    run(story())


def test_neither_strip_nor_panels_can_be_closed_by_mistake(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            assert stage.window.contextMenuPolicy() is Qt.ContextMenuPolicy.NoContextMenu
            buttons = stage.window.dockyard().manager.findChildren(QAbstractButton)
            assert not [b for b in buttons if b.isVisible() and "lose" in b.objectName()]

    run(story())


def kill(stage: WindowStage) -> QPushButton:
    button = stage.window.findChild(QPushButton, "kill_switch")
    assert button is not None
    return button


KEYS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier


def test_the_kill_button_halts_at_once_and_shows_its_sheet(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            desk, window = stage.desk.desk, stage.window
            stage.desk.order("1", "OPEN", tag="ours")
            QTest.mouseClick(kill(stage), Qt.MouseButton.LeftButton)
            assert window.deck.find("kill_sheet") is not None
            await eventually(lambda: desk.trading_state is TradingState.HALTED)
            await eventually(lambda: window.strip.desk.text() == "■ TRADING HALTED")
            assert kill(stage).text() == "KILL" and window.strip.release.isVisible()
            assert "kill switch pressed" in window.strip.desk.toolTip()
            await eventually(lambda: stage.desk.broker.book["1"][-1].status == "CANCELLED")
            await eventually(lambda: desk.kill.report is not None and desk.kill.report.done_at is not None)
            assert any(event.kind == "kill switch" for event in stage.desk.journal.event_rows)

    run(story())


def test_the_kill_key_works_again_after_a_release(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            desk, window = stage.desk.desk, stage.window
            window.activateWindow()
            await eventually(window.isActiveWindow)
            for _ in range(2):
                QTest.keyClick(window, Qt.Key.Key_K, KEYS)
                await eventually(lambda: desk.trading_state is TradingState.HALTED)
                await eventually(lambda: not desk.kill.at_work)
                await desk.kill.release("RELEASE")
                await eventually(lambda: not window.strip.release.isVisible())

    run(story())


def _dialog(stage: WindowStage) -> QWidget:
    """A question asked the way every dialog of the program is asked."""
    dialog = QDialog(stage.window)
    field = QLineEdit(dialog)
    stage.desk.edge.spawn("ask", ask(dialog))
    return field


def _keys_page(stage: WindowStage) -> QWidget:
    stage.window.menus._show("Keys", "keys")
    shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, QDialog) and w.windowTitle() == "Keys"]
    return shown[0]


def _sheet(name: str) -> Callable[[WindowStage], QWidget]:
    def lay(stage: WindowStage) -> QWidget:
        assert stage.window.sheets is not None
        getattr(stage.window.sheets, f"show_{name}")()
        assert stage.window.deck.top is not None
        return stage.window.deck.top

    return lay


def _arming(stage: WindowStage) -> QWidget:
    stage.window.menus._ask_arming()
    found = stage.window.findChild(QLineEdit, "typed_word")
    assert isinstance(found, QWidget)
    return found


def _ticket(stage: WindowStage) -> QWidget:
    assert stage.window.view is not None
    stage.window.view.ticket.open_for(INFY, "BUY")
    return stage.window.view.ticket.fields.quantity


@pytest.mark.parametrize(
    "over",
    [_dialog, _keys_page, _sheet("kill"), _sheet("differences"), _sheet("limits"), _arming, _ticket],
    ids=["dialog", "keys", "kill sheet", "differences", "limits", "arming", "ticket"],
)
@pytest.mark.parametrize("how", ["key", "button"])
def test_the_kill_switch_works_over_everything(
    over: Callable[[WindowStage], QWidget], how: str, run: Any, eventually: Eventually
) -> None:
    async def story() -> None:
        async with a_window(live=True) as stage:
            window = stage.window
            window.activateWindow()
            focused = over(stage)
            await eventually(focused.isVisible)
            focused.window().activateWindow()
            focused.setFocus()
            await eventually(lambda: focused.window().isActiveWindow())
            assert QApplication.activeModalWidget() is None
            if how == "key":
                QTest.keyClick(focused, Qt.Key.Key_K, KEYS)
            else:
                await eventually(lambda: not kill(stage).visibleRegion().isEmpty())
                QTest.mouseClick(kill(stage), Qt.MouseButton.LeftButton)
            await eventually(lambda: stage.desk.desk.trading_state is TradingState.HALTED)
            await eventually(lambda: not stage.desk.desk.kill.at_work)
            for dialog in window.findChildren(QDialog):
                dialog.reject()

    run(story())


def test_the_kill_key_works_while_a_menu_is_open(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            window.activateWindow()
            await eventually(window.isActiveWindow)
            menu = window.menuBar().actions()[0].menu()
            assert isinstance(menu, QMenu)
            menu.popup(window.mapToGlobal(QPoint(20, 60)))
            await eventually(menu.isVisible)
            QTest.keyClick(menu, Qt.Key.Key_K, KEYS)
            await eventually(lambda: stage.desk.desk.trading_state is TradingState.HALTED)
            menu.close()
            await eventually(lambda: not stage.desk.desk.kill.at_work)

    run(story())


@pytest.mark.parametrize("width", [1600, 1280, 1000])
def test_the_kill_switch_is_never_pushed_off_the_strip(width: int, run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window(live=True) as stage:
            window = stage.window
            await stage.desk.desk.kill.press("tested", flatten=False)
            window.strip.show_differences(12)
            window.strip.show_coverage(3)
            window.resize(width, 700)
            await eventually(lambda: window.width() <= max(width, window.minimumSizeHint().width()))
            button = kill(stage)
            await eventually(lambda: button.mapTo(window, button.rect().topRight()).x() < window.width())
            assert button.visibleRegion().boundingRect() == button.rect()

    run(story())


class FromOutside(QCloseEvent):
    """What a click on the frame's cross sends."""

    def spontaneous(self) -> bool:
        return True


def test_closing_asks_only_where_something_would_be_left(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window, asked = stage.window, []
            window.closed.connect(lambda: asked.append(True))
            window.ask_to_close()
            assert asked == [True] and window.deck.top is None
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10))
            assert window.sheets is not None
            window.sheets._parts = replace(stage.parts, coverage=coverage)  # type: ignore[arg-type]
            window.closeEvent(FromOutside())
            sheet = window.deck.find("closing_sheet")
            assert sheet is not None and asked == [True]
            button = sheet.findChild(QPushButton, "close_anyway")
            assert button is not None
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            assert asked == [True, True]

    run(story())


def test_sleep_is_asked_about_only_where_a_stop_would_sleep_too(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            window._sleep.sleeping.emit()
            assert window.deck.top is None
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10))
            assert window.sheets is not None
            window.sheets._parts = replace(stage.parts, coverage=coverage)  # type: ignore[arg-type]
            window._sleep.sleeping.emit()
            sheet = window.deck.find("closing_sheet")
            assert sheet is not None and "going to sleep" in sheet.title.text()
            button = sheet.findChild(QPushButton, "close_convert")
            assert button is not None
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            await eventually(lambda: coverage.converted == ["INFY"])
            await eventually(lambda: window.deck.top is None)

    run(story())


def test_the_program_itself_is_not_asked_when_it_closes(run: Any, eventually: Eventually) -> None:
    """A signal to end must end it: nobody may be there to answer."""

    async def story() -> None:
        async with a_window() as stage:
            window, asked = stage.window, []
            window.closed.connect(lambda: asked.append(True))
            assert window.sheets is not None
            coverage = FakeCoverage(covered_row("INFY", 10, 0, 10))
            window.sheets._parts = replace(stage.parts, coverage=coverage)  # type: ignore[arg-type]
            window.close()
            assert asked == [True]

    run(story())


def test_a_red_difference_brings_its_sheet_once_and_locks(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window, differences = stage.window, stage.desk.desk.differences
            differences.add(a_difference("1001", red=False))
            assert window.deck.top is None
            differences.add(a_difference("1002"))
            sheet = window.deck.find("reconcile_sheet")
            assert sheet is not None
            assert window.strip.differences.text() == "● 1 to decide"
            sheet.dismiss()
            differences.add(a_difference("1003", red=False))
            assert window.deck.top is None  # it was seen: a strip that says so is enough
            QTest.mouseClick(window.strip.differences, Qt.MouseButton.LeftButton)
            assert window.deck.find("reconcile_sheet") is not None

    run(story())


def test_why_is_answered_from_the_desk_parts(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async def why(ref: str) -> FakeTrail:
            return FakeTrail(ref)

        async with a_window(show_desk=False) as stage:
            stage.window.show_desk(replace(stage.parts, why=why))  # type: ignore[arg-type]
            stage.window.show_why("ap1")
            sheet = stage.window.deck.find("why_sheet")
            assert isinstance(sheet, WhySheet)
            await eventually(lambda: sheet.trail == FakeTrail("ap1"))

    run(story())


def test_a_second_launch_brings_the_window_forward(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            stage.window.showMinimized()
            await eventually(stage.window.isMinimized)
            stage.window.come_forward()
            await eventually(lambda: not stage.window.isMinimized() and stage.window.isVisible())

    run(story())


def test_a_session_that_ends_shows_the_login_and_leaves_the_panels(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            panels = [dock.is_open for dock in window.dockyard()]
            stage.gate.end("06:00 IST: Kite ends every session then")
            login = window.show_login(stage.gate, NO_WEB)  # type: ignore[arg-type]
            assert window.centre.currentWidget() is login and login.isVisible()
            assert "06:00 IST" in login.words.text()
            assert panels and panels == [dock.is_open for dock in window.dockyard()]
            window._refresh_strip()
            assert window.strip.session.text() == "not logged in"
            assert window.show_login(stage.gate, NO_WEB) is login  # type: ignore[arg-type]  # one prompt
            await window.hide_login()
            assert window.view is not None and window.centre.currentWidget() is window.view.chart

    run(story())


def test_a_problem_is_told_with_a_way_to_try_again(run: Any) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            tries: list[bool] = []
            stage.window.show_problem("AlphaPanda could not start", "The disk is full.", lambda: tries.append(True))
            page = stage.window.centre.currentWidget()
            button = page.findChild(QPushButton, "try_again")
            assert button is not None
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            assert tries == [True]

    run(story())


def test_a_notice_goes_to_status_bar_and_log(run: Any) -> None:
    async def story() -> None:
        async with a_window() as stage:
            stage.window.notify("The feed came back", "warning")
            assert stage.window.statusBar().currentMessage() == "The feed came back"
            assert stage.window.view is not None
            assert "The feed came back" in stage.window.view.log.lines.toPlainText()

    run(story())
