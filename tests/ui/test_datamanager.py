"""The data sheet lists a real folder, and removes only after its question was answered."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow, QPushButton, QWidget

from alphapanda_desktop.dataroom import DataRoom
from alphapanda_desktop.single import hold
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.datamanager import DataSheet, bytes_words
from alphapanda_desktop.ui.edge import Edge, FrameClock

TODAY = date(2026, 11, 23)
FILES = {"recordings/paper/2026-11-20.ticks": 3_000_000, "recordings/paper/2026-11-23.ticks": 1_000_000,
         "reports/one.csv": 5_000, "paper.sqlite": 9_000}  # fmt: skip


@asynccontextmanager
async def a_sheet(folder: Path, eventually: Any) -> AsyncIterator[DataSheet]:
    for name, size in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * size)
        os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    errors: list[str] = []
    async with Scope("stage", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        main = QMainWindow()
        edge = Edge(scope, FrameClock(), lambda text, _level: errors.append(text))
        sheet = DataSheet(DataRoom(folder, lambda: TODAY), edge, main)
        sheet.resize(1240, 600)
        main.show()
        sheet.show()
        await eventually(lambda: sheet.model.rowCount() == len(FILES))
        yield sheet
        main.hide()
        main.deleteLater()
        await asyncio.sleep(0)
    assert errors == []


def select(sheet: DataSheet, *names: str) -> None:
    flags = QItemSelectionModel.SelectionFlag
    sheet.table.clearSelection()
    for place, one in enumerate(sheet.model.rows()):
        if one.name in names:
            sheet.table.selectionModel().select(sheet.model.index(place, 0), flags.Select | flags.Rows)


def press(button: QPushButton) -> None:
    assert button.isVisible() and button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_what_is_chosen_goes_after_the_question_alone(run, eventually, tmp_path):
    async def story():
        async with a_sheet(tmp_path, eventually) as sheet:
            select(sheet, "recordings/paper/2026-11-20")
            press(sheet.remove)
            assert "for good" in sheet.answer.text() and not sheet.remove.isVisible()
            assert (tmp_path / "recordings/paper/2026-11-20.ticks").exists()
            press(sheet.really)
            await eventually(lambda: "removed, 3.0 MB are free again" in sheet.answer.text())
            assert not (tmp_path / "recordings/paper/2026-11-20.ticks").exists()
            assert sheet.model.rowCount() == len(FILES) - 1

    run(story())


def test_another_selection_takes_the_question_back(run, eventually, tmp_path):
    async def story():
        async with a_sheet(tmp_path, eventually) as sheet:
            select(sheet, "reports/one.csv")
            press(sheet.remove)
            select(sheet, "recordings/paper/2026-11-20")
            assert not sheet.really.isVisible() and sheet.remove.isVisible()
            press(sheet.remove)
            press(sheet.keep)
            assert not sheet.really.isVisible()
            assert all((tmp_path / name).exists() for name in FILES)

    run(story())


def test_what_stays_cannot_be_chosen_and_says_why(run, eventually, tmp_path):
    async def story():
        async with a_sheet(tmp_path, eventually) as sheet:
            select(sheet, "paper.sqlite")
            assert not sheet.remove.isEnabled()
            assert "paper.sqlite stays: the journal" in sheet.answer.text()
            select(sheet, "paper.sqlite", "reports/one.csv", "recordings/paper/2026-11-23")
            assert sheet.remove.isEnabled() and "2 of the selected stay" in sheet.answer.text()

    run(story())


def test_one_kind_can_be_listed_alone_with_its_sum(run, eventually, tmp_path):
    async def story():
        async with a_sheet(tmp_path, eventually) as sheet:
            kinds = [sheet.kind.itemText(n) for n in range(sheet.kind.count())]
            assert kinds[0].startswith("Everything, 4.0 MB") and "Recordings, 4.0 MB" in kinds
            sheet.kind.setCurrentIndex(sheet.kind.findData("Reports"))
            assert [one.name for one in sheet.model.rows()] == ["reports/one.csv"]

    run(story())


def test_every_field_of_the_data_sheet_has_a_name(run, eventually, tmp_path):
    async def story():
        async with a_sheet(tmp_path, eventually) as sheet:
            fields = [w for w in sheet.findChildren(QWidget)
                      if w.objectName().startswith("data_") and isinstance(w, QPushButton)]  # fmt: skip
            assert len(fields) >= 4 and all(w.accessibleName() for w in fields)

    run(story())


def test_bytes_are_told_in_the_largest_unit():
    assert [bytes_words(size) for size in (12, 812_000, 12_300_000, 4_560_000_000)] == [
        "12 bytes", "812 kB", "12.3 MB", "4.56 GB"
    ]  # fmt: skip


def test_a_replay_that_a_window_has_open_cannot_be_removed(run, eventually, tmp_path):
    async def story():
        async with a_sheet(tmp_path, eventually) as sheet:
            folder = tmp_path / "replays" / "2026-11-20-abcd1234"
            folder.mkdir(parents=True)
            owner = hold(folder)
            assert owner is not None
            sheet.look()
            await eventually(lambda: sheet.model.rowCount() == len(FILES) + 1)
            stays = {one.name: one.stays for one in sheet.model.rows()}
            assert stays["replays/2026-11-20-abcd1234"] == "a replay has it open"
            assert "may be playing it" in stays["recordings/paper/2026-11-20"]
            owner.release()
            sheet.look()
            await eventually(lambda: not {one.name: one.stays for one in sheet.model.rows()}[f"replays/{folder.name}"])

    run(story())
