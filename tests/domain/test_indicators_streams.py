"""Batch = streaming = forming bar, bit for bit, for every indicator."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain import indicators as batch
from alphapanda_desktop.domain.streams import Stream, rolled
from tests.domain.parquet_columns import read_parquet

SINGLES: dict[str, Callable[[Any], Any]] = {
    "sma": lambda p: batch.sma(p, 5),
    "ema": lambda p: batch.ema(p, 5),
    "rsi": lambda p: batch.rsi(p, 5),
    "bollinger": lambda p: batch.bollinger(p, 5, 2.0),
    "macd": lambda p: batch.macd(p, 3, 6, 4),
    "highest": lambda p: batch.highest(p, 5),
    "lowest": lambda p: batch.lowest(p, 5),
    "deviation": lambda p: batch.deviation(p, 5),
}
WINDOW = batch.settled(5)
TRUE_RANGE = partial(batch.atr, period=5)
ANY = pytest.mark.parametrize("function", SINGLES.values(), ids=SINGLES)
PRICES = st.lists(st.floats(0.05, 1e6), min_size=1, max_size=110)


def same(left: Any, right: Any) -> None:
    """Bit for bit, NaN where the other is NaN."""
    left, right = np.asarray(left, np.float64), np.asarray(right, np.float64)
    assert left.shape == right.shape
    np.testing.assert_array_equal(left.view(np.uint64), right.view(np.uint64))


def last(lines: Any) -> Any:
    return np.asarray(lines)[..., -1]


@ANY
@settings(max_examples=30)
@given(prices=PRICES)
def test_one_bar_at_a_time_gives_the_batchs_bits(function: Any, prices: list[float]) -> None:
    stream = Stream(function, WINDOW)
    streamed = np.asarray([stream.add(price) for price in prices]).T
    same(streamed, rolled(function, WINDOW, prices))
    same(streamed[..., -1], last(function(prices[-WINDOW:])))
    if len(prices) <= WINDOW:
        same(streamed[..., -1], last(function(prices)))


@ANY
@settings(max_examples=30)
@given(prices=PRICES)
def test_the_forming_bar_has_the_value_it_would_close_with_and_leaves_no_trace(
    function: Any, prices: list[float]
) -> None:
    stream, untouched = Stream(function, WINDOW), Stream(function, WINDOW)
    for price in prices:
        forming = stream.peek(price)
        stream.peek(price * 1.7)  # another tick of the same bar
        closed = stream.add(price)
        same(forming, closed)
        same(untouched.add(price), closed)


@given(st.lists(st.tuples(st.floats(1, 1e5), st.floats(0, 50), st.floats(0, 1)), min_size=1, max_size=120))
def test_average_true_range_one_bar_at_a_time(rows: list[tuple[float, float, float]]) -> None:
    low = np.array([price for price, _, _ in rows])
    high = low + [width for _, width, _ in rows]
    close = low + (high - low) * [where for _, _, where in rows]
    stream = Stream(TRUE_RANGE, WINDOW, columns=3)
    got = []
    for values in zip(high.tolist(), low.tolist(), close.tolist(), strict=True):
        forming = stream.peek(*values)
        got.append(stream.add(*values))
        same(forming, got[-1])
    same(got, rolled(TRUE_RANGE, WINDOW, high, low, close))


@ANY
@settings(max_examples=30)
@given(prices=st.lists(st.floats(50, 150), min_size=WINDOW, max_size=WINDOW + 30), before=PRICES)
def test_the_same_bars_give_the_same_bits_wherever_history_began(
    function: Any, prices: list[float], before: list[float]
) -> None:
    late, early = Stream(function, WINDOW), Stream(function, WINDOW)
    for price in before:
        early.add(price)
    for price in prices:
        one, other = late.add(price), early.add(price)
    same(one, other)


@ANY
@settings(max_examples=30)
@given(prices=PRICES, offset=st.integers(0, 7))
def test_where_bars_lie_in_memory_does_not_matter(function: Any, prices: list[float], offset: int) -> None:
    room = np.zeros(len(prices) + offset)
    room[offset:] = prices
    same(last(function(room[offset:])), last(function(prices)))


@given(st.integers(0, 10_000))
def test_after_settled_bars_older_ones_weigh_next_to_nothing(seed: int) -> None:
    prices = 100 * np.exp(np.cumsum(np.random.default_rng(seed).normal(0, 0.002, 400)))
    window = batch.settled(14)
    assert batch.rsi(prices[-window:], 14)[-1] == pytest.approx(batch.rsi(prices, 14)[-1], abs=0.02)
    assert batch.ema(prices[-window:], 14)[-1] == pytest.approx(batch.ema(prices, 14)[-1], rel=1e-9)


def test_real_minutes_bit_for_bit(real_data: Path) -> None:
    table = read_parquet(real_data / "candles" / "stock_INFY_1min_2024-04_2025-04.parquet")
    close = np.asarray(table["close"], np.float64)[:3_000]
    assert len(close) == 3_000
    for function in SINGLES.values():
        stream = Stream(function, WINDOW)
        same(np.asarray([stream.add(price) for price in close.tolist()]).T, rolled(function, WINDOW, close))


@pytest.mark.parametrize(("window", "columns"), [(0, 1), (5, 0), (-1, 1)])
def test_a_window_without_bars_is_refused(window: int, columns: int) -> None:
    with pytest.raises(ValueError, match="1 or more"):
        Stream(SINGLES["sma"], window, columns)


def test_prices_that_never_move_are_told_apart_from_a_fall() -> None:
    assert batch.is_flat([5.0, 5.0, 5.0]) and batch.is_flat([5.0]) and not batch.is_flat([5.0, 5.05, 5.05])
    assert batch.rsi([5.0] * 9, 5)[-1] == 0.0
    assert math.isnan(batch.rsi([5.0] * 3, 5)[-1])


def test_bands_and_macd_follow_their_definitions() -> None:
    prices = 100 + np.cumsum(np.sin(np.arange(80.0)))
    upper, middle, lower = batch.bollinger(prices, 20, 2.0)
    assert middle[-1] == pytest.approx(prices[-20:].mean())
    assert upper[-1] - middle[-1] == pytest.approx(2 * prices[-20:].std())
    assert middle[-1] - lower[-1] == pytest.approx(2 * prices[-20:].std())
    line, signal, histogram = batch.macd(prices, 12, 26, 9)
    assert histogram[-1] == pytest.approx(line[-1] - signal[-1])
    assert (batch.highest(prices, 7)[-1], batch.lowest(prices, 7)[-1]) == (prices[-7:].max(), prices[-7:].min())
    assert batch.deviation(prices, 20)[-1] == pytest.approx(prices[-20:].std())
