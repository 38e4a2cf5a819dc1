"""The settings sheet: made from the models, found by typing, saved whole or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QDoubleSpinBox, QToolButton, QWidget

from alphapanda_desktop import settings as settings_
from alphapanda_desktop.preferences import Preferences
from alphapanda_desktop.ui.settingssheet import SettingsSheet
from tests.ui.fakes_sheets import SheetStage, a_stage

Eventually = Callable[..., Awaitable[Any]]


def lay(stage: SheetStage, path: Path, environ: dict[str, str] | None = None) -> SettingsSheet:
    sheet = SettingsSheet(
        Preferences(settings_.load(path, environ or {}), path), stage.edge, stage.window, lambda *_: None
    )
    stage.deck.lay(sheet)
    return sheet


def field(sheet: SettingsSheet, name: str) -> QWidget:
    found: QWidget | None = sheet.findChild(QWidget, f"setting_{name}")
    assert found is not None, name
    return found


def cash(sheet: SettingsSheet) -> QDoubleSpinBox:
    spin = field(sheet, "paper_opening_cash")
    assert isinstance(spin, QDoubleSpinBox)
    return spin


def test_what_is_saved_is_on_the_disk_and_in_the_next_sheet(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "settings.json"
        async with a_stage() as stage:
            sheet = lay(stage, path)
            assert not sheet.save.isEnabled()  # nothing has changed
            cash(sheet).setValue(250_000.0)
            assert sheet.save.isEnabled()
            QTest.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
            assert stage.deck.find("settings_sheet") is None
            assert settings_.load(path, {}).paper.opening_cash == 250_000.0
            assert cash(lay(stage, path)).value() == 250_000.0

    run(story())


def test_a_disk_that_refuses_keeps_the_sheet_and_changes_nothing(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "nowhere" / "settings.json"
        async with a_stage() as stage:
            keeper = Preferences(settings_.Settings(), path)
            sheet = SettingsSheet(keeper, stage.edge, stage.window, lambda *_: None)
            stage.deck.lay(sheet)
            cash(sheet).setValue(250_000.0)
            QTest.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
            assert "could not be saved" in sheet.answer.text()
            assert stage.deck.find("settings_sheet") is sheet
            assert (
                next(each for each in keeper.sections() if each.name == "paper").values["opening_cash"] == 10_00_000.0
            )

    run(story())


def test_typing_leaves_only_what_it_finds(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, tmp_path / "settings.json")
            QTest.keyClicks(sheet.search, "record room")
            assert field(sheet, "recording_budget_gb").isVisible()
            assert not field(sheet, "recording_enabled").isVisible()
            assert not cash(sheet).isVisible()
            QTest.keyClicks(sheet.search, "zzz")
            assert sheet.nothing.isVisible()
            sheet.search.clear()
            assert cash(sheet).isVisible() and not sheet.nothing.isVisible()

    run(story())


def test_the_arrow_puts_the_default_back(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "settings.json"
        path.write_text('{"paper": {"opening_cash": 5000}}', encoding="utf-8")
        async with a_stage() as stage:
            sheet = lay(stage, path)
            assert cash(sheet).value() == 5_000.0
            back = sheet.findChild(QToolButton, "setting_reset_paper_opening_cash")
            assert back is not None and "1000000" in back.accessibleName()
            QTest.mouseClick(back, Qt.MouseButton.LeftButton)
            assert cash(sheet).value() == 10_00_000.0 and sheet.save.isEnabled()

    run(story())


def test_what_the_environment_has_set_cannot_be_changed_here_and_says_so(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        name = "ALPHAPANDA_SET_PAPER__OPENING_CASH"
        async with a_stage() as stage:
            sheet = lay(stage, tmp_path / "settings.json", {name: "70000"})
            assert cash(sheet).value() == 70_000.0 and not cash(sheet).isEnabled()
            paper = next(each for each in sheet.sections if each.section.name == "paper")
            assert name in paper.section.fixed["opening_cash"]

    run(story())


def test_every_setting_of_a_person_is_on_the_sheet_with_words_for_those_who_do_not_see(
    run: Any, tmp_path: Path
) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, tmp_path / "settings.json")
            shown = {
                f"{each.section.name}_{name}" for each in sheet.sections for name in each.section.model.model_fields
            }
            mine = {
                f"{section}_{name}"
                for section, of in settings_.Settings.model_fields.items()
                for name, field in getattr(of.annotation, "model_fields", {}).items()
                if field.title
            }
            assert shown == mine and {"general_mode", "account_redirect_url", "window_theme"} <= shown
            assert not shown & {"window_layout", "risk_limits", "watchlists_lists"}
            for name in shown:
                widget = field(sheet, name)
                assert widget.accessibleName() and widget.accessibleDescription(), name
                assert sheet.findChild(QToolButton, f"setting_reset_{name}") is not None, name

    run(story())


def test_a_mode_can_be_chosen_and_taken_back(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "settings.json"
        async with a_stage() as stage:
            sheet = lay(stage, path)
            pick = field(sheet, "general_mode")
            assert isinstance(pick, QComboBox) and pick.currentText() == "asked on the first page"
            pick.setCurrentText("paper")
            QTest.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
            assert settings_.load(path, {}).general.mode == "paper"
            sheet = lay(stage, path)
            back = sheet.findChild(QToolButton, "setting_reset_general_mode")
            assert back is not None
            QTest.mouseClick(back, Qt.MouseButton.LeftButton)
            QTest.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
            assert settings_.load(path, {}).general.mode is None

    run(story())


def test_colours_are_worn_at_once_and_nothing_else_is(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        worn: list[tuple[str, str]] = []
        path = tmp_path / "settings.json"
        async with a_stage() as stage:
            keeper = Preferences(settings_.Settings(), path)
            sheet = SettingsSheet(keeper, stage.edge, stage.window, lambda *what: worn.append(what))
            stage.deck.lay(sheet)
            theme = field(sheet, "window_theme")
            assert isinstance(theme, QComboBox)
            theme.setCurrentText("light")
            cash(sheet).setValue(70_000.0)
            assert worn == []
            QTest.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
            assert worn == [("light", "")]
            kept = settings_.load(path, {})
            assert (kept.window.theme, kept.paper.opening_cash) == ("light", 70_000.0)

    run(story())


@pytest.mark.parametrize(("word", "where"), [("telegr", "Alerts"), ("limits", "F8"), ("shortcut", "Keys"), ("zzz", "")])
def test_what_is_set_elsewhere_is_said_where(word: str, where: str, tmp_path: Path) -> None:
    found = Preferences(settings_.Settings(), tmp_path / "settings.json").elsewhere([word])
    assert where in found and bool(found) is bool(where)
