"""Why an order: its trail to read, to copy and to keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.ui.whysheet import WhySheet, hanging
from tests.ui.fakes_sheets import FakeTrail, SheetStage, a_stage

NOWHERE = Path("no-such-folder")
Eventually = Callable[..., Awaitable[Any]]


class Archive:
    """Trails by name; each is given once the test lets it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    async def why(self, ref: str) -> FakeTrail:
        self.asked.append(ref)
        if ref in self.gates:
            await self.gates[ref].wait()
        if ref == "nobody":
            raise BadData("no order of that tag or id is in the journal")
        return FakeTrail(ref)


def lay(stage: SheetStage, archive: Archive, folder: Path = NOWHERE) -> WhySheet:
    sheet = WhySheet(archive.why, folder, stage.edge, stage.window)  # type: ignore[arg-type]
    stage.deck.lay(sheet)
    return sheet


def button(sheet: WhySheet, name: str) -> QPushButton:
    found = sheet.findChild(QPushButton, name)
    assert found is not None
    return found


def test_the_trail_of_an_order_is_shown_and_copied(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, Archive())
            assert not button(sheet, "why_copy").isEnabled()
            sheet.ask("ap1")
            await eventually(lambda: "fast average" in sheet.text.toPlainText())
            assert sheet.title.text() == "Why this order? ap1"
            QTest.mouseClick(button(sheet, "why_copy"), Qt.MouseButton.LeftButton)
            assert QGuiApplication.clipboard().text() == FakeTrail("ap1").text()

    run(story())


def test_a_trail_that_comes_when_the_sheet_is_gone_is_let_be(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            archive = Archive()
            gate = archive.gates["ap1"] = asyncio.Event()
            sheet = lay(stage, archive)
            sheet.ask("ap1")
            await eventually(lambda: archive.asked)
            sheet.dismiss()
            assert not sheet.isVisible() and stage.deck.top is None
            await asyncio.sleep(0)
            gate.set()
            await eventually(lambda: not shiboken6.isValid(sheet))

    run(story())


def test_an_order_id_can_be_typed(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            archive = Archive()
            sheet = lay(stage, archive)
            QTest.keyClicks(sheet.ref, "251123000001")
            QTest.keyClick(sheet.ref, Qt.Key.Key_Return)
            await eventually(lambda: archive.asked == ["251123000001"])
            await eventually(lambda: sheet.trail is not None)

    run(story())


def test_an_order_that_nobody_knows_is_said_in_words(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, Archive())
            sheet.ask("nobody")
            await eventually(lambda: "is in the journal" in sheet.text.toPlainText())
            assert not button(sheet, "why_save_text").isEnabled()

    run(story())


def test_a_late_answer_does_not_replace_that_of_a_later_question(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            archive = Archive()
            archive.gates["slow"] = asyncio.Event()
            sheet = lay(stage, archive)
            sheet.ask("slow")
            await eventually(lambda: archive.asked == ["slow"])
            sheet.ask("quick")
            await eventually(lambda: sheet.trail == FakeTrail("quick"))
            archive.gates["slow"].set()
            await eventually(lambda: not stage.edge.scope.names())
            assert sheet.trail == FakeTrail("quick")

    run(story())


def test_the_trail_is_saved_as_text_and_as_json(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, Archive(), tmp_path / "reports")
            sheet.ask("ap1")
            await eventually(lambda: sheet.trail is not None)
            for name in ("why_save_text", "why_save_json"):
                QTest.mouseClick(button(sheet, name), Qt.MouseButton.LeftButton)
            assert (tmp_path / "reports" / "why-ap1.txt").read_text(encoding="utf-8") == FakeTrail("ap1").text()
            assert (tmp_path / "reports" / "why-ap1.json").read_text(encoding="utf-8") == FakeTrail("ap1").json() + "\n"
            assert stage.notices[-1][0].endswith("why-ap1.json")

    run(story())


def test_a_place_that_cannot_be_written_is_told(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            (tmp_path / "file").write_text("")
            sheet = lay(stage, Archive(), tmp_path / "file")
            sheet.ask("ap1")
            await eventually(lambda: sheet.trail is not None)
            QTest.mouseClick(button(sheet, "why_save_text"), Qt.MouseButton.LeftButton)
            assert "could not be written" in stage.notices[-1][0]

    run(story())


def test_a_long_line_goes_on_under_its_own_words() -> None:
    text = "Reason\n  bar      open 1388.4, high 1390.4, low 1384.4\n  passed  tick size"
    assert hanging(text, 34).splitlines() == [
        "Reason", "  bar      open 1388.4, high", "           1390.4, low 1384.4", "  passed  tick size",
    ]  # fmt: skip
    assert "".join(hanging(text, 34).split()) == "".join(text.split())
