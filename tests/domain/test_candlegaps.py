"""What lacks in candles, by hand and in years of real ones."""

from __future__ import annotations

from datetime import date, datetime, time
from pathlib import Path

import numpy as np

from alphapanda_desktop.domain.candlegaps import Hole, Missing, missing_of
from alphapanda_desktop.domain.session import IST
from tests.domain.parquet_columns import read_parquet

LATE = 4e9


def at(day: date, clock: str) -> int:
    return int(datetime.combine(day, time.fromisoformat(clock), IST).timestamp())


def minutes(day: date) -> np.ndarray:
    return at(day, "09:15") + 60 * np.arange(375, dtype=np.int64)


def test_a_whole_session_lacks_nothing():
    day = date(2024, 6, 4)
    assert not missing_of("NSE", 60, minutes(day), day, day, until_s=LATE)


def test_minutes_without_a_trade_are_holes_by_their_length():
    day = date(2024, 6, 4)
    starts = np.delete(minutes(day), [10, 11, 12, 200])
    found = missing_of("NSE", 60, starts, day, day, until_s=LATE)
    assert found.holes == (Hole(at(day, "09:25"), at(day, "09:28"), 3), Hole(at(day, "12:35"), at(day, "12:36"), 1))
    assert found.bars == 4


def test_what_is_before_the_first_candle_is_one_line_and_not_years_of_days():
    day = date(2024, 6, 4)
    found = missing_of("NSE", 60, minutes(day), date(2015, 1, 1), day, until_s=LATE)
    assert found.begins == day and not found.days
    assert found.lines() == ["There is nothing before 04 Jun 2024."]


def test_a_holiday_and_a_day_that_has_not_ended_lack_nothing():
    monday, tuesday = date(2024, 6, 17), date(2024, 6, 18)  # the Monday was Bakri Id
    friday = minutes(date(2024, 6, 14))
    found = missing_of("NSE", 60, friday, date(2024, 6, 14), tuesday, until_s=at(tuesday, "12:00"))
    assert monday not in found.days and not found


def test_a_weekday_of_a_year_without_a_known_calendar_may_be_a_holiday():
    day = date(2012, 3, 6)
    found = missing_of("NSE", 60, minutes(date(2012, 3, 5)), date(2012, 3, 5), day, until_s=LATE)
    assert found.doubtful == (day,) and "may be holidays" in found.lines()[0]


def test_a_closing_auction_is_no_hole():
    day = date(2026, 9, 1)
    until_close = minutes(day)[:360]
    assert not missing_of("NSE", 60, until_close, day, day, until_s=LATE, has_derivatives=True)
    assert missing_of("NSE", 60, until_close, day, day, until_s=LATE).bars == 15


def of_file(path: Path, seconds: int, units_a_second: int) -> Missing:
    starts = np.unique(read_parquet(path)["ts"] // units_a_second)
    first, last = (datetime.fromtimestamp(int(start_s), IST).date() for start_s in (starts[0], starts[-1]))
    return missing_of("NSE", seconds, starts, first, last, until_s=LATE)


def test_five_years_of_real_candles_lack_nothing_that_the_calendar_expects(real_data: Path):
    assert not of_file(real_data / "candles" / "index_NIFTY_5min_2020-12_2025-12.parquet", 300, 10**9)


def test_sessions_that_a_real_file_lacks_are_named(real_data: Path):
    found = of_file(real_data / "candles" / "index_NIFTY_1min_2024-01_2024-08.parquet", 60, 10**6)
    print("\n".join(found.lines()))
    assert len(found.days) == 5
