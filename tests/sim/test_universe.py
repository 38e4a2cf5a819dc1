"""The local Kite's instrument master."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest

from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.kite.contract import instruments_from_csv
from alphapanda_desktop.sim.universe import SEGMENTS, build_universe, expiries, tick_for, to_csv

MONDAY = date(2026, 11, 16)
DAYS = [MONDAY, date(2026, 8, 18), date(2026, 11, 23), date(2026, 11, 24), date(2027, 1, 4), date(2025, 6, 15)]


def _one(rows: list[Instrument], key: str) -> Instrument:
    return next(i for i in rows if i.key == key)


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_every_row_is_well_formed(day: date) -> None:
    rows = build_universe(day, None, None)
    assert len({i.instrument_token for i in rows}) == len({i.key for i in rows}) == len(rows) > 130
    for i in rows:
        segment = SEGMENTS["INDICES" if i.segment == "INDICES" else i.exchange]
        assert i.instrument_token == i.exchange_token * 256 + segment
        assert (i.instrument_type == "EQ") == (i.expiry is None)
        assert i.expiry is None or i.expiry >= day
        assert (i.strike > 0) == (i.instrument_type in ("CE", "PE"))
        assert i.on_tick(i.last_price)
        assert (i.lot_size > 0 and i.tick_size > 0) == i.tradable


@pytest.mark.parametrize(
    ("key", "token"),
    [
        ("NSE:NIFTY 50", 256265), ("NSE:NIFTY BANK", 260105), ("BSE:SENSEX", 265), ("NSE:RELIANCE", 738561),
        ("NSE:INFY", 408065), ("NSE:SBIN", 779521), ("NSE:HDFCBANK", 341249), ("BSE:RELIANCE", 128083204),
    ],
)  # fmt: skip
def test_well_known_instruments_have_their_real_tokens(key: str, token: int) -> None:
    assert _one(build_universe(MONDAY, None, None), key).instrument_token == token


@pytest.mark.parametrize("day", DAYS, ids=str)
def test_the_option_chain_lies_around_the_money(day: date) -> None:
    rows = build_universe(day, None, None)
    spot = _one(rows, "NSE:NIFTY 50").last_price
    chain = [i for i in rows if i.exchange == "NFO" and i.name == "NIFTY" and i.strike]
    for expiry in {i.expiry for i in chain}:
        strikes = sorted({i.strike for i in chain if i.expiry == expiry})
        assert len(strikes) == 21
        assert abs(strikes[10] - spot) <= 25
        assert all(b - a == 50 for a, b in pairwise(strikes))
    assert len({i.expiry for i in chain}) == 2
    assert {i.lot_size for i in chain} == {65}
    assert {i.tick_size for i in chain} == {0.05}


def test_an_expiry_on_a_holiday_moves_to_the_day_before() -> None:
    """Tuesday 24 November 2026 is a holiday and was to be the month's last expiry."""
    weeks = expiries("NFO", date(2026, 11, 17), 1, monthly=False)
    assert [next(weeks) for _ in range(3)] == [date(2026, 11, 17), date(2026, 11, 23), date(2026, 12, 1)]
    assert next(expiries("NFO", date(2026, 11, 24), 1, monthly=True)) == date(2026, 12, 29)
    rows = build_universe(date(2026, 11, 17), None, None)
    symbols = {(i.expiry, i.tradingsymbol[:10]) for i in rows if i.name == "NIFTY" and i.strike}
    assert symbols == {(date(2026, 11, 17), "NIFTY26N17"), (date(2026, 11, 23), "NIFTY26NOV")}


@pytest.mark.parametrize(
    ("price", "tick"),
    [(249.99, 0.01), (250, 0.05), (999.95, 0.05), (1000, 0.1), (5000, 0.5), (10_000, 1.0), (20_000, 5.0)],
)
def test_ticks_follow_the_exchange_table(price: float, tick: float) -> None:
    assert tick_for(price) == tick


@pytest.mark.parametrize("count", [50, 9000])
def test_count_scales_the_master(count: int) -> None:
    rows = build_universe(MONDAY, count, None)
    assert len({i.instrument_token for i in rows}) == count
    assert rows[:50] == build_universe(MONDAY, None, None)[:50]


def test_the_csv_reads_back_as_it_was() -> None:
    rows = build_universe(MONDAY, 300, None)
    text = to_csv(rows, None)
    assert instruments_from_csv(text) == rows
    assert text.splitlines()[1] == f"256265,1001,NIFTY 50,NIFTY 50,{rows[0].last_price},,0.0,0.0,0,EQ,INDICES,NSE"
    assert {i.exchange for i in instruments_from_csv(to_csv(rows, "NFO"))} == {"NFO"}


def test_the_official_client_reads_the_csv() -> None:
    from kiteconnect import KiteConnect

    rows = build_universe(MONDAY, None, None)
    read = KiteConnect(api_key="k")._parse_instruments(to_csv(rows, None).encode())
    assert [r["tradingsymbol"] for r in read] == [i.tradingsymbol for i in rows]
    assert [r["expiry"] or None for r in read] == [i.expiry for i in rows]


def test_a_file_of_instruments_replaces_the_market(tmp_path: Path) -> None:
    rows = build_universe(MONDAY, None, None)[3:20]
    path = tmp_path / "master.csv"
    path.write_text(to_csv(rows, None), encoding="utf-8")
    assert build_universe(MONDAY, None, path) == rows
    assert build_universe(MONDAY, 5, path) == rows[:5]


def test_a_real_master_can_be_used(real_data: Path) -> None:
    rows = build_universe(MONDAY, None, real_data / "instruments" / "kite_NSE_2026-07-30.csv.gz")
    assert len(rows) > 9000
    assert InstrumentMaster(rows).by_key("NSE:RELIANCE") is not None


def test_our_named_stocks_are_those_of_the_real_master(real_data: Path) -> None:
    real = {i.key: i for i in build_universe(MONDAY, None, real_data / "instruments" / "kite_NSE_2026-07-30.csv.gz")}
    ours = [i for i in build_universe(MONDAY, None, None) if i.exchange == "NSE"]
    assert [(i.key, i.instrument_token, i.name) for i in ours] == [
        (i.key, real[i.key].instrument_token, real[i.key].name) for i in ours
    ]
