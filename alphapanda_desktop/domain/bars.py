"""Series of bars and ticks in numpy columns: history and live ticks in one place, cheap to append and to draw.

`barbuilder` cuts ticks into bars, `pyramid` holds and halves them, `bargaps` notes what was missed; here history joins.
How far live bars are Kite's own candles of the same time: docs/decisions/0016.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from alphapanda_desktop.domain.barbuilder import (
    DAY_S,
    IST_OFFSET_S,
    NSE_OPEN_S,
    BarBuilder,
    DayVolume,
    Grid,
    Hours,
    Seconds,
    candle_start,
)
from alphapanda_desktop.domain.bargaps import Gap, Gaps
from alphapanda_desktop.domain.market import Bar, Ohlc, Period, Tick
from alphapanda_desktop.domain.pyramid import Columns, Floats, Ints, Pyramid

__all__ = [
    "IST_OFFSET_S",
    "KITE_LAG_S",
    "NSE_OPEN_S",
    "BarSeries",
    "DayVolume",
    "Hours",
    "Table",
    "TickSeries",
    "candle_start",
    "combined",
]


KITE_LAG_S: Final = 0.6
"""How long after the exchange an index price in ltp mode, which tells no time, reached a client in India.

Measured: 42,000 ticks of NIFTY 50 on 8 October 2025, placed so, open and close as Kite's candles of that day do.
"""


MOST_AHEAD_S: Final = 3_600.0
"""How far this machine's clock may be behind the exchange's before a tick's time is taken for garbage."""


class Table(NamedTuple):
    """Bars as equally long columns, one row each, oldest first."""

    start_s: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints
    oi: Ints

    @classmethod
    def of(cls, bars: Sequence[Bar]) -> Table:
        """Columns of these bars, sorted; of several with one start the last counts."""
        rows = sorted({bar.start_s: bar for bar in bars}.values())
        starts, opens, highs, lows, closes, volumes, ois, _ = zip(*rows, strict=True) if rows else [()] * 8
        return cls(
            np.array(starts, np.int64),
            np.array(opens, np.float64),
            np.array(highs, np.float64),
            np.array(lows, np.float64),
            np.array(closes, np.float64),
            np.array(volumes, np.int64),
            np.array(ois, np.int64),
        )


