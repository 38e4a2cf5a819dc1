"""What the models of the shipped strategies are told of the market: numbers of one instrument's own bars.

A model is trained on exactly these, in this order: to change one is to make every model of it wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from alphapanda_desktop.domain.indicators import Floats, rsi
from alphapanda_desktop.domain.market import Bar

Feature = Callable[[Sequence[Bar]], float]
"""Takes `lookback` + 1 bars or more, oldest first."""

Features = dict[str, Feature]


def values_of(features: Features, bars: Sequence[Bar]) -> list[float]:
    """Each feature's value, in order."""
    return [float(feature(bars)) for feature in features.values()]


def _closes(bars: Sequence[Bar]) -> Floats:
    return np.array([bar.close for bar in bars], np.float64)


def _gone(bars: Sequence[Bar], count: int) -> float:
    """Return over the last `count` bars, in per cent."""
    then = bars[-1 - count].close
    return (bars[-1].close - then) * 100 / then if then else 0.0


def _per(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _spread(bars: Sequence[Bar]) -> float:
    """Standard deviation of the returns of one bar, in per cent."""
    closes = _closes(bars)
    return float(np.std(np.diff(closes) * 100 / closes[:-1])) if closes[:-1].all() else 0.0


def _place(bars: Sequence[Bar]) -> float:
    """Where the close lies between the lowest (0) and the highest (1) price."""
    low, high = min(bar.low for bar in bars), max(bar.high for bar in bars)
    return _per(bars[-1].close - low, high - low)


def _away(bars: Sequence[Bar]) -> float:
    """Distance of the close from the average, in standard deviations."""
    closes = _closes(bars)
    return _per(float(closes[-1] - closes.mean()), float(closes.std()))


def _index(bars: Sequence[Bar]) -> float:
    return float(rsi(_closes(bars), len(bars) - 1)[-1]) / 100 if len(bars) > 2 else 0.0


def _above(bars: Sequence[Bar]) -> float:
    """How far the close is above the highest of the bars before it, in per cent."""
    top = max(bar.high for bar in bars[:-1])
    return _per((bars[-1].close - top) * 100, top)


def _below(bars: Sequence[Bar]) -> float:
    """How far the close is below the lowest of the bars before it, in per cent."""
    bottom = min(bar.low for bar in bars[:-1])
    return _per((bottom - bars[-1].close) * 100, bottom)


def _width(bars: Sequence[Bar]) -> float:
    """Range of the last bar against the mean range of those before."""
    return _per(bars[-1].high - bars[-1].low, float(np.mean([bar.high - bar.low for bar in bars[:-1]])))


def _busy(bars: Sequence[Bar]) -> float:
    """Volume of the last bar against the mean of those before."""
    return _per(bars[-1].volume, float(np.mean([bar.volume for bar in bars[:-1]])))


MOMENTUM: Final[Features] = {
    "return_1": lambda bars: _gone(bars, 1),
    "return_5": lambda bars: _gone(bars, min(5, len(bars) - 1)),
    "return_all": lambda bars: _gone(bars, len(bars) - 1),
    "volatility": _spread,
    "place_in_range": _place,
}
MEAN_REVERSION: Final[Features] = {
    "deviations_from_average": _away,
    "rsi": _index,
    "return_1": lambda bars: _gone(bars, 1),
    "volatility": _spread,
}
BREAKOUT: Final[Features] = {"above_high": _above, "below_low": _below, "range": _width, "volume": _busy}
