"""Sheets lie over the centre and stop nothing: where they lie, what is beneath, and what they say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import shiboken6
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QLineEdit, QMenu, QPushButton, QToolButton

from alphapanda_desktop.ui.sheet import MARGIN, Sheet, TypedSheet, copy_text, save_text, tell
from alphapanda_desktop.ui.theme import THEMES
from tests.ui.fakes_sheets import SheetStage, a_stage

Eventually = Callable[..., Awaitable[Any]]


def lay(stage: SheetStage, name: str = "sheet") -> Sheet:
    sheet = Sheet(name, name.title(), stage.edge, stage.window)
    stage.deck.lay(sheet)
    return sheet


def test_a_sheet_is_wide_enough_to_read_and_never_over_the_strip(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            await eventually(lambda: stage.centre.width() < Sheet.least.width())
            sheet = lay(stage)
            assert sheet.width() == Sheet.least.width()
            assert sheet.y() >= stage.centre.mapTo(stage.window, stage.centre.rect().topLeft()).y()
            assert stage.window.rect().contains(sheet.geometry())

    run(story())


def test_a_sheet_follows_the_window_and_fits_a_small_one(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage)
            stage.window.resize(1900, 1000)
            await eventually(lambda: stage.window.width() == 1900)
            wide = stage.centre.width() - 2 * MARGIN
            await eventually(lambda: sheet.width() == max(wide, Sheet.least.width()))
            stage.window.resize(960, 420)
            await eventually(lambda: stage.window.rect().contains(sheet.geometry()))

    run(story())


def test_the_one_beneath_shows_again(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            one, two = lay(stage, "one"), lay(stage, "two")
            assert stage.deck.top is two and stage.deck.find("one") is one
            QTest.keyClick(two, Qt.Key.Key_Escape)
            assert stage.deck.top is one and one.isVisible() and stage.deck.find("two") is None
            stage.deck.lay(one)  # once more is still one
            button = one.findChild(QToolButton, "one_away")
            assert button is not None
            QTest.mouseClick(button, Qt.MouseButton.LeftButton)
            assert stage.deck.top is None

    run(story())


def test_the_keyboard_goes_back_to_where_it_was_and_never_to_what_comes_next(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            button, field = QPushButton("KILL", stage.centre), QLineEdit(stage.centre)
            for widget in (button, field):
                widget.show()
            field.setFocus()
            lay(stage, "one")
            QTest.keyClick(lay(stage, "two"), Qt.Key.Key_Escape)
            assert stage.deck.has_keyboard
            assert stage.deck.top is not None
            QTest.keyClick(stage.deck.top, Qt.Key.Key_Escape)
            assert stage.window.focusWidget() is field
            sheet = lay(stage, "three")
            button.setFocus()  # the person went on elsewhere
            sheet.dismiss()
            assert stage.window.focusWidget() is button

    run(story())


def test_a_neighbour_that_raises_itself_stays_beneath_the_sheets(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            docks = stage.window.findChildren(QDockWidget)
            ticket = QLabel("ticket", stage.window)
            stage.deck.keep_over(ticket)
            for dock in docks:
                stage.deck.keep_under(dock)
            one, two = lay(stage, "one"), lay(stage, "two")
            ticket.show()
            ticket.raise_()
            for neighbour in (*docks, stage.centre):
                neighbour.raise_()
                assert [child for child in stage.window.children() if child in (neighbour, one, two, ticket)] == [
                    neighbour, one, two, ticket,
                ]  # fmt: skip

    run(story())


def test_a_compact_sheet_is_as_high_as_its_words(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = TypedSheet("arming_sheet", "Arm", "Type LIVE to arm.", stage.edge, stage.window)
            stage.deck.lay(sheet)
            assert sheet.height() < 250 and sheet.answer.isHidden()
            before = sheet.height()
            tell(sheet.answer, "'live' was typed, not LIVE. " * 12)
            await eventually(lambda: sheet.height() > before)
            assert sheet.answer.height() >= sheet.answer.heightForWidth(sheet.answer.width())

    run(story())


def test_a_typed_word_is_told_as_it_was_typed(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = TypedSheet("arming_sheet", "Arm", "Type LIVE to arm.", stage.edge, stage.window)
            told: list[str] = []
            sheet.typed.connect(told.append)
            stage.deck.lay(sheet)
            QTest.keyClicks(sheet.field, " live ")
            QTest.keyClick(sheet.field, Qt.Key.Key_Return)
            assert told == ["live"] and stage.deck.top is sheet

    run(story())


def test_words_stand_out_in_both_themes(run: Any) -> None:
    async def story() -> None:
        for theme in THEMES.values():
            async with a_stage(theme) as stage:
                sheet = lay(stage)
                picture = sheet.grab().toImage()
                ratio = picture.devicePixelRatio()
                middle = picture.pixelColor(int(sheet.width() * ratio / 2), int(sheet.height() * ratio / 2))
                assert middle.name() == theme.window
                edge = picture.pixelColor(int(sheet.width() * ratio / 2), 1)
                assert edge.name() == theme.accent

    run(story())


def test_text_is_copied_and_saved_under_a_name_of_its_own(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            copy_text("words", stage.edge, "The report")
            assert QGuiApplication.clipboard().text() == "words"
            assert stage.notices == [("The report is on the clipboard.", "info")]
            paths = [save_text(f"{number}", tmp_path / "new", "report.txt", stage.edge) for number in range(3)]
            assert [path and path.name for path in paths] == ["report.txt", "report-2.txt", "report-3.txt"]
            assert [path.read_text(encoding="utf-8") for path in paths if path] == ["0", "1", "2"]

    run(story())


def test_a_line_without_words_takes_no_room(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = Sheet("sheet", "Sheet", stage.edge, stage.window)
            line = sheet.line("", "danger", "problem")
            sheet.body.addWidget(line)
            stage.deck.lay(sheet)
            assert sheet.findChild(QLabel, "problem") is line and line.isHidden()
            tell(line, "broken")
            assert line.isVisible()
            tell(line, "")
            assert line.isHidden()

    run(story())


def test_a_sheet_that_goes_leaves_the_actions_of_its_window(run: Any) -> None:
    """Hiding a sheet with the keyboard asks for the next field; PySide took the window for a child of the answer."""

    async def story() -> None:
        async with a_stage() as stage:
            window = stage.window
            theirs = QMenu(window).addAction("made by Qt")
            for tabs in (0, 3):
                sheet = lay(stage, "passing")
                sheet.foot.addWidget(sheet.button("passing_ok", "OK", sheet.dismiss))
                for _ in range(tabs):
                    QTest.keyClick(window.focusWidget() or sheet, Qt.Key.Key_Tab)
                sheet.dismiss()
                QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
                assert not shiboken6.isValid(sheet)
                assert shiboken6.isValid(theirs)

    run(story())


def test_rules_that_a_sheet_adds_before_it_is_shown_are_worn(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = Sheet("ruled", "Ruled", stage.edge, stage.window)
            sheet.setStyleSheet(f"{sheet.styleSheet()} QLineEdit {{ color: #123456; }}")
            polished = Qt.WidgetAttribute.WA_WState_Polished
            assert sheet.testAttribute(polished), "Qt reads rules that were added to a sheet only where it was polished"
            field = QLineEdit(sheet)
            sheet.body.addWidget(field)
            stage.deck.lay(sheet)
            field.ensurePolished()
            assert field.palette().color(field.foregroundRole()).name() == "#123456"

    run(story())
