"""The latest values of every instrument, in columns: one row each, no Python object per tick.

A row holds the words of Kite's full packet in their order, whatever packet filled it, and how much of it is known.
Who draws reads columns; who wants one instrument as a `Tick` gets it made from its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.instruments import PRICE_DIVISORS, SEGMENT_INDICES
from alphapanda_desktop.domain.market import Mode, Ohlc, Tick

Words = NDArray[np.uint32]
Rows = NDArray[np.intp]
Mask = NDArray[np.bool_]

WORDS: Final = 46
"""Words of a row: token, last price, last quantity, average price, volume, total buy, total sell, open, high, low,
close, last trade time, oi, its day's high and low, exchange time, then ten levels of quantity, price, orders << 16.
Source: CONTRACT 4.4."""

TOKEN, LAST, QUANTITY, AVERAGE, VOLUME, BUY, SELL, OPEN, HIGH, LOW, CLOSE = range(11)
TRADED_AT, OI, OI_HIGH, OI_LOW, SENT_AT, DEPTH = range(11, 17)

NOTHING, LTP, QUOTE, FULL = range(4)
"""How much of a row is known."""

_MODES: Final = {LTP: Mode.LTP, QUOTE: Mode.QUOTE, FULL: Mode.FULL}
_GROWTH: Final = 1024
_NO_TOKEN: Final = 0xFFFF_FFFF
"""Stands behind the last token, so that a search never ends outside; segment 255 is nobody's."""

DIVISORS: Final = np.full(256, 100.0)
for _segment, _divisor in PRICE_DIVISORS.items():
    DIVISORS[_segment] = _divisor


class LatestTable:
    """Rows by instrument; grows as instruments come, and forgets none. Owned by one loop.

    `received_ns` and `level` are columns of length `len(table)`, to be read and not written. A word beyond a row's
    level means nothing.
    """

    def __init__(self) -> None:
        self._size = 0
        self._row_of: dict[int, int] = {}
        self._sorted = np.full(1, _NO_TOKEN, np.uint32)
        self._sorted_rows = np.zeros(1, np.intp)
        self._words = np.zeros((_GROWTH, WORDS), np.uint32)
        self._divisor = np.full(_GROWTH, 100.0)
        self._received_ns = np.zeros(_GROWTH, np.int64)
        self._level = np.zeros(_GROWTH, np.uint8)
        self._changed: dict[str, Mask] = {}

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
        prices: NDArray[np.float64] = self._words[: self._size, word].view(np.int32) / self._divisor[: self._size]
        return prices

    def row_of(self, instrument_token: int) -> int | None:
        """Row of an instrument, or None where nothing of it ever came."""
        return self._row_of.get(instrument_token)

    # --- writing -----------------------------------------------------------------------------------------------------

    def put(self, words: Words, level: int | NDArray[np.uint8], received_ns: int) -> Rows:
        """Take packets, a line of words each, and the level of all or of each; the rows they went to.

        Of two of one token the later stays. `words` may have fewer columns than a row.
        """
        rows = self._rows(words[:, TOKEN])
        if words.shape[1] == WORDS:
            self._words[rows] = words
        else:
            self._words[rows, : words.shape[1]] = words
        self._received_ns[rows] = received_ns
        self._level[rows] = level
        for mask in self._changed.values():
            mask[rows] = True
        return rows

    def _rows(self, tokens: Words) -> Rows:
        at = self._sorted.searchsorted(tokens)
        if self._sorted[at].tobytes() != tokens.tobytes():
            self._add(tokens)
            at = self._sorted.searchsorted(tokens)
        return self._sorted_rows[at]

    def _add(self, tokens: Words) -> None:
        new = [token for token in dict.fromkeys(tokens.tolist()) if token not in self._row_of]
        first, last = self._size, self._size + len(new)
        self._reserve(last)
        self._row_of.update(zip(new, range(first, last), strict=True))
        self._size = last
        self._words[first:last, TOKEN] = new
        self._divisor[first:last] = DIVISORS[self._words[first:last, TOKEN] & 0xFF]
        order = np.argsort(self._words[:last, TOKEN], kind="stable")
        self._sorted_rows = np.append(order, 0)
        self._sorted = np.append(self._words[:last, TOKEN][order], np.uint32(_NO_TOKEN))

    def _reserve(self, size: int) -> None:
        room = len(self._level)
        if size <= room:
            return
        more = max(size, 2 * room) - room
        self._words = np.concatenate((self._words, np.zeros((more, WORDS), np.uint32)))
        self._divisor = np.concatenate((self._divisor, np.full(more, 100.0)))
        self._received_ns = np.concatenate((self._received_ns, np.zeros(more, np.int64)))
        self._level = np.concatenate((self._level, np.zeros(more, np.uint8)))
        for reader, mask in self._changed.items():
            self._changed[reader] = np.concatenate((mask, np.zeros(more, np.bool_)))

    # --- reading -----------------------------------------------------------------------------------------------------

    def take_changed(self, reader: str) -> Rows:
        """Rows that changed since this reader last asked; all that hold anything the first time."""
        mask = self._changed.get(reader)
        if mask is None:
            self._changed[reader] = np.zeros(len(self._level), np.bool_)
            return np.flatnonzero(self._level[: self._size])
        rows = np.flatnonzero(mask[: self._size])
        mask[rows] = False
        return rows

    def forget_reader(self, reader: str) -> None:
        """Keep no account for a reader any more."""
        self._changed.pop(reader, None)

    def tokens(self, rows: Iterable[int]) -> list[int]:
        """Instruments of rows."""
        found: list[int] = self._words[np.fromiter(rows, np.intp), TOKEN].tolist()
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
