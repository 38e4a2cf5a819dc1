"""Longer bars made as their parts come are those made at once, whatever is missing in between."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.barbuilder import Hours
from alphapanda_desktop.domain.lengths import Lengths, longer
from alphapanda_desktop.domain.market import Bar, BarSize, Interval, Period
from alphapanda_desktop.domain.wishes import opens_s_of
from tests.fakes import an_instrument

OPEN_S = 1_717_386_300
"""09:15 IST of Monday, 3 June 2024."""

DAY_S = 86_400
NSE = Hours("NSE")


def session(day: int, count: int = 375) -> list[Bar]:
    """A day of minutes, each a rupee above the last."""
    starts = [OPEN_S + day * DAY_S + 60 * minute for minute in range(count)]
    return [Bar(start_s, 100 + k, 101 + k, 99 + k, 100 + k, 10) for k, start_s in enumerate(starts)]


def grown(bars: Sequence[Bar], period: Period, steps: Sequence[int], hours: Hours | None = NSE) -> list[Bar]:
    """Asked again and again while so many more bars close each time."""
    known: list[Bar] = []
    lengths = Lengths(lambda count: known if count is None else known[-count:], Interval.MINUTE, hours=hours)
    for step in steps:
        known.extend(bars[len(known) : len(known) + step])
        lengths.of(period, 3)
    known.extend(bars[len(known) :])
    return list(lengths.of(period))


@given(
    st.lists(st.integers(0, 2 * 375 - 1), unique=True, max_size=300),
    st.lists(st.integers(1, 90), max_size=12),
    st.sampled_from([Interval.MINUTE_5, Interval.MINUTE_15, Interval.MINUTE_60, BarSize(120), Interval.DAY]),
    st.booleans(),
)
def test_made_as_they_come_they_are_those_made_at_once(
    missing: list[int], steps: list[int], period: Period, real: bool
) -> None:
    whole, hours = session(0) + session(1), NSE if real else None
    bars = [bar for number, bar in enumerate(whole) if number not in set(missing)]
    made = grown(bars, period, steps, hours)
    assert made == longer(bars, Interval.MINUTE, period, hours=hours)
    assert all(bar.closed for bar in made) and [bar.start_s for bar in made] == sorted({bar.start_s for bar in made})
    inside = [b for bar in made for b in bars if bar.start_s <= b.start_s < bar.start_s + period.seconds]
    assert sum(bar.volume for bar in made) == 10 * len(inside)


def test_the_last_bar_of_a_session_ends_with_it() -> None:
    hours = longer(session(0), Interval.MINUTE, Interval.MINUTE_60, hours=NSE)
    assert [(bar.start_s - OPEN_S) // 60 for bar in hours] == [0, 60, 120, 180, 240, 300, 360]
    assert (hours[-1].open, hours[-1].close, hours[-1].volume) == (460, 474, 150)
    assert len(longer(session(0)[:-1], Interval.MINUTE, Interval.MINUTE_60, hours=NSE)) == 6


def test_a_day_is_over_when_the_next_one_begins_and_a_first_one_that_began_late_is_left_out() -> None:
    bars = session(0)[5:] + session(1) + session(2)[:1]
    (day,) = longer(bars, Interval.MINUTE, Interval.DAY, hours=NSE)
    assert (day.open, day.close, day.high, day.low) == (100, 474, 475, 99)
    assert len(longer(session(0) + session(1)[:1], Interval.MINUTE, Interval.DAY, hours=NSE)) == 1


def test_history_that_was_mended_is_made_anew() -> None:
    known = session(0)[:30]
    lengths = Lengths(lambda count: known if count is None else known[-count:], Interval.MINUTE, hours=NSE)
    assert lengths.of(Interval.MINUTE_15, 1)[0].high == 130
    known[20] = known[20]._replace(high=999.0)
    assert lengths.of(Interval.MINUTE_15, 1, version=1)[0].high == 999


def test_its_own_length_is_its_own_bars_and_what_does_not_fit_is_refused() -> None:
    known = session(0)[:7]
    lengths = Lengths(lambda count: known if count is None else known[-count:], Interval.MINUTE)
    assert lengths.of(Interval.MINUTE, 2) == known[-2:] and lengths.of(BarSize(60)) == known
    for wrong in (BarSize(90), BarSize(30)):
        with pytest.raises(ValueError, match="cannot be made of bars of 1m"):
            lengths.of(wrong)


def test_commodities_count_from_nine() -> None:
    assert opens_s_of(an_instrument("GOLDM26DECFUT", exchange="MCX", kind="FUT")) == 9 * 3600
    assert opens_s_of(an_instrument()) == 9 * 3600 + 15 * 60
