"""Bars and tick rings: alignment, volume, late ticks, merge with history; ends with a real recording."""

from __future__ import annotations

import csv
import gzip
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.bars import BarSeries, DayVolume, TickSeries, candle_start
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Tick
from alphapanda_desktop.domain.session import IST

WRAP = 1 << 32


def at(text: str, day: str = "2026-11-23") -> float:
    """Epoch seconds of an IST time."""
    return datetime.fromisoformat(f"{day}T{text}+05:30").timestamp()


def ist(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, IST).strftime("%H:%M:%S")


def bar(start: str, o: float, h: float, low: float, c: float, volume: int = 0, *, closed: bool = True) -> Bar:
    return Bar(int(at(start)), o, h, low, c, volume, closed=closed)


def series(*ticks: tuple[str, float, int | None], interval: Interval = Interval.MINUTE) -> BarSeries:
    made = BarSeries(interval)
    for time, price, volume in ticks:
        made.add_price(at(time), price, volume)
    return made


@pytest.mark.parametrize(
    ("interval", "time", "start"),
    [
        (Interval.MINUTE, "09:15:59", "09:15:00"),
        (Interval.MINUTE_3, "09:20:59", "09:18:00"),
        (Interval.MINUTE_5, "09:20:00", "09:20:00"),
        (Interval.MINUTE_15, "09:29:59", "09:15:00"),
        (Interval.MINUTE_60, "09:15:00", "09:15:00"),
        (Interval.MINUTE_60, "10:14:59", "09:15:00"),
        (Interval.MINUTE_60, "15:29:59", "15:15:00"),
        (Interval.MINUTE_60, "09:14:59", "08:15:00"),
        (Interval.DAY, "09:15:00", "00:00:00"),
        (Interval.DAY, "23:59:59", "00:00:00"),
    ],
)
def test_a_candle_starts_where_kites_does(interval: Interval, time: str, start: str) -> None:
    assert ist(candle_start(at(time), interval)) == start


def test_an_hour_on_mcx_is_counted_from_nine() -> None:
    assert ist(candle_start(at("10:59:59"), Interval.MINUTE_60, open_s=32_400)) == "10:00:00"


@given(st.sampled_from(Interval), st.integers(0, 2_000_000_000), st.sampled_from([32_400, 33_300]))
def test_every_second_lies_in_its_candle_and_candles_do_not_overlap(kind: Interval, now: int, open_s: int) -> None:
    start = candle_start(now, kind, open_s)
    assert start <= now < start + kind.seconds
    assert candle_start(start, kind, open_s) == start
    assert candle_start(start - 1, kind, open_s) == start - kind.seconds


def test_ticks_make_open_high_low_close_and_volume() -> None:
    made = series(("10:00:01", 100, 1000), ("10:00:20", 104, 1010), ("10:00:40", 99, 1030), ("10:00:59", 101, 1031))
    assert made.last() == bar("10:00:00", 100, 104, 99, 101, 31, closed=False)
    assert (len(made), made.closed_count) == (1, 0)


def test_a_tick_of_the_next_minute_closes_the_bar_and_hands_it_out() -> None:
    made = series(("10:00:01", 100, 1000), ("10:00:20", 104, 1010))
    assert made.add_price(at("10:01:00"), 105, 1015) == bar("10:00:00", 100, 104, 100, 104, 10)
    assert made.closed() == [bar("10:00:00", 100, 104, 100, 104, 10)]
    assert made.last() == bar("10:01:00", 105, 105, 105, 105, 5, closed=False)


def test_the_first_tick_is_a_baseline_and_not_the_whole_days_volume() -> None:
    assert series(("10:00:01", 100, 5_000_000)).volume.tolist() == [0]


def test_a_day_bar_has_the_days_volume_from_its_first_tick() -> None:
    made = series(("10:00:01", 100, 5_000), ("10:00:20", 104, 5_010), interval=Interval.DAY)
    assert made.last() == bar("00:00:00", 100, 104, 100, 104, 5_010, closed=False)
    made.backfill([bar("00:00:00", 90, 110, 89, 104, 5_012, closed=False)])
    assert made.last() == bar("00:00:00", 90, 110, 89, 104, 5_012, closed=False)


def test_a_late_tick_does_not_change_a_closed_bar() -> None:
    made = series(("10:00:01", 100, 1000), ("10:01:01", 101, 1010))
    before, version = made.closed(), made.version
    assert made.add_price(at("10:00:59"), 500, 1005) is None
    assert made.closed() == before
    assert made.last() == bar("10:01:00", 101, 101, 101, 101, 10, closed=False)
    assert made.version == version


