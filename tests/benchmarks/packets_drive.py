"""Packets for the benchmarks: plausible enough for every field to be worked on."""

from __future__ import annotations

import random
from struct import Struct
from typing import Final

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


def varied_frames(frames: int, size: int, *, mixed: bool = False, seed: int = 5) -> list[bytes]:
    """Frames of so many of the 9,000 instruments, each of others, in another order, at other prices.

    Where they are mixed, seven packets in ten are full, two of quote, one of an index, in no order either: no two
    frames have their packets at the same places.
    """
    rng, names = random.Random(seed), tokens(9_000)
    sizes = ((184, 44, 32), (7, 2, 1)) if mixed else ((184,), (1,))
    return [
        encode_frame([_any_packet(rng, token, rng.choices(*sizes)[0]) for token in rng.sample(names, size)])
        for _ in range(frames)
    ]


INDICES: Final = [(500 + number) << 8 | 9 for number in range(100)]


def _any_packet(rng: random.Random, token: int, size: int) -> bytes:
    if size == 32:
        return _INDEX.pack(rng.choice(INDICES), *(2_600_000 + rng.randrange(20_000) for _ in range(5)), 7_345, 9)
    return full_packet(token, rng.randrange(2_000))[:size]
