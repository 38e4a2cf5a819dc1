"""Indicators for strategies: one thin face over TA-Lib.

Each gives an array as long as its input, NaN where there are too few bars. Equal averages may differ in the last
bits, because TA-Lib keeps running sums: compare them with a tolerance. What has a memory without end (EMA, RSI, ATR)
depends on where its input begins: give it the same number of bars each time, `settled(period)` of them, and a
backtest, a replay and a live run that began elsewhere see the same number, bit for bit. `domain.streams` has the same
indicators one bar at a time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import talib
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]

SETTLING: Final = 10
"""Periods after which the first bars weigh less than 1 part in 20,000 in Wilder's averages, and far less in an EMA."""


class Bands(NamedTuple):
    """Bollinger's three lines, equally long."""

    upper: Floats
    middle: Floats
    lower: Floats


class Macd(NamedTuple):
    """MACD, its signal line and their difference, equally long."""

    line: Floats
    signal: Floats
    histogram: Floats


def settled(period: int) -> int:
    """Bars to look back on for an EMA, RSI or ATR of that period, so that older ones no longer matter."""
    return SETTLING * period + 1


def sma(prices: ArrayLike, period: int) -> Floats:
    """Simple moving average of the last `period` prices, 1 or more."""
    return _floats(talib.SMA(_floats(prices), period))


def ema(prices: ArrayLike, period: int) -> Floats:
    """Exponential moving average, begun with a simple one over the first `period` prices, 1 or more."""
    return _floats(talib.EMA(_floats(prices), period))


def rsi(prices: ArrayLike, period: int = 14) -> Floats:
    """Wilder's relative strength index, 0 to 100, of 2 or more; the first value needs period + 1 prices.

    Prices that never move have none: 0, as TA-Lib says it, and `is_flat` tells.
    """
    return _floats(talib.RSI(_floats(prices), period))


def is_flat(prices: ArrayLike) -> bool:
    """Whether no price differs from the one before it: an RSI of such means nothing."""
    return not np.diff(_floats(prices)).any()


def atr(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int = 14) -> Floats:
    """Wilder's average true range, in the prices' own unit; the first value needs period + 1 bars."""
    return _floats(talib.ATR(_floats(high), _floats(low), _floats(close), period))


def bollinger(prices: ArrayLike, period: int = 20, deviations: float = 2.0) -> Bands:
    """Simple average of `period` prices, 2 or more, and lines as many (population) standard deviations from it."""
    return Bands(*map(_floats, talib.BBANDS(_floats(prices), period, deviations, deviations)))


def macd(prices: ArrayLike, fast: int = 12, slow: int = 26, signal: int = 9) -> Macd:
    """Difference of two EMAs and the EMA of that difference; the first values need slow + signal - 1 prices."""
    return Macd(*map(_floats, talib.MACD(_floats(prices), fast, slow, signal)))


def highest(values: ArrayLike, period: int) -> Floats:
    """Greatest of the last `period` values, 2 or more."""
    return _floats(talib.MAX(_floats(values), period))


def lowest(values: ArrayLike, period: int) -> Floats:
    """Least of the last `period` values, 2 or more."""
    return _floats(talib.MIN(_floats(values), period))


def deviation(prices: ArrayLike, period: int) -> Floats:
    """Population standard deviation of the last `period` prices, 2 or more."""
    return _floats(talib.STDDEV(_floats(prices), period))


def _floats(values: ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)
