"""The cache gives back the very master it was given, for its day only, and never anything it cannot vouch for."""

from __future__ import annotations

import csv
import gzip
import logging
import random
from collections.abc import Callable
from dataclasses import astuple, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.masterchanges import Change, MasterChanges
from alphapanda_desktop.domain.ports import InstrumentCache
from alphapanda_desktop.store.instruments import MAGIC, FileInstrumentCache, packed, unpacked

Arun = Callable[..., Any]
DAY = "2026-11-23"
INFY = Instrument(408065, 1594, "INFY", "INFOSYS", 0.0, None, 0.0, 0.05, 1, "EQ", "NSE", "NSE")
OPTION = Instrument(
    10_000_002, 39_062, "NIFTY26NOV26000CE", "NIFTY", 1.5, date(2026, 11, 26), 26000.0, 0.05, 75, "CE", "NFO-OPT", "NFO"
)
MASTER = [INFY, OPTION, replace(INFY, tradingsymbol="M&M", name="")]

words = st.text(max_size=8)
prices = st.floats(allow_nan=False)
counts = st.integers(-(2**63), 2**63 - 1)
instruments = st.builds(
    Instrument,
    counts,
    counts,
    words,
    words,
    prices,
    st.none() | st.dates(),
    prices,
    prices,
    counts,
    words,
    words,
    words,
)


def a_cache(folder: Path) -> InstrumentCache:
    return FileInstrumentCache(folder / "instruments")


def test_the_master_comes_back_for_its_day_only(tmp_path: Path, arun: Arun) -> None:
    async def story() -> list[Any]:
        await a_cache(tmp_path).save(DAY, MASTER)
        return [await a_cache(tmp_path).load(day) for day in (DAY, "2026-11-24")]

    assert arun(story()) == [MASTER, None]


@settings(max_examples=60)
@given(st.lists(instruments, min_size=1, max_size=5))
def test_every_instrument_comes_back_as_it_was(master: list[Instrument]) -> None:
    back = unpacked(packed(master))
    assert back == master
    assert [tuple(map(type, astuple(i))) for i in back] == [tuple(map(type, astuple(i))) for i in master]


def test_a_master_of_many_blocks_keeps_its_order() -> None:
    master = [replace(OPTION, instrument_token=number, name=str(number // 4000)) for number in range(12_345)]
    assert unpacked(packed(master)) == master


def test_what_comes_back_is_as_frozen_and_hashable_as_any(tmp_path: Path) -> None:
    (back,) = unpacked(packed([OPTION]))
    assert (hash(back), repr(back), back.key) == (hash(OPTION), repr(OPTION), "NFO:NIFTY26NOV26000CE")
    with pytest.raises(AttributeError):
        back.lot_size = 1  # type: ignore[misc]


def test_a_real_master_comes_back_whole(tmp_path: Path, arun: Arun, real_data: Path) -> None:
    with gzip.open(real_data / "instruments" / "kite_NFO_BFO_2026-08-18.csv.gz", "rt") as file:
        master = [_of_csv(row) for row in csv.DictReader(file)]

    async def story() -> Any:
        await a_cache(tmp_path).save(DAY, master)
        return await a_cache(tmp_path).load(DAY)

    assert len(master) > 10_000
    assert arun(story()) == master


def _of_csv(row: dict[str, str]) -> Instrument:
    return Instrument(
        int(row["instrument_token"]), int(row["exchange_token"]), row["tradingsymbol"], row["name"],
        float(row["last_price"] or 0), date.fromisoformat(row["expiry"]) if row["expiry"] else None,
        float(row["strike"] or 0), float(row["tick_size"] or 0), int(float(row["lot_size"] or 0)),
        row["instrument_type"], row["segment"], row["exchange"],
    )  # fmt: skip


def test_other_days_and_leavings_are_cleared_away(tmp_path: Path, arun: Arun) -> None:
    async def story() -> None:
        for day in ("2026-11-20", "2026-11-22", DAY):
            await a_cache(tmp_path).save(day, MASTER)
            (tmp_path / "instruments" / "instruments-2026-11-21abc.part").touch()
        await a_cache(tmp_path).save(DAY, MASTER[:1])

    arun(story())
    left = sorted(file.name for file in (tmp_path / "instruments").iterdir())
    assert left == [f"instruments-{DAY}.changes", f"instruments-{DAY}.master"]


def test_an_empty_master_is_not_kept(tmp_path: Path, arun: Arun) -> None:
    async def story() -> Any:
        await a_cache(tmp_path).save(DAY, [])
        return await a_cache(tmp_path).load(DAY)

    assert arun(story()) is None


def test_a_day_that_is_no_date_is_refused(tmp_path: Path, arun: Arun) -> None:
    with pytest.raises(ValueError, match="isoformat"):
        arun(a_cache(tmp_path).load("../2026-11-23"))


@pytest.fixture
def file(tmp_path: Path, arun: Arun) -> Path:
    """A good file of the day."""
    arun(a_cache(tmp_path).save(DAY, MASTER * 20))
    return tmp_path / "instruments" / f"instruments-{DAY}.master"


def test_one_wrong_bit_anywhere_is_noticed() -> None:
    whole, chance = packed(MASTER * 20), random.Random(7)
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        with pytest.raises(BadData, match="damaged"):
            unpacked(bytes(damaged))
        with pytest.raises(BadData, match="damaged"):
            unpacked(whole[: chance.randrange(len(whole))])


@pytest.mark.parametrize("content", [b"", MAGIC, b"not a master", MAGIC.replace(b"1", b"2") + b"x" * 99], ids=repr)
def test_a_file_of_something_else_is_no_master(
    file: Path, tmp_path: Path, arun: Arun, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    file.write_bytes(content)
    assert arun(a_cache(tmp_path).load(DAY)) is None
    assert "asked for again" in caplog.text


def test_a_disk_that_does_not_take_it_is_logged(tmp_path: Path, arun: Arun, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    (tmp_path / "instruments").write_text("a file where the folder should be")
    arun(a_cache(tmp_path).save(DAY, MASTER))
    assert "not kept for the next start" in caplog.text


def test_what_is_different_from_the_day_before_is_kept_and_logged(
    tmp_path: Path, arun: Arun, caplog: pytest.LogCaptureFixture
) -> None:
    smaller = replace(OPTION, lot_size=65)

    async def story() -> list[Any]:
        cache = FileInstrumentCache(tmp_path)
        await cache.save("2026-11-20", MASTER)
        first = await cache.changes("2026-11-20")
        await cache.save(DAY, [INFY, smaller])
        await cache.save(DAY, [INFY, smaller])  # asked for again on the same day
        return [first, await cache.changes(DAY), await cache.changes("2026-11-24")]

    caplog.set_level(logging.INFO)
    change = Change("NFO:NIFTY26NOV26000CE", "lot_size", 75, 65)
    assert arun(story()) == [None, MasterChanges(gone=("NSE:M&M",), changed=(change,)), None]
    assert "of 2026-11-23: 0 new, 0 expired, 1 gone, 1 changed: NFO:NIFTY26NOV26000CE lot size 75" in caplog.text
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".changes", ".master"]


@pytest.mark.parametrize("content", ["", "[]", '{"new": 3}', '{"new": [], "gone": [], "expired": [], "changed": [{}]}'])
def test_differences_that_cannot_be_read_are_none_and_logged(
    tmp_path: Path, arun: Arun, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / f"instruments-{DAY}.changes").write_text(content)
    assert arun(FileInstrumentCache(tmp_path).changes(DAY)) is None
    assert "is of no use" in caplog.text
