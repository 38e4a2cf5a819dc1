"""The settings sheet: made from the models, found by typing, saved whole or not at all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDoubleSpinBox, QToolButton, QWidget

from alphapanda_desktop import settings as settings_
from alphapanda_desktop.preferences import Preferences
from alphapanda_desktop.ui.settingssheet import SettingsSheet
from tests.ui.fakes_sheets import SheetStage, a_stage

Eventually = Callable[..., Awaitable[Any]]


def lay(stage: SheetStage, path: Path, environ: dict[str, str] | None = None) -> SettingsSheet:
    sheet = SettingsSheet(Preferences(settings_.load(path, environ or {}), path), stage.edge, stage.window)
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
            sheet = SettingsSheet(keeper, stage.edge, stage.window)
            stage.deck.lay(sheet)
            cash(sheet).setValue(250_000.0)
            QTest.mouseClick(sheet.save, Qt.MouseButton.LeftButton)
            assert "could not be saved" in sheet.answer.text()
            assert stage.deck.find("settings_sheet") is sheet
            assert keeper.sections()[0].values["opening_cash"] == 10_00_000.0

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
            assert name in sheet.sections[0].section.fixed["opening_cash"]

    run(story())


@pytest.mark.parametrize("section", ["paper", "practice", "recording"])
def test_every_field_has_a_name_and_help_for_those_who_do_not_see(section: str, run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = lay(stage, tmp_path / "settings.json")
            for name in getattr(settings_.Settings(), section).model_dump():
                widget = field(sheet, f"{section}_{name}")
                assert widget.accessibleName() and widget.accessibleDescription()

    run(story())
