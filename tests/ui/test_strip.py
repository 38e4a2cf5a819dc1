"""The strip: nothing clipped at any width, nothing that moves with the figures, KILL always there, one Algos switch."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow, QWidget

from alphapanda_desktop.domain.pnl import Pnl
from alphapanda_desktop.domain.ports import LinkState
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.governor import Governor
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.ui.algos import AlgosButton
from alphapanda_desktop.ui.strip import TopStrip
from tests.fakes import FakeClock
from tests.ui.fakes_desk import a_desk
from tests.ui.fakes_market import INFY
from tests.ui.fakes_sheets import SheetStage, a_stage


def a_strip(stage: SheetStage, *, busy: bool) -> TopStrip:
    """A strip of a running desk; `busy` has everything to tell that it can."""
    strip, clock = TopStrip(stage.edge, stage.window), FakeClock()
    strip.screens_width = lambda: 3840  # type: ignore[method-assign]
    stage.window.addToolBar(strip)
    strip.show_mode("live" if busy else "practice")
    strip.show_session("AB1234", 19_440)
    strip.show_feed(LinkState.UP, 12_260, "", 0.2)
    strip.show_gauges(Governor(clock))
    strip.show_trading(TradingState.ACTIVE, "")
    strip.show_desk("desk ready", "good")
    strip.show_pnl(Pnl(-1_23_456.78, 0.0, -1_23_456.78, 100.0, -1_23_556.78))
    if busy:
        arming = Arming(clock, needed=True)
        arming.arm("LIVE", clock.now() + timedelta(hours=8))
        strip.show_arming(arming)
        strip.show_differences(3)
        strip.show_coverage(2)
        strip.show_trading(TradingState.HALTED, "kill switch pressed")
        strip.algos._tell(12, 3, 0)
    return strip


def clipped(strip: TopStrip) -> list[str]:
    """Names of what has less room than it asks for, or stands outside."""
    parts: list[QWidget] = [*strip._parts, strip.kill]
    room = strip._inside.rect()
    return [
        part.objectName()
        for part in parts
        if not part.isHidden() and (part.width() < part.sizeHint().width() or not room.contains(part.geometry()))
    ]


def kill_is_last(strip: TopStrip, window: QMainWindow) -> bool:
    corner = strip.kill.mapTo(window, QPoint(strip.kill.width(), 0)).x()
    return strip.kill.isVisible() and window.width() - 20 < corner <= window.width()


@pytest.mark.parametrize("busy", [False, True], ids=["calm", "busy"])
def test_nothing_is_clipped_at_any_width_and_kill_is_there(busy: bool, run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            strip = a_strip(stage, busy=busy)
            words = []
            for width in (3840, 1600, 1280):
                stage.window.resize(width, 400)
                await eventually(lambda: not clipped(strip) and kill_is_last(strip, stage.window))
                words.append(strip.feed.text())
            assert words[0] == "feed 12,260 ticks/s · now"
            assert (words[-1] == "12,260/s · now") is busy
            stage.window.resize(3840, 400)
            await eventually(lambda: strip.feed.text() == words[0])  # there is room again

    run(story())


def test_kill_is_seen_in_a_window_that_is_wider_than_the_screens(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            strip = a_strip(stage, busy=False)
            strip.screens_width = lambda: 853  # type: ignore[method-assign]  # 1280 pixels at 150 %
            stage.window.resize(1180, 400)
            await eventually(lambda: 833 < strip.kill.mapTo(stage.window, QPoint(strip.kill.width(), 0)).x() <= 853)
            assert not clipped(strip)
            strip.screens_width = lambda: 1180  # type: ignore[method-assign]
            stage.window.resize(1100, 400)
            await eventually(lambda: kill_is_last(strip, stage.window))

    run(story())


def test_figures_that_change_move_nothing(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            strip = a_strip(stage, busy=False)
            await eventually(lambda: not clipped(strip) and kill_is_last(strip, stage.window))
            parts = (strip.session, strip.feed, strip.desk, strip.pnl, strip.algos, strip.kill)
            before = [part.x() for part in parts]
            for ticks, silence, left, net in ((3, 0.1, 59.0, 1.0), (888, 58, 86_000, 88_888.88), (0, 7_300.0, 1, None)):
                strip.show_feed(LinkState.UP, ticks, "", silence)
                strip.show_session("AB1234", left)
                strip.show_pnl(Pnl(net, 0.0, net, 0.0, net))
                row = strip._inside.layout()
                assert row is not None
                row.activate()
                await asyncio.sleep(0)
                assert [part.x() for part in parts] == before

    run(story())


def test_the_feed_tells_how_long_it_is_silent(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            strip = TopStrip(stage.edge, stage.window)
            looks = {}
            for name, silence, is_open in (("fresh", 0.4, True), ("silent", 12.0, True), ("closed", 12.0, False)):
                strip.show_feed(LinkState.UP, 40.0, "", silence, is_open=is_open)
                looks[name] = strip.feed.styleSheet()
            assert strip.feed.text() == "feed 40 ticks/s · 12 s"
            assert "12 s ago" in strip.feed.toolTip()
            assert len(set(looks.values())) == 3, "fresh, silent and a closed market are three things"
            strip.show_feed(LinkState.UP, 0.0, "", None)
            assert strip.feed.text() == "feed 0 ticks/s · never"

    run(story())


def test_algos_pauses_all_and_lets_all_enter_again(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.give_history()
            window = QMainWindow()
            algos = AlgosButton(stage.edge, window)
            algos.follow(stage.runner)
            assert not algos.isEnabled() and algos.text() == "■ Algos off"
            order = StartOrder("momentum", (INFY,))
            first, second = await stage.runner.start(order), await stage.runner.start(order)
            assert algos.text() == "▶ Algos 2 on" and algos.isEnabled()
            stage.runner.pause(first.run_id)
            assert algos.text() == "▶ Algos 1 on · ⏸ 1"

            window.show()
            QTest.mouseClick(algos, Qt.MouseButton.LeftButton)
            assert {first.state, second.state} == {RunState.PAUSED}
            assert algos.text() == "⏸ Algos 2 paused" and "exits pass" in algos.toolTip()
            QTest.mouseClick(algos, Qt.MouseButton.LeftButton)
            assert {first.state, second.state} == {RunState.RUNNING}
            assert "2 on, 0 paused" in algos.accessibleName()

            await stage.runner.stop_all("the end")
            await eventually(lambda: algos.text() == "■ Algos off")
            assert not algos.isEnabled()
            window.hide()
            window.deleteLater()

    run(story())
