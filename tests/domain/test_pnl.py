"""Lots at average cost: realised and open kept apart, and not a paisa lost between them."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.pnl import Lots, Pnl, lots_of, pnl_of, sum_of
from alphapanda_desktop.domain.positions import RUPEE


def trade(quantity: int, price: float) -> tuple[int, int]:
    """A signed quantity at a price in rupees, as booked."""
    return quantity, round(quantity * price * RUPEE)


def made(*trades: tuple[int, float], start: Lots | None = None) -> Lots:
    return lots_of([trade(*one) for one in trades], start)


@pytest.mark.parametrize(
    ("trades", "quantity", "average", "realised"),
    [
        ([(10, 100)], 10, 100, 0),
        ([(-10, 100)], -10, 100, 0),
        ([(10, 100), (10, 110)], 20, 105, 0),
        ([(10, 100), (-4, 110)], 6, 100, 40),
        ([(-10, 100), (4, 90)], -6, 100, 40),
        ([(10, 100), (-10, 103)], 0, None, 30),
        ([(-10, 100), (10, 103)], 0, None, -30),
        ([(10, 100), (-15, 110)], -5, 110, 100),
        ([(-10, 100), (15, 90)], 5, 90, 100),
        ([(10, 100), (-5, 110), (5, 120)], 10, 110, 50),
        ([(10, 100), (-5, 110), (5, 120), (-10, 130)], 0, None, 250),
        ([(10, 100), (-10, 90), (-10, 90), (10, 80)], 0, None, 0),
    ],
)
def test_partial_closes_flips_and_additions(
    trades: list[tuple[int, float]], quantity: int, average: float | None, realised: float
) -> None:
    lots = made(*trades)
    assert (lots.quantity, lots.realised) == (quantity, realised * RUPEE)
    assert lots.cost == (0 if average is None else quantity * average * RUPEE)


def test_an_addition_leaves_what_was_realised_alone() -> None:
    lots = made((10, 100), (-5, 110))
    assert lots.after(*trade(50, 500)).realised == lots.realised == 50 * RUPEE


def test_lots_carried_into_the_day_close_at_their_own_cost() -> None:
    carried = Lots(3, 3 * 23_057 * RUPEE)
    assert made((-3, 23_340), start=carried).realised == (23_340 - 23_057) * 3 * RUPEE
    assert made(start=carried) == carried
    assert made() == Lots(0, 0, 0)


def test_the_open_part_is_worth_its_price_less_its_cost() -> None:
    assert made((10, 100)).unrealised(10 * 103 * RUPEE) == 30 * RUPEE
    assert made((-10, 100)).unrealised(-10 * 103 * RUPEE) == -30 * RUPEE


def test_shares_that_do_not_divide_are_rounded_to_the_nearest_count() -> None:
    third = Lots(3, 100)
    assert third.after(-1, -50) == Lots(2, 67, 17)
    assert third.after(-2, -100) == Lots(1, 33, 33)
    assert Lots(-3, -100).after(1, 50) == Lots(-2, -67, -17)
    assert Lots(2, 3).after(-1, -1) == Lots(1, 1, -1)
    assert Lots(1, 7).after(-3, -10) == Lots(-2, -7, -4)
    assert Lots(2, 0).after(-1, -5) == Lots(1, 0, 5)


TRADES = st.lists(st.tuples(st.integers(-500, 500).filter(bool), st.integers(1, 10**7)), max_size=30)


@given(TRADES, st.integers(1, 10**7))
def test_nothing_is_lost_between_cost_and_realised(trades: list[tuple[int, int]], price: int) -> None:
    lots, cash = Lots(), 0
    for quantity, at in trades:
        lots, cash = lots.after(quantity, quantity * at), cash - quantity * at
    assert lots.quantity == sum(quantity for quantity, _ in trades)
    assert lots.realised - lots.cost == cash
    assert lots.realised + lots.unrealised(lots.quantity * price) == cash + lots.quantity * price


@given(TRADES)
def test_what_is_flat_has_no_cost_and_what_is_held_has_its_sign(trades: list[tuple[int, int]]) -> None:
    lots = lots_of((quantity, quantity * at) for quantity, at in trades)
    if lots.quantity == 0:
        assert lots.cost == 0
    assert lots.cost * lots.quantity >= 0


@given(st.lists(st.tuples(st.integers(1, 500), st.integers(1, 10**6)), min_size=1), st.integers(1, 10**6))
def test_closing_all_at_one_price_realises_the_whole_difference(buys: list[tuple[int, int]], price: int) -> None:
    held = lots_of((quantity, quantity * at) for quantity, at in buys)
    closed = held.after(-held.quantity, -held.quantity * price)
    assert closed.realised == held.quantity * price - sum(quantity * at for quantity, at in buys)


def test_lots_and_results_are_not_changed_in_place() -> None:
    for thing, name in ((Lots(), "cost"), (pnl_of(0, 0, 0), "net")):
        with pytest.raises(FrozenInstanceError):
            setattr(thing, name, 1)
        assert not hasattr(thing, "__dict__")


# --- results --------------------------------------------------------------------------------------------------------


def test_net_is_gross_less_charges_in_rupees() -> None:
    assert pnl_of(123_456, -23_456, 50_000) == Pnl(12.3456, -2.3456, 10.0, 5.0, 5.0)


def test_what_is_unknown_makes_unknown_what_is_made_of_it() -> None:
    assert pnl_of(10_000, None, 5_000) == Pnl(1.0, None, None, 0.5, None)
    assert pnl_of(None, 10_000, 0) == Pnl(None, 1.0, None, 0.0, None)


def test_sums_are_exact_and_unknown_where_a_part_is() -> None:
    tenth = pnl_of(1_000, 2_000, 500)
    assert sum_of([tenth] * 3) == Pnl(0.3, 0.6, 0.9, 0.15, 0.75)
    assert sum_of([tenth, pnl_of(1_000, None, 500)]) == Pnl(0.2, None, None, 0.1, None)
    assert sum_of([]) == Pnl(0.0, 0.0, 0.0, 0.0, 0.0)


def test_charges_come_off_the_net_alone() -> None:
    assert pnl_of(10_000, 20_000, 5_000).less(15_000) == Pnl(1.0, 2.0, 3.0, 2.0, 1.0)
    assert pnl_of(10_000, None, 5_000).less(15_000) == Pnl(1.0, None, None, 2.0, None)
