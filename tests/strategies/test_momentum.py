"""Momentum, on bars, position-aware; the old strategy's defects by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alphapanda_desktop.domain.errors import WrongName
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.strategies.momentum import Momentum, MomentumParams
from tests.fakes import FakeContext, a_tick, an_instrument
from tests.strategies.stage import Stage

INFY = an_instrument()
SBIN = an_instrument("SBIN", token=779521)


def feed(strategy: Momentum, ctx: FakeContext, instrument: Instrument, closes: Iterable[float]) -> None:
    for close in closes:
        bar = ctx.add_bar(instrument, close)
        strategy.on_bar(ctx, instrument, bar)


def momentum(**params: Any) -> Momentum:
    return Momentum(MomentumParams(**params))


def sides(ctx: FakeContext) -> list[str]:
    return [order.transaction_type for order in ctx.orders]


def test_two_flat_instruments_give_no_signal() -> None:
    ctx, strategy = FakeContext([INFY, SBIN]), momentum()
    for _ in range(60):
        feed(strategy, ctx, INFY, [100.0])
        feed(strategy, ctx, SBIN, [2000.0])
    assert ctx.orders == []


def test_forty_rising_bars_give_one_entry() -> None:
    ctx = FakeContext([INFY])
    feed(momentum(lookback=3, threshold=0.5, cool_down=0), ctx, INFY, [100 + k for k in range(40)])
    assert sides(ctx) == ["BUY"]


def test_an_entry_that_never_fills_is_not_repeated_while_it_works() -> None:
    ctx = FakeContext([INFY], fills=False)
    strategy = momentum(lookback=1, threshold=0, cool_down=0)
    feed(strategy, ctx, INFY, [100, 101])
    assert [o.status for o in ctx.orders] == ["OPEN"]
    feed(strategy, ctx, INFY, [102])
    assert [o.status for o in ctx.orders] == ["CANCELLED"]
    feed(strategy, ctx, INFY, [103])
    assert [o.status for o in ctx.orders] == ["CANCELLED", "OPEN"]


def test_an_order_still_on_its_way_blocks_new_ones_and_is_not_cancelled() -> None:
    ctx = FakeContext([INFY], fills=False)
    strategy = momentum(lookback=1, threshold=0, cool_down=0)
    feed(strategy, ctx, INFY, [100, 101])
    ctx.orders = [replace(order, status="INTENDED") for order in ctx.orders]
    feed(strategy, ctx, INFY, [102, 103])
    assert (len(ctx.orders), ctx.cancelled) == (1, [])


def test_a_rejected_entry_is_not_tried_again_before_the_cool_down_is_over() -> None:
    ctx, strategy = FakeContext([INFY], fills=False), momentum(lookback=1, threshold=0, cool_down=3)
    for k in range(9):
        feed(strategy, ctx, INFY, [100 + k])
        ctx.orders = [replace(order, status="REJECTED") for order in ctx.orders]
    assert len(ctx.orders) == 2


def test_the_reason_carries_the_numbers() -> None:
    ctx = FakeContext([INFY])
    feed(momentum(lookback=20, threshold=1), ctx, INFY, [100.0] * 20 + [101.23])
    assert ctx.reasons == ["return over 20 bars +1.23 % above 1.00 %"]
    assert ctx.shown["return_pct"] == 1.23


def test_the_threshold_itself_is_no_signal() -> None:
    ctx = FakeContext([INFY])
    feed(momentum(lookback=1, threshold=1), ctx, INFY, [100, 101, 101, 99.99])
    assert ctx.orders == []


def test_a_long_position_is_left_when_the_return_turns() -> None:
    ctx = FakeContext([INFY])
    feed(momentum(lookback=1, threshold=1), ctx, INFY, [100, 102, 102.5, 100])
    assert sides(ctx) == ["BUY", "SELL"]
    assert ctx.position(INFY).quantity == 0
    assert ctx.reasons[-1] == "return over 1 bars -2.44 % below -1.00 %"


def test_a_position_from_elsewhere_is_not_touched_because_only_the_runs_own_counts() -> None:
    ctx = FakeContext([INFY, SBIN])
    ctx.hold(SBIN, 500, 100)
    feed(momentum(lookback=1, threshold=1), ctx, INFY, [100, 98])
    assert ctx.orders == []


def test_cool_down_keeps_entries_apart() -> None:
    ctx = FakeContext([INFY])
    prices = [100, 102] + [100, 102] * 6
    feed(momentum(lookback=1, threshold=1, cool_down=5), ctx, INFY, prices)
    entries = [k for k, side in enumerate(sides(ctx)) if side == "BUY"]
    assert len(entries) == 3
    quick = FakeContext([INFY])
    feed(momentum(lookback=1, threshold=1, cool_down=0), quick, INFY, prices)
    assert sides(quick) == ["BUY", "SELL"] * 6 + ["BUY"]


def test_the_stop_is_a_real_one_from_the_moment_of_the_entry_and_follows_the_price_paid() -> None:
    stage = Stage(momentum(lookback=1, threshold=1, stop_loss=2), [INFY])
    stage.closes_come(INFY, [100, 102])
    assert stage.asked == [(INFY.key, 99.95, 1)]
    stage.hold(INFY, 1, 103.0)
    stage.closes_come(INFY, [102.5])
    assert stage.asked[1:] == [(INFY.key, 100.95, 1)]
    stage.closes_come(INFY, [101.9, 100.5])
    assert (stage.reasons[1:], stage.position(INFY).quantity) == (["stop at 100.95"], 0)


def test_a_short_position_is_stopped_above() -> None:
    stage = Stage(momentum(lookback=1, threshold=1, stop_loss=1, allow_short=True), [INFY])
    stage.closes_come(INFY, [100, 98])
    assert stage.asked == [(INFY.key, 99.0, -1)]


def test_without_a_stop_loss_none_is_asked_for() -> None:
    stage = Stage(momentum(lookback=1, threshold=1, stop_loss=0), [INFY])
    stage.closes_come(INFY, [100, 102, 101.5])
    assert (stage.sides(), stage.asked) == (["BUY"], [])


def test_the_target_closes_a_position() -> None:
    paid = FakeContext([INFY])
    feed(momentum(lookback=1, threshold=1, target=3), paid, INFY, [100, 102, 102.9, 103.8, 105.1])
    assert paid.reasons[1:] == ["profit of 3.04 % reached the target of 3.00 %"]


def test_short_only_where_it_is_allowed_and_shares_as_mis() -> None:
    quiet, short = FakeContext([INFY]), FakeContext([INFY])
    feed(momentum(lookback=1, threshold=1), quiet, INFY, [100, 98])
    assert quiet.orders == []
    feed(momentum(lookback=1, threshold=1, allow_short=True), short, INFY, [100, 98, 100])
    assert [(o.transaction_type, o.product) for o in short.orders] == [("SELL", "MIS"), ("BUY", "MIS")]
    assert short.position(INFY).quantity == 0


def test_lots_become_units_except_on_mcx() -> None:
    future = an_instrument("NIFTY26NOVFUT", token=2, exchange="NFO", kind="FUT", lot_size=65)
    crude = an_instrument("CRUDEOIL26DECFUT", token=7, exchange="MCX", kind="FUT", lot_size=100)
    ctx = FakeContext([future, crude])
    for instrument in (future, crude):
        feed(momentum(lookback=1, threshold=0, lots=2), ctx, instrument, [100, 101])
    assert [o.quantity for o in ctx.orders] == [130, 2]


def test_nothing_is_decided_before_the_look_back_is_full() -> None:
    ctx, strategy = FakeContext([INFY]), momentum(lookback=20, threshold=0)
    feed(strategy, ctx, INFY, range(100, 120))
    assert (strategy.lookback, ctx.orders) == (21, [])
    assert ctx.shown["signal"] == "20 of 21 bars"


def test_the_quickest_parameters_a_newcomer_may_choose_are_allowed_and_trade() -> None:
    ctx = FakeContext([INFY])
    feed(momentum(lookback=1, threshold=0, cool_down=0), ctx, INFY, [100, 100.05])
    assert sides(ctx) == ["BUY"]


@pytest.mark.parametrize("bad", [{"lookback": 0}, {"threshold": -0.1}, {"lots": 0}, {"cool_down": -1}, {"speed": 9}])
def test_parameters_out_of_bounds_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match=next(iter(bad))):
        MomentumParams(**bad)


def test_a_strategy_sees_volume_traded_and_asking_for_volume_names_it() -> None:
    tick = a_tick(100, volume=1234, bids=[(99.95, 7)], asks=[(100.05, 8)])
    assert tick.volume_traded == 1234
    assert tick.depth is not None
    assert tick.depth.sell[0].quantity == 8
    with pytest.raises(WrongName, match="ticks carry 'volume_traded'"):
        _ = tick.volume  # type: ignore[attr-defined]  # the wrong name on purpose


@given(
    st.lists(st.floats(50, 150), min_size=2, max_size=80),
    st.integers(1, 5),
    st.floats(0, 3),
    st.integers(0, 4),
    st.booleans(),
)
def test_it_never_holds_more_than_one_entry(
    closes: list[float], lookback: int, threshold: float, cool_down: int, short: bool
) -> None:
    ctx = FakeContext([INFY])
    strategy = momentum(lookback=lookback, threshold=threshold, cool_down=cool_down, allow_short=short, stop_loss=1)
    for close in closes:
        feed(strategy, ctx, INFY, [close])
        assert ctx.position(INFY).quantity in ((-1, 0, 1) if short else (0, 1))
    assert all(reason for reason in ctx.reasons)
