"""Indicators against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.indicators import atr, ema, rsi, sma

Prices = st.lists(st.floats(1, 10_000), max_size=60)


@given(Prices, st.integers(1, 30))
def test_sma_is_the_mean_of_the_last_prices(prices: list[float], period: int) -> None:
    got = sma(prices, period)
    assert len(got) == len(prices)
    for k, value in enumerate(got):
        if k + 1 < period:
            assert np.isnan(value)
        else:
            assert value == pytest.approx(np.mean(prices[k + 1 - period : k + 1]))


@given(Prices, st.integers(1, 30))
def test_ema_follows_its_recursion(prices: list[float], period: int) -> None:
    got = ema(prices, period)
    assert np.isnan(got[: period - 1]).all()
    for k in range(period, len(prices)):
        weight = 2 / (period + 1)
        assert got[k] == pytest.approx(weight * prices[k] + (1 - weight) * got[k - 1])


@given(Prices, st.integers(2, 30))
def test_rsi_lies_between_0_and_100(prices: list[float], period: int) -> None:
    got = rsi(prices, period)
    assert len(got) == len(prices)
    known = got[~np.isnan(got)]
    assert ((known >= 0) & (known <= 100)).all()
    assert len(known) == max(0, len(prices) - period)


def test_rsi_of_a_rise_is_100_and_of_a_fall_0() -> None:
    rise = np.arange(1.0, 30.0)
    assert (rsi(rise)[-1], rsi(rise[::-1])[-1]) == (100, 0)


def test_atr_of_bars_of_equal_range_is_that_range() -> None:
    close = np.full(40, 100.0)
    assert atr(close + 1.5, close - 0.5, close, 14)[-1] == pytest.approx(2)
    assert np.isnan(atr(close + 1, close - 1, close, 14)[:14]).all()


def test_whole_numbers_and_parts_of_arrays_are_taken() -> None:
    columns = np.arange(12).reshape(6, 2)
    assert sma(columns[:, 0], 2).tolist()[1:] == [1, 3, 5, 7, 9]
    assert sma([], 5).size == rsi([], 5).size == 0


def test_one_is_no_period_for_rsi() -> None:
    with pytest.raises(Exception, match="Bad Parameter"):
        rsi([1.0, 2.0, 3.0], 1)
