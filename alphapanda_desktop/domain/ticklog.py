"""A recorded day as bytes: blocks of wire frames with their times, each block complete in itself. No input or output.

A file is MAGIC, then blocks; a block is a head with the length and checksum of what follows, then frames as they came
off the wire, or the names that the day's tokens had. What a crash or a full disk cut off is one block, never more.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from mmap import mmap
from struct import Struct
from typing import Final

MAGIC: Final = b"AlphaPanda ticks 1\n"
"""First bytes of a file; another layout of what follows needs another number."""

Buffer = bytes | mmap
Frame = tuple[int, bytes]
"""Epoch nanoseconds at which a frame was read, and the frame."""

_MARK: Final = b"\xa9BLK"
_HEAD: Final = Struct("<4sBBHIQQII")
_ENTRY: Final = Struct("<QI")
_FRAMES: Final = 1
_NAMES: Final = 2
_PACKED: Final = 1
_CHECKED: Final = _HEAD.size - 4
"""Bytes of a head that its checksum covers: all before the checksum."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where a block lies and what it spans; `count` frames from `first_ns` to `last_ns`, 0 for one of names."""

    at: int
    size: int
    kind: int
    packed: bool
    count: int
    first_ns: int
    last_ns: int

    @property
    def holds_frames(self) -> bool:
        return self.kind == _FRAMES


@dataclass(slots=True)
class Damage:
    """What a reader had to leave out, as (offset, bytes) of each stretch."""

    lost: list[tuple[int, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.lost)

    def text(self) -> str:
        """In words for a person; empty where nothing is lost."""
        if not self.lost:
            return ""
        total = sum(size for _, size in self.lost)
        places = ", ".join(f"{size:,} bytes at {at:,}" for at, size in self.lost[:3])
        return f"{total:,} damaged bytes were left out: {places}{' …' if len(self.lost) > 3 else ''}"


def frames_block(frames: Sequence[Frame], *, pack: bool = False) -> bytes:
    """A block of frames, oldest first; at least one."""
    payload = b"".join([part for at_ns, frame in frames for part in (_ENTRY.pack(at_ns, len(frame)), frame)])
    return _block(_FRAMES, payload, len(frames), frames[0][0], frames[-1][0], pack=pack)


def names_block(names: Mapping[int, str], at_ns: int) -> bytes:
    """A block that tells what tokens meant on the day: "EXCHANGE:SYMBOL" by token."""
    return _block(_NAMES, json.dumps({str(token): name for token, name in names.items()}).encode(), 0, at_ns, at_ns)


def repacked(data: Buffer, block: Block) -> bytes:
    """The same block, compressed."""
    return _block(block.kind, payload_of(data, block), block.count, block.first_ns, block.last_ns, pack=True)


def _block(kind: int, payload: bytes, count: int, first_ns: int, last_ns: int, *, pack: bool = False) -> bytes:
    stored = zlib.compress(payload, 6) if pack else payload
    head = _HEAD.pack(_MARK, kind, _PACKED if pack else 0, 0, count, first_ns, last_ns, len(stored), 0)[:_CHECKED]
    return head + zlib.crc32(stored, zlib.crc32(head)).to_bytes(4, "little") + stored


def blocks(data: Buffer, damage: Damage | None = None) -> Iterator[Block]:
    """Blocks of a file that are as they were written; what lies between them is noted in `damage`."""
    at, size = len(MAGIC), len(data)
    while at < size:
        block = _block_at(data, at)
        if block is None:
            good = _next_good(data, at + 1)
            if damage is not None:
                damage.lost.append((at, good - at))
            at = good
            continue
        yield block
        at = block.at + block.size


def _block_at(data: Buffer, at: int) -> Block | None:
    """The block that begins there, if it is whole."""
    if len(data) - at < _HEAD.size:
        return None
    mark, kind, flags, _, count, first_ns, last_ns, length, crc = _HEAD.unpack_from(data, at)
    end = at + _HEAD.size + length
    if mark != _MARK or end > len(data):
        return None
    if zlib.crc32(data[at + _HEAD.size : end], zlib.crc32(data[at : at + _CHECKED])) != crc:
        return None
    return Block(at, end - at, kind, bool(flags & _PACKED), count, first_ns, last_ns)


def _next_good(data: Buffer, at: int) -> int:
    """Where the next whole block begins, or the end."""
    whole = bytes(data[at:])
    found = whole.find(_MARK)
    while found >= 0:
        if _block_at(data, at + found) is not None:
            return at + found
        found = whole.find(_MARK, found + 1)
    return len(data)


def payload_of(data: Buffer, block: Block) -> bytes:
    """What is in a block, decompressed."""
    stored = bytes(data[block.at + _HEAD.size : block.at + block.size])
    return zlib.decompress(stored) if block.packed else stored


def frames_of(data: Buffer, block: Block) -> Iterator[Frame]:
    """Frames of one block, in the order in which they came."""
    if not block.holds_frames:
        return
    payload, at = payload_of(data, block), 0
    while at < len(payload):
        at_ns, length = _ENTRY.unpack_from(payload, at)
        at += _ENTRY.size
        yield at_ns, payload[at : at + length]
        at += length


def names_of(data: Buffer, block: Block) -> dict[int, str]:
    """Names by token of one block; empty for a block of frames."""
    if block.kind != _NAMES:
        return {}
    return {int(token): str(name) for token, name in json.loads(payload_of(data, block)).items()}


def tokens_in(frame: bytes) -> Iterator[int]:
    """Tokens of a frame's packets, as far as the frame goes."""
    at, size = 2, len(frame)
    while at + 6 <= size:
        length = frame[at] << 8 | frame[at + 1]
        yield int.from_bytes(frame[at + 2 : at + 6], "big")
        at += 2 + length
