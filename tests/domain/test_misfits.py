"""Values that a model refuses: each complaint names the value and what can be."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alphapanda_desktop.domain.misfits import misfits_of
from alphapanda_desktop.strategies import SHIPPED


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("ma_cross", {"fast": 900}, "fast: 900 given, at most 500 can be"),
        ("ma_cross", {"cool_down": -1}, "cool_down: -1 given, at least 0 can be"),
        ("ma_cross", {"slow": "abc"}, "slow: 'abc' given, a whole number is expected"),
        ("ma_cross", {"lots": 1.5}, "lots: 1.5 given, a whole number is expected"),
        ("ma_cross", {"allow_short": "perhaps"}, "allow_short: 'perhaps' given, yes or no is expected"),
        ("ma_cross", {"pace": 1}, "pace: there is no such parameter; there are: fast, slow"),
        ("rsi", {"enter_on": "x"}, "enter_on: 'x' given, it can be 'return' or 'breach'"),
        ("ma_cross", {"fast": 30, "slow": 10}, "fast average of 30 bars must be shorter than the slow one of 10 bars"),
    ],
)
def test_a_refused_value_is_told_with_what_can_be(name: str, values: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SHIPPED[name].Params.model_validate(values)
    (only,) = misfits_of(refused.value, ["fast", "slow"])
    assert str(only) == told


def test_a_value_of_any_length_is_told_in_a_line() -> None:
    with pytest.raises(ValidationError) as refused:
        SHIPPED["rsi"].Params.model_validate({"rsi_period": "9" * 6_000, "oversold": [1] * 10_000})
    assert max(len(str(one)) for one in misfits_of(refused.value)) < 150
