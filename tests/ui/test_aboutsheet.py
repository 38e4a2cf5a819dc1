"""The About sheet tells what runs, lists what others gave, and shows licences where the package brought them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from PySide6.QtGui import QGuiApplication, QIcon

from alphapanda_desktop import __version__
from alphapanda_desktop.folders import resources
from alphapanda_desktop.ui.aboutsheet import AboutSheet, parts
from tests.ui.fakes_sheets import SheetStage, a_stage

ICON = resources() / "alphapanda.svg"


def a_package(folder: Path) -> Path:
    """What a build leaves: a list and the texts."""
    listed = [{"name": "Qt", "version": "6.11.2", "kind": "runtime", "licence": "LGPL-3.0-only", "home": ""}]
    (folder / "third-party.json").write_text(json.dumps(listed), encoding="utf-8")
    (folder / "LICENSES.txt").write_text("GNU LESSER GENERAL PUBLIC LICENSE", encoding="utf-8")
    return folder


def shown(stage: SheetStage, folder: Path) -> AboutSheet:
    sheet = AboutSheet(stage.edge, stage.window, QIcon(str(ICON)), folder)
    stage.deck.lay(sheet)
    return sheet


def test_a_package_lists_its_parts_and_shows_their_licences(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = shown(stage, a_package(tmp_path))
            assert sheet.listed.toPlainText().split() == ["Qt", "6.11.2", "LGPL-3.0-only"]
            sheet.licences.click()
            assert sheet.listed.toPlainText() == "GNU LESSER GENERAL PUBLIC LICENSE"
            sheet.copy.click()
            assert QGuiApplication.clipboard().text().startswith(f"AlphaPanda Desktop {__version__} (source)\nPython ")

    run(story())


def test_from_source_the_projects_own_libraries_are_listed_and_no_licences_offered(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            sheet = shown(stage, tmp_path)
            assert not sheet.licences.isEnabled() and "make package" in sheet.licences.toolTip()
            assert {"PySide6", "kiteconnect", "numpy"} <= {part.name for part in parts(tmp_path)}
            assert "LGPL-3.0-only" in sheet.listed.toPlainText()

    run(story())


def test_a_damaged_list_is_said_in_its_place(run: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            (tmp_path / "third-party.json").write_text("{", encoding="utf-8")
            assert "cannot be read" in shown(stage, tmp_path).listed.toPlainText()

    run(story())
