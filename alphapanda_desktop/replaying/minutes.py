"""A recorded day read through once: the minutes of every instrument, for charts and for the day's outline.

Ticks are folded by whole columns, some ten thousand at a time, so that a day of any length takes the room of its
minutes. What the day says of a time is told only once that time has come: nobody is shown the future.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.instruments import SEGMENT_INDICES
from alphapanda_desktop.domain.market import Bar, Tick
from alphapanda_desktop.domain.quotes import FULL, LAST, OI, QUOTE, SENT_AT, TOKEN, TRADED_AT, VOLUME, LatestTable
from alphapanda_desktop.domain.replay import Outline
from alphapanda_desktop.domain.ticklog import Frame, tokens_in
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.kite.packets import decode_frame

MINUTE_S: Final = 60
SECOND: Final = 1_000_000_000
MINUTE_BITS: Final = 28
"""Of a key, below the token: minutes since 1970 fit in them for five centuries, and all 32 bits of a token above."""

MINUTES_OF_KEY: Final = (1 << MINUTE_BITS) - 1

AT_ONCE: Final = 50_000
"""Ticks that are folded together."""

_READ: Final = (TOKEN, LAST, VOLUME, TRADED_AT, OI, SENT_AT)
_WRAP: Final = 1 << 32

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Pieces:
    """Pieces of minutes, in the order of `key`: token and minute in one number. `first` and `last` are day volumes."""

    key: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    first: Ints
    last: Ints
    oi: Ints
    ticks: Ints

    def part(self, begin: int, end: int) -> _Pieces:
        return _Pieces(*(getattr(self, name)[begin:end] for name in self.__slots__))


def _together(rows: _Pieces) -> _Pieces:
    """One piece for each key, of pieces in the order of time."""
    order = np.argsort(rows.key, kind="stable")
    key = rows.key[order]
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    ends = np.append(starts[1:], len(key)) - 1
    return _Pieces(
        key[starts],
        rows.open[order][starts],
        np.maximum.reduceat(rows.high[order], starts),
        np.minimum.reduceat(rows.low[order], starts),
        rows.close[order][ends],
        rows.first[order][starts],
        rows.last[order][ends],
        rows.oi[order][ends],
        np.add.reduceat(rows.ticks[order], starts),
    )


@final
class Folding:
    """Frames on their way to minutes. `lag_s` is how long ago a tick was traded that does not say when."""

    def __init__(self, lag_s: float) -> None:
        self._lag_s = lag_s
        self._table = LatestTable()
        self._words: list[NDArray[np.uint32]] = []
        self._levels: list[NDArray[np.uint8]] = []
        self._divisors: list[Floats] = []
        self._at_s: list[tuple[int, int]] = []
        self._count = 0
        self._pieces: list[_Pieces] = []

    def add(self, at_ns: int, frame: bytes) -> None:
        """Take a frame of the wire, read at that epoch nanosecond."""
        table = self._table
        rows = put_frame(table, frame, at_ns).rows
        if not len(rows):
            return
        self._words.append(table.words(rows, _READ))
        self._levels.append(table.level[rows])
        self._divisors.append(table.divisors(rows))
        self._at_s.append((int(at_ns / SECOND - self._lag_s), len(rows)))
        self._count += len(rows)
        if self._count >= AT_ONCE:
            self._fold()

    def _fold(self) -> None:
        if not self._count:
            return
        words, levels = np.concatenate(self._words).astype(np.int64), np.concatenate(self._levels)
        token, last, volume, traded, oi, sent = words.T
        index = token & 0xFF == SEGMENT_INDICES
        heard = np.repeat([at for at, _ in self._at_s], [count for _, count in self._at_s])
        told = np.where((levels == FULL) & ~index & (traded > 0), traded, np.where(levels == FULL, sent, 0))
        at_s = np.where(told > 0, told, heard)
        price = last.astype(np.uint32).view(np.int32) / np.concatenate(self._divisors)
        volume = np.where((levels >= QUOTE) & ~index, volume, 0)
        oi = np.where((levels == FULL) & ~index, oi, 0)
        key = token << MINUTE_BITS | at_s // MINUTE_S
        sound = price > 0
        rows = _Pieces(key, price, price, price, price, volume, volume, oi, np.ones(len(key), np.int64))
        if sound.any():
            picked = _Pieces(*(getattr(rows, name)[sound] for name in rows.__slots__))
            self._pieces.append(_together(picked))
        for gathered in (self._words, self._levels, self._divisors, self._at_s):
            gathered.clear()
        self._count = 0

    def done(self) -> Minutes:
        """The minutes of all that was taken."""
        self._fold()
        if not self._pieces:
            return Minutes({})
        whole = _together(_Pieces(*(np.concatenate([getattr(p, n) for p in self._pieces]) for n in _Pieces.__slots__)))
        token = whole.key >> MINUTE_BITS
        starts = np.flatnonzero(np.diff(token, prepend=-1))
        ends = np.append(starts[1:], len(token))
        bounds = zip(starts.tolist(), ends.tolist(), strict=True)
        return Minutes({int(token[begin]): whole.part(begin, end) for begin, end in bounds})


@final
class Minutes:
    """The day's minutes by instrument token."""

    def __init__(self, by_token: dict[int, _Pieces]) -> None:
        self._by_token = by_token

    def bars(self, token: int, first_s: int, before_s: int) -> list[Bar]:
        """Closed bars of whole minutes that began from `first_s` on and were over by `before_s`, epoch seconds."""
        rows = self._by_token.get(token)
        if rows is None:
            return []
        starts = (rows.key & MINUTES_OF_KEY) * MINUTE_S
        begin, end = np.searchsorted(starts, [first_s, before_s - MINUTE_S + 1])
        return list(_bars(rows, starts, int(begin), int(end)))

    def volume_before(self, token: int, at_s: int) -> int | None:
        """Day volume of the last tick before that minute; None where there was none."""
        rows = self._by_token.get(token)
        place = 0 if rows is None else int(np.searchsorted((rows.key & MINUTES_OF_KEY) * MINUTE_S, at_s))
        return int(rows.last[place - 1]) if rows is not None and place else None

    def busiest(self, count: int) -> list[int]:
        """Tokens of the instruments that ticked most, so many of them."""
        return sorted(self._by_token, key=lambda token: -int(self._by_token[token].ticks.sum()))[:count]

    def outline(self, begin_ns: int, end_ns: int, token: int | None) -> Outline:
        """The day from afar, a minute a piece."""
        first = begin_ns // SECOND // MINUTE_S
        count = end_ns // SECOND // MINUTE_S - first + 1
        ticks, price, volume = np.zeros(count, np.int64), np.full(count, np.nan), np.zeros(count, np.int64)
        for each, rows in self._by_token.items():
            places = (rows.key & MINUTES_OF_KEY) - first
            inside = (places >= 0) & (places < count)
            np.add.at(ticks, places[inside], rows.ticks[inside])
            if each == token:
                price[places[inside]] = rows.close[inside]
                volume[places[inside]] = np.maximum(np.diff(rows.last, prepend=rows.first[0]), 0)[inside]
        return Outline(first * MINUTE_S * SECOND, MINUTE_S * SECOND, ticks, price, volume)


