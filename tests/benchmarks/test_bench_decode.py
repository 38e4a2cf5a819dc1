"""Frames of full packets: our decoder against the official ticker's."""

from __future__ import annotations

import logging
from struct import Struct

import pytest
from kiteconnect import KiteTicker

from alphapanda_desktop.kite.packets import decode_frame, encode_frame
from tests.benchmarks.race import Board, alternating, figure

_HEAD = Struct(">16I")


def _full_packet(number: int) -> bytes:
    """A full packet of an NSE share, plausible enough for every field to be worked on."""
    price = 150_000 + number
    words = [(408_065 + number) << 8 | 1, price, 10, price - 5, 1_234_567, 5_000, 6_000]
    words += [price, price + 100, price - 100, price - 50, 1_795_410_900, 0, 0, 0, 1_795_410_901]
    depth = b"".join(Struct(">IIHH").pack(100 + row, price + row, 3, 0) for row in range(10))
    return _HEAD.pack(*words) + depth


@pytest.mark.parametrize(
    "size", [pytest.param(1, marks=figure("decode-1")), pytest.param(100, marks=figure("decode-100"))]
)
def test_decoding_a_frame(board: Board, size: int) -> None:
    logging.getLogger("kiteconnect").setLevel(logging.CRITICAL)
    frame = encode_frame([_full_packet(number) for number in range(size)])
    official = KiteTicker("key", "token")._parse_binary
    ours, rival = decode_frame(frame, 0), official(frame)
    assert [(t.instrument_token, t.last_price, t.volume_traded) for t in ours] == [
        (t["instrument_token"], t["last_price"], t["volume_traded"]) for t in rival
    ]
    calls = max(4, 400 // size)
    times = alternating(lambda: decode_frame(frame, 0), lambda: official(frame), 30, calls)
    board.figure(f"decode-{size}", *times)


def test_decoding_and_reading_the_depth(board: Board) -> None:
    """Depth is decoded when somebody looks: the dearest case for us, where the rival has paid already."""
    frame = encode_frame([_full_packet(number) for number in range(100)])
    official = KiteTicker("key", "token")._parse_binary

    def ours() -> list[object]:
        return [tick.depth for tick in decode_frame(frame, 0)]

    assert None not in ours()
    times = alternating(ours, lambda: official(frame), 20, 4)
    board.race("decode 100 full packets and read every depth, KiteTicker, µs", *times, 1 / 4)
