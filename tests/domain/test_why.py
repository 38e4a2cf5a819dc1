"""A cause survives JSON unchanged, whatever a strategy shows, and says "unknown" where nothing was known."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.risk import RuleResult
from alphapanda_desktop.domain.why import Cause, market_facts, shown, tick_facts
from tests.fakes import a_tick

FULL = a_tick(100.0, at_s=1_795_415_400, volume=7, bids=[(99.95, 5)], asks=[(100.05, 3)], close=98.0)

words = st.text(max_size=8)
facts = st.none() | st.dictionaries(words, st.integers() | st.floats(allow_nan=False) | words, min_size=1, max_size=3)
causes = st.builds(
    Cause, tick=facts, bar=facts, values=st.dictionaries(words, st.integers() | words, max_size=3), reason=words,
    rules=st.lists(st.builds(RuleResult, words, st.booleans(), words, words, words), max_size=3).map(tuple),
    market=facts,
)  # fmt: skip


@given(causes)
def test_a_cause_is_the_same_after_json(cause: Cause) -> None:
    assert Cause.of_json(json.loads(json.dumps(cause.as_json()))) == cause


def test_a_cause_of_a_later_program_is_read_as_far_as_it_is_known() -> None:
    told = {"reason": "x", "weather": "fine", "rules": [{"rule": "lot", "passed": True, "colour": "red"}]}
    assert Cause.of_json(told) == Cause(reason="x", rules=(RuleResult("lot", True, "", ""),))


def test_a_tick_is_told_under_kites_names_without_what_it_does_not_carry() -> None:
    told = tick_facts(FULL)
    assert (told["last_price"], told["volume_traded"], told["bid"], told["ask"]) == (100.0, 7, 99.95, 100.05)
    assert told["exchange_timestamp"] == "2026-11-23T06:30:00+00:00" and told["ohlc"] == [100.0, 100.0, 100.0, 98.0]
    assert tick_facts(Tick(1, Mode.LTP, 5.0)) == {"last_price": 5.0}
    json.dumps(told)


def test_a_side_of_the_book_that_is_empty_has_no_price() -> None:
    told = market_facts(a_tick(100.0, bids=[(99.95, 5)]), 0)
    assert (told["bid"], told["ask"]) == (99.95, None)


@pytest.mark.parametrize(
    ("tick", "age_s"), [(a_tick(5.0, at_s=10), 2.5), (a_tick(5.0), None), (Tick(1, Mode.LTP, 5.0, 12_000_000_000), 0.5)]
)
def test_the_age_of_a_price_counts_from_when_it_was_heard(tick: Tick, age_s: float | None) -> None:
    assert market_facts(tick, 12_500_000_000)["age_s"] == age_s


@pytest.mark.parametrize(
    ("value", "told"),
    [(np.float64(1.5), 1.5), (np.int64(7), 7), (True, "True"), (float("nan"), "nan"), ("up", "up"), ([1], "[1]")],
)
def test_what_a_strategy_shows_is_told_as_number_or_text(value: Any, told: object) -> None:
    (said,) = shown({"x": value}).values()
    assert said == told and type(said) is type(told)
