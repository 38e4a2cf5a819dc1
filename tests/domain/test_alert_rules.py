"""Alerts' rules: when a value has crossed, what is refused in words, and how facts fold into a book."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.alerts import (
    AlertFact,
    Crossing,
    Direction,
    Folded,
    Kind,
    Rule,
    problem,
    rule_of,
    words_of,
)

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
PRICE = Rule(kind=Kind.PRICE, key="NSE:INFY", direction="above", level=1500.0)


@pytest.mark.parametrize(
    ("direction", "side", "values", "fires_at"),
    [
        ("above", -1, [99, 100, 101], [1]),
        ("above", 0, [101], [0]),  # nobody looked while it crossed
        ("above", 1, [101, 102, 99, 101], [3]),  # armed beyond the line: it has to come back first
        ("below", 1, [101, 100, 99], [1]),
        ("below", 0, [99], [0]),
        ("either", 0, [99, 101, 99], [1, 2]),
        ("either", 0, [101, 100, 99], [1]),  # reached is crossed
        ("either", 0, [100, 101], []),  # on the line at first: which side it came from is unknown
        ("above", -1, [100, 100, 100], [0]),
        ("above", -1, [float("nan"), 99, 101], [2]),
    ],
)
def test_a_line_is_crossed_once_from_the_right_side(
    direction: Direction, side: int, values: list[float], fires_at: list[int]
) -> None:
    crossing = Crossing(100.0, direction, side)
    assert [place for place, value in enumerate(values) if crossing.take(value)] == fires_at


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, ""),
        ({"level": 0.0}, "more than 0"),
        ({"level": float("nan")}, "no number"),
        ({"key": ""}, "needs an instrument"),
        ({"kind": Kind.MOVE, "level": 101.0}, "up to 100"),
        ({"kind": Kind.INDICATOR, "level": 70.0, "indicator": "magic"}, "'magic'"),
        ({"kind": Kind.INDICATOR, "level": 70.0, "period": 1}, "2 to 400"),
        ({"kind": Kind.INDICATOR, "level": 70.0, "interval": "7minute"}, "'7minute'"),
        ({"kind": Kind.ORDER, "key": "", "event": "lost"}, "'lost'"),
        ({"kind": Kind.ORDER, "key": "", "event": "rejected"}, ""),
        ({"kind": Kind.SESSION, "key": "", "event": "login", "level": 601.0}, "0 to 600"),
        ({"kind": Kind.SESSION, "key": "", "event": "NYSE", "level": 5.0}, "'NYSE'"),
        ({"kind": Kind.FEED, "key": "", "level": 0.5}, "1 to 3600"),
        ({"kind": Kind.PNL, "key": "", "level": -5000.0}, ""),
    ],
)
def test_a_rule_that_can_tell_nobody_anything_is_named_with_its_value(change: dict[str, Any], said: str) -> None:
    rule = Rule(**{**{name: getattr(PRICE, name) for name in ("kind", "key", "direction", "level")}, **change})
    found = problem(rule)
    assert said in found
    assert bool(found) is bool(said)


@pytest.mark.parametrize("kind", list(Kind))
def test_every_kind_of_rule_has_words_and_comes_back_from_its_json(kind: Kind) -> None:
    rule = Rule(kind=kind, key="NSE:INFY", level=5.0, event="filled", note="n", repeat=True)
    assert rule_of({**rule.as_json(), "of a later program": 1}) == rule
    assert len(words_of(rule)) > 8


def test_facts_fold_into_what_is_armed_and_what_was_seen() -> None:
    later = AT + timedelta(seconds=5)
    folded = Folded(firings_kept=2)
    for fact in (
        AlertFact("1", "set", AT, {"rule": PRICE.as_json(), "side": -1}),
        AlertFact("2", "set", AT, {"rule": PRICE.as_json()}),
        AlertFact("1", "fired", later, {"firing": "1", "text": "there", "side": 1}),
        AlertFact("1", "seen", later, {"firing": "1"}),
        AlertFact("2", "removed", later),
        AlertFact("2", "fired", later, {"firing": "9", "text": "too late"}),
        AlertFact("1", "of a later program", later),
    ):
        folded.take(fact)
    assert list(folded.alerts) == ["1"]
    assert (folded.alerts["1"].armed, folded.alerts["1"].side, folded.alerts["1"].fired_at) == (False, 1, later)
    assert [(f.text, f.seen_at) for f in folded.firings.values()] == [("there", later)]
    assert folded.last_number == 2
    folded.take(AlertFact("1", "armed", later, {"side": 1}))
    assert (folded.alerts["1"].armed, folded.alerts["1"].armed_at) == (True, later)
