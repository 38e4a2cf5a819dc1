"""Ticks to bars: where a trade falls, what it adds, and when its bar is over.

Candles follow Kite: a candle is named by its start, intraday ones are counted from the session's open, a day candle
starts at midnight IST. Kite's candles hold trades only, so a trade's own time decides where it falls.
"""

from __future__ import annotations

import math
from datetime import date
from typing import Final

from alphapanda_desktop.domain.calendar import Phase, Span, session_on, times_unknown
from alphapanda_desktop.domain.market import BarSize, Interval, Ohlc, Period, Unit
from alphapanda_desktop.domain.pyramid import Columns

IST_OFFSET_S: Final = 19_800
NSE_OPEN_S: Final = 33_300
"""09:15 IST, in seconds after midnight."""

DAY_S: Final = 86_400
_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_WRAP: Final = 1 << 32
"""The wire's day volume is a uint32 and starts again at 0 on very liquid names.  Source: CONTRACT 4.4."""

_TRADING: Final = (
    Phase.OPEN,
    Phase.AUCTION_WAIT,
    Phase.AUCTION_ENTRY,
    Phase.AUCTION_LIMIT,
    Phase.AUCTION_MATCH,
)
"""Phases whose trades make intraday bars: the pre-open's and the post-close's are in the day's bar alone."""

_MOMENT_S: Final = 60.0
"""No name trades half of 2³² in so short a time: a total that says so is an older one, of before the wrap."""

Seconds = tuple[int, int]
"""First epoch second, and the one after the last."""


def day_of(at_s: float) -> int:
    """Which day in India holds this moment, counted from 1970."""
    return (int(at_s) + IST_OFFSET_S) // DAY_S


class Hours:
    """When an exchange's bars may begin and end, from the calendar; asked by `day_of` numbers."""

    def __init__(self, exchange: str, *, has_derivatives: bool = False) -> None:
        self._exchange = exchange
        self._has_derivatives = has_derivatives
        self._known: dict[int, tuple[Seconds, ...] | None] = {}

    def of(self, day: int) -> tuple[Seconds, ...] | None:
        """Spans of trading, the closing auction with the session it ends; none on a holiday, None when not known."""
        if day not in self._known:
            self._known[day] = self._read(date.fromordinal(day + _EPOCH_DAY))
        return self._known[day]

    def _read(self, day: date) -> tuple[Seconds, ...] | None:
        if times_unknown(self._exchange, day):
            return None
        today = session_on(self._exchange, day, has_derivatives=self._has_derivatives)
        return _together([span for span in today.phases if span.phase in _TRADING] if today else [])


def _together(phases: list[Span]) -> tuple[Seconds, ...]:
    spans: list[Seconds] = []
    for phase in phases:
        start, end = int(phase.start.timestamp()), int(phase.end.timestamp())
        if spans and spans[-1][1] == start:
            spans[-1] = spans[-1][0], end
        else:
            spans.append((start, end))
    return tuple(spans)


class Grid:
    """Where bars begin and end. Bars of ticks or volume have the bounds of the session that they lie in.

    Without `hours` every second is of some bar, counted from `open_s` after midnight; with them, a second outside
    trading is of none, each session counts from its own open, and its last bar ends with it.
    """

    def __init__(self, period: Period, open_s: int = NSE_OPEN_S, hours: Hours | None = None) -> None:
        self._length = period.seconds
        self._by_day = period.seconds == DAY_S
        self._open_s = open_s
        self._hours = hours

    @property
    def length(self) -> int:
        """Seconds of a whole bar, 0 where bars are not cut by time."""
        return self._length

    def bounds(self, at_s: float) -> Seconds | None:
        """Of the bar that holds this moment."""
        day = day_of(at_s)
        midnight = day * DAY_S - IST_OFFSET_S
        spans = self._hours.of(day) if self._hours else None
        if self._by_day or spans is None:
            return None if spans == () else self._in_day(int(at_s), midnight)
        held = next((span for span in spans if span[0] <= at_s < span[1]), None)
        return held and self._in_session(int(at_s), *held)

    def _in_session(self, at_s: int, opened: int, ends: int) -> Seconds:
        if not self._length:
            return opened, ends
        start = opened + (at_s - opened) // self._length * self._length
        return start, min(start + self._length, ends)

    def _in_day(self, at_s: int, midnight: int) -> Seconds:
        if self._by_day or not self._length:
            return midnight, midnight + DAY_S
        opened = midnight + self._open_s
        start = opened + (at_s - opened) // self._length * self._length
        if DAY_S % self._length == 0:
            return start, start + self._length
        return max(start, midnight), min(start + self._length, midnight + DAY_S)


