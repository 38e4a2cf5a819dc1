"""How fresh a price is: by its instrument's own habit, not by one figure for all."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.freshness import (
    GRADES,
    LEARNT_AFTER,
    LONGEST_OLD_S,
    SHORTEST_OLD_S,
    UNTIL_LEARNT_S,
    Grade,
    Kept,
    Pulse,
)

INFY = 3
"""Its row."""


def ticking(gap_s: float, times: int = 40, start_s: float = 0.0) -> tuple[Pulse, float]:
    """A pulse that has learnt this gap, and the time of its last tick."""
    pulse, at_s = Pulse(), start_s
    for _ in range(times):
        pulse.beat(np.array([INFY]), at_s, since_s=start_s)
        at_s += gap_s
    return pulse, at_s - gap_s


@pytest.mark.parametrize(
    ("gap_s", "fresh_s", "late_s", "stale_s"),
    [
        (0.5, 1.9, 2.1, 5.1),  # never stale before SHORTEST_OLD_S
        (2.0, 7.9, 8.1, 20.1),
        (25.0, 99.0, 101.0, 251.0),
        (120.0, 119.0, 121.0, 301.0),  # an illiquid name; never later than LONGEST_OLD_S
    ],
)
def test_silence_is_judged_by_the_usual_gap(gap_s: float, fresh_s: float, late_s: float, stale_s: float) -> None:
    pulse, last_s = ticking(gap_s)
    assert pulse.usual_gap_s(INFY) == pytest.approx(gap_s)
    assert pulse.grade(INFY, last_s + fresh_s, since_s=0.0) is Grade.FRESH
    assert pulse.grade(INFY, last_s + late_s, since_s=0.0) is Grade.LATE
    assert pulse.grade(INFY, last_s + stale_s, since_s=0.0) is Grade.STALE


def test_until_the_gap_is_learnt_one_figure_counts() -> None:
    pulse, last_s = ticking(0.5, times=LEARNT_AFTER)
    assert pulse.usual_gap_s(INFY) is None
    assert pulse.grade(INFY, last_s + UNTIL_LEARNT_S, since_s=0.0) is Grade.LATE
    assert pulse.grade(INFY, last_s + UNTIL_LEARNT_S + 0.1, since_s=0.0) is Grade.STALE
    pulse.beat(np.array([INFY]), last_s + 0.5, since_s=0.0)
    assert pulse.usual_gap_s(INFY) == pytest.approx(0.5)


def test_what_never_ticked_is_not_stale_but_unknown() -> None:
    assert Pulse().grade(INFY, 1e9, since_s=0.0) is Grade.NEVER
    assert Pulse().last_s(INFY) is None


def test_a_price_from_before_the_link_is_stale_and_the_outage_is_no_habit() -> None:
    pulse, last_s = ticking(1.0)
    back_s = last_s + 600.0
    assert pulse.grade(INFY, last_s + 0.5, since_s=last_s + 0.1) is Grade.STALE
    pulse.beat(np.array([INFY]), back_s, since_s=back_s - 1.0)
    assert pulse.usual_gap_s(INFY) == pytest.approx(1.0)
    assert pulse.grade(INFY, back_s, since_s=back_s - 1.0) is Grade.FRESH


def test_one_long_pause_hardly_changes_what_is_usual_and_a_new_habit_is_learnt() -> None:
    pulse, last_s = ticking(1.0)
    pulse.beat(np.array([INFY]), last_s + 3_600.0, since_s=0.0)
    usual_s = pulse.usual_gap_s(INFY)
    assert usual_s is not None
    assert 1.0 < usual_s < 1.5
    at_s = last_s + 3_600.0
    for _ in range(100):
        at_s += 10.0
        pulse.beat(np.array([INFY]), at_s, since_s=0.0)
    assert pulse.usual_gap_s(INFY) == pytest.approx(10.0, rel=0.05)


@pytest.mark.parametrize("before", [0, 1, 5])
def test_a_pause_while_the_gap_is_being_learnt_is_no_habit(before: int) -> None:
    pulse, at_s = Pulse(), 0.0
    for tick in range(before + LEARNT_AFTER + 8):
        at_s += 900.0 if tick == before + 1 else 1.0
        pulse.beat(np.array([INFY]), at_s, since_s=0.0)
    usual_s = pulse.usual_gap_s(INFY)
    assert usual_s is not None and usual_s < 2.0


def test_two_quick_ticks_at_first_do_not_make_a_quiet_name_look_dead() -> None:
    pulse, at_s = Pulse(), 0.0
    for tick in range(LEARNT_AFTER + 3):
        at_s += 0.1 if tick < 2 else 60.0
        pulse.beat(np.array([INFY]), at_s, since_s=0.0)
    assert pulse.grade(INFY, at_s + 61.0, since_s=0.0) is Grade.FRESH


def test_time_without_a_subscription_is_no_habit_and_what_was_known_before_it_is_stale() -> None:
    pulse, at_s = ticking(1.0)
    pulse.subscribed(np.array([INFY]), at_s + 2.0)
    assert pulse.grade(INFY, at_s + 2.1, since_s=0.0) is Grade.STALE
    pulse.beat(np.array([INFY]), at_s + 7_200.0, since_s=0.0)
    assert pulse.usual_gap_s(INFY) == pytest.approx(1.0)
    assert pulse.grade(INFY, at_s + 7_200.0, since_s=0.0) is Grade.FRESH


@given(st.lists(st.tuples(st.integers(0, 3_000), st.integers(-200, 100)), max_size=30))
def test_what_was_kept_is_told_of_many_as_of_one(ticks: list[tuple[int, int]]) -> None:
    one, many = Kept(), Kept()
    for kept in (one, many):
        kept.linked(10_000.0)
        kept.subscribed(np.array([1, 2_000]), 10_100.0)
    for row, seconds in ticks:
        at_s = 10_000 + seconds
        assert one.was(row, at_s) is bool(many.were(np.array([row]), np.array([at_s])).item())


def test_ticks_of_one_frame_do_not_make_every_later_gap_unheard_of() -> None:
    pulse, at_s = ticking(0.0)
    for _ in range(200):
        at_s += 3.0
        pulse.beat(np.array([INFY]), at_s, since_s=0.0)
    assert pulse.usual_gap_s(INFY) == pytest.approx(3.0, rel=0.05)


@given(st.lists(st.floats(0.0, 5_000.0), min_size=1, max_size=60))
def test_the_limits_stay_within_their_bounds_whatever_came(gaps: list[float]) -> None:
    pulse, at_s = Pulse(), 0.0
    for gap_s in gaps:
        at_s += gap_s
        pulse.beat(np.array([INFY]), at_s, since_s=0.0)
    late_s, old_s = pulse.limits_s(INFY)
    assert 0 < late_s < old_s
    assert SHORTEST_OLD_S <= old_s <= LONGEST_OLD_S
    usual_s = pulse.usual_gap_s(INFY)
    assert usual_s is None or min(gaps[1:]) - 1e-6 <= usual_s <= max(gaps[1:]) + 1e-6


def test_a_row_far_beyond_those_that_ticked_has_never_ticked() -> None:
    pulse = Pulse()
    far = np.array([5_000])
    assert GRADES[pulse.grades(far, 1.0, since_s=0.0).item()] is Grade.NEVER
    assert Pulse().ages_s(far, 1.0).item() == np.inf
