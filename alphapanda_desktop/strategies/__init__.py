"""Strategies that come with the program; they import only domain, as users' own files do."""

from typing import Final

from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.strategies.hybrid_mean_reversion import HybridMeanReversion
from alphapanda_desktop.strategies.hybrid_momentum import HybridMomentum
from alphapanda_desktop.strategies.low_frequency_demo import LowFrequencyDemo
from alphapanda_desktop.strategies.ma_cross import MaCross
from alphapanda_desktop.strategies.mean_reversion import MeanReversion
from alphapanda_desktop.strategies.ml_breakout import MlBreakout
from alphapanda_desktop.strategies.ml_mean_reversion import MlMeanReversion
from alphapanda_desktop.strategies.ml_momentum import MlMomentum
from alphapanda_desktop.strategies.momentum import Momentum
from alphapanda_desktop.strategies.opening_range import OpeningRange
from alphapanda_desktop.strategies.rsi import Rsi

SHIPPED: Final[dict[str, type[Strategy]]] = {
    strategy.name: strategy
    for strategy in (
        Momentum, MaCross, MeanReversion, Rsi, OpeningRange, LowFrequencyDemo,
        MlMomentum, MlMeanReversion, MlBreakout, HybridMomentum, HybridMeanReversion,
    )
}  # fmt: skip
"""By the name that runs and presets are stored under, those without a model first."""
