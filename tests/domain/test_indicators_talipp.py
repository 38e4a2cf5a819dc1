"""Our indicators against talipp's, which are written by others in another way: one bar at a time, no TA-Lib."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain import indicators as ours
from alphapanda_desktop.domain.anyindicator import indicator
from alphapanda_desktop.domain.streams import Stream, rolled

theirs = pytest.importorskip("talipp.indicators", reason="talipp is not installed: bring .venv up to requirements.lock")
ohlcv = pytest.importorskip("talipp.ohlcv", reason="talipp is not installed: bring .venv up to requirements.lock")

PRICES = st.integers(0, 10_000).map(
    lambda seed: (100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.01, 120)))).tolist()
)


def agree(got: Any, wanted: Iterable[Any], lines: Callable[[Any], Any] = lambda value: value) -> None:
    """The values that both have, to nine figures; and each has one where the other has."""
    rows = np.atleast_2d(np.asarray(got))
    for place, value in enumerate(wanted):
        mine = rows[:, place]
        if value is None:
            assert np.isnan(mine).any()
        else:
            np.testing.assert_allclose(mine, np.atleast_1d(lines(value)), rtol=1e-9, atol=1e-9)


@settings(max_examples=15)
@given(PRICES, st.integers(2, 20))
def test_averages_and_rsi(prices: list[float], period: int) -> None:
    agree(ours.sma(prices, period), theirs.SMA(period, prices))
    agree(ours.ema(prices, period), theirs.EMA(period, prices))
    agree(ours.rsi(prices, period), theirs.RSI(period, prices))


@settings(max_examples=15)
@given(PRICES, st.integers(2, 20))
def test_bands(prices: list[float], period: int) -> None:
    agree(ours.bollinger(prices, period, 2.0), theirs.BB(period, 2, prices), lambda v: (v.ub, v.cb, v.lb))


@settings(max_examples=15)
@given(PRICES, st.integers(2, 14))
def test_average_true_range(prices: list[float], period: int) -> None:
    close = np.asarray(prices)
    high, low = close * 1.01, close * 0.985
    rows = zip(close.tolist(), high.tolist(), low.tolist(), close.tolist(), strict=True)
    bars = [ohlcv.OHLCV(*row) for row in rows]
    got = ours.atr(high, low, close, period)
    settled = slice(20 * period, None)  # talipp counts the first bar's range, TA-Lib begins with the second bar
    wanted = [np.nan if value is None else value for value in theirs.ATR(period, bars)]
    np.testing.assert_allclose(got[settled], np.asarray(wanted)[settled], rtol=1e-6)


@settings(max_examples=10)
@given(PRICES)
def test_a_stream_and_its_forming_bar_follow_theirs(prices: list[float]) -> None:
    window = len(prices)
    stream, other = Stream(lambda p: ours.rsi(p, 9), window), theirs.RSI(9)
    for price in prices:
        other.add(price * 1.01)
        forming = stream.peek(price * 1.01)
        assert (other[-1] is None and np.isnan(forming)) or forming == pytest.approx(other[-1], rel=1e-9)
        other.update(price)
        closed = stream.add(price)
        assert (other[-1] is None and np.isnan(closed)) or closed == pytest.approx(other[-1], rel=1e-9)
    assert rolled(lambda p: ours.rsi(p, 9), window, prices)[-1] == pytest.approx(other[-1], rel=1e-9)


@settings(max_examples=15)
@given(PRICES, st.integers(3, 15))
def test_functions_by_name(prices: list[float], period: int) -> None:
    close, dice = np.array(prices), np.random.default_rng(len(prices))
    high, low = close * (1 + 0.01 * dice.random(len(close))), close * (1 - 0.01 * dice.random(len(close)))
    volume = dice.integers(1, 999, len(close)).astype(float)
    bars = ohlcv.OHLCVFactory.from_matrix2([each.tolist() for each in (close, high, low, close, volume)])
    for name in ("WMA", "DEMA", "TEMA", "ROC"):
        agree(indicator(name, timeperiod=period)(close), getattr(theirs, name)(period, prices))
    agree(indicator("KAMA", timeperiod=period)(close), theirs.KAMA(period, 2, 30, prices))
    agree(indicator("CCI", timeperiod=period)(high, low, close), theirs.CCI(period, input_values=bars))
    agree(indicator("OBV")(close, volume), theirs.OBV(bars))
    agree(indicator("AD")(high, low, close, volume), theirs.AccuDist(bars))
