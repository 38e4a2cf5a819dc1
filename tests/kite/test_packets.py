"""Packets and frames: golden bytes by hand, Kite's own samples, Kite's own parser as oracle, and fuzz."""

from __future__ import annotations

import base64
import copy
import pickle
import struct
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.errors import BadData, WrongName
from alphapanda_desktop.domain.market import DepthLevel, Mode, Ohlc, Tick
from alphapanda_desktop.kite.decode import by_kite_names
from alphapanda_desktop.kite.packets import HEARTBEAT, decode_frame, decode_packet, encode_frame, encode_packet

AT = 1_700_000_000_123_456_789
INFY, NIFTY, USDINR = 408065, 256265, 412675  # NSE equity, index, CDS: low bytes 1, 9 and 3

INFY_LTP = bytes.fromhex("00063a01 000227ef")
INFY_QUOTE = bytes.fromhex(
    "00063a01 00026683 00000001 00026569 0011f1b2 0003e9ff 00058037 000264f3 0002673c 000261c9 0002646c"
)
NIFTY_QUOTE = bytes.fromhex(
    "0003e909"  # 256265
    "0025d286"  # 24787.26
    "0025e5e0"  # high 24836.80: the order is H, L, O, C
    "00259b38"  # low 24645.68
    "0025c360"  # open 24748.48
    "00260240"  # close 24909.44
    "ffffd046"  # change -122.18: signed
)
NIFTY_FULL = NIFTY_QUOTE + bytes.fromhex("60e2947f")  # 2021-07-05 10:41:27 IST
USDINR_LTP = bytes.fromhex("00064c03 33e5ca8c")  # 87.0697612 with seven decimals
DEPTH = "".join(
    [
        "0000000a 00026682 0002 0000",
        "00000014 00026681 0003 0000",
        "ffffffff 00026680 ffff 0000",
        "00000000 00000000 0000 0000",
        "00000001 0002667e 0001 0000",
        "00000005 00026683 0001 0000",
        "00000006 00026684 0002 0000",
        "00000007 00026685 0003 0000",
        "00000008 00026686 0004 0000",
        "00000009 00026687 0005 0000",
    ]
)
INFY_FULL = INFY_QUOTE + bytes.fromhex("60e2947e 80000000 80000001 7fffffff 60e2947f" + DEPTH)


def _frame(*packets: bytes) -> bytes:
    return struct.pack(">H", len(packets)) + b"".join(struct.pack(">H", len(p)) + p for p in packets)


def _only(packet: bytes) -> Tick:
    tick = decode_packet(packet, AT)
    assert tick is not None
    return tick


def test_an_ltp_packet_carries_a_price_and_no_more() -> None:
    assert _only(INFY_LTP) == Tick(INFY, Mode.LTP, 1412.95, AT)


def test_a_quote_packet_decodes_to_the_values_of_kites_mock() -> None:
    assert _only(INFY_QUOTE) == Tick(
        INFY,
        Mode.QUOTE,
        1573.15,
        AT,
        last_traded_quantity=1,
        average_traded_price=1570.33,
        volume_traded=1175986,
        total_buy_quantity=256511,
        total_sell_quantity=360503,
        ohlc=Ohlc(1569.15, 1575.0, 1561.05, 1567.8),
    )


def test_an_index_packet_is_high_low_open_close_and_cannot_be_traded() -> None:
    tick = _only(NIFTY_QUOTE)
    assert tick == Tick(
        NIFTY,
        Mode.QUOTE,
        24787.26,
        AT,
        tradable=False,
        ohlc=Ohlc(open=24748.48, high=24836.8, low=24645.68, close=24909.44),
    )
    assert tick.change == pytest.approx(-12218 * 100 / 2490944)


def test_a_full_index_packet_adds_the_exchange_time() -> None:
    tick = _only(NIFTY_FULL)
    assert (tick.mode, tick.tradable, tick.depth) == (Mode.FULL, False, None)
    assert tick.exchange_timestamp == datetime(2021, 7, 5, 5, 11, 27, tzinfo=UTC)


