"""Quotes under the ticker's names, candles, and the instrument master, official and real."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import DepthLevel, Interval, Mode
from alphapanda_desktop.kite import contract as k

HEADER = ",".join(k.COLUMNS)
INFY = "408065,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE"


@pytest.fixture
def data(kite_samples: Path) -> Any:
    def read(name: str) -> Any:
        return json.loads((kite_samples / "mocks" / f"{name}.json").read_bytes())["data"]

    return read


def test_a_quote_carries_the_tickers_names(data: Any) -> None:
    tick = k.quotes_from_wire(data("quote"), received_ns=7)["NSE:INFY"]
    assert (tick.volume_traded, tick.average_traded_price, tick.last_traded_quantity) == (7360198, 1412.47, 5)
    assert (tick.total_buy_quantity, tick.total_sell_quantity, tick.mode) == (0, 5191, Mode.FULL)
    assert tick.exchange_timestamp == datetime(2021, 6, 8, 10, 15, 56, tzinfo=UTC)
    assert tick.last_trade_time == datetime(2021, 6, 8, 10, 15, 52, tzinfo=UTC)
    assert tick.depth is not None
    assert tick.depth.sell[0] == DepthLevel(1412.95, 5191, 13)
    assert len(tick.depth.buy) == len(tick.depth.sell) == 5


def test_the_shorter_quotes_leave_the_rest_none(data: Any) -> None:
    ohlc = k.quotes_from_wire(data("ohlc"))["NSE:INFY"]
    assert (ohlc.mode, ohlc.ohlc and ohlc.ohlc.close, ohlc.volume_traded) == (Mode.QUOTE, 1075.8, None)
    ltp = k.quotes_from_wire(data("ltp"))["NSE:INFY"]
    assert (ltp.mode, ltp.last_price, ltp.ohlc) == (Mode.LTP, 1074.35, None)


def test_an_index_quote_has_no_volume_and_no_depth() -> None:
    row = {"instrument_token": 256265, "last_price": 24000, "timestamp": "2026-01-01 10:00:00", "volume": 0,
           "last_trade_time": "0001-01-01 00:00:00", "net_change": 4294967000, "depth": None, "oi": 0}  # fmt: skip
    tick = k.quote_from_wire(row)
    assert (tick.tradable, tick.volume_traded, tick.depth, tick.last_trade_time) == (False, None, None, None)


def test_missing_levels_of_depth_are_zeros() -> None:
    depth = {"buy": [{"price": 83.1225, "quantity": 4, "orders": 2}], "sell": None}
    tick = k.quote_from_wire({"instrument_token": 412675, "last_price": 83.12, "depth": depth})
    assert tick.depth is not None
    assert tick.depth.buy[0] == DepthLevel(83.1225, 4, 2)
    assert tick.depth.sell[4] == DepthLevel(0, 0, 0)


def test_a_price_beyond_all_measure_is_bad_data() -> None:
    row = {"instrument_token": 408065, "last_price": 1, "depth": {"buy": [{"price": 1e308, "quantity": 1}]}}
    with pytest.raises(BadData, match=r"depth\.buy\.0\.price is 1e\+308"):
        k.quote_from_wire(row)


def test_candles_become_bars_and_the_running_one_is_open(data: Any) -> None:
    rows = data("historical_minute")
    last = datetime.fromisoformat(rows["candles"][-1][0]).timestamp()
    bars = k.bars_from_candles(rows, Interval.MINUTE, last + 30)
    assert bars[0].start_s == int(datetime(2017, 12, 15, 3, 45, tzinfo=UTC).timestamp())
    assert (bars[-2].closed, bars[-1].closed) == (True, False)
    assert len(bars) == len(rows["candles"])


def test_open_interest_is_the_seventh_column(data: Any) -> None:
    assert k.bars_from_candles(data("historical_oi"), Interval.MINUTE, 2e9)[0].oi == 13667775


@pytest.mark.parametrize(
    "row",
    [
        [],
        [None] * 6,
        ["2017-12-15T09:15:00+0530", 1, 2],
        ["noon", 1, 2, 3, 4, 5],
        ["2017-12-15T09:15:00+0530", 1, float("nan"), 1, 1, 5],
        ["9999-12-31T23:59:59-23:00", 1, 1, 1, 1, float("inf")],
    ],
)
def test_a_bad_candle_is_named(row: list[object]) -> None:
    with pytest.raises(BadData, match=r"candles\[0\]"):
        k.bars_from_candles({"candles": [row]}, Interval.MINUTE, 0)


@pytest.mark.parametrize("interval", list(Interval))
def test_pages_join_without_gap_and_stay_under_the_cap(interval: Interval) -> None:
    start, end = datetime(2018, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 9, 15, 30, 5, tzinfo=UTC)
    pages = k.candle_pages(start, end, interval)
    assert (pages[0][0], pages[-1][1]) == (start, end.replace(microsecond=0))
    assert all(after[0] - before[1] == timedelta(seconds=1) for before, after in pairwise(pages))
    assert all(last - first < timedelta(days=k.MAX_DAYS[interval]) for first, last in pages)


def test_pages_of_nothing_are_none() -> None:
    start = datetime(2026, 1, 2, tzinfo=UTC)
    assert k.candle_pages(start, start - timedelta(days=1), Interval.DAY) == []
    assert k.candle_pages(start, start, Interval.DAY) == [(start, start)]


@given(st.lists(st.text(min_size=1, max_size=30), max_size=600), st.integers(1, 500))
def test_batches_of_quotes_lose_no_key_and_stay_short(keys: list[str], most: int) -> None:
    batches = list(k.quote_batches(keys, most))
    assert [key for batch in batches for key in batch] == keys
    assert all(0 < len(batch) <= most for batch in batches)
    assert all(len(urlencode([("i", key) for key in batch])) <= k.MAX_QUERY for batch in batches)


def test_a_master_row_becomes_an_instrument() -> None:
    row = '12345858,48226,"X","A, ""B"" & C",0,2026-12-31,150.5,0.05,1800.0,CE,NFO-OPT,NFO'
    first, second = k.instruments_from_csv(f"{HEADER}\n{INFY}\n{row}\n")
    assert (first.key, first.tick_size, first.expiry, first.lot_size) == ("NSE:INFY", 0.05, None, 1)
    assert (second.name, second.expiry, second.strike, second.lot_size) == (
        'A, "B" & C', date(2026, 12, 31), 150.5, 1800)  # fmt: skip


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("x,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE", "'x'"),
        ("-5,1594,INFY,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE", "-5"),
        ("5,1594,INFY,INFOSYS,0.0,31-12-2026,0.0,0.05,1,EQ,NSE,NSE", "31-12-2026"),
        ("5,1594,INFY,INFOSYS,0.0,,nan,0.05,1,EQ,NSE,NSE", "'nan'"),
        ("5,1594,INFY,INFOSYS,0.0,,0.0,0.05,1.5,EQ,NSE,NSE", "'1.5'"),
        ("5,1594,,INFOSYS,0.0,,0.0,0.05,1,EQ,NSE,NSE", "tradingsymbol"),
        ("5,1594,INFY", "too few columns"),
    ],
)
def test_a_bad_master_row_is_skipped_and_counted(row: str, why: str) -> None:
    master = k.read_instruments(f"{HEADER}\n{row}\n{INFY}\n")
    assert [i.tradingsymbol for i in master.instruments] == ["INFY"]
    assert master.skipped == 1
    assert why in str(master.bad)
    assert "1 of 2 rows skipped; row 2" in str(master.bad)


def test_columns_are_found_by_name() -> None:
    text = "note,exchange," + ",".join(k.COLUMNS[:-1]) + "\nhi,NSE," + INFY.rsplit(",", 1)[0] + "\n"
    assert k.instruments_from_csv(text.encode())[0].key == "NSE:INFY"


def test_a_master_without_a_column_is_bad_data() -> None:
    with pytest.raises(BadData, match="'tick_size' is missing"):
        k.instruments_from_csv(HEADER.replace("tick_size", "size"))
    with pytest.raises(BadData, match="'instrument_token' is missing"):
        k.instruments_from_csv(b"<html>down for maintenance</html>")


@given(st.text(max_size=300))
def test_no_text_in_a_master_crashes_it(text: str) -> None:
    master = k.read_instruments(f"{HEADER}\n{text}")
    assert master.skipped == 0 or master.bad is not None


@pytest.mark.parametrize("name", ["kite_NSE_2026-07-30.csv.gz", "kite_NFO_BFO_2026-08-18.csv.gz"])
def test_no_row_of_a_real_master_is_lost(real_data: Path, name: str) -> None:
    text = gzip.decompress((real_data / "instruments" / name).read_bytes())
    master = k.read_instruments(text)
    assert master.bad is None
    assert len(master.instruments) == len(text.splitlines()) - 1 > 5000
