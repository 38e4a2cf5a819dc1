"""What fills within a bar, at which price, and what does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from alphapanda_desktop.backtest.path import Slippage, turns
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.risk import Limits, RiskLimits
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.squareoff import FEE
from alphapanda_desktop.domain.strategy import Strategy
from tests.backtest.history import (
    FUTURE,
    INFY,
    MONDAY,
    a_series,
    both,
    buy,
    fills,
    flat,
    joined,
    minutes,
    play,
    protect,
    sell,
)

QUIET = (100.0, 100.0, 100.0, 100.0)


def test_a_market_order_fills_at_the_next_bars_open() -> None:
    result = play({0: buy(2)}, a_series(QUIET, (101.0, 105.0, 100.5, 104.0), QUIET))
    assert fills(result) == [(2, 101.0, 1)]


@pytest.mark.parametrize(("text", "bought", "sold"), [("2t", 101.10, 100.90), ("0.1%", 101.15, 100.85)])
def test_slippage_is_against_the_order_and_on_a_tick(text: str, bought: float, sold: float) -> None:
    bars = a_series(QUIET, (101.0, 101.0, 101.0, 101.0), (101.0, 101.0, 101.0, 101.0))
    slippage = Slippage.of(text)
    assert fills(play({0: buy()}, bars, slippage=slippage))[0] == (1, bought, 1)
    assert fills(play({0: sell()}, bars, slippage=slippage))[0] == (-1, sold, 1)


def test_a_market_order_does_not_run_after_a_gap_beyond_its_protection() -> None:
    bars = a_series(QUIET, (103.0, 103.0, 102.5, 102.5), (102.5, 102.5, 101.0, 101.5), QUIET)
    assert fills(play({0: buy()}, bars)) == [(1, 102.0, 2)]


def test_a_limit_fills_only_when_the_price_comes_through_it() -> None:
    touched = a_series(QUIET, (100.0, 101.0, 99.0, 100.0), QUIET)
    through = a_series(QUIET, (100.0, 101.0, 98.95, 100.0), QUIET)
    assert fills(play({0: buy(price=99.0)}, touched)) == []
    assert fills(play({0: buy(price=99.0)}, through)) == [(1, 99.0, 1)]


def test_a_limit_that_the_open_betters_takes_the_open() -> None:
    assert fills(play({0: buy(price=99.0)}, a_series(QUIET, (98.0, 98.5, 97.0, 98.0)))) == [(1, 98.0, 1)]


def test_a_stop_fills_at_its_trigger_and_at_the_open_that_jumped_over_it() -> None:
    entered = {0: buy(), 1: sell(trigger_price=99.0)}
    passing = a_series(QUIET, QUIET, (100.0, 100.5, 98.0, 98.5), QUIET)
    jumped = a_series(QUIET, QUIET, (98.5, 98.6, 98.0, 98.5), QUIET)
    assert fills(play(entered, passing))[1] == (-1, 99.0, 2)
    assert fills(play(entered, jumped))[1] == (-1, 98.5, 2)


def test_a_stop_limit_that_was_jumped_over_rests_at_its_limit() -> None:
    entered = {0: buy(), 1: sell(price=98.8, trigger_price=99.0)}
    bars = a_series(QUIET, QUIET, (98.0, 98.4, 97.5, 98.0), (98.0, 99.5, 98.0, 99.0), QUIET)
    assert fills(play(entered, bars))[1] == (-1, 98.8, 3)


def test_a_stop_whose_trigger_is_passed_already_is_refused_as_kite_does() -> None:
    result = play({0: buy(trigger_price=99.0)}, a_series(QUIET, QUIET, QUIET))
    assert fills(result) == []
    assert "should be higher than the last traded price (100)" in result.refused[0].text


def test_the_way_goes_to_the_nearer_end_first() -> None:
    assert turns(Bar(0, 100.0, 103.0, 99.0, 102.0, 0)) == (99.0, 103.0, 102.0)
    assert turns(Bar(0, 100.0, 101.0, 97.0, 98.0, 0)) == (101.0, 97.0, 98.0)
    assert turns(Bar(0, 100.0, 101.0, 99.0, 100.5, 0)) == (99.0, 101.0, 100.5)
    assert turns(Bar(0, 100.0, 101.0, 99.0, 99.5, 0)) == (101.0, 99.0, 99.5)


def test_of_stop_and_target_in_one_bar_the_one_on_the_way_fills_and_the_other_is_left_to_the_strategy() -> None:
    script = {0: buy(), 1: both(sell(price=101.0), protect(99.0))}
    low_first = play(script, a_series(QUIET, QUIET, (100.0, 102.0, 98.5, 101.5), QUIET))
    high_first = play(script, a_series(QUIET, QUIET, (100.0, 101.5, 98.0, 98.5), QUIET))
    assert fills(low_first) == [(1, 100.0, 1), (-1, 99.0, 2)]
    assert fills(high_first) == [(1, 100.0, 1), (-1, 101.0, 2)]
    assert [order.status for order in low_first.orders] == ["COMPLETE", "CANCELLED", "COMPLETE"]


def test_a_watched_stop_exits_within_the_bar_less_slippage_and_ends() -> None:
    script = {0: both(buy(3), protect(99.0))}
    bars = a_series(QUIET, QUIET, (100.0, 100.2, 98.0, 98.2), (98.2, 98.3, 97.0, 97.1), QUIET)
    assert fills(play(script, bars, slippage=Slippage(1)))[1:] == [(-3, 98.95, 2)]


def test_a_watched_stop_that_the_open_jumped_over_exits_at_the_open() -> None:
    script = {0: both(buy(), protect(99.0))}
    assert fills(play(script, a_series(QUIET, QUIET, (98.5, 99.5, 98.4, 99.0), QUIET)))[1:] == [(-1, 98.5, 2)]


def test_an_exit_withdraws_what_rests_and_closes_once() -> None:
    script = {
        0: buy(),
        1: sell(price=103.0),
        2: lambda ctx, i: [ctx.exit(i, reason="out"), ctx.exit(i, reason="again")],
    }
    result = play(script, a_series(*[QUIET] * 6))
    assert fills(result) == [(1, 100.0, 1), (-1, 100.0, 3)]
    assert [order.status for order in result.orders] == ["COMPLETE", "CANCELLED", "COMPLETE"]


def test_a_resting_order_ends_with_its_day() -> None:
    days = joined(a_series(*flat(375)), a_series((90.0, 91.0, 80.0, 90.0), start=MONDAY + minutes(24 * 60)))
    result = play({3: buy(price=95.0)}, days)
    (order,) = result.orders
    assert (order.status, fills(result)) == ("CANCELLED", [])


def test_mis_is_squared_off_at_zerodhas_time_for_a_fee() -> None:
    result = play({0: buy(10)}, a_series(*flat(375)))
    entry, exit_ = result.executions
    assert datetime.fromtimestamp(exit_.at_s, IST).strftime("%H:%M") == "15:20"
    assert exit_.reason == "squared off by the broker"
    assert FEE < exit_.charges < FEE + 10 * entry.charges + 10_000


def test_in_a_bar_in_which_the_time_lies_mis_is_closed_at_its_close() -> None:
    bars = a_series(*flat(24), (100.0, 101.0, 99.0, 100.5), seconds=900)
    (_, squared) = play({0: buy()}, bars).executions
    assert (squared.price, squared.bar) == (100.5, 24)


def test_mis_is_squared_off_at_the_next_price_where_the_day_broke_off() -> None:
    days = joined(a_series(*flat(100)), a_series(*flat(5, 103.0), start=MONDAY + minutes(24 * 60)))
    assert fills(play({0: buy()}, days)) == [(1, 100.0, 1), (-1, 103.0, 100)]


def test_no_mis_position_is_opened_after_the_square_off() -> None:
    result = play({366: buy()}, a_series(*flat(375)))
    assert fills(result) == []
    assert result.refused[0].text == "MIS positions are squared off at 15:20: no new one can be opened after that."


def test_derivatives_carried_as_nrml_stay_overnight() -> None:
    days = joined(
        a_series(*flat(375), instrument=FUTURE),
        a_series(*flat(5, 101.0), instrument=FUTURE, start=MONDAY + minutes(24 * 60)),
    )
    assert fills(play({0: buy(75)}, days, product="NRML")) == [(75, 100.0, 1)]


def test_an_order_at_the_last_bar_of_the_day_is_refused_for_the_session_is_over() -> None:
    result = play({374: buy()}, a_series(*flat(375)), product="CNC")
    assert [(refused.rule, refused.text[:7]) for refused in result.refused] == [("session", "Session")]


def test_shares_that_are_not_held_cannot_be_sold_as_cnc() -> None:
    result = play({0: sell(5)}, a_series(QUIET, QUIET), product="CNC")
    assert result.refused[0].text == "Insufficient holdings: 5 to be sold as CNC, 0 held."


def test_an_order_beyond_the_money_is_refused_with_both_figures() -> None:
    result = play({0: buy(60)}, a_series(QUIET, QUIET), cash=1_000.0)
    assert "Required margin is 1224.00 but available margin is 1000.00" in result.refused[0].text


def test_news_of_an_order_comes_after_the_hook_that_asked_for_it() -> None:
    told: list[int] = []
    script = {0: lambda ctx, i: [ctx.buy(i, 1, reason="x"), ctx.buy(i, 0, reason="none"), told.append(1)]}
    result = play(script, a_series(QUIET, QUIET, QUIET))
    heard = result.setup.strategy.heard  # type: ignore[attr-defined]
    assert [(order.status, order.quantity) for order in heard] == [("REJECTED", 0), ("COMPLETE", 1)]
    assert result.setup.strategy.on_order is not Strategy.on_order
    assert INFY.key == heard[1].key and heard[1].average_price == 100.0


def test_the_days_loss_is_counted_from_the_close_before_and_stops_entries_only() -> None:
    limits = RiskLimits(desk=Limits(max_loss_per_day=500.0))
    tuesday = a_series(*flat(20, 90.0), instrument=FUTURE, start=MONDAY + minutes(24 * 60))
    days = joined(a_series(*flat(375), instrument=FUTURE), tuesday)
    out = {0: buy(75), 377: buy(75), 379: lambda ctx, i: ctx.exit(i, reason="out")}
    result = play(out, days, product="NRML", limits=limits)
    assert fills(result) == [(75, 100.0, 1), (-75, 90.0, 380)]
    assert [refused.text for refused in result.refused] == ["Loss per day: 750.00 lost, 500.00 allowed."]


@pytest.mark.parametrize("sign", [1, -1])
def test_two_stops_at_one_trigger_both_fire_where_the_bar_just_reaches_it(sign: int) -> None:
    ask, edge = (buy, 101.0) if sign > 0 else (sell, 99.0)
    script = {0: both(ask(1, trigger_price=edge), ask(2, trigger_price=edge))}
    bars = *flat(2), (100.0, 101.0, 99.0, 100.0), *flat(2)
    result = play(script, a_series(*bars, instrument=replace(FUTURE, lot_size=1)), product="NRML")
    assert fills(result) == [(sign, edge, 2), (2 * sign, edge, 2)]