def test_a_full_packet_adds_unsigned_interest_times_and_depth() -> None:
    tick = _only(INFY_FULL)
    assert (tick.oi, tick.oi_day_high, tick.oi_day_low) == (0x80000000, 0x80000001, 0x7FFFFFFF)
    assert tick.last_trade_time == datetime(2021, 7, 5, 5, 11, 26, tzinfo=UTC)
    assert tick.exchange_timestamp == datetime(2021, 7, 5, 5, 11, 27, tzinfo=UTC)
    depth = tick.depth
    assert depth is not None
    assert depth.buy == (
        DepthLevel(1573.14, 10, 2),
        DepthLevel(1573.13, 20, 3),
        DepthLevel(1573.12, 0xFFFFFFFF, 0xFFFF),
        DepthLevel(0.0, 0, 0),
        DepthLevel(1573.10, 1, 1),
    )
    assert depth.sell == tuple(DepthLevel((157315 + k) / 100, 5 + k, 1 + k) for k in range(5))


@pytest.mark.parametrize(
    ("segment", "rupees"),
    [(1, 12345.67), (2, 12345.67), (3, 0.1234567), (4, 12345.67), (5, 12345.67), (6, 123.4567), (7, 12345.67),
     (8, 12345.67), (9, 12345.67), (12, 123.4567)],
)  # fmt: skip
def test_the_low_byte_of_the_token_sets_the_divisor(segment: int, rupees: float) -> None:
    tick = _only(struct.pack(">II", 0x123400 | segment, 1234567))
    assert tick.last_price == rupees
    assert tick.tradable is (segment != 9)


def test_currency_prices_keep_their_seven_decimals() -> None:
    assert _only(USDINR_LTP) == Tick(USDINR, Mode.LTP, 87.0697612, AT, divisor=10_000_000)


def test_a_negative_price_stays_negative() -> None:
    assert _only(struct.pack(">Ii", 0x123407, -3763)).last_price == -37.63  # crude oil has been there


def test_a_full_packet_without_trades_or_times_says_none() -> None:
    tick = _only(struct.pack(">I", INFY) + bytes(180))
    assert (tick.exchange_timestamp, tick.last_trade_time, tick.change) == (None, None, 0.0)


def test_every_packet_encodes_back_to_its_own_bytes() -> None:
    for packet in (INFY_LTP, INFY_QUOTE, INFY_FULL, NIFTY_QUOTE, USDINR_LTP):
        tick = _only(packet)
        encoded = encode_packet(tick, tick.mode)
        # Kite's change of an index is its own; we send what the two prices say.
        assert encoded[:24] == packet[:24]
        assert encoded[28:] == packet[28:]


def test_a_tick_is_encoded_in_the_mode_that_is_asked() -> None:
    tick = _only(INFY_FULL)
    assert encode_packet(tick, Mode.LTP) == INFY_FULL[:8]
    assert encode_packet(tick, Mode.QUOTE) == INFY_FULL[:44]
    assert encode_packet(tick, Mode.FULL) == INFY_FULL


def test_an_index_is_encoded_with_its_signed_change() -> None:
    encoded = encode_packet(_only(NIFTY_FULL), Mode.FULL)
    assert len(encoded) == 32
    assert struct.unpack_from(">i", encoded, 24)[0] == 2478726 - 2490944


def test_a_price_that_32_bits_do_not_hold_is_refused_by_name() -> None:
    with pytest.raises(BadData, match=f"token {USDINR}"):
        encode_packet(Tick(USDINR, Mode.LTP, 214.7483648), Mode.LTP)


def test_volume_past_32_bits_wraps_as_it_does_at_kite() -> None:
    packet = encode_packet(Tick(INFY, Mode.QUOTE, 10.0, volume_traded=2**32 + 5), Mode.QUOTE)
    assert _only(packet).volume_traded == 5


def test_a_frame_holds_packets_of_all_kinds_in_their_order() -> None:
    frame = _frame(INFY_FULL, NIFTY_QUOTE, USDINR_LTP, INFY_QUOTE, NIFTY_FULL)
    ticks = decode_frame(frame, AT)
    assert [tick.instrument_token for tick in ticks] == [INFY, NIFTY, USDINR, INFY, NIFTY]
    assert ticks[0] == _only(INFY_FULL)
    assert decode_frame(memoryview(frame), AT) == ticks
    assert encode_frame([INFY_FULL, NIFTY_QUOTE, USDINR_LTP, INFY_QUOTE, NIFTY_FULL]) == frame


@pytest.mark.parametrize("frame", [b"", HEARTBEAT, b"\x01", b"\x00\x00"])
def test_a_frame_without_packets_has_no_ticks_and_no_problem(frame: bytes) -> None:
    problems: dict[str, int] = {}
    assert decode_frame(frame, AT, problems) == []
    assert problems == {}


