"""The latest values of every instrument, in columns: one row each, no Python object per tick.

A row holds the words of Kite's full packet in their order, whatever packet filled it, and how much of it is known.
Who draws reads columns; who wants one instrument as a `Tick` gets it made from its row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.instruments import PRICE_DIVISORS, SEGMENT_INDICES
from alphapanda_desktop.domain.market import Mode, Ohlc, Tick

Words = NDArray[np.uint32]
"""Big-endian wherever they come from the table or go into it: as the wire has them, so that nothing is swapped."""

Rows = NDArray[np.intp]
Tokens = NDArray[np.int64]

WORDS: Final = 46
"""Words of a row: token, last price, last quantity, average price, volume, total buy, total sell, open, high, low,
close, last trade time, oi, its day's high and low, exchange time, then ten levels of quantity, price, orders << 16.
Source: CONTRACT 4.4."""

TOKEN, LAST, QUANTITY, AVERAGE, VOLUME, BUY, SELL, OPEN, HIGH, LOW, CLOSE = range(11)
TRADED_AT, OI, OI_HIGH, OI_LOW, SENT_AT, DEPTH = range(11, 17)

ASK_WORDS_AT: Final = DEPTH + 15
"""Where the words of the best offer begin; those of the best bid begin at DEPTH."""

NOTHING, LTP, QUOTE, FULL = range(4)
"""How much of a row is known."""

_MODES: Final = {LTP: Mode.LTP, QUOTE: Mode.QUOTE, FULL: Mode.FULL}
_LEVEL_OF: Final = {mode: level for level, mode in _MODES.items()}
_GROWTH: Final = 1024
_WORD: Final = 0xFFFF_FFFF
_NO_TOKEN: Final = -1
"""Of a row that nobody has yet."""
_BEHIND_ALL: Final = 1 << 32
"""Stands behind the last token, so that a search never ends outside."""
_SLOTS: Final = (1 << 17) - 1
"""More than an exchange has tokens in a row: shares of the NSE and its contracts, which live feeds are made of, meet
nobody in their slots."""

_WIRE: Final = np.dtype(">u4")
_SIGNED: Final = np.dtype(">i4")
_PACKET: Final = np.dtype((np.void, 4 * WORDS))
"""A whole row as one item: moved at once, where words would be moved one by one."""

DIVISORS: Final = np.full(256, 100.0)
for _segment, _divisor in PRICE_DIVISORS.items():
    DIVISORS[_segment] = _divisor


class Batch(Protocol):
    """The packets of one frame, which are in the table already. It keeps the frame: hold it no longer than needed."""

    @property
    def rows(self) -> Rows:
        """The row of each packet, in the order of the frame; a token that comes twice has its row twice."""
        ...

    def ticks(self, places: Sequence[int]) -> Iterator[Tick]:
        """The packets at these places of `rows` as ticks, each made when it is asked for."""
        ...


@runtime_checkable
class TableSink(Protocol):
    """A `FeedSink` that takes frames as rows of its table, without an object for each tick."""

    @property
    def table(self) -> LatestTable: ...

    def batch(self, batch: Batch) -> bool:
        """A frame was put into the table; whether `more` has to be called before the next one."""
        ...

    def more(self) -> bool:
        """Go on with what the last frame left undone, as far as a slice of time allows; whether anything is left."""
        ...


class LatestTable:
    """Rows by instrument; grows as instruments come, and forgets none. Owned by one loop.

    `received_ns` and `level` are columns of length `len(table)`, to be read and not written. A word beyond a row's
    level means nothing.
    """

    def __init__(self) -> None:
        self._size = 0
        self._row_of: dict[int, int] = {}
        self._tokens = np.full(_GROWTH, _NO_TOKEN, np.int64)
        self._slots = np.zeros(_SLOTS, np.intp)
        """Where a token's row may be, by its middle bits. A search would miss the cache and the branch at each step."""
        self._sorted = np.full(1, _BEHIND_ALL, np.int64)
        self._sorted_rows = np.zeros(1, np.intp)
        self._words = np.zeros((_GROWTH, WORDS), _WIRE)
        self._packets = self._words.view(_PACKET).ravel()
        self._divisor = np.full(_GROWTH, 100.0)
        self._received_ns = np.zeros(_GROWTH, np.int64)
        self._level = np.zeros(_GROWTH, np.uint8)
        self._stamp = np.zeros(_GROWTH, np.int64)
        """When a row was last written, in reads by anybody: writing costs the same however many readers there are."""
        self._reads = 1
        self._seen: dict[str, int] = {}

    def __len__(self) -> int:
        return self._size

    @property
    def received_ns(self) -> NDArray[np.int64]:
        """Epoch nanoseconds; 0 where nothing came yet."""
        return self._received_ns[: self._size]

    @property
    def level(self) -> NDArray[np.uint8]:
        """NOTHING, LTP, QUOTE or FULL."""
        return self._level[: self._size]

    def column(self, word: int) -> Words:
        """One word of every row, as it was on the wire."""
        return self._words[: self._size, word]

    def rupees(self, word: int) -> NDArray[np.float64]:
        """A price column (LAST, AVERAGE, OPEN … CLOSE) in rupees, worked out when it is asked for."""
        prices: NDArray[np.float64] = self._words[: self._size, word].view(_SIGNED) / self._divisor[: self._size]
        return prices

    def row_of(self, instrument_token: int) -> int | None:
        """Row of an instrument, or None where it has none yet."""
        return self._row_of.get(instrument_token)

    def make_rows(self, instrument_tokens: Iterable[int]) -> Rows:
        """Rows of instruments, made where there are none yet: nothing is known in a new one."""
        return self._rows(np.array([*instrument_tokens], np.uint32).astype(np.int64))

    # --- writing -----------------------------------------------------------------------------------------------------

    def put(self, words: Words, level: int | NDArray[np.uint8], received_ns: int) -> Rows:
        """Take packets, a line of big-endian words each, and the level of all or of each; the rows they went to.

        Of two of one token the later stays. `words` may have fewer columns than a row.
        """
        rows = self._rows(words[:, TOKEN].astype(np.int64))
        if words.shape[1] == WORDS:
            self._packets[rows] = words.view(_PACKET)[:, 0]
        else:
            self._words[rows, : words.shape[1]] = words
        self._received_ns[rows] = received_ns
        self._level[rows] = level
        self._stamp[rows] = self._reads
        return rows

    def put_one(self, token: int, words: NDArray[np.integer], level: int, received_ns: int) -> int:
        """Take one packet, its token included; its row. For frames of a few, where columns do not pay."""
        row = self._row_of.get(token)
        if row is None:
            row = self.make_rows((token,)).item()
        self._words[row, : len(words)] = words
        self._received_ns[row] = received_ns
        self._level[row] = level
        self._stamp[row] = self._reads
        return row

    def put_ticks(self, ticks: Sequence[Tick]) -> Rows:
        """Take ticks that came as objects; what words cannot hold of them is lost."""
        return np.array(
            [
                self.put_one(tick.instrument_token, _words_of(tick), _LEVEL_OF[tick.mode], tick.received_ns)
                for tick in ticks
            ],
            np.intp,
        )

    def _rows(self, tokens: Tokens) -> Rows:
        rows = self._slots.take(tokens % _SLOTS)
        if self._tokens.take(rows).tobytes() != tokens.tobytes():
            self._search(tokens, rows)
        return rows

    def _search(self, tokens: Tokens, rows: Rows) -> None:
        """Put right the rows of those tokens whose slot is another's, or that are new."""
        wrong = np.flatnonzero(self._tokens[rows] != tokens)
        wanted = tokens[wrong]
        at = self._sorted.searchsorted(wanted)
        if self._sorted[at].tobytes() != wanted.tobytes():
            self._add(wanted)
            at = self._sorted.searchsorted(wanted)
        rows[wrong] = self._sorted_rows[at]

    def _add(self, tokens: Tokens) -> None:
        new = [token for token in dict.fromkeys(tokens.tolist()) if token not in self._row_of]
        first, last = self._size, self._size + len(new)
        self._reserve(last)
        self._row_of.update(zip(new, range(first, last), strict=True))
        self._size = last
        self._tokens[first:last] = self._words[first:last, TOKEN] = new
        known = self._tokens[:last]
        self._slots[known[first:] % _SLOTS] = np.arange(first, last)
        self._divisor[first:last] = DIVISORS[known[first:] & 0xFF]
        order = np.argsort(known, kind="stable")
        self._sorted_rows = np.append(order, 0)
        self._sorted = np.append(known[order], _BEHIND_ALL)

    def _reserve(self, size: int) -> None:
        room = len(self._level)
        if size <= room:
            return
        more = max(size, 2 * room) - room
        self._words = np.concatenate((self._words, np.zeros((more, WORDS), _WIRE)), dtype=_WIRE)
        self._packets = self._words.view(_PACKET).ravel()
        self._tokens = np.concatenate((self._tokens, np.full(more, _NO_TOKEN, np.int64)))
        self._divisor = np.concatenate((self._divisor, np.full(more, 100.0)))
        self._received_ns = np.concatenate((self._received_ns, np.zeros(more, np.int64)))
        self._level = np.concatenate((self._level, np.zeros(more, np.uint8)))
        self._stamp = np.concatenate((self._stamp, np.zeros(more, np.int64)))

    # --- reading -----------------------------------------------------------------------------------------------------

    def take_changed(self, reader: str, among: Rows | None = None) -> Rows:
        """Rows of all, or of these, that changed since this reader last asked; all that ever did the first time."""
        seen = self._seen.get(reader, 0)
        self._seen[reader] = self._reads
        self._reads += 1
        if among is not None:
            return among[self._stamp[among] > seen]
        return np.flatnonzero(self._stamp[: self._size] > seen)

    def forget_reader(self, reader: str) -> None:
        """Keep no account for a reader any more."""
        self._seen.pop(reader, None)

    def words(self, rows: Rows, columns: Sequence[int]) -> Words:
        """These words of these rows, in this machine's order of bytes."""
        return self._words[rows[:, None], columns].astype(np.uint32)

    def divisors(self, rows: Rows) -> NDArray[np.float64]:
        """What a price on the wire is divided by to be rupees."""
        found: NDArray[np.float64] = self._divisor[rows]
        return found

    def tokens(self, rows: Iterable[int]) -> list[int]:
        """Instruments of rows."""
        found: list[int] = self._tokens[np.fromiter(rows, np.intp)].tolist()
        return found

    def tick(self, row: int) -> Tick | None:
        """The row as the tick that it came as, or None where nothing came yet."""
        level = int(self._level[row])
        if level == NOTHING:
            return None
        words: list[int] = self._words[row].tolist()
        divisor = int(self._divisor[row])
        index = words[TOKEN] & 0xFF == SEGMENT_INDICES
        tick = Tick(words[TOKEN], _MODES[level], _signed(words[LAST]) / divisor, int(self._received_ns[row]), not index)
        tick.divisor = divisor
        if level == LTP:
            return tick
        signed = [_signed(word) / divisor for word in words[OPEN : CLOSE + 1]]
        tick.ohlc = Ohlc(*signed)
        if level == FULL:
            tick.exchange_epoch_s = words[SENT_AT]
        return tick if index else _with_trades(tick, words, level)


