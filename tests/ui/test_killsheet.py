"""The kill switch's sheet: steps as they happen, the written report, closing positions, release by typing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QLineEdit, QPushButton

from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.ui.killsheet import KillSheet
from tests.ui.fakes_sheets import FakeKill, SheetStage, a_stage, held

NOWHERE = Path("no-such-folder")
COUPLE = ("MIS", "CO")
Eventually = Callable[..., Awaitable[Any]]


def lay(stage: SheetStage, kill: FakeKill, positions: list[Position], folder: Path = NOWHERE) -> KillSheet:
    sheet = KillSheet(kill, lambda: positions, folder, stage.edge, stage.window)  # type: ignore[arg-type]
    stage.deck.lay(sheet)
    return sheet


def button(sheet: KillSheet, name: str) -> QPushButton:
    found = sheet.findChild(QPushButton, name)
    assert found is not None, name
    return found


def press(sheet: KillSheet, name: str) -> None:
    assert button(sheet, name).isEnabled(), f"{name} is disabled"
    QTest.mouseClick(button(sheet, name), Qt.MouseButton.LeftButton)


def test_each_step_is_shown_as_it_happens(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            sheet = lay(stage, kill, [])
            stage.edge.spawn("kill", kill.press("tested", flatten=False))
            steps = sheet.findChild(QLabel, "kill_steps")
            assert steps is not None
            await eventually(lambda: "latch" in steps.text())
            kill.step("stop strategies", True, "2 stopped")
            assert "stop strategies" in steps.text() and "2 stopped" in steps.text()
            assert not sheet.report.isVisible()
            assert "At work" in sheet.result.text()
            kill.finish.set()
            await eventually(sheet.report.isVisible)
            assert kill.report is not None
            assert sheet.report.toPlainText() == kill.report.text()
            assert "Done" in sheet.result.text()

    run(story())


def test_a_cover_order_is_said_to_close_with_its_stop(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            rows = [Position(exchange="NSE", tradingsymbol="INFY", product=product, quantity=2) for product in COUPLE]
            assert "Cover orders close in any case" in lay(stage, FakeKill(), rows).positions.text()
            assert "Cover orders" not in lay(stage, FakeKill(), rows[:1]).positions.text()

    run(story())


def test_a_report_that_is_not_clean_says_so_first(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            kill.left = (("NSE:INFY", "MIS", 10),)
            sheet = lay(stage, kill, [])
            stage.edge.spawn("kill", kill.press("tested", flatten=True))
            kill.finish.set()
            await eventually(sheet.report.isVisible)
            assert sheet.result.text().startswith("NOT everything")
            assert "+10 NSE:INFY MIS" in sheet.report.toPlainText()

    run(story())


def test_positions_are_closed_only_when_asked_for(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            sheet = lay(stage, kill, [held("INFY", 10), held("TCS", 0)])
            kill.finish.set()
            await kill.press("kill switch pressed", flatten=False)
            assert kill.pressed == [("kill switch pressed", False)]
            assert "+10 INFY MIS" in sheet.positions.text() and "TCS" not in sheet.positions.text()
            press(sheet, "kill_flatten")
            await eventually(lambda: len(kill.pressed) == 2)
            assert kill.pressed[1][1] is True

    run(story())


def test_there_is_nothing_to_close_without_a_position(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            kill.finish.set()
            sheet = lay(stage, kill, [held("INFY", 0)])
            await kill.press("tested", flatten=False)
            assert not button(sheet, "kill_flatten").isEnabled()

    run(story())


def test_it_is_released_by_typing_its_word_and_nothing_else(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            kill.finish.set()
            sheet = lay(stage, kill, [])
            await kill.press("tested", flatten=False)
            field = sheet.findChild(QLineEdit, "kill_word")
            assert field is not None
            QTest.keyClicks(field, "release")
            QTest.keyClick(field, Qt.Key.Key_Return)
            await eventually(lambda: "'release' was typed" in sheet.answer.text())
            assert kill.state is TradingState.HALTED
            field.clear()
            QTest.keyClicks(field, "RELEASE")
            press(sheet, "kill_release")
            await eventually(lambda: kill.state is TradingState.ACTIVE)
            assert sheet.title.text() == "Trading is active"
            assert not field.isVisible()

    run(story())


def test_reducing_is_told_with_its_reason(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            sheet = lay(stage, kill, [])
            await kill.reduce("Loss per day: 26,000 lost, 25,000 allowed")
            assert sheet.title.text() == "▲ Reducing: only exits pass"
            assert "26,000 lost" in sheet.why.text()

    run(story())


def test_the_report_can_be_copied_and_saved(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            kill.finish.set()
            sheet = lay(stage, kill, [], tmp_path)
            report = await kill.press("tested", flatten=False)
            press(sheet, "kill_copy")
            assert QGuiApplication.clipboard().text() == report.text()
            for name in ("kill-report-2026-11-23-104127.txt", "kill-report-2026-11-23-104127-2.txt"):
                press(sheet, "kill_save")
                assert (tmp_path / name).read_text(encoding="utf-8") == report.text() + "\n"
                assert stage.notices[-1] == (f"Saved to {tmp_path / name}", "info")

    run(story())


def test_escape_takes_the_sheet_away_and_stops_nothing(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            kill = FakeKill()
            sheet = lay(stage, kill, [])
            work = stage.edge.spawn("kill", kill.press("tested", flatten=False))
            await eventually(lambda: kill.report is not None)
            QTest.keyClick(sheet, Qt.Key.Key_Escape)
            assert stage.deck.top is None
            kill.finish.set()
            await work
            assert kill.report is not None and kill.report.done_at is not None

    run(story())
