"""Ticks of one instrument as columns, the bars made of them, and a bar's own ticks as the way of its price.

The fast tier over ticks: bars are made by numpy, and a tick is looked at by itself only where something waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.backtest.series import DAY_S, IST_S, Floats, Ints, Series, ist, open_s
from alphapanda_desktop.domain.barbuilder import Hours
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode, Tick

NS: Final = 1_000_000_000

AT_ONCE: Final = 1 << 16
"""Ticks that are judged together: few enough for the cache, so that ten times as many take ten times as long."""


@dataclass(frozen=True, slots=True)
class Ticks:
    """Trades of one instrument, oldest first: epoch nanoseconds, rupees, and what was traded since the one before."""

    instrument: Instrument
    time_ns: Ints
    price: Floats
    quantity: Ints

    def __len__(self) -> int:
        return len(self.time_ns)

    def __getitem__(self, part: slice | NDArray[np.bool_]) -> Self:
        return type(self)(self.instrument, self.time_ns[part], self.price[part], self.quantity[part])

    @property
    def at_s(self) -> Ints:
        """Epoch seconds of each."""
        return self.time_ns // NS

    def checked(self) -> Self:
        """The same. Raises BadData, with the first one concerned, for a price or a time that cannot be."""
        for first in range(0, len(self), AT_ONCE):
            self._check(first)
        return self

    def _check(self, first: int) -> None:
        end, before = first + AT_ONCE, max(0, first - 1)
        times, prices = self.time_ns[before:end], self.price[first:end]
        bad = {
            "a time before that of the one before": (before + 1, times[1:] < times[:-1]),
            "a price that is no number above 0": (first, ~((prices > 0) & (prices < np.inf))),
        }
        for what, (begins, rows) in bad.items():
            if rows.any():
                row = begins + int(np.argmax(rows))
                raise BadData(f"{self.instrument.key}: tick {row + 1}, {ist(self.time_ns.item(row) // NS)}: {what}")

    def within_hours(self, *, has_derivatives: bool = False) -> Self:
        """Those of continuous trading and the closing auction: what makes bars. All of a day of unknown hours."""
        hours, at_s = Hours(self.instrument.exchange, has_derivatives=has_derivatives), self.at_s
        kept = np.zeros(len(self), np.bool_)
        for day in np.unique((at_s + IST_S) // DAY_S).tolist():
            begins = day * DAY_S - IST_S
            spans = hours.of(day)
            for first, end in ((begins, begins + DAY_S),) if spans is None else spans:
                low, high = np.searchsorted(self.time_ns, (first * NS, end * NS))
                kept[low:high] = True
        return self if kept.all() else self[kept]

    def bars(self, seconds: int) -> Series:
        """Bars of so many seconds, counted from each day's open; where nothing traded there is none."""
        days = [self._day_bars(day, seconds) for day in self._days()]
        return Series(self.instrument, seconds, *(np.concatenate(parts) for parts in zip(*days, strict=True)))

    def _day_bars(self, day: int, seconds: int) -> tuple[Ints, Floats, Floats, Floats, Floats, Ints]:
        """A day's bars as columns; its ticks stay in the cache while all of them are made."""
        first, starts, end = self._cut(day, seconds)
        if not len(first):
            none, nothing = np.empty(0, np.float64), np.empty(0, np.int64)
            return nothing, none, none, none, none, nothing
        begins = first.item(0)
        price, at = self.price[begins:end], first - begins
        high, low = np.maximum.reduceat(price, at), np.minimum.reduceat(price, at)
        volume: Ints = np.add.reduceat(self.quantity[begins:end], at)
        return starts, price[at], high, low, price[np.append(at[1:], len(price)) - 1], volume

    def _days(self) -> range:
        """The Indian days from the first tick's to the last one's, counted from 1970."""
        first, last = ((self.time_ns.item(at) // NS + IST_S) // DAY_S for at in (0, -1))
        return range(first, last + 1)

    def _cut(self, day: int, seconds: int) -> tuple[Ints, Ints, int]:
        """Of the bars of a day: which tick is the first, and when it begins; and the tick after the day's last.

        Ticks are searched, not divided.
        """
        begins = day * DAY_S - IST_S
        low, high = np.searchsorted(self.time_ns, (begins * NS, (begins + DAY_S) * NS)).tolist()
        opened = open_s(self.instrument.exchange, day)
        if low == high:
            return np.empty(0, np.int64), np.empty(0, np.int64), high
        if seconds >= DAY_S:
            return np.array([low]), np.array([opened]), high
        ends = [opened + (self.time_ns.item(at) // NS - opened) // seconds * seconds for at in (low, high - 1)]
        starts = np.arange(ends[0], ends[1] + 1, seconds, dtype=np.int64)
        first = low + np.searchsorted(self.time_ns[low:high], starts * NS)
        filled = np.diff(first, append=high) > 0
        return first[filled], starts[filled], high


class Way:
    """Which ticks each bar is made of. Raises BadData where the bars are not those of the ticks."""

    def __init__(self, ticks: Ticks, series: Series) -> None:
        self.price = ticks.price
        self.time_ns = ticks.time_ns
        self._ticks = ticks
        self._first = np.append(np.searchsorted(ticks.time_ns, series.start_s * NS), len(ticks))
        sound = np.diff(self._first, prepend=-1).min() > 0 and self._first[0] == 0
        if not sound or (ticks.price[self._first[:-1]] != series.open).any():
            raise BadData(f"{series.instrument.key}: the bars are not those of the ticks")

    def span(self, bar: int) -> tuple[int, int]:
        """The first tick of a bar, and the one after its last."""
        return self._first.item(bar), self._first.item(bar + 1)

    def second(self, at: int) -> int:
        """When that tick was, in whole epoch seconds."""
        return self.time_ns.item(at) // NS

    def next_at(self, first: int, end: int, low: float, high: float, by_s: float) -> int:
        """The first tick from `first` on at or below `low`, at or above `high`, or as late as `by_s`; else `end`."""
        prices = self.price[first:end]
        hits = (prices <= low) | (prices >= high)
        found = first + int(hits.argmax()) if hits.any() else end
        if by_s * NS < self.time_ns.item(end - 1) + 1:
            found = min(found, first + int(np.searchsorted(self.time_ns[first:end], int(by_s * NS))))
        return found

    def ticks(self, bar: int) -> list[Tick]:
        """A bar's ticks as a strategy gets them: price, time, and what traded on the day so far."""
        first, end = self.span(bar)
        part, token = self._ticks[first:end], self._ticks.instrument.instrument_token
        totals = (self._traded(first) + part.quantity.cumsum()).tolist()
        return [
            Tick(token, Mode.QUOTE, price, at_ns, volume_traded=total, exchange_epoch_s=at_ns // NS)
            for at_ns, price, total in zip(part.time_ns.tolist(), part.price.tolist(), totals, strict=True)
        ]

    def _traded(self, end: int) -> int:
        """What traded on the day before that tick."""
        begins = (self.second(end) + IST_S) // DAY_S * DAY_S - IST_S
        return int(self._ticks.quantity[int(np.searchsorted(self.time_ns, begins * NS)) : end].sum())
