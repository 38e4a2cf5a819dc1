"""The short cut of the rules lets nothing through that the rules themselves would not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.backtest.gate import Gate, Seen
from alphapanda_desktop.backtest.lane import Lane
from alphapanda_desktop.backtest.orders import Working
from alphapanda_desktop.domain.risk import InstrumentLimits, Limits, RiskLimits, StrategyLimits
from tests.backtest.history import FUTURE, INFY, a_series
from tests.fakes import an_instrument

INDEX = an_instrument("NIFTY 50", token=256265, segment="INDICES")
INSTRUMENTS = [INFY, FUTURE, INDEX, an_instrument("GOLDM26DECFUT", exchange="MCX", kind="FUT", name="GOLDM")]
DAYS = [date(2024, 6, 3), date(2024, 6, 8), date(2021, 11, 4), date(2026, 8, 4), date(2024, 8, 15), date(2026, 11, 24)]
LIMITS = [
    RiskLimits(),
    RiskLimits(desk=Limits(max_order_quantity=100, max_order_value=50_000.0, max_orders_per_day=3)),
    RiskLimits(desk=Limits(max_position_quantity=120, max_working_orders=2)),
    RiskLimits(strategy=StrategyLimits(max_position_quantity=50)),
    RiskLimits(instruments={"NSE:INFY": InstrumentLimits(max_order_quantity=10)}),
    RiskLimits(desk=Limits(max_loss_per_day=100.0)),
]
COUNTS = st.integers(-150, 150)


def seen(draw: Any) -> Seen:
    return Seen(
        held=draw(COUNTS), buying=abs(draw(COUNTS)), selling=abs(draw(COUNTS)), of_instrument=draw(COUNTS),
        orders_today=draw(st.sampled_from([0, 2, 3, 499, 500])), instrument_orders_today=0,
        working_orders=draw(st.integers(0, 3)), instrument_working=0,
        last_price=draw(st.sampled_from([0.05, 99.5, 2e4])),
        day_pnl=draw(st.sampled_from([None, -500.0, 10.0])),
    )  # fmt: skip


def work(draw: Any, instrument: Any) -> Working:
    kind = draw(st.sampled_from(["MARKET", "MARKET", "MARKET", "LIMIT", "SL-M"]))
    return Working(
        1, instrument, draw(st.sampled_from([1, -1])),
        draw(st.sampled_from([-1, 0, 1, 10, 75, 100, 150, 6_000, 200_000])),
        draw(st.sampled_from(["MIS", "CNC", "NRML", "MTF"])), kind, 99.0 if kind == "LIMIT" else None,
        120.0 if kind == "SL-M" else None, "bt1", "why", 0,
    )  # fmt: skip


def sure(gate: Gate, order: Working, known: Seen, at_s: float, lane: Lane) -> bool:
    way = known.buying if order.sign > 0 else known.selling
    return gate.surely_passes(
        order, at_s, lane.plan(at_s), held=known.held, way=way, today=known.orders_today, last_price=known.last_price
    )


@settings(max_examples=500)
@given(st.data())
def test_what_surely_passes_is_refused_by_no_rule(data: st.DataObject) -> None:
    draw = data.draw
    instrument, limits = draw(st.sampled_from(INSTRUMENTS)), draw(st.sampled_from(LIMITS))
    closing_auction = draw(st.booleans())
    minute = draw(st.integers(8 * 60, 16 * 60))
    at = datetime.combine(draw(st.sampled_from(DAYS)), datetime.min.time(), UTC) + timedelta(minutes=minute - 330)
    lane = Lane(a_series((1.0, 1.0, 1.0, 1.0), instrument=instrument), has_derivatives=closing_auction)
    order, known, gate = work(draw, instrument), seen(draw), Gate(limits)
    if sure(gate, order, known, at.timestamp(), lane):
        assert gate.objection(order, known, at.timestamp(), has_derivatives=closing_auction) is None


def test_an_ordinary_order_takes_the_short_cut() -> None:
    at = datetime(2024, 6, 3, 10, tzinfo=UTC).timestamp() - 330 * 60 + 600
    lane = Lane(a_series((100.0, 100.0, 100.0, 100.0)))
    order = Working(1, INFY, 1, 10, "MIS", "MARKET", None, None, "bt1", "why", 0)
    assert sure(Gate(RiskLimits()), order, Seen(0, 0, 0, 0, 0, 0, 0, 0, 100.0), at, lane)
