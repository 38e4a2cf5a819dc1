"""A frame of Kite's ticker straight into the latest-value table, by whole columns.

A frame of equal packets is one view of its bytes; a mixed one is gathered by length. No length is trusted: what does
not fit is left out and counted, and decoding never raises.  Source: CONTRACT 4.3–4.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.quotes import (
    CLOSE,
    FULL,
    HIGH,
    LOW,
    LTP,
    OPEN,
    QUOTE,
    SENT_AT,
    WORDS,
    LatestTable,
    Rows,
    Words,
)
from alphapanda_desktop.kite.packets import (
    DECODERS,
    FULL_SIZE,
    INDEX_FULL_SIZE,
    INDEX_QUOTE_SIZE,
    LTP_SIZE,
    QUOTE_SIZE,
    Problems,
    count_problem,
)

_LEVELS: Final = {LTP_SIZE: LTP, INDEX_QUOTE_SIZE: QUOTE, INDEX_FULL_SIZE: FULL, QUOTE_SIZE: QUOTE, FULL_SIZE: FULL}
_LEVEL_OF: Final = np.zeros(0x1_0000, np.uint8)
for _size, _level in _LEVELS.items():
    _LEVEL_OF[_size] = _level

_IS_INDEX: Final = np.zeros(0x1_0000, np.bool_)
_IS_INDEX[[INDEX_QUOTE_SIZE, INDEX_FULL_SIZE]] = True

_AS_A_SHARE: Final = np.arange(WORDS)
"""Which word of an index packet goes where a share has its own: it puts the close behind the open."""
_AS_A_SHARE[[OPEN, HIGH, LOW, CLOSE, SENT_AT]] = [4, 2, 3, 5, 7]

_NOTHING: Final = np.empty(0, np.intp)
_BEFORE: Final = b"\0"
_BEHIND: Final = bytes(FULL_SIZE + 1)
"""What a frame is put between, so that a view of its bytes can be taken at any place of a length's low byte."""
_WINDOW: Final = np.dtype(f"V{FULL_SIZE}")
_UNKNOWN: Final = b"\0"


class Taken:
    """The packets of one frame, in the table already: a `Batch`.

    `where` has the place of each: that of the low byte of its length, right before the packet.
    """

    __slots__ = ("_frame", "_received_ns", "_where", "rows")

    def __init__(self, rows: Rows, frame: bytes, where: Rows | range, received_ns: int) -> None:
        self.rows = rows
        self._frame = frame
        self._where = where
        self._received_ns = received_ns

    def ticks(self, places: Iterable[int]) -> Iterator[Tick]:
        """The packets at these places as ticks, each made when it is asked for."""
        frame, received_ns = self._frame, self._received_ns
        where = self._where if isinstance(self._where, range) else self._where.tolist()
        for place in places:
            at = where[place]
            yield DECODERS[frame[at]](frame, at + 1, received_ns)


