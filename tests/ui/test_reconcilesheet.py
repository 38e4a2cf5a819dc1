"""The reconciliation sheet: each difference once, decided by a person, with strategies locked until then."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from alphapanda_desktop.trading.differences import Choice, ForeignPolicy
from alphapanda_desktop.ui.reconcilesheet import ReconcileSheet
from tests.ui.fakes_sheets import FakeReconciling, SheetStage, a_difference, a_stage

Eventually = Callable[..., Awaitable[Any]]


def lay(stage: SheetStage, desk: FakeReconciling) -> ReconcileSheet:
    sheet = ReconcileSheet(desk, stage.edge, stage.window)
    stage.deck.lay(sheet)
    return sheet


def button(sheet: ReconcileSheet, choice: Choice) -> QPushButton:
    found = sheet.findChild(QPushButton, f"difference_{choice.value}")
    assert found is not None
    return found


def cells(sheet: ReconcileSheet, column: int) -> list[str]:
    return [sheet.model.cell(row, column).text for row in range(sheet.model.rowCount())]


def test_each_difference_is_shown_once_and_red_ones_say_what_they_lock(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            sheet = lay(stage, desk)
            assert sheet.summary.text() == "" and sheet.model.rowCount() == 0
            for _ in range(2):
                desk.differences.add(a_difference("1001"))
            desk.differences.add(a_difference("1002", red=False))
            assert sheet.model.rowCount() == 2
            assert cells(sheet, 0) == ["● must decide", "noted"]
            assert sheet.summary.text().startswith("1 difference must be decided. Until then no strategy starts")

    run(story())


def test_a_decision_is_carried_out_journaled_and_shown(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            desk.differences.add(a_difference("1001"))
            sheet = lay(stage, desk)
            QTest.mouseClick(button(sheet, Choice.ADOPT), Qt.MouseButton.LeftButton)
            await eventually(lambda: desk.carried == [("1001", Choice.ADOPT)])
            await eventually(lambda: cells(sheet, 0) == ["adopted"])
            assert not desk.differences.red_open()
            assert [event.detail["choice"] for event in desk.journal.event_rows] == ["adopt"]
            assert not button(sheet, Choice.ADOPT).isEnabled()
            assert "none of which holds strategies back" in sheet.summary.text()

    run(story())


def test_a_double_click_decides_once(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            desk.refuse = "the broker said no"
            desk.differences.add(a_difference("1001"))
            sheet = lay(stage, desk)
            for _ in range(2):
                QTest.mouseClick(button(sheet, Choice.FLATTEN), Qt.MouseButton.LeftButton)
            assert not button(sheet, Choice.FLATTEN).isEnabled()
            await eventually(lambda: sheet.answer.text() == "the broker said no")
            assert desk.asked == 1
            await eventually(button(sheet, Choice.FLATTEN).isEnabled)

    run(story())


def test_only_what_a_row_offers_can_be_chosen(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            desk.differences.add(a_difference("1001", choices=(Choice.ADOPT,)))
            desk.differences.add(a_difference("1002", choices=(Choice.IGNORE, Choice.FLATTEN)))
            sheet = lay(stage, desk)
            for row in range(2):
                sheet.table.selectRow(row)
                offered = sheet.model.row(row).choices
                assert {choice for choice in Choice if button(sheet, choice).isEnabled()} == set(offered)

    run(story())


def test_several_rows_are_decided_at_once(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            for number in range(3):
                desk.differences.add(a_difference(f"100{number}"))
            sheet = lay(stage, desk)
            sheet.table.selectAll()
            assert sheet.detail.text() == "3 rows are selected."
            QTest.mouseClick(button(sheet, Choice.IGNORE), Qt.MouseButton.LeftButton)
            await eventually(lambda: not desk.differences.red_open())
            assert len(desk.carried) == 3

    run(story())


def test_a_decision_that_fails_is_told_and_the_row_stays_open(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            desk.refuse = "The desk takes no orders: closed."
            desk.differences.add(a_difference("1001"))
            sheet = lay(stage, desk)
            QTest.mouseClick(button(sheet, Choice.FLATTEN), Qt.MouseButton.LeftButton)
            await eventually(lambda: "takes no orders" in sheet.answer.text())
            assert desk.differences.red_open()
            assert button(sheet, Choice.FLATTEN).isEnabled()

    run(story())


def test_the_policy_for_orders_made_elsewhere_can_be_chosen(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            sheet = lay(stage, desk)
            assert sheet.policy.currentData() == ForeignPolicy.IGNORE
            sheet.policy.setCurrentIndex(sheet.policy.findData(ForeignPolicy.PAUSE))
            assert desk.foreign_policy is ForeignPolicy.PAUSE

    run(story())


def test_the_books_are_read_anew_when_asked(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            sheet = lay(stage, desk)
            QTest.mouseClick(sheet.look, Qt.MouseButton.LeftButton)
            await eventually(lambda: desk.looks == ["asked on the sheet"])

    run(story())


def test_a_sheet_that_was_taken_away_hears_no_more(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            desk = FakeReconciling()
            sheet = lay(stage, desk)
            sheet.dismiss()
            await eventually(lambda: len(desk.differences.changed) == 0)
            desk.differences.add(a_difference("1001"))

    run(story())
