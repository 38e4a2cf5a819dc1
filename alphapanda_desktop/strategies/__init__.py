"""Strategies that come with the program; they import only domain, as users' own files do."""

from typing import Final

from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.strategies.ma_cross import MaCross
from alphapanda_desktop.strategies.momentum import Momentum

SHIPPED: Final[dict[str, type[Strategy]]] = {strategy.name: strategy for strategy in (Momentum, MaCross)}
"""By the name that runs and presets are stored under."""
