"""Positions, holdings and funds by Kite's arithmetic."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.sim.accounts import position_row
from alphapanda_desktop.sim.answers import KiteError
from alphapanda_desktop.sim.venue import LocalKite
from tests.sim.practice_kite import CALL, CRUDE, FUT, INFY, SBIN, StillMarket, order, still_kite


def trade(kite: LocalKite, instrument: Any = INFY, **more: object) -> str:
    placed: Any = kite.exchange.place("regular", order(instrument, **more))
    kite.exchange.settle_all()
    return str(placed["order_id"])


def row_of(kite: LocalKite, where: str = "net", n: int = 0) -> dict[str, Any]:
    rows: Any = kite.book.accounts.rows()
    return dict(rows[where][n])


@pytest.mark.parametrize("where", ["net", "day"])
def test_the_arithmetic_reproduces_every_row_of_kites_sample(kite_samples: Path, where: str) -> None:
    rows = json.loads((kite_samples / "mocks" / "positions.json").read_text())["data"][where]
    names = {field.name for field in fields(Position)}
    for row in rows:
        ours = position_row(Position(**{name: value for name, value in row.items() if name in names}))
        assert list(ours) == list(row)
        for name, value in row.items():
            assert ours[name] == (value if isinstance(value, str) else pytest.approx(value)), name


def test_a_lot_on_mcx_counts_by_its_multiplier() -> None:
    kite = still_kite()
    trade(kite, CRUDE, quantity=1, price=5601, product="NRML")
    row = row_of(kite)
    assert (row["multiplier"], row["buy_value"], row["pnl"]) == (100, 560_100, -100)
    assert kite.book.accounts.funds("commodity").need.total == pytest.approx(56_010)
    assert kite.book.accounts.funds("equity").live == 1_000_000


def test_buying_and_selling_again_realises_and_frees_the_margin() -> None:
    kite = still_kite()
    trade(kite, quantity=100, price=1500.1)
    assert kite.book.accounts.funds("equity").need.var == pytest.approx(30_002)
    assert isinstance(kite.market, StillMarket)
    kite.market.move(INFY, 1510.0)
    trade(kite, quantity=100, price=1509.9, transaction_type="SELL")
    row, funds = row_of(kite), kite.book.accounts.funds("equity")
    assert (row["quantity"], row["average_price"]) == (0, 0)
    assert row["pnl"] == pytest.approx(980)
    assert funds.need.total == 0 and funds.realised == pytest.approx(980)
    assert funds.live == pytest.approx(1_000_980)


def test_closing_needs_no_funds_and_promised_units_close_only_once() -> None:
    kite = still_kite()
    trade(kite, quantity=100, price=1500.1)
    kite.book.accounts.cash["equity"] = 30_100.0
    trade(kite, quantity=100, price=1600, transaction_type="SELL")
    with pytest.raises(KiteError, match="Insufficient funds"):
        trade(kite, quantity=100, price=1600, transaction_type="SELL")


def test_an_open_order_blocks_margin_until_it_is_cancelled() -> None:
    kite = still_kite()
    id_ = trade(kite, quantity=100, price=1490)
    assert kite.book.accounts.funds("equity").live == pytest.approx(1_000_000 - 29_800)
    kite.exchange.modify("regular", id_, {"quantity": "200"})
    assert kite.book.accounts.funds("equity").live == pytest.approx(1_000_000 - 59_600)
    kite.exchange.cancel("regular", id_)
    assert kite.book.accounts.funds("equity").live == 1_000_000


def test_a_bought_option_costs_its_premium_and_a_written_one_margin() -> None:
    kite = still_kite()
    trade(kite, CALL, quantity=65, price=100.05, product="NRML")
    assert kite.book.accounts.funds("equity").live == pytest.approx(1_000_000 - 65 * 100.05)
    other = still_kite()
    trade(other, CALL, quantity=65, price=99.95, product="NRML", transaction_type="SELL")
    funds = other.book.accounts.funds("equity")
    assert funds.need.span == pytest.approx(65 * 25_000 * 0.10) and funds.need.premium == pytest.approx(-65 * 99.95)


def test_shares_in_the_demat_account_can_be_sold_and_no_more() -> None:
    kite = still_kite()
    trade(kite, SBIN, quantity=60, price=799.95, product="CNC", transaction_type="SELL")
    holding = next(row for row in kite.book.accounts.holdings.rows() if row["tradingsymbol"] == "SBIN")
    assert (holding["quantity"], holding["used_quantity"]) == (100, 60)
    assert row_of(kite)["quantity"] == -60
    assert kite.book.accounts.funds("equity").live == pytest.approx(1_000_000 + 60 * 799.95)
    with pytest.raises(KiteError) as caught:
        trade(kite, SBIN, quantity=41, price=799.95, product="CNC", transaction_type="SELL")
    assert caught.value.error_type == "HoldingException"
    trade(kite, SBIN, quantity=40, price=799.95, product="CNC", transaction_type="SELL")


def test_mtf_takes_no_short() -> None:
    kite = still_kite()
    trade(kite, INFY, quantity=10, price=1500.1, product="MTF")
    with pytest.raises(KiteError, match="You can sell 10 of INFY, 11 asked"):
        trade(kite, INFY, quantity=11, price=1499.9, product="MTF", transaction_type="SELL")
    trade(kite, INFY, quantity=10, price=1499.9, product="MTF", transaction_type="SELL")


def test_a_position_is_converted_with_its_price_and_its_margin() -> None:
    kite = still_kite()
    trade(kite, quantity=100, price=1500.1)
    form = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "position_type": "day",
            "quantity": "40", "old_product": "MIS", "new_product": "CNC"}  # fmt: skip
    assert kite.book.accounts.convert(form) is True
    mis, cnc = row_of(kite, n=0), row_of(kite, n=1)
    assert (mis["quantity"], mis["product"], cnc["quantity"], cnc["product"]) == (60, "MIS", 40, "CNC")
    assert cnc["average_price"] == pytest.approx(1500.1) and mis["pnl"] + cnc["pnl"] == pytest.approx(-10)
    for wrong in ({"quantity": "61"}, {"transaction_type": "SELL"}, {"new_product": "NRML"}, {"new_product": "MIS"}):
        with pytest.raises(KiteError):
            kite.book.accounts.convert(form | wrong)


def test_holdings_of_a_summary_add_up() -> None:
    holdings = still_kite().book.accounts.holdings
    rows, summary = holdings.rows(), holdings.summary()
    assert summary["total_pnl"] == pytest.approx(sum(float(str(row["pnl"])) for row in rows))
    assert summary["current_value"] - summary["invested_amount"] == pytest.approx(summary["total_pnl"])


def test_tomorrow_money_has_moved_and_nothing_is_counted_twice() -> None:
    kite = still_kite()
    trade(kite, quantity=100, price=1500.1)
    trade(kite, FUT, quantity=65, price=25000.1, product="NRML")
    trade(kite, SBIN, quantity=10, price=799.95, product="CNC", transaction_type="SELL")
    accounts = kite.book.accounts
    worth = accounts.funds("equity").live + accounts.funds("equity").need.total
    kite.book.new_day()
    after = accounts.funds("equity")
    assert after.live + after.need.total == pytest.approx(worth)


def test_what_is_listed_no_more_after_a_restart_is_paid_out(tmp_path: Path) -> None:
    state = tmp_path / "sim.state"
    first = still_kite(state=state)
    trade(first, CALL, quantity=65, price=100.05, product="NRML")
    trade(first, CALL, quantity=65, price=90, product="NRML")
    trade(first, quantity=10, price=1500.1)
    first.memory.close()
    second = still_kite(state=state, market=StillMarket(without=[CALL]))
    assert [row["tradingsymbol"] for row in second.book.rows()] == ["INFY"]
    assert list(second.book.accounts.positions) == [("NSE", "INFY", "MIS")]
    assert second.book.accounts.cash["equity"] == pytest.approx(1_000_000), "at its cost, where no price is known"
    second.memory.close()


sides = st.sampled_from(["BUY", "SELL"])


@given(st.lists(st.tuples(sides, st.integers(1, 300)), max_size=12))
def test_however_one_trades_the_position_is_what_the_trades_sum_to(steps: list[tuple[str, int]]) -> None:
    kite = still_kite("market_protection=off")
    for side, quantity in steps:
        trade(kite, quantity=quantity, transaction_type=side, order_type="MARKET", price=None)
    trades = kite.book.trades()
    signed = [(1 if t["transaction_type"] == "BUY" else -1, t) for t in trades]
    quantity = sum(sign * int(str(t["quantity"])) for sign, t in signed)
    value = -sum(sign * int(str(t["quantity"])) * float(str(t["average_price"])) for sign, t in signed)
    if trades:
        row = row_of(kite)
        assert row["quantity"] == quantity
        assert row["pnl"] == pytest.approx(value + quantity * 1500.0)
    assert kite.book.accounts.funds("equity").blocked == 0
