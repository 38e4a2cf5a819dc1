"""A frame of Kite's ticker straight into the latest-value table, by whole columns.

A frame of equal packets is one view of its bytes; a mixed one is gathered by length. No length is trusted: what does
not fit is left out and counted, and decoding never raises.  Source: CONTRACT 4.3–4.6.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.quotes import (
    CLOSE,
    FULL,
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
    FULL_SIZE,
    INDEX_FULL_SIZE,
    INDEX_QUOTE_SIZE,
    LTP_SIZE,
    QUOTE_SIZE,
    Problems,
    count_problem,
)

_LEVELS: Final = {LTP_SIZE: LTP, INDEX_QUOTE_SIZE: QUOTE, INDEX_FULL_SIZE: FULL, QUOTE_SIZE: QUOTE, FULL_SIZE: FULL}
_LEVEL_OF: Final = np.zeros(256, np.uint8)
for _size, _level in _LEVELS.items():
    _LEVEL_OF[_size] = _level

_INDEX_OHLC: Final = [4, 2, 3, 5]
"""Where an index packet has open, high, low and close; it puts the close behind the open."""

_INDEX_SENT_AT: Final = 7
_NOTHING: Final = np.empty(0, np.intp)
_PAD: Final = bytes(FULL_SIZE)


def put_frame(table: LatestTable, frame: bytes, received_ns: int, problems: Problems | None = None) -> Rows:
    """Take a websocket message into the table; the rows that changed, a row once for each of its packets."""
    size = len(frame)
    if size < 4:
        return _whole_or_part(table, frame, received_ns, problems)
    count, length = frame[0] << 8 | frame[1], frame[2] << 8 | frame[3]
    if size == 2 + count * (length + 2) and length in _PLAIN and _lengths(frame, count, length) == frame[2:4] * count:
        words = np.ndarray((count, length // 4), ">u4", frame, 4, (length + 2, 4)).astype(np.uint32)
        return table.put(words, _LEVELS[length], received_ns)
    return _whole_or_part(table, frame, received_ns, problems)


_PLAIN: Final = frozenset((LTP_SIZE, QUOTE_SIZE, FULL_SIZE))
"""Lengths of packets whose words stand where a row has them."""


def _lengths(frame: bytes, count: int, length: int) -> bytes:
    """The length words of a frame of equal packets, one after another."""
    return np.ndarray((count,), ">u2", frame, 2, (length + 2,)).tobytes()


def _whole_or_part(table: LatestTable, frame: bytes, received_ns: int, problems: Problems | None) -> Rows:
    """A frame of any packets. The quick walk is for sound frames; what is damaged is walked again with care."""
    starts: list[int] = []
    note, at, size = starts.append, 4, len(frame)
    while at <= size:
        note(at)
        at += frame[at - 1] + 2
    whole, where = np.frombuffer(frame, np.uint8), np.array(starts, np.intp)
    if at != size + 2 or len(starts) != frame[0] << 8 | frame[1] or whole[where - 2].any():
        where = np.array(_sound_starts(frame, problems), np.intp)
    if not len(where):
        return _NOTHING
    lengths = whole[where - 1]
    levels = _LEVEL_OF[lengths]
    if not levels.all():
        known = levels > 0
        for length in lengths[~known].tolist():
            count_problem(problems, f"packet of unknown length {length}")
        where, lengths, levels = where[known], lengths[known], levels[known]
    return table.put(_words_at(frame, where, lengths), levels, received_ns) if len(where) else _NOTHING


def _words_at(frame: bytes, where: Rows, lengths: NDArray[np.uint8]) -> Words:
    """As many words as a full packet has from each of these places; what follows a shorter packet means nothing."""
    windows = np.ndarray((len(frame),), f"V{FULL_SIZE}", frame + _PAD, 0, (1,))
    words = windows[where].view(">u4").reshape(-1, WORDS).astype(np.uint32)
    index = np.flatnonzero((lengths == INDEX_QUOTE_SIZE) | (lengths == INDEX_FULL_SIZE))
    if len(index):
        rows = words[index]
        words[index, OPEN : CLOSE + 1] = rows[:, _INDEX_OHLC]
        words[index, SENT_AT] = rows[:, _INDEX_SENT_AT]
    return words


def _sound_starts(frame: bytes, problems: Problems | None) -> list[int]:
    """Where the packets begin that are whole and of a length below 256, as far as the frame can be followed."""
    starts: list[int] = []
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
        if length < 256:
            starts.append(at)
        else:
            count_problem(problems, f"packet of unknown length {length}")
        at += length
    if at < size:
        count_problem(problems, "frame goes on after its last packet")
    return starts
