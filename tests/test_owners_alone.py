"""What the program makes is its owner's alone, even for somebody whose umask gives everything to everybody."""

from __future__ import annotations

import argparse
import os
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

import alphapanda_desktop.__main__ as program
from alphapanda_desktop import logs, settings
from alphapanda_desktop.folders import data_dir
from alphapanda_desktop.single import Elsewhere, Owner, socket_name, take

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="modes are of POSIX")


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def open_to_others(root: Path) -> list[str]:
    found = [root, *root.rglob("*")]
    return [f"{path.name} {path.stat().st_mode & 0o777:o}" for path in found if path.stat().st_mode & 0o077]


def test_whatever_a_command_makes_is_made_under_a_umask_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def makes(_options: argparse.Namespace) -> int:
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "file").write_text("mine")
        return 0

    monkeypatch.setattr(program, "_run", makes)
    assert program.main(["sessions"]) == 0
    assert open_to_others(tmp_path / "folder") == []
    assert os.umask(0) == 0  # and it is given back to who called


def test_a_crash_leaves_no_picture_of_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    import resource

    which, seen = resource.RLIMIT_CORE, list[int]()
    before = resource.getrlimit(which)
    monkeypatch.setattr(program, "_run", lambda _options: (seen.append(resource.getrlimit(which)[0]), 0)[1])
    resource.setrlimit(which, (before[1], before[1]))  # as somebody has it who wants them
    try:
        assert program.main(["sessions"]) == 0
        assert seen == [0] and resource.getrlimit(which) == (before[1], before[1])
    finally:
        resource.setrlimit(which, before)


def test_a_profiles_folder_and_the_one_over_it_are_private_also_when_an_older_program_left_them_open(
    tmp_path: Path,
) -> None:
    (tmp_path / "profiles" / "own").mkdir(parents=True)
    data_dir("own", tmp_path)
    assert open_to_others(tmp_path / "profiles") == []


def test_settings_are_private_from_their_first_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (seen.append(os.fstat(number).st_mode & 0o077), real(number))[1])
    settings.save(settings.Settings(), tmp_path / "settings.json")
    assert seen == [0]
    assert (tmp_path / "settings.json").stat().st_mode & 0o077 == 0


def test_the_log_and_the_file_of_crashes_are_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Any] = []
    monkeypatch.setattr(logs.faulthandler, "enable", opened.append)
    root = logs.logging.getLogger()
    before = root.handlers[:]
    try:
        logs.set_up(tmp_path / "logs")
        assert open_to_others(tmp_path / "logs") == []
    finally:
        for handler in [each for each in root.handlers if each not in before]:
            root.removeHandler(handler)
            handler.close()
        opened[0].close()


def test_a_socket_that_is_somebody_elses_is_not_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, visits = take(tmp_path), list[bytes]()
    assert isinstance(owner, Owner)
    with closing(socket.socket(socket.AF_UNIX)) as theirs:
        theirs.bind(socket_name(tmp_path))
        theirs.listen()

        def answer() -> None:
            with suppress(OSError):
                line, _ = theirs.accept()
                with closing(line):
                    visits.append(line.recv(100))
                    line.sendall(b"coming\n")

        thread = threading.Thread(target=answer)
        thread.start()
        monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        assert take(tmp_path, patience_s=0) == Elsewhere(False, os.getpid()) and visits == []
        monkeypatch.undo()
        assert take(tmp_path, patience_s=60) == Elsewhere(True, os.getpid())
        thread.join(60)
    owner.release()


def test_a_second_launch_of_somebody_else_cannot_call_this_one(qapp: Any, tmp_path: Path) -> None:
    owner = take(tmp_path)
    assert isinstance(owner, Owner)
    try:
        assert owner.listen(lambda: None) == ""
        assert Path(socket_name(tmp_path)).stat().st_mode & 0o077 == 0
    finally:
        owner.release()
