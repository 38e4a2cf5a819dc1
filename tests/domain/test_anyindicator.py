"""Every function of TA-Lib: batch = streaming = forming bar, bit for bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import talib

from alphapanda_desktop.domain.anyindicator import NAMES, PATH, indicator
from alphapanda_desktop.domain.indicators import atr, ema
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.streams import rolled


def some_bars(count: int, seed: int = 3) -> list[Bar]:
    dice = np.random.default_rng(seed)
    close = 500 + np.cumsum(dice.normal(0, 2, count))
    opened = close + dice.normal(0, 1, count)
    high, low = np.maximum(opened, close) + dice.random(count), np.minimum(opened, close) - dice.random(count)
    volume = dice.integers(1, 5_000, count).tolist()
    rows = zip(opened.tolist(), high.tolist(), low.tolist(), close.tolist(), volume, strict=True)
    return [Bar(60 * number, *row) for number, row in enumerate(rows)]


BARS = some_bars(160)
LONG = some_bars(900, 8)
SINES = {"ACOS", "ASIN"}
"""Defined from -1 to 1 alone."""


def same(left: Any, right: Any) -> None:
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    np.testing.assert_array_equal(left.view(np.uint64), right.view(np.uint64))


def rows_of(made: Any) -> list[tuple[float, ...]]:
    return [made.row(bar) if "periods" not in made.columns else (bar.close, 5.0) for bar in BARS]


def test_all_of_ta_lib_is_there() -> None:
    assert len(NAMES) >= 158
    assert {"ADX", "BBANDS", "STOCH", "CDLDOJI", "OBV", "HT_TRENDLINE", "MAVP"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_batch_streaming_and_the_forming_bar_are_one(name: str) -> None:
    made = indicator(name, 40 if indicator(name).window > 120 else None)
    rows = rows_of(made)
    columns = np.array(rows).T / (1_000 if name in SINES else 1)
    stream, streamed, peeked = made.stream(), [], []
    for row in columns.T.tolist():
        peeked.append(stream.peek(*row))
        streamed.append(stream.add(*row))
    same(streamed, peeked)
    same(np.asarray(streamed).T, rolled(made, made.window, *columns))
    straight = getattr(talib, name)(*(np.ascontiguousarray(column[-made.window :]) for column in columns))
    newest = [line[-1] for line in straight] if isinstance(straight, tuple) else straight[-1]
    same(streamed[-1], newest)
    assert len(made.lines) == (len(newest) if isinstance(newest, list) else 1)


@pytest.mark.parametrize("name", [name for name in NAMES if indicator(name).window < 120 and name not in SINES])
def test_there_is_a_value_after_as_many_bars_as_are_said(name: str) -> None:
    made = indicator(name)
    values = made(*np.array(rows_of(made)[: made.window]).T)
    assert np.isfinite(np.asarray(values)[..., -1]).all()


def test_parameters_and_columns_are_ta_libs() -> None:
    made = indicator("ATR", timeperiod=5)
    assert (made.columns, made.lines, made.lookback) == (("high", "low", "close"), ("real",), 5)
    same(made.over(BARS), atr(*np.array([(bar.high, bar.low, bar.close) for bar in BARS]).T, 5))
    same(indicator("EMA", timeperiod=7).over(BARS), ema([bar.close for bar in BARS], 7))
    assert indicator("BBANDS", timeperiod=20, nbdevup=1).lines == ("upperband", "middleband", "lowerband")


@pytest.mark.parametrize("name", [name for name in NAMES if indicator(name).window != PATH and "INDEX" not in name])
def test_the_window_forgets_where_history_began(name: str) -> None:
    made = indicator(name)
    columns = np.array([made.row(bar) if "periods" not in made.columns else (bar.close, 5.0) for bar in LONG]).T
    columns = columns / (1_000 if name in SINES else 1)
    near, far = made(*columns[:, -made.window :]), made(*columns)
    np.testing.assert_allclose(np.asarray(near)[..., -1], np.asarray(far)[..., -1], rtol=2e-3, atol=2e-3)


def test_wrong_names_are_told_with_the_right_ones() -> None:
    with pytest.raises(ValueError, match="no function 'VWAPX'; there are: "):
        indicator("VWAPX")
    with pytest.raises(ValueError, match="ADX has no parameter 'period'; there are: timeperiod"):
        indicator("ADX", period=3)
