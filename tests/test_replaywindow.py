"""How a replay's window is started, and what it keeps apart from the profile's."""

from __future__ import annotations

import json
import sys
from datetime import time
from pathlib import Path

import pytest

from alphapanda_desktop.__main__ import parser
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.folders import replay_dir
from alphapanda_desktop.replaywindow import forget_replay, replay_command, replay_options, replay_window


def a_file(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(b"ticks")
    return path


def test_files_and_their_instruments_are_told_apart(tmp_path: Path) -> None:
    day, ticks = a_file(tmp_path, "2026-09-21.ticks"), a_file(tmp_path, "a=b.csv")
    options = replay_options([str(day), f"{ticks}=NSE:NIFTY 50"], "10:30")
    assert options.files == (day, ticks) and options.at == time(10, 30)
    assert options.keys == ((ticks, "NSE:NIFTY 50"),)
    assert replay_options([str(ticks)]).files == (ticks,)


@pytest.mark.parametrize(("at", "words"), [("half past ten", "a time of day is expected"), ("25:00", "--at 25:00")])
def test_what_is_no_time_of_day_is_refused(tmp_path: Path, at: str, words: str) -> None:
    with pytest.raises(Fatal, match=words):
        replay_options([str(a_file(tmp_path, "day.ticks"))], at)


def test_each_recording_has_a_folder_that_begins_with_the_profiles_settings(tmp_path: Path) -> None:
    (tmp_path / "settings.json").write_text("{}")
    one = replay_dir(tmp_path, ["/a/2026-09-21.ticks"])
    assert one == replay_dir(tmp_path, ["/a/2026-09-21.ticks"]) != replay_dir(tmp_path, ["/b/2026-09-21.ticks"])
    assert one.parent == tmp_path / "replays" and one.name.startswith("2026-09-21-")
    (one / "settings.json").write_text('{"version": 2}')
    (tmp_path / "settings.json").write_text('{"window": {}}')
    replay_dir(tmp_path, ["/a/2026-09-21.ticks"])
    assert json.loads((one / "settings.json").read_text()) == {"version": 2}  # its own from then on


def test_what_an_earlier_replay_left_is_removed_whole(tmp_path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        a_file(tmp_path, f"replay.sqlite{suffix}")
    kept = a_file(tmp_path, "practice.sqlite")
    forget_replay(tmp_path / "replay.sqlite")
    assert list(tmp_path.iterdir()) == [kept]
    forget_replay(tmp_path / "replay.sqlite")  # where there is nothing, nothing is done


def test_the_command_line_of_the_other_window_is_one_that_the_program_takes(tmp_path: Path) -> None:
    folder, day = tmp_path / "profiles" / "mine", tmp_path / "2026-09-21.ticks"
    line = replay_command("mine", folder, [str(day)])
    given = parser().parse_args(line[line.index("--profile") :])
    assert (given.profile, given.mode, given.recording) == ("mine", "replay", [str(day)])
    assert given.data_dir / "profiles" / "mine" == folder


def test_a_window_that_does_not_open_says_why(arun) -> None:
    told: list[str] = []
    fails = [sys.executable, "-c", "import sys; print('first'); print('no such day', file=sys.stderr); sys.exit(1)"]
    arun(replay_window(fails, told.append))
    assert told == ["The replay could not be opened: no such day"]
    arun(replay_window([sys.executable, "-c", "pass"], told.append))
    assert len(told) == 1
