"""An unexpected error comes up once, beside what a person types, with the way to a support bundle."""

from __future__ import annotations

import zipfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QPushButton

from alphapanda_desktop.care import Care
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.faults import Crash
from alphapanda_desktop.options import Options
from alphapanda_desktop.store.vault import KeyringVault
from alphapanda_desktop.ui.crashsheet import FAULTS, CrashSheet
from tests.ui.window_stage import WindowStage, a_window

Eventually = Callable[..., Awaitable[Any]]


@pytest.fixture
def profile(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "alphapanda.log").write_text("all went well\n", encoding="utf-8")
    yield tmp_path


def care_of(stage: WindowStage, folder: Path) -> Care:
    options = Options(mode=None, profile="default", folder=folder)
    return Care(stage.window, stage.desk.edge, options, lambda: "", lambda mode: KeyringVault(f"test-{mode}"))


def fail(care: Care, text: str = "boom") -> None:
    try:
        raise KeyError(text)
    except KeyError as error:
        care.failed("draw the chart", error)


def sheet_of(stage: WindowStage, name: str = FAULTS) -> CrashSheet | None:
    found = stage.window.deck.find(name)
    assert found is None or isinstance(found, CrashSheet)
    return found


def test_an_error_on_each_tick_is_one_sheet_that_leaves_the_keyboard_alone_and_stays_away(
    run: Any, profile: Path
) -> None:
    async def story() -> None:
        async with a_window() as stage:
            care, window = care_of(stage, profile), stage.window
            stage.window.show()
            assert stage.window.view is not None
            field = stage.window.view.ticket if stage.window.view.ticket.isVisible() else stage.window.view.chart
            field.setFocus()
            typing = window.focusWidget()
            for _ in range(200):
                fail(care)
            sheet = sheet_of(stage)
            assert sheet is not None and sheet.isVisible() and QApplication.activeModalWidget() is None
            assert window.focusWidget() is typing
            assert "200 such errors" in sheet.words.text() and "draw the chart" in sheet.words.text()
            assert "KeyError: 'boom'" in sheet.details.toPlainText()
            sheet.dismiss()
            fail(care)
            assert sheet_of(stage) is None  # nothing new
            care.failed("read the day", ValueError("another"))
            assert sheet_of(stage) is not None
            care.failed("place", Refused("500 asked, 100 allowed"))
            assert len(care.faults.faults) == 2  # what we raise on purpose is no fault

    run(story())


def test_a_crash_of_the_run_before_offers_a_bundle_that_says_where_it_lies(
    run: Any, profile: Path, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with a_window(show_desk=False) as stage:
            care = care_of(stage, profile)
            stage.window.show()
            care.tell_last_run(None)
            care.tell_last_run(Crash("Process 7 was ended from outside", ""))
            assert stage.window.deck.top is None
            fail(care)
            care.tell_last_run(Crash("Segmentation fault, in ui/shell.py:7 show", "Fatal Python error"))
            sheet = sheet_of(stage, "last_crash_sheet")
            assert sheet is not None and "ui/shell.py:7" in sheet.words.text()
            button = sheet.findChild(QPushButton, "fault_bundle")
            assert button is not None
            button.click()
            await eventually(lambda: sheet.answer.text().startswith("Saved to"))
            path = Path(sheet.answer.text().removeprefix("Saved to "))
            with zipfile.ZipFile(path) as file:
                assert {"logs/alphapanda.log", "faults.json", "preflight.json"} <= set(file.namelist())
                assert b"KeyError" in file.read("faults.json")
            assert sheet.folder.isVisible() and sheet.bundle.isEnabled()

    run(story())
