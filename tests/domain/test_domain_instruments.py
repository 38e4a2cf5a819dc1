"""Prices on ticks, lots, and the search in the master."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster, price_divisor, segment_of
from tests.fakes import an_instrument

TICKS = [0.0025, 0.01, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0]


@given(st.floats(0.01, 200_000), st.sampled_from(TICKS))
def test_a_snapped_price_lies_on_a_tick_and_near(price: float, tick: float) -> None:
    instrument = an_instrument(tick_size=tick)
    snapped = instrument.snap(price)
    assert instrument.on_tick(snapped)
    assert abs(snapped - price) <= tick / 2 + 1e-4
    assert instrument.snap(snapped) == snapped


@given(st.integers(1, 4_000_000), st.sampled_from(TICKS))
def test_a_count_of_ticks_survives_the_price(count: int, tick: float) -> None:
    instrument = an_instrument(tick_size=tick)
    assert instrument.ticks(round(count * tick, 4)) == count


def test_a_price_between_ticks_is_not_on_one() -> None:
    assert not an_instrument(tick_size=0.05).on_tick(100.03)
    assert not an_instrument(tick_size=0.0025).on_tick(83.1230)


def test_an_index_has_no_tick_and_is_not_traded() -> None:
    index = an_instrument("NIFTY 50", token=256265, tick_size=0, lot_size=0, segment="INDICES")
    assert (index.snap(1.23456), index.on_tick(1.23), index.tradable) == (1.23456, True, False)
    assert index.lot == 1


def test_quantity_counts_units_except_on_mcx_where_it_counts_lots() -> None:
    future = an_instrument(exchange="NFO", lot_size=65)
    crude = an_instrument(exchange="MCX", lot_size=100)
    assert (future.lot, future.multiplier) == (65, 1)
    assert (crude.lot, crude.multiplier) == (1, 100)


@pytest.mark.parametrize(("token", "segment", "divisor"), [(408065, 1, 100), (256265, 9, 100), (0x103, 3, 10_000_000)])
def test_the_low_byte_of_a_token_is_its_segment(token: int, segment: int, divisor: int) -> None:
    assert (segment_of(token), price_divisor(token)) == (segment, divisor)


def master() -> InstrumentMaster:
    def nifty(symbol: str, token: int, kind: str, expiry: date, strike: float = 0) -> Instrument:
        return Instrument(token, token >> 8, symbol, "NIFTY", 0, expiry, strike, 0.1, 65, kind, f"NFO-{kind}", "NFO")

    november, december = date(2026, 11, 24), date(2026, 12, 29)
    return InstrumentMaster(
        [
            nifty("NIFTY26DECFUT", 1, "FUT", december),
            nifty("NIFTY26NOVFUT", 2, "FUT", november),
            nifty("NIFTY26NOV26000CE", 3, "CE", november, 26_000),
            nifty("NIFTY26NOV25000PE", 4, "PE", november, 25_000),
            an_instrument("NIFTY 50", token=256265, segment="INDICES"),
            an_instrument("NIFTYBEES", token=2_707_457),
            an_instrument("INFY", token=408065),
            an_instrument("M&M", token=519937),
        ]
    )


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("infy", "INFY"),
        ("nifty 50", "NIFTY 50"),
        ("nifty 26000 ce", "NIFTY26NOV26000CE"),
        ("nifty nov fut", "NIFTY26NOVFUT"),
        ("nifty fut", "NIFTY26NOVFUT"),
        ("25000 pe", "NIFTY26NOV25000PE"),
        ("24 nov pe", "NIFTY26NOV25000PE"),
        ("m&m", "M&M"),
        ("  InFy  ", "INFY"),
    ],
)
def test_search_finds_what_is_meant_first(typed: str, first: str) -> None:
    assert master().search(typed)[0].tradingsymbol == first


def test_search_finds_nothing_for_nothing_and_keeps_to_its_limit() -> None:
    assert master().search("") == master().search("   ") == master().search("zzz") == []
    assert len(master().search("nifty", limit=3)) == 3


def test_the_master_knows_tokens_and_keys() -> None:
    book = master()
    found = book.by_token(408065)
    assert found is not None
    assert book.by_key("NSE:INFY") is found
    assert book.by_token(1_000_000) is book.by_key("NSE:NONE") is None
    assert len(book) == len(list(book)) == 8


def test_every_row_of_a_real_master_is_found_by_its_own_symbol(real_data: Path) -> None:
    with gzip.open(real_data / "instruments" / "kite_NSE_2026-07-30.csv.gz", "rt") as lines:
        rows = [row for k, row in enumerate(csv.DictReader(lines)) if k % 7 == 0]
    book = InstrumentMaster(_instrument(row) for row in rows)
    assert len(book) == len(rows) > 1_000
    for row in rows[::40]:
        assert book.search(row["tradingsymbol"])[0].tradingsymbol == row["tradingsymbol"]


def _instrument(row: dict[str, str]) -> Instrument:
    return Instrument(
        int(row["instrument_token"]),
        int(row["exchange_token"]),
        row["tradingsymbol"],
        row["name"],
        0.0,
        date.fromisoformat(row["expiry"]) if row["expiry"] else None,
        float(row["strike"]),
        float(row["tick_size"]),
        int(row["lot_size"]),
        row["instrument_type"],
        row["segment"],
        row["exchange"],
    )