def _signed(word: int) -> int:
    return word - 0x1_0000_0000 if word & 0x8000_0000 else word


def _with_trades(tick: Tick, words: list[int], level: int) -> Tick:
    tick.last_traded_quantity, tick.volume_traded = words[QUANTITY], words[VOLUME]
    tick.average_traded_price = _signed(words[AVERAGE]) / tick.divisor
    tick.total_buy_quantity, tick.total_sell_quantity = words[BUY], words[SELL]
    if level == FULL:
        tick.last_trade_epoch_s = words[TRADED_AT]
        tick.oi, tick.oi_day_high, tick.oi_day_low = words[OI : OI_LOW + 1]
        tick.raw_depth = tuple(_depth(words))
    return tick


def _depth(words: list[int]) -> Iterator[int]:
    for at in range(DEPTH, WORDS, 3):
        yield words[at]
        yield _signed(words[at + 1])
        yield words[at + 2] >> 16


def _words_of(tick: Tick) -> Words:
    divisor = DIVISORS.item(tick.instrument_token & 0xFF)
    prices = (tick.last_price, tick.average_traded_price, *(tick.ohlc or (0.0,) * 4))
    last, average, *ohlc = (round(p * divisor) if p and math.isfinite(p) else 0 for p in prices)
    bought, sold = tick.total_buy_quantity, tick.total_sell_quantity
    words: list[int | None] = [tick.instrument_token, last, tick.last_traded_quantity, average, tick.volume_traded]
    words += [bought, sold, *ohlc, tick.last_trade_epoch_s, tick.oi, tick.oi_day_high, tick.oi_day_low]
    words.append(tick.exchange_epoch_s)
    for quantity, price, orders in zip(*[iter(tick.raw_depth or (0,) * 30)] * 3, strict=True):
        words += [quantity, round(price * divisor / tick.divisor), orders << 16]
    return np.array([(word or 0) & _WORD for word in words], _WIRE)
