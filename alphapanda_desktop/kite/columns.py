"""A frame of Kite's ticker straight into the latest-value table, by whole columns.

A frame of equal packets is one view of its bytes; a mixed one is gathered by length. No length is trusted: what does
not fit is left out and counted, and decoding never raises.  Source: CONTRACT 4.3–4.6.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.quotes import (
    CLOSE,
    DIVISORS,
    FULL,
    HIGH,
    LAST,
    LOW,
    LTP,
    OPEN,
    QUOTE,
    SENT_AT,
    TOKEN,
    VOLUME,
    WORDS,
    LatestTable,
    Rows,
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
    full_ticks,
)

_LEVELS: Final = {LTP_SIZE: LTP, INDEX_QUOTE_SIZE: QUOTE, INDEX_FULL_SIZE: FULL, QUOTE_SIZE: QUOTE, FULL_SIZE: FULL}
_LEVEL_OF: Final = bytes(_LEVELS.get(size, 0) for size in range(256))
_IS_INDEX: Final = bytes(size in (INDEX_QUOTE_SIZE, INDEX_FULL_SIZE) for size in range(256))
"""By the low byte of a length, in tables for `bytes.translate`: of a hundred packets in a tenth of what numpy takes."""

_PLAIN: Final = frozenset((LTP_SIZE, QUOTE_SIZE, FULL_SIZE))
"""Lengths of packets whose words stand where a row has them."""

_AS_A_SHARE: Final = np.arange(1 + WORDS)
"""Which word of an index's window goes where a share has its own: it puts the close behind the open."""
_AS_A_SHARE[[1 + OPEN, 1 + HIGH, 1 + LOW, 1 + CLOSE, 1 + SENT_AT]] = [5, 3, 4, 6, 8]

Windows = NDArray[np.void]

_NOTHING: Final = np.empty(0, np.intp)
_BEFORE: Final = bytes(3)
_BEHIND: Final = bytes(FULL_SIZE)
"""What a frame is put between, so that a window on it can be taken at the place of any packet."""
_WINDOW: Final = np.dtype(f"V{4 + FULL_SIZE}")
"""A word that ends with a packet's length, and the words of the packet; what follows a shorter one means nothing."""
_WORD: Final = np.dtype(">u4")
_PLACE: Final = np.dtype(np.int64)
_FULL_PACKET: Final = np.dtype(f"V{FULL_SIZE}")
_UNKNOWN: Final = b"\0"
_DIVISORS: Final = DIVISORS.astype(np.int64)

MANY: Final = 16
"""Ticks from which on columns pay."""

AT_ONCE: Final = 256
"""Ticks whose columns are read together: a tenth of a millisecond may pass before the first is told."""


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

    def ticks(self, places: Sequence[int]) -> Iterator[Tick]:
        """The packets at these places as ticks, each made when it is asked for."""
        if isinstance(self._where, range) and self._where.step == FULL_SIZE + 2 and len(places) >= MANY:
            return self._by_columns(places)
        return self._one_by_one(places)

    def _by_columns(self, places: Sequence[int]) -> Iterator[Tick]:
        """Ticks of a frame of full packets, their commonest fields read for some hundred at a time."""
        count, frame = len(self.rows), self._frame
        windows = np.ndarray((count,), _FULL_PACKET, frame, 4, (FULL_SIZE + 2,))
        if places != range(count):
            windows = windows[np.array(places, np.intp)]
        for first in range(0, len(places), AT_ONCE):
            packets = np.ascontiguousarray(windows[first : first + AT_ONCE])
            words = packets.view(_WORD).reshape(-1, WORDS)
            tokens, volumes, sent = (words[:, word].tolist() for word in (TOKEN, VOLUME, SENT_AT))
            divisors = _DIVISORS.take(words[:, TOKEN] & 0xFF)
            prices = (words[:, LAST].view(">i4") / divisors).tolist()
            yield from full_ticks(
                packets.tolist(), (tokens, prices, volumes, sent), divisors.tolist(), self._received_ns
            )

    def _one_by_one(self, places: Iterable[int]) -> Iterator[Tick]:
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
    step = length + 2
    if size != 2 + count * step or length not in _PLAIN:
        return _whole_or_part(table, frame, received_ns, problems)
    if count == 1:
        return _one(table, frame, length, received_ns)
    if not frame[2::step].count(frame[2:3]) == count == frame[3::step].count(frame[3:4]):  # all as long as the first
        return _whole_or_part(table, frame, received_ns, problems)
    words = np.ndarray((count, length // 4), _WORD, frame, 4, (step, 4))
    return Taken(table.put(words, _LEVELS[length], received_ns), frame, range(3, size, step), received_ns)


_FIRST: Final = range(3, 4)


def _one(table: LatestTable, frame: bytes, length: int, received_ns: int) -> Taken:
    """A frame of one packet, which is most of them in a calm market."""
    token = int.from_bytes(frame[4:8])
    row = table.put_one(token, np.frombuffer(frame, _WORD, length // 4, 4), _LEVELS[length], received_ns)
    return Taken(np.array((row,), np.intp), frame, _FIRST, received_ns)


def _whole_or_part(table: LatestTable, frame: bytes, received_ns: int, problems: Problems | None) -> Taken:
    """A frame of any packets. The quick walk is for sound frames; what is damaged is walked again with care."""
    where = _walked(frame)
    taken = None if where is None else _gathered(table, frame, where, received_ns)
    if taken is None:
        taken = _gathered(table, frame, _known(_sound_starts(frame, problems), problems), received_ns)
    return taken or Taken(_NOTHING, frame, _NOTHING, received_ns)


def _gathered(table: LatestTable, frame: bytes, where: Rows, received_ns: int) -> Taken | None:
    """The packets at these places, put into the table; None if one has a length of nothing known, or none is there."""
    if not len(where):
        return None
    windows = _windows_at(frame, where)
    lengths = np.ndarray((len(where), 2), np.uint8, windows, 2, (_WINDOW.itemsize, 1)).tobytes()
    lows = lengths[1::2]
    levels = lows.translate(_LEVEL_OF)
    if _UNKNOWN in levels or lengths[::2].count(0) < len(lows):
        return None
    index = lows.translate(_IS_INDEX)
    if 1 in index:
        _straighten(windows, np.frombuffer(index, np.bool_).nonzero()[0])
    words = np.ndarray((len(lows), WORDS), _WORD, windows, 4, (_WINDOW.itemsize, 4))
    return Taken(table.put(words, np.frombuffer(levels, np.uint8), received_ns), frame, where, received_ns)


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
    return np.frombuffer(struct.pack(f"{count}q", 3, *places), _PLACE)  # half the time of np.array on a list


def _windows_at(frame: bytes, where: Rows) -> Windows:
    """Copies of what stands at each of these places."""
    padded = b"".join((_BEFORE, frame, _BEHIND))
    return np.ndarray((len(frame),), _WINDOW, padded, 0, (1,))[where]


def _straighten(windows: Windows, index: Rows) -> None:
    """Put the words of index packets where a share has them."""
    as_sent = windows[index].view(_WORD).reshape(-1, 1 + WORDS)
    windows[index] = as_sent.take(_AS_A_SHARE, 1).view(_WINDOW).ravel()


def _known(packets: list[tuple[int, int]], problems: Problems | None) -> Rows:
    """Places of those packets whose length says what they are."""
    kept = []
    for at, length in packets:
        if length in _LEVELS:
            kept.append(at - 1)
        else:
            count_problem(problems, f"packet of unknown length {length}")
    return np.array(kept, np.intp)


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
