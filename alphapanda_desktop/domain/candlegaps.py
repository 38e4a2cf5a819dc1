"""What a history of candles lacks, held against the exchange's calendar, and in words.

An instrument that did not trade in a minute has no candle of it: holes are told, never filled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.calendar import Phase, holidays_known, session_on

Ints = NDArray[np.int64]

IST_S: Final = 19_800
DAY_S: Final = 86_400
NAMED: Final = 5
"""Holes and days that are told one by one; of more, the number is told."""


class Hole(NamedTuple):
    """So many candles in a row that a session should have had; epoch seconds, `end_s` not included."""

    start_s: int
    end_s: int
    bars: int


@dataclass(frozen=True, slots=True)
class Missing:
    """What is not there. `begins` is the first day with a candle, if it is not the first that was asked for."""

    begins: date | None = None
    days: tuple[date, ...] = ()
    """Days on which the exchange traded, from `begins` on, without a candle."""
    doubtful: tuple[date, ...] = ()
    """Such days of years whose holidays this release does not know: they may be holidays."""
    holes: tuple[Hole, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.begins or self.days or self.doubtful or self.holes)

    @property
    def bars(self) -> int:
        """Candles that holes within days lack."""
        return sum(hole.bars for hole in self.holes)

    def lines(self) -> list[str]:
        """The same in words, the largest holes first."""
        told = [f"There is nothing before {_day(self.begins)}."] if self.begins else []
        if self.days:
            told.append(f"{_count(self.days, 'trading day')} without a candle: {_named(self.days)}.")
        if self.doubtful:
            years = ", ".join(map(str, sorted({day.year for day in self.doubtful})))
            told.append(
                f"{_count(self.doubtful, 'weekday')} of {years} without a candle, which may be holidays: "
                f"{_named(self.doubtful)}."
            )
        if self.holes:
            told.append(f"{self.bars:,} candles lack within trading days: {_largest(self.holes)}.")
        return told


def missing_of(
    exchange: str,
    seconds: int,
    start_s: Ints,
    first: date,
    last: date,
    *,
    until_s: float,
    has_derivatives: bool = False,
) -> Missing:
    """What candles of that length lack from `first` to `last`, both included, as far as `until_s`."""
    if not len(start_s):
        return Missing(days=tuple(day for day, _ in _sessions(exchange, first, last, until_s, has_derivatives)))
    begins = _date(int(start_s[0]))
    days, doubtful, holes = list[date](), list[date](), list[Hole]()
    for day, slots in _sessions(exchange, max(first, begins), last, until_s, has_derivatives, seconds):
        midnight = (day - date(1970, 1, 1)).days * DAY_S - IST_S
        low, high = np.searchsorted(start_s, (midnight, midnight + DAY_S))
        if low == high:
            (days if holidays_known(exchange, day) else doubtful).append(day)
        elif seconds < DAY_S:
            holes += _holes(slots, start_s[low:high], seconds)
    earlier = next(_sessions(exchange, first, begins - timedelta(days=1), until_s, has_derivatives), None)
    return Missing(begins if earlier else None, tuple(days), tuple(doubtful), tuple(holes))


def _sessions(
    exchange: str, first: date, last: date, until_s: float, has_derivatives: bool, seconds: int = DAY_S
) -> Iterator[tuple[date, Ints]]:
    """Trading days that have ended by `until_s`, with the seconds at which their candles begin."""
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        session = session_on(exchange, day, has_derivatives=has_derivatives)
        if session is None or session.close.timestamp() > until_s:
            continue
        spans = [span for span in session.phases if span.phase is Phase.OPEN]
        edges = [(int(span.start.timestamp()), int(span.end.timestamp())) for span in spans]
        yield day, np.concatenate([np.arange(start, end, seconds, dtype=np.int64) for start, end in edges])


def _holes(slots: Ints, found: Ints, seconds: int) -> Iterator[Hole]:
    lacking = np.flatnonzero(~np.isin(slots, found))
    if not len(lacking):
        return
    for run in np.split(lacking, np.flatnonzero(np.diff(lacking) > 1) + 1):
        yield Hole(int(slots[run[0]]), int(slots[run[-1]]) + seconds, len(run))


def _date(at_s: int) -> date:
    return date(1970, 1, 1) + timedelta(days=(at_s + IST_S) // DAY_S)


def _day(day: date | None) -> str:
    return f"{day:%d %b %Y}" if day else ""


def _count(days: tuple[date, ...], what: str) -> str:
    return f"{len(days):,} {what}{'' if len(days) == 1 else 's'}"


def _named(days: tuple[date, ...]) -> str:
    words = ", ".join(map(_day, days[:NAMED]))
    return f"{words} and {len(days) - NAMED:,} more" if len(days) > NAMED else words


def _largest(holes: tuple[Hole, ...]) -> str:
    chosen = sorted(sorted(holes, key=lambda hole: -hole.bars)[:NAMED])
    words = ", ".join(_span(hole) for hole in chosen)
    return f"{words} and {len(holes) - NAMED:,} smaller holes" if len(holes) > NAMED else words


def _span(hole: Hole) -> str:
    start, end = (f"{(at_s + IST_S) % DAY_S // 3600:02d}:{(at_s + IST_S) % 3600 // 60:02d}" for at_s in hole[:2])
    return f"{_day(_date(hole.start_s))} {start}–{end} IST"
