"""Recorded ticks, played as a market."""

from __future__ import annotations

import gzip
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.sim.recordings import epoch_s, read_recordings
from alphapanda_desktop.sim.replay import ReplayMarket, open_replay

OPEN = datetime(2026, 8, 18, 9, 15, tzinfo=IST)
INFY, NIFTY = 408065, 256265


def record(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def go(market: ReplayMarket, seconds: float) -> ReplayMarket:
    market.clock.jump_to(datetime.fromtimestamp(market.first_s + seconds, UTC))
    return market


@pytest.fixture
def infy(tmp_path: Path) -> ReplayMarket:
    """Five ticks of INFY, the third and fourth the wrong way round, with the day's volume."""
    path = record(
        tmp_path / "18-August-2026__INFY_18_August.csv",
        "timestamp,ltp,volume",
        "2026-08-18 09:15:00,1500.0,1000",
        "2026-08-18 09:15:01,1501.05,1100",
        "2026-08-18 09:15:03,1499.5,1250",
        "2026-08-18 09:15:02,1502.0,1200",
        "2026-08-18 09:16:00,1498.0,2000",
    )
    return open_replay([path], 0.0)


def test_the_clock_starts_at_the_first_tick(infy: ReplayMarket) -> None:
    assert infy.clock.now() == OPEN
    assert infy.picture(INFY).last_price == 1500.0


def test_rows_out_of_order_are_put_in_order(infy: ReplayMarket) -> None:
    ticks = [go(infy, second).picture(INFY) for second in range(4)]
    assert [t.last_price for t in ticks] == [1500.0, 1501.05, 1502.0, 1499.5]
    assert [t.volume_traded for t in ticks] == [1000, 1100, 1200, 1250]


def test_pictures_add_the_recording_up(infy: ReplayMarket) -> None:
    tick = go(infy, 3).picture(INFY)
    assert tick.ohlc == (1500.0, 1502.0, 1499.5, 1500.0)
    assert tick.last_traded_quantity == 50
    paid = 1000 * 1500 + 100 * 1501.05 + 100 * 1502 + 50 * 1499.5
    assert tick.average_traded_price == round(paid / 1250, 2)
    depth = tick.depth
    assert depth is not None
    assert depth.buy[0].price <= 1499.5 <= depth.sell[0].price
    assert round(depth.sell[0].price - depth.buy[0].price, 4) == 0.05
    assert infy.picture(INFY, infy.first_s + 1) == go(infy, 1).picture(INFY)


def test_the_tick_size_is_the_one_of_the_recorded_prices(infy: ReplayMarket) -> None:
    instrument = infy.by_key("NSE:INFY")
    assert instrument is not None
    assert (instrument.instrument_token, instrument.tick_size) == (INFY, 0.05)


def test_steps_tell_each_tick_once_and_then_nothing_more(infy: ReplayMarket) -> None:
    infy.streamed = {INFY}
    told = [[t.last_price for t in go(infy, s).step()] for s in (0, 0.5, 1, 1.5, 60, 61, 4000)]
    assert told == [[1500.0], [], [1501.05], [], [1498.0], [], []]
    assert infy.picture(INFY).last_price == 1498.0
    assert infy.is_open(infy.instruments[0])


def test_candles_are_what_was_played_so_far(infy: ReplayMarket) -> None:
    first = ["2026-08-18T09:15:00+0530", 1500.0, 1502.0, 1499.5, 1499.5, 1250, 0]
    second = ["2026-08-18T09:16:00+0530", 1498.0, 1498.0, 1498.0, 1498.0, 750, 0]
    assert go(infy, 0).candles(INFY, "minute", OPEN, OPEN + timedelta(hours=1))[0][1:6] == [1500.0] * 4 + [1000]
    assert go(infy, 60).candles(INFY, "minute", OPEN, OPEN + timedelta(hours=1)) == [first, second]
    assert infy.candles(INFY, "minute", OPEN, OPEN + timedelta(seconds=30)) == [first]
    day = infy.candles(INFY, "day", OPEN, OPEN)
    assert day == [["2026-08-18T00:00:00+0530", 1500.0, 1502.0, 1498.0, 1498.0, 2000, 0]]


def test_real_hours_take_orders_while_the_recording_runs(tmp_path: Path) -> None:
    start = OPEN.timestamp()
    path = record(tmp_path / "a.csv", "time,symbol,price", f"{start},INFY,10", f"{start + 9},INFY,11")
    market = open_replay([path], 0.0, None, "real")
    assert market.is_open(market.instruments[0])
    assert not go(market, 10).is_open(market.instruments[0])


@pytest.mark.parametrize(
    "text",
    ["2026-08-18 09:15:00", "2026-08-18T03:45:00Z", "2026-08-18 09:15:00.000+05:30", "1787024700", "1787024700000",
     "1787024700000000000"],
)  # fmt: skip
def test_times_come_in_many_shapes(text: str) -> None:
    assert epoch_s(text) == OPEN.timestamp()


def test_one_file_may_hold_many_instruments(tmp_path: Path) -> None:
    path = tmp_path / "all.csv.gz"
    start = OPEN.timestamp()
    lines = ["Exchange_Timestamp,Instrument_Token,Last_Price", f"{start},408065,1500", f"{start},12345601,7.5"]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    market = open_replay([path], 0.0)
    keys = {i.key: i.instrument_token for i in market.instruments}
    assert keys == {"NSE:INFY": INFY, "NSE:TOKEN12345601": 12345601}
    assert market.picture(INFY).volume_traded == 1


def test_an_unknown_symbol_is_made_up_with_a_token_of_its_own(tmp_path: Path) -> None:
    rows = "2026-08-18 10:00:00,NSE:FOO,10", "2026-08-18 10:00:00,BAR,20"
    path = record(tmp_path / "x.csv", "time,tradingsymbol,price", *rows)
    market = open_replay([path], 0.0)
    assert [(i.key, i.instrument_token & 0xFF) for i in market.instruments] == [("NSE:FOO", 1), ("NSE:BAR", 1)]
    assert len({i.instrument_token for i in market.instruments}) == 2


def test_an_index_brings_a_future_that_can_be_traded(tmp_path: Path) -> None:
    path = record(tmp_path / "nifty.csv", "time,ltp", "2026-08-18 09:20:00,24350.33", "2026-08-18 09:20:01,24351.08")
    market = open_replay([path], 0.0)
    index, future = market.instruments
    assert (index.instrument_token, index.segment) == (NIFTY, "INDICES")
    assert (future.key, future.lot_size, str(future.expiry)) == ("NFO:NIFTY26AUGFUT", 65, "2026-08-25")
    for second in (0, 1):
        spot, derived = (go(market, second).picture(i.instrument_token) for i in (index, future))
        assert abs(derived.last_price - spot.last_price) <= future.tick_size / 2 + 1e-9
        assert future.on_tick(derived.last_price)
    low, high = market.circuit(future.instrument_token)
    assert low < 24_351 < high and market.circuit(NIFTY) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        (["a,b", "1,2"], "needs a time and a price column"),
        (["time,ltp", "2026-08-18 09:15:00,x"], "line 2"),
        (["time,ltp", "yesterday,4"], "line 2"),
        (["time,ltp", "2026-08-18 09:15:00,nan"], "line 2: nan is no price"),
        (["time,ltp,volume", "2026-08-18 09:15:00,4,inf"], "line 2: inf is no volume"),
    ],
)
def test_a_file_that_is_no_recording_is_named(tmp_path: Path, lines: list[str], complaint: str) -> None:
    with pytest.raises(BadData, match=complaint):
        open_replay([record(tmp_path / "bad.csv", *lines)], 0.0)


