"""The list of recorded days opens the one that is meant, and asks for files that lie elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow

from alphapanda_desktop.domain.replay import RecordedFile
from alphapanda_desktop.replaywindow import recorded_days
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.recordingsheet import RecordingsSheet


def kept(folder: Path) -> list[RecordedFile]:
    """Three days of two modes, and what is none."""
    for name in ("practice/2026-09-21.ticks", "paper/2026-09-22.ticks", "paper/2026-09-18.ticks", "paper/notes.ticks"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * 1_500_000)
    (folder / "paper" / "2026-09-22.index").write_bytes(b"")
    return recorded_days(folder)


class Asked:
    """The sheet in a window, what it asked for, and what it spawned."""

    def __init__(self, days: list[RecordedFile]) -> None:
        scope: Any = None  # the sheet starts nothing
        self.window = QMainWindow()
        self.sheet = RecordingsSheet(days, Edge(scope, FrameClock(), lambda _text, _level: None), self.window)
        self.sheet.resize(1000, 500)
        self.window.resize(1000, 500)
        self.window.show()
        self.sheet.show()
        self.wanted: list[list[str]] = []
        self.sheet.wanted.connect(self.wanted.append)


@pytest.fixture
def asked(qapp: QApplication, tmp_path: Path) -> Iterator[Asked]:
    made = Asked(kept(tmp_path))
    yield made
    made.window.hide()
    made.window.deleteLater()


def test_days_are_those_with_a_days_name(tmp_path: Path) -> None:
    days = {(row.day, row.mode): row.size for row in kept(tmp_path)}
    assert days == {
        (date(2026, 9, 21), "practice"): 1_500_000,
        (date(2026, 9, 22), "paper"): 1_500_000,
        (date(2026, 9, 18), "paper"): 1_500_000,
    }
    assert recorded_days(tmp_path / "nowhere") == []


def test_the_newest_day_is_first_and_enter_opens_it(asked: Asked, tmp_path: Path) -> None:
    model = asked.sheet.table.model()
    shown = [[model.cell(row, column).text for column in range(3)] for row in range(model.rowCount())]
    assert shown[0] == ["Tue 22 Sep 2026", "▢ PAPER", "1.5 MB"] and [row[0][4:6] for row in shown] == ["22", "21", "18"]
    QTest.keyClick(asked.sheet.table, Qt.Key.Key_Return)
    assert asked.wanted == [[str(tmp_path / "paper" / "2026-09-22.ticks")]]
    assert not asked.sheet.isVisible()


def test_the_selected_day_is_opened_by_its_button(asked: Asked, tmp_path: Path) -> None:
    asked.sheet.table.selectRow(1)
    asked.sheet.findChild(object, "recordings_open").click()
    assert asked.wanted == [[str(tmp_path / "practice" / "2026-09-21.ticks")]]


def test_another_file_is_typed_and_one_that_is_not_there_is_named(asked: Asked, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere.csv"
    QTest.keyClicks(asked.sheet.path, f"{other}=NSE:NIFTY 50")
    QTest.keyClick(asked.sheet.path, Qt.Key.Key_Return)
    assert asked.wanted == [] and asked.sheet.answer.text() == f"There is no file {other}."
    other.write_text("time,price\n")
    QTest.keyClick(asked.sheet.path, Qt.Key.Key_Return)
    assert asked.wanted == [[f"{other}=NSE:NIFTY 50"]]


def test_files_that_are_dropped_are_opened_together(asked: Asked, tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("one.ticks", "two.ticks")]
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(name) for name in files])
    copy, left, none = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(asked.sheet, QDragEnterEvent(QPoint(5, 5), copy, data, left, none))
    QApplication.sendEvent(asked.sheet, QDropEvent(QPointF(5, 5), copy, data, left, none))
    assert asked.wanted == [files]


def test_without_a_recording_it_says_how_one_comes_about(qapp: QApplication, tmp_path: Path) -> None:
    made = Asked([])
    assert "every day that you watch will be" in made.sheet.table.empty_text
    made.sheet.findChild(object, "recordings_open").click()
    assert made.wanted == []
    made.window.hide()
    made.window.deleteLater()
