"""Bars of another length out of a run's own, made as far as they are new."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from alphapanda_desktop.domain.barbuilder import DAY_S, IST_OFFSET_S, NSE_OPEN_S, Grid, Hours, Seconds, day_of
from alphapanda_desktop.domain.bars import combined
from alphapanda_desktop.domain.market import Bar, Period

FEW: Final = 4
"""Bars that are asked for first: most often one is new."""

Bars = Callable[[int | None], Sequence[Bar]]
"""The last so many closed bars, oldest first; all of them for None."""


@dataclass(slots=True)
class _Made:
    version: int
    newest_s: int = -1
    """Start of the last bar that was taken in."""
    bounds: Seconds = (0, 0)
    parts: list[Bar] = field(default_factory=list)
    """Bars of the one that is not over yet; empty while the first is left out."""
    closed: list[Bar] = field(default_factory=list)


class Lengths:
    """Closed bars of longer periods, of one instrument. `open_s`, `hours`: what intraday bars are counted from.

    The bars they are made of come from `bars`; where old ones among them have changed, its caller says another version.
    """

    def __init__(self, bars: Bars, source: Period, open_s: int = NSE_OPEN_S, hours: Hours | None = None) -> None:
        self._bars = bars
        self._source = source
        self._open_s = open_s
        self._hours = hours
        self._made: dict[Period, _Made] = {}

    def of(self, period: Period, count: int | None = None, version: int = 0) -> Sequence[Bar]:
        """The last `count` of them, oldest first; the first that lacks its beginning is left out.

        Raises ValueError where the run's bars do not fit into that period whole.
        """
        if period == self._source or period.seconds == self._source.seconds > 0:
            return self._bars(count)
        if not self._source.seconds or not period.seconds or period.seconds % self._source.seconds:
            raise ValueError(f"bars of {period.label} cannot be made of bars of {self._source.label}")
        made = self._made.get(period)
        if made is None or made.version != version:
            made = self._made[period] = _Made(version)
        self._take_in(made, period)
        return made.closed[:] if count is None else made.closed[max(0, len(made.closed) - count) :]

    def _take_in(self, made: _Made, period: Period) -> None:
        grids = Grid(period, self._open_s, self._hours), Grid(period, self._open_s)
        for bar in self._new(made.newest_s):
            if not made.bounds[0] <= bar.start_s < made.bounds[1]:
                self._end(made, period)
                made.bounds = grids[0].bounds(bar.start_s) or grids[1].bounds(bar.start_s) or made.bounds
                made.parts = []
                known = made.newest_s >= 0 or bar.start_s <= max(made.bounds[0], self._opens_s(bar.start_s))
            else:
                known = bool(made.parts)
            if known:
                made.parts.append(bar)
            made.newest_s = bar.start_s
            if bar.start_s + self._source.seconds >= made.bounds[1]:
                self._end(made, period)

    def _end(self, made: _Made, period: Period) -> None:
        """The bar under way is over."""
        if made.parts:
            (whole,) = combined(made.parts, self._source, period, self._open_s, self._hours)
            made.closed.append(whole._replace(closed=True))
            made.parts = []

    def _opens_s(self, at_s: int) -> int:
        """When that day's trading begins."""
        day = day_of(at_s)
        spans = self._hours.of(day) if self._hours else None
        return spans[0][0] if spans else day * DAY_S - IST_OFFSET_S + self._open_s

    def _new(self, after_s: int) -> Sequence[Bar]:
        """Bars that began later than that one."""
        if after_s < 0:
            return self._bars(None)
        count = FEW
        while True:
            found = self._bars(count)
            if len(found) < count or found[0].start_s <= after_s:
                return [bar for bar in found if bar.start_s > after_s]
            count *= 4


def longer(
    bars: Sequence[Bar], source: Period, period: Period, open_s: int = NSE_OPEN_S, hours: Hours | None = None
) -> list[Bar]:
    """Closed bars of a longer period out of the source's, oldest first; a first one that lacks its start is left out.

    Raises ValueError where the source's bars do not fit into the period whole.
    """
    ordered = sorted(bars)
    return list(Lengths(lambda count: ordered if count is None else ordered[-count:], source, open_s, hours).of(period))
