"""What is kept is listed once with its whole size, and only what may go goes."""

from __future__ import annotations

import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.progress import Progress, Stopped
from alphapanda_desktop.store.diskuse import InUse, disk_use, remove

TODAY = InUse(date(2026, 11, 23))
AGO_S = 1_700_000_000
"""When the files of these tests were written last."""

FILES = {
    "recordings/practice/2026-11-20.ticks": 1000,
    "recordings/practice/2026-11-20.index": 10,
    "recordings/practice/2026-11-23.ticks": 2000,
    "recordings/paper/2026-11-19.ticks": 500,
    "history/kite/NSE/INFY/minute/2026.candles": 300,
    "history/kite/NSE/INFY/day/2026.candles": 30,
    "history/kite/NSE/TCS/day/2026.candles": 40,
    "instruments/kite/instruments-2026-11-20.master": 700,
    "instruments/kite/instruments-2026-11-23.master": 800,
    "reports/review-paper.csv": 5,
    "backups/paper-2026-11-20.sqlite": 60,
    "paper.sqlite": 90,
    "paper.sqlite-wal": 9,
    "paper.before-0002.sqlite": 80,
    "logs/alphapanda.log": 7,
    "bars/a.bars": 11,
    "replays/2026-11-20-ab/replay.sqlite": 12,
    "strategies/own.py": 3,
    "settings.json": 2,
}
MAY_GO = {
    "recordings/practice/2026-11-20", "recordings/paper/2026-11-19", "history/kite/NSE/INFY",
    "history/kite/NSE/TCS", "instruments/kite/instruments-2026-11-20.master", "reports/review-paper.csv",
    "paper.before-0002.sqlite", "bars", "replays/2026-11-20-ab",
}  # fmt: skip


@pytest.fixture
def profile(tmp_path: Path) -> Path:
    for name, size in FILES.items():
        path = tmp_path / "profile" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * size)
        os.utime(path, (AGO_S, AGO_S))
    return tmp_path / "profile"


def test_every_byte_is_listed_once(profile: Path) -> None:
    use = disk_use(profile, TODAY)
    assert use.size == sum(FILES.values()) and use.free > 0
    assert len({one.name for one in use.files}) == len(use.files)


def test_what_may_go_and_what_stays(profile: Path) -> None:
    use = disk_use(profile, TODAY)
    assert {one.name for one in use.files if not one.stays} == MAY_GO
    assert {one.name: one.stays for one in use.files}["recordings/practice/2026-11-23"] == "it is being written"
    infy = next(one for one in use.files if one.name.endswith("INFY"))
    assert infy.size == 330


def test_a_recording_goes_with_its_index_and_nothing_else(profile: Path) -> None:
    assert remove(profile, TODAY, ["recordings/practice/2026-11-20"]) == 1010
    left = {path.relative_to(profile).as_posix() for path in profile.rglob("*") if path.is_file()}
    assert set(FILES) - left == {"recordings/practice/2026-11-20.index", "recordings/practice/2026-11-20.ticks"}


def test_the_journal_is_refused_and_then_nothing_goes(profile: Path) -> None:
    with pytest.raises(Refused, match=r"paper\.sqlite cannot be removed: the journal"):
        remove(profile, TODAY, ["reports/review-paper.csv", "paper.sqlite"])
    assert (profile / "reports/review-paper.csv").exists()


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "reports/../paper.sqlite", "gone"])
def test_what_is_not_in_the_list_is_not_touched(profile: Path, name: str) -> None:
    (profile.parent / "outside").write_text("mine")
    assert remove(profile, TODAY, [name]) == 0
    assert (profile.parent / "outside").exists() and (profile / "paper.sqlite").exists()


def test_a_link_is_removed_and_not_followed(profile: Path) -> None:
    elsewhere = profile.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_text("mine")
    (profile / "reports" / "link").symlink_to(elsewhere, target_is_directory=True)
    (profile / "history" / "mine").symlink_to(elsewhere, target_is_directory=True)
    names = [one.name for one in disk_use(profile, TODAY).files if one.name in ("reports/link", "history/mine")]
    assert len(names) == 2
    remove(profile, TODAY, names)
    assert (elsewhere / "precious").read_text() == "mine"
    assert not (profile / "reports" / "link").is_symlink()


def test_all_that_may_go_can_go_at_once(profile: Path) -> None:
    remove(profile, TODAY, MAY_GO)
    assert not [one for one in disk_use(profile, TODAY).files if not one.stays]


def test_a_recording_that_was_written_a_moment_ago_stays_whatever_day_the_venue_has(profile: Path) -> None:
    (profile / "recordings/practice/2026-11-20.ticks").touch()
    later = InUse(date(2030, 1, 1))
    stays = {one.name: one.stays for one in disk_use(profile, later).files}
    assert stays["recordings/practice/2026-11-20"] == "it is being written"
    assert stays["recordings/practice/2026-11-23"] == ""  # the venue is long beyond it, and nobody writes to it
    with pytest.raises(Refused, match="it is being written"):
        remove(profile, later, ["recordings/practice/2026-11-23", "recordings/practice/2026-11-20"])
    assert (profile / "recordings/practice/2026-11-23.ticks").exists()


def test_what_a_replay_or_a_backtest_has_open_stays(profile: Path) -> None:
    used = InUse(TODAY.today, opened=lambda folder: folder.name == "2026-11-20-ab", tested=True)
    stays = {one.name: one.stays for one in disk_use(profile, used).files}
    assert stays["replays/2026-11-20-ab"] == "a replay has it open"
    assert "may be playing it" in stays["recordings/practice/2026-11-20"]
    assert stays["bars"] == "a backtest is playing"
    for name in ("replays/2026-11-20-ab", "recordings/practice/2026-11-20", "bars"):
        with pytest.raises(Refused):
            remove(profile, used, [name])
    assert disk_use(profile, TODAY).size == sum(FILES.values())


@pytest.mark.skipif(shutil.which("du") is None, reason="there is no du to compare with")
def test_the_sum_is_that_of_du(profile: Path) -> None:
    told = subprocess.run(["du", "-ab", str(profile)], capture_output=True, text=True, check=True).stdout
    sizes = {Path(path): int(size) for size, _, path in (line.partition("\t") for line in told.splitlines())}
    assert disk_use(profile, TODAY).size == sum(size for path, size in sizes.items() if path.is_file())


def test_a_clean_up_can_be_stopped_between_two_things_and_tells_how_far_it_is(profile: Path) -> None:
    progress = Progress("Clean-up")
    told: list[tuple[int, int]] = []

    def at(done: int, total: int, words: str) -> None:
        told.append((done, total))
        if done == 1:
            progress.stop()
        Progress.at(progress, done, total, words)

    class Watched:
        pass

    watched = Watched()
    watched.at = at  # type: ignore[attr-defined]
    with pytest.raises(Stopped):
        remove(profile, TODAY, ["reports/review-paper.csv", "bars"], watched)  # type: ignore[arg-type]
    assert told == [(0, 2), (1, 2)]
    assert not (profile / "reports/review-paper.csv").exists() and (profile / "bars").exists()
    stopped = Progress("Looking at the disk")
    stopped.stop()
    with pytest.raises(Stopped):
        disk_use(profile, TODAY, stopped)
