"""When each exchange trades: sessions with effective dates, holidays, special sessions.

There is no calendar endpoint, so this is data that each release brings up to date: `holidays_known` says how far.
Times in the tables are IST; everything handed out is aware UTC.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

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

_NSE_HOLIDAYS: Final = {
    2024: "01-22 01-26 03-08 03-25 03-29 04-11 04-17 05-01 05-20 06-17 07-17 08-15 10-02 11-01 11-15 11-20 12-25",
    2025: "02-26 03-14 03-31 04-10 04-14 04-18 05-01 08-15 08-27 10-02 10-21 10-22 11-05 12-25",
    2026: "01-15 01-26 03-03 03-26 03-31 04-03 04-14 05-01 05-28 06-26 09-14 10-02 10-20 11-10 11-24 12-25",
}
"""Weekdays without NSE and BSE trading.  Source: exchange lists equal to the days with real bars (2024, 2025); NSE
circular CMTR71775 and 15 Jan by FAOP72262 (2026). Currency is taken to follow them: its own list was not found."""

_MCX_SHUT: Final = {2026: "01-26 04-03 10-02 12-25"}
_MCX_EVENING_ONLY: Final = {2026: "01-15 03-03 03-26 03-31 04-14 05-01 05-28 06-26 09-14 10-20 11-10 11-24"}
_MCX_MORNING_ONLY: Final = {2026: "01-01"}
"""Source: lists published 30 Dec 2025 that agree with one another; 15 Jan by NSE COM72263."""

_SPECIAL: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "2021-02-24": (("09:15", "10:10"), ("15:45", "17:00")),
    "2021-11-04": (("18:15", "19:15"),),
    "2022-10-24": (("18:15", "19:15"),),
    "2023-11-12": (("18:15", "19:15"),),
    "2024-01-20": (("09:15", "15:30"),),
    "2024-03-02": (("09:15", "10:00"), ("11:30", "12:30")),
    "2024-05-18": (("09:15", "10:00"), ("11:30", "12:30")),
    "2024-11-01": (("18:00", "19:00"),),
    "2025-02-01": (("09:15", "15:30"),),
    "2025-10-21": (("13:45", "14:45"),),
    "2026-02-01": (("09:15", "15:30"),),
}
"""NSE and BSE outside the plan (outage, Muhurat, drills, Budget), as real bars show them. Muhurat of 8 Nov 2026 is
absent: its times were not published when this was written."""


def _days(table: dict[int, str]) -> frozenset[date]:
    return frozenset(date.fromisoformat(f"{year}-{day}") for year, days in table.items() for day in days.split())


NSE_HOLIDAYS: Final = _days(_NSE_HOLIDAYS)
MCX_SHUT: Final = _days(_MCX_SHUT)
MCX_EVENING_ONLY: Final = _days(_MCX_EVENING_ONLY)
MCX_MORNING_ONLY: Final = _days(_MCX_MORNING_ONLY)
SPECIAL: Final = {date.fromisoformat(day): times for day, times in _SPECIAL.items()}


def holidays_known(exchange: str, day: date) -> bool:
    """Whether the tables hold that year's holidays; where they do not, every weekday counts as a trading day."""
    return day.year in (_MCX_SHUT if _group(exchange) == "commodity" else _NSE_HOLIDAYS)


def session_on(
    exchange: str, day: date, *, has_derivatives: bool = False, rules_of: date | None = None
) -> TradingDay | None:
    """The exchange's trading day, or None when it does not trade.

    `has_derivatives` asks for a cash stock with a closing auction; `rules_of` applies another date's plan to the day.
    MCX is non-agricultural commodities.
    """
    group = _group(exchange)
    times = _times(group, day, has_derivatives, rules_of or day)
    if times is None:
        return None
    spans = tuple(Span(_at(day, start), _at(day, end), phase) for start, end, phase in times)
    return TradingDay(exchange, day, spans)


def phase(exchange: str, at: datetime, *, has_derivatives: bool = False) -> Phase:
    """What the exchange is doing at that moment, in words for the status bar."""
    local = at.astimezone(IST).date()
    today = session_on(exchange, local, has_derivatives=has_derivatives)
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


def _group(exchange: str) -> str:
    if exchange in ("NFO", "BFO"):
        return "derivatives"
    if exchange in ("CDS", "BCD"):
        return "currency"
    return "commodity" if exchange in ("MCX", "NCO") else "cash"


def _times(group: str, day: date, has_derivatives: bool, rules_of: date) -> Times | None:
    if group == "commodity":
        return _commodity_times(day)
    if group != "currency" and day in SPECIAL:
        return tuple((start, end, Phase.OPEN) for start, end in SPECIAL[day])
    if day.weekday() >= 5 or day in NSE_HOLIDAYS:
        return None
    return _regime("cash with derivatives" if group == "cash" and has_derivatives else group, rules_of)


def _regime(name: str, on: date) -> Times:
    rows = REGIMES[name]
    return next((row.times for row in reversed(rows) if row.since <= on), rows[0].times)


def _commodity_times(day: date) -> Times | None:
    if day.weekday() >= 5 or day in MCX_SHUT:
        return None
    ((start, winter_close, phase_),) = _regime("commodity", day)
    end = SUMMER_CLOSE if _new_york_summer(day) else winter_close
    if day in MCX_EVENING_ONLY:
        start = EVENING
    if day in MCX_MORNING_ONLY:
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
