"""Whether an order may leave: the desk's limits, the exchange's rules, what Kite itself would refuse, and the funds.

`objection` is the plain way: `domain.risk.check`, then `domain.order_rules.comply`. `surely_passes` is the short cut
for the order that most strategies send, a market order within ordinary limits in continuous trading: where it says
yes the plain way would say yes too (the tests hold one against the other), where it does not the plain way decides.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

from alphapanda_desktop.backtest.lane import DayPlan
from alphapanda_desktop.backtest.orders import Working
from alphapanda_desktop.domain.order_rules import comply, failed
from alphapanda_desktop.domain.risk import Exposure, Refusal, RiskLimits, StrategyLimits, check

_NO_STRATEGY_LIMITS: Final = StrategyLimits()


@dataclass(slots=True)
class Seen:
    """What the book tells of the moment: `held` of the order's product, `buying` and `selling` in its instrument."""

    held: int
    buying: int
    selling: int
    of_instrument: int
    orders_today: int
    instrument_orders_today: int
    working_orders: int
    instrument_working: int
    last_price: float
    day_pnl: float | None = None
    day_peak: float = 0.0

    def exposure(self) -> Exposure:
        """The same as the desk's rules read it; the run is the only one on the desk."""
        return Exposure(
            position=self.held,
            buying=self.buying,
            selling=self.selling,
            orders_today=self.orders_today,
            last_price=self.last_price or None,
            working_orders=self.working_orders,
            strategy_position=self.of_instrument,
            strategy_buying=self.buying,
            strategy_selling=self.selling,
            strategy_orders_today=self.orders_today,
            strategy_working_orders=self.working_orders,
            instrument_position=self.of_instrument,
            instrument_buying=self.buying,
            instrument_selling=self.selling,
            instrument_orders_today=self.instrument_orders_today,
            instrument_working_orders=self.instrument_working,
            day_pnl=self.day_pnl,
            day_peak=self.day_peak,
            strategy_pnl=self.day_pnl,
            strategy_peak=self.day_peak,
        )


@dataclass(frozen=True)
class Gate:
    """The rules of one run."""

    limits: RiskLimits

    @cached_property
    def ordinary(self) -> bool:
        """Whether only the limits are on that every desk has."""
        desk = self.limits.desk
        rare = desk.max_working_orders or desk.max_loss_per_day or desk.max_drawdown
        return not rare and self.limits.strategy == _NO_STRATEGY_LIMITS and not self.limits.instruments

    @cached_property
    def asks_results(self) -> bool:
        """Whether some limit needs the day's result."""
        both = (self.limits.desk, self.limits.strategy)
        return any(limits.max_loss_per_day or limits.max_drawdown for limits in both)

    def objection(self, work: Working, seen: Seen, at_s: float, *, has_derivatives: bool = False) -> Refusal | None:
        """The first rule that refuses the order."""
        request, instrument = work.request(), work.instrument
        refusal = check(request, instrument, self.limits, seen.exposure())
        if refusal is not None:
            return refusal
        at = datetime.fromtimestamp(at_s, UTC)
        broken = failed(comply(request, instrument, at=at, has_derivatives=has_derivatives))
        if broken is not None:
            return Refusal(broken.rule, broken.text, broken.value, broken.limit)
        return wrong_trigger(work, seen.last_price)

    def surely_passes(
        self, work: Working, at_s: float, plan: DayPlan, *, held: int, way: int, today: int, last_price: float
    ) -> bool:
        """True only where `objection` would be None; `way` is what works on the order's side."""
        desk, quantity = self.limits.desk, work.quantity
        return (
            self.ordinary
            and work.order_type == "MARKET"
            and plan.open_s <= at_s < plan.close_s
            and work.product in plan.products
            and 0 < quantity <= desk.max_order_quantity
            and quantity % plan.lot == 0
            and (plan.largest is None or quantity <= plan.largest)
            and last_price > 0
            and quantity * plan.units * last_price <= desk.max_order_value
            and today < desk.max_orders_per_day
            and abs(held + work.sign * (way + quantity)) <= desk.max_position_quantity
        )


def wrong_trigger(work: Working, last_price: float) -> Refusal | None:
    """Kite's own refusal of a stop whose trigger the market has passed already; the words follow Kite's."""
    if work.trigger is None or (work.trigger - last_price) * work.sign > 0:
        return None
    side, way = work.side.lower(), "higher" if work.sign > 0 else "lower"
    text = f"Trigger price for stoploss {side} orders should be {way} than the last traded price ({last_price:g})."
    return Refusal("trigger", text, f"{work.trigger:g}", f"{way} than {last_price:g}")