@pytest.mark.parametrize("data", [b"\xff\xfe\x80", gzip.compress(b"time,ltp\n" * 50, mtime=0)[:-9]])
def test_a_damaged_file_is_named(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "damaged.csv.gz"
    path.write_bytes(data)
    with pytest.raises(BadData, match=r"damaged\.csv\.gz: this is no CSV text"):
        open_replay([path], 0.0)


def test_a_few_round_prices_make_no_coarse_tick(tmp_path: Path) -> None:
    path = record(
        tmp_path / "a.csv", "time,symbol,ltp", "2026-08-18 09:15:00,INFY,1500", "2026-08-18 09:15:01,NEWCO,250"
    )
    market = open_replay([path], 0.0)
    assert {i.tradingsymbol: i.tick_size for i in market.instruments} == {"INFY": 0.1, "NEWCO": 0.05}


def test_a_file_without_rows_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"empty\.csv"):
        open_replay([record(tmp_path / "empty.csv", "time,ltp")], 0.0)


# --- real recordings ---------------------------------------------------------------------------------------------


def test_a_real_day_of_the_nifty_plays(real_data: Path) -> None:
    path = real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz"
    market = open_replay([path], 0.0)
    assert [i.key for i in market.instruments] == ["NSE:NIFTY 50", "NFO:NIFTY25OCTFUT"]
    market.streamed = {NIFTY}
    minutes: dict[str, list[float]] = defaultdict(list)
    for at_s in read_recordings([path], [])[0].at_s[:12_000].tolist():
        market.clock.jump_to(datetime.fromtimestamp(at_s + 1e-5, UTC))
        for tick in market.step():
            at = tick.exchange_timestamp
            assert at is not None
            minutes[at.astimezone(IST).strftime("%Y-%m-%dT%H:%M:00%z")].append(tick.last_price)
    rows = market.candles(NIFTY, "minute", market.clock.now() - timedelta(days=1), market.clock.now())
    assert len(rows) > 90
    assert [r[:5] for r in rows] == [[m, p[0], max(p), min(p), p[-1]] for m, p in minutes.items()]


def test_real_stocks_and_their_index_play_together(real_data: Path) -> None:
    market = open_replay(sorted((real_data / "ticks" / "nse_1s_GPL3").glob("*.csv.gz")), 0.0)
    keys = {i.key for i in market.instruments}
    assert keys == {"NSE:INFY", "NSE:RELIANCE", "NSE:NIFTY 50", "NFO:NIFTY21APRFUT"}
    go(market, 1e6)
    day = market.candles(INFY, "day", OPEN - timedelta(days=3650), OPEN)
    assert day == [["2021-04-12T00:00:00+0530", 1471.05, day[0][2], day[0][3], 1425.5, 20038892, 0]]
    for i in market.instruments:
        tick = market.picture(i.instrument_token)
        assert tick.ohlc is not None and tick.ohlc.low <= tick.last_price <= tick.ohlc.high
