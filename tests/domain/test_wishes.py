"""Targets, brackets, timers and longer bars, over a context that has no more than it must."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.market import Bar, BarSize, Interval
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Holding
from alphapanda_desktop.domain.wishes import Brackets, Timers, longer
from tests.fakes import NOON, FakeContext, an_instrument, bars_of

INFY = an_instrument()


class SlowContext(FakeContext):
    """Orders wait until they are filled by hand; prices and triggers are kept."""

    def __init__(self) -> None:
        super().__init__([INFY], fills=False)
        self.prices: list[float | None] = []

    def buy(self, instrument: Any, quantity: int, *, price: float | None = None, **more: Any) -> str:
        self.prices.append(price)
        return super().buy(instrument, quantity, price=price, **more)

    def sell(self, instrument: Any, quantity: int, *, price: float | None = None, **more: Any) -> str:
        self.prices.append(price)
        return super().sell(instrument, quantity, price=price, **more)

    def fill(self, tag: str, quantity: int) -> Order:
        """So much more of an order is filled."""
        order = next(order for order in self.orders if order.tag == tag)
        filled = order.filled_quantity + quantity
        status = "COMPLETE" if filled == order.quantity else "OPEN"
        return self._change(order, replace(order, filled_quantity=filled, status=status), order.sign * quantity)

    def end(self, tag: str, status: str) -> Order:
        """An order ends without more fills."""
        order = next(order for order in self.orders if order.tag == tag)
        return self._change(order, replace(order, status=status), 0)

    def _change(self, old: Order, new: Order, moved: int) -> Order:
        self.orders[self.orders.index(old)] = new
        held = self.position(INFY).quantity + moved
        self._holdings[INFY.key] = Holding(held, 100.0 if held else 0.0)
        return new


def told(ctx: FakeContext) -> list[tuple[str, int]]:
    return [(order.transaction_type, order.quantity) for order in ctx.orders]


def slow(price: float = 100.0) -> SlowContext:
    ctx = SlowContext()
    ctx.add_bar(INFY, price)
    return ctx


# --- targets -----------------------------------------------------------------------------------------------------


def test_a_target_asks_for_what_is_missing_once() -> None:
    ctx = FakeContext([INFY])
    ctx.add_bar(INFY, 100.0)
    for _ in range(3):
        ctx.target(INFY, 30, reason="more")
    ctx.target(INFY, 10, reason="less")
    assert told(ctx) == [("BUY", 30), ("SELL", 20)]


def test_a_target_counts_what_is_on_its_way() -> None:
    ctx = slow()
    assert ctx.target(INFY, 30, reason="in") == "tag0"
    assert ctx.target(INFY, 30, reason="in") is None
    assert told(ctx) == [("BUY", 30)]


def test_a_new_target_cancels_what_rests_before_it_asks() -> None:
    ctx = slow()
    ctx.target(INFY, 30, reason="in")
    assert ctx.target(INFY, 50, reason="more") is None
    assert ctx.cancelled == ["tag0"]
    ctx.target(INFY, 50, reason="more")
    assert told(ctx) == [("BUY", 30), ("BUY", 50)]


def test_to_the_other_side_it_closes_first() -> None:
    ctx = FakeContext([INFY])
    ctx.add_bar(INFY, 100.0)
    ctx.hold(INFY, 10, 100)
    ctx.target(INFY, -5, reason="turn")
    assert (told(ctx), ctx.position(INFY).quantity) == ([("SELL", 10)], 0)
    ctx.target(INFY, -5, reason="turn")
    assert told(ctx) == [("SELL", 10), ("SELL", 5)]


@given(st.lists(st.integers(-9, 9), max_size=12))
def test_targets_are_always_reached_within_two_calls(wanted: list[int]) -> None:
    ctx = FakeContext([INFY])
    ctx.add_bar(INFY, 100.0)
    for quantity in wanted:
        for _ in range(2):
            ctx.target(INFY, quantity, reason="as asked")
        assert ctx.position(INFY).quantity == quantity


# --- brackets ----------------------------------------------------------------------------------------------------


def test_a_bracket_is_guarded_from_its_first_moment_and_takes_its_profit() -> None:
    ctx, brackets = slow(), Brackets()
    tag = brackets.enter(ctx, INFY, 10, stop=98.0, target=104.0, reason="break")
    assert ctx.stops == {INFY.key: 98.0}
    brackets.heard(ctx, ctx.fill(tag, 10))
    assert (told(ctx), ctx.prices) == ([("BUY", 10), ("SELL", 10)], [None, 104.0])
    brackets.heard(ctx, ctx.fill("tag1", 10))
    assert (brackets.on(INFY), ctx.stops[INFY.key]) == (None, None)


def test_a_partly_filled_entry_never_rests_more_than_is_held() -> None:
    ctx, brackets = slow(), Brackets()
    tag = brackets.enter(ctx, INFY, 10, stop=98.0, target=104.0, reason="break")
    brackets.heard(ctx, ctx.fill(tag, 4))
    brackets.heard(ctx, ctx.fill(tag, 6))
    assert ctx.cancelled == ["tag1"]
    brackets.heard(ctx, next(order for order in ctx.orders if order.tag == "tag1"))
    resting = [order for order in ctx.working(INFY) if order.transaction_type == "SELL"]
    assert [order.quantity for order in resting] == [10]


def test_an_entry_that_comes_to_nothing_takes_its_stop_along() -> None:
    ctx, brackets = slow(), Brackets()
    tag = brackets.enter(ctx, INFY, -10, stop=102.0, reason="fade", price=100.5)
    assert told(ctx) == [("SELL", 10)]
    brackets.heard(ctx, ctx.end(tag, "REJECTED"))
    assert (brackets.on(INFY), ctx.stops[INFY.key]) == (None, None)


def test_a_position_that_its_stop_closed_leaves_no_target_behind() -> None:
    ctx, brackets = slow(), Brackets()
    tag = brackets.enter(ctx, INFY, 10, stop=98.0, target=104.0, reason="break")
    brackets.heard(ctx, ctx.fill(tag, 10))
    stopped = ctx.sell(INFY, 10, reason="stop")
    brackets.heard(ctx, ctx.fill(stopped, 10))
    assert ctx.cancelled == ["tag1"]
    assert brackets.on(INFY) is None


@pytest.mark.parametrize(
    ("quantity", "more", "what"),
    [(0, {}, "needs a quantity"), (10, {"stop": 0.0}, "stop above 0"), (10, {"stop": float("nan")}, "stop above 0"),
     (10, {"stop": 101.0, "price": 100.0}, "stop at 101"), (-10, {"trigger_price": 100.0}, "stop at 98"),
     (10, {"price": 100.0, "target": 99.0}, "target of 99"), (10, {"target": 97.0}, "target of 97"),
     (-10, {"stop": 102.0, "target": 103.0}, "target of 103")],
)  # fmt: skip
def test_a_bracket_that_can_never_be_is_refused(quantity: int, more: Any, what: str) -> None:
    ctx = slow()
    with pytest.raises(ValueError, match=what):
        Brackets().enter(ctx, INFY, quantity, **{"stop": 98.0, "reason": "odd"} | more)
    assert ctx.orders == []


@pytest.mark.parametrize(
    ("last", "words"), [(97.9, "beyond the stop at 98.0"), (104.0, "beyond the target of 104.0"), (None, "no price")]
)
def test_a_bracket_that_the_market_has_overtaken_asks_for_nothing_and_says_so(last: float | None, words: str) -> None:
    ctx, brackets = SlowContext(), Brackets()
    if last is not None:
        ctx.add_bar(INFY, last)
    assert brackets.enter(ctx, INFY, 10, stop=98.0, target=104.0, reason="late") is None
    assert (ctx.orders, ctx.stops, brackets.on(INFY)) == ([], {}, None)
    assert words in ctx.lines[-1]


def test_a_bracket_needs_it_flat() -> None:
    ctx, brackets = slow(), Brackets()
    first = brackets.enter(ctx, INFY, 10, stop=98.0, reason="first")
    assert brackets.enter(ctx, INFY, 10, stop=98.0, reason="second") is None
    assert [order.tag for order in ctx.orders] == [first] and "an order is at work" in ctx.lines[-1]


# --- timers ------------------------------------------------------------------------------------------------------


def test_timers_come_in_order_once_or_again_and_again() -> None:
    timers = Timers()
    timers.after("once", 30, NOON)
    timers.every("often", 20, NOON)
    assert timers.due(NOON) == []
    assert timers.next(NOON) == NOON + timedelta(seconds=20)
    assert timers.due(NOON + timedelta(seconds=31)) == ["often", "once"]
    assert timers.due(NOON + timedelta(seconds=39)) == []
    assert timers.due(NOON + timedelta(seconds=119)) == ["often"]
    assert timers.next(NOON + timedelta(seconds=100)) == NOON + timedelta(seconds=120)
    timers.stop("often")
    timers.stop("never there")
    assert timers.next(NOON) is None


def test_a_timer_of_the_day_is_indian_time_and_comes_each_day() -> None:
    timers = Timers()
    timers.at("close", time(15, 10), NOON)
    timers.at("morning", time(9, 20), NOON)
    assert timers.next(NOON) == NOON.astimezone(IST).replace(hour=15, minute=10)
    assert timers.due(NOON + timedelta(days=1)) == ["close", "morning"]
    assert timers.next(NOON) == NOON.astimezone(IST).replace(hour=15, minute=10) + timedelta(days=1)


def test_timers_that_count_seconds_count_anew_where_the_clock_went_back_and_a_time_of_day_stays() -> None:
    timers, back = Timers(), NOON - timedelta(hours=2)
    timers.every("often", 20, NOON)
    timers.after("once", 60, NOON)
    timers.at("close", time(15, 10), NOON)
    assert timers.next(NOON + timedelta(seconds=5)) == NOON + timedelta(seconds=20)
    assert timers.next(back) == back + timedelta(seconds=20)
    assert timers.due(back + timedelta(seconds=60)) == ["often", "once"]
    timers.stop("often")
    assert timers.next(back) == NOON.astimezone(IST).replace(hour=15, minute=10)


@pytest.mark.parametrize("seconds", [0, -1, 1e-7, 0.09, 1e10, float("nan")])
def test_a_timer_that_would_spin_is_refused(seconds: float) -> None:
    timers = Timers()
    for put in (timers.every, timers.after):
        with pytest.raises(ValueError, match=r"0\.1 or more can be"):
            put("spin", seconds, NOON)
    assert timers.next(NOON) is None


def test_so_many_timers_may_wait_and_no_more() -> None:
    timers = Timers()
    for n in range(200):
        timers.put(str(n), NOON, after=60)
    timers.put("7", NOON, after=90)
    with pytest.raises(ValueError, match="one more than the 200 that may wait"):
        timers.put("another", NOON, after=60)


# --- longer bars -------------------------------------------------------------------------------------------------

OPEN_S = 1_795_405_500
"""09:15 IST of a Monday."""


def _longer(count: int, first: int, period: Any) -> Sequence[Bar]:
    return longer(bars_of(range(100, 100 + count), OPEN_S + 60 * first), Interval.MINUTE, period)


def test_longer_bars_are_whole_and_closed() -> None:
    made = _longer(12, 0, Interval.MINUTE_5)
    assert [(bar.start_s - OPEN_S, bar.open, bar.close) for bar in made] == [(0, 100, 104), (300, 105, 109)]
    assert [bar.start_s - OPEN_S for bar in _longer(12, 2, Interval.MINUTE_5)] == [300]
    assert [bar.close for bar in _longer(4, 0, BarSize(120))] == [101, 103]
    assert _longer(0, 0, Interval.MINUTE_5) == []


def test_bars_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be made of bars of 1m"):
        _longer(3, 0, BarSize(90))


# --- as methods of a context -------------------------------------------------------------------------------------


def test_a_context_with_wishes_does_the_same_by_method() -> None:
    ctx = SlowContext()
    ctx.add_bar(INFY, 100.0)
    tag = ctx.bracket(INFY, 10, stop=98.0, target=104.0, reason="break")
    ctx.tell_order(ctx.fill(tag, 10))
    assert (told(ctx), ctx.stops) == ([("BUY", 10), ("SELL", 10)], {INFY.key: 98.0})
    assert ctx.target(INFY, 10, reason="as it is") is None
    ctx.timer("look", every=60)
    ctx.timer("soon", after=5)
    ctx.timer("close", at=time(15, 10))
    ctx.cancel_timer("soon")
    ctx.now = NOON + timedelta(seconds=61)
    assert ctx.due() == ["look"]
