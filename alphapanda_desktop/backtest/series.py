"""Bars of one instrument as equally long columns, and the day to which each belongs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import repeat
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.barbuilder import Hours
from alphapanda_desktop.domain.calendar import next_open, session_on
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

IST_S: Final = 19_800
"""Indian time is so many seconds ahead of UTC, and was in every year that Kite has candles of."""

DAY_S: Final = 86_400

OPEN_S: Final = 9 * 3600 + 15 * 60
"""Seconds from midnight to the open that longer bars are counted from on days whose session is not known."""

SHORT_S: Final = 60
"""No session ends within a bar as short as this."""

DAY_LASTS_S: Final = 22_500
"""Seconds that a day's bar is taken to last on days whose session is not known."""

CHUNK: Final = 8_192
"""Bars between two tellings of progress."""

_NEW: Final[Any] = tuple.__new__


@dataclass(frozen=True, slots=True)
class Series:
    """History of one instrument, oldest first. `seconds` is a bar's length; an index has volumes of 0."""

    instrument: Instrument
    seconds: int
    start_s: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints

    def __len__(self) -> int:
        return len(self.start_s)

    def __getitem__(self, part: slice) -> Self:
        columns = {name: getattr(self, name)[part] for name in _COLUMNS}
        return replace(self, **columns)

    @property
    def days(self) -> Ints:
        """The Indian date of each bar, as days since 1970."""
        return (self.start_s + IST_S) // DAY_S

    def checked(self) -> Self:
        """The same. Raises BadData, with the first row concerned, for prices or times that cannot be."""
        bad = {
            "a time that is not later than the one before": np.diff(self.start_s, prepend=self.start_s[:1] - 1) <= 0,
            "a price that is no number above 0": ~np.logical_and.reduce(
                [np.isfinite(getattr(self, name)) & (getattr(self, name) > 0) for name in _PRICES]
            ),
            "a high below another price": self.high < np.maximum(np.maximum(self.open, self.close), self.low),
            "a low above another price": self.low > np.minimum(np.minimum(self.open, self.close), self.high),
        }
        for what, rows in bad.items():
            if rows.any():
                row = int(np.argmax(rows))
                raise BadData(f"{self.instrument.key}: bar {row + 1}, {ist(int(self.start_s[row]))}: {what}")
        return self

    def between(self, first: date | None, last: date | None) -> Self:
        """The bars of these Indian days, both included."""
        days = self.days
        low = 0 if first is None else int(np.searchsorted(days, _number(first)))
        high = len(self) if last is None else int(np.searchsorted(days, _number(last), side="right"))
        return self[low:high]

    def longer(self, seconds: int) -> Self:
        """Bars of a longer period, counted from each day's open. Raises BadData where these bars do not fit in."""
        if seconds == self.seconds or not len(self):
            return self
        if seconds < self.seconds or seconds % self.seconds:
            raise BadData(f"{self.instrument.key}: bars of {self.seconds} s make no bars of {seconds} s")
        starts = starts_of(self.instrument.exchange, self.start_s, seconds)
        first = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
        return replace(
            self,
            seconds=seconds,
            start_s=starts[first],
            open=self.open[first],
            high=np.maximum.reduceat(self.high, first),
            low=np.minimum.reduceat(self.low, first),
            close=self.close[np.append(first[1:], len(self)) - 1],
            volume=np.add.reduceat(self.volume, first),
        )

    def bars(self, first: int = 0, end: int | None = None) -> Iterator[Bar]:
        """The bars one by one, made in C as they are asked for.

        Numbers are made from the columns' memory and not as lists: they are forgotten while still in the cache, which
        takes a quarter of the time.
        """
        columns = [np.ascontiguousarray(getattr(self, name)[first:end]).data for name in _COLUMNS]
        return map(_NEW, repeat(Bar), zip(*columns, repeat(0), repeat(True), strict=False))

    def last_bars(self, end: int, count: int | None) -> list[Bar]:
        """The `count` bars before number `end`."""
        return list(self.bars(0 if count is None else max(0, end - max(0, count)), end))


