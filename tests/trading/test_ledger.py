"""The ledger: whose money, after charges, by run, by position and for the account."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.charges import charges
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.positions import RUPEE, Position, fold_fills
from alphapanda_desktop.trading.ledger import Ledger
from tests.fakes import an_instrument

TODAY = date(2026, 11, 23)
INFY = an_instrument()
CRUDE = an_instrument("CRUDEOIL26DECFUT", token=7, exchange="MCX", kind="FUT", lot_size=100, tick_size=1)
WHERE = ("NSE", "INFY", "MIS")


def a_ledger(*instruments: Instrument, today: date = TODAY) -> Ledger:
    known = {i.key: i for i in (instruments or (INFY, CRUDE))}
    return Ledger(known.get, lambda: today)


def fill(side: Any, quantity: int, price: float, *, n: int = 1, order: str = "", **words: Any) -> Fill:
    usual: dict[str, Any] = {"exchange": "NSE", "tradingsymbol": "INFY", "product": "MIS"}
    return Fill(trade_id=f"t{n}", order_id=order or f"o{n}", transaction_type=side, quantity=quantity,
                average_price=price, **{**usual, **words})  # fmt: skip


def at(price: float | None) -> Any:
    return lambda _key: price


def cost(side: Any, quantity: int, price: float, **words: Any) -> float:
    usual: dict[str, Any] = {"exchange": "NSE", "instrument_type": "EQ", "product": "MIS", "on": TODAY}
    return charges(transaction_type=side, quantity=quantity, average_price=price, **{**usual, **words}).total / RUPEE


# --- charges --------------------------------------------------------------------------------------------------------


def test_brokerage_is_capped_for_the_order_and_not_for_each_fill() -> None:
    ledger = a_ledger()
    for n in range(4):
        ledger.take(fill("BUY", 100, 1_000, n=n, order="one"), "run")
    whole = ledger.of_order("one")
    assert whole == charges(exchange="NSE", instrument_type="EQ", product="MIS", transaction_type="BUY", quantity=400,
                            average_price=1_000, on=TODAY)  # fmt: skip
    assert whole is not None and whole.brokerage == 20 * RUPEE
    assert ledger.of_run("run", at(1_000)).charges == whole.total / RUPEE


def test_two_orders_pay_brokerage_twice() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 400, 1_000, n=1), "run")
    ledger.take(fill("BUY", 400, 1_000, n=2), "run")
    assert ledger.of_run("run", at(1_000)).charges == pytest.approx(2 * cost("BUY", 400, 1_000))


def test_a_fill_that_is_known_changes_nothing() -> None:
    ledger, once = a_ledger(), fill("BUY", 10, 100)
    for _ in range(3):
        ledger.take(once, "run")
    assert ledger.of_run("run", at(103)).unrealised == 30
    assert ledger.of_run("run", at(103)).charges == pytest.approx(cost("BUY", 10, 100))
    ledger.take(replace(once, trade_id="other"), "run")
    assert ledger.of_run("run", at(103)).unrealised == 60


def test_an_order_that_has_not_filled_has_cost_nothing_known() -> None:
    assert a_ledger().of_order("o1") is None


def test_the_day_of_the_fill_in_ist_chooses_the_table() -> None:
    def taxed(moment: datetime | None, today: date = TODAY) -> int:
        ledger = a_ledger(today=today)
        words = {"exchange": "NFO", "tradingsymbol": "NIFTY26APRFUT", "product": "NRML"}
        ledger.take(fill("SELL", 100, 1_000, fill_timestamp=moment, **words), "")
        paid = ledger.of_order("o1")
        return paid.transaction_tax if paid else -1

    assert taxed(datetime(2026, 3, 31, 10, tzinfo=UTC)) == 20 * RUPEE
    assert taxed(datetime(2026, 3, 31, 19, tzinfo=UTC)) == 50 * RUPEE
    assert (taxed(None), taxed(None, date(2026, 3, 31))) == (50 * RUPEE, 20 * RUPEE)


def test_a_cover_order_is_charged_as_intraday() -> None:
    order = Order(order_id="o1", status="COMPLETE", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY",
                  quantity=10, product="CNC", order_type="LIMIT", variety="co")  # fmt: skip
    ledger = a_ledger()
    ledger.take(fill("BUY", 10, 1_000, product="CNC"), "", order)
    paid = ledger.of_order("o1")
    assert paid is not None and paid.brokerage == 3 * RUPEE


def paid(ledger: Ledger, order: str) -> tuple[float, float, float]:
    """Tax, brokerage and stamp duty of an order, in rupees."""
    one = ledger.of_order(order)
    assert one is not None
    return one.transaction_tax / RUPEE, one.brokerage / RUPEE, one.stamp_duty / RUPEE


def test_a_share_bought_and_sold_as_cnc_on_one_day_is_charged_as_intraday() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 100, 1_000, n=1, product="CNC"), "run")
    assert paid(ledger, "o1") == (100, 0, 15), "delivery, as long as nothing is sold"
    ledger.take(fill("SELL", 100, 1_000, n=2, product="CNC"), "run")
    assert (paid(ledger, "o1"), paid(ledger, "o2")) == ((0, 20, 3), (25, 20, 0))
    whole = sum(cost(side, 100, 1_000) for side in ("BUY", "SELL"))
    assert ledger.of_run("run", at(1_000)).charges == pytest.approx(whole)
    assert ledger.account([], at(None)).charges == pytest.approx(whole)


def test_what_is_left_of_it_is_delivered_and_brokerage_is_on_both_orders_whole() -> None:
    ledger = a_ledger()
    ledger.take(fill("SELL", 50, 1_000, n=1, product="CNC"), "")
    ledger.take(fill("BUY", 25, 1_000, n=2, product="CNC"), "")
    assert paid(ledger, "o1") == (25_000 * 0.00025 + 25_000 * 0.001, 15, 0)
    assert paid(ledger, "o2") == (0, 7.5, 1)
    ledger.take(fill("BUY", 75, 1_000, n=3, order="o2", product="CNC"), "")
    assert paid(ledger, "o1") == (12.5, 15, 0)
    assert paid(ledger, "o2") == (50, 20, 9), "half of it is delivered"


def test_another_share_or_product_is_delivered_as_before() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 100, 1_000, n=1, product="CNC"), "")
    ledger.take(fill("SELL", 100, 1_000, n=2), "")
    ledger.take(fill("SELL", 100, 1_000, n=3, product="CNC", tradingsymbol="TCS"), "")
    assert (paid(ledger, "o1"), paid(ledger, "o3")) == ((100, 0, 15), (100, 0, 0))


def test_a_symbol_without_a_master_is_told_by_its_letters() -> None:
    ledger = a_ledger()
    ledger.take(fill("SELL", 2, 5_000, exchange="MCX", tradingsymbol="CRUDEOILM26DECFUT", product="NRML"), "")
    paid = ledger.of_order("o1")
    assert paid is not None
    assert (paid.transaction_tax_type, paid.transaction_tax) == ("ctt", 10 * RUPEE)
    ledger.take(fill("SELL", 2, 5_000, n=2, exchange="MCX", tradingsymbol="ODD26DECFUT", product="NRML"), "")
    odd = ledger.of_order("o2")
    assert odd is not None and odd.transaction_tax == RUPEE


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_run_keeps_realised_and_open_apart_and_its_net_after_charges() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 10, 100, n=1), "run")
    ledger.take(fill("SELL", 4, 110, n=2), "run")
    result = ledger.of_run("run", at(105))
    paid = cost("BUY", 10, 100) + cost("SELL", 4, 110)
    assert (result.realised, result.unrealised, result.gross) == (40, 30, 70)
    assert result.charges == pytest.approx(paid)
    assert result.net == pytest.approx(70 - paid)


def test_runs_do_not_share_their_fills() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 10, 100, n=1), "one")
    ledger.take(fill("SELL", 10, 101, n=2), "two")
    ledger.take(fill("BUY", 1, 100, n=3), "")
    assert ledger.of_run("one", at(102)).gross == 20
    assert ledger.of_run("two", at(102)).gross == -10
    assert ledger.of_run("", at(102)).gross == 2
    assert ledger.of_run("nobody", at(102)).net == 0


def test_a_run_without_a_price_knows_what_it_realised_and_nothing_else() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 10, 100, n=1), "run")
    ledger.take(fill("SELL", 4, 110, n=2), "run")
    result = ledger.of_run("run", at(None))
    assert (result.realised, result.unrealised, result.gross, result.net) == (40, None, None, None)
    ledger.take(fill("SELL", 6, 110, n=3), "run")
    assert ledger.of_run("run", at(None)).unrealised == 0


def test_one_unknown_price_of_two_makes_the_whole_unknown() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 10, 100, n=1), "run")
    ledger.take(fill("BUY", 10, 100, n=2, tradingsymbol="TCS"), "run")
    assert ledger.of_run("run", {"NSE:INFY": 105.0}.get).unrealised is None
    assert ledger.of_run("run", {"NSE:INFY": 105.0, "NSE:TCS": 99.0}.get).unrealised == 40


def test_the_same_share_under_two_products_is_two_lots() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 10, 100, n=1), "run")
    ledger.take(fill("SELL", 10, 105, n=2, product="CNC"), "run")
    result = ledger.of_run("run", at(110))
    assert (result.realised, result.unrealised) == (0, 100 - 50)


def test_a_lot_of_crude_is_worth_a_hundred_barrels() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 2, 5_000, exchange="MCX", tradingsymbol=CRUDE.tradingsymbol, product="NRML"), "run")
    assert ledger.of_run("run", at(5_003)).gross == 600
    paid = ledger.of_order("o1")
    assert paid is not None and paid.sebi_turnover_charge == RUPEE


def test_what_a_run_carried_in_is_part_of_its_result_but_not_of_todays_charges() -> None:
    ledger = a_ledger()
    ledger.carry("run", *WHERE, 10, 90)
    assert ledger.carried("run", WHERE) == 10
    assert ledger.of_run("run", at(100)).unrealised == 100
    ledger.take(fill("SELL", 10, 100), "run")
    result = ledger.of_run("run", at(100))
    assert (result.realised, result.unrealised, result.charges) == (100, 0, pytest.approx(cost("SELL", 10, 100)))
    assert (ledger.carried("run", WHERE), ledger.carried("run", ("NSE", "TCS", "MIS")), ledger.carried("x", WHERE)) == (
        10,
        0,
        0,
    )


def test_a_new_day_carries_what_is_open_at_its_cost_and_forgets_the_rest() -> None:
    ledger = a_ledger()
    ledger.take(fill("BUY", 10, 100, n=1), "run")
    ledger.take(fill("SELL", 4, 110, n=2), "run")
    ledger.take(fill("BUY", 1, 50, n=3, tradingsymbol="TCS"), "run")
    ledger.take(fill("SELL", 1, 60, n=4, tradingsymbol="TCS"), "run")
    ledger.new_day()
    result = ledger.of_run("run", {"NSE:INFY": 103.0}.get)
    assert (result.realised, result.unrealised, result.charges) == (0, 18, 0)
    assert ledger.carried("run", WHERE) == 6
    assert ledger.carried("run", ("NSE", "TCS", "MIS")) == 0
    assert ledger.of_order("o1") is None
    ledger.take(fill("SELL", 6, 104, n=1), "run")
    assert ledger.of_run("run", at(104)).realised == 24
    assert ledger.account([], at(None)).charges == pytest.approx(cost("SELL", 6, 104))


# --- positions and the account --------------------------------------------------------------------------------------


def row(*fills: Fill, **words: Any) -> Position:
    return replace(fold_fills(fills)[WHERE], **words)


def test_the_account_is_kites_arithmetic_less_all_charges() -> None:
    ledger, fills = a_ledger(), [fill("BUY", 10, 100, n=1), fill("SELL", 4, 110, n=2)]
    for one in fills:
        ledger.take(one, "run" if one.trade_id == "t1" else "")
    position = row(*fills)
    result = ledger.account([position, replace(position, tradingsymbol="TCS")], at(105))
    paid = cost("BUY", 10, 100) + cost("SELL", 4, 110)
    assert result.gross == 2 * position.pnl_at(105) == 140
    assert result.charges == pytest.approx(paid) and result.net == pytest.approx(140 - paid)


def test_a_position_bears_the_charges_of_its_own_fills() -> None:
    ledger, mine, other = a_ledger(), fill("BUY", 10, 100, n=1), fill("BUY", 10, 100, n=2, tradingsymbol="TCS")
    ledger.take(mine, "run")
    ledger.take(other, "run")
    result = ledger.of_position(row(mine), at(101))
    assert (result.gross, result.charges) == (10, pytest.approx(cost("BUY", 10, 100)))
    assert ledger.of_position(row(mine, product="CNC"), at(101)).charges == 0


def test_realised_of_a_position_follows_its_fills_where_they_tell_all_of_it() -> None:
    ledger = a_ledger()
    fills = [fill("BUY", 10, 100, n=1), fill("SELL", 5, 110, n=2), fill("BUY", 5, 120, n=3)]
    for one in fills:
        ledger.take(one, "")
    result = ledger.of_position(row(*fills), at(120))
    assert (result.realised, result.unrealised) == (50, 100)


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_realised_is_by_the_rows_averages_where_a_fill_was_missed(missing: int) -> None:
    ledger = a_ledger()
    fills = [fill("BUY", 10, 100, n=1), fill("SELL", 5, 110, n=2), fill("BUY", 5, 120, n=3)]
    for one in fills:
        if one is not fills[missing]:
            ledger.take(one, "")
    result = ledger.of_position(row(*fills), at(120))
    assert result.realised == pytest.approx(5 * (110 - 1_600 / 15), abs=1e-4)
    assert result.gross == 150


def test_an_overnight_position_closes_at_what_it_was_carried_at() -> None:
    ledger = a_ledger()
    fills = [fill("SELL", 4, 110, n=1)]
    ledger.take(fills[0], "")
    held = row(*fills, quantity=6, overnight_quantity=10, buy_quantity=10, buy_value=1_000)
    result = ledger.of_position(held, at(105))
    assert (result.realised, result.unrealised, result.gross) == (40, 30, 70)
    short = row(fill("BUY", 4, 90, n=2), quantity=-6, overnight_quantity=-10, sell_quantity=10, sell_value=1_000)
    other = a_ledger()
    other.take(fill("BUY", 4, 90, n=2), "")
    assert (other.of_position(short, at(95)).realised, other.of_position(short, at(95)).unrealised) == (40, 30)


def test_a_position_without_a_tick_is_worth_the_rows_own_price_and_else_unknown() -> None:
    ledger, bought = a_ledger(), fill("BUY", 10, 100)
    ledger.take(bought, "")
    assert ledger.of_position(row(bought, last_price=104.0), at(None)).gross == 40
    assert ledger.of_position(row(bought, last_price=104.0), at(101)).gross == 10
    assert ledger.of_position(row(bought), at(0.0)).gross == -1_000
    unknown = ledger.of_position(row(bought), at(None))
    assert (unknown.realised, unknown.unrealised, unknown.gross, unknown.net) == (0, None, None, None)
    assert ledger.account([row(bought)], at(None)).net is None


def test_a_flat_position_needs_no_price() -> None:
    ledger = a_ledger()
    fills = [fill("BUY", 10, 100, n=1), fill("SELL", 10, 103, n=2)]
    for one in fills:
        ledger.take(one, "")
    result = ledger.of_position(row(*fills), at(None))
    assert (result.realised, result.unrealised, result.gross) == (30, 0, 30)


def test_kites_sample_rows_reproduce_to_the_paisa(kite_samples: Path) -> None:
    rows = json.loads((kite_samples / "mocks" / "positions.json").read_text())["data"]["net"]
    names = {f.name for f in fields(Position)}
    ledger = a_ledger()
    for wire in rows:
        position = Position(**{k: v for k, v in wire.items() if k in names - {"realised"}}, told_pnl=wire["pnl"])
        result = ledger.of_position(position, at(None))
        assert result.gross == wire["pnl"], wire["tradingsymbol"]
        assert ledger.difference(position) == 0


def test_a_difference_to_kites_own_figure_is_shown_and_not_hidden() -> None:
    ledger, bought = a_ledger(), fill("BUY", 10, 100)
    assert ledger.difference(row(bought, last_price=101.0)) is None
    assert ledger.difference(row(bought, last_price=101.0, told_pnl=8.5)) == 1.5
    assert ledger.difference(row(bought, last_price=101.0, told_pnl=10.0)) == 0


TRADES = st.lists(
    st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 500), st.integers(100, 10**6), st.sampled_from("ab")),
    min_size=1, max_size=15,
)  # fmt: skip


@given(TRADES, st.integers(100, 10**6))
def test_the_runs_together_are_the_account(trades: list[tuple[str, int, int, str]], paise: int) -> None:
    ledger = a_ledger()
    fills = [(fill(side, q, p / 100, n=n), run) for n, (side, q, p, run) in enumerate(trades)]
    for one, run in fills:
        ledger.take(one, run)
    price = at(paise / 100)
    account = ledger.account(fold_fills(f for f, _ in fills).values(), price)
    runs = [ledger.of_run(run, price) for run in "ab"]
    assert account.gross == pytest.approx(sum(r.gross or 0.0 for r in runs), abs=0.001)
    assert account.charges == pytest.approx(sum(r.charges for r in runs), abs=1e-6)
    assert account.net == pytest.approx((account.gross or 0.0) - account.charges, abs=1e-6)
    only = ledger.of_position(next(iter(fold_fills(f for f, _ in fills).values())), price)
    assert (only.gross, only.charges) == (account.gross, account.charges)
