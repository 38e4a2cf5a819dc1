"""When each exchange trades: sessions with effective dates, holidays, special sessions.

There is no calendar endpoint, so this is data that each release brings up to date: `holidays_known` says how far.
Times in the tables are IST; everything handed out is aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from alphapanda_desktop.domain.holidays import (
    CURRENCY_HOLIDAYS,
    HOLIDAYS,
    SPECIALS,
    Holiday,
    Hours,
    Special,
    new_year,
    years_known,
)
from alphapanda_desktop.domain.session import IST


class Phase(StrEnum):
    """What an exchange is doing; the values are the words on screen."""

    PRE_OPEN = "pre-open"
    OPEN = "open"
    AUCTION_WAIT = "closing auction: reference price"
    AUCTION_ENTRY = "closing auction"
    AUCTION_LIMIT = "closing auction: limit orders only"
    AUCTION_MATCH = "closing auction: matching"
    POST_CLOSE = "post-close"
    CLOSED = "closed"
    HOLIDAY = "closed: holiday"
    WEEKEND = "closed: weekend"
    UNKNOWN = "special session, times unknown"


class Span(NamedTuple):
    """A part of a trading day, aware UTC; `end` is not part of it."""

    start: datetime
    end: datetime
    phase: Phase


@dataclass(frozen=True, slots=True)
class TradingDay:
    """One exchange's day. `open` and `close` bound continuous trading, breaks between sessions included."""

    exchange: str
    day: date
    phases: tuple[Span, ...]

    @property
    def open(self) -> datetime:
        return self._continuous[0].start

    @property
    def close(self) -> datetime:
        return self._continuous[-1].end

    @property
    def open_s(self) -> int:
        """Seconds from midnight IST to the open: what intraday candles are counted from."""
        local = self.open.astimezone(IST)
        return local.hour * 3600 + local.minute * 60

    @property
    def _continuous(self) -> list[Span]:
        return [span for span in self.phases if span.phase is Phase.OPEN]


Times = tuple[tuple[str, str, Phase], ...]


class Regime(NamedTuple):
    """A day's plan in force from `since`."""

    since: date
    source: str
    times: Times


_DAWN: Final = date(2020, 1, 1)
_PRE_OPEN: Final = ("09:00", "09:15", Phase.PRE_OPEN)

REGIMES: Final[dict[str, tuple[Regime, ...]]] = {
    "cash": (
        Regime(
            _DAWN,
            "NSE, BSE market timings; CONTRACT 6.1",
            (_PRE_OPEN, ("09:15", "15:30", Phase.OPEN), ("15:40", "16:00", Phase.POST_CLOSE)),
        ),
    ),
    "cash with derivatives": (
        Regime(
            _DAWN,
            "NSE, BSE market timings; CONTRACT 6.1",
            (_PRE_OPEN, ("09:15", "15:30", Phase.OPEN), ("15:40", "16:00", Phase.POST_CLOSE)),
        ),
        Regime(
            date(2026, 8, 3),
            "SEBI circular HO/47/11/11(3)2025-MRD-POD2/I/2765/2026 of 16 Jan 2026; NSE CMTR74466; BSE 20260801-1",
            (
                _PRE_OPEN,
                ("09:15", "15:15", Phase.OPEN),
                ("15:15", "15:20", Phase.AUCTION_WAIT),
                ("15:20", "15:25", Phase.AUCTION_ENTRY),
                ("15:25", "15:30", Phase.AUCTION_LIMIT),
                ("15:30", "15:35", Phase.AUCTION_MATCH),
                ("15:50", "16:00", Phase.POST_CLOSE),
            ),
        ),
    ),
    "derivatives": (
        Regime(_DAWN, "NSE, BSE market timings", (("09:15", "15:30", Phase.OPEN),)),
        Regime(
            date(2025, 12, 8),
            "pre-open for futures since Dec 2025, CONTRACT 6.1",
            (_PRE_OPEN, ("09:15", "15:30", Phase.OPEN)),
        ),
        Regime(date(2026, 8, 3), "NSE FAOP74467; BSE 20260801-2", (_PRE_OPEN, ("09:15", "15:40", Phase.OPEN))),
    ),
    "currency": (Regime(_DAWN, "Zerodha support; CONTRACT 6.1", (("09:00", "17:00", Phase.OPEN),)),),
    "commodity": (
        Regime(_DAWN, "Zerodha support; CONTRACT 6.1: non-agricultural, winter", (("09:00", "23:55", Phase.OPEN),)),
    ),
}

SUMMER_CLOSE: Final = "23:30"
"""When commodities close while New York has summer time.  Source: NSE COM72699; CONTRACT 6.1."""

EVENING: Final = "17:00"
"""Where MCX's morning session ends and its evening session begins."""

EXCHANGES: Final = ("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO")
"""Those that take orders."""

_GROUPS: Final = {
    "NFO": "derivatives",
    "BFO": "derivatives",
    "CDS": "currency",
    "BCD": "currency",
    "MCX": "commodity",
    "NCO": "commodity",
}
"""Everything else trades as shares do, the indices included."""


def holidays_known(exchange: str, day: date) -> bool:
    """Whether the exchange's own list of that year was found; `about` says what is followed where it was not."""
    return day.year in years_known(_group(exchange))


def session_on(
    exchange: str, day: date, *, has_derivatives: bool = False, rules_of: date | None = None
) -> TradingDay | None:
    """The exchange's trading day, or None when it does not trade.

    `has_derivatives` asks for a cash stock with a closing auction; `rules_of` applies another date's plan to the day.
    MCX is non-agricultural commodities.
    """
    times = _times(exchange, day, has_derivatives, rules_of or day)
    if not times:
        return None
    spans = tuple(Span(_at(day, start), _at(day, end), phase) for start, end, phase in times)
    return TradingDay(exchange, day, spans)


