"""Matching at its edges: equal prices, the last unit, odd ticks, and triggers that are just reached."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.market import DepthLevel
from alphapanda_desktop.domain.matching import (
    AUTOMATIC_PROTECTION_PCT,
    Execution,
    Quote,
    arriving,
    average,
    protection_price,
    reached,
    resting,
    taken,
    triggered,
)
from tests.fakes import an_instrument

SIDES: Any = st.sampled_from(["BUY", "SELL"])


def book(last: float, bids: Any = (), asks: Any = ()) -> Quote:
    return Quote(last, *(tuple(DepthLevel(p, q, 1) for p, q in side) for side in (bids, asks)))


BOOK = book(100, [(99, 50), (98, 60)], [(101, 50), (102, 60)])


def test_a_stop_is_triggered_at_its_very_price_and_not_a_tick_before() -> None:
    assert triggered("BUY", 100.0, 100.0) and not triggered("BUY", 100.0, 99.95)
    assert triggered("SELL", 100.0, 100.0) and not triggered("SELL", 100.0, 100.05)


def test_the_automatic_protection_is_two_per_cent_and_asked_for_by_less_than_nothing() -> None:
    infy = replace(an_instrument(), tick_size=0.05)
    assert AUTOMATIC_PROTECTION_PCT == 2.0
    assert protection_price("BUY", 1000.0, -1, infy) == protection_price("BUY", 1000.0, 2, infy) == 1020.0
    assert protection_price("SELL", 1000.0, -0.5, infy) == 980.0


def test_no_protection_at_all_is_the_last_price_itself() -> None:
    infy = replace(an_instrument(), tick_size=0.05)
    assert protection_price("BUY", 1000.0, 0, infy) == protection_price("SELL", 1000.0, 0, infy) == 1000.0


def test_where_no_tick_is_known_the_protection_lies_on_a_paisa() -> None:
    index = replace(an_instrument(), tick_size=0.0)
    assert protection_price("BUY", 33.33, 1.0, index) == 33.66
    assert protection_price("SELL", 33.33, 1.0, index) == 33.0


def test_a_currencys_quarter_of_a_paisa_is_kept_and_nothing_smaller_is_left() -> None:
    usd = replace(an_instrument(), tick_size=0.0025)
    assert protection_price("BUY", 84.5975, 1, usd) == 85.4425
    assert protection_price("SELL", 84.5975, 1, usd) == 83.7525


@given(SIDES, st.integers(100, 1_000_000), st.integers(0, 50), st.sampled_from([0.01, 0.05, 0.1, 0.5, 1.0]))
def test_a_price_that_lies_on_a_tick_already_is_not_moved_by_the_last_digit_of_a_float(
    side: Any, count: int, pct: int, tick: float
) -> None:
    last = count * tick
    up = 1 if side == "BUY" else -1
    exact = count * (100 + up * pct)  # in hundredths of a tick
    hundredths = exact // 100 if side == "BUY" else -(-exact // 100)
    found = protection_price(side, last, pct, replace(an_instrument(), tick_size=tick))
    assert math.isclose(found, hundredths * tick, abs_tol=1e-4)


@pytest.mark.parametrize(
    ("price", "which"), [(90.0, 0), (89.0, 0), (90.05, None), (109.95, None), (110.0, 1), (111.0, 1)]
)
def test_two_triggers_stand_on_both_sides_of_the_market(price: float, which: int | None) -> None:
    assert reached((90.0, 110.0), 100.0, price) == which


@pytest.mark.parametrize(("price", "which"), [(110.0, 0), (130.0, 0), (109.95, None)])
def test_a_trigger_above_the_market_is_reached_from_below_gaps_included(price: float, which: int | None) -> None:
    assert reached((110.0,), 100.0, price) == which


@pytest.mark.parametrize(("price", "which"), [(90.0, 0), (70.0, 0), (90.05, None)])
def test_a_trigger_below_the_market_is_reached_from_above_gaps_included(price: float, which: int | None) -> None:
    assert reached((90.0,), 100.0, price) == which


def test_a_trigger_at_the_price_it_was_made_at_waits_for_no_rise() -> None:
    assert reached((100.0,), 100.0, 100.0) == 0
    assert reached((100.0,), 100.0, 100.05) is None


def test_an_order_takes_the_last_unit_that_shows_and_not_one_more() -> None:
    assert arriving("BUY", None, 110, BOOK) == [Execution(101, 50), Execution(102, 60)]
    assert arriving("BUY", None, 111, BOOK) == [Execution(101, 50), Execution(102, 60)]
    assert arriving("BUY", 101, 51, BOOK) == [Execution(101, 50)]
    assert arriving("SELL", 99, 50, BOOK) == [Execution(99, 50)]
    assert arriving("SELL", 99.05, 50, BOOK) == []


def test_an_order_for_nothing_fills_nothing() -> None:
    assert arriving("BUY", None, 0, BOOK) == [] == arriving("SELL", None, 0, book(100))


def test_an_order_does_not_fill_from_its_own_side() -> None:
    assert arriving("BUY", None, 5, book(100, bids=[(99, 50)])) == []
    assert arriving("SELL", None, 5, book(100, asks=[(101, 50)])) == []


def test_a_resting_order_takes_what_has_come_to_it_at_its_own_price() -> None:
    assert resting("BUY", 101, 70, BOOK) == [Execution(101, 50)]
    assert resting("BUY", 102, 70, BOOK) == [Execution(102, 70)]
    assert resting("SELL", 98, 200, BOOK) == [Execution(98, 110)]
    assert resting("BUY", 100.5, 70, BOOK) == [Execution(100.5, 70)]  # the last trade was below it


def test_touching_a_resting_orders_price_is_not_enough() -> None:
    assert resting("BUY", 100, 5, BOOK) == resting("SELL", 100, 5, BOOK) == []
    assert resting("BUY", 99.95, 5, BOOK) == resting("SELL", 100.05, 5, BOOK) == []
    assert resting("SELL", 99.95, 5, BOOK) == [Execution(99.95, 5)]


@given(SIDES, st.integers(0, 200))
def test_what_was_taken_is_gone_and_the_rest_is_as_it_was(side: Any, quantity: int) -> None:
    after = taken(BOOK, side, quantity)
    before_levels, after_levels = (BOOK.asks, after.asks) if side == "BUY" else (BOOK.bids, after.bids)
    fills = arriving(side, None, quantity, BOOK)
    gone = {fill.price: fill.quantity for fill in fills}
    assert [level.price for level in after_levels] == [level.price for level in before_levels]
    for before, left in zip(before_levels, after_levels, strict=True):
        assert left.quantity == before.quantity - gone.get(before.price, 0)
    assert (after.bids if side == "BUY" else after.asks) == (BOOK.bids if side == "BUY" else BOOK.asks)
    assert after.last_price == BOOK.last_price


def test_the_average_of_nothing_is_nothing() -> None:
    assert average([]) == 0.0
    assert average([Execution(100.0, 1), Execution(103.0, 2)]) == 102.0
