"""Freeze quantities, and orders cut to fit them."""

from __future__ import annotations

from datetime import date
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.risk import Refusal
from alphapanda_desktop.domain.slicing import FREEZE, cut, freeze_quantity, freeze_table, largest_order, slices
from tests.fakes import a_request, an_instrument

TODAY = date(2026, 11, 23)


def future(name: str, lot: int, exchange: str = "NFO") -> Instrument:
    return an_instrument(f"{name}26NOVFUT", exchange=exchange, kind="FUT", lot_size=lot, name=name)


def tags() -> object:
    numbers = count(1)
    return lambda: f"tag{next(numbers)}"


@pytest.mark.parametrize(
    ("instrument", "most"),
    [
        (future("NIFTY", 65), 1_755),
        (future("BANKNIFTY", 30), 600),
        (future("FINNIFTY", 60), 1_800),
        (future("MIDCPNIFTY", 120), 2_760),
        (future("NIFTYNXT50", 25), 600),
        (future("SENSEX", 20, "BFO"), 1_000),
        (future("BANKEX", 30, "BFO"), 900),
        (future("NIFTY", 2_000), 2_000),
        (future("RELIANCE", 500), None),
        (future("NIFTY", 65, "BFO"), None),
        (future("GOLD", 100, "MCX"), None),
        (an_instrument(), 100_000),
        (an_instrument(exchange="BSE"), 100_000),
    ],
)
def test_the_largest_order_is_a_whole_number_of_lots_and_unknown_where_no_source_tells(
    instrument: Instrument, most: int | None
) -> None:
    assert freeze_quantity(instrument, TODAY) == most
    assert largest_order(instrument, TODAY, None) == most


def test_shares_are_also_bound_by_value() -> None:
    assert largest_order(an_instrument(), TODAY, 999.0) == 100_000
    assert largest_order(an_instrument(), TODAY, 1_000.0) == 100_000
    assert largest_order(an_instrument(), TODAY, 3_000.0) == 33_333
    assert largest_order(an_instrument(), TODAY, 5e8) == 1
    assert largest_order(an_instrument(), TODAY, float("nan")) == 100_000
    assert largest_order(future("NIFTY", 65), TODAY, 3_000_000.0) == 1_755


def test_the_table_has_a_date_and_a_source() -> None:
    assert freeze_table(TODAY).since == date(2026, 2, 1)
    assert freeze_table(date(2020, 1, 1)) is FREEZE[0]
    assert [table.since for table in FREEZE] == sorted(table.since for table in FREEZE)
    assert all("NSE" in table.source for table in FREEZE)


@pytest.mark.parametrize(
    ("day", "banknifty", "finnifty"),
    [("2025-06-30", 900, 1_800), ("2025-08-29", 600, 1_800), ("2025-09-01", 900, 1_800), ("2025-12-01", 600, 1_200)],
)
def test_the_figures_are_those_of_the_day(day: str, banknifty: int, finnifty: int) -> None:
    on = date.fromisoformat(day)
    assert freeze_quantity(future("BANKNIFTY", 30), on) == banknifty
    assert freeze_quantity(future("FINNIFTY", 60), on) == finnifty


def test_an_order_that_fits_stays_as_it_is() -> None:
    request = a_request(quantity=1_755, instrument=future("NIFTY", 65))
    assert slices(request, 1_755, 10, lambda: pytest.fail("no tag is needed")) == [request]
    assert slices(request, None, 10, lambda: pytest.fail("no tag is needed")) == [request]


def test_a_larger_order_is_cut_and_every_part_has_its_own_tag() -> None:
    request = a_request(quantity=4_030, instrument=future("NIFTY", 65), price=26_000.0, strategy="run-1", reason="up")
    parts = slices(request, 1_755, 10, tags())  # type: ignore[arg-type]  # a counter
    assert isinstance(parts, list)
    assert [(part.quantity, part.tag) for part in parts] == [(1_755, "tag1"), (1_755, "tag2"), (520, "tag3")]
    assert {(part.price, part.strategy, part.reason) for part in parts} == {(26_000.0, "run-1", "up")}


def test_what_is_disclosed_never_exceeds_its_part() -> None:
    request = a_request(quantity=250_000, disclosed_quantity=60_000, product="CNC")
    parts = slices(request, 100_000, 10, tags())  # type: ignore[arg-type]  # a counter
    assert isinstance(parts, list)
    assert [part.disclosed_quantity for part in parts] == [60_000, 60_000, 50_000]


def test_too_many_parts_are_refused_with_the_numbers() -> None:
    request = a_request(quantity=1_755 * 10 + 65, instrument=future("NIFTY", 65))
    refusal = slices(request, 1_755, 10, lambda: "t")
    assert isinstance(refusal, Refusal)
    assert refusal.text == "Slices: 17615 in orders of 1755 makes 11 orders, 10 allowed."


@given(st.integers(1, 5_000), st.integers(1, 60), st.integers(1, 200))
def test_parts_are_whole_lots_within_the_limit_and_add_up(lots: int, most: int, lot: int) -> None:
    parts = cut(lots * lot, most * lot)
    assert sum(parts) == lots * lot
    assert all(0 < part <= most * lot and part % lot == 0 for part in parts)
    assert len(parts) == -(-lots // most)
