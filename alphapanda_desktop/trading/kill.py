"""The kill switch: one latch, and all that follows from pressing it, told step by step and written down."""

from __future__ import annotations

from alphapanda_desktop.domain.risk import TradingState as KillState
from alphapanda_desktop.trading.killreport import KillReport, KillStep

__all__ = ["KillReport", "KillState", "KillStep"]
