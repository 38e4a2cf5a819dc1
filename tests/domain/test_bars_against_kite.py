"""Our bars against Kite's own candles of the same days, and what they cost in memory and in work.

Kite's candles are made of every trade at the exchange, ours of the ticks that it sends, one or two a second: a high
or low between two ticks is missing, and a price that tells no time is placed by when it came. The shares asserted
here say how much that is; nothing else differs.
"""

from __future__ import annotations

import csv
import gzip
import tracemalloc
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.domain.barbuilder import Grid, Hours
from alphapanda_desktop.domain.bars import KITE_LAG_S, BarSeries, Table, combined
from alphapanda_desktop.domain.market import Bar, BarSize, Interval, history_of
from alphapanda_desktop.domain.session import IST
from tests.domain.parquet_columns import read_parquet

FIVE = "index_NIFTY_5min_2020-12_2025-12"
SILENCE_S = 5.0
"""A pause in a recording of an index that must be its recorder's: the index itself is told twice a second."""

Ticks = list[tuple[float, float, int | None]]


def candles(folder: Path, name: str, units_a_second: int = 10**9) -> list[Bar]:
    """Recorded candles of Kite's historical API."""
    columns = read_parquet(folder / "candles" / f"{name}.parquet")
    volume = columns.get("volume", np.zeros(len(columns["ts"]), np.int64))
    prices = (columns[part].tolist() for part in ("open", "high", "low", "close"))
    rows = zip((columns["ts"] // units_a_second).tolist(), *prices, volume.tolist(), strict=True)
    return [Bar(*row) for row in rows]


@pytest.fixture(scope="module")
def five_minutes(real_data: Path) -> dict[int, Bar]:
    """Five years of NIFTY 50 by start."""
    return {bar.start_s: bar for bar in candles(real_data, FIVE)}


def recorded(path: Path, price: int, volume: int | None = None) -> Iterator[tuple[float, float, int | None]]:
    with gzip.open(path, "rt") as lines:
        for row in csv.reader(lines):
            if row[0][:2] == "20":
                now = datetime.fromisoformat(row[0]).replace(tzinfo=IST).timestamp()
                yield now, float(row[price]), int(float(row[volume])) if volume else None


def built(ticks: Ticks, interval: Interval = Interval.MINUTE_5, lag_s: float = 0.0) -> BarSeries:
    """Bars of a recording, its silences marked."""
    made, before = BarSeries(interval, hours=Hours("NSE")), ticks[0][0]
    for now, price, total in ticks:
        if now - before > SILENCE_S:
            made.lost(before - lag_s)
        made.add_price(now - lag_s, price, total)
        before = now
    return made


def differences(made: BarSeries, kite: dict[int, Bar]) -> np.ndarray:
    """Our open, high, low, close less Kite's, of every closed bar that no gap touches."""
    doubtful = {row for first, end in made.gap_rows() for row in range(first, end)}
    sure = [bar for row, bar in enumerate(made.closed()) if row not in doubtful]
    return np.array([np.subtract(bar[1:5], kite[bar.start_s][1:5]) for bar in sure])


def equal(diffs: np.ndarray) -> list[float]:
    """Shares of opens, highs, lows, closes that are Kite's to the paisa."""
    return list((np.abs(diffs) < 0.005).mean(axis=0))


def test_every_candle_of_five_years_begins_and_ends_where_we_say(five_minutes: dict[int, Bar]) -> None:
    """1,241 sessions: half days, Muhurat, Saturdays in two parts, and the outage of 24 February 2021."""
    grid = Grid(Interval.MINUTE_5, hours=Hours("NSE"))
    wrong = [start for start in five_minutes if grid.bounds(start) != (start, start + 300)]
    assert len(five_minutes) > 92_000
    assert wrong == []


def test_every_minute_of_a_share_begins_and_ends_where_we_say(real_data: Path) -> None:
    grid = Grid(Interval.MINUTE, hours=Hours("NSE", has_derivatives=True))
    minutes = candles(real_data, "stock_INFY_1min_2024-04_2025-04")
    wrong = [bar.start_s for bar in minutes if grid.bounds(bar.start_s) != (bar.start_s, bar.start_s + 60)]
    assert len(minutes) > 90_000
    assert wrong == []


def test_a_day_of_one_second_ticks_makes_kites_candles(real_data: Path, five_minutes: dict[int, Bar]) -> None:
    path = real_data / "ticks" / "nse_1s_GPL3" / "12-April-2021__Nifty_12_April.csv.gz"
    made = built(list(recorded(path, 1)))
    diffs = differences(made, five_minutes)
    opens, highs, lows, closes = equal(diffs)
    assert len(diffs) >= 60
    assert min(opens, closes) > 0.88
    assert min(highs, lows) > 0.8
    assert np.median(np.abs(diffs), axis=0).tolist() == [0, 0, 0, 0]
    assert np.quantile(np.abs(diffs), 0.95, axis=0).max() < 3


def test_a_day_of_live_ltp_ticks_makes_kites_candles(real_data: Path, five_minutes: dict[int, Bar]) -> None:
    """ltp mode tells no time: bars agree once receipt is taken for that much later than the exchange."""
    ticks = list(recorded(real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz", 2))
    plain, placed = (differences(built(ticks, lag_s=lag), five_minutes) for lag in (0.0, KITE_LAG_S))
    opens, highs, lows, closes = equal(placed)
    assert len(placed) == 60
    assert min(opens, closes) > 0.9
    assert min(highs, lows) > 0.8
    assert np.abs(placed).max() <= 3
    assert max(equal(plain)[0], equal(plain)[3]) < 0.3


def test_what_a_recording_missed_is_kites_once_history_comes(real_data: Path, five_minutes: dict[int, Bar]) -> None:
    ticks = list(recorded(real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz", 2))
    made = built(ticks, lag_s=KITE_LAG_S)
    missing = len(made.gaps)
    day = [bar for start, bar in five_minutes.items() if made.start_s[0] <= start < made.start_s[-1]]
    made.backfill(day)
    assert (missing, made.gaps) == (7, ())
    assert made.closed() == day


def test_minutes_joined_to_five_are_kites_five_minutes(real_data: Path, five_minutes: dict[int, Bar]) -> None:
    """Two files of two people's downloads: opens and closes agree, extremes as far as either was revised."""
    minutes = candles(real_data, "index_NIFTY_1min_2024-01_2024-08", 10**6)
    made = [bar for bar in combined(minutes, Interval.MINUTE, Interval.MINUTE_5) if bar.start_s in five_minutes]
    diffs = np.array([np.subtract(bar[1:5], five_minutes[bar.start_s][1:5]) for bar in made])
    opens, highs, lows, closes = equal(diffs)
    assert len(made) > 11_000
    assert min(opens, closes) > 0.97
    assert min(highs, lows) > 0.92


def test_ten_minutes_made_of_kites_own_candles_hold_all_of_them(five_minutes: dict[int, Bar]) -> None:
    ten, source = BarSize(600), list(five_minutes.values())
    made = combined(source, Interval.MINUTE_5, ten, hours=Hours("NSE"))
    assert history_of(ten) is Interval.MINUTE_5
    assert max(bar.high for bar in made) == max(bar.high for bar in source)
    assert min(bar.low for bar in made) == min(bar.low for bar in source)
    assert {made[0].open, made[-1].close} == {source[0].open, source[-1].close}
    assert len(made) == pytest.approx(len(source) / 2, rel=0.02)


@pytest.mark.parametrize("name", ["INFY", "RELIANCE"])
def test_a_share_s_real_day_keeps_its_volume_in_bars_of_any_kind(real_data: Path, name: str) -> None:
    path = real_data / "ticks" / "nse_1s_GPL3" / f"12-April-2021__{name}_12_April.csv.gz"
    ticks = list(recorded(path, 1, 2))
    traded = max(total or 0 for _, _, total in ticks) - (ticks[0][2] or 0)
    for period in (Interval.MINUTE, BarSize(1), BarSize(7)):
        made = BarSeries(period)
        for tick in ticks:
            made.add_price(*tick)
        assert made.volume.sum() == traded
        window = made.pyramid.window(0, len(made), 40)
        assert window.volume.sum() == traded


def test_a_million_bars_cost_less_than_a_hundred_megabytes() -> None:
    """Prices are float64 and volumes int64 throughout, so nothing is rounded for it."""
    tracemalloc.start()
    made = BarSeries(BarSize(1))
    made.load(a_table(900_000))
    for second in range(900_000, 1_000_000):
        made.columns.append(second, 100.0, 1)
        if second % 1_000 == 0:
            made.pyramid.extent(0, second)
    made.pyramid.window(0, 1_000_000, 1_600)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(made) == 1_000_000
    assert held < 100e6
    assert made.columns.nbytes + made.pyramid.nbytes < 100e6


def a_table(count: int) -> Table:
    start, price = np.arange(count, dtype=np.int64), np.full(count, 100.0)
    return Table(start, price, price + 1, price - 1, price, start, np.zeros(count, np.int64))


@pytest.mark.parametrize("count", [1_000, 1_000_000])
def test_a_tick_writes_as_many_rows_in_a_long_series_as_in_a_short_one(count: int) -> None:
    made = BarSeries(BarSize(1))
    made.load(a_table(count))
    made.pyramid.extent(0, 1)
    columns, before = made.columns.open, made.pyramid.combined
    for number in range(500):
        made.add_price(count + number // 50, 100.0 + number % 7, None)
    assert made.columns.open is columns
    assert made.columns.stale_from == count
    assert made.pyramid.combined == before
    made.pyramid.extent(0, 1)
    assert made.pyramid.combined - before <= 10 + 2 * 11


def test_growing_copies_each_row_a_few_times_in_all() -> None:
    made, copied, room = BarSeries(BarSize(1)), 0, 0
    for second in range(100_000):
        made.columns.append(second, 100.0, 1)
        if made.columns.open.size != room:
            copied, room = copied + second, made.columns.open.size
    assert copied < 10 * 100_000
