"""Positions by Kite's arithmetic, held against Kite's own sample rows."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import Position, add_fill, fold_fills, to_money

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
    assert len(rows) >= 5
    for row in rows:
        position = Position(**{name: value for name, value in row.items() if name in names})
        for name in DERIVED:
            assert getattr(position, name) == pytest.approx(row[name], abs=0.01), (row["tradingsymbol"], name)


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