def test_a_packet_of_unknown_length_is_skipped_and_counted() -> None:
    problems: dict[str, int] = {}
    frame = _frame(bytes(61), INFY_LTP, b"", bytes(61))
    assert [tick.instrument_token for tick in decode_frame(frame, AT, problems)] == [INFY]
    assert problems == {"packet of unknown length 61": 2, "packet of unknown length 0": 1}


@pytest.mark.parametrize(
    ("cut", "problem"),
    [
        (slice(None, -1), "frame ends within a packet"),
        (slice(None, 13), "frame ends before its last packet"),
        (slice(None, 12), "frame ends before its last packet"),
    ],
)
def test_a_frame_cut_short_gives_the_packets_before_the_cut(cut: slice, problem: str) -> None:
    problems: dict[str, int] = {}
    frame = _frame(INFY_LTP, INFY_QUOTE)
    assert decode_frame(frame[cut], AT, problems) == [_only(INFY_LTP)]
    assert problems == {problem: 1}


def test_bytes_after_the_last_packet_are_counted() -> None:
    problems: dict[str, int] = {}
    assert len(decode_frame(_frame(INFY_LTP) + b"\x00", AT, problems)) == 1
    assert problems == {"frame goes on after its last packet": 1}


def test_more_packets_than_a_frame_counts_are_refused() -> None:
    assert len(encode_frame([b""] * 65535)) == 2 + 2 * 65535
    with pytest.raises(BadData, match="65536"):
        encode_frame([b""] * 65536)


def test_kites_base64_sample_is_a_bare_quote_packet(kite_samples: Path) -> None:
    packet = base64.b64decode((kite_samples / "packets" / "ticker_quote.packet").read_bytes())
    assert packet == INFY_QUOTE


def test_kites_framed_ltp_sample_decodes_and_round_trips(kite_samples: Path) -> None:
    frame = (kite_samples / "packets" / "js_ltpMode_binary.packet").read_bytes()
    ticks = decode_frame(frame, AT)
    assert ticks == [Tick(884737, Mode.LTP, 392.95, AT)]
    assert encode_frame([encode_packet(tick, Mode.LTP) for tick in ticks]) == frame


def test_kites_framed_quote_sample_decodes_and_round_trips(kite_samples: Path) -> None:
    frame = (kite_samples / "packets" / "js_quoteMode_binary.packet").read_bytes()
    ticks = decode_frame(frame, AT)
    assert ticks == [
        Tick(
            884737,
            Mode.QUOTE,
            392.95,
            AT,
            last_traded_quantity=2,
            average_traded_price=403.07,
            volume_traded=22261032,
            total_buy_quantity=5617,
            total_sell_quantity=0,
            ohlc=Ohlc(420.0, 420.9, 390.1, 414.1),
        )
    ]
    assert encode_frame([encode_packet(tick, Mode.QUOTE) for tick in ticks]) == frame


# Ticks that read their rarer fields when asked.


@pytest.mark.parametrize("packet", [INFY_QUOTE, INFY_FULL])
def test_a_tick_off_the_wire_is_the_plain_tick_of_its_values(packet: bytes) -> None:
    plain = Tick(**{name: getattr(_only(packet), name) for name in Tick.__dataclass_fields__})
    assert type(plain) is Tick
    assert _only(packet) == plain
    assert plain == _only(packet)
    assert plain != _only(INFY_LTP)
    plain.total_sell_quantity = 1
    assert _only(packet) != plain


@pytest.mark.parametrize("packet", [INFY_QUOTE, INFY_FULL, INFY_LTP, NIFTY_FULL])
def test_a_tick_leaves_the_process_as_a_plain_tick(packet: bytes) -> None:
    tick = _only(packet)
    for copied in (pickle.loads(pickle.dumps(tick)), copy.copy(tick), copy.deepcopy(tick), replace(tick)):
        assert copied == tick
    assert type(pickle.loads(pickle.dumps(tick))) is Tick


def test_any_field_may_be_asked_first() -> None:
    for name in Tick.__dataclass_fields__:
        assert getattr(_only(INFY_FULL), name) == getattr(pickle.loads(pickle.dumps(_only(INFY_FULL))), name)


