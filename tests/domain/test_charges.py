"""Charges against published calculator readings and Kite's own shapes."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.charges import Charges, charges
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.positions import RUPEE

NOW = date(2026, 11, 23)


def cost(side: Side = "BUY", **words: Any) -> Charges:
    usual: dict[str, Any] = {
        "exchange": "NSE",
        "instrument_type": "EQ",
        "product": "MIS",
        "quantity": 500,
        "average_price": 1000.0,
        "on": NOW,
    }
    return charges(transaction_type=side, **{**usual, **words})


def rupees(money: int) -> float:
    return money / RUPEE


KINDS = {
    "equity_intraday": {"product": "MIS"},
    "equity_delivery": {"product": "CNC"},
    "fno_futures": {"exchange": "NFO", "instrument_type": "FUT", "product": "NRML"},
    "fno_options": {"exchange": "NFO", "instrument_type": "CE", "product": "NRML"},
}


def test_worked_examples_come_out_to_the_paisa(real_data: Path) -> None:
    examples = json.loads((real_data / "charges" / "worked_examples.json").read_text())
    for example in examples:
        kind = next(words for name, words in KINDS.items() if name in example["id"])
        asked, day = example["inputs"], date.fromisoformat(example["rates_window"][:10])
        sides: tuple[tuple[Side, float], ...] = (("BUY", asked["buy"]), ("SELL", asked["sell"]))
        total = sum(cost(s, average_price=p, quantity=asked["qty"], on=day, **kind).total for s, p in sides)
        assert round(rupees(total), 2) == example["total_charges"], example["id"]


def test_the_tables_hold_the_sourced_rates(real_data: Path) -> None:
    history = json.loads((real_data / "charges" / "rates_history.json").read_text())
    crore: dict[str, Any] = {"quantity": 10_000, "average_price": 1_000.0}
    for window in history["windows"]:
        day = date.fromisoformat(window["from_"])
        totals = window.get("nse_total") or window["nse_txn"]
        for name, kind in (("equity", "equity_intraday"), ("futures", "fno_futures"), ("options", "fno_options")):
            got = cost("SELL", on=day, **crore, **KINDS[kind])
            assert rupees(got.exchange_turnover_charge) == pytest.approx(totals[name] * 1e5), (day, name)
        if isinstance(window["stt"], dict):
            for name, kind in (("intraday_sell", "equity_intraday"), ("delivery_both", "equity_delivery"),
                               ("futures_sell", "fno_futures"), ("options_sell", "fno_options")):  # fmt: skip
                got = cost("SELL", on=day, **crore, **KINDS[kind])
                assert rupees(got.transaction_tax) == pytest.approx(window["stt"][name] * 1e5), (day, name)


def test_the_fields_are_kites(kite_samples: Path) -> None:
    notes = json.loads((kite_samples / "mocks" / "virtual_contract_note.json").read_text())["data"]
    assert {f.name for f in fields(Charges)} | {"total"} == set(notes[0]["charges"])


def test_mocks_bottom_lines_that_did_not_change_since(kite_samples: Path) -> None:
    notes = json.loads((kite_samples / "mocks" / "virtual_contract_note.json").read_text())["data"]
    equity, commodity, _ = notes
    ours = cost("BUY", product="CNC", quantity=1, average_price=float(equity["price"]))
    assert rupees(ours.transaction_tax) == equity["charges"]["transaction_tax"]
    assert rupees(ours.sebi_turnover_charge) == pytest.approx(equity["charges"]["sebi_turnover_charge"], abs=1e-4)
    ours = cost("SELL", exchange="MCX", instrument_type="FUT", product="NRML", quantity=1, average_price=5862.0)
    assert ours.transaction_tax_type == commodity["charges"]["transaction_tax_type"] == "ctt"
    assert rupees(ours.transaction_tax) == commodity["charges"]["transaction_tax"]
    assert rupees(ours.brokerage) == commodity["charges"]["brokerage"]


def test_brokerage_is_capped_and_delivery_pays_none() -> None:
    assert rupees(cost(quantity=10).brokerage) == 3
    assert rupees(cost(quantity=5_000).brokerage) == 20
    assert cost(product="CNC").brokerage == 0
    assert rupees(cost(product="MTF", quantity=5).brokerage) == 15
    assert rupees(cost(quantity=1, average_price=1.0, **KINDS["fno_options"]).brokerage) == 20


def test_only_buyers_pay_stamp_and_intraday_only_sellers_pay_stt() -> None:
    assert (cost("SELL").stamp_duty, cost("BUY").transaction_tax) == (0, 0)
    assert (rupees(cost("BUY").stamp_duty), rupees(cost("SELL").transaction_tax)) == (15, 125)


def test_currency_pays_no_transaction_tax() -> None:
    assert cost("SELL", exchange="CDS", instrument_type="FUT", product="NRML").transaction_tax == 0


def test_mcx_turnover_is_in_units_and_not_in_lots() -> None:
    words: dict[str, Any] = {"exchange": "MCX", "instrument_type": "FUT", "product": "NRML", "average_price": 5_000.0}
    assert cost(quantity=2, multiplier=100, **words) == cost(quantity=200, **words)


def test_gst_is_on_brokerage_exchange_and_sebi_alone() -> None:
    paid = cost("SELL")
    assert paid.gst == round(0.18 * (paid.brokerage + paid.exchange_turnover_charge + paid.sebi_turnover_charge))


def test_an_exchange_without_a_table_is_named() -> None:
    with pytest.raises(BadData, match="'LSE'"):
        cost(exchange="LSE")


@given(st.sampled_from(["BUY", "SELL"]), st.sampled_from(sorted(KINDS)), st.integers(1, 10**6), st.integers(5, 10**7))
def test_charges_are_whole_counts_that_add_up(side: Side, kind: str, quantity: int, paise: int) -> None:
    paid = cost(side, quantity=quantity, average_price=paise / 100, **KINDS[kind])
    parts = [getattr(paid, f.name) for f in fields(Charges) if f.name != "transaction_tax_type"]
    assert all(isinstance(part, int) and part >= 0 for part in parts)
    assert paid.total == sum(parts)
