"""Bars by reference: the same bars for every worker, or none."""

from __future__ import annotations

import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps import bars
from alphapanda_desktop.sweeps.bars import DataRef, keep, load, refer
from alphapanda_desktop.sweeps.job import Job
from tests.backtest.history import INFY, walk

NAMES = ("start_s", "open", "high", "low", "close", "volume")


def same(one: Series, other: Series) -> bool:
    return one.seconds == other.seconds and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in NAMES
    )


@pytest.fixture
def history(tmp_path: Path) -> Path:
    path = tmp_path / "infy.csv"
    rows = [",".join(map(str, bar[:6])) for bar in walk(800).bars()]
    path.write_text("\n".join(["start_s,open,high,low,close,volume", *rows]), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    load.cache_clear()


def test_bars_come_back_as_they_were_from_memory_and_from_a_file(tmp_path: Path, history: Path) -> None:
    series = walk(800)
    assert same(load(keep(series, tmp_path / "a")), series)
    assert same(load(refer(history, INFY, tmp_path / "b")), series)
    assert same(load(refer(history, INFY)), series)


def test_bars_are_mapped_and_not_copied(tmp_path: Path) -> None:
    close = load(keep(walk(800), tmp_path)).close
    assert not close.flags.owndata and not close.flags.writeable


def test_a_file_is_read_as_bars_once_for_each_content(
    tmp_path: Path, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = refer(history, INFY, tmp_path / "b")
    written = Path(first.columns).stat().st_ino
    with monkeypatch.context() as patch:
        patch.setattr(bars, "read_series", lambda *_: pytest.fail("it was read again"))
        assert refer(history, INFY, tmp_path / "b") == first
    assert Path(first.columns).stat().st_ino == written
    history.write_text(history.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert refer(history, INFY, tmp_path / "b").columns != first.columns


def test_a_damaged_file_of_columns_is_found_and_the_source_read_instead(tmp_path: Path, history: Path) -> None:
    ref = refer(history, INFY, tmp_path / "b")
    flip(Path(ref.columns), 2_000)
    assert same(load(ref), walk(800))
    assert refer(history, INFY, tmp_path / "b") == ref
    load.cache_clear()
    assert load(ref).close.base is not None and same(load(ref), walk(800))


@pytest.mark.parametrize("harm", ["gone", "flipped", "cut"])
def test_bars_without_a_source_that_are_gone_or_damaged_are_refused(tmp_path: Path, harm: str) -> None:
    ref = keep(walk(800), tmp_path)
    path = Path(ref.columns)
    {"gone": path.unlink, "flipped": lambda: flip(path, 9_000), "cut": lambda: os.truncate(path, 4_000)}[harm]()
    with pytest.raises(BadData, match="NSE:INFY: its bars are no longer at"):
        load(ref)


def test_another_file_of_the_same_name_is_refused(history: Path) -> None:
    ref = refer(history, INFY)
    with history.open("a", encoding="utf-8") as file:
        file.write("\n1999999999,1,1,1,1,1")
    with pytest.raises(BadData, match="not the file that the job was made for"):
        load(ref)


def test_a_disk_that_takes_nothing_costs_time_and_no_answer(tmp_path: Path, history: Path) -> None:
    (tmp_path / "b").write_text("a file where the folder should be", encoding="utf-8")
    ref = refer(history, INFY, tmp_path / "b")
    assert ref.columns == "" and same(load(ref), walk(800))


def test_the_folder_keeps_what_was_used_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refs = [keep(walk(800, seed), tmp_path) for seed in (1, 2)]
    for age, ref in enumerate(refs):
        os.utime(ref.columns, (1_000 + age, 1_000 + age))
    monkeypatch.setattr(bars, "MOST_KEPT", 2 * Path(refs[0].columns).stat().st_size)
    kept = keep(walk(800, 3), tmp_path)
    assert [Path(ref.columns).exists() for ref in (*refs, kept)] == [False, True, True]


def test_a_job_names_its_bars_and_does_not_carry_them(tmp_path: Path) -> None:
    sizes = [len(pickle.dumps(Job(strategy="rsi", data=(keep(walk(count), tmp_path),)))) for count in (100, 50_000)]
    assert abs(sizes[1] - sizes[0]) < 8 and sizes[0] < 2_500


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)
        file.seek(place)
        file.write(bytes([byte[0] ^ 1]))


def test_a_reference_tells_instruments_apart(tmp_path: Path) -> None:
    ref = keep(walk(100), tmp_path)
    other = DataRef(replace(INFY, tick_size=0.1), "", ref.sha256, ref.columns)
    assert (load(ref).instrument.tick_size, load(other).instrument.tick_size) == (0.05, 0.1)


@pytest.mark.parametrize("begins", [b"", b"APBARS01"])
def test_bars_are_kept_anew_over_a_file_that_is_damaged_or_of_an_older_version(begins: bytes, tmp_path: Path) -> None:
    series = walk(800)
    file = Path(keep(series, tmp_path).columns)
    file.write_bytes(begins + file.read_bytes()[len(begins) : -8 if not begins else None])
    load.cache_clear()
    assert same(load(keep(series, tmp_path)), series)