def test_a_late_tick_does_not_reopen_a_bar_that_the_clock_closed() -> None:
    made = series(("10:00:01", 100, 1000))
    assert made.advance(at("10:01:00")) is not None
    assert made.add_price(at("10:00:59"), 500, 1005) is None
    assert made.closed() == [bar("10:00:00", 100, 100, 100, 100)]
    assert made.closed_count == len(made) == 1


def test_volume_of_a_late_tick_is_counted_once_with_the_next() -> None:
    made = series(("10:00:01", 100, 1000), ("10:01:01", 101, 1010), ("10:00:59", 101, 1008), ("10:01:02", 101, 1015))
    assert made.volume.tolist() == [0, 15]


def test_an_older_tick_within_the_open_bar_counts_for_its_price_and_not_for_volume() -> None:
    made = series(("10:00:10", 100, 1000), ("10:00:30", 101, 1050), ("10:00:20", 90, 1020), ("10:00:40", 102, 1060))
    assert made.last() == bar("10:00:00", 100, 102, 90, 102, 60, closed=False)


def test_the_clock_closes_a_bar_when_no_tick_comes() -> None:
    made = series(("10:00:01", 100, 1000))
    assert made.advance(at("10:00:59")) is None
    assert made.advance(at("10:01:00")) == bar("10:00:00", 100, 100, 100, 100)
    assert made.advance(at("10:02:00")) is None


def test_minutes_without_a_trade_have_no_bar() -> None:
    made = series(("10:00:01", 100, 1000), ("10:05:01", 101, 1010))
    assert [ist(s) for s in made.start_s] == ["10:00:00", "10:05:00"]


def test_a_repeated_quote_after_the_last_trade_opens_no_bar() -> None:
    made = BarSeries(Interval.MINUTE)
    made.add(Tick(408065, Mode.FULL, 100, exchange_epoch_s=int(at("10:00:01")), last_trade_epoch_s=int(at("10:00:01"))))
    made.add(Tick(408065, Mode.FULL, 100, exchange_epoch_s=int(at("10:03:00")), last_trade_epoch_s=int(at("10:00:01"))))
    assert [ist(s) for s in made.start_s] == ["10:00:00"]


def test_a_tick_without_exchange_time_is_placed_by_its_receipt() -> None:
    made = BarSeries(Interval.MINUTE)
    made.add(Tick(408065, Mode.LTP, 100, received_ns=int(at("10:00:01") * 1e9)))
    assert made.last() == bar("10:00:00", 100, 100, 100, 100, closed=False)


@pytest.mark.parametrize("price", [0.0, float("nan"), float("inf")])
def test_a_price_that_is_none_makes_no_bar(price: float) -> None:
    assert len(series(("10:00:01", price, 1000))) == 0


def test_day_volume_goes_on_through_the_wires_wrap() -> None:
    made = series(("10:00:01", 100, WRAP - 10), ("10:00:02", 100, 15))
    assert made.volume.tolist() == [25]


def test_day_volume_starts_again_on_a_new_day() -> None:
    made = BarSeries(Interval.MINUTE)
    made.add_price(at("15:29:59", "2026-11-20"), 100, 9_000)
    made.add_price(at("09:15:01"), 100, 40)
    assert made.volume.tolist() == [0, 40]


def test_a_repeat_of_an_older_total_in_the_same_second_is_not_counted_twice() -> None:
    made = series(("10:00:01", 100, 100), ("10:00:02", 100, 110), ("10:00:02", 100, 105), ("10:00:03", 100, 112))
    assert made.volume.tolist() == [12]


def test_a_count_that_starts_again_within_the_day_is_a_new_baseline() -> None:
    made = series(("10:00:01", 100, 90_000), ("10:00:02", 100, 10), ("10:00:03", 100, 16))
    assert made.volume.tolist() == [6]


@given(st.lists(st.tuples(st.integers(0, 90), st.integers(0, 1 << 30)), min_size=1, max_size=60))
def test_bars_hold_all_that_was_traded_after_the_first_tick(steps: list[tuple[int, int]]) -> None:
    made, now, total = BarSeries(Interval.MINUTE), at("10:00:00"), 0
    for seconds, traded in steps:
        now, total = now + seconds, total + traded
        made.add_price(now, 100, total % WRAP)
    assert made.volume.sum() == total - steps[0][1]