def phase(exchange: str, at: datetime, *, has_derivatives: bool = False) -> Phase:
    """What the exchange is doing at that moment, in words for the status bar."""
    local = at.astimezone(IST).date()
    today = session_on(exchange, local, has_derivatives=has_derivatives)
    if today is None and times_unknown(exchange, local):
        return Phase.UNKNOWN
    if today is None:
        return Phase.WEEKEND if local.weekday() >= 5 else Phase.HOLIDAY
    return next((span.phase for span in today.phases if span.start <= at < span.end), Phase.CLOSED)


def is_open(exchange: str, at: datetime, *, has_derivatives: bool = False) -> bool:
    """Whether it trades continuously at that moment: not in the pre-open, an auction, or after the close."""
    return phase(exchange, at, has_derivatives=has_derivatives) is Phase.OPEN


def next_open(exchange: str, at: datetime) -> datetime:
    """When continuous trading next begins after `at`, aware UTC."""
    day = at.astimezone(IST).date()
    while True:
        today = session_on(exchange, day)
        starts = [span.start for span in today.phases if span.phase is Phase.OPEN] if today else []
        later = [start for start in starts if start > at]
        if later:
            return later[0]
        day += timedelta(days=1)


def closing_time(exchange: str, at: datetime, *, has_derivatives: bool = False) -> datetime | None:
    """When today's continuous trading ends, aware UTC; None when the exchange does not trade at that moment."""
    today = session_on(exchange, at.astimezone(IST).date(), has_derivatives=has_derivatives)
    if today is None or not is_open(exchange, at, has_derivatives=has_derivatives):
        return None
    return today.close


def times_unknown(exchange: str, day: date) -> bool:
    """Whether it trades that day at times that were not known when this was released."""
    special = SPECIALS.get(day)
    return special is not None and special.hours_of(exchange, _group(exchange)) == ()


def about(exchange: str, day: date) -> str:
    """Why the exchange's day is as it is: regular, half, special or closed, and what is not known about it."""
    group, special = _group(exchange), SPECIALS.get(day)
    if special is not None and special.concerns(exchange, group):
        return special.why
    if day.weekday() >= 5:
        return Phase.WEEKEND.value
    holiday = _holidays(group).get(day)
    if group == "commodity" and (half := _half_day(day)):
        return half
    return f"closed: {holiday.name}" if holiday else f"regular{_doubt(exchange, day)}"


def _doubt(exchange: str, day: date) -> str:
    if holidays_known(exchange, day):
        return ""
    if day.year not in years_known("cash"):
        return f"; the holidays of {day.year} are not known to this release"
    return f"; {exchange}'s own list of {day.year} was not found, the rule of its other years is followed"


def _half_day(day: date) -> str:
    holiday = HOLIDAYS.get(day)
    if holiday is not None and not holiday.commodities_shut:
        return f"half day: evening session only ({holiday.name})"
    return f"half day: morning session only ({new_year(day)})" if new_year(day) else ""


def _holidays(group: str) -> Mapping[date, Holiday]:
    return CURRENCY_HOLIDAYS if group == "currency" else HOLIDAYS


def _group(exchange: str) -> str:
    return _GROUPS.get(exchange, "cash")


def _times(exchange: str, day: date, has_derivatives: bool, rules_of: date) -> Times:
    """The day's phases; none when it does not trade, or at times that are not known."""
    group, special = _group(exchange), SPECIALS.get(day)
    hours = special.hours_of(exchange, group) if special else None
    if special is not None and hours is not None:
        return _special_times(special, hours, with_auctions=group == "cash")
    as_usual = special is not None and group in special.as_usual
    if not as_usual and (day.weekday() >= 5 or _closed(group, day)):
        return ()
    if group == "commodity":
        return _commodity_times(day)
    return _regime("cash with derivatives" if group == "cash" and has_derivatives else group, rules_of)


def _special_times(special: Special, hours: Hours, *, with_auctions: bool) -> Times:
    parts = [(start, end, Phase.OPEN) for start, end in hours]
    if with_auctions:
        parts += [(start, end, Phase.PRE_OPEN) for start, end in special.pre_open]
        parts += [(start, end, Phase.POST_CLOSE) for start, end in special.post_close]
    return tuple(sorted(parts))


def _closed(group: str, day: date) -> bool:
    holiday = _holidays(group).get(day)
    return holiday is not None and (group != "commodity" or holiday.commodities_shut)


def _regime(name: str, on: date) -> Times:
    rows = REGIMES[name]
    return next((row.times for row in reversed(rows) if row.since <= on), rows[0].times)


def _commodity_times(day: date) -> Times:
    ((start, winter_close, phase_),) = _regime("commodity", day)
    end = SUMMER_CLOSE if _new_york_summer(day) else winter_close
    if day in HOLIDAYS:
        start = EVENING
    if new_year(day):
        end = EVENING
    return ((start, end, phase_),)


def _new_york_summer(day: date) -> bool:
    """From the second Sunday of March to the first of November, a rule of US law since 2007."""
    return _sunday(day.year, 3, 8) <= day < _sunday(day.year, 11, 1)


def _sunday(year: int, month: int, earliest: int) -> date:
    first = date(year, month, earliest)
    return first + timedelta(days=6 - first.weekday())


def _at(day: date, text: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(text), IST).astimezone(UTC)
