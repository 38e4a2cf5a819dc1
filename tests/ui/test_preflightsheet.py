"""The preflight sheet: a line for each check with its mark, its remedy, and one verdict over all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel

from alphapanda_desktop.domain.preflight import Check, Standing
from alphapanda_desktop.ui.preflightsheet import PreflightSheet
from tests.ui.fakes_sheets import SheetStage, a_stage

Eventually = Callable[..., Awaitable[Any]]

WELL = Check("Disk", Standing.GOOD, "70 GB free")
ILL = Check("Feed", Standing.BAD, "nobody answers", "Connect this computer.")


def words(sheet: PreflightSheet) -> list[str]:
    return [label.text() for label in sheet.findChildren(QLabel)]


def lay(stage: SheetStage, answers: list[list[Check]]) -> PreflightSheet:
    async def look() -> list[Check]:
        return answers.pop(0)

    sheet = PreflightSheet(look, stage.edge, stage.window)
    stage.deck.lay(sheet)
    return sheet


def test_what_is_wrong_is_told_with_its_remedy_and_decides_the_verdict(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, [[WELL, ILL]])
            await eventually(lambda: "✕ wrong" in words(sheet))
            assert "→ Connect this computer." in words(sheet)
            assert sheet.verdict.text().startswith("Something is wrong")
            QTest.mouseClick(sheet.copy, Qt.MouseButton.LeftButton)
            assert "wrong\tFeed\tnobody answers\tConnect this computer." in QGuiApplication.clipboard().text()

    run(story())


def test_looking_again_shows_the_new_answers_alone(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, [[WELL, ILL], [WELL]])
            await eventually(sheet.again.isEnabled)
            QTest.mouseClick(sheet.again, Qt.MouseButton.LeftButton)
            await eventually(lambda: sheet.verdict.text() == "Everything is ready.")
            await eventually(lambda: "✕ wrong" not in words(sheet))

    run(story())