def put_frame(table: LatestTable, frame: bytes, received_ns: int, problems: Problems | None = None) -> Taken:
    """Take a websocket message into the table; which rows changed, a row once for each of its packets."""
    size = len(frame)
    if size < 4:
        return _whole_or_part(table, frame, received_ns, problems)
    count, length = frame[0] << 8 | frame[1], frame[2] << 8 | frame[3]
    if size != 2 + count * (length + 2) or length not in _PLAIN:
        return _whole_or_part(table, frame, received_ns, problems)
    if count == 1:
        return _one(table, frame, length, received_ns)
    if _lengths(frame, count, length) != frame[2:4] * count:
        return _whole_or_part(table, frame, received_ns, problems)
    words = np.ndarray((count, length // 4), ">u4", frame, 4, (length + 2, 4))
    where = range(3, size, length + 2)
    return Taken(table.put(words, _LEVELS[length], received_ns), frame, where, received_ns)


_FIRST: Final = range(3, 4)


def _one(table: LatestTable, frame: bytes, length: int, received_ns: int) -> Taken:
    """A frame of one packet, which is most of them in a calm market."""
    token = int.from_bytes(frame[4:8])
    row = table.put_one(token, np.frombuffer(frame, ">u4", length // 4, 4), _LEVELS[length], received_ns)
    return Taken(np.array((row,), np.intp), frame, _FIRST, received_ns)


_PLAIN: Final = frozenset((LTP_SIZE, QUOTE_SIZE, FULL_SIZE))
"""Lengths of packets whose words stand where a row has them."""


def _lengths(frame: bytes, count: int, length: int) -> bytes:
    """The length words of a frame of equal packets, one after another."""
    return np.ndarray((count,), ">u2", frame, 2, (length + 2,)).tobytes()


def _whole_or_part(table: LatestTable, frame: bytes, received_ns: int, problems: Problems | None) -> Taken:
    """A frame of any packets. The quick walk is for sound frames; what is damaged is walked again with care."""
    padded = b"".join((_BEFORE, frame, _BEHIND))
    where = _walked(frame)
    if where is not None:
        # The walk trusted the low byte of each length; a high one, or a length of nothing known, is found here.
        lengths = np.ndarray((len(frame),), ">u2", padded, 0, (1,))[where]
        levels = _LEVEL_OF.take(lengths)
        if _UNKNOWN not in levels.tobytes():
            return Taken(table.put(_words_at(padded, where, lengths), levels, received_ns), frame, where, received_ns)
    where, lengths = _known(_sound_starts(frame, problems), problems)
    if not len(where):
        return Taken(_NOTHING, frame, where, received_ns)
    rows = table.put(_words_at(padded, where, lengths), _LEVEL_OF[lengths], received_ns)
    return Taken(rows, frame, where, received_ns)


def _walked(frame: bytes) -> Rows | None:
    """Places of the packets by the low bytes of their lengths; None where those do not lead to the frame's end."""
    size = len(frame)
    count = frame[0] << 8 | frame[1] if size > 2 else 0
    at = 3
    try:
        places = [at := at + frame[at] + 2 for _ in range(count)]
    except IndexError:
        return None
    if not places or places.pop() != size + 1:
        return None
    places.insert(0, 3)
    return np.frombuffer(struct.pack(f"{count}q", *places), np.int64)  # half the time of np.array on a list


def _known(packets: list[tuple[int, int]], problems: Problems | None) -> tuple[Rows, Rows]:
    """Places and lengths of those packets whose length says what they are."""
    kept = []
    for at, length in packets:
        if length in _LEVELS:
            kept.append((at - 1, length))
        else:
            count_problem(problems, f"packet of unknown length {length}")
    columns = np.array(kept, np.intp).reshape(-1, 2)
    return columns[:, 0], columns[:, 1]


def _words_at(padded: bytes, where: Rows, lengths: NDArray[np.integer]) -> Words:
    """As many words as a full packet has behind each of these places; what follows a shorter packet means nothing."""
    windows = np.ndarray((len(padded) - FULL_SIZE - 2,), _WINDOW, padded, 2, (1,))
    packets = windows[where]
    index = _IS_INDEX.take(lengths).nonzero()[0]
    if len(index):
        packets[index] = packets[index].view(">u4").reshape(-1, WORDS).take(_AS_A_SHARE, 1).view(_WINDOW).ravel()
    words: Words = packets.view(">u4").reshape(-1, WORDS)
    return words


def _sound_starts(frame: bytes, problems: Problems | None) -> list[tuple[int, int]]:
    """Where the whole packets begin and how long they are, as far as the frame can be followed."""
    starts: list[tuple[int, int]] = []
    at, size = 2, len(frame)
    if size < 2:
        return starts
    for _ in range(frame[0] << 8 | frame[1]):
        if at + 2 > size:
            count_problem(problems, "frame ends before its last packet")
            return starts
        length = frame[at] << 8 | frame[at + 1]
        at += 2
        if at + length > size:
            count_problem(problems, "frame ends within a packet")
            return starts
        starts.append((at, length))
        at += length
    if at < size:
        count_problem(problems, "frame goes on after its last packet")
    return starts
