"""The moving-average crossover: enters on the cross, leaves when it is undone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.strategies.ma_cross import MaCross, MaCrossParams
from tests.fakes import FakeContext, an_instrument

INFY = an_instrument()
SBIN = an_instrument("SBIN", token=779521)


def cross(**params: Any) -> MaCross:
    return MaCross(MaCrossParams(**{"fast": 2, "slow": 3, "cool_down": 0, **params}))


def feed(strategy: MaCross, ctx: FakeContext, instrument: Instrument, closes: Iterable[float]) -> None:
    for close in closes:
        strategy.on_bar(ctx, instrument, ctx.add_bar(instrument, close))


def sides(ctx: FakeContext) -> list[str]:
    return [order.transaction_type for order in ctx.orders]


def test_it_buys_on_the_cross_and_leaves_on_the_cross_back() -> None:
    ctx = FakeContext([INFY])
    feed(cross(), ctx, INFY, [10, 10, 10, 13, 14, 15, 11, 9])
    assert sides(ctx) == ["BUY", "SELL"]
    assert ctx.reasons[0] == "fast average 11.50 (2 bars) crossed above slow 11.00 (3 bars)"
    assert ctx.reasons[1].startswith("fast average 13.00 (2 bars) crossed below slow 13.33")
    assert (ctx.shown["fast"], ctx.shown["slow"]) == (10.0, 11.6667)


def test_two_flat_instruments_give_no_signal() -> None:
    ctx, strategy = FakeContext([INFY, SBIN]), cross()
    for _ in range(40):
        feed(strategy, ctx, INFY, [100.0])
        feed(strategy, ctx, SBIN, [2000.0])
    assert ctx.orders == []


def test_forty_rising_bars_give_one_entry() -> None:
    ctx = FakeContext([INFY])
    feed(cross(), ctx, INFY, [100.0] * 4 + [100.0 + k for k in range(1, 41)])
    assert sides(ctx) == ["BUY"]


def test_a_trend_that_was_there_before_the_start_is_not_entered() -> None:
    ctx = FakeContext([INFY])
    feed(cross(), ctx, INFY, [100.0 + k for k in range(40)])
    assert ctx.orders == []


@given(st.floats(0.01, 1e6), st.integers(1, 30), st.integers(1, 30))
def test_rounding_of_running_sums_is_no_cross(price: float, fast: int, more: int) -> None:
    ctx = FakeContext([INFY])
    feed(cross(fast=fast, slow=fast + more), ctx, INFY, [price * 1.01] + [price] * (fast + more + 10))
    assert ctx.orders == []


def test_short_both_ways() -> None:
    ctx = FakeContext([INFY])
    feed(cross(allow_short=True), ctx, INFY, [10, 10, 10, 8, 7, 12, 13, 14])
    assert [(o.transaction_type, o.product) for o in ctx.orders][:2] == [("SELL", "MIS"), ("BUY", "MIS")]


def test_the_fast_average_must_be_the_shorter_one() -> None:
    with pytest.raises(ValidationError, match="fast average of 9 bars must be shorter than the slow one of 9 bars"):
        MaCrossParams(fast=9, slow=9)
    assert MaCrossParams(fast=1, slow=2).fast == 1


def test_nothing_is_decided_before_both_averages_are_full() -> None:
    ctx, strategy = FakeContext([INFY]), cross(fast=2, slow=5)
    feed(strategy, ctx, INFY, [10, 11, 12, 13, 99])
    assert (strategy.lookback, ctx.orders) == (6, [])


def test_the_tours_small_averages_trade_within_a_lively_quarter_of_an_hour() -> None:
    ctx = FakeContext([INFY])
    feed(cross(), ctx, INFY, [100, 100.2, 100.1, 99.8, 99.9, 100.3, 100.4, 100.1, 99.9, 99.7, 99.9, 100.2, 100.1])
    assert "BUY" in sides(ctx)
    assert "SELL" in sides(ctx)
