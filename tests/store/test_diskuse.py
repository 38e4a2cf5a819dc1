"""What is kept is listed once with its whole size, and only what may go goes."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.store.diskuse import disk_use, remove

TODAY = date(2026, 11, 23)
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
