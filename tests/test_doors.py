"""Whatever comes in from outside is read, or refused in our own words: every door, with bytes that are nearly right."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.doors import DOORS

EDITS = st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 4), st.binary(max_size=6)), max_size=6)
FELL = {
    "tick csv": [
        b"time,price\n1763700000999999999999999999999999999123,11.5\n",  # no 64 bits hold it
        b"time,price\n0001-01-01 00:00:00,10\n",  # before the first year, in UTC
        b"time,price\n9999-12-31 23:59:59,10\n",  # later than a packet can tell
        b"time,price,volume\n1763700000,10,inf\n",
        b"time,price,volume\n1763700000,10,nan\n",
        b"ts,token,ltp\n1,99999999999999999999,5\n",
    ],
    "watchlist": [b'"' + b"A" * 140_000 + b'"', b"NSE:INFY\x00", b'"never\nclosed'],
    "vault entry": [b"[" * 100_000],
    "answers": [b"[" * 100_000, b'{"status": 1e999}'],
    "settings": [b"[" * 100_000, b'{"version": 1e3}', b"\xff\xfe"],
    "address": [b"http://[", b"http://127.0.0.1:99999999/cb?request_token=a", b"?" + b"a=b&" * 5_000],
    "market csv": [
        b"time,price\n" + b"9" * 400 + b",1\n",
        b"time,token,price\n1," + b"9" * 30 + b",1\n",
        b"\x1f\x8b",
        b"\x1f\x8bAlpha",
    ],
}


def edited(sample: bytes, edits: list[tuple[int, int, bytes]]) -> bytes:
    data = bytearray(sample)
    for at, cut, put in edits:
        place = at % (len(data) + 1)
        data[place : place + cut] = put
    return bytes(data)


@pytest.mark.parametrize("door", DOORS)
@settings(max_examples=120)
@given(which=st.integers(0, 9), edits=EDITS)
def test_no_bytes_make_a_door_fall(door: str, which: int, edits: list[tuple[int, int, bytes]]) -> None:
    enter, samples = DOORS[door]
    enter(edited(samples[which % len(samples)], edits))


@pytest.mark.parametrize("door", DOORS)
def test_samples_come_in_whole(door: str) -> None:
    enter, samples = DOORS[door]
    assert samples
    for sample in samples:
        enter(sample)


@pytest.mark.parametrize("door", FELL)
def test_what_made_a_door_fall_once_is_read_or_refused(door: str) -> None:
    for data in FELL[door]:
        DOORS[door][0](data)
