"""The main window: what it says of itself, and that it decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDockWidget, QPushButton

from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.ui.formats import DASH
from alphapanda_desktop.ui.login import LoginPlan
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
            assert strip.pnl.text() == f"P&L today {DASH}"
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
            dock = stage.window.findChild(QDockWidget, "dock_strategies")
            assert dock is not None
            stage.window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
            stage.window.close()
            layout = stage.saved["layout"]
        assert isinstance(layout, bytes)
        async with a_window(layout=layout) as again:
            dock = again.window.findChild(QDockWidget, "dock_strategies")
            assert again.window.dockWidgetArea(dock) is Qt.DockWidgetArea.LeftDockWidgetArea

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
            for dock in stage.window.findChildren(QDockWidget):
                assert not dock.features() & QDockWidget.DockWidgetFeature.DockWidgetClosable

    run(story())


def kill(stage: WindowStage) -> QPushButton:
    button = stage.window.findChild(QPushButton, "kill_switch")
    assert button is not None
    return button


def test_the_kill_button_halts_at_once_and_says_so(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            desk = stage.desk.desk
            QTest.mouseClick(kill(stage), Qt.MouseButton.LeftButton)
            await eventually(lambda: desk.trading_state is TradingState.HALTED)
            await eventually(lambda: stage.window.strip.desk.text() == "■ TRADING HALTED")
            assert kill(stage).text() == "RELEASE…"
            assert "kill switch pressed" in stage.window.strip.desk.toolTip()
            assert any(event.kind == "kill switch" for event in stage.desk.journal.event_rows)

    run(story())


def test_the_kill_key_works_again_after_a_release(run: Any, eventually: Eventually) -> None:
    """Qt drops a button's shortcut when its text changes."""

    async def story() -> None:
        async with a_window() as stage:
            desk, window = stage.desk.desk, stage.window
            window.activateWindow()
            await eventually(window.isActiveWindow)
            keys = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
            for _ in range(2):
                QTest.keyClick(window, Qt.Key.Key_K, keys)
                await eventually(lambda: desk.trading_state is TradingState.HALTED)
                await desk.release()
                await eventually(lambda: kill(stage).text() == "KILL")

    run(story())


def test_a_session_that_ends_shows_the_login_and_leaves_the_panels(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_window() as stage:
            window = stage.window
            panels = [dock.isHidden() for dock in window.findChildren(QDockWidget)]
            stage.gate.end("06:00 IST: Kite ends every session then")
            login = window.show_login(stage.gate, NO_WEB)  # type: ignore[arg-type]
            assert window.centre.currentWidget() is login and login.isVisible()
            assert "06:00 IST" in login.words.text()
            assert len(panels) == 6 and panels == [dock.isHidden() for dock in window.findChildren(QDockWidget)]
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
