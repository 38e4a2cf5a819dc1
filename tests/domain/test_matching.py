"""When and at what price orders fill."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.market import DepthLevel
from alphapanda_desktop.domain.matching import (
    Execution,
    Quote,
    arriving,
    average,
    protection_price,
    quote_of,
    resting,
    taken,
    triggered,
)
from tests.fakes import a_tick, an_instrument


def book(last: float, bids: Any = (), asks: Any = ()) -> Quote:
    return Quote(last, *(tuple(DepthLevel(p, q, 1) for p, q in side) for side in (bids, asks)))


BOOK = book(100, [(99.95, 50), (99.90, 100)], [(100.05, 50), (100.10, 100)])


def test_an_arriving_order_takes_level_after_level_at_their_prices() -> None:
    assert arriving("BUY", 100.10, 70, BOOK) == [Execution(100.05, 50), Execution(100.10, 20)]
    assert arriving("SELL", 99.90, 70, BOOK) == [Execution(99.95, 50), Execution(99.90, 20)]


def test_a_limit_keeps_out_worse_levels() -> None:
    assert arriving("BUY", 100.05, 70, BOOK) == [Execution(100.05, 50)]
    assert arriving("BUY", 100.00, 70, BOOK) == []
    assert arriving("BUY", None, 500, BOOK) == [Execution(100.05, 50), Execution(100.10, 100)]


def test_without_depth_it_fills_whole_at_the_last_price_if_the_limit_allows() -> None:
    assert arriving("BUY", 100, 70, book(100)) == [Execution(100, 70)]
    assert arriving("SELL", 100.05, 70, book(100)) == []


def test_where_nobody_sells_nothing_is_bought() -> None:
    assert arriving("BUY", None, 10, book(100, bids=[(100, 500)])) == []


def test_an_emptied_level_gives_no_fill_of_nothing() -> None:
    empty = taken(BOOK, "BUY", 150)
    assert [level.quantity for level in empty.asks] == [0, 0]
    assert empty.bids == BOOK.bids
    assert arriving("BUY", None, 10, empty) == []
    assert arriving("BUY", None, 10, taken(BOOK, "BUY", 50)) == [Execution(100.10, 10)]


def test_a_resting_order_fills_at_its_own_limit_once_the_market_comes_through() -> None:
    assert resting("BUY", 99, 10, book(98.95)) == [Execution(99, 10)]
    assert resting("BUY", 99, 10, book(99)) == []
    assert resting("SELL", 101, 10, book(101.05)) == [Execution(101, 10)]
    assert resting("BUY", 99, 60, book(99.5, asks=[(98.9, 20), (99, 30), (99.1, 99)])) == [Execution(99, 50)]


@pytest.mark.parametrize(
    ("side", "last", "pct", "tick", "price"),
    [
        ("BUY", 100.05, 2, 0.05, 102.05),
        ("SELL", 100.05, 2, 0.05, 98.05),
        ("BUY", 100.05, -1, 0.05, 102.05),
        ("BUY", 1573.1, 1, 0.1, 1588.8),
        ("SELL", 83.1225, 0.5, 0.0025, 82.7075),
        ("BUY", 26_000.1, 2, 0.1, 26_520.1),
    ],
)
def test_protection_goes_no_further_than_asked_and_lies_on_a_tick(
    side: Any, last: float, pct: float, tick: float, price: float
) -> None:
    assert protection_price(side, last, pct, an_instrument(tick_size=tick)) == price


def test_a_stop_is_triggered_by_reaching_its_price() -> None:
    assert triggered("BUY", 101, 101)
    assert triggered("SELL", 99, 98)
    assert not triggered("BUY", 101, 100.95)
    assert not triggered("SELL", 99, 99.05)


def test_a_tick_gives_its_levels_and_leaves_empty_ones_out() -> None:
    quote = quote_of(a_tick(100, bids=[(99.95, 50)], asks=[(100.05, 50), (100.10, 5)]))
    assert (len(quote.bids), len(quote.asks)) == (1, 2)
    assert quote_of(a_tick(100)) == Quote(100)


Levels = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 50)), max_size=5)


@given(st.sampled_from(["BUY", "SELL"]), st.integers(60, 140), st.integers(1, 200), Levels, Levels)
def test_no_fill_is_worse_than_the_limit_or_larger_than_what_shows(
    side: Any, limit: int, quantity: int, below: list[tuple[int, int]], above: list[tuple[int, int]]
) -> None:
    quote = book(100, sorted(((100 - d, q) for d, q in below), reverse=True), sorted((100 + d, q) for d, q in above))
    fills = arriving(side, limit, quantity, quote)
    shown = sum(level.quantity for level in (quote.asks if side == "BUY" else quote.bids))
    assert all(fill.quantity > 0 for fill in fills)
    assert sum(fill.quantity for fill in fills) <= (min(quantity, shown) if quote.bids or quote.asks else quantity)
    assert all(fill.price <= limit if side == "BUY" else fill.price >= limit for fill in fills)
    after = taken(quote, side, sum(fill.quantity for fill in fills))
    left = sum(level.quantity for level in (after.asks if side == "BUY" else after.bids))
    if quote.bids or quote.asks:
        assert left == shown - sum(fill.quantity for fill in fills)


def test_the_average_is_weighted() -> None:
    assert average([Execution(100, 1), Execution(103, 2)]) == 102
    assert average([]) == 0
