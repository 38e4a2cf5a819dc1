"""The made-up market: the same day for the same seed, and figures that agree with one another."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.sim.characters import weights_of
from alphapanda_desktop.sim.clock import SimClock
from alphapanda_desktop.sim.market import SimMarket
from alphapanda_desktop.sim.roster import INDICES
from alphapanda_desktop.sim.universe import build_universe

DAY = date(2026, 11, 19)  # a Thursday
NOON = datetime(2026, 11, 19, 12, tzinfo=IST)
RELIANCE, INFY, NIFTY, BANK, SENSEX = 738561, 408065, 256265, 260105, 265


def make(at: datetime = NOON, seed: int = 1, count: int | None = None, **more: object) -> SimMarket:
    return SimMarket(SimClock(at, 0.0), seed, build_universe(at.astimezone(IST).date(), count, None), **more)


def at(market: SimMarket, moment: datetime) -> SimMarket:
    market.clock.jump_to(moment)
    return market


def seconds(market: SimMarket, count: float, stride: float = 0.25) -> Iterator[list[Tick]]:
    for _ in range(round(count / stride)):
        market.clock.jump_to(market.clock.now() + timedelta(seconds=stride))
        yield market.step()


def everything(market: SimMarket) -> list[Tick]:
    return market.pictures([i.instrument_token for i in market.instruments])


@pytest.fixture(scope="module")
def noon() -> SimMarket:
    """One market at noon that tests only look at."""
    return make()


def test_the_same_seed_is_the_same_day_bit_for_bit(noon: SimMarket) -> None:
    assert everything(make()) == everything(noon)


def test_another_process_has_the_same_day(noon: SimMarket) -> None:
    code = (
        "from datetime import datetime;from alphapanda_desktop.sim.clock import SimClock;"
        "from alphapanda_desktop.sim.universe import build_universe;"
        "from alphapanda_desktop.sim.market import SimMarket;"
        f"at = datetime.fromisoformat({NOON.isoformat()!r});"
        "market = SimMarket(SimClock(at, 0.0), 1, build_universe(at.date(), None, None));"
        "print(*(market.picture(i.instrument_token) for i in market.instruments[:40]), sep=chr(10))"
    )
    env = {**os.environ, "PYTHONHASHSEED": "77"}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [str(tick) for tick in everything(noon)[:40]]


def test_another_seed_is_another_day(noon: SimMarket) -> None:
    assert make(seed=2).picture(RELIANCE) != noon.picture(RELIANCE)


def test_the_day_does_not_depend_on_how_it_is_walked() -> None:
    end = NOON + timedelta(minutes=2, seconds=7.3)
    strolled, leapt, late = make(), make(), make(end)
    for market in (strolled, leapt):
        market.watched = {i.instrument_token for i in market.instruments}
        market.step()
    for _ in seconds(strolled, 120, 0.75):
        pass
    assert everything(at(strolled, end)) == everything(at(leapt, end)) == everything(late)


def test_a_clock_set_back_shows_the_past_again(noon: SimMarket) -> None:
    market = make(NOON + timedelta(hours=1))
    everything(market)
    assert everything(at(market, NOON)) == everything(noon)


def test_a_picture_of_another_moment_is_the_one_shown_then(noon: SimMarket) -> None:
    later = make(NOON + timedelta(minutes=30))
    for token in (RELIANCE, NIFTY):
        assert later.picture(token, NOON.timestamp()) == noon.picture(token)


def test_minute_candles_are_the_ticks_added_up() -> None:
    market = make(datetime(2026, 11, 19, 11, 59, 58, tzinfo=IST))
    tokens = [RELIANCE, NIFTY, *(i.instrument_token for i in market.instruments if i.exchange in ("NFO", "CDS", "MCX"))]
    market.watched = set(tokens)
    before = {t.instrument_token: t.volume_traded for t in market.step()}
    told: dict[int, dict[int, list[Tick]]] = defaultdict(lambda: defaultdict(list))
    for ticks in seconds(market, 2 + 240):
        for tick in ticks:
            told[tick.instrument_token][tick.exchange_epoch_s // 60].append(tick)
    for token in tokens:
        rows = {r[0]: r for r in market.candles(token, "minute", NOON, NOON + timedelta(minutes=2))}
        for minute, ticks in told[token].items():
            start = datetime.fromtimestamp(minute * 60, IST)
            row = rows.get(start.strftime("%Y-%m-%dT%H:%M:%S%z"))
            if start < NOON or row is None:
                before[token] = ticks[-1].volume_traded
                continue
            prices = [t.last_price for t in ticks]
            assert row[1:5] == [prices[0], max(prices), min(prices), prices[-1]]
            assert row[5] == (ticks[-1].volume_traded or 0) - (before[token] or 0)
            assert row[6] == (ticks[-1].oi or 0)
            before[token] = ticks[-1].volume_traded
    assert len(told[RELIANCE]) >= 4


def test_the_running_candle_is_the_picture(noon: SimMarket) -> None:
    for token in (RELIANCE, NIFTY):
        tick = noon.picture(token)
        day = noon.candles(token, "day", NOON - timedelta(days=1), NOON)[-1]
        assert tick.ohlc is not None
        assert day[1:6] == [*tick.ohlc[:3], tick.last_price, tick.volume_traded or 0]
        assert noon.candles(token, "minute", NOON - timedelta(hours=1), NOON)[-1][4] == tick.last_price


def test_longer_candles_are_shorter_ones_added_up(noon: SimMarket) -> None:
    start, end = NOON - timedelta(days=200), NOON
    for token in (RELIANCE, BANK):
        days = {str(r[0])[:10]: r for r in noon.candles(token, "day", start, end)}
        hours: dict[str, list[list[object]]] = defaultdict(list)
        for row in noon.candles(token, "60minute", start, end):
            hours[str(row[0])[:10]].append(row)
        for day, rows in list(hours.items())[1:]:
            assert days[day][1:6] == [
                rows[0][1], max(r[2] for r in rows), min(r[3] for r in rows), rows[-1][4], sum(r[5] for r in rows)
            ]  # fmt: skip
        assert len(hours) > 130


def test_candles_of_past_days_keep_regular_hours(noon: SimMarket) -> None:
    rows = noon.candles(RELIANCE, "15minute", NOON - timedelta(days=60), datetime(2026, 11, 18, 23, tzinfo=IST))
    times = [str(r[0]) for r in rows]
    assert {t[11:] for t in times} == {f"{m // 60:02}:{m % 60:02}:00+0530" for m in range(555, 930, 15)}
    days = {t[:10] for t in times}
    assert all(date.fromisoformat(d).weekday() < 5 for d in days)
    assert "2026-11-10" not in days  # a holiday


@pytest.mark.parametrize(
    ("interval", "days", "least"), [("minute", 60, 14_000), ("5minute", 100, 4_800), ("day", 2000, 1350)]
)
def test_history_goes_back_as_far_as_one_may_ask(noon: SimMarket, interval: str, days: int, least: int) -> None:
    rows = noon.candles(RELIANCE, interval, NOON - timedelta(days=days), NOON)
    assert len(rows) > least
    assert [r[0] for r in rows] == sorted({str(r[0]) for r in rows})
    for _, first, high, low, last, volume, _ in rows:
        assert low <= min(first, last) <= max(first, last) <= high
        assert volume > 0


def test_a_contract_has_no_history_before_it_was_listed(noon: SimMarket) -> None:
    future = next(i for i in noon.instruments if i.instrument_type == "FUT" and i.name == "NIFTY")
    rows = noon.candles(future.instrument_token, "day", NOON - timedelta(days=900), NOON)
    assert 30 < len(rows) < 100
    stitched = noon.candles(future.instrument_token, "day", NOON - timedelta(days=900), NOON, continuous=True)
    assert len(stitched) > 500
    index = noon.candles(NIFTY, "day", NOON - timedelta(days=900), NOON)[-len(stitched) :]
    assert max(abs(a[4] / b[4] - 1) for a, b in zip(stitched, index, strict=True)) < 0.012


def test_todays_close_before_is_yesterdays_last_price(noon: SimMarket) -> None:
    for token in (RELIANCE, NIFTY, SENSEX):
        yesterday = noon.candles(token, "day", NOON - timedelta(days=1), NOON)[0]
        ohlc = noon.picture(token).ohlc
        assert ohlc is not None
        assert (str(yesterday[0])[:10], yesterday[4]) == ("2026-11-18", ohlc.close)


def test_what_was_told_yesterday_stands_in_todays_history() -> None:
    then = make(datetime(2026, 11, 18, 14, tzinfo=IST))
    start = datetime(2026, 11, 18, 13, tzinfo=IST)
    told = then.candles(INFY, "minute", start, then.clock.now())[:60]
    assert len(told) == 60
    assert make().candles(INFY, "minute", start, NOON)[:60] == told


def test_every_figure_of_a_tick_agrees_with_the_others(noon: SimMarket) -> None:
    for tick in everything(noon):
        i, ohlc, depth = noon.by_token(tick.instrument_token), tick.ohlc, tick.depth
        assert i is not None and ohlc is not None
        assert ohlc.low <= min(ohlc.open, tick.last_price) <= max(ohlc.open, tick.last_price) <= ohlc.high
        assert 0 <= NOON.timestamp() - tick.exchange_epoch_s <= 120
        if not i.tradable:
            assert (depth, tick.volume_traded, tick.oi) == (None, None, None)
            continue
        assert depth is not None and tick.average_traded_price is not None and tick.volume_traded is not None
        assert ohlc.low - 0.01 <= tick.average_traded_price <= ohlc.high + 0.01
        assert 0 < (tick.last_traded_quantity or 0) <= tick.volume_traded
        assert tick.volume_traded % i.lot_size == 0
        bids, asks = [b for b in depth.buy if b.quantity], depth.sell
        assert len(asks) == 5 and (len(bids) == 5 or tick.last_price < 6 * i.tick_size)
        assert all(i.on_tick(level.price) and level.orders > 0 for level in (*bids, *asks))
        assert [b.price for b in bids] == sorted((b.price for b in bids), reverse=True)
        assert [a.price for a in asks] == sorted(a.price for a in asks)
        assert not bids or bids[0].price <= tick.last_price <= asks[0].price
        assert (tick.total_buy_quantity or 0) >= sum(b.quantity for b in bids)
        low, high = noon.circuit(tick.instrument_token)
        assert low <= ohlc.low <= ohlc.high <= high
        assert (tick.oi or 0) > 0 if i.expiry else tick.oi == 0
        assert (tick.oi_day_low or 0) <= (tick.oi or 0) <= (tick.oi_day_high or 0)


def test_volume_only_grows_within_a_day() -> None:
    market = make()
    market.watched = {i.instrument_token for i in market.instruments}
    volume: dict[int, int] = {}
    for ticks in seconds(market, 30):
        for tick in ticks:
            if tick.volume_traded is not None:
                assert tick.volume_traded > volume.get(tick.instrument_token, -1)
                volume[tick.instrument_token] = tick.volume_traded
    assert len(volume) > 100


def test_liquid_names_trade_every_second_and_others_less() -> None:
    market = make()
    market.watched = {i.instrument_token for i in market.instruments}
    market.step()
    count: dict[int, int] = defaultdict(int)
    for ticks in seconds(market, 30):
        for tick in ticks:
            count[tick.instrument_token] += 1
    assert {count[t] for t in (RELIANCE, INFY, NIFTY)} == {30}
    assert 0 < sum(n < 12 for n in count.values()) < len(count)


def test_steps_tell_only_what_is_watched_and_has_changed() -> None:
    market, heard = make(), []
    market.listeners.append(lambda ticks: heard.append([t.instrument_token for t in ticks]))
    assert market.step() == []
    market.watched.add(RELIANCE)
    market.streamed.add(NIFTY)
    market.watched.add(999)
    assert {t.instrument_token for t in market.step()} == {RELIANCE, NIFTY}
    assert market.step() == []
    assert [len(h) for h in heard] == [0, 2, 0]


def _daily_moves(market: SimMarket, token: int) -> np.ndarray:
    return np.diff(np.log([float(r[4]) for r in market.candles(token, "day", NOON - timedelta(days=60), NOON)]))


@pytest.mark.parametrize(("symbol", "token"), [("NIFTY 50", NIFTY), ("NIFTY BANK", BANK), ("SENSEX", SENSEX)])
def test_an_index_follows_its_stocks(noon: SimMarket, symbol: str, token: int) -> None:
    stocks = {i.tradingsymbol: i.instrument_token for i in noon.instruments if i.segment == "NSE"}
    index = next(index for index in INDICES if index.symbol == symbol)
    mean = sum(w * _daily_moves(noon, stocks[name]) for name, w in weights_of(index).items())
    moves = _daily_moves(noon, token)
    assert np.abs(moves - mean).max() < 0.0008
    assert np.abs(moves).max() > 0.01


def test_futures_follow_with_a_basis_that_grows_with_time(noon: SimMarket) -> None:
    futures = [i for i in noon.instruments if i.name == "NIFTY" and i.instrument_type == "FUT"]
    futures.sort(key=lambda i: str(i.expiry))
    prices = [noon.picture(NIFTY).last_price, *(noon.picture(i.instrument_token).last_price for i in futures)]
    assert prices == sorted(prices)
    assert prices[-1] / prices[0] < 1.01


def test_options_agree_with_the_index(noon: SimMarket) -> None:
    chain = [i for i in noon.instruments if i.name == "NIFTY" and i.strike]
    spot = noon.picture(NIFTY).last_price
    for expiry in {i.expiry for i in chain}:
        of_week = [i for i in chain if i.expiry == expiry]
        mid = {(i.strike, i.instrument_type): _mid(noon.picture(i.instrument_token)) for i in of_week}
        strikes = sorted({strike for strike, _ in mid})
        for strike in strikes:
            assert mid[strike, "CE"] - mid[strike, "PE"] == pytest.approx(spot - strike, abs=spot * 0.004)
        calls = [mid[strike, "CE"] for strike in strikes]
        assert calls == sorted(calls, reverse=True)


def _mid(tick: Tick) -> float:
    assert tick.depth is not None
    return (tick.depth.buy[0].price + tick.depth.sell[0].price) / 2


def test_the_market_moves_as_much_as_a_market_does(noon: SimMarket) -> None:
    closes = [float(r[4]) for r in noon.candles(RELIANCE, "day", NOON - timedelta(days=1500), NOON)]
    minutes = [float(r[4]) for r in noon.candles(RELIANCE, "minute", NOON - timedelta(days=5), NOON)]
    assert 0.18 < np.diff(np.log(closes)).std() * np.sqrt(252) < 0.40
    assert 0.0004 < np.diff(np.log(minutes)).std() < 0.002


def test_a_volatile_day_is_wilder() -> None:
    ranges = []
    for volatility in (1.0, 4.0):
        ohlc = make(volatility=volatility).picture(RELIANCE).ohlc
        assert ohlc is not None
        ranges.append((ohlc.high - ohlc.low) / ohlc.close)
    assert ranges[1] > 2 * ranges[0]


# --- hours -------------------------------------------------------------------------------------------------------


def test_in_real_hours_nothing_moves_after_the_close() -> None:
    market = make(datetime(2026, 11, 19, 15, 14, 50, tzinfo=IST), hours="real")
    market.watched = {RELIANCE, NIFTY}
    last = {t.instrument_token: t for t in market.step()}
    for ticks in seconds(market, 30 * 60, 1.0):
        last.update((t.instrument_token, t) for t in ticks)
    evening = at(market, datetime(2026, 11, 19, 22, tzinfo=IST))
    assert evening.step() == []
    assert {token: evening.picture(token) for token in last} == last
    assert make(datetime(2026, 11, 20, 3, tzinfo=IST), hours="real").picture(NIFTY) == last[NIFTY]


@pytest.mark.parametrize(("calendar", "closes"), [("2026", "15:15"), ("pre-aug-2026", "15:30")])
def test_a_stock_with_derivatives_closes_by_its_calendar(calendar: str, closes: str) -> None:
    market = make(hours="real", calendar=calendar)
    hour, minute = map(int, closes.split(":"))
    close = datetime(2026, 11, 19, hour, minute, tzinfo=IST)
    reliance = market.by_key("NSE:RELIANCE")
    assert reliance is not None
    assert at(market, close - timedelta(seconds=1)).is_open(reliance)
    assert not at(market, close).is_open(reliance)
    rows = market.candles(RELIANCE, "minute", NOON, close + timedelta(hours=1))
    assert str(rows[-1][0])[11:16] == (close - timedelta(minutes=1)).strftime("%H:%M")


def test_real_hours_open_with_yesterdays_close() -> None:
    market = make(datetime(2026, 11, 19, 9, 0, tzinfo=IST), hours="real")
    before = market.picture(INFY)
    opened = at(market, datetime(2026, 11, 19, 9, 15, 3, tzinfo=IST)).picture(INFY)
    assert opened.ohlc is not None and before.volume_traded is not None
    assert opened.ohlc.close == before.last_price
    assert (opened.volume_traded or 0) < before.volume_traded
    assert opened.exchange_timestamp is not None
    assert opened.exchange_timestamp.astimezone(IST).hour == 9


def test_always_open_means_sundays_at_midnight() -> None:
    market = make(datetime(2026, 11, 22, 0, 0, 30, tzinfo=IST))
    assert all(market.is_open(i) for i in market.instruments)
    market.watched = {RELIANCE}
    market.step()
    assert sum(len(t) for t in seconds(market, 10)) == 10
    ohlc = market.picture(RELIANCE).ohlc
    friday = market.candles(RELIANCE, "day", NOON, market.clock.now())[-2]
    assert ohlc is not None and (str(friday[0])[:10], friday[4]) == ("2026-11-20", ohlc.close)


def test_midnight_begins_a_new_day() -> None:
    market = make(datetime(2026, 11, 19, 23, 59, 55, tzinfo=IST))
    market.watched = {RELIANCE}
    evening = market.step()[0]
    morning = [tick for ticks in seconds(market, 10) for tick in ticks][-1]
    assert (morning.volume_traded or 0) < (evening.volume_traded or 0) / 100
    assert morning.ohlc != evening.ohlc


# --- scale -------------------------------------------------------------------------------------------------------


def test_thousands_of_instruments_can_be_watched() -> None:
    market = make(datetime(2026, 11, 19, 0, 5, tzinfo=IST), count=9000)
    market.watched = {i.instrument_token for i in market.instruments}
    assert len(market.step()) == 9000
    changed = [len(ticks) for ticks in seconds(market, 10)]
    assert 2000 < sum(changed) < 9000 * 8
    assert max(changed) < 1000


def test_a_real_master_makes_a_plausible_market(real_data: Path) -> None:
    folder = real_data / "instruments"
    day = datetime(2026, 8, 18, 0, 10, tzinfo=IST)
    rows = build_universe(day.date(), None, folder / "kite_NSE_2026-07-30.csv.gz")[:2500]
    rows += build_universe(day.date(), 1500, folder / "kite_NFO_BFO_2026-08-18.csv.gz")
    market = SimMarket(SimClock(day, 0.0), 3, rows)
    for tick in everything(market):
        assert 0 < tick.last_price < 150_000
        i = market.by_token(tick.instrument_token)
        assert i is not None and i.on_tick(tick.last_price)
        assert tick.depth is None or tick.depth.sell[0].price >= tick.last_price


def test_an_index_stands_in_the_middle_of_a_real_chain(real_data: Path) -> None:
    folder, day = real_data / "instruments", datetime(2026, 8, 18, 0, 10, tzinfo=IST)
    rows = build_universe(day.date(), 3, folder / "kite_NSE_2026-07-30.csv.gz")
    rows += build_universe(day.date(), None, folder / "kite_NFO_BFO_2026-08-18.csv.gz")
    market = SimMarket(SimClock(day, 0.0), 3, rows)
    near = [i for i in rows if i.name == "NIFTY" and i.strike and str(i.expiry) == "2026-08-18"]
    strikes = sorted({i.strike for i in near})
    assert strikes[len(strikes) // 3] < market.picture(NIFTY).last_price < strikes[-len(strikes) // 3]
    future = next(i for i in rows if i.tradingsymbol == "NIFTY26AUGFUT")
    spot, ahead = (market.picture(token).last_price for token in (NIFTY, future.instrument_token))
    assert ahead == pytest.approx(spot, rel=0.003)


def test_a_clock_runs_at_its_speed_and_jumps() -> None:
    clock = SimClock(NOON, 1000.0)
    while clock.now() < NOON + timedelta(seconds=20):
        pass
    clock.speed = 0.0
    stopped = clock.now_s()
    assert clock.now_s() == stopped
    clock.jump_to(NOON)
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC
