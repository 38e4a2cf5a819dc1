"""Series of bars and ticks in numpy columns: history and live ticks in one place, cheap to append and to draw.

Candles follow Kite: a candle is named by its start, intraday ones are counted from the session's open, a day
candle starts at midnight IST. Kite's candles hold trades only, so a trade's own time decides where it falls.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.pyramid import Columns, Pyramid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

IST_OFFSET_S: Final = 19_800
NSE_OPEN_S: Final = 33_300
"""09:15 IST, in seconds after midnight."""

_DAY_S: Final = 86_400
_WRAP: Final = 1 << 32
"""The wire's day volume is a uint32 and starts again at 0 on very liquid names.  Source: CONTRACT 4.4."""


def candle_start(at_s: float, interval: Interval, open_s: int = NSE_OPEN_S) -> int:
    """First epoch second of the candle that holds `at_s`."""
    length = interval.seconds
    phase = ((0 if interval is Interval.DAY else open_s) - IST_OFFSET_S) % length
    return (int(at_s) - phase) // length * length + phase


class DayVolume:
    """Turns the day totals that ticks carry into what was traded since the last one."""

    def __init__(self) -> None:
        self._total: int | None = None
        self._at_s = 0.0

    def since_last(self, at_s: float, total: int | None) -> int:
        """Units traded since the last total; 0 for the first, for a late one, and where there is none.

        A new day counts from 0. A fall by more than half of 2³² is the wire's wrap; a smaller one within a day
        is a repeated older tick when no time has passed, and else a new count whose start was not seen.
        """
        before, before_s = self._total, self._at_s
        if total is None or (before is not None and at_s < before_s):
            return 0
        if before is not None and total < before and before - total <= _WRAP // 2 and at_s == before_s:
            return 0
        self._total, self._at_s = total, at_s
        if before is None:
            return 0
        if _day(at_s) != _day(before_s):
            return total
        if total >= before:
            return total - before
        return (total - before) % _WRAP if before - total > _WRAP // 2 else 0


def _day(at_s: float) -> int:
    return (int(at_s) + IST_OFFSET_S) // _DAY_S