def test_a_tick_keeps_its_values_when_the_buffer_it_came_in_is_used_again() -> None:
    buffer = bytearray(_frame(INFY_FULL))
    (tick,) = decode_frame(memoryview(buffer), AT)
    buffer[:] = bytes(len(buffer))
    assert tick == _only(INFY_FULL)


def test_a_wrong_name_is_answered_with_the_right_one() -> None:
    with pytest.raises(WrongName, match="volume_traded"):
        _only(INFY_FULL).volume  # type: ignore[attr-defined]  # noqa: B018


# Kite's own parser as oracle.

SEGMENTS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12]
KINDS = st.tuples(st.sampled_from([8, 28, 32, 44, 184]), st.sampled_from(SEGMENTS))


@pytest.fixture(scope="module")
def oracle() -> Any:
    from kiteconnect import KiteTicker

    return KiteTicker("key", "token")._parse_binary


def _random_packet(rng: np.random.Generator, size: int, segment: int) -> bytes:
    """Any words in which signed and unsigned readings agree, since Kite's parser knows no signed prices."""
    words = rng.integers(0, 2**31, size // 4, dtype=np.uint32)
    words[rng.random(len(words)) < 0.1] = 0
    words[0] = (rng.integers(0, 2**24, dtype=np.uint32) << np.uint32(8)) | np.uint32(segment)
    return bytes(words.astype(">u4").tobytes())


@given(st.lists(KINDS, max_size=40), st.integers(0, 2**32 - 1))
def test_ticks_agree_with_kites_own_parser(oracle: Any, kinds: list[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    frame = _frame(*(_random_packet(rng, size, segment) for size, segment in kinds))
    ours = [by_kite_names(tick) for tick in decode_frame(frame, AT)]
    assert [_times_as_epoch(fields) for fields in ours] == [_times_as_epoch(fields) for fields in oracle(frame)]


def _times_as_epoch(fields: dict[str, Any]) -> dict[str, Any]:
    """Kite's times are naive local ones, with 1970 for none; ours are ISO text in IST."""
    fields = dict(fields)
    for name in ("exchange_timestamp", "last_trade_time"):
        if name in fields:
            value = fields[name]
            at = datetime.fromisoformat(value) if isinstance(value, str) else value
            fields[name] = at.timestamp() if at else 0.0
    return fields


@given(st.lists(KINDS, max_size=20), st.integers(0, 2**32 - 1))
def test_what_is_encoded_decodes_to_the_same_tick(kinds: list[tuple[int, int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    proper = [(size, 9 if size in (28, 32) else 2 if segment == 9 and size > 8 else segment) for size, segment in kinds]
    ticks = decode_frame(_frame(*(_random_packet(rng, size, segment) for size, segment in proper)), AT)
    frame = encode_frame([encode_packet(tick, tick.mode) for tick in ticks])
    assert decode_frame(frame, AT) == ticks


# Whatever the bytes.


@given(st.binary(max_size=600))
def test_no_bytes_make_decoding_raise(frame: bytes) -> None:
    problems: dict[str, int] = {}
    ticks = decode_frame(frame, AT, problems)
    for tick in ticks:
        assert by_kite_names(tick)["instrument_token"] == tick.instrument_token
    assert len(ticks) <= len(frame) // 10
    assert decode_frame(bytearray(frame), AT) == ticks


@given(st.lists(KINDS, min_size=1, max_size=8), st.integers(0, 2**32 - 1), st.data())
def test_no_damage_to_a_frame_makes_decoding_raise(
    kinds: list[tuple[int, int]], seed: int, data: st.DataObject
) -> None:
    rng = np.random.default_rng(seed)
    frame = bytearray(_frame(*(_random_packet(rng, size, segment) for size, segment in kinds)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(frame) - 1)))
        damage = data.draw(st.sampled_from(["set", "cut", "drop", "insert"]))
        if damage == "set" and frame:
            frame[at] = data.draw(st.integers(0, 255))
        elif damage == "cut":
            del frame[at:]
        elif damage == "drop":
            del frame[at : at + 1]
        else:
            frame.insert(at, data.draw(st.integers(0, 255)))
    ticks = decode_frame(bytes(frame), AT)
    assert all(tick.mode in Mode for tick in ticks)


@given(st.binary(max_size=200))
def test_only_five_lengths_are_packets(packet: bytes) -> None:
    assert (decode_packet(packet, AT) is not None) is (len(packet) in (8, 28, 32, 44, 184))
