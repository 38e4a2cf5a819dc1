"""The exchanges' holidays and special sessions as data: brought up to date with each release, for no call tells them.

A year that is not in the tables is one whose holidays are not known, not one without holidays: see `years_known`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

_LISTS: Final[dict[int, str]] = {
    2020: """02-21 Mahashivratri; 03-10 Holi; 04-02 Ram Navami; 04-06 Mahavir Jayanti; 04-10! Good Friday;
        04-14 Ambedkar Jayanti; 05-01 Maharashtra Day; 05-25 Id-Ul-Fitr; 10-02! Gandhi Jayanti;
        11-16 Diwali Balipratipada; 11-30 Guru Nanak Jayanti; 12-25! Christmas""",
    2021: """01-26! Republic Day; 03-11 Mahashivratri; 03-29 Holi; 04-02! Good Friday; 04-14 Ambedkar Jayanti;
        04-21 Ram Navami; 05-13 Id-Ul-Fitr; 07-21 Bakri Id; 08-19 Muharram; 09-10 Ganesh Chaturthi; 10-15 Dussehra;
        11-04! Diwali Laxmi Pujan; 11-05 Diwali Balipratipada; 11-19 Guru Nanak Jayanti""",
    2022: """01-26! Republic Day; 03-01 Mahashivratri; 03-18 Holi; 04-14 Ambedkar Jayanti; 04-15! Good Friday;
        05-03 Id-Ul-Fitr; 08-09 Muharram; 08-15! Independence Day; 08-31 Ganesh Chaturthi; 10-05 Dussehra;
        10-24! Diwali Laxmi Pujan; 10-26 Diwali Balipratipada; 11-08 Guru Nanak Jayanti""",
    2023: """01-26! Republic Day; 03-07 Holi; 03-30 Ram Navami; 04-04 Mahavir Jayanti; 04-07! Good Friday;
        04-14 Ambedkar Jayanti; 05-01 Maharashtra Day; 06-29 Bakri Id; 08-15! Independence Day;
        09-19 Ganesh Chaturthi; 10-02! Gandhi Jayanti; 10-24 Dussehra; 11-14 Diwali Balipratipada;
        11-27 Guru Nanak Jayanti; 12-25! Christmas""",
    2024: """01-22 public holiday, Ram temple; 01-26! Republic Day; 03-08 Mahashivratri; 03-25 Holi;
        03-29! Good Friday; 04-11 Id-Ul-Fitr; 04-17 Ram Navami; 05-01 Maharashtra Day; 05-20 general election;
        06-17 Bakri Id; 07-17 Muharram; 08-15! Independence Day; 10-02! Gandhi Jayanti; 11-01! Diwali Laxmi Pujan;
        11-15 Guru Nanak Jayanti; 11-20 Maharashtra election; 12-25! Christmas""",
    2025: """02-26 Mahashivratri; 03-14 Holi; 03-31 Id-Ul-Fitr; 04-10 Mahavir Jayanti; 04-14 Ambedkar Jayanti;
        04-18! Good Friday; 05-01 Maharashtra Day; 08-15! Independence Day; 08-27 Ganesh Chaturthi;
        10-02! Gandhi Jayanti; 10-21! Diwali Laxmi Pujan; 10-22 Diwali Balipratipada; 11-05 Guru Nanak Jayanti;
        12-25! Christmas""",
    2026: """01-15 municipal elections; 01-26! Republic Day; 03-03 Holi; 03-26 Ram Navami; 03-31 Mahavir Jayanti;
        04-03! Good Friday; 04-14 Ambedkar Jayanti; 05-01 Maharashtra Day; 05-28 Bakri Id; 06-26 Muharram;
        09-14 Ganesh Chaturthi; 10-02! Gandhi Jayanti; 10-20 Dussehra; 11-10 Diwali Balipratipada;
        11-24 Guru Nanak Jayanti; 12-25! Christmas""",
}
"""Weekdays without NSE and BSE trading. On those with "!" commodities rest all day, on the others only until the
evening.  Source: BSE's list (2020); days without real bars from 21 Dec 2020 to 19 Dec 2025, names from the exchanges'
lists; NSE CMTR71775 and, for 15 Jan, FAOP72262 and COM72263 (2026)."""

_CURRENCY_TOO: Final[dict[int, str]] = {
    2021: """02-19 Shivaji Jayanti; 04-01 annual bank closing; 04-13 Gudhi Padwa; 05-26 Buddha Pournima;
        08-16 Parsi New Year; 10-19 Id-E-Milad""",
    2022: """02-07 mourning for Lata Mangeshkar; 04-01 annual bank closing; 05-16 Buddha Pournima;
        08-16 Parsi New Year""",
    2023: "03-22 Gudhi Padwa; 05-05 Buddha Pournima; 08-16 Parsi New Year; 09-29 Id-E-Milad",
    2024: """02-19 Shivaji Jayanti; 04-01 annual bank closing; 04-09 Gudhi Padwa; 05-23 Buddha Pournima;
        09-18 Id-E-Milad""",
    2025: "02-19 Shivaji Jayanti; 04-01 annual bank closing; 05-12 Buddha Pournima; 09-08 Id-E-Milad",
    2026: "02-19 Shivaji Jayanti; 03-19 Gudhi Padwa; 04-01 annual bank closing; 08-26 Id-E-Milad",
}
"""Days on which banks rest and so currency does too.  Source: the exchanges' currency lists of 2024 and 2025, NSE
CD70038 (8 instead of 5 Sep 2025), RBI's notice (18 instead of 16 Sep 2024), BSE 20251223-12 (2026); 22 Mar and the
count of 19 weekdays as announced (2023). 1 Apr 2021 as announced, the rest of 2021 and 2022 is general knowledge."""

_NEW_YEAR: Final = "New Year's Day"
"""On this weekday commodities trade until the evening only.  Source: MCX and BSE lists of 2020, 2021
and 2026; NSE COM50562."""

Hours = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Holiday:
    """A day without regular trading, and what commodities do on it."""

    name: str
    commodities_shut: bool


@dataclass(frozen=True, slots=True)
class Special:
    """A day outside the plan, for the exchanges or groups it names; every other keeps its usual day.

    `as_usual` groups trade by a weekday's plan; no hours at all are hours that are not known. `pre_open` and
    `post_close` are for shares.
    """

    why: str
    as_usual: tuple[str, ...] = ()
    hours: dict[str, Hours] | None = None
    pre_open: Hours = ()
    post_close: Hours = ()

    def hours_of(self, exchange: str, group: str) -> Hours | None:
        """The exchange's trading hours, None where it keeps its usual day or plan."""
        hours = self.hours or {}
        return hours.get(exchange, hours.get(group))

    def concerns(self, exchange: str, group: str) -> bool:
        """Whether that exchange's day is another than usual."""
        return group in self.as_usual or self.hours_of(exchange, group) is not None


