"""One copy per profile, shown with real processes: twenty at once, and one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.single import LONGEST_PATH, SOCKET, Elsewhere, Owner, socket_name, take

CLIENT = """
import sys
from pathlib import Path
from alphapanda_desktop.single import Owner, take
found = take(Path(sys.argv[1]), patience_s=float(sys.argv[2]))
if not isinstance(found, Owner):
    print("came" if found.came_forward else "silent", found.pid, flush=True)
    sys.exit(0 if found.came_forward else 3)
{then}
"""
WINDOW = """
from PySide6.QtCore import QCoreApplication, QTimer
app = QCoreApplication([])
why = found.listen(lambda: print("called", flush=True))
assert not why, why
print("owner", flush=True)
QTimer.singleShot(300_000, app.quit)
app.exec()
"""
DEAF = """
import time
print("owner", flush=True)
time.sleep(300)
"""


class Launch:
    """One process that takes the profile of a folder."""

    def __init__(self, folder: Path, then: str = WINDOW, patience_s: float = 60.0) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", CLIENT.format(then=then), str(folder), str(patience_s)],
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self, how: int = signal.SIGKILL) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(60)
        assert self.process.stdout is not None
        self.process.stdout.close()


def test_of_twenty_launches_at_once_one_window_stays_and_is_called_by_the_others(tmp_path: Path) -> None:
    launches = [Launch(tmp_path, patience_s=60.0) for _ in range(20)]
    try:
        first = [launch.line() for launch in launches]
        owners = [launch for launch, said in zip(launches, first, strict=True) if said == "owner"]
        assert len(owners) == 1
        others = [launch for launch in launches if launch not in owners]
        assert {launch.process.wait(60) for launch in others} == {0}
        assert {said for said in first if said != "owner"} == {f"came {owners[0].process.pid}"}
        assert [owners[0].line() for _ in others] == ["called"] * 19
        assert owners[0].process.poll() is None
    finally:
        for launch in launches:
            launch.end()


def test_what_a_killed_copy_leaves_is_taken_over_at_once(tmp_path: Path) -> None:
    killed = Launch(tmp_path)
    assert killed.line() == "owner"
    killed.end(signal.SIGKILL)
    assert (tmp_path / SOCKET).exists()  # it had no time to tidy up
    heir = Launch(tmp_path)
    other = None
    try:
        assert heir.line() == "owner"
        other = Launch(tmp_path)
        assert other.line() == f"came {heir.process.pid}"
        assert heir.line() == "called"
    finally:
        heir.end()
        if other is not None:
            other.end()


def test_who_was_killed_over_a_profile_is_named_to_the_next_once(tmp_path: Path) -> None:
    killed = Launch(tmp_path, then=DEAF)
    assert killed.line() == "owner"
    killed.end(signal.SIGKILL)
    heir = take(tmp_path)
    assert isinstance(heir, Owner) and heir.killed_pid == killed.process.pid
    heir.release()
    heir.release()
    other = take(tmp_path)
    assert isinstance(other, Owner) and other.killed_pid == 0
    other.release()


def test_a_copy_that_does_not_answer_keeps_its_profile_and_is_named(tmp_path: Path) -> None:
    deaf = Launch(tmp_path, then=DEAF)
    try:
        assert deaf.line() == "owner"
        found = take(tmp_path, patience_s=0.3)
        assert found == Elsewhere(False, deaf.process.pid)
    finally:
        deaf.end()


def test_a_copy_that_ends_while_a_second_waits_leaves_the_profile_to_it(tmp_path: Path) -> None:
    ending = Launch(tmp_path, then=DEAF)
    waiting = None
    try:
        assert ending.line() == "owner"
        waiting = Launch(tmp_path, patience_s=60.0)
        assert (tmp_path / "alphapanda.lock").read_text().strip() == str(ending.process.pid)
        ending.end()
        assert waiting.line() == "owner"
    finally:
        ending.end()
        if waiting is not None:
            waiting.end()


def test_a_profile_that_was_let_go_can_be_taken_again(tmp_path: Path) -> None:
    first = take(tmp_path)
    assert isinstance(first, Owner)
    assert isinstance(take(tmp_path, patience_s=0.0), Elsewhere)
    first.release()
    second = take(tmp_path)
    assert isinstance(second, Owner) and second.killed_pid == 0
    second.release()


def test_two_profiles_do_not_meet(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = take(tmp_path / "one"), take(tmp_path / "two")
    assert isinstance(one, Owner) and isinstance(two, Owner)
    one.release()
    two.release()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes have names there, not paths")
def test_a_long_folder_gets_a_socket_that_fits(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 60) / ("y" * 60)
    assert len(os.fsencode(socket_name(long))) <= LONGEST_PATH
    assert socket_name(long) != socket_name(long / "other")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_takes_no_lock_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(Fatal, match="cannot be locked"):
        take(tmp_path)


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(Fatal, match="cannot be locked"):
        take(file)