_PRICES: Final = ("open", "high", "low", "close")
_COLUMNS: Final = ("start_s", *_PRICES, "volume")


def starts_of(exchange: str, at_s: Ints, seconds: int) -> Ints:
    """When the bar of so many seconds begins that holds each of these moments, which are in order."""
    days = (at_s + IST_S) // DAY_S
    first = np.flatnonzero(np.diff(days, prepend=days[:1] - 1))
    counts = np.diff(np.append(first, len(days)))
    opens = np.repeat(np.array([open_s(exchange, day) for day in days[first].tolist()], np.int64), counts)
    if seconds >= DAY_S:
        return opens
    starts: Ints = opens + (at_s - opens) // seconds * seconds
    return starts


def ends_of(series: Series, *, has_derivatives: bool = False) -> Ints:
    """When each bar ends: its length after its beginning, or when its session does before that, as live."""
    ends: Ints = series.start_s + series.seconds
    if series.seconds <= SHORT_S or not len(series):
        return ends
    exchange, days = series.instrument.exchange, series.days
    if series.seconds >= DAY_S:
        first = np.flatnonzero(np.diff(days, prepend=days[:1] - 1))
        lasts = [_spans(exchange, has_derivatives, day) for day in days[first].tolist()]
        own = [spans[-1][1] if spans else None for spans in lasts]
        known = np.array([at + DAY_LASTS_S if end is None else end
                          for at, end in zip(series.start_s[first].tolist(), own, strict=True)], np.int64)  # fmt: skip
        return np.repeat(known, np.diff(np.append(first, len(days))))
    spans = [span for day in np.unique(days).tolist() for span in _spans(exchange, has_derivatives, day)]
    if not spans:
        return ends
    opens, closes = np.array(spans, np.int64).T
    held = np.maximum(np.searchsorted(opens, series.start_s, side="right") - 1, 0)
    within = (opens[held] <= series.start_s) & (series.start_s < closes[held])
    return np.where(within, np.minimum(ends, closes[held]), ends)


def decided_of(series: Series, ends: Ints) -> Ints:
    """When the strategy is called with each bar: at its end; with a day's bar when the next one begins.

    At a day's end no order is taken any more, and what is decided then is sent when the exchange opens again.
    """
    if series.seconds < DAY_S or not len(series):
        return ends
    after = next_open(series.instrument.exchange, datetime.fromtimestamp(int(ends[-1]), UTC))
    return np.append(series.start_s[1:], np.int64(after.timestamp()))


@lru_cache(maxsize=1 << 14)
def _spans(exchange: str, has_derivatives: bool, day: int) -> tuple[tuple[int, int], ...]:
    return Hours(exchange, has_derivatives=has_derivatives).of(day) or ()


def ist(at_s: int) -> str:
    """A time as a person reads it: Indian date, hour and minute."""
    return f"{datetime.fromtimestamp(at_s, UTC) + timedelta(seconds=IST_S):%Y-%m-%d %H:%M}"


def day_of(at_s: float) -> date:
    """The Indian date of a moment."""
    return date.fromordinal(_EPOCH + int(at_s + IST_S) // DAY_S)


def begins_s(day: date) -> int:
    """The epoch second at which an Indian day begins."""
    return _number(day) * DAY_S - IST_S


_EPOCH: Final = date(1970, 1, 1).toordinal()


def _number(day: date) -> int:
    return day.toordinal() - _EPOCH


def open_s(exchange: str, number: int) -> int:
    """When a day's bars are counted from; `number` is the day's, from 1970."""
    session = session_on(exchange, date.fromordinal(_EPOCH + number))
    return int(session.open.timestamp()) if session else number * DAY_S - IST_S + OPEN_S