class BarSeries:
    """Bars of one instrument and interval, oldest first; the last row may be the forming bar.

    `version` rises with every change, `history_version` only when closed bars changed. The column properties are
    views of the rows that exist now: take them anew after a change, and do not write to them.
    """

    def __init__(self, interval: Interval, open_s: int = NSE_OPEN_S) -> None:
        self.interval = interval
        self.history_version = 0
        self.columns = Columns()
        self.pyramid = Pyramid(self.columns)
        self._open_s = open_s
        self._last_start = -_DAY_S
        self._forming = False
        self._carried = 0
        """What the forming bar's first tick added: part of it may have traded in bars that no tick came for."""
        self._traded = DayVolume()

    def __len__(self) -> int:
        return self.columns.rows

    @property
    def version(self) -> int:
        """Rises with every change."""
        return self.columns.version

    @property
    def closed_count(self) -> int:
        """How many rows are final: all, or all but the last."""
        return self.columns.rows - self._forming

    @property
    def start_s(self) -> Ints:
        """First epoch second of each bar."""
        return self.columns.start_s[: self.columns.rows]

    @property
    def open(self) -> Floats:
        return self.columns.open[: self.columns.rows]

    @property
    def high(self) -> Floats:
        return self.columns.high[: self.columns.rows]

    @property
    def low(self) -> Floats:
        return self.columns.low[: self.columns.rows]

    @property
    def close(self) -> Floats:
        return self.columns.close[: self.columns.rows]

    @property
    def volume(self) -> Ints:
        """Units traded within each bar."""
        return self.columns.volume[: self.columns.rows]

    @property
    def oi(self) -> Ints:
        """Open interest at each bar's end, 0 where unknown."""
        return self.columns.oi[: self.columns.rows]

    def closed(self, count: int | None = None) -> list[Bar]:
        """Closed bars, oldest first; the last `count` of them."""
        end = self.closed_count
        return self._bars(0 if count is None else max(0, end - count), end)

    def last(self) -> Bar | None:
        """The forming bar, else the last closed one."""
        return self._bars(len(self) - 1, len(self))[0] if len(self) else None

    def add(self, tick: Tick) -> Bar | None:
        """Fold a tick; the bar that it closed, if any. A tick without a new trade changes no closed bar."""
        at_s = tick.last_trade_epoch_s or tick.at_ns / 1e9
        closed = self.add_price(at_s, tick.last_price, tick.volume_traded)
        if tick.oi and self._forming:
            self.oi[-1] = tick.oi
        return closed

    def add_price(self, at_s: float, price: float, volume_traded: int | None) -> Bar | None:
        """Fold a price at a time; the bar that it closed, if any.

        `volume_traded` is the day's total. A price that belongs to a closed bar changes nothing; what was traded
        with it is counted with the next one.
        """
        start = candle_start(at_s, self.interval, self._open_s)
        if not price or not math.isfinite(price) or start < self._last_start + (not self._forming):
            return None
        traded = self._traded.since_last(at_s, volume_traded)
        if self._forming and start == self._last_start:
            self._update(price, traded)
            return None
        if self.interval is Interval.DAY and volume_traded:
            traded = volume_traded  # the day's total is the day's bar, seen from its start or not
        closed = self._close()
        self._append(Bar(start, price, price, price, price, traded, closed=False))
        self._carried = traded
        return closed

    def advance(self, now_s: float) -> Bar | None:
        """Close the forming bar if its time is over at `now_s`; that bar.

        Give it a time a little behind the clock: a tick of the last second may still be on its way.
        """
        if not self._forming or now_s < self._last_start + self.interval.seconds:
            return None
        self.columns.touch(len(self) - 1)
        return self._close()

    def backfill(self, bars: Sequence[Bar]) -> None:
        """Merge history, in any order: it replaces rows of the same start and leaves all others.

        Where history's candle was still running, ticks that came since are kept: the open is history's, high and
        low the extremes of both, the close the ticks', the volume the greater of what each saw within the bar.
        """
        if not bars:
            return
        live = {bar.start_s: bar for bar in self._bars(0, len(self))}
        carried_by = self._last_start
        for bar in bars:
            known = live.get(bar.start_s)
            carried = self._carried if bar.start_s == carried_by else 0
            live[bar.start_s] = bar if known is None or bar.closed else _merged(bar, known, carried)
        self._replace([live[start] for start in sorted(live)])
        if self._last_start != carried_by or not self._forming:
            self._carried = 0
        self.columns.touch(0)
        self.history_version += 1

    def _update(self, price: float, traded: int) -> None:
        columns, row = self.columns, len(self) - 1
        columns.high[row] = max(columns.high[row], price)
        columns.low[row] = min(columns.low[row], price)
        columns.close[row] = price
        columns.volume[row] += traded
        columns.touch(row)

    def _close(self) -> Bar | None:
        if not self._forming:
            return None
        self._forming = False
        self._carried = 0
        self.history_version += 1
        return self.last()

    def _append(self, bar: Bar) -> None:
        columns, row = self.columns, len(self)
        columns.make_room(row + 1)
        columns.start_s[row], columns.volume[row], columns.oi[row] = bar.start_s, bar.volume, bar.oi
        columns.open[row], columns.high[row], columns.low[row], columns.close[row] = bar[1:5]
        columns.rows = row + 1
        columns.touch(row)
        self._last_start, self._forming = bar.start_s, not bar.closed

    def _replace(self, bars: Sequence[Bar]) -> None:
        columns, rows = self.columns, len(bars)
        columns.make_room(rows)
        columns.rows = rows
        counts = np.array([(b.start_s, b.volume, b.oi) for b in bars], np.int64).T
        columns.start_s[:rows], columns.volume[:rows], columns.oi[:rows] = counts
        prices = np.array([bar[1:5] for bar in bars]).T
        columns.open[:rows], columns.high[:rows], columns.low[:rows], columns.close[:rows] = prices
        self._last_start, self._forming = bars[-1].start_s, not bars[-1].closed

    def _bars(self, first: int, end: int) -> list[Bar]:
        c, rows, final = self.columns, slice(first, end), self.closed_count
        prices = (column[rows].tolist() for column in (c.open, c.high, c.low, c.close))
        table = zip(c.start_s[rows].tolist(), *prices, c.volume[rows].tolist(), c.oi[rows].tolist(), strict=True)
        return [Bar(*row, number < final) for number, row in enumerate(table, first)]


def _merged(history: Bar, ticks: Bar, carried: int) -> Bar:
    return Bar(
        history.start_s,
        history.open,
        max(history.high, ticks.high),
        min(history.low, ticks.low),
        ticks.close,
        max(history.volume, ticks.volume - carried),
        ticks.oi or history.oi,
        ticks.closed,
    )


class TickSeries:
    """The last `capacity` ticks of one instrument, oldest first, as contiguous columns.

    A view lives until the next add: take it anew.
    """

    def __init__(self, capacity: int = 20_000) -> None:
        self.capacity = capacity
        self.version = 0
        self._first = 0
        self._end = 0
        self._traded = DayVolume()
        self._at_s = np.zeros(2 * capacity)
        self._price = np.zeros(2 * capacity)
        self._volume = np.zeros(2 * capacity, np.int64)

    def __len__(self) -> int:
        return self._end - self._first

    @property
    def at_s(self) -> Floats:
        """Epoch seconds, never falling."""
        return self._at_s[self._first : self._end]

    @property
    def price(self) -> Floats:
        return self._price[self._first : self._end]

    @property
    def volume(self) -> Ints:
        """Units traded since the tick before."""
        return self._volume[self._first : self._end]

    def add(self, at_s: float, price: float, volume_traded: int | None) -> None:
        """Append a tick; `volume_traded` is the day's total. One that is older than the last is left out."""
        if not price or not math.isfinite(price) or (len(self) and at_s < self._at_s[self._end - 1]):
            return
        if self._end == self._price.size:
            self._move_to_front()
        row = self._end
        self._at_s[row], self._price[row] = at_s, price
        self._volume[row] = self._traded.since_last(at_s, volume_traded)
        self._end += 1
        self._first = max(self._first, self._end - self.capacity)
        self.version += 1

    def _move_to_front(self) -> None:
        kept = len(self)
        for column in (self._at_s, self._price, self._volume):
            column[:kept] = column[self._first : self._end]
        self._first, self._end = 0, kept
