"""Frames into the latest-value table: every row is the tick that the plain decoder gives, whatever the frame."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.quotes import FULL, LAST, LTP, QUOTE, VOLUME, LatestTable
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.kite.packets import decode_frame, decode_packet, encode_frame

NOW = 1_795_410_900_000_000_000
INFY, TCS, NIFTY, USDINR = 408065, 2953217, 256265, (1234 << 8) | 3


def a_packet(token: int, size: int, fill: int = 7) -> bytes:
    """A packet whose words all differ; prices small enough to be positive."""
    words = [token, *((fill * 1_000 + n) for n in range(1, size // 4))]
    return struct.pack(f">{size // 4}I", *words)


segments = st.sampled_from([1, 2, 3, 4, 5, 6, 7, 12])
plain = st.tuples(segments, st.integers(1, 40), st.sampled_from([8, 44, 184])).map(lambda t: (t[1] << 8 | t[0], t[2]))
index = st.tuples(st.integers(1, 10), st.sampled_from([8, 28, 32])).map(lambda t: (t[0] << 8 | 9, t[1]))


@st.composite
def packets(draw: st.DrawFn) -> bytes:
    token, size = draw(plain | index)
    return struct.pack(">I", token) + draw(st.binary(min_size=size - 4, max_size=size - 4))


@given(st.lists(st.lists(packets(), max_size=12), min_size=1, max_size=4))
def test_each_row_is_the_last_tick_of_its_token(frames: list[list[bytes]]) -> None:
    table, latest = LatestTable(), {}
    for number, frame in enumerate(map(encode_frame, frames)):
        problems: dict[str, int] = {}
        batch = put_frame(table, frame, NOW + number, problems)
        rows, ticks = batch.rows, decode_frame(frame, NOW + number)
        assert list(batch.ticks(range(len(rows)))) == ticks
        latest |= {tick.instrument_token: tick for tick in ticks}
        assert sorted(table.tokens(rows.tolist())) == sorted(tick.instrument_token for tick in ticks)
        assert problems == {}
    assert len(table) == len(latest)
    for token, tick in latest.items():
        row = table.row_of(token)
        assert row is not None
        assert table.tick(row) == tick


@pytest.mark.parametrize("size", [8, 44, 184])
def test_a_frame_of_equal_packets_fills_the_columns(size: int) -> None:
    table = LatestTable()
    tokens = [INFY, TCS, USDINR]
    put_frame(table, encode_frame([a_packet(token, size, n) for n, token in enumerate(tokens, 1)]), NOW)
    assert table.tokens(range(3)) == tokens
    assert table.rupees(LAST).tolist() == [10.01, 20.01, 3_001 / 1e7]
    assert table.received_ns.tolist() == [NOW] * 3
    assert table.level.tolist() == [{8: LTP, 44: QUOTE, 184: FULL}[size]] * 3
    if size > 8:
        assert table.column(VOLUME).tolist() == [1_004, 2_004, 3_004]


def test_an_index_goes_into_the_same_columns_as_a_share() -> None:
    table = LatestTable()
    frame = encode_frame([a_packet(NIFTY, 32), a_packet(INFY, 184)])
    put_frame(table, frame, NOW)
    for tick in decode_frame(frame, NOW):
        row = table.row_of(tick.instrument_token)
        assert row is not None
        assert table.tick(row) == tick
    assert table.tick(table.row_of(NIFTY) or 0).volume_traded is None  # type: ignore[union-attr]


def test_less_than_is_known_is_not_told_when_a_shorter_packet_follows() -> None:
    table = LatestTable()
    put_frame(table, encode_frame([a_packet(INFY, 184)]), NOW)
    put_frame(table, encode_frame([a_packet(INFY, 8)]), NOW)
    tick = table.tick(0)
    assert tick is not None
    assert (tick.volume_traded, tick.ohlc, tick.depth) == (None, None, None)


def test_each_reader_hears_once_of_each_changed_row() -> None:
    table = LatestTable()
    put_frame(table, encode_frame([a_packet(INFY, 8), a_packet(TCS, 8)]), NOW)
    assert table.take_changed("list").tolist() == [0, 1]
    assert table.take_changed("list").tolist() == []
    put_frame(table, encode_frame([a_packet(TCS, 8)]), NOW)
    assert table.take_changed("list").tolist() == [1]
    assert table.take_changed("depth").tolist() == [0, 1]
    table.forget_reader("list")
    assert table.take_changed("list").tolist() == [0, 1]


def test_the_table_grows_without_losing_a_row_or_a_reader() -> None:
    table = LatestTable()
    table.take_changed("list")
    tokens = [(n << 8) | 1 for n in range(1, 5_000)]
    for first in range(0, len(tokens), 700):
        part = tokens[first : first + 700]
        put_frame(table, encode_frame([a_packet(token, 8, n) for n, token in enumerate(part)]), NOW)
    assert table.tokens(range(len(table))) == tokens
    assert table.take_changed("list").tolist() == list(range(len(tokens)))
    assert table.rupees(LAST).min() > 0


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(frame: bytes) -> None:
    table, problems, plain_problems = LatestTable(), {}, {}
    rows = put_frame(table, frame, NOW, problems).rows
    ticks = decode_frame(frame, NOW, plain_problems)
    assert sorted(table.tokens(rows.tolist())) == sorted(tick.instrument_token for tick in ticks)
    assert problems == plain_problems


@given(st.lists(packets(), min_size=1, max_size=5), st.integers(0, 2_000), st.integers(0, 255))
def test_damage_costs_what_it_hits_as_with_the_plain_decoder(parts: list[bytes], where: int, byte: int) -> None:
    frame = bytearray(encode_frame(parts))
    frame[where % len(frame)] = byte
    table, problems, plain_problems = LatestTable(), {}, {}
    rows = put_frame(table, bytes(frame), NOW, problems).rows
    ticks = decode_frame(bytes(frame), NOW, plain_problems)
    assert sorted(table.tokens(rows.tolist())) == sorted(tick.instrument_token for tick in ticks)
    assert problems == plain_problems


@given(st.lists(st.integers(0, 59), max_size=60), st.booleans())
def test_ticks_read_by_columns_are_the_ticks_read_one_by_one(places: list[int], every: bool) -> None:
    tokens = [(1_000 + n) << 8 | (1, 3, 6, 9)[n % 4] for n in range(60)]
    parts = [a_packet(token, 184, n) for n, token in enumerate(tokens)]
    parts[7] = parts[7][:4] + b"\xff\xff\xff\x9c" + parts[7][8:]  # a price below nothing, as spreads have
    frame = encode_frame(parts)
    batch, plain = put_frame(LatestTable(), frame, NOW), [decode_packet(part, NOW) for part in parts]
    wanted = range(60) if every else places
    told = list(batch.ticks(wanted))
    assert decode_frame(frame, NOW) == plain
    assert told == [plain[place] for place in wanted]
    depths = [tick.depth for tick in plain if tick]
    assert [tick.depth for tick in told] == [depths[place] for place in wanted]
    assert {type(tick.divisor) for tick in told} <= {int}


def test_instruments_that_share_a_slot_keep_their_own_rows() -> None:
    """Tokens whose difference is the number of slots, one of them coming later."""
    table, slots = LatestTable(), (1 << 17) - 1
    tokens = [INFY, INFY + slots, INFY + 2 * slots, TCS]
    for number, part in enumerate((tokens[:1], tokens[1:3], tokens), 1):
        rows = put_frame(table, encode_frame([a_packet(token, 8, number) for token in part]), NOW).rows
        assert table.tokens(rows.tolist()) == part
    assert table.tokens(range(len(table))) == tokens


def test_a_token_of_all_ones_takes_nobodys_row() -> None:
    table = LatestTable()
    put_frame(table, encode_frame([a_packet(INFY, 8, 1), a_packet(TCS, 8, 2)]), NOW)
    rows = put_frame(table, encode_frame([a_packet(0xFFFF_FFFF, 8, 3), a_packet(0, 8, 4)]), NOW).rows
    assert rows.tolist() == [2, 3]
    assert table.rupees(LAST)[0] == 10.01
