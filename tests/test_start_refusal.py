"""A program that cannot start says why: in the terminal, and in a window where nobody reads one."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from alphapanda_desktop import start
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.single import Owner, take
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.refusal import RefusalWindow

ROOT = Path(__file__).parents[1]


def test_a_folder_that_cannot_be_used_is_named_and_the_program_ends(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "alphapanda_desktop", "--mode", "practice", "--data-dir", str(tmp_path / "file")]
    seen = os.environ | {"QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run(command, cwd=ROOT, env=seen, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert f"The data folder {tmp_path / 'file'}" in done.stderr and "Choose another with --data-dir" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("terminal", "platform", "shown"), [(True, "xcb", False), (False, "xcb", True), (False, "offscreen", False)]
)
def test_a_window_says_it_where_no_terminal_does_and_somebody_can_see_it(
    terminal: bool, platform: str, shown: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    monkeypatch.setattr(start, "_show_refusal", told.append)
    monkeypatch.setenv("QT_QPA_PLATFORM", platform)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert start._refuse(Fatal("The disk is full.")) == 1
    assert told == (["The disk is full."] if shown else [])
    assert "alphapanda: The disk is full." in capsys.readouterr().err


def test_the_window_shows_the_words_until_its_button_closes_it(run: Any, eventually: Any) -> None:
    async def story() -> None:
        window = RefusalWindow(Edge(None, FrameClock(), lambda _text, _level: None), "No <b>room</b> at all.")  # type: ignore[arg-type]
        words = window.findChild(QLabel, "problem_words")

        async def person() -> None:
            await eventually(words.isVisible)
            assert words.text() == "No <b>room</b> at all."
            QTest.mouseClick(window.findChild(QPushButton, "refusal_close"), Qt.MouseButton.LeftButton)

        async with asyncio.TaskGroup() as group:
            group.create_task(start.until_closed(window))
            group.create_task(person())

    run(story())


def test_a_log_that_cannot_be_written_is_a_refusal_in_words(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    with pytest.raises(Fatal, match=r"The log in .*logs cannot be written: .*then start again"):
        start._log_into(tmp_path / "logs", verbose=False)


@pytest.mark.skipif(os.name != "posix", reason="this system has no limit on the size of files")
def test_a_disk_without_room_for_the_locks_number_does_not_keep_the_profile_from_being_taken(tmp_path: Path) -> None:
    program = (
        "import resource, sys\n"
        "from pathlib import Path\n"
        "from alphapanda_desktop.single import Elsewhere, Owner, take\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))\n"
        "owner = take(Path(sys.argv[1]))\n"
        "assert isinstance(owner, Owner)\n"
        "assert isinstance(take(Path(sys.argv[1]), patience_s=0.0), Elsewhere)\n"
        "owner.release()\n"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, cwd=ROOT, timeout=60)
    owner = take(tmp_path)
    assert isinstance(owner, Owner) and owner.killed_pid == 0
    owner.release()