class BarSeries:
    """Bars of one instrument and period, oldest first; the last row may be the forming bar.

    `version` rises with every change, `history_version` only when closed bars changed. The column properties are
    views of the rows that exist now: take them anew after a change, and do not write to them. Whoever draws asks
    `pyramid`. Without `hours` every tick is of some bar; with them, only those within a session (see `Grid`).
    A tick without a time of its own is placed `lag_s` before its receipt.
    """

    def __init__(
        self, interval: Period, open_s: int = NSE_OPEN_S, hours: Hours | None = None, lag_s: float = 0.0
    ) -> None:
        self.interval = interval
        self.hours = hours
        self._lag_s = lag_s
        self.history_version = 0
        self.columns = Columns()
        self.pyramid = Pyramid(self.columns)
        self._builder = BarBuilder(self.columns, interval, open_s, hours)
        self._gaps = Gaps()
        self._heard = False
        self._day_range = (math.inf, -math.inf, -1)
        """The day's high and low by the last tick, and how many rows there were."""

    def __len__(self) -> int:
        return self.columns.rows

    @property
    def version(self) -> int:
        return self.columns.version

    @property
    def closed_count(self) -> int:
        """How many rows are final: all, or all but the last."""
        return self.columns.rows - self._builder.forming

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

    @property
    def late(self) -> int:
        """Trades that came after their bar had closed; each left a gap that history fills."""
        return self._builder.late

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """When ticks may have been missed, oldest first; history that covers a gap ends it."""
        return tuple(self._gaps)

    def gap_rows(self) -> list[tuple[int, int]]:
        """First row and the one after the last of each gap: bars that may lack trades, for the chart to mark."""
        spans = ((self._row_held(gap.start_s), self._row_from(gap.end_s)) for gap in self._gaps)
        return [(first, end) for first, end in spans if first < end]

    def add(self, tick: Tick) -> Bar | None:
        """Fold a tick; the bar that it closed, if any. A tick without a new trade changes no closed bar.

        One that claims to be of the future is left out: every true one after it would be too late.
        """
        received_s = tick.received_ns / 1e9
        at_s = tick.last_trade_epoch_s or tick.exchange_epoch_s or received_s - self._lag_s
        if received_s and at_s > received_s + MOST_AHEAD_S:
            return None
        closed = self.add_price(at_s, tick.last_price, tick.volume_traded)
        if tick.ohlc is not None and self._builder.takes(at_s):
            self._learn(tick.ohlc)
        if tick.oi and self._builder.forming:
            self.oi[-1] = tick.oi
        return closed

    def add_price(self, at_s: float, price: float, volume_traded: int | None) -> Bar | None:
        """Fold a price at a time; the bar that it closed, if any.

        `volume_traded` is the day's total. A price that belongs to a closed bar changes nothing; what was traded
        with it is counted with the next one, and a gap marks the bar that lacks it.
        """
        if not price or not math.isfinite(price):
            return None
        builder = self._builder
        late = builder.late
        if not self._heard or self._gaps.open:
            self._hear(at_s, volume_traded)
        closed = builder.add(at_s, price, volume_traded)
        if builder.late != late and self.interval.seconds:
            held = builder.grid.bounds(at_s)
            self._gaps.add(*held) if held else None
        return self._closed(closed)

    def advance(self, now_s: float) -> Bar | None:
        """Close the forming bar if its time is over at `now_s`; that bar.

        Give it a time a little behind the clock: a tick of the last second may still be on its way.
        """
        return self._closed(self._builder.advance(now_s))

    def lost(self, at_s: float) -> None:
        """Say that ticks may be missing from `at_s` on, until the next one comes."""
        if self._heard:
            self._gaps.add(at_s)

    def backfill(self, bars: Sequence[Bar], until_s: float | None = None) -> Bar | None:
        """Merge history, in any order: it replaces rows of the same start and leaves all others.

        What it gives is the bar that ticks were forming, if history has closed it: no tick will.

        Where history's candle was still running, ticks that came since are kept: the open is history's, high and
        low the extremes of both, the close the ticks', the volume the greater of what each saw within the bar.
        Gaps end up to `until_s`, which is when history was read; without it, as far as its bars reach for certain.
        """
        if not bars:
            return None
        formed = self.last() if self._builder.forming else None
        table = Table.of([self._with_ticks(bar) for bar in bars])
        newest = max(reversed(bars), key=lambda bar: bar.start_s)
        self._merge(table, forming=not self._with_ticks(newest).closed)
        self._gaps.cover(table.start_s.item(0), self._reach(newest) if until_s is None else until_s)
        row = int(np.searchsorted(self.start_s, formed.start_s)) if formed else self.closed_count
        return self._bars(row, row + 1)[0] if row < self.closed_count else None

    def load(self, table: Table) -> None:
        """Merge closed bars given as columns: the way in for very many. Raises ValueError unless starts rise."""
        if not len(table.start_s):
            return
        if not (np.diff(table.start_s) > 0).all() and (self.interval.seconds or len(self)):
            raise ValueError("the starts of bars must rise")
        self._merge(table, forming=False)
        if self.interval.seconds:
            self._gaps.cover(table.start_s.item(0), table.start_s.item(-1) + self.interval.seconds)

    def _hear(self, at_s: float, total: int | None) -> None:
        """Note from where on ticks are known: before the first in its bar, and in an open gap, they are not."""
        builder = self._builder
        if not self._heard and at_s >= builder.until_s and self.interval.seconds:
            held = builder.grid.bounds(at_s)
            self._gaps.add(held[0], at_s) if held else None
        self._heard = True
        self._gaps.end(at_s, nothing_missed=builder.traded.unchanged(at_s, total))

    def _learn(self, day: Ohlc) -> None:
        """Take from the day's extremes what no tick told: a new one was reached since the last tick, in this bar."""
        before, self._day_range = self._day_range, (day.high, day.low, len(self))
        if self.interval.seconds == DAY_S:
            self._builder.widen_day(day)
            self._gaps.cover(self._builder.floor_s, self._builder.latest_s)
        elif before[2] == len(self) and day.low > 0:
            high = day.high if day.high > before[0] else -math.inf
            self._builder.widen(high, day.low if day.low < before[1] else math.inf)

    def _closed(self, row: int | None) -> Bar | None:
        if row is None:
            return None
        self.history_version += 1
        return self._bars(row, row + 1)[0]

    def _with_ticks(self, bar: Bar) -> Bar:
        """A candle that history saw running, with the ticks that came since."""
        row = int(np.searchsorted(self.start_s, bar.start_s))
        if bar.closed or row == len(self) or self.start_s[row] != bar.start_s:
            return bar
        return _merged(bar, self._bars(row, row + 1)[0], self._builder.carried if row == len(self) - 1 else 0)

    def _reach(self, newest: Bar) -> float:
        """Up to when this history tells all: a running candle does up to the last tick, which it was read after."""
        if not newest.closed:
            return max(newest.start_s, self._builder.latest_s)
        bounds = self._builder.grid.bounds(newest.start_s)
        return bounds[1] if bounds else newest.start_s + self.interval.seconds

    def _merge(self, table: Table, *, forming: bool) -> None:
        """Put these rows in place of those with the same start, and between the others."""
        columns = self.columns
        if not self.interval.seconds and len(self):
            raise ValueError(f"bars of {self.interval.label} have no history to merge")
        first = int(np.searchsorted(self.start_s, table.start_s[0]))
        kept = ~np.isin(self.start_s[first:], table.start_s)
        order = np.argsort(np.concatenate((self.start_s[first:][kept], table.start_s)), kind="stable")
        mine = Table(self.start_s, self.open, self.high, self.low, self.close, self.volume, self.oi)
        rows = [np.concatenate((old[first:][kept], new))[order] for old, new in zip(mine, table, strict=True)]
        columns.replace(first, *rows)
        self.history_version += 1
        if columns.start_s[columns.rows - 1] == table.start_s[-1]:
            self._builder.resume(forming=forming)

    def _row_held(self, at_s: float) -> int:
        """First row that ends after this moment."""
        row = int(np.searchsorted(self.start_s, math.floor(at_s), side="right")) - 1
        length = self.interval.seconds or math.inf
        return row if row >= 0 and self.start_s[row] + length > at_s else row + 1

    def _row_from(self, at_s: float) -> int:
        """First row that begins at this moment or later; looked for as a whole number, as a float copies the column."""
        if math.isinf(at_s):  # a gap that is still open
            return len(self.start_s) if at_s > 0 else 0
        return int(np.searchsorted(self.start_s, math.ceil(at_s)))

    def _bars(self, first: int, end: int) -> list[Bar]:
        c, rows, final = self.columns, slice(first, end), self.closed_count
        table = (c.start_s, c.open, c.high, c.low, c.close, c.volume, c.oi)
        lists = (column[rows].tolist() for column in table)
        return [Bar._make((*row, k < final)) for k, row in enumerate(zip(*lists, strict=True), first)]


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


