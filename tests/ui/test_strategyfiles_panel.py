"""The list of people's own files: states, faults with their line, enabling after a look, and a new one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QPlainTextEdit, QPushButton, QWidget

from alphapanda_desktop.domain.authored import FileState
from alphapanda_desktop.ui.strategyfiles import EnableDialog, FilesBox
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_files import FakeFiles, a_file


@pytest.fixture
def box_of(qapp: Any) -> Iterator[Any]:
    made: list[QWidget] = []

    def make(stage: DeskStage, files: FakeFiles) -> FilesBox:
        over = QWidget()
        made.append(over)
        over.resize(360, 500)
        box = FilesBox(files, stage.edge, over)
        box.resize(360, 500)
        over.show()
        box.toggle.setChecked(True)
        return box

    yield make
    for widget in made:
        shiboken6.delete(widget)


def _click(widget: QWidget, name: str) -> None:
    button = widget.findChild(QPushButton, name)
    assert button is not None and button.isEnabled() and not button.isHidden(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def _dialog() -> EnableDialog | None:
    shown = [w for w in QApplication.topLevelWidgets() if isinstance(w, EnableDialog) and w.isVisible()]
    return shown[0] if shown else None


def test_each_file_shows_its_state_and_what_is_wrong_with_its_line(run: Any, box_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            wrong = a_file("b.py", FileState.FAULTY, "b.py:9: a tick has no 'volume'", strategy="b")
            files = FakeFiles(a_file("a.py"), wrong, a_file("c.py", FileState.OFF), a_file("d.py", FileState.CHECKING))
            box = box_of(stage, files)
            rows = {path.removeprefix("/own/"): row for path, row in box.rows.items()}
            assert box.toggle.text() == "▾ My strategy files: 4 files, 1 faulty, 1 not enabled"
            assert [row.state.text() for row in rows.values()] == [
                "● ready", "✕ faulty", "○ not enabled", "… being checked",
            ]  # fmt: skip
            assert rows["b.py"].problems.text() == (
                "b.py:9: a tick has no 'volume'\nWhat was right before this save can still be started."
            )
            assert [row.enable.isHidden() for row in rows.values()] == [True, True, False, True]
            assert [row.disable.isHidden() for row in rows.values()] == [False, False, True, True]
            files.tell(a_file("b.py"))
            assert list(box.rows) == ["/own/b.py"]
            assert rows["b.py"].problems.isHidden() and rows["b.py"].state.text() == "● ready"

    run(story())


def test_enabling_shows_path_hash_and_lines_first_and_back_enables_nothing(
    run: Any, box_of: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            files = FakeFiles(a_file("c.py", FileState.OFF))
            box = box_of(stage, files)
            _click(box, "file_enable_c.py")
            dialog = await eventually(_dialog)
            said = " ".join(label.text() for label in dialog.findChildren(QWidget) if hasattr(label, "text"))
            assert "runs as you" in said and "/own/c.py" in said and "SHA-256 hash of c.py" in said
            assert "Its first 2 of 40 lines" in said
            assert dialog.findChild(QPlainTextEdit, "enable_text").toPlainText() == "import os\nos.system('ls')"
            assert not dialog.isModal() and dialog.findChild(QPushButton, "enable_back").isDefault()
            _click(dialog, "enable_back")
            await eventually(lambda: _dialog() is None)
            assert files.asked == []

    run(story())


@pytest.mark.parametrize("follow", [False, True])
def test_what_was_shown_is_enabled_and_later_saves_only_if_asked_for(
    run: Any, box_of: Any, eventually: Any, follow: bool
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            files = FakeFiles(a_file("c.py", FileState.OFF))
            box = box_of(stage, files)
            _click(box, "file_enable_c.py")
            dialog = await eventually(_dialog)
            assert not dialog.follow.isChecked()
            dialog.follow.setChecked(follow)
            _click(dialog, "enable_yes")
            await eventually(lambda: files.asked)
            assert files.asked == [("enable", "c.py", "hash of c.py", follow)]

    run(story())


def test_a_packages_file_is_never_followed(run: Any, box_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            box = box_of(stage, FakeFiles())
            look = await FakeFiles().first_look(a_file("x.py").path)
            from dataclasses import replace

            dialog = EnableDialog(replace(look, label="ideas.x:X (ideas 1.2)"), stage.edge, box)
            assert dialog.follow.isHidden()
            assert isinstance(dialog, QDialog)

    run(story())


def test_a_file_is_disabled_and_a_new_one_is_made_by_name(run: Any, box_of: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            files = FakeFiles(a_file("a.py"))
            box = box_of(stage, files)
            _click(box, "file_disable_a.py")
            await eventually(lambda: files.asked == [("disable", "a.py")])
            QTest.keyClicks(box.name, "my idea")
            QTest.keyClick(box.name, Qt.Key.Key_Return)
            await eventually(lambda: files.asked[-1] == ("create", "my idea") and not box.name.text())
            await eventually(lambda: stage.notices)
            assert "/own/my idea.py" in stage.notices[0][0]
            QTest.keyClicks(box.name, "1st")
            _click(box, "files_create")
            await eventually(lambda: len(stage.notices) == 2)
            assert "cannot be a strategy's name" in stage.notices[1][0]
            assert box.name.text() == "1st"

    run(story())


def test_without_a_file_the_list_says_how_to_get_one(run: Any, box_of: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            box = box_of(stage, FakeFiles())
            assert box.toggle.text() == "▾ My strategy files: none"
            assert not box.empty.isHidden()
            box.toggle.setChecked(False)
            assert box.inside.isHidden()

    run(story())
