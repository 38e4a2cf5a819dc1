"""Ready-made limits, and which of them hold for a day: tightened at once, loosened from tomorrow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Final

from alphapanda_desktop.domain.risk import InstrumentLimits, Limits, RiskLimits, StrategyLimits

SINCE: Final = date(2026, 11, 23)
SOURCE: Final = "AlphaPanda's own figures for one retail account; no rule of SEBI, the exchanges or Zerodha sets them"

PROFILES: Final[Mapping[str, RiskLimits]] = {
    "conservative": RiskLimits(
        profile="conservative",
        desk=Limits(
            max_order_quantity=500,
            max_order_value=2_00_000.0,
            max_orders_per_day=100,
            max_position_quantity=1_000,
            price_band_pct=3.0,
            max_working_orders=10,
            max_loss_per_day=5_000.0,
            max_drawdown=4_000.0,
        ),
        strategy=StrategyLimits(
            max_order_value=1_00_000.0,
            max_orders_per_day=40,
            max_working_orders=4,
            max_position_quantity=500,
            max_loss_per_day=2_500.0,
            max_drawdown=2_500.0,
        ),
    ),
    "default": RiskLimits(
        profile="default",
        desk=Limits(max_working_orders=50, max_loss_per_day=25_000.0, max_drawdown=25_000.0),
        strategy=StrategyLimits(
            max_orders_per_day=250, max_working_orders=20, max_loss_per_day=10_000.0, max_drawdown=10_000.0
        ),
    ),
    "aggressive": RiskLimits(
        profile="aggressive",
        desk=Limits(
            max_order_quantity=50_000,
            max_order_value=2_00_00_000.0,
            max_orders_per_day=2_000,
            max_position_quantity=1_00_000,
            price_band_pct=20.0,
            max_working_orders=200,
            max_loss_per_day=2_50_000.0,
            max_drawdown=2_50_000.0,
        ),
        strategy=StrategyLimits(max_orders_per_day=1_000, max_working_orders=100, max_loss_per_day=1_00_000.0),
    ),
}

DAY_FIELDS: Final = ("max_orders_per_day", "max_loss_per_day", "max_drawdown")
"""Limits of a day; each scope has those of them that it knows."""


def loosened(old: RiskLimits, new: RiskLimits) -> tuple[tuple[str, float, float], ...]:
    """Day limits that `new` would loosen: name, what is in force, what is asked for."""
    before, after = day_limits(old), day_limits(new)
    rows = [(name, limit, after.get(name, 0.0)) for name, limit in before.items()]
    return tuple((name, limit, asked) for name, limit, asked in rows if not _as_tight(name, limit, asked))


def tightest(limits: RiskLimits, held: RiskLimits) -> RiskLimits:
    """`limits` with each day limit as tight as it is in `held`, where that is tighter."""
    a, b = limits.desk, held.desk
    desk = replace(
        a,
        max_orders_per_day=min(a.max_orders_per_day, b.max_orders_per_day),
        max_loss_per_day=_least(a.max_loss_per_day, b.max_loss_per_day),
        max_drawdown=_least(a.max_drawdown, b.max_drawdown),
    )
    return replace(limits, desk=desk, strategy=_strategy(limits, held), instruments=_instruments(limits, held))


def _strategy(limits: RiskLimits, held: RiskLimits) -> StrategyLimits:
    a, b = limits.strategy, held.strategy
    return replace(
        a,
        max_orders_per_day=int(_least(a.max_orders_per_day, b.max_orders_per_day)),
        max_loss_per_day=_least(a.max_loss_per_day, b.max_loss_per_day),
        max_drawdown=_least(a.max_drawdown, b.max_drawdown),
    )


def _instruments(limits: RiskLimits, held: RiskLimits) -> dict[str, InstrumentLimits]:
    tight = dict(limits.instruments)
    for key, before in held.instruments.items():
        if before.max_orders_per_day:
            own = tight.get(key, InstrumentLimits())
            tight[key] = replace(own, max_orders_per_day=int(_least(own.max_orders_per_day, before.max_orders_per_day)))
    return tight


def _least(a: float, b: float) -> float:
    """The smaller of two limits of which 0 is none."""
    return min(a, b) if a and b else a or b


def day_limits(limits: RiskLimits) -> dict[str, float]:
    """Every day limit by name, "max_loss_per_day", "strategy max_drawdown", "NSE:INFY max_orders_per_day"; 0 is off."""
    scopes: list[tuple[str, object]] = [("", limits.desk), ("strategy", limits.strategy), *limits.instruments.items()]
    return {
        _name(scope, name): float(getattr(part, name)) for scope, part in scopes for name in DAY_FIELDS
        if hasattr(part, name)
    }  # fmt: skip


def _name(scope: str, name: str) -> str:
    return f"{scope} {name}".strip()


def _as_tight(name: str, limit: float, asked: float) -> bool:
    if name == "max_orders_per_day":  # the desk's count is never off: 0 lets nothing pass
        return asked <= limit
    return limit == 0 or 0 < asked <= limit