def combined(
    bars: Sequence[Bar], source: Period, period: Period, open_s: int = NSE_OPEN_S, hours: Hours | None = None
) -> list[Bar]:
    """Bars of a longer period made of the source's, oldest first; `history_of(period)` says which source to ask for.

    The last is closed when all of its time is in closed bars.
    """
    grid, plain = Grid(period, open_s, hours), Grid(period, open_s)
    groups: dict[Seconds, list[Bar]] = {}
    for bar in sorted(bars):
        bounds = grid.bounds(bar.start_s) or plain.bounds(bar.start_s)
        if bounds:
            groups.setdefault(bounds, []).append(bar)
    made = [_one(bounds[0], parts) for bounds, parts in groups.items()]
    if made:
        bounds, parts = list(groups.items())[-1]
        made[-1] = made[-1]._replace(closed=parts[-1].closed and parts[-1].start_s + source.seconds >= bounds[1])
    return made


def _one(start_s: int, parts: Sequence[Bar]) -> Bar:
    first, last = parts[0], parts[-1]
    high, low = max(bar.high for bar in parts), min(bar.low for bar in parts)
    return Bar(start_s, first.open, high, low, last.close, sum(bar.volume for bar in parts), last.oi)


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

    def take(self, tick: Tick) -> None:
        """Append a tick at the exchange's time, or that of its receipt."""
        self.add(tick.at_ns / 1e9, tick.last_price, tick.volume_traded)

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