ALL_GROUPS: Final = ("cash", "derivatives", "currency", "commodity")
_SHARES: Final = ("cash", "derivatives")


def _muhurat(start: str, end: str, pre_open: Hours = (), post_close: Hours = ()) -> Special:
    return Special(
        "special: Muhurat trading (Diwali)",
        hours=dict.fromkeys(ALL_GROUPS, ((start, end),)),
        pre_open=pre_open,
        post_close=post_close,
    )


def _drill() -> Special:
    parts = (("09:15", "10:00"), ("11:30", "12:30"))
    return Special(
        "special: drill of the disaster recovery site",
        hours=dict.fromkeys(_SHARES, parts),
        pre_open=(("09:00", "09:15"), ("11:15", "11:30")),
    )


_BUDGET: Final = Special("special: Union Budget", as_usual=_SHARES, hours={"commodity": (("09:00", "17:00"),)})
_EVENING: Final = (("18:00", "18:15"),), (("19:25", "19:35"),)

SPECIALS: Final[dict[date, Special]] = {
    date(2020, 2, 1): Special("special: Union Budget", as_usual=_SHARES),
    date(2020, 11, 14): _muhurat("18:15", "19:15", (("18:00", "18:15"),)),
    date(2021, 2, 24): Special(
        "special: outage at NSE, trading extended to 17:00",
        hours={
            **dict.fromkeys(("NSE", "NFO"), (("09:15", "10:10"), ("15:45", "17:00"))),
            **dict.fromkeys(("BSE", "BFO"), (("09:15", "17:00"),)),
        },
        pre_open=(("09:00", "09:15"),),
    ),
    date(2021, 11, 4): _muhurat("18:15", "19:15", *_EVENING),
    date(2022, 10, 24): _muhurat("18:15", "19:15", *_EVENING),
    date(2023, 11, 12): _muhurat("18:15", "19:15", *_EVENING),
    date(2024, 1, 20): Special("special: Saturday session in place of 22 Jan", as_usual=_SHARES),
    date(2024, 3, 2): _drill(),
    date(2024, 5, 18): _drill(),
    date(2024, 11, 1): _muhurat("18:00", "19:00", (("17:45", "18:00"),)),
    date(2025, 2, 1): _BUDGET,
    date(2025, 10, 21): _muhurat("13:45", "14:45", (("13:30", "13:45"),), (("14:55", "15:05"),)),
    date(2026, 2, 1): _BUDGET,
    date(2026, 11, 8): Special(
        "special: Muhurat trading (Diwali); its times were not known when this was released",
        hours=dict.fromkeys(ALL_GROUPS, ()),
    ),
}
"""Source: news of the exchanges' circulars (2020); NSE's hours as real bars show them since. Pre-open, post-close,
currency and commodities as the exchanges announced them (4 Nov 2021, 24 Oct 2022, 12 Nov 2023, 1 Nov 2024, 21 Oct
2025); MCX and NSE for 1 Feb 2025 and 2026; BSE 20251223-12 for 8 Nov 2026."""


def _parsed(lists: dict[int, str]) -> dict[date, Holiday]:
    days: dict[date, Holiday] = {}
    for year, text in lists.items():
        for entry in text.split(";"):
            day, name = entry.split(maxsplit=1)
            days[date.fromisoformat(f"{year}-{day.rstrip('!')}")] = Holiday(name, day.endswith("!"))
    return days


HOLIDAYS: Final = _parsed(_LISTS)
CURRENCY_HOLIDAYS: Final = HOLIDAYS | _parsed(_CURRENCY_TOO)

_YEARS: Final[dict[str, tuple[int, ...]]] = {
    "cash": tuple(range(2020, 2027)),
    "derivatives": tuple(range(2020, 2027)),
    "currency": (2023, 2024, 2025, 2026),
    "commodity": (2021, 2022, 2026),
}
"""Source for commodities: the exchanges' lists of 2021 and 2022 (NSE COM50562) and MCX's of 2026 follow the rule of
the "!", and so the other years are taken to do."""


def years_known(group: str) -> tuple[int, ...]:
    """The years whose own list of holidays was found and agrees with the tables."""
    return _YEARS[group]


def new_year(day: date) -> str:
    """The name of New Year's Day on that day, else nothing."""
    return _NEW_YEAR if (day.month, day.day) == (1, 1) else ""
