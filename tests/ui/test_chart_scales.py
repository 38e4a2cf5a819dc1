from __future__ import annotations

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.ui.chart.scales import LABEL_PX, log_marks, percent_marks, price_marks, time_marks
from tests.ui.fakes_market import walk

NOW = int(datetime(2026, 11, 23, 12, 0, tzinfo=IST).timestamp())


def times_of(interval: Interval, days: int) -> np.ndarray:
    return np.array([bar.start_s for bar in walk(NOW, interval, 1500.0, days)], np.float64)


@pytest.mark.parametrize(
    ("low", "high", "marks"),
    [
        (90.0, 1_100.0, [100.0, 150.0, 200.0, 300.0, 500.0, 700.0, 1_000.0]),
        (1.5, 20_000.0, [3.0, 10.0, 30.0, 100.0, 300.0, 1_000.0, 3_000.0, 10_000.0]),
        (1_392.0, 1_417.0, [1395.0, 1400.0, 1405.0, 1410.0, 1415.0]),
    ],
)
def test_log_marks_are_round_and_thin_out_with_the_range(low: float, high: float, marks: list[float]) -> None:
    assert log_marks(low, high, 6, 0.05).tolist() == marks


def test_a_range_below_zero_has_even_marks_on_any_scale() -> None:
    assert log_marks(-5.0, 5.0, 5, 0.05).tolist() == price_marks(-5.0, 5.0, 5, 0.05).tolist()


def test_per_cent_marks_are_round_from_their_base() -> None:
    assert percent_marks(95.0, 111.0, 4, 100.0).tolist() == pytest.approx([95.0, 100.0, 105.0, 110.0])
    assert percent_marks(95.0, 111.0, 4, 0.0).size == 0


@given(st.floats(0.01, 1e6), st.floats(0.05, 1e5), st.integers(1, 20))
def test_price_marks_are_round_even_and_inside(low: float, span: float, count: int) -> None:
    marks = price_marks(low, low + span, count, 0.05)
    assert marks.size <= count + 1
    assert all(low - 1e-6 <= mark <= low + span + 1e-6 for mark in marks)
    if marks.size > 2:
        assert np.allclose(np.diff(marks), np.diff(marks)[0])


def test_price_marks_are_what_a_person_would_choose() -> None:
    assert price_marks(1392.0, 1417.0, 6, 0.05).tolist() == [1395.0, 1400.0, 1405.0, 1410.0, 1415.0]
    assert price_marks(85.1, 85.3, 5, 0.0025).tolist() == pytest.approx([85.1, 85.15, 85.2, 85.25, 85.3])


def test_there_are_no_marks_where_there_is_no_range() -> None:
    assert price_marks(5.0, 5.0, 5, 0.05).size == 0
    assert price_marks(float("nan"), 5.0, 5, 0.05).size == 0


@pytest.mark.parametrize("interval", list(Interval))
@pytest.mark.parametrize("px", [0.3, 2.0, 8.0, 40.0])
def test_time_labels_never_touch(interval: Interval, px: float) -> None:
    marks = time_marks(times_of(interval, 5 if interval.seconds < 3600 else 300), 0, px)
    gaps = np.diff([mark.x for mark in marks]) * px
    assert np.all(gaps >= LABEL_PX - 1e-6)


def test_a_new_day_is_marked_with_its_date_and_hours_with_their_time() -> None:
    times = times_of(Interval.MINUTE_5, 3)
    marks = time_marks(times, 0, 8.0)
    days = [mark for mark in marks if mark.major]
    assert [mark.text for mark in days] == ["18 Nov", "19 Nov", "20 Nov", "23 Nov"]
    for mark in days:
        assert datetime.fromtimestamp(times[int(mark.x)], IST).strftime("%H:%M") == "09:15"
    assert {mark.text for mark in marks if not mark.major} >= {"12:00", "14:00"}


def test_day_bars_are_marked_by_month_and_year() -> None:
    times = times_of(Interval.DAY, 220)
    texts = [mark.text for mark in time_marks(times, 0, 8.0) if mark.major]
    assert texts[-3:] == ["Sep", "Oct", "Nov"]
    assert "2026" in texts


def test_ticks_are_marked_by_the_second_when_they_are_few() -> None:
    times = np.arange(NOW + 1, NOW + 60, 1.0)
    assert {mark.text for mark in time_marks(times, 100, 10.0)} == {"12:00:15", "12:00:30", "12:00:45"}
    assert time_marks(times, 100, 10.0)[0].x == 114


def test_a_tick_a_little_after_the_hour_marks_the_hour_and_a_bar_after_a_gap_its_own_time() -> None:
    ticks = np.arange(NOW - 4_000, NOW + 4_000, 7.0) + 1.5
    assert {mark.text for mark in time_marks(ticks, 0, 1.0)} >= {"11:00", "12:00", "13:00"}
    bars = np.array([NOW + 60 * k for k in (*range(-60, 0), *range(18, 90))], np.float64)
    assert "12:18" in {mark.text for mark in time_marks(bars, 0, 8.0)}