def _bars(rows: _Pieces, starts: Ints, begin: int, end: int) -> Iterator[Bar]:
    before = int(rows.last[begin - 1]) if begin else None
    for n in range(begin, end):
        last = int(rows.last[n])
        volume = _traded(int(rows.first[n]) if before is None else before, last)
        before = last
        first, high, low, close = (float(column[n]) for column in (rows.open, rows.high, rows.low, rows.close))
        yield Bar(int(starts[n]), first, high, low, close, volume, int(rows.oi[n]))


def _traded(before: int, after: int) -> int:
    """What was traded between two day volumes; the wire's begin at 0 again where they overflow, and at a new day."""
    if after >= before:
        return after - before
    return after + _WRAP - before if before - after > _WRAP // 2 else after


def read_minutes(
    frames: Iterable[Frame], span_ns: tuple[int, int], lag_s: float, told: Callable[[float], None]
) -> Minutes:
    """Read a whole day; `told` hears which part of it has been read, from 0 to 1, a hundred times."""
    folding, (begin, end) = Folding(lag_s), span_ns
    step = max((end - begin) // 100, 1)
    due = begin + step
    for at_ns, frame in frames:
        folding.add(at_ns, frame)
        if at_ns >= due:
            due = at_ns + step
            told((at_ns - begin) / max(end - begin, 1))
    return folding.done()


def running_bar(
    frames: Iterable[Frame], token: int, start_s: int, now_ns: int, lag_s: float, volume_before: int | None
) -> Bar | None:
    """The minute that began at `start_s`, as far as frames until `now_ns` tell; None without a trade in it."""
    ticks = [
        tick
        for at_ns, frame in _until(frames, now_ns)
        if token in tokens_in(frame)
        for tick in decode_frame(frame, at_ns)
        if tick.instrument_token == token and tick.last_price > 0 and _traded_s(tick, lag_s) >= start_s
    ]
    if not ticks:
        return None
    prices = [tick.last_price for tick in ticks]
    first, last = (ticks[at].volume_traded or 0 for at in (0, -1))
    volume = _traded(first if volume_before is None else volume_before, last)
    oi = ticks[-1].oi or 0
    return Bar(start_s, prices[0], max(prices), min(prices), prices[-1], volume, oi, closed=False)


def _until(frames: Iterable[Frame], now_ns: int) -> Iterator[Frame]:
    for frame in frames:
        if frame[0] > now_ns:
            return
        yield frame


def _traded_s(tick: Tick, lag_s: float) -> float:
    return tick.last_trade_epoch_s or tick.exchange_epoch_s or int(tick.received_ns / SECOND - lag_s)


def snapshot(frames_from: Callable[[int], Iterable[Frame]], begin_ns: int, at_ns: int, wanted: int) -> bytes:
    """One frame of the last packet that each instrument had at a time, as Kite sends to who subscribes then.

    It looks back further and further, until it has so many as are `wanted` or has come to the beginning.
    """
    back_ns = 60 * SECOND
    while True:
        first_ns = max(begin_ns, at_ns - back_ns)
        found = _last_packets(_until(frames_from(first_ns), at_ns))
        if first_ns == begin_ns or len(found) >= wanted:
            return _frame_of(found)
        back_ns *= 8


def _last_packets(frames: Iterable[Frame]) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    for _, frame in frames:
        at, size = 2, len(frame)
        while at + 6 <= size:
            ends = at + 2 + (frame[at] << 8 | frame[at + 1])
            found[int.from_bytes(frame[at + 2 : at + 6])] = frame[at:ends]
            at = ends
    return found


def _frame_of(packets: dict[int, bytes]) -> bytes:
    return len(packets).to_bytes(2) + b"".join(packets.values()) if packets else b""