@given(st.lists(st.tuples(st.integers(0, 600), st.floats(1, 1e5)), min_size=1, max_size=80))
def test_in_any_order_of_ticks_bars_stay_sorted_and_closed_ones_never_change(ticks: list[tuple[int, float]]) -> None:
    made, frozen = BarSeries(Interval.MINUTE), []
    for offset, price in ticks:
        closed = made.add_price(at("10:00:00") + offset, price, None)
        if closed:
            frozen.append(closed)
        assert made.closed() == frozen
    assert (np.diff(made.start_s) > 0).all()
    assert (made.low <= np.minimum(made.open, made.close)).all()
    assert (made.high >= np.maximum(made.open, made.close)).all()


def test_history_replaces_what_ticks_made_of_a_closed_bar() -> None:
    made = series(("10:00:40", 100, 1000), ("10:01:01", 101, 1010))
    made.backfill([bar("09:59:00", 98, 99, 97, 98, 70), bar("10:00:00", 97, 103, 96, 100, 80)])
    assert made.closed() == [bar("09:59:00", 98, 99, 97, 98, 70), bar("10:00:00", 97, 103, 96, 100, 80)]
    assert made.last() == bar("10:01:00", 101, 101, 101, 101, 10, closed=False)


def test_a_bar_opened_midway_takes_its_earlier_part_from_history() -> None:
    made = series(("10:00:40", 100, 1000), ("10:00:45", 101, 1005))
    made.backfill([bar("10:00:00", 97, 103, 96, 100, 80, closed=False)])
    assert made.last() == bar("10:00:00", 97, 103, 96, 101, 80, closed=False)
    made.add_price(at("10:00:50"), 104, 1011)
    assert made.last() == bar("10:00:00", 97, 104, 96, 104, 86, closed=False)


Market = st.lists(st.tuples(st.integers(0, 75), st.integers(90, 110), st.integers(0, 500)), min_size=4, max_size=50)


@given(Market, st.data())
def test_what_was_missed_comes_back_with_history_as_if_it_had_been_seen(moves: list[Any], data: st.DataObject) -> None:
    now, total, ticks = at("10:00:00"), 0, [(at("09:59:00"), 100, 0)]
    for seconds, price, traded in moves:
        now, total = now + seconds, total + traded
        ticks.append((now, price, total))
    back = data.draw(st.integers(2, len(ticks) - 1), "history is read after this tick")
    hole = data.draw(st.tuples(st.integers(0, back), st.integers(0, back)).map(sorted), "ticks missed")
    seen, live, truth = BarSeries(Interval.MINUTE), BarSeries(Interval.MINUTE), BarSeries(Interval.MINUTE)
    for k, tick in enumerate(ticks):
        truth.add_price(*tick)
        if not hole[0] <= k < hole[1]:
            live.add_price(*tick)
        if k == back:
            for past in ticks[: back + 1]:
                seen.add_price(*past)
            running = seen.last()
            live.backfill([*seen.closed(), *([running] if running else [])])
    assert live.closed() == truth.closed()
    assert live.last() == truth.last()


def test_a_running_candle_of_history_that_closed_meanwhile_does_not_undo_the_ticks() -> None:
    made = series(("10:00:10", 100, 1000), ("10:00:50", 105, 1100), ("10:01:01", 101, 1110))
    made.backfill([bar("10:00:00", 99, 101, 98, 100, 60, closed=False)])
    assert made.closed() == [bar("10:00:00", 99, 105, 98, 105, 100)]


def test_volume_of_a_hole_in_the_feed_is_history_s_once_it_is_known() -> None:
    made = series(("10:00:01", 100, 1000), ("10:05:10", 101, 5000), ("10:05:20", 101, 5010))
    assert made.volume.tolist() == [0, 4010]
    made.backfill([bar("10:04:00", 1, 1, 1, 1, 900), bar("10:05:00", 100, 102, 100, 101, 40, closed=False)])
    assert made.volume.tolist() == [0, 900, 40]


def test_a_running_candle_of_history_goes_on_with_ticks() -> None:
    made = BarSeries(Interval.MINUTE)
    made.backfill([bar("10:00:00", 97, 103, 96, 100, 80, closed=False)])
    assert made.closed_count == 0
    made.add_price(at("10:00:40"), 105, 1000)
    made.add_price(at("10:00:41"), 105, 1007)
    assert made.last() == bar("10:00:00", 97, 105, 96, 105, 87, closed=False)


def test_backfill_in_any_order_and_twice_gives_the_same() -> None:
    rows = [bar("10:00:00", 1, 2, 1, 2, 3), bar("10:01:00", 2, 3, 2, 3, 4), bar("10:03:00", 3, 3, 3, 3, 5)]
    made = BarSeries(Interval.MINUTE)
    made.backfill(rows[::-1])
    made.backfill(rows)
    assert made.closed() == rows


