"""A recorded day as bytes: blocks of wire frames with their times, each block complete in itself. No input or output.

A file is MAGIC, then blocks; a block is a head with the length and checksum of what follows, then frames as they came
off the wire, or the names that the day's tokens had. What a crash or a full disk cut off is one block, never more.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from mmap import mmap
from struct import Struct
from typing import Final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"AlphaPanda ticks 1\n"
"""First bytes of a file; another layout of what follows needs another number."""

INDEX_MAGIC: Final = b"AlphaPanda index 1\n"
"""First bytes of the index beside it."""

Buffer = bytes | mmap
Tokens = NDArray[np.uint32]
Frame = tuple[int, bytes]
"""Epoch nanoseconds at which a frame was read, and the frame."""

_MARK: Final = b"\xa9BLK"
_HEAD: Final = Struct("<4sBBHIQQII")
_ENTRY: Final = Struct("<QI")
_PLACE: Final = Struct("<QIBBHIQQ")
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


def span_of(frames: Sequence[Frame]) -> tuple[int, int]:
    """The earliest and the latest time of these: a clock that was set back puts them out of order."""
    times = [at_ns for at_ns, _ in frames]
    return min(times), max(times)


def frames_parts(frames: Sequence[Frame], known: KnownTokens) -> tuple[list[bytes], list[int]]:
    """A block of these, in pieces to be written one after another, and which tokens in it are not among the `known`.

    In the order in which they came; at least one. One walk and no copy: two megabytes a second have left the cache by
    now, and reading them is what costs.
    """
    size = sum([len(frame) for _, frame in frames]) + _ENTRY.size * len(frames)
    head = _head(_FRAMES, len(frames), *span_of(frames), size)
    parts, found, crc = [head], [], zlib.crc32(head)
    for at_ns, frame in frames:
        entry = _ENTRY.pack(at_ns, len(frame))
        crc = zlib.crc32(frame, zlib.crc32(entry, crc))
        parts += (entry, frame)
        found.append(_tokens(frame))
    parts[0] = head + crc.to_bytes(4, "little")
    return parts, known.new_in(np.concatenate(found))


def names_block(names: Mapping[int, str], at_ns: int) -> bytes:
    """A block that tells what tokens meant on the day: "EXCHANGE:SYMBOL" by token."""
    text = json.dumps({str(token): name for token, name in names.items()})
    return _block(_NAMES, text.encode(), 0, at_ns, at_ns)


def repacked(data: Buffer, block: Block) -> bytes:
    """The same block, compressed."""
    return _block(block.kind, payload_of(data, block), block.count, block.first_ns, block.last_ns, pack=True)


def _block(kind: int, payload: bytes, count: int, first_ns: int, last_ns: int, *, pack: bool = False) -> bytes:
    stored = zlib.compress(payload, 6) if pack else payload
    head = _head(kind, count, first_ns, last_ns, len(stored), pack=pack)
    return head + zlib.crc32(stored, zlib.crc32(head)).to_bytes(4, "little") + stored


def _head(kind: int, count: int, first_ns: int, last_ns: int, size: int, *, pack: bool = False) -> bytes:
    """A head up to its checksum."""
    return _HEAD.pack(_MARK, kind, _PACKED if pack else 0, 0, count, first_ns, last_ns, size, 0)[:_CHECKED]


def blocks(data: Buffer, damage: Damage | None = None, start: int = len(MAGIC)) -> Iterator[Block]:
    """Blocks of a file, from `start` on, that are as they were written; what lies between is noted in `damage`."""
    at, size = start, len(data)
    while at < size:
        block = block_at(data, at)
        if block is None:
            good = _next_good(data, at + 1)
            if damage is not None:
                damage.lost.append((at, good - at))
            at = good
            continue
        yield block
        at = block.at + block.size


def block_at(data: Buffer, at: int) -> Block | None:
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
    found = data.find(_MARK, at)
    while found >= 0:
        if block_at(data, found) is not None:
            return found
        found = data.find(_MARK, found + 1)
    return len(data)


# --- the index beside a day: what a reader skips to, and nothing that the day itself does not hold ------------------


def index_entry(block: Block) -> bytes:
    """A block's place and span, with a checksum of its own."""
    entry = _PLACE.pack(block.at, block.size, block.kind, block.packed, 0, block.count, block.first_ns, block.last_ns)
    return entry + zlib.crc32(entry).to_bytes(4, "little")


def read_index(data: bytes, size: int) -> list[Block]:
    """Blocks from the beginning of a day of `size` bytes on, as far as an index is whole and leaves out none."""
    found: list[Block] = []
    at, step = len(MAGIC), _PLACE.size + 4
    if not data.startswith(INDEX_MAGIC):
        return found
    for start in range(len(INDEX_MAGIC), len(data) - step + 1, step):
        entry = data[start : start + _PLACE.size]
        if zlib.crc32(entry) != int.from_bytes(data[start + _PLACE.size : start + step], "little"):
            break
        where, length, kind, packed, _, count, first_ns, last_ns = _PLACE.unpack(entry)
        if where != at or length <= _HEAD.size or at + length > size:
            break
        at += length
        found.append(Block(where, length, kind, bool(packed), count, first_ns, last_ns))
    return found


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


def tokens_in(frame: bytes) -> list[int]:
    """Tokens of a frame's packets, as far as the frame goes."""
    found, at, size = [], 2, len(frame)
    while at + 6 <= size:
        length = frame[at] << 8 | frame[at + 1]
        found.append(int.from_bytes(frame[at + 2 : at + 6]))
        at += 2 + length
    return found


class KnownTokens:
    """Tokens that were seen; asking for those that were not costs a look into a table for each."""

    def __init__(self, tokens: Iterable[int] = ()) -> None:
        self._all: set[int] = set()
        self._slots: Tokens = np.zeros(1 << 16, np.uint32)
        """A token that was seen, by its middle bytes. Where two have the same, one of them is looked up in the set."""
        self.add(tokens)

    def add(self, tokens: Iterable[int]) -> None:
        """These are known from now on."""
        self._all.update(tokens)
        seen = np.array(sorted(self._all), np.uint32)
        self._slots[seen >> 8 & 0xFFFF] = seen

    def new_in(self, found: Tokens) -> list[int]:
        """Those that are not known, in ascending order, each once."""
        unsure = found[self._slots[found >> 8 & 0xFFFF] != found]
        return sorted(set(unsure.tolist()) - self._all) if unsure.size else []


def _tokens(frame: bytes) -> Tokens:
    """Tokens of one frame; one of equal packets is seen through, not walked."""
    size = len(frame)
    if size >= 6:
        count, step = frame[0] << 8 | frame[1], (frame[2] << 8 | frame[3]) + 2
        if size == 2 + count * step and step >= 6:
            high, low = frame[2::step], frame[3::step]  # of the lengths, all of which must be the first one's
            if high.count(high[:1]) == count == low.count(low[:1]):
                return np.ndarray((count,), ">u4", frame, 4, (step,))
    return np.array(tokens_in(frame), np.uint32)
