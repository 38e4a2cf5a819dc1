"""LIVE is told by every window as long as it is armed: a red frame, and words in the title."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QMainWindow, QVBoxLayout, QWidget

from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.ui.liveframe import WIDE_PX, LiveFrame
from alphapanda_desktop.ui.palette import commands_of
from tests.fakes import FakeClock
from tests.ui.fakes_sheets import SheetStage, a_stage
from tests.ui.window_stage import a_window

ARMED = "⬤ LIVE ARMED until 20:00"


def sides(window: QWidget) -> list[QWidget]:
    return [side for side in window.findChildren(QWidget, "live_side") if side.window() is window and side.isVisible()]


def red(window: QWidget, stage: SheetStage) -> bool:
    """Whether all four edges are painted, to their corners, in the colour of the kill switch."""
    picture = window.grab().toImage()
    across, down = picture.width() - 1, picture.height() - 1
    corners, middles = [(0, 0), (across, down)], [(across // 2, 1), (1, down // 2), (across - 1, down // 2)]
    places = [*corners, *middles, (across // 2, down - 1)]
    return all(picture.pixelColor(*place) == stage.edge.theme.colour("kill") for place in places)


class Windows:
    """A main window, a dock torn off it, a dialog and a popup, as the program has them."""

    def __init__(self, stage: SheetStage) -> None:
        self.main = stage.window
        self.main.setWindowTitle("⬤ LIVE — AB1234 — AlphaPanda")
        self.torn = QMainWindow()
        self.torn.setWindowTitle("Depth")
        self.dialog = QDialog(self.main)
        self.dialog.setWindowTitle("Question")
        QVBoxLayout(self.dialog).addWidget(QWidget(self.dialog))
        self.popup = QWidget(self.main, Qt.WindowType.Popup)
        self.shadow = QWidget(None, Qt.WindowType.Tool)
        self.shadow.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        for one in (self.torn, self.dialog, self.popup, self.shadow):
            one.resize(300, 200)

    @property
    def ours(self) -> list[QWidget]:
        return [self.main, self.torn, self.dialog]

    def close(self) -> None:
        for one in (self.torn, self.dialog, self.popup, self.shadow):
            one.hide()
            one.deleteLater()


def test_every_window_wears_the_frame_from_the_arming_to_its_end(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            windows, clock = Windows(stage), FakeClock()
            arming, frame = Arming(clock, needed=True), LiveFrame(stage.edge, stage.window)
            for one in (windows.torn, windows.popup, windows.shadow):
                one.show()
            frame.follow(arming)
            assert not frame.shown and not any(sides(one) for one in windows.ours)

            arming.arm("LIVE", clock.now() + timedelta(hours=8))
            assert frame.shown
            assert red(windows.main, stage) and red(windows.torn, stage)
            assert windows.main.windowTitle() == f"{ARMED} — AB1234 — AlphaPanda"
            assert windows.torn.windowTitle() == f"{ARMED} — Depth"
            assert not sides(windows.popup) and not sides(windows.shadow)
            assert windows.torn.contentsMargins().left() == WIDE_PX

            windows.dialog.show()  # opened while armed
            frame.look()
            assert red(windows.dialog, stage)
            assert windows.dialog.windowTitle() == f"{ARMED} — Question"
            windows.main.resize(1200, 700)
            windows.main.setWindowTitle("⬤ LIVE — AB1234 — second — AlphaPanda")
            QWidget(windows.main).show()
            frame.look()
            assert red(windows.main, stage)
            assert windows.main.windowTitle() == f"{ARMED} — AB1234 — second — AlphaPanda"

            clock.advance(8 * 3600)  # nobody disarms: its hour has come
            frame.look()
            assert not frame.shown and not any(sides(one) for one in windows.ours)
            assert windows.main.windowTitle() == "⬤ LIVE — AB1234 — second — AlphaPanda"
            assert windows.torn.windowTitle() == "Depth"
            assert windows.torn.contentsMargins().left() == 0
            windows.close()

    run(story())


def test_disarming_by_hand_and_a_window_that_is_gone(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            windows, clock = Windows(stage), FakeClock()
            arming, frame = Arming(clock, needed=True), LiveFrame(stage.edge, stage.window)
            windows.torn.show()
            frame.follow(arming)
            arming.arm("LIVE", clock.now() + timedelta(hours=8))
            windows.torn.deleteLater()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            frame.look()
            assert red(windows.main, stage)
            arming.disarm()
            assert not frame.shown and not sides(windows.main)
            windows.torn = QMainWindow()
            windows.close()

    run(story())


def test_what_needs_no_arming_wears_no_frame(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            frame = LiveFrame(stage.edge, stage.window)
            frame.follow(Arming(FakeClock(), needed=False))
            assert not frame.shown and not sides(stage.window)

    run(story())


def test_the_window_of_an_armed_desk_wears_it_and_the_strip_says_so(run: Any) -> None:
    async def story() -> None:
        async with a_window(live=True) as stage:
            window, arming = stage.window, stage.desk.arming
            assert window.strip.mode.text() == "⬤ LIVE" and not sides(window)
            outlined = window.strip.mode.styleSheet()
            arming.arm("LIVE", stage.desk.clock.now() + timedelta(hours=8))
            assert len(sides(window)) == 4
            assert window.strip.mode.text().startswith("⬤ LIVE ARMED")
            assert window.strip.mode.styleSheet() != outlined
            assert "real money" in window.strip.mode.toolTip()
            assert "LIVE ARMED until" in window.windowTitle()
            guide = next(one for one in commands_of(window.menuBar()) if one.words == "Guided first run")
            assert not guide.enabled, "nobody is to learn with real orders"
            next(command.work for command in commands_of(window.menuBar()) if command.words.startswith("Disarm"))()
            assert not sides(window) and window.strip.mode.text() == "⬤ LIVE"
            assert window.windowTitle() == "⬤ LIVE — AB1234 — AlphaPanda"

    run(story())