def test_an_empty_backfill_changes_nothing() -> None:
    made = series(("10:00:01", 100, 1))
    version = made.version
    made.backfill([])
    assert (len(made), made.version) == (1, version)


def test_versions_tell_a_moving_bar_from_changed_history() -> None:
    made = series(("10:00:01", 100, 1))
    version, history = made.version, made.history_version
    made.add_price(at("10:00:02"), 101, 2)
    assert (made.version, made.history_version) == (version + 1, history)
    made.add_price(at("10:01:02"), 101, 2)
    assert made.history_version == history + 1
    made.backfill([bar("09:00:00", 1, 1, 1, 1)])
    assert made.history_version == history + 2


def test_columns_grow_and_keep_every_row() -> None:
    made = BarSeries(Interval.MINUTE)
    for k in range(1000):
        made.add_price(at("00:00:00") + 60 * k, 100 + k, 10 * k)
    assert len(made) == len(made.close) == 1000
    assert made.close.tolist() == [100.0 + k for k in range(1000)]
    assert made.volume.tolist() == [0] + [10] * 999
    assert [b.close for b in made.closed(3)] == [1096, 1097, 1098]
    assert made.closed(0) == []


def test_open_interest_is_kept() -> None:
    made = BarSeries(Interval.MINUTE)
    made.backfill([bar("10:00:00", 1, 1, 1, 1)._replace(oi=77)])
    made.add(Tick(1, Mode.FULL, 2, exchange_epoch_s=int(at("10:01:00")), oi=78))
    assert made.oi.tolist() == [77, 78]


def test_volume_that_is_not_carried_is_zero() -> None:
    meter = DayVolume()
    assert [meter.since_last(1, None), meter.since_last(2, 5), meter.since_last(3, None)] == [0, 0, 0]
    assert meter.since_last(4, 9) == 4


def test_the_tick_ring_keeps_the_last_ones_in_one_piece() -> None:
    ring = TickSeries(capacity=100)
    for k in range(1234):
        ring.add(k, 1 + k, 10 * k)
        assert len(ring) == min(k + 1, 100)
    assert ring.price.tolist() == [float(k + 1) for k in range(1134, 1234)]
    assert ring.at_s.tolist() == [float(k) for k in range(1134, 1234)]
    assert set(ring.volume.tolist()) == {10}
    assert ring.price.flags.c_contiguous


def test_an_older_tick_stays_out_of_the_ring() -> None:
    ring = TickSeries()
    ring.add(10, 100, None)
    ring.add(9, 101, None)
    assert ring.price.tolist() == [100]


def _naive_ist(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=IST).timestamp()


def test_a_real_day_of_index_ticks_makes_the_minutes_that_a_plain_count_makes(real_data: Path) -> None:
    with gzip.open(real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz", "rt") as lines:
        rows = [row for row in csv.reader(lines) if row[0][:2] == "20"]
    column = next(k for k, text in enumerate(rows[0][1:], 1) if "." in text)
    ticks = [(_naive_ist(row[0]), float(row[column])) for row in rows]
    made, plain = BarSeries(Interval.MINUTE), {}
    for now, price in ticks:
        made.add_price(now, price, None)
        plain.setdefault(int(now) // 60 * 60, []).append(price)
    got = {b.start_s: (b.open, b.high, b.low, b.close) for b in [*made.closed(), made.last()] if b}
    assert len(ticks) > 40_000
    assert got == {start: (p[0], max(p), min(p), p[-1]) for start, p in plain.items()}


def test_a_real_day_with_disordered_seconds_keeps_the_whole_volume(real_data: Path) -> None:
    path = real_data / "ticks" / "nse_1s_GPL3" / "12-April-2021__INFY_12_April.csv.gz"
    with gzip.open(path, "rt") as lines:
        rows = list(csv.DictReader(lines))
    names = {name.lower().strip(): name for name in rows[0]}
    time, price, volume = (_column(names, *words) for words in (("time", "date"), ("price", "ltp"), ("vol",)))
    made, totals = BarSeries(Interval.MINUTE), []
    for row in rows:
        totals.append(int(float(row[volume])))
        made.add_price(_naive_ist(row[time]), float(row[price]), totals[-1])
    assert (np.diff(made.start_s) > 0).all()
    assert made.volume.sum() == max(totals) - totals[0]


def _column(names: dict[str, str], *words: str) -> str:
    return next(real for low, real in names.items() if any(word in low for word in words))
