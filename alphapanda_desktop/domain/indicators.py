"""Indicators for strategies: one thin face over TA-Lib.

Each gives an array as long as its input, NaN where there are too few bars. Equal averages may differ in the last
bits, because TA-Lib keeps running sums: compare them with a tolerance.
"""

from __future__ import annotations

import numpy as np
import talib
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def sma(prices: ArrayLike, period: int) -> Floats:
    """Simple moving average of the last `period` prices, 1 or more."""
    return _floats(talib.SMA(_floats(prices), period))


def ema(prices: ArrayLike, period: int) -> Floats:
    """Exponential moving average, begun with a simple one over the first `period` prices, 1 or more."""
    return _floats(talib.EMA(_floats(prices), period))


def rsi(prices: ArrayLike, period: int = 14) -> Floats:
    """Wilder's relative strength index, 0 to 100, of 2 or more; the first value needs period + 1 prices."""
    return _floats(talib.RSI(_floats(prices), period))


def atr(high: ArrayLike, low: ArrayLike, close: ArrayLike, period: int = 14) -> Floats:
    """Wilder's average true range, in the prices' own unit; the first value needs period + 1 bars."""
    return _floats(talib.ATR(_floats(high), _floats(low), _floats(close), period))


def _floats(values: ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)
