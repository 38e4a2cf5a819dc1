"""Charges against Kite's own notes and replies, published calculator readings, and the rates by date."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, fields
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.charges import (
    BEGIN,
    CTT_SELL,
    EXCHANGE,
    EXCHANGES,
    STT_SELL,
    Charges,
    ExactCharges,
    charges,
    exact_charges,
    instrument_type_of,
    kind_of,
    rupees_up,
    turnover_of,
)
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.units import multiplier_of, root_of, units_of
from tests.fakes import an_instrument

NOW = date(2026, 11, 23)
CRORE = 10_000_000


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


def exact(side: Side = "BUY", turnover: Any = CRORE, **words: Any) -> ExactCharges:
    usual: dict[str, Any] = {"exchange": "NSE", "instrument_type": "EQ", "product": "MIS", "on": NOW}
    return exact_charges(transaction_type=side, turnover=Fraction(turnover), **{**usual, **words})


def rupees(money: int) -> float:
    return money / RUPEE


KINDS = {
    "equity_intraday": {"product": "MIS"},
    "equity_delivery": {"product": "CNC"},
    "fno_futures": {"exchange": "NFO", "instrument_type": "FUT", "product": "NRML"},
    "fno_options": {"exchange": "NFO", "instrument_type": "CE", "product": "NRML"},
}
FUTURE = {"instrument_type": "FUT", "product": "NRML"}
OPTION = {"instrument_type": "PE", "product": "NRML"}


# --- what others have read ------------------------------------------------------------------------------------------


def test_worked_examples_come_out_to_the_paisa(real_data: Path) -> None:
    examples = json.loads((real_data / "charges" / "worked_examples.json").read_text())
    for example in examples:
        kind = next(words for name, words in KINDS.items() if name in example["id"])
        asked, day = example["inputs"], date.fromisoformat(example["rates_window"][:10])
        sides: tuple[tuple[Side, float], ...] = (("BUY", asked["buy"]), ("SELL", asked["sell"]))
        total = sum(cost(s, average_price=p, quantity=asked["qty"], on=day, **kind).total for s, p in sides)
        assert round(rupees(total), 2) == example["total_charges"], example["id"]


def test_the_tables_hold_the_sourced_rates_to_the_end_of_each_window(real_data: Path) -> None:
    history = json.loads((real_data / "charges" / "rates_history.json").read_text())
    for window in history["windows"]:
        day = date.fromisoformat(window["to"]) if window["to"] else NOW
        totals = window.get("nse_total") or window["nse_txn"]
        for name, kind in (("equity", "equity_intraday"), ("futures", "fno_futures"), ("options", "fno_options")):
            got = exact("SELL", on=day, **KINDS[kind])
            assert float(got.exchange_turnover_charge) == pytest.approx(totals[name] * 1e5), (day, name)
        if isinstance(window["stt"], dict):
            for name, kind in (("intraday_sell", "equity_intraday"), ("delivery_both", "equity_delivery"),
                               ("futures_sell", "fno_futures"), ("options_sell", "fno_options")):  # fmt: skip
                got = exact("SELL", on=day, **KINDS[kind])
                assert float(got.transaction_tax) == pytest.approx(window["stt"][name] * 1e5), (day, name)


def test_kites_sample_notes_come_out_to_the_last_digit(kite_samples: Path) -> None:
    notes = json.loads((kite_samples / "mocks" / "virtual_contract_note.json").read_text())["data"]
    assert len(notes) == 3
    for note in notes:
        ours = exact_charges(
            exchange=note["exchange"],
            instrument_type=instrument_type_of(note["exchange"], note["tradingsymbol"]),
            product=note["product"],
            transaction_type=note["transaction_type"],
            turnover=turnover_of(note["quantity"], note["price"]),
            on=date(2023, 7, 13),
            variety=note["variety"],
            tradingsymbol=note["tradingsymbol"],
        )
        theirs = note["charges"]
        for name in set(theirs) - {"gst", "transaction_tax_type"}:
            assert float(getattr(ours, name)) == pytest.approx(theirs[name], abs=1e-12), (note["tradingsymbol"], name)
        assert float(ours.gst) == pytest.approx(theirs["gst"]["total"], abs=1e-12)
        assert ours.transaction_tax_type == theirs["transaction_tax_type"]


def test_the_fields_are_kites(kite_samples: Path) -> None:
    notes = json.loads((kite_samples / "mocks" / "virtual_contract_note.json").read_text())["data"]
    assert {f.name for f in fields(Charges)} | {"total"} == set(notes[0]["charges"])


@pytest.mark.parametrize(
    ("words", "side", "quantity", "price", "total"),
    [
        (KINDS["equity_delivery"], "BUY", 10, 1226.0, 14.72),
        (KINDS["equity_delivery"], "SELL", 10, 1226.0, 12.72),
        (KINDS["equity_intraday"], "BUY", 10, 1226.0, 4.80),
        (KINDS["equity_intraday"], "SELL", 10, 1226.0, 7.86),
        (KINDS["fno_futures"], "BUY", 65, 23181.5, 87.92),
        (KINDS["fno_futures"], "SELL", 65, 23181.5, 811.31),
        (KINDS["fno_options"], "BUY", 65, 86.7, 25.97),
        (KINDS["fno_options"], "SELL", 65, 86.7, 34.42),
        ({"exchange": "BFO", **FUTURE}, "BUY", 20, 74610.0, 55.36),
        ({"exchange": "BFO", **FUTURE}, "SELL", 20, 74610.0, 771.46),
    ],
)
def test_notes_that_kite_gave_on_25_sep_2026_come_out_to_the_paisa(
    words: Any, side: Side, quantity: int, price: float, total: float
) -> None:
    """Source: the figures that the public project openticker keeps of its calls of /charges/orders."""
    paid = cost(side, quantity=quantity, average_price=price, on=date(2026, 9, 25), **words)
    assert rupees(paid.total) == pytest.approx(total, abs=0.0051)


@pytest.mark.parametrize(
    ("words", "side", "turnover", "on", "items"),
    [
        # A NIFTY future sold, 30 Sep 2026, as Kite's margin calculator answered.
        (KINDS["fno_futures"], "SELL", "1484190.5", date(2026, 9, 30),
         (742.09525, 27.16068615, 1.4841905, 20, 0, 8.756077797, 799.496204447)),
        # A NIFTY option bought, the same day.
        (KINDS["fno_options"], "BUY", "1235", date(2026, 9, 30),
         (0, 0.4387955, 0.001235, 20, 0, 3.67920549, 24.11923599)),
        # A DRREDDY option sold, Feb 2025.
        (KINDS["fno_options"], "SELL", "1718.75", date(2025, 2, 20),
         (1.71875, 0.610671875, 0.00171875, 20, 0, 3.7102303125, 26.0413709375)),
        # INFY bought for delivery, 15 Nov 2025.
        (KINDS["equity_delivery"], "BUY", "1500", date(2025, 11, 15),
         (1.5, 0.04605, 0.0015, 0, 0, 0.008559, 1.556109)),
    ],
)  # fmt: skip
def test_recorded_replies_come_out_to_the_last_digit(
    words: Any, side: Side, turnover: str, on: date, items: tuple[float, ...]
) -> None:
    paid = exact(side, turnover, on=on, **words)
    got = (paid.transaction_tax, paid.exchange_turnover_charge, paid.sebi_turnover_charge, paid.brokerage,
           paid.stamp_duty, paid.gst, paid.total)  # fmt: skip
    assert [float(item) for item in got] == pytest.approx(items, abs=1e-12)


# --- the tables -----------------------------------------------------------------------------------------------------

BEFORE, FIRST, LAST_OF_OLD = date(2020, 1, 1), date(2023, 4, 1), date(2024, 9, 30)


@pytest.mark.parametrize(
    ("exchange", "words", "by_date"),
    [
        ("NSE", {"product": "CNC"}, {BEFORE: 335, FIRST: 335, date(2024, 3, 31): 335, date(2024, 4, 1): 322,
                                     LAST_OF_OLD: 322, date(2024, 10, 1): 307, NOW: 307}),
        ("NSE", {"product": "MIS"}, {FIRST: 335, date(2024, 4, 1): 322, date(2024, 10, 1): 307, NOW: 307}),
        ("NFO", FUTURE, {FIRST: 200, date(2024, 4, 1): 188, LAST_OF_OLD: 188, date(2024, 10, 1): 183, NOW: 183}),
        ("NFO", OPTION, {FIRST: 5050, date(2024, 4, 1): 4950, LAST_OF_OLD: 4950, date(2024, 10, 1): 3553, NOW: 3553}),
        ("BSE", {"product": "CNC"}, {BEFORE: 375, FIRST: 375, date(2023, 11, 1): 375, date(2024, 5, 13): 375,
                                     NOW: 375}),
        ("BSE", {"product": "MIS"}, {FIRST: 375, date(2023, 11, 1): 375, date(2024, 5, 13): 375, NOW: 375}),
        ("BFO", FUTURE, {FIRST: 0, date(2023, 11, 1): 0, date(2024, 5, 13): 0, NOW: 0}),
        ("BFO", OPTION, {FIRST: 500, date(2023, 10, 31): 500, date(2023, 11, 1): 3750, date(2024, 5, 12): 3750,
                         date(2024, 5, 13): 4950, LAST_OF_OLD: 4950, date(2024, 10, 1): 3250, NOW: 3250}),
        ("CDS", FUTURE, {FIRST: 90, LAST_OF_OLD: 90, date(2024, 10, 1): 35, NOW: 35}),
        ("CDS", OPTION, {FIRST: 3500, LAST_OF_OLD: 3500, date(2024, 10, 1): 3110, NOW: 3110}),
        ("BCD", FUTURE, {BEFORE: 90, FIRST: 90, LAST_OF_OLD: 90, date(2024, 10, 1): 45, NOW: 45}),
        ("BCD", OPTION, {FIRST: 100, NOW: 100}),
        ("MCX", FUTURE, {FIRST: 260, LAST_OF_OLD: 260, date(2024, 10, 1): 210, NOW: 210}),
        ("MCX", OPTION, {FIRST: 5000, LAST_OF_OLD: 5000, date(2024, 10, 1): 4180, NOW: 4180}),
        ("NCO", FUTURE, {FIRST: 10, NOW: 10}),
        ("NCO", OPTION, {FIRST: 100, NOW: 100}),
    ],
)  # fmt: skip
def test_the_exchange_charge_of_each_day_in_rupees_a_crore(
    exchange: str, words: dict[str, Any], by_date: dict[date, int]
) -> None:
    for day, rate in by_date.items():
        for side in ("BUY", "SELL"):
            assert exact(side, exchange=exchange, on=day, **words).exchange_turnover_charge == rate, day


@pytest.mark.parametrize(
    ("exchange", "words", "bought", "by_date"),
    [
        ("NSE", {"product": "CNC"}, True, {BEFORE: 10_000, date(2024, 10, 1): 10_000, NOW: 10_000}),
        ("NSE", {"product": "MTF"}, True, {FIRST: 10_000, NOW: 10_000}),
        ("BSE", {"product": "MIS"}, False, {FIRST: 2_500, date(2024, 10, 1): 2_500, NOW: 2_500}),
        ("NFO", FUTURE, False, {FIRST: 1_250, LAST_OF_OLD: 1_250, date(2024, 10, 1): 2_000, date(2026, 3, 31): 2_000,
                                date(2026, 4, 1): 5_000, NOW: 5_000}),
        ("BFO", OPTION, False, {FIRST: 6_250, LAST_OF_OLD: 6_250, date(2024, 10, 1): 10_000, date(2026, 3, 31): 10_000,
                                date(2026, 4, 1): 15_000, NOW: 15_000}),
        ("CDS", FUTURE, False, {FIRST: 0, NOW: 0}),
        ("BCD", OPTION, False, {FIRST: 0, NOW: 0}),
        ("MCX", FUTURE, False, {FIRST: 1_000, NOW: 1_000}),
        ("NCO", OPTION, False, {FIRST: 5_000, NOW: 5_000}),
    ],
)  # fmt: skip
def test_the_transaction_tax_of_each_day_in_rupees_a_crore(
    exchange: str, words: dict[str, Any], bought: bool, by_date: dict[date, int]
) -> None:
    for day, rate in by_date.items():
        assert exact("SELL", exchange=exchange, on=day, **words).transaction_tax == rate, day
        assert exact("BUY", exchange=exchange, on=day, **words).transaction_tax == (rate if bought else 0), day


@pytest.mark.parametrize(
    ("exchange", "words", "rate"),
    [
        ("NSE", {"product": "CNC"}, 1_500),
        ("NSE", {"product": "MTF"}, 1_500),
        ("BSE", {"product": "MIS"}, 300),
        ("NFO", FUTURE, 200),
        ("BFO", OPTION, 300),
        ("CDS", FUTURE, 10),
        ("BCD", OPTION, 10),
        ("MCX", FUTURE, 200),
        ("NCO", OPTION, 300),
    ],
)
def test_only_buyers_pay_stamp_duty_in_rupees_a_crore(exchange: str, words: dict[str, Any], rate: int) -> None:
    assert exact("BUY", exchange=exchange, **words).stamp_duty == rate
    assert exact("SELL", exchange=exchange, **words).stamp_duty == 0


def test_every_table_is_in_order_and_names_its_source() -> None:
    for tables in (STT_SELL, CTT_SELL, *EXCHANGE.values()):
        assert [t.since for t in tables] == sorted({t.since for t in tables})
        assert tables[0].since == BEGIN == date(2023, 4, 1)
        assert all(t.source for t in tables)


@pytest.mark.parametrize(("exchange", "type_"), [(e, "stt") for e in EXCHANGES[:6]] + [("MCX", "ctt"), ("NCO", "ctt")])
def test_the_tax_is_named_by_the_market(exchange: str, type_: str) -> None:
    assert exact(exchange=exchange, **FUTURE).transaction_tax_type == type_
    assert exact(exchange=exchange, **FUTURE).booked().transaction_tax_type == type_


def test_a_crore_pays_sebi_ten_rupees_and_agricultural_futures_one() -> None:
    assert exact().sebi_turnover_charge == 10
    assert exact(exchange="MCX", tradingsymbol="CRUDEOIL26DECFUT", **FUTURE).sebi_turnover_charge == 10
    assert exact(exchange="MCX", tradingsymbol="COTTONCNDY26DECFUT", **FUTURE).sebi_turnover_charge == 1
    assert exact(exchange="MCX", tradingsymbol="COTTONCNDY26DEC30000CE", **OPTION).sebi_turnover_charge == 10
    assert exact(exchange="NFO", tradingsymbol="RUBBER26DECFUT", **FUTURE).sebi_turnover_charge == 10


@pytest.mark.parametrize(
    "root",
    ["CARDAMOM", "CASTORSEED", "COTTON", "COTTONCNDY", "COTTONOIL", "CPO", "KAPAS", "MENTHAOIL", "PEPPER", "RUBBER"],
)
def test_agricultural_commodities_pay_no_transaction_tax(root: str) -> None:
    assert exact("SELL", exchange="MCX", tradingsymbol=f"{root}26DECFUT", **FUTURE).transaction_tax == 0
    assert exact("SELL", exchange="NCO", tradingsymbol=f"{root}26DEC100CE", **OPTION).transaction_tax == 0


@pytest.mark.parametrize("exchange", ["CDS", "MCX"])
def test_what_an_exchange_does_not_trade_has_no_rate(exchange: str) -> None:
    for side in ("BUY", "SELL"):
        paid = exact(side, exchange=exchange, product="CNC")
        assert (paid.transaction_tax, paid.exchange_turnover_charge, paid.stamp_duty, paid.untaxed) == (0, 0, 0, 0)


def test_a_share_with_a_commoditys_name_pays_its_tax() -> None:
    assert exact("SELL", tradingsymbol="PEPPER").transaction_tax == 2_500


# --- brokerage ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "turnover", "brokerage"),
    [
        ({"product": "MIS"}, 10_000, 3),
        ({"product": "MIS"}, 66_666, Fraction("19.9998")),
        ({"product": "MIS"}, 66_667, 20),
        ({"product": "MIS"}, CRORE, 20),
        ({"product": "CNC"}, CRORE, 0),
        ({"product": "CNC", "variety": "auction"}, CRORE, 0),
        ({"product": "CNC", "variety": "co"}, CRORE, 20),
        ({"product": "MTF"}, 5_000, 15),
        ({"product": "MTF"}, 6_667, 20),
        ({"product": "MTF"}, CRORE, 20),
        ({"product": "CO"}, 10_000, 3),
        ({"exchange": "NFO", **FUTURE}, 10_000, 3),
        ({"exchange": "NFO", **FUTURE}, CRORE, 20),
        ({"exchange": "NFO", **OPTION}, 1, 20),
        ({"exchange": "MCX", **OPTION}, CRORE, 20),
        ({"exchange": "CDS", **FUTURE}, 10_000, 3),
        ({"exchange": "NFO", "instrument_type": "CE", "product": "MTF"}, 100, 20),
        ({"exchange": "NFO", "instrument_type": "FUT", "product": "MTF"}, 10_000, 3),
    ],
)
def test_brokerage_by_product_and_its_cap(words: dict[str, Any], turnover: int, brokerage: Any) -> None:
    for side in ("BUY", "SELL"):
        assert exact(side, turnover, **words).brokerage == brokerage


@pytest.mark.parametrize(
    ("type_", "product", "variety", "kind"),
    [
        ("EQ", "CNC", "regular", "delivery"),
        ("EQ", "MTF", "amo", "delivery"),
        ("EQ", "MIS", "regular", "intraday"),
        ("EQ", "CO", "co", "intraday"),
        ("EQ", "BO", "regular", "intraday"),
        ("EQ", "CNC", "co", "intraday"),
        ("EQ", "CNC", "iceberg", "delivery"),
        ("FUT", "CNC", "regular", "futures"),
        ("FUT", "MIS", "co", "futures"),
        ("CE", "NRML", "iceberg", "options"),
        ("PE", "MIS", "regular", "options"),
    ],
)
def test_the_kind_of_a_trade(type_: str, product: str, variety: str, kind: str) -> None:
    assert kind_of(type_, product, variety) == kind


# --- rounding and sums ----------------------------------------------------------------------------------------------


def test_gst_is_on_brokerage_exchange_and_sebi_alone() -> None:
    paid = exact("BUY", product="CNC")
    assert paid.gst == Fraction(18, 100) * (307 + 10)
    paid = exact("SELL", 100_000)
    assert paid.gst == Fraction(18, 100) * (20 + Fraction("3.07") + Fraction("0.1"))


@pytest.mark.parametrize(
    ("words", "levy"),
    [
        ({"product": "CNC"}, 10),
        ({"product": "MIS"}, 10),
        ({"exchange": "NFO", **FUTURE}, 10),
        ({"exchange": "NFO", **OPTION}, 50),
    ],
)
def test_the_investor_protection_levy_bore_no_gst_in_2023(words: dict[str, Any], levy: int) -> None:
    for day, untaxed in ((FIRST, levy), (date(2024, 4, 1), 0), (NOW, 0)):
        paid = exact("SELL", on=day, **words)
        services = paid.brokerage + paid.exchange_turnover_charge + paid.sebi_turnover_charge
        assert paid.untaxed == untaxed
        assert paid.gst == Fraction(18, 100) * (services - untaxed)


@pytest.mark.parametrize(("turnover", "stamp"), [(3_333, 0), (3_334, 1), (9_999, 1), (10_000, 2), (23_333, 3)])
def test_stamp_duty_is_whole_rupees_halves_up(turnover: int, stamp: int) -> None:
    assert exact("BUY", turnover, product="CNC").stamp_duty == stamp
    unrounded = exact("BUY", turnover, product="CNC", whole_stamp=False).stamp_duty
    assert unrounded == Fraction(turnover * 15, 100_000)


@pytest.mark.parametrize(("amount", "whole"), [("0.4999", 0), ("0.5", 1), ("1.5", 2), ("2.4", 2), ("7", 7)])
def test_halves_are_rounded_up(amount: str, whole: int) -> None:
    assert rupees_up(Fraction(amount)) == whole


def test_prices_are_taken_as_they_are_written() -> None:
    assert turnover_of(3, 0.1) == Fraction(3, 10)
    assert turnover_of(100, 1573.15) == 157_315
    assert turnover_of(2, 5_000.5, 100) == Fraction(1_000_100)
    assert turnover_of(7, 10) == 70


def test_a_day_before_the_first_table_is_charged_by_it() -> None:
    assert cost(on=BEGIN - timedelta(days=1)) == cost(on=BEGIN)


def test_mcx_turnover_is_in_units_and_not_in_lots() -> None:
    words: dict[str, Any] = {"exchange": "MCX", "instrument_type": "FUT", "product": "NRML", "average_price": 5_000.0}
    assert cost(quantity=2, multiplier=100, **words) == cost(quantity=200, **words)


def test_an_exchange_without_a_table_is_named_with_those_that_have_one() -> None:
    with pytest.raises(
        BadData, match="no charges are known for exchange 'LSE': NSE, BSE, NFO, BFO, CDS, BCD, MCX, NCO are"
    ):
        cost(exchange="LSE")


def test_what_is_booked_is_each_item_to_the_nearest_ten_thousandth() -> None:
    paid = exact("SELL", "1718.75", exchange="NFO", on=date(2025, 2, 20), **OPTION).booked()
    assert paid == Charges(
        transaction_tax=17_188, transaction_tax_type="stt", exchange_turnover_charge=6_107, sebi_turnover_charge=17,
        brokerage=200_000, stamp_duty=0, gst=37_102,
    )  # fmt: skip
    assert paid.total == 17_188 + 6_107 + 17 + 200_000 + 37_102


def test_charges_are_the_exact_ones_booked_with_variety_and_symbol() -> None:
    words: dict[str, Any] = {"exchange": "MCX", "instrument_type": "FUT", "product": "NRML", "variety": "iceberg"}
    paid = cost("SELL", tradingsymbol="KAPAS26DECFUT", quantity=2, average_price=1_500.0, multiplier=200, **words)
    assert paid == exact("SELL", 600_000, tradingsymbol="KAPAS26DECFUT", **words).booked()
    assert paid.transaction_tax == 0
    assert cost(product="CNC", variety="co") == exact(turnover=500_000, product="CNC", variety="co").booked()
    assert cost("BUY", product="CNC").stamp_duty == 75 * RUPEE


EVERY = st.sampled_from(
    [(e, t) for e in ("NSE", "BSE") for t in ("EQ",)]
    + [(e, t) for e in ("NFO", "BFO", "CDS", "BCD", "MCX", "NCO") for t in ("FUT", "CE")]
)
DAYS = st.dates(date(2022, 1, 1), date(2027, 12, 31))
PRODUCTS = st.sampled_from(["CNC", "MIS", "MTF", "NRML", "CO"])
SIDES = st.sampled_from(["BUY", "SELL"])


@given(SIDES, EVERY, PRODUCTS, DAYS, st.integers(1, 10**6), st.integers(5, 10**7))
def test_charges_are_whole_counts_that_add_up(
    side: Side, what: tuple[str, str], product: str, on: date, quantity: int, paise: int
) -> None:
    words: dict[str, Any] = {"exchange": what[0], "instrument_type": what[1], "product": product, "on": on}
    paid = cost(side, quantity=quantity, average_price=paise / 100, **words)
    parts = [getattr(paid, f.name) for f in fields(Charges) if f.name != "transaction_tax_type"]
    assert all(isinstance(part, int) and part >= 0 for part in parts)
    assert paid.total == sum(parts)
    assert paid.brokerage <= 20 * RUPEE


@given(SIDES, EVERY, PRODUCTS, DAYS, st.integers(1, 10**9), st.integers(1, 10**9))
def test_a_larger_order_never_costs_less_and_two_never_less_brokerage_than_one(
    side: Side, what: tuple[str, str], product: str, on: date, one: int, other: int
) -> None:
    words: dict[str, Any] = {"exchange": what[0], "instrument_type": what[1], "product": product, "on": on}
    alone, more, both = (exact(side, n, **words) for n in (one, other, one + other))
    assert both.total >= max(alone.total, more.total)
    assert both.brokerage <= alone.brokerage + more.brokerage
    assert both.exchange_turnover_charge == alone.exchange_turnover_charge + more.exchange_turnover_charge


# --- what a symbol tells --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exchange", "symbol", "type_"),
    [
        ("NSE", "RELIANCE", "EQ"),
        ("BSE", "BAJFINANCE", "EQ"),
        ("NSE", "M&M", "EQ"),
        ("NFO", "NIFTY26NOVFUT", "FUT"),
        ("NFO", "NIFTY26N2425000CE", "CE"),
        ("NFO", "NIFTY2371317900PE", "PE"),
        ("BFO", "SENSEX26NOV80000PE", "PE"),
        ("NFO", "RELIANCE26NOVFUT", "FUT"),
        ("CDS", "USDINR26NOV84.25CE", "CE"),
        ("MCX", "CRUDEOIL26DECFUT", "FUT"),
    ],
)
def test_the_instrument_type_is_told_by_the_symbol(exchange: str, symbol: str, type_: str) -> None:
    assert instrument_type_of(exchange, symbol) == type_


@pytest.mark.parametrize("symbol", ["NIFTY", "RELIANCE", "NIFTY26NOV", "XPE"])
def test_a_symbol_that_does_not_tell_is_refused(symbol: str) -> None:
    with pytest.raises(BadData, match=f"'{symbol}' is neither a future .* and NFO has both"):
        instrument_type_of("NFO", symbol)


@pytest.mark.parametrize(
    ("symbol", "root", "units"),
    [
        ("CRUDEOIL26DECFUT", "CRUDEOIL", 100),
        ("CRUDEOILM26DECFUT", "CRUDEOILM", 10),
        ("GOLDPETAL23JULFUT", "GOLDPETAL", 1),
        ("GOLDGUINEA17DECFUT", "GOLDGUINEA", 1),
        ("LEADMINI17DECFUT", "LEADMINI", 1_000),
        ("NATURALGAS26DEC300CE", "NATURALGAS", 1_250),
        ("SILVERMIC26DECFUT", "SILVERMIC", 1),
        ("UNHEARDOF26DECFUT", "UNHEARDOF", None),
    ],
)
def test_a_lot_on_mcx_has_the_units_of_its_underlying(symbol: str, root: str, units: int | None) -> None:
    assert root_of(symbol) == root
    assert units_of("MCX", symbol) == units
    assert units_of("NFO", symbol) == 1


def test_the_units_of_an_instrument_come_from_the_table_first_then_from_its_lot() -> None:
    def units(symbol: str, exchange: str, lot: int) -> int:
        return multiplier_of(an_instrument(symbol, exchange=exchange, kind="FUT", lot_size=lot))

    assert units("LEAD26DECFUT", "MCX", 5) == 5_000
    assert units("UNHEARDOF26DECFUT", "MCX", 7) == 7
    assert units("NIFTY26DECFUT", "NFO", 65) == 1
    assert (units("USDINR26DECFUT", "CDS", 1), units("USDINR26DECFUT", "BCD", 1)) == (1_000, 1_000)
    assert units("USDINR26DECFUT", "CDS", 1_000) == 1


def test_charges_are_not_changed_in_place_and_are_told_by_name() -> None:
    for thing in (cost(), exact()):
        with pytest.raises(FrozenInstanceError):
            thing.brokerage = 1  # type: ignore[misc, assignment]
        assert not hasattr(thing, "__dict__")
        with pytest.raises(TypeError):
            type(thing)(1, "stt", 1, 1, 1, 1, 1)  # type: ignore[misc, call-arg]