def candle_start(at_s: float, interval: Period, open_s: int = NSE_OPEN_S) -> int:
    """First epoch second of the candle that holds `at_s`, on a day without special hours."""
    bounds = Grid(interval, open_s).bounds(at_s)
    return bounds[0] if bounds else int(at_s)


class DayVolume:
    """Turns the day totals that ticks carry into what was traded since the last one."""

    def __init__(self) -> None:
        self.total: int | None = None
        """The last one taken, as the wire told it."""
        self._at_s = 0.0
        self._wraps = 0
        self._fell_from: tuple[int, int] | None = None
        """Total and wraps before a count began anew, until the next one says whether it did."""

    @property
    def day_total(self) -> int:
        """What traded on the day so far, the wire's wraps counted in."""
        return (self.total or 0) + self._wraps * _WRAP

    def unchanged(self, at_s: float, total: int | None) -> bool:
        """Whether this total tells that nothing traded since the last one."""
        return total is not None and total == self.total and day_of(at_s) == day_of(self._at_s)

    def since_last(self, at_s: float, total: int | None) -> int:
        """Units traded since the last total; 0 for the first, for a late one, and where there is none.

        A new day counts from 0. Within a day a fall by more than half of 2³² is the wire's wrap; a total that fell by
        less than its half is an older one, and nothing until the count has passed it. One that fell further is a new
        count whose start was not seen, unless the next one shows that it was a slip.
        """
        before, before_s = self.total, self._at_s
        if total is None or (before is not None and at_s < before_s):
            return 0
        if before is None:
            self.total, self._at_s = total, at_s
            return 0
        new_day = day_of(at_s) != day_of(before_s)
        if total == before and not new_day:
            self._at_s = at_s
            return 0
        wrapped = before - total > _WRAP // 2
        if new_day:
            self._wraps, self._fell_from = 0, None
            before = 0
        elif total < before and not wrapped:
            return self._fall(at_s, total, before)
        elif total - before > _WRAP // 2 and at_s - before_s < _MOMENT_S:
            return 0
        elif self._fell_from is not None:
            if total >= self._fell_from[0]:
                before, self._wraps = self._fell_from
            self._fell_from = None
        self.total, self._at_s = total, at_s
        self._wraps += wrapped and not new_day
        return (total - before) % _WRAP

    def _fall(self, at_s: float, total: int, before: int) -> int:
        if at_s > self._at_s and 2 * total < before:
            self._fell_from = self._fell_from or (before, self._wraps)
            self.total, self._at_s, self._wraps = total, at_s, 0
        return 0

    def align(self, traded: int) -> None:
        """Take from the day's volume so far how often the wire's count wrapped before we listened."""
        if self.total is not None:
            self._wraps += max(0, round((traded - self.day_total) / _WRAP))


