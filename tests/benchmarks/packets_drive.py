"""Packets for the benchmarks: plausible enough for every field to be worked on."""

from __future__ import annotations

import random
from struct import Struct

from alphapanda_desktop.kite.packets import encode_frame

_HEAD = Struct(">16I")
_LEVEL = Struct(">IIHH")
_QUOTE = Struct(">11I")
_INDEX = Struct(">8I")


def tokens(count: int) -> list[int]:
    """Instruments of the NSE's cash segment."""
    return [(1_000 + number) << 8 | 1 for number in range(count)]


def full_packet(token: int, move: int = 0) -> bytes:
    """A full packet of a share."""
    price = 150_000 + (token >> 8) % 5_000 + move
    words = [token, price, 10, price - 5, 1_234_567, 5_000, 6_000]
    words += [price, price + 100, price - 100, price - 50, 1_795_410_900, 0, 0, 0, 1_795_410_901]
    return _HEAD.pack(*words) + b"".join(_LEVEL.pack(100 + row, price + row, 3, 0) for row in range(10))


def full_frame(count: int, first: int = 0, move: int = 0) -> bytes:
    """A frame of full packets of so many shares."""
    return encode_frame([full_packet(token, move) for token in tokens(first + count)[first:]])


def mixed_frame(count: int, seed: int = 5) -> bytes:
    """Seven in ten packets full, two of quote, one of an index."""
    rng = random.Random(seed)
    packets = []
    for token in tokens(count):
        size = rng.choices((184, 44, 32), (7, 2, 1))[0]
        if size == 32:
            packets.append(
                _INDEX.pack(token & ~0xFF | 9, 2_612_345, 2_620_000, 2_600_000, 2_610_000, 2_605_000, 7_345, 9)
            )
        else:
            packets.append(full_packet(token)[:size])
    return encode_frame(packets)
