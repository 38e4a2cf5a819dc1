"""Trading days against what real bars show, and the status words."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.calendar import (
    EXCHANGES,
    Phase,
    about,
    closing_time,
    holidays_known,
    is_open,
    next_open,
    phase,
    session_on,
    times_unknown,
)
from alphapanda_desktop.domain.session import IST


def at(text: str) -> datetime:
    """Aware UTC of an IST time."""
    return datetime.fromisoformat(f"{text}+05:30").astimezone(UTC)


def span(exchange: str, day: str, *, has_derivatives: bool = False) -> str:
    session = session_on(exchange, date.fromisoformat(day), has_derivatives=has_derivatives)
    if session is None:
        return "shut"
    return "-".join(t.astimezone(IST).strftime("%H:%M") for t in (session.open, session.close))


@pytest.mark.parametrize(
    ("exchange", "day", "hours"),
    [
        ("NSE", "2026-11-23", "09:15-15:30"),
        ("NSE", "2026-11-24", "shut"),
        ("NSE", "2026-11-22", "shut"),
        ("BSE", "2026-02-01", "09:15-15:30"),
        ("NSE", "2025-10-21", "13:45-14:45"),
        ("NFO", "2026-07-31", "09:15-15:30"),
        ("NFO", "2026-08-03", "09:15-15:40"),
        ("BFO", "2026-08-03", "09:15-15:40"),
        ("CDS", "2026-11-23", "09:00-17:00"),
        ("CDS", "2026-02-01", "shut"),
        ("CDS", "2026-02-19", "shut"),
        ("BCD", "2026-08-26", "shut"),
        ("CDS", "2025-09-05", "09:00-17:00"),
        ("CDS", "2025-09-08", "shut"),
        ("CDS", "2024-04-09", "shut"),
        ("NSE", "2024-04-09", "09:15-15:30"),
        ("CDS", "2024-01-20", "shut"),
        ("CDS", "2021-02-24", "09:00-17:00"),
        ("CDS", "2023-03-22", "shut"),
        ("CDS", "2021-04-01", "shut"),
        ("CDS", "2025-10-21", "13:45-14:45"),
        ("NFO", "2024-01-20", "09:15-15:30"),
        ("BFO", "2026-02-01", "09:15-15:30"),
        ("BSE", "2021-02-24", "09:15-17:00"),
        ("NFO", "2021-02-24", "09:15-17:00"),
        ("MCX", "2026-07-01", "09:00-23:30"),
        ("MCX", "2026-11-23", "09:00-23:55"),
        ("MCX", "2026-03-06", "09:00-23:55"),
        ("MCX", "2026-03-09", "09:00-23:30"),
        ("MCX", "2026-10-30", "09:00-23:30"),
        ("MCX", "2026-11-02", "09:00-23:55"),
        ("MCX", "2026-11-24", "17:00-23:55"),
        ("MCX", "2026-01-01", "09:00-17:00"),
        ("MCX", "2026-12-25", "shut"),
        ("MCX", "2026-02-01", "09:00-17:00"),
        ("NCO", "2025-02-01", "09:00-17:00"),
        ("NCO", "2026-01-15", "17:00-23:55"),
        ("MCX", "2024-03-02", "shut"),
        ("MCX", "2024-11-01", "18:00-19:00"),
        ("MCX", "2025-10-22", "17:00-23:30"),
        ("MCX", "2025-10-02", "shut"),
    ],
)
def test_hours_of_a_day(exchange: str, day: str, hours: str) -> None:
    assert span(exchange, day) == hours


def test_stocks_with_derivatives_close_by_auction_since_3_august_2026() -> None:
    assert span("NSE", "2026-07-31", has_derivatives=True) == "09:15-15:30"
    assert span("NSE", "2026-08-03", has_derivatives=True) == "09:15-15:15"
    seen = [phase("NSE", at(f"2026-11-23T{t}"), has_derivatives=True) for t in ("15:16", "15:21", "15:26", "15:31")]
    assert seen == [Phase.AUCTION_WAIT, Phase.AUCTION_ENTRY, Phase.AUCTION_LIMIT, Phase.AUCTION_MATCH]
    assert phase("NSE", at("2026-11-23T15:16")) is Phase.OPEN


@pytest.mark.parametrize(
    ("time", "words"),
    [
        ("2026-11-23T08:59", "closed"),
        ("2026-11-23T09:05", "pre-open"),
        ("2026-11-23T09:15", "open"),
        ("2026-11-23T15:29:59", "open"),
        ("2026-11-23T15:30", "closed"),
        ("2026-11-23T15:45", "post-close"),
        ("2026-11-24T11:00", "closed: holiday"),
        ("2026-11-22T11:00", "closed: weekend"),
    ],
)
def test_words_for_the_status_bar(time: str, words: str) -> None:
    assert phase("NSE", at(time)) == words


def test_the_pre_open_does_not_count_as_open() -> None:
    assert not is_open("NSE", at("2026-11-23T09:05"))
    assert closing_time("NSE", at("2026-11-23T09:05")) is None


def test_independence_day_does_not_count_as_open() -> None:
    assert not is_open("NSE", at("2025-08-15T11:00"))


def test_the_next_open_is_at_a_quarter_past_nine_ist_and_not_at_an_odd_offset() -> None:
    assert next_open("NSE", at("2026-11-23T16:00")) == at("2026-11-25T09:15")
    assert next_open("NSE", at("2026-11-23T09:14:59")) == at("2026-11-23T09:15")
    assert next_open("NSE", at("2026-11-23T09:15")) == at("2026-11-25T09:15")
    assert next_open("MCX", at("2026-11-24T01:00")) == at("2026-11-24T17:00")
    assert next_open("NSE", at("2024-03-02T10:30")) == at("2024-03-02T11:30")


def test_between_two_sessions_of_one_day_the_market_is_closed() -> None:
    assert phase("NSE", at("2024-03-02T10:30")) is Phase.CLOSED
    assert closing_time("NSE", at("2024-03-02T09:30")) == at("2024-03-02T12:30")


def test_another_dates_rules_can_be_asked_for() -> None:
    day, before = date(2026, 11, 23), date(2026, 7, 31)
    old = session_on("NFO", day, rules_of=before)
    assert old is not None
    assert old.close == at("2026-11-23T15:30")


def test_candles_are_counted_from_the_open() -> None:
    opens = {exchange: session_on(exchange, date(2026, 11, 23)) for exchange in ("NSE", "NFO", "MCX", "CDS")}
    assert {k: v.open_s for k, v in opens.items() if v} == {"NSE": 33_300, "NFO": 33_300, "MCX": 32_400, "CDS": 32_400}


def test_a_year_without_a_list_says_so() -> None:
    assert holidays_known("NSE", date(2026, 12, 31))
    assert not holidays_known("NSE", date(2027, 1, 1))
    assert not holidays_known("MCX", date(2025, 1, 1))
    assert holidays_known("NCO", date(2022, 1, 3))
    assert not holidays_known("CDS", date(2022, 1, 3))
    assert span("NSE", "2027-01-04") == "09:15-15:30"


@given(
    st.sampled_from(["NSE", "NFO", "CDS", "MCX"]),
    st.integers(0, 7 * 365 * 86_400),
)
def test_the_next_open_is_later_and_opens(exchange: str, second: int) -> None:
    now = datetime(2021, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    opens = next_open(exchange, now)
    assert now < opens < now + timedelta(days=10)
    assert is_open(exchange, opens)
    assert not is_open(exchange, opens - timedelta(seconds=1))


def test_every_day_with_real_bars_is_a_trading_day_and_no_other(real_data: Path) -> None:
    with (real_data / "calendars" / "nse_observed_sessions_5min.csv").open() as lines:
        seen = {date.fromisoformat(row["date"]): row for row in csv.DictReader(lines)}
    first, last = min(seen), date(2025, 12, 19)
    days = [first + timedelta(days=k) for k in range((last - first).days + 1)]
    days += [date(2026, 1, 28) + timedelta(days=k) for k in range((max(seen) - date(2026, 1, 28)).days + 1)]
    planned = {day for day in days if session_on("NSE", day)}
    assert planned == {day for day in seen if day in set(days)}
    for day, row in seen.items():
        session = session_on("NSE", day)
        assert session is not None
        opened, last_bar = (datetime.combine(day, time.fromisoformat(row[k]), IST) for k in ("first", "last_bar_start"))
        assert session.open == opened, day
        assert last_bar < session.close <= last_bar + timedelta(minutes=5), day


def test_the_tables_hold_what_the_circulars_say(real_data: Path) -> None:
    facts = json.loads((real_data / "calendars" / "holidays_sessions.json").read_text())
    specials = {row["date"] for row in facts["nse_special_sessions"] if row["observed"]}
    for days in facts["nse_full_day_holidays_weekday"].values():
        assert all((span("NSE", day) == "shut") is (day not in specials) for day in days)
    assert all(span("NSE", day) != "shut" for day in specials)
    mcx = facts["mcx_2026"]
    assert {span("MCX", day) for day in mcx["both_closed"]} == {"shut"}
    assert {span("MCX", day)[:5] for day in mcx["morning_closed_evening_open"]} == {"17:00"}
    assert {span("MCX", day)[6:] for day in mcx["morning_open_evening_closed"]} == {"17:00"}
    listed = {day for days in mcx.values() if isinstance(days, list) for day in days}
    year = [date(2026, 1, 1) + timedelta(days=k) for k in range(365)]
    unusual = {str(day) for day in year if not about("MCX", day).startswith(("regular", "closed: weekend", "special"))}
    assert unusual == listed


@pytest.mark.parametrize(
    ("exchange", "day", "why"),
    [
        ("NSE", "2026-11-23", "regular"),
        ("NSE", "2026-11-24", "closed: Guru Nanak Jayanti"),
        ("NSE", "2026-11-22", "closed: weekend"),
        ("NSE", "2025-10-21", "special: Muhurat trading (Diwali)"),
        ("CDS", "2025-10-21", "special: Muhurat trading (Diwali)"),
        ("NSE", "2026-02-01", "special: Union Budget"),
        ("CDS", "2026-02-01", "closed: weekend"),
        ("MCX", "2026-02-01", "special: Union Budget"),
        ("NFO", "2021-02-24", "special: outage at NSE, trading extended to 17:00"),
        ("CDS", "2026-04-01", "closed: annual bank closing"),
        ("MCX", "2026-11-24", "half day: evening session only (Guru Nanak Jayanti)"),
        ("MCX", "2026-01-01", "half day: morning session only (New Year's Day)"),
        ("MCX", "2026-10-02", "closed: Gandhi Jayanti"),
        ("NSE", "2020-02-01", "special: Union Budget"),
        ("NSE", "2020-11-16", "closed: Diwali Balipratipada"),
        ("NSE", "2019-12-31", "regular; the holidays of 2019 are not known to this release"),
        ("NSE", "2027-01-04", "regular; the holidays of 2027 are not known to this release"),
        (
            "MCX",
            "2025-10-20",
            "regular; MCX's own list of 2025 was not found, the rule of its other years is followed",
        ),
    ],
)
def test_why_a_day_is_as_it_is(exchange: str, day: str, why: str) -> None:
    assert about(exchange, date.fromisoformat(day)) == why


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_session_whose_times_are_not_known_is_not_told_as_closed(exchange: str) -> None:
    day = date(2026, 11, 8)
    assert session_on(exchange, day) is None
    assert times_unknown(exchange, day)
    assert phase(exchange, at("2026-11-08T18:30")) is Phase.UNKNOWN
    assert about(exchange, day) == "special: Muhurat trading (Diwali); its times were not known when this was released"
    assert not times_unknown(exchange, date(2026, 11, 7))


def test_shares_have_a_pre_open_before_a_special_session_and_the_rest_has_none() -> None:
    shares, futures = (session_on(exchange, date(2025, 10, 21)) for exchange in ("NSE", "NFO"))
    assert shares
    assert futures
    assert [span.phase for span in shares.phases] == [Phase.PRE_OPEN, Phase.OPEN, Phase.POST_CLOSE]
    assert [span.phase for span in futures.phases] == [Phase.OPEN]
    assert shares.phases[0].start == at("2025-10-21T13:30")


def test_the_phases_of_a_day_follow_one_another_without_overlap() -> None:
    days = [date(2020, 1, 1) + timedelta(days=k) for k in range(7 * 365)]
    for exchange in EXCHANGES:
        for day in days:
            for derivatives in (False, True):
                session = session_on(exchange, day, has_derivatives=derivatives)
                spans = session.phases if session else ()
                assert all(span.start < span.end for span in spans)
                assert all(one.end <= next_.start for one, next_ in pairwise(spans)), (exchange, day)


@pytest.mark.parametrize(("year", "count"), [(2023, 19), (2024, 22), (2026, 20)])
def test_currency_rests_on_as_many_weekdays_as_was_announced(year: int, count: int) -> None:
    """Each year's list had 19; 22 Jan, 20 May and 20 Nov 2024 and 15 Jan 2026 were added later."""
    days = [date(year, 1, 1) + timedelta(days=k) for k in range(365)]
    closed = [day for day in days if day.weekday() < 5 and not about("CDS", day).startswith("regular")]
    assert len(closed) == count


def test_futures_and_shares_trade_on_the_same_days() -> None:
    days = [date(2020, 1, 1) + timedelta(days=k) for k in range(7 * 365)]
    for other in ("BSE", "NFO", "BFO"):
        assert all((session_on("NSE", day) is None) == (session_on(other, day) is None) for day in days)
