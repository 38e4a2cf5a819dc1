"""Shedding: the chart goes first, then depth, then tables, and comes back with patience."""

from __future__ import annotations

import itertools

from alphapanda_desktop.trading.shedding import (
    LAG_NS,
    LEVELS,
    LOOKS_DOWN,
    LOOKS_UP,
    MOST_LOOKS_UP,
    SHARE,
    Kind,
    Shedding,
)

LATE, CALM = LAG_NS * 3, LAG_NS / 10


def look(shedding: Shedding, times: int, lag_ns: float = 0.0, share: float = 0.0) -> None:
    for _ in range(times):
        shedding.look(lag_ns, share)


def test_the_chart_falls_first_to_30_15_and_5_then_depth_then_tables() -> None:
    seen = []
    shedding = Shedding(lambda: seen.append(tuple(shedding.level.hz(kind) for kind in Kind)))
    look(shedding, 100, LATE)
    assert seen[:3] == [(30, 30, 30), (15, 30, 30), (5, 30, 30)]
    assert seen[3:] == [(5, 10, 30), (5, 5, 30), (5, 5, 10), (5, 5, 5)]
    assert shedding.depth == len(LEVELS) - 1 and shedding.steps == 7


def test_each_level_draws_nothing_more_often_than_the_one_before() -> None:
    for upper, lower in itertools.pairwise(LEVELS):
        assert all(lower.every(kind) >= upper.every(kind) for kind in Kind)
        assert lower != upper
    assert {level.hz(kind) for level in LEVELS for kind in Kind} <= {60, 30, 15, 10, 5}


def test_too_long_frames_shed_as_a_late_loop_does() -> None:
    shedding = Shedding()
    look(shedding, LOOKS_DOWN, CALM, SHARE + 0.1)
    assert shedding.level.hz(Kind.CHART) == 30


def test_one_long_stall_sheds_nothing() -> None:
    shedding = Shedding()
    for _ in range(20):
        look(shedding, LOOKS_DOWN - 1, LATE)
        look(shedding, 1, CALM)
    assert shedding.depth == 0


def test_it_recovers_a_step_at_a_time_only_after_a_calm() -> None:
    shedding = Shedding()
    look(shedding, 2 * LOOKS_DOWN, LATE)
    assert shedding.depth == 2
    look(shedding, LOOKS_UP - 1, CALM)
    assert shedding.depth == 2
    look(shedding, 1, CALM)
    assert shedding.depth == 1
    look(shedding, LOOKS_UP, CALM)
    assert shedding.depth == 0


def test_between_calm_and_busy_it_stays_where_it_is() -> None:
    shedding = Shedding()
    look(shedding, LOOKS_DOWN, LATE)
    look(shedding, 500, LAG_NS * 0.8, SHARE * 0.4)
    look(shedding, 500, CALM, SHARE * 0.8)
    assert shedding.depth == 1


def test_a_load_that_fits_only_when_shed_is_tried_ever_more_rarely() -> None:
    shedding = Shedding()
    steps = []
    for _ in range(2_000):  # too much at full rate, calm below it
        shedding.look(LATE if shedding.depth == 0 else CALM, 0.0)
        steps.append(shedding.steps)
    tries_early, tries_late = steps[200] - steps[0], steps[-1] - steps[-201]
    assert tries_late <= 200 // MOST_LOOKS_UP + 1 < tries_early


def test_words_say_what_is_drawn_less_often() -> None:
    shedding = Shedding()
    assert shedding.words() == ""
    look(shedding, 2 * LOOKS_DOWN, LATE)
    assert shedding.words() == "chart 15/s"
    look(shedding, 10 * LOOKS_DOWN, LATE)
    assert shedding.words() == "chart 5/s, depth 5/s, table 5/s"


def test_a_loop_that_is_late_for_other_reasons_than_drawing_draws_everything_again() -> None:
    shedding = Shedding()
    look(shedding, 40, LATE, SHARE + 0.1)
    assert shedding.depth == len(LEVELS) - 1
    look(shedding, len(LEVELS) * MOST_LOOKS_UP, LAG_NS * 0.8, SHARE / 10)
    assert shedding.depth == 0
