"""Positions by Kite's arithmetic, held against Kite's own sample rows."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import RUPEE, Position, add_fill, fold_fills, to_money

DERIVED = ("buy_price", "sell_price", "average_price", "value", "pnl", "m2m")


def fill(side: Any, quantity: int, price: float, symbol: str = "INFY", product: str = "MIS") -> Fill:
    return Fill(
        trade_id="1",
        order_id="1",
        exchange="NSE",
        tradingsymbol=symbol,
        transaction_type=side,
        quantity=quantity,
        average_price=price,
        product=product,
    )


def test_kites_own_rows_come_out_of_the_arithmetic(kite_samples: Path) -> None:
    data = json.loads((kite_samples / "mocks" / "positions.json").read_text())["data"]
    rows = data["net"] + data["day"]
    names = {f.name for f in fields(Position)}
    assert len(rows) == 6
    for row in rows:
        position = Position(**{name: value for name, value in row.items() if name in names})
        for name in DERIVED:
            assert to_money(getattr(position, name)) == to_money(row[name]), (row["tradingsymbol"], name)


def test_a_short_is_negative_and_gains_when_the_price_falls() -> None:
    position = fold_fills([fill("SELL", 10, 100)])[("NSE", "INFY", "MIS")]
    assert (position.quantity, position.average_price) == (-10, 100)
    assert position.pnl_at(90) == 100


def test_a_flat_row_stays_with_its_result() -> None:
    position = fold_fills([fill("BUY", 10, 100), fill("SELL", 10, 103)])[("NSE", "INFY", "MIS")]
    assert (position.quantity, position.average_price, position.pnl_at(999)) == (0, 0, 30)


def test_a_multiplier_is_in_the_values_and_not_in_the_prices() -> None:
    position = fold_fills([fill("BUY", 2, 5_000)], multiplier=100)[("NSE", "INFY", "MIS")]
    assert (position.buy_value, position.buy_price, position.pnl_at(5_010)) == (1_000_000, 5_000, 2_000)


def test_overnight_quantity_is_marked_from_yesterdays_close() -> None:
    long = Position(exchange="NSE", tradingsymbol="X", product="NRML", quantity=10, overnight_quantity=10,
                    close_price=100, last_price=103, buy_quantity=10, buy_value=900)  # fmt: skip
    short = Position(exchange="NSE", tradingsymbol="X", product="NRML", quantity=-10, overnight_quantity=-10,
                     close_price=100, last_price=103, sell_quantity=10, sell_value=1_100)  # fmt: skip
    assert (long.m2m, long.pnl) == (30, 130)
    assert (short.m2m, short.pnl) == (-30, 70)


def test_the_same_share_under_two_products_is_two_positions() -> None:
    assert len(fold_fills([fill("BUY", 1, 1), fill("BUY", 1, 1, product="CNC"), fill("BUY", 1, 1, "TCS")])) == 3


@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 1000), st.integers(1, 10**6))))
def test_profit_is_the_sum_over_fills_whatever_their_order(trades: list[tuple[str, int, int]]) -> None:
    position = Position(exchange="NSE", tradingsymbol="INFY", product="MIS")
    for side, quantity, paise in trades:
        position = add_fill(position, fill(side, quantity, paise / 100))
    expected = sum((200 - paise / 100) * quantity * (1 if side == "BUY" else -1) for side, quantity, paise in trades)
    assert position.pnl_at(200) == pytest.approx(expected, abs=0.01)
    assert position.quantity == sum(q if side == "BUY" else -q for side, q, _ in trades)


@pytest.mark.parametrize(("rupees", "money"), [(0.1, 1_000), (1573.15, 15_731_500), (-0.00005, 0), (83.1225, 831_225)])
def test_booked_money_counts_ten_thousandths(rupees: float, money: int) -> None:
    assert to_money(rupees) == money


# --- every part of a row --------------------------------------------------------------------------------------------

EMPTY = Position(exchange="NSE", tradingsymbol="INFY", product="MIS")


def test_a_row_of_nothing_is_worth_nothing() -> None:
    zeros = [EMPTY.quantity, EMPTY.buy_price, EMPTY.sell_price, EMPTY.average_price, EMPTY.value, EMPTY.pnl, EMPTY.m2m]
    assert zeros == [0] * 7
    assert (EMPTY.multiplier, EMPTY.last_price, EMPTY.close_price, EMPTY.realised, EMPTY.overnight_value) == (
        1,
        0,
        0,
        0,
        0,
    )
    assert (EMPTY.told_pnl, EMPTY.instrument_token) == (None, 0)
    assert (EMPTY.key, EMPTY.id) == ("NSE:INFY", ("NSE", "INFY", "MIS"))


def test_a_purchase_adds_to_the_buy_side_alone() -> None:
    after = add_fill(EMPTY, fill("BUY", 10, 100))
    assert after == Position(exchange="NSE", tradingsymbol="INFY", product="MIS", quantity=10, buy_quantity=10,
                             buy_value=1_000, day_buy_quantity=10, day_buy_value=1_000)  # fmt: skip
    twice = add_fill(after, fill("BUY", 30, 104))
    assert (twice.quantity, twice.buy_quantity, twice.day_buy_quantity) == (40, 40, 40)
    assert (twice.buy_value, twice.day_buy_value, twice.average_price) == (4_120, 4_120, 103)


def test_a_sale_adds_to_the_sell_side_alone() -> None:
    after = add_fill(EMPTY, fill("SELL", 10, 100))
    assert after == Position(exchange="NSE", tradingsymbol="INFY", product="MIS", quantity=-10, sell_quantity=10,
                             sell_value=1_000, day_sell_quantity=10, day_sell_value=1_000)  # fmt: skip
    twice = add_fill(after, fill("SELL", 30, 104))
    assert (twice.quantity, twice.sell_quantity, twice.day_sell_quantity) == (-40, 40, 40)
    assert (twice.sell_value, twice.day_sell_value, twice.average_price) == (4_120, 4_120, 103)


def test_folded_fills_keep_the_token_and_the_key() -> None:
    bought = Fill(trade_id="1", order_id="1", exchange="NFO", tradingsymbol="X", transaction_type="BUY", quantity=2,
                  average_price=5, product="NRML", instrument_token=77)  # fmt: skip
    folded = fold_fills([bought, bought], multiplier=10)
    assert list(folded) == [("NFO", "X", "NRML")]
    position = folded["NFO", "X", "NRML"]
    assert (position.exchange, position.tradingsymbol, position.product) == ("NFO", "X", "NRML")
    assert (position.instrument_token, position.multiplier, position.quantity) == (77, 10, 4)
    assert fold_fills([fill("BUY", 1, 5)])["NSE", "INFY", "MIS"].multiplier == 1


@pytest.mark.parametrize(
    ("trades", "realised", "open_part"),
    [
        ([("BUY", 10, 100), ("SELL", 4, 110)], 40, 6 * 5),
        ([("SELL", 10, 100), ("BUY", 4, 90)], 40, -6 * 5),
        ([("BUY", 10, 100), ("SELL", 15, 110)], 100, 5 * 5),
        ([("SELL", 10, 100), ("BUY", 15, 90)], 100, 5 * 15),
        ([("BUY", 10, 100), ("SELL", 10, 103)], 30, 0),
        ([("BUY", 10, 100)], 0, 50),
    ],
)
def test_realised_is_each_side_at_its_average(
    trades: list[tuple[Any, int, float]], realised: float, open_part: float
) -> None:
    position = EMPTY
    for trade in trades:
        position = add_fill(position, fill(*trade))
    assert position.realised == pytest.approx(realised)
    last = 105.0
    assert position.pnl_at(last) - position.realised == pytest.approx(
        position.quantity * (last - position.average_price)
    )


def test_realised_has_the_multiplier_in_it() -> None:
    position = fold_fills([fill("BUY", 2, 5_000), fill("SELL", 1, 5_010)], multiplier=100)["NSE", "INFY", "MIS"]
    assert (position.realised, position.average_price, position.sell_price) == (1_000, 5_000, 5_010)


def test_what_was_carried_is_the_rest_of_its_side() -> None:
    long = Position(exchange="MCX", tradingsymbol="X", product="NRML", overnight_quantity=3, buy_value=92_559,
                    day_buy_value=23_388, sell_value=5, day_sell_value=5)  # fmt: skip
    short = Position(exchange="MCX", tradingsymbol="X", product="NRML", overnight_quantity=-3, sell_value=92_559,
                     day_sell_value=23_388, buy_value=5, day_buy_value=5)  # fmt: skip
    one = Position(exchange="MCX", tradingsymbol="X", product="NRML", overnight_quantity=1, buy_value=7)
    none = Position(exchange="MCX", tradingsymbol="X", product="NRML", buy_value=92_559, sell_value=10)
    assert (long.overnight_value, short.overnight_value, one.overnight_value) == (69_171, -69_171, 7)
    assert (
        Position(exchange="MCX", tradingsymbol="X", product="NRML", overnight_quantity=-1, sell_value=7).overnight_value
        == -7
    )
    assert none.overnight_value == 0


@given(st.integers(-1000, 1000), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1, 50))
def test_m2m_and_pnl_differ_by_what_the_carried_part_gained_before_today(
    carried: int, cost: int, close: int, multiplier: int
) -> None:
    """Cost and close are paise."""
    value = abs(carried) * cost / 100 * multiplier
    side = (
        {"buy_quantity": carried, "buy_value": value}
        if carried > 0
        else {"sell_quantity": -carried, "sell_value": value}
    )
    row = Position(exchange="NSE", tradingsymbol="X", product="NRML", quantity=carried, overnight_quantity=carried,
                   multiplier=multiplier, close_price=close / 100, last_price=50.0, **side)  # type: ignore[arg-type]  # fmt: skip
    gained = carried * (close - cost) / 100 * multiplier
    assert row.pnl - row.m2m == pytest.approx(gained, abs=0.01)


def test_a_rupee_is_ten_thousand() -> None:
    assert RUPEE == 10_000


def test_a_row_is_not_changed_in_place_and_is_told_by_name() -> None:
    with pytest.raises(FrozenInstanceError):
        EMPTY.quantity = 1  # type: ignore[misc]
    assert not hasattr(EMPTY, "__dict__")
    with pytest.raises(TypeError):
        Position("NSE", "INFY", "MIS")  # type: ignore[misc]
