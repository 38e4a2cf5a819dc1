"""The rule strategies that come with the program: none sees the future, and other bars give other fills."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Setup, backtest
from alphapanda_desktop.backtest.scrutiny import scrutinised, shuffled
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.strategies import SHIPPED
from tests.backtest.history import INFY, a_series, flat, walk

LIVELY: dict[str, dict[str, object]] = {
    "ma_cross": {"fast": 3, "slow": 8, "cool_down": 0},
    "momentum": {"lookback": 4, "threshold": 0.05, "cool_down": 0},
    "mean_reversion": {"lookback": 10, "bollinger_std": 1.0, "rsi_period": 5, "cool_down": 0},
    "rsi": {"rsi_period": 5, "cool_down": 0},
    "opening_range": {},
    "low_frequency_demo": {},
}
RULES = pytest.mark.parametrize("name", LIVELY)


def setup(name: str, count: int = 420, **more: Any) -> Setup:
    kind = SHIPPED[name]
    params = kind.Params.model_validate(LIVELY[name])
    return Setup(**{"strategy": kind, "params": params, "series": [walk(count, 7)]} | more)


@RULES
def test_a_shipped_rule_is_believed(name: str) -> None:
    trace, findings = scrutinised(setup(name))
    assert trace.orders(), "a strategy that asked for nothing was not checked"
    assert [finding.check for finding in findings[:2]] == ["same twice", "look-ahead"]
    assert not [finding for finding in findings if finding.severe]
    settled = [finding.text for finding in findings if finding.check == "warm-up"]
    assert all(text.startswith(("the same wherever it begins", "nothing to compare")) for text in settled), settled


@RULES
def test_bars_shifted_by_one_give_other_fills(name: str) -> None:
    series = walk(1_500, 7)
    prices = ("open", "high", "low", "close")
    shifted = replace(series, **{each: np.roll(getattr(series, each), -1) for each in prices})[:-1]
    here, there = (backtest(setup(name, series=[each])).executions for each in (series[:-1], shifted))
    assert len(here) > 1
    assert [fill.price for fill in here] != [fill.price for fill in there]


def test_instruments_played_together_are_cut_together() -> None:
    other = replace(INFY, instrument_token=779521, tradingsymbol="SBIN")
    both = [walk(400, 7), walk(400, 8, instrument=other)]
    trace, findings = scrutinised(setup("ma_cross", series=both, cash=1e8))
    assert {act.told.partition(",")[0] for act in trace.orders()} == {"NSE:INFY", "NSE:SBIN"}
    assert not [finding for finding in findings if finding.severe]


def test_shuffled_bars_are_bars_of_the_same_times_and_moves() -> None:
    series = walk(500, 3)
    other = shuffled(series).checked()
    assert np.array_equal(other.start_s, series.start_s) and not np.array_equal(other.close, series.close)
    assert np.allclose(other.close / INFY.tick_size, np.round(other.close / INFY.tick_size))
    assert other.close[-1] == pytest.approx(series.close[-1], rel=0.01)
    assert np.array_equal(shuffled(series).close, other.close)


def test_one_bar_is_nothing_to_check() -> None:
    with pytest.raises(BadData, match="two bars at least"):
        scrutinised(setup("ma_cross", series=[a_series(*flat(1))]))