class BarBuilder:
    """Folds prices into the last row of `columns`, and begins the next. One for each series, which owns both.

    The state that a tick needs is held in plain numbers; `resume` reads it anew after history changed the rows.
    """

    def __init__(self, columns: Columns, period: Period, open_s: int = NSE_OPEN_S, hours: Hours | None = None) -> None:
        self.grid = Grid(period, open_s, hours)
        self.traded = DayVolume()
        self.forming = False
        self.carried = 0
        """What the forming bar's first tick added: part of it may have traded in bars that no tick came for."""
        self.late = 0
        """Trades that came after their bar had closed: their price is missing in it, their volume is in the next."""
        self.floor_s = -math.inf
        """What is older than this can change no bar any more."""
        self.until_s = -math.inf
        """When the last bar's time is over."""
        self.latest_s = -math.inf
        self._first_s = -math.inf
        self._columns = columns
        self._by_day = period is Interval.DAY
        self._unit = period.unit if isinstance(period, BarSize) else Unit.SECONDS
        self._size = period.size if isinstance(period, BarSize) else 0
        self._ticks = 0
        self._high = self._low = self._last = math.nan

    def takes(self, at_s: float) -> bool:
        """Whether the forming bar holds this moment."""
        return self.forming and self.floor_s <= at_s < self.until_s

    def add(self, at_s: float, price: float, total: int | None) -> int | None:
        """Fold a price with the day's total; the row that it closed, if any."""
        if at_s < self.floor_s:
            self._come_late(at_s, total)
            return None
        closed = self.close() if self._full() else None
        if self.takes(at_s):
            traded = self.traded.since_last(at_s, total)
            if self._counts(traded, total):
                self._update(at_s, price, traded)
        elif (bounds := self.grid.bounds(at_s)) is None:
            self.traded.since_last(at_s, total)
            closed = self.close() if closed is None else closed
        else:
            closed = self._begin(at_s, price, total, bounds, closed)
        return self.close() if closed is None and self._full() else closed

    def advance(self, now_s: float) -> int | None:
        """Close the forming bar if its time is over; its row."""
        return self.close() if self.forming and now_s >= self.until_s else None

    def close(self) -> int | None:
        """Make the forming bar final; its row."""
        if not self.forming:
            return None
        row = self._columns.rows - 1
        self.forming, self.carried = False, 0
        if self._unit is Unit.SECONDS:
            self.floor_s = self.until_s
        self._columns.touch(row)
        return row

    def resume(self, *, forming: bool) -> None:
        """Go on after the last row, which history gave or changed."""
        columns, row = self._columns, self._columns.rows - 1
        start_s = columns.start_s.item(row)
        bounds = self.grid.bounds(start_s)
        if bounds is None or (self.grid.length and bounds[0] != start_s):
            bounds = start_s, start_s + max(1, self.grid.length)
        if not (forming and self.forming and self.floor_s == start_s):
            self.carried, self.latest_s = 0, start_s
        self.forming, self._first_s = forming, -math.inf
        self.floor_s, self.until_s = bounds
        if self.grid.length and not forming:
            self.floor_s = self.until_s
        self._high, self._low = columns.high.item(row), columns.low.item(row)
        self._last = columns.close.item(row)

    def widen(self, high: float, low: float) -> None:
        """Let the forming bar reach a high and a low that no tick of it told."""
        if not self.forming or (high <= self._high and low >= self._low):
            return
        columns, row = self._columns, self._columns.rows - 1
        columns.high[row] = self._high = max(self._high, high)
        columns.low[row] = self._low = min(self._low, low)
        columns.touch(row)

    def widen_day(self, day: Ohlc) -> None:
        """Make the forming day bar what the exchange says the day was so far."""
        if not day.open or not self.forming:
            return
        columns, row = self._columns, self._columns.rows - 1
        high, low = max(day.high, self._last), min(day.low, self._last)
        if (day.open, high, low) == (columns.open.item(row), self._high, self._low):
            return
        columns.open[row], columns.high[row], columns.low[row] = day.open, high, low
        self._high, self._low = high, low
        columns.touch(row)

    def _come_late(self, at_s: float, total: int | None) -> None:
        """Count a trade that no open bar holds; the first tick of all repeats one that history has."""
        if total is not None and self.traded.total is None:
            self.traded.since_last(at_s, total)
        else:
            self.late += not self.traded.unchanged(at_s, total)

    def _full(self) -> bool:
        """Whether the forming bar has all the ticks or volume that it takes."""
        if self._unit is Unit.SECONDS or not self.forming:
            return False
        had = self._ticks if self._unit is Unit.TICKS else self._columns.volume.item(self._columns.rows - 1)
        return had >= self._size

    def _counts(self, traded: int, total: int | None) -> bool:
        """Whether a price is one more for a bar of ticks or volume: a quote without a trade is not."""
        if self._unit is Unit.SECONDS:
            return True
        return traded > 0 or (total is None and self._unit is Unit.TICKS)

    def _begin(self, at_s: float, price: float, total: int | None, bounds: Seconds, closed: int | None) -> int | None:
        traded = self.traded.since_last(at_s, total)
        if self._unit is Unit.SECONDS or at_s >= self.until_s:
            closed = self.close() if closed is None else closed
        if not self._counts(traded, total):
            return closed
        columns, row = self._columns, self._columns.rows
        self.floor_s, self.until_s = bounds
        before_s = columns.start_s.item(row - 1) if row else 0
        start_s = bounds[0] if self._unit is Unit.SECONDS else max(int(at_s), before_s)
        if self._by_day and total is not None:
            traded = self.traded.day_total  # the day's total is the day's bar, seen from its start or not
        columns.append(start_s, price, traded)
        self.forming, self.carried, self._ticks = True, traded, 1
        self.latest_s = self._first_s = at_s
        self._high = self._low = self._last = price
        return closed

    def _update(self, at_s: float, price: float, traded: int) -> None:
        """Ticks of one bar in any order: the earliest is its open and the latest its close."""
        columns, row = self._columns, self._columns.rows - 1
        self._ticks += 1
        if at_s >= self.latest_s:
            self.latest_s = at_s
            if price == self._last and not traded:
                return  # most packets tell of orders, not of trades: nobody has to draw anew for them
            columns.close[row] = self._last = price
        elif at_s < self._first_s:
            columns.open[row], self._first_s = price, at_s
        if price > self._high:
            columns.high[row] = self._high = price
        elif price < self._low:
            columns.low[row] = self._low = price
        if self._by_day:
            self._update_day(row)
        elif traded:
            columns.volume[row] += traded
        columns.touch(row)

    def _update_day(self, row: int) -> None:
        volume = self._columns.volume.item(row)
        self.traded.align(volume)
        self._columns.volume[row] = max(volume, self.traded.day_total)
