"""Tax lots: first in, first out, under the right head, and no rupee lost between the parts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain.dayresults import Kept, KeptFill, results_of, total_of
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.taxlots import (
    FinancialYear,
    Head,
    TaxLot,
    is_long_term,
    rates_on,
    tax_lots,
    totals_of,
    year_of,
)
from tests.fakes import an_instrument

FIND = {i.key: i for i in (an_instrument(),)}.get
NUMBER = count(1)


def trade(on: date, side: Any, quantity: int, price: float, **words: Any) -> KeptFill:
    n = next(NUMBER)
    at = datetime.combine(on, time(4, 0), UTC) + timedelta(seconds=n % 3600)
    usual: dict[str, Any] = {"exchange": "NSE", "tradingsymbol": "INFY", "product": "CNC", "order_id": f"o{n}"}
    fill = Fill(trade_id=f"t{n}", transaction_type=side, quantity=quantity, average_price=price, fill_timestamp=at,
                **{**usual, **words})  # fmt: skip
    return KeptFill(fill, "", at)


def lots(*fills: KeptFill, **words: Any) -> list[TaxLot]:
    return tax_lots(Kept(fills=fills, strategies={}, **words), FIND)


def heads(found: Sequence[TaxLot]) -> list[tuple[Head, int, float | None]]:
    return [(lot.head, lot.quantity, None if lot.gross is None else lot.gross / RUPEE) for lot in found]


D1, D2, LATER = date(2025, 6, 2), date(2025, 6, 10), date(2026, 6, 3)


@pytest.mark.parametrize(
    ("bought", "sold", "long"),
    [
        (date(2025, 6, 2), date(2026, 6, 2), False),
        (date(2025, 6, 2), date(2026, 6, 3), True),
        (date(2024, 2, 29), date(2025, 3, 1), False),
        (date(2024, 2, 29), date(2025, 3, 2), True),
        (date(2023, 6, 2), date(2024, 6, 2), False),  # 366 days, and still twelve months
    ],
)
def test_long_term_is_more_than_twelve_months(bought: date, sold: date, long: bool) -> None:
    assert is_long_term(bought, sold) is long


def test_shares_of_one_day_are_speculative_and_the_rest_is_delivered_first_in_first_out() -> None:
    found = lots(
        trade(D1, "BUY", 10, 100), trade(D2, "BUY", 10, 120), trade(D2, "SELL", 4, 125),
        trade(LATER, "SELL", 12, 200),
    )  # fmt: skip
    assert heads(found) == [(Head.SPECULATIVE, 4, 20.0), (Head.LONG_TERM, 10, 1_000.0), (Head.SHORT_TERM, 2, 160.0)]


def test_shares_bought_on_one_exchange_are_sold_on_the_other_out_of_one_account() -> None:
    found = lots(trade(D1, "BUY", 5, 100), trade(D2, "SELL", 5, 110, exchange="BSE"))
    assert heads(found) == [(Head.SHORT_TERM, 5, 50.0)]
    assert (found[0].bought_on, found[0].sold_on) == (D1, D2)


def test_a_sale_without_a_purchase_in_the_journal_is_unknown() -> None:
    found = lots(trade(D1, "BUY", 5, 100), trade(D2, "SELL", 8, 110))
    assert heads(found) == [(Head.SHORT_TERM, 5, 50.0), (Head.UNKNOWN, 3, None)]
    assert found[1].gain is None and found[1].sold == 330 * RUPEE
    assert [(t.head, t.gain is None) for t in totals_of(found)] == [(Head.SHORT_TERM, False), (Head.UNKNOWN, True)]


def test_a_short_option_is_business_and_closed_when_it_is_bought_back() -> None:
    option = {"exchange": "NFO", "tradingsymbol": "NIFTY26JUN25000CE", "product": "NRML"}
    (lot,) = lots(trade(D1, "SELL", 75, 100, **option), trade(D2, "BUY", 75, 60, **option))
    assert (lot.head, lot.gross, lot.closed_on, lot.sold_on) == (Head.DERIVATIVES, 3_000 * RUPEE, D2, D1)
    assert lot.gain is not None and lot.charges is not None and lot.tax is not None and lot.tax > 0
    assert lot.gain == lot.gross - lot.charges - lot.tax


def test_the_transaction_tax_is_no_expense_of_a_capital_gain() -> None:
    (lot,) = lots(trade(D1, "BUY", 100, 1_000), trade(D2, "SELL", 100, 1_100))
    assert lot.tax == 210 * RUPEE  # 0.1 % of both sides
    assert lot.gross is not None and lot.charges is not None and lot.gain == lot.gross - lot.charges


def test_a_charge_that_is_unknown_makes_the_gain_unknown() -> None:
    strange = {"exchange": "NCDEX", "tradingsymbol": "GUARSEED10", "product": "NRML"}
    (lot,) = lots(trade(D1, "BUY", 1, 100, **strange), trade(D2, "SELL", 1, 110, **strange))
    assert (lot.gross, lot.charges, lot.gain) == (10 * RUPEE, None, None)


def test_turnover_is_profits_and_losses_as_such() -> None:
    found = lots(
        trade(D1, "BUY", 1, 100, product="MIS"), trade(D1, "SELL", 1, 110, product="MIS"),
        trade(D1, "BUY", 1, 100, product="MIS"), trade(D1, "SELL", 1, 93, product="MIS"),
    )  # fmt: skip
    (total,) = totals_of(found)
    assert (total.gross, total.turnover) == (3 * RUPEE, 17 * RUPEE)


@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 70), st.integers(900, 1_100),
                          st.integers(0, 3)), max_size=25))  # fmt: skip
def test_closed_and_open_lots_together_hold_all_units_and_all_money(trades: Any) -> None:
    future = {"exchange": "NFO", "tradingsymbol": "INFY26JUNFUT", "product": "NRML"}
    fills = [trade(D1 + timedelta(days=3 * day), side, q, price, **future) for side, q, price, day in
             sorted(trades, key=lambda one: one[3])]  # fmt: skip
    found = lots(*fills)
    net = sum(one.fill.sign * one.fill.quantity for one in fills)
    if net == 0:  # what is flat has realised the same by whatever order
        gross = sum(lot.gross for lot in found if lot.gross is not None)
        whole = total_of(results_of(Kept(fills=fills, strategies={}), FIND).cells)
        assert gross == whole.realised
        costs = sum(lot.charges + lot.tax for lot in found if lot.charges is not None and lot.tax is not None)
        assert costs == whole.charges
    assert all(lot.quantity > 0 for lot in found)


@pytest.mark.parametrize(
    ("day", "short", "long", "free"),
    [
        (date(2024, 7, 22), 15.0, 10.0, 100_000),
        (date(2024, 7, 23), 20.0, 12.5, 125_000),
        (date(2026, 11, 23), 20.0, 12.5, 125_000),
    ],
)
def test_rates_are_those_of_the_day_of_the_sale(day: date, short: float, long: float, free: int) -> None:
    rates = rates_on(day)
    assert (rates.short_pct, rates.long_pct, rates.long_free) == (short, long, free)


def test_a_financial_year_is_april_to_march() -> None:
    assert year_of(date(2026, 3, 31)) == FinancialYear(2025) and year_of(date(2026, 4, 1)) == FinancialYear(2026)
    assert FinancialYear(2026).name == "2026-27" and FinancialYear(1999).name == "1999-00"


def test_a_share_in_trade_for_trade_is_the_same_share_and_never_speculative() -> None:
    found = lots(
        trade(D1, "BUY", 5, 100), trade(D2, "BUY", 5, 120, tradingsymbol="INFY-BE"),
        trade(D2, "SELL", 5, 130, tradingsymbol="INFY-BE"), trade(LATER, "SELL", 5, 150),
    )  # fmt: skip
    assert heads(found) == [(Head.SHORT_TERM, 5, 150.0), (Head.SHORT_TERM, 5, 150.0)]


def test_a_contract_that_is_traded_no_more_is_listed_and_unknown() -> None:
    option = {"exchange": "NFO", "tradingsymbol": "NIFTY26JUN25000CE", "product": "NRML"}
    found = lots(trade(D1, "SELL", 75, 100, **option), trade(D2, "BUY", 25, 60, **option))
    assert heads(found) == [(Head.DERIVATIVES, 25, 1_000.0), (Head.UNSETTLED, 50, None)]
    assert (found[1].sold, found[1].bought, found[1].bought_on, found[1].gain) == (5_000 * RUPEE, None, None, None)
    assert found[1].charges is not None


def test_an_order_over_two_days_gives_its_charges_to_its_units() -> None:
    found = lots(
        trade(D1, "BUY", 10, 1_000, order_id="x"), trade(D2, "BUY", 90, 1_000, order_id="x"),
        trade(LATER, "SELL", 100, 1_000, order_id="y"), told={"x": 20_000_000, "y": 10_000_000},
    )  # fmt: skip
    dues = [(lot.charges or 0) + (lot.tax or 0) for lot in found]
    assert dues == [3_000_000, 27_000_000]


# -- against an implementation that counts single shares -----------------------------------------------------------


def by_the_piece(fills: Sequence[KeptFill]) -> dict[tuple[Head, int], tuple[int, int]]:
    """Units and rupees by head and financial year, each unit on its own: the simplest thing that is right."""
    demat: dict[str, list[tuple[date, int]]] = {}
    contracts: list[tuple[int, int]] = []
    found: dict[tuple[Head, int], tuple[int, int]] = {}

    def add(head: Head, on: date, rupees: int) -> None:
        units, money = found.get((head, year_of(on).begins), (0, 0))
        found[head, year_of(on).begins] = (units + 1, money + rupees)

    for on in sorted({one.day for one in fills}):
        today = [one for one in fills if one.day == on]
        delivered: list[tuple[int, str, int]] = []
        for place in dict.fromkeys((one.fill.exchange, one.fill.tradingsymbol) for one in today):
            standing: list[tuple[int, int]] = []
            for one in today:
                if (one.fill.exchange, one.fill.tradingsymbol) != place:
                    continue
                book = contracts if place[0] == "NFO" else standing
                for _ in range(one.fill.quantity):
                    sign, price = one.fill.sign, int(one.fill.average_price)
                    if book and book[0][0] == -sign and not place[1].endswith("-BE"):
                        _, other = book.pop(0)
                        add(Head.DERIVATIVES if place[0] == "NFO" else Head.SPECULATIVE, on, (other - price) * sign)
                    else:
                        book.append((sign, price))
            delivered += [(sign, place[1].removesuffix("-BE"), price) for sign, price in standing]
        for sign, symbol, price in sorted(delivered, key=lambda one: -one[0]):
            held = demat.setdefault(symbol, [])
            if sign > 0:
                held.append((on, price))
            elif held:
                bought, cost = held.pop(0)
                long = (on.year, on.month, on.day) > (bought.year + 1, bought.month, bought.day)
                add(Head.LONG_TERM if long else Head.SHORT_TERM, on, price - cost)
            else:
                add(Head.UNKNOWN, on, 0)
    return found


PLACES = (("NSE", "INFY"), ("BSE", "INFY"), ("NSE", "INFY-BE"), ("NSE", "TCS"), ("NFO", "INFY26JUNFUT"))


@settings(max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 9), st.integers(90, 110),
                          st.sampled_from(PLACES), st.sampled_from(["CNC", "MIS"]), st.integers(0, 9)),
                max_size=24))  # fmt: skip
def test_heads_years_units_and_money_are_those_of_counting_single_shares(trades: Any) -> None:
    fills = [
        trade(D1 + timedelta(days=61 * day), side, q, price, exchange=place[0], tradingsymbol=place[1], product=product)
        for side, q, price, place, product, day in sorted(trades, key=lambda one: one[5])
    ]
    find = {i.key: i for i in (an_instrument(), an_instrument("INFY26JUNFUT", exchange="NFO"))}.get
    found: dict[tuple[Head, int], tuple[int, int]] = {}
    for lot in tax_lots(Kept(fills=fills, strategies={}), find):
        key = (lot.head, year_of(lot.closed_on).begins)
        units, money = found.get(key, (0, 0))
        gross = lot.gross or 0
        assert gross % RUPEE == 0
        found[key] = (units + lot.quantity, money + gross // RUPEE)
    assert found == by_the_piece(fills)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.integers(1, 40), st.integers(900, 1_100), st.integers(0, 6)), min_size=1, max_size=12))
def test_of_a_flat_account_tax_lots_and_the_review_say_the_same_to_the_last_count(trades: Any) -> None:
    fills = [
        trade(D1 + timedelta(days=40 * day), "BUY", q, price) for q, price, day in sorted(trades, key=lambda t: t[2])
    ]
    left = sum(one.fill.quantity for one in fills)
    for part in (left // 3, left - left // 3):
        if part:
            fills.append(trade(LATER, "SELL", part, 1_234.55))
    kept = Kept(fills=fills, strategies={})
    found, whole = tax_lots(kept, FIND), total_of(results_of(kept, FIND).cells)
    assert sum(lot.gross or 0 for lot in found) == whole.realised
    assert sum((lot.charges or 0) + (lot.tax or 0) for lot in found) == whole.charges
