"""The profiles sheet: made, labelled, opened, removed after a question, and nothing behind the person's back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QPushButton, QWidget

from alphapanda_desktop import profiles
from alphapanda_desktop.folders import data_dir, label_in
from alphapanda_desktop.single import hold
from alphapanda_desktop.ui.profiles import ProfilesSheet
from tests.ui.fakes_sheets import a_stage

Eventually = Callable[..., Awaitable[Any]]


def press(sheet: ProfilesSheet, name: str) -> None:
    button = sheet.findChild(QPushButton, f"profiles_{name}")
    assert button is not None and button.isVisible() and button.isEnabled(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_profile_is_made_labelled_opened_and_removed_from_the_sheet(
    run: Any, eventually: Eventually, tmp_path: Path, monkeypatch: Any
) -> None:
    opened: list[str] = []
    monkeypatch.setattr(profiles, "_run", lambda line: opened.append(line[-3]) or "no display")
    data_dir("default", tmp_path)

    async def story() -> None:
        async with a_stage() as stage:
            shelf = profiles.Profiles(tmp_path, "default", hold, lambda _root, _name: [])
            sheet = ProfilesSheet(shelf, stage.edge, stage.window)
            stage.deck.lay(sheet)
            await eventually(lambda: len(sheet.rows()) == 1)
            assert not sheet.open.isEnabled() and not sheet.remove.isEnabled()  # it is this window's own
            press(sheet, "new")
            QTest.keyClicks(sheet.name, "Default")
            assert not sheet.take.isEnabled() and "already" in sheet.answer.text()
            sheet.name.clear()
            QTest.keyClicks(sheet.name, "huf")
            QTest.keyClicks(sheet.words, "Family account")
            press(sheet, "take")
            await eventually(lambda: len(sheet.rows()) == 2)
            huf = tmp_path / "profiles" / "huf"
            assert label_in(huf) == "Family account"
            card = sheet.table.current_row()
            assert card is not None and card.name == "huf"  # the new one is selected
            press(sheet, "open")
            await eventually(lambda: any("no display" in text for text, _ in stage.notices))
            assert opened == ["huf"]
            press(sheet, "label")
            sheet.words.setText("Mum")
            QTest.keyClick(sheet.words, Qt.Key.Key_Return)
            await eventually(lambda: label_in(huf) == "Mum" and sheet.rows()[1].label == "Mum")
            press(sheet, "remove")
            assert "moved aside" in sheet.answer.text() and huf.is_dir()
            press(sheet, "keep")
            assert huf.is_dir() and not sheet.really.isVisible()
            press(sheet, "remove")
            press(sheet, "really")
            await eventually(lambda: len(sheet.rows()) == 1)
            assert not huf.exists() and "profiles restore huf-" in sheet.answer.text()

    run(story())


def test_an_open_profile_stays_even_when_it_was_opened_after_the_question(
    run: Any, eventually: Eventually, tmp_path: Path
) -> None:
    for name in ("default", "huf"):
        data_dir(name, tmp_path)

    async def story() -> None:
        async with a_stage() as stage:
            shelf = profiles.Profiles(tmp_path, "default", hold, lambda _root, _name: [])
            sheet = ProfilesSheet(shelf, stage.edge, stage.window)
            stage.deck.lay(sheet)
            await eventually(lambda: len(sheet.rows()) == 2)
            sheet.table.setCurrentIndex(sheet.model.index(1, 0))
            press(sheet, "remove")
            owner = hold(tmp_path / "profiles" / "huf")
            assert owner is not None
            press(sheet, "really")
            await eventually(lambda: "is open in a window" in sheet.answer.text())
            assert (tmp_path / "profiles" / "huf").is_dir()
            assert sheet.rows()[1].open and not sheet.remove.isEnabled()
            owner.release()
            named = [widget for widget in sheet.findChildren(QWidget) if isinstance(widget, QPushButton | QLineEdit)]
            assert all(widget.accessibleName() for widget in named)

    run(story())
