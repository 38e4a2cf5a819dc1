"""Bars of any length, of ticks and of volume; sessions, order of ticks, the day's totals and extremes, gaps."""

from __future__ import annotations

import math
from datetime import datetime
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.barbuilder import DAY_S, DayVolume, Grid, Hours, day_of
from alphapanda_desktop.domain.bargaps import Gap, Gaps
from alphapanda_desktop.domain.bars import BarSeries, Table, combined
from alphapanda_desktop.domain.market import (
    Bar,
    BarSize,
    Interval,
    Mode,
    Ohlc,
    Period,
    Tick,
    Unit,
    history_of,
    period_of,
)
from alphapanda_desktop.domain.session import IST

WRAP = 1 << 32
MONDAY = "2026-11-23"


def at(text: str, day: str = MONDAY) -> int:
    return int(datetime.fromisoformat(f"{day}T{text}+05:30").timestamp())


def ist(epoch_s: float) -> str:
    return datetime.fromtimestamp(epoch_s, IST).strftime("%H:%M:%S")


def fed(period: Period, *ticks: tuple[str, float, int | None], hours: Hours | None = None) -> BarSeries:
    made = BarSeries(period, hours=hours)
    for time, price, total in ticks:
        made.add_price(at(time), price, total)
    return made


def spans(made: BarSeries) -> list[str]:
    return [ist(start) for start in made.start_s]


def prices(bar: Bar | None) -> tuple[float, ...]:
    assert bar is not None
    return tuple(bar[1:5])


# -- sizes and names -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("5minute", Interval.MINUTE_5),
        ("5m", Interval.MINUTE_5),
        ("300s", Interval.MINUTE_5),
        ("1d", Interval.DAY),
        ("60m", Interval.MINUTE_60),
        ("1s", BarSize(1)),
        ("2m", BarSize(120)),
        ("4h", BarSize(14_400)),
        (" 233T ", BarSize(233, Unit.TICKS)),
        ("50000v", BarSize(50_000, Unit.VOLUME)),
    ],
)
def test_a_name_is_kites_interval_or_a_size_of_its_own(text: str, period: Period) -> None:
    assert period_of(text) == period
    assert period_of(period.value) == period


@pytest.mark.parametrize("text", ["", "s", "0s", "-5m", "1.5m", "5", "m5", "2d", "٣s", "5x", "minutes"])
def test_what_names_no_bar_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match=r"one bar|names no bar"):
        period_of(text)


def test_labels_say_lengths_in_the_largest_whole_unit() -> None:
    sizes = [BarSize(15), BarSize(90), BarSize(120), BarSize(7200), BarSize(233, Unit.TICKS)]
    assert [size.label for size in sizes] == ["15s", "90s", "2m", "2h", "233 ticks"]
    assert BarSize(50_000, Unit.VOLUME).label == "50,000 vol"


def test_history_comes_from_the_longest_candles_that_fit() -> None:
    asked = [Interval.DAY, BarSize(120), BarSize(600), BarSize(90), BarSize(5), BarSize(233, Unit.TICKS)]
    assert [history_of(period) for period in asked] == [
        *(Interval.DAY, Interval.MINUTE, Interval.MINUTE_5),
        *(None, None, None),
    ]


# -- where bars begin and end ----------------------------------------------------------------------------------


@given(st.integers(1, DAY_S), st.integers(1_500_000_000, 1_900_000_000), st.sampled_from([32_400, 33_300]))
def test_bars_of_any_length_hold_every_second_once(length: int, now: int, open_s: int) -> None:
    grid = Grid(BarSize(length), open_s)
    bounds = grid.bounds(now)
    assert bounds is not None
    start, end = bounds
    assert start <= now < end <= start + length
    assert grid.bounds(start) == grid.bounds(end - 1) == bounds
    before = grid.bounds(start - 1)
    assert before is not None and before[1] == start


def test_every_days_bars_of_seven_minutes_begin_at_the_open() -> None:
    for day in ("2026-11-23", "2026-11-24", "2026-11-25"):
        bounds = Grid(BarSize(420)).bounds(at("09:16:00", day))
        assert bounds == (at("09:15:00", day), at("09:22:00", day))


def test_a_share_with_derivatives_trades_until_its_closing_auction_is_matched() -> None:
    hours = Hours("NSE", has_derivatives=True)
    assert hours.of(day_of(at("12:00:00"))) == ((at("09:15:00"), at("15:35:00")),)
    made = fed(
        Interval.MINUTE_5,
        *(("09:07:40", 99, 500), ("09:15:01", 100, 510), ("15:14:59", 101, 900)),
        *(("15:31:00", 103, 5_000), ("15:45:00", 103, 5_100)),
        hours=hours,
    )
    assert spans(made) == ["09:15:00", "15:10:00", "15:30:00"]
    assert made.volume.tolist() == [10, 390, 4_100]
    assert made.closed_count == 3


def test_a_future_trades_ten_minutes_longer_than_a_share_without_derivatives() -> None:
    late = ("15:35:00", 100.0, None)
    assert spans(fed(Interval.MINUTE, late, hours=Hours("NFO"))) == ["15:35:00"]
    assert spans(fed(Interval.MINUTE, late, hours=Hours("NSE"))) == []


def test_the_last_bar_of_a_session_ends_with_it() -> None:
    made = fed(Interval.MINUTE_60, ("15:20:00", 100, 10), hours=Hours("NSE"))
    assert made.advance(at("15:29:59")) is None
    closed = made.advance(at("15:30:00"))
    assert closed is not None and ist(closed.start_s) == "15:15:00"


def test_a_special_session_in_two_parts_counts_from_each_open() -> None:
    day = "2024-03-02"
    hours, made = Hours("NSE"), BarSeries(Interval.MINUTE_60, hours=Hours("NSE"))
    assert hours.of(day_of(at("12:00:00", day))) == (
        (at("09:15:00", day), at("10:00:00", day)),
        (at("11:30:00", day), at("12:30:00", day)),
    )
    for time in ("09:20:00", "09:59:59", "10:30:00", "11:31:00"):
        made.add_price(at(time, day), 100, None)
    assert spans(made) == ["09:15:00", "11:30:00"]


def test_muhurat_trading_is_counted_from_its_own_open() -> None:
    day = "2024-11-01"
    made = BarSeries(Interval.MINUTE_60, hours=Hours("NSE"))
    made.add_price(at("18:20:00", day), 100, None)
    assert spans(made) == ["18:00:00"]


def test_a_price_on_a_holiday_makes_no_bar() -> None:
    saturday = at("11:00:00", "2026-11-28")
    for period in (Interval.MINUTE, Interval.DAY, BarSize(1), BarSize(5, Unit.TICKS)):
        made = BarSeries(period, hours=Hours("NSE"))
        made.add_price(saturday, 100, None)
        assert len(made) == 0


def test_a_price_before_the_open_is_in_the_days_bar_alone() -> None:
    preopen = ("09:07:40", 100.0, 500)
    assert len(fed(BarSize(1), preopen, hours=Hours("NSE"))) == 0
    assert fed(Interval.DAY, preopen, hours=Hours("NSE")).volume.tolist() == [500]


Periods = st.one_of(st.sampled_from(Interval), st.integers(1, 9_000).map(BarSize))
Venues = st.sampled_from([None, ("NSE", False), ("NSE", True), ("NFO", False), ("MCX", False), ("CDS", False)])
Moves = st.lists(st.tuples(st.integers(0, 20_000), st.integers(90, 110), st.integers(0, 500)), min_size=1, max_size=80)


@given(Periods, Venues, Moves)
def test_over_nights_holidays_and_sessions_bars_are_a_plain_grouping_of_ticks(
    period: Period, venue: tuple[str, bool] | None, moves: list[tuple[int, int, int]]
) -> None:
    hours = Hours(venue[0], has_derivatives=venue[1]) if venue else None
    made, grid = BarSeries(period, hours=hours), Grid(period, hours=hours)
    groups: dict[tuple[int, int], list[int]] = {}
    now = at("08:30:00", "2026-11-20")
    for seconds, price, _ in moves:
        now += seconds
        made.add_price(now, price, None)
        bounds = grid.bounds(now)
        if bounds is not None:
            groups.setdefault(bounds, []).append(price)
    last = made.last()
    rows = [*made.closed(), *([last] if last and not last.closed else [])]
    assert [row[:5] for row in rows] == [
        (start, told[0], max(told), min(told), told[-1]) for (start, _), told in groups.items()
    ]


@given(st.integers(1, 9_000), Moves)
def test_no_trade_is_lost_between_sessions_bars_and_what_lies_outside_them(
    length: int, moves: list[tuple[int, int, int]]
) -> None:
    """What was traded is in the bar of the tick that told it, and nowhere when that came outside a session."""
    hours = Hours("NSE")
    made, grid = BarSeries(BarSize(length), hours=hours), Grid(BarSize(length), hours=hours)
    now, total, expected = at("09:00:00", "2026-11-20"), 0, 0
    made.add_price(now, 100, 0)
    for seconds, price, traded in moves:
        before, now = now, now + seconds
        total = traded if day_of(now) != day_of(before) else total + traded
        made.add_price(now, price, total)
        expected += traded if grid.bounds(now) else 0
    assert made.volume.sum() == expected


# -- bars of seconds, ticks and volume -------------------------------------------------------------------------


def test_bars_of_one_second() -> None:
    made = fed(BarSize(1), ("10:00:00", 100, 10), ("10:00:00", 102, 12), ("10:00:01", 101, 15), ("10:00:04", 99, 15))
    assert spans(made) == ["10:00:00", "10:00:01", "10:00:04"]
    assert made.volume.tolist() == [2, 3, 0]


def test_a_bar_of_ticks_closes_with_the_tick_that_fills_it() -> None:
    made = BarSeries(BarSize(3, Unit.TICKS))
    closed = [made.add_price(at("10:00:00") + k, 100 + k, None) for k in range(7)]
    assert [prices(bar) for bar in closed if bar] == [(100, 102, 100, 102), (103, 105, 103, 105)]
    assert (len(made), made.closed_count) == (3, 2)


def test_a_quote_without_a_trade_is_not_counted_as_a_tick() -> None:
    made = BarSeries(BarSize(2, Unit.TICKS))
    for total in (100, 101, 101, 101, 102, 103):
        made.add_price(at("10:00:00"), 100, total)
    assert made.volume.tolist() == [2, 1]


def test_a_bar_of_volume_closes_when_enough_was_traded_and_no_trade_is_split() -> None:
    made = BarSeries(BarSize(100, Unit.VOLUME))
    closed = [made.add_price(at("10:00:00") + k, 50 + k, total) for k, total in enumerate((0, 60, 130, 150, 500, 510))]
    assert [bar.volume for bar in closed if bar] == [130, 370]
    assert made.volume.tolist() == [130, 370, 10]


def test_an_index_has_no_bars_of_volume() -> None:
    assert len(fed(BarSize(100, Unit.VOLUME), ("10:00:00", 100, None), ("10:00:01", 101, None))) == 0


def test_a_bar_of_ticks_does_not_go_on_after_its_session() -> None:
    made = BarSeries(BarSize(3, Unit.TICKS), hours=Hours("NSE"))
    made.add_price(at("15:29:59"), 100, None)
    assert made.advance(at("15:30:00")) is not None
    made.add_price(at("09:15:00", "2026-11-25"), 101, None)
    assert made.closed_count == 1 and len(made) == 2


def test_a_bar_of_volume_that_a_new_day_fills_at_once_closes_after_the_one_it_ends() -> None:
    made = BarSeries(BarSize(100, Unit.VOLUME))
    made.add_price(at("15:00:00"), 100, 10)
    made.add_price(at("15:00:01"), 100, 20)
    first = made.add_price(at("09:15:00", "2026-11-24"), 101, 500)
    second = made.add_price(at("09:15:01", "2026-11-24"), 102, 510)
    assert first is not None and second is not None
    assert [first.volume, second.volume] == [10, 500]
    assert made.volume.tolist() == [10, 500, 10]


@given(st.lists(st.integers(0, 500), min_size=1, max_size=60), st.integers(1, 900))
def test_bars_of_volume_hold_all_that_was_traded_and_only_the_last_is_short(trades: list[int], size: int) -> None:
    made, total = BarSeries(BarSize(size, Unit.VOLUME)), 0
    made.add_price(at("10:00:00"), 100, 0)
    for k, traded in enumerate(trades):
        total += traded
        made.add_price(at("10:00:00") + k, 100, total)
    assert made.volume.sum() == total
    assert all(volume >= size for volume in made.volume[: made.closed_count])
    assert all(volume < size for volume in made.volume[made.closed_count :])


def test_starts_of_bars_of_ticks_never_fall() -> None:
    made = fed(BarSize(1, Unit.TICKS), ("10:00:05", 100, None), ("10:00:03", 101, None), ("10:00:06", 102, None))
    assert spans(made) == ["10:00:05", "10:00:05", "10:00:06"]
    assert made.close.tolist() == [100, 101, 102]


def test_history_cannot_be_merged_with_bars_of_ticks() -> None:
    made = fed(BarSize(3, Unit.TICKS), ("10:00:00", 100, None))
    with pytest.raises(ValueError, match="no history"):
        made.backfill([Bar(at("09:00:00"), 1, 1, 1, 1, 1)])


# -- order, totals and extremes --------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(0, 59), st.integers(90, 110)), min_size=1, max_size=25), st.randoms())
def test_ticks_of_the_forming_bar_may_come_in_any_order(moves: list[tuple[int, int]], random: Any) -> None:
    moves = list({second: (second, price) for second, price in moves}.values())
    shuffled = random.sample(moves, len(moves))
    made = BarSeries(Interval.MINUTE)
    for second, price in shuffled:
        made.add_price(at("10:00:00") + second, price, None)
    told = [price for _, price in sorted(moves)]
    assert prices(made.last()) == (told[0], max(told), min(told), told[-1])


def test_a_trade_that_comes_after_its_bar_closed_leaves_a_gap_for_history_to_fill() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 10), ("10:01:01", 101, 20), ("10:00:59", 150, 19))
    assert (made.late, made.gaps) == (1, (Gap(at("10:00:00"), at("10:01:00")),))
    assert made.gap_rows() == [(0, 1)]
    made.backfill([Bar(at("10:00:00"), 100, 150, 100, 150, 19)])
    assert made.gaps == () and made.high.tolist() == [150, 101]


def test_a_repeated_quote_of_an_old_trade_is_not_late() -> None:
    made = BarSeries(Interval.MINUTE)
    traded = Tick(1, Mode.FULL, 100, volume_traded=10, last_trade_epoch_s=at("10:00:00"))
    made.add(traded)
    made.advance(at("10:01:00"))
    made.add(traded)
    assert (made.late, made.gaps) == (0, ())


def test_a_tick_without_a_time_is_placed_before_its_receipt_by_the_lag() -> None:
    made = BarSeries(Interval.MINUTE, lag_s=0.5)
    made.add(Tick(1, Mode.LTP, 100, received_ns=int((at("10:01:00") + 0.25) * 1e9)))
    assert spans(made) == ["10:00:00"]


def quote(time: str, price: float, day: Ohlc, total: int = 0) -> Tick:
    return Tick(1, Mode.FULL, price, ohlc=day, volume_traded=total, last_trade_epoch_s=at(time))


def test_a_new_high_of_the_day_between_two_ticks_is_in_their_bar() -> None:
    made = BarSeries(Interval.MINUTE)
    made.add(quote("10:00:01", 100, Ohlc(95, 101, 90, 94)))
    made.add(quote("10:00:02", 100, Ohlc(95, 107, 88, 94)))
    assert prices(made.last()) == (100, 107, 88, 100)


def test_a_new_high_of_the_day_that_may_be_the_bar_befores_is_in_neither() -> None:
    made = BarSeries(Interval.MINUTE)
    made.add(quote("10:00:58", 100, Ohlc(95, 101, 90, 94)))
    made.add(quote("10:01:02", 100, Ohlc(95, 107, 90, 94)))
    assert made.high.tolist() == [100, 100]


def test_the_days_bar_is_what_the_exchange_says_of_the_day() -> None:
    made = BarSeries(Interval.DAY)
    made.add(quote("14:00:00", 100, Ohlc(95, 120, 80, 94), 7_000))
    made.add(quote("14:00:01", 101, Ohlc(95, 121, 80, 94), 7_050))
    version = made.version
    made.add(quote("14:00:02", 101, Ohlc(95, 121, 80, 94), 7_050))
    assert made.version == version
    assert prices(made.last()) == (95, 121, 80, 101)
    assert made.volume.tolist() == [7_050]
    assert made.gaps == ()


def test_the_days_bar_counts_the_wires_wraps_that_history_knows_of() -> None:
    made = BarSeries(Interval.DAY)
    made.add(quote("14:00:00", 100, Ohlc(95, 120, 80, 94), 1_000))
    made.backfill([Bar(at("00:00:00"), 95, 120, 80, 100, WRAP + 990, closed=False)])
    made.add(quote("14:00:01", 100, Ohlc(95, 120, 80, 94), 1_010))
    assert made.volume.tolist() == [WRAP + 1_010]


@given(st.lists(st.integers(0, WRAP // 2 - 1), min_size=1, max_size=30))
def test_the_days_total_goes_on_through_any_number_of_wraps(trades: list[int]) -> None:
    meter, total = DayVolume(), 0
    meter.since_last(at("10:00:00"), 0)
    for k, traded in enumerate(trades):
        total += traded
        assert meter.since_last(at("10:00:01") + k, total % WRAP) == traded
        assert meter.day_total == total


@pytest.mark.parametrize(
    ("totals", "traded"),
    [
        ([1_000, 1_100, 1_090, 1_110], 110),  # an older packet, later in the second that its exchange gave it
        ([1_000, 1_100, 1_090, 1_095, 1_099, 1_110], 110),
        ([1_000_000, 1_000_010, 0, 1_000_020], 20),  # a packet without a count among those that have one
        ([1_000_000, 1_000_010, 0, 0, 5_000_000], 4_000_000),
        ([90_000, 10, 16, 90_500], 90_490),  # begun anew in earnest
        ([WRAP - 5, 5, WRAP - 3, 9], 14),  # an older one of before the wrap
        ([WRAP - 5, 5, 9, 2, 12], 17),
    ],
)
def test_an_older_or_missing_total_adds_no_volume_that_was_not_traded(totals: list[int], traded: int) -> None:
    made = BarSeries(Interval.MINUTE)
    for second, total in enumerate(totals):
        made.add_price(at("10:00:00") + second, 100, total)
    assert made.volume.tolist() == [traded]


@given(st.lists(st.tuples(st.integers(1, 1 << 28), st.integers(0, 3)), min_size=2, max_size=40))
def test_totals_that_come_a_little_out_of_order_add_up_to_the_day(steps: list[tuple[int, int]]) -> None:
    day, totals, told = DayVolume(), [1 << 30], 0
    for traded, _ in steps:
        totals.append(totals[-1] + traded)
    for second, (_, back) in enumerate(steps):
        told += day.since_last(at("10:00:00") + second, totals[max(0, second - back)] % WRAP)
    latest = max(max(0, second - back) for second, (_, back) in enumerate(steps))
    assert told == totals[latest] - totals[0]


def test_a_new_day_counts_no_wrap_of_the_day_before() -> None:
    meter = DayVolume()
    for now, total in ((at("10:00:00"), WRAP - 5), (at("10:00:01"), 5)):
        meter.since_last(now, total)
    assert meter.day_total == WRAP + 5
    assert meter.since_last(at("09:15:00", "2026-11-24"), 40) == meter.day_total == 40


def test_history_of_billions_is_not_taken_for_a_wrap_before_a_total_came() -> None:
    made = BarSeries(Interval.DAY)
    made.backfill([Bar(at("00:00:00"), 95, 120, 80, 100, 3_000_000_000, closed=False)])
    made.add_price(at("14:00:00"), 101, None)
    made.add_price(at("14:00:01"), 102, 3_000_000_100)
    assert made.volume.tolist() == [3_000_000_100]


def test_a_packet_that_tells_of_no_trade_leaves_nothing_to_draw() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 10), ("10:00:05", 101, 20))
    version = made.version
    made.add_price(at("10:00:09"), 101, 20)
    assert made.version == version
    made.add_price(at("10:00:09"), 101, 21)
    assert made.version > version


def test_a_time_of_the_far_future_does_not_make_the_present_late() -> None:
    made, now = BarSeries(Interval.MINUTE), at("10:00:00")
    for told in (now, (1 << 32) - 1, now + 60):
        made.add(Tick(1, Mode.FULL, 100, received_ns=(now + 61) * 10**9, last_trade_epoch_s=told))
    assert spans(made) == ["10:00:00", "10:01:00"]
    assert made.late == 0


def test_bars_of_ticks_that_were_kept_go_on_with_their_session() -> None:
    made = BarSeries(BarSize(2, Unit.TICKS), hours=Hours("NSE"))
    made.load(Table.of([Bar(at("10:00:00"), 1, 2, 1, 2, 9), Bar(at("10:00:07"), 2, 3, 1, 3, 8)]))
    for second in range(3):
        made.add_price(at("10:00:09") + second, 5, None)
    assert (spans(made)[2:], made.closed_count, made.late) == (["10:00:09", "10:00:11"], 3, 0)


# -- gaps and history ------------------------------------------------------------------------------------------


def test_a_bar_that_was_joined_midway_is_marked_until_history_comes() -> None:
    made = fed(Interval.MINUTE, ("10:00:20", 100, 10), ("10:00:25", 101, 11))
    assert made.gaps == (Gap(at("10:00:00"), at("10:00:20")),)
    made.backfill([Bar(at("10:00:00"), 99, 102, 98, 101, 30, closed=False)])
    assert made.gaps == ()


def test_what_a_lost_link_may_have_missed_is_marked_until_history_covers_it() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 10), ("10:01:10", 101, 20))
    made.lost(at("10:01:30"))
    assert math.isinf(made.gaps[0].end_s)
    assert made.gap_rows() == [(1, 2)]
    made.add_price(at("10:04:05"), 103, 90)
    assert made.gaps == (Gap(at("10:01:30"), at("10:04:05")),)
    assert made.gap_rows() == [(1, 3)]
    made.backfill([Bar(at("10:01:00"), 101, 101, 101, 101, 30), Bar(at("10:02:00"), 102, 102, 102, 102, 40)])
    assert made.gaps == (Gap(at("10:03:00"), at("10:04:05")),)
    made.backfill([Bar(at("10:01:00"), 101, 101, 101, 101, 30)], until_s=at("10:05:00"))
    assert made.gaps == ()


def test_a_first_tick_that_repeats_a_trade_of_history_is_the_baseline_and_no_gap() -> None:
    made = BarSeries(Interval.MINUTE)
    made.backfill([Bar(at("10:00:00"), 99, 102, 98, 101, 30)])
    made.add_price(at("10:00:50"), 101, 1_000)
    assert (made.late, made.gaps) == (0, ())
    made.add_price(at("10:05:00"), 102, 1_007)
    assert made.volume.tolist() == [30, 7]


def test_a_lost_link_during_which_nothing_traded_leaves_no_gap() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 10), ("10:01:00", 101, 20))
    made.lost(at("10:01:30"))
    made.add_price(at("10:01:00"), 101, 20)
    assert made.gaps == ()


def test_a_quote_that_shows_the_same_total_proves_that_nothing_was_missed() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 10), ("10:01:00", 101, 20))
    made.lost(at("10:01:30"))
    made.add_price(at("10:03:00"), 101, 20)
    assert made.gaps == ()


def test_a_gap_between_two_bars_marks_neither() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 10), ("10:05:00", 101, 20))
    made.lost(at("10:05:00"))
    made.backfill([Bar(at("10:05:00"), 101, 101, 101, 101, 10)], until_s=at("10:07:00"))
    made.lost(at("10:07:00"))
    made.add_price(at("10:09:00"), 102, 30)
    assert made.gaps == (Gap(at("10:07:00"), at("10:09:00")),)
    assert made.gap_rows() == []


def test_what_a_bar_carried_is_forgotten_when_history_begins_the_next() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 1_000), ("10:05:00", 101, 5_000))
    made.backfill([Bar(at("10:06:00"), 100, 102, 99, 101, 80, closed=False)])
    made.add_price(at("10:06:10"), 101, 5_006)
    made.backfill([Bar(at("10:06:00"), 100, 102, 99, 101, 85, closed=False)])
    assert made.volume.tolist() == [0, 4_000, 86]


def test_history_read_while_the_link_is_down_leaves_the_rest_of_the_gap_open() -> None:
    made = fed(Interval.MINUTE, ("10:00:00", 100, 10))
    made.lost(at("10:00:30"))
    made.backfill([Bar(at("10:00:00"), 100, 100, 100, 100, 9), Bar(at("10:01:00"), 1, 1, 1, 1, 1, closed=False)])
    assert made.gaps == (Gap(at("10:01:00"), math.inf),)


Moments = st.integers(0, 40)


@given(st.lists(st.tuples(st.sampled_from(["add", "cover"]), Moments, Moments), max_size=30))
def test_gaps_are_the_moments_noted_and_not_covered_since(steps: list[tuple[str, int, int]]) -> None:
    gaps, plain = Gaps(), set[int]()
    for what, a, b in steps:
        if what == "add":
            gaps.add(a, b)
            plain |= set(range(a, b))
        elif a < b:
            gaps.cover(a, b)
            plain -= set(range(a, b))
    found = list(gaps)
    assert {moment for gap in found for moment in range(int(gap.start_s), int(gap.end_s))} == plain
    assert all(one.end_s < other.start_s for one, other in pairwise(found))


Candle = st.tuples(st.integers(0, 60), st.integers(1, 9)).map(
    lambda pair: Bar(at("10:00:00") + 60 * pair[0], pair[1], pair[1] + 2, pair[1] - 1, pair[1] + 1, pair[1] * 10)
)


class Plain:
    """A dict of bars by start, and what may still change: the plainest series there can be."""

    def __init__(self) -> None:
        self.bars: dict[int, Bar] = {}
        self.floor = 0

    def add(self, now: int, price: float) -> None:
        start = now // 60 * 60
        if start >= self.floor:
            bar = self.bars.get(start, Bar(start, price, price, price, price, 0))
            self.bars[start] = bar._replace(high=max(bar.high, price), low=min(bar.low, price), close=price)
            self.floor = start

    def backfill(self, bars: list[Bar]) -> None:
        self.bars |= {bar.start_s: bar for bar in bars}
        newest = max((bar.start_s for bar in bars), default=-1)
        self.floor = newest + 60 if newest == max(self.bars, default=0) else self.floor


@given(st.lists(st.one_of(st.lists(Candle, max_size=8), st.integers(0, 3_700)), max_size=25))
def test_ticks_and_history_in_any_pieces_equal_a_plain_dict_of_bars(steps: list[list[Bar] | int]) -> None:
    made, plain = BarSeries(Interval.MINUTE), Plain()
    for step in steps:
        if isinstance(step, list):
            made.backfill(step)
            plain.backfill(step)
        else:
            made.add_price(at("10:00:00") + step, 5.0, None)
            plain.add(at("10:00:00") + step, 5.0)
        last = made.last()
        rows = [*made.closed(), *([last] if last and not last.closed else [])]
        assert [row[:6] for row in rows] == [plain.bars[start][:6] for start in sorted(plain.bars)]
        if rows:
            assert made.pyramid.extent(0, len(rows)) == (min(row.low for row in rows), max(row.high for row in rows))


def test_columns_are_merged_as_bars_are() -> None:
    bars = [Bar(at("10:00:00") + 60 * k, k + 1, k + 3, k, k + 2, k, k) for k in range(500)]
    made, other = BarSeries(Interval.MINUTE), BarSeries(Interval.MINUTE)
    made.backfill(bars)
    other.load(Table.of(bars[300:]))
    other.load(Table.of(bars[:301]))
    assert made.closed() == other.closed() == bars


def test_columns_whose_starts_do_not_rise_are_refused() -> None:
    table = Table.of([Bar(60, 1, 1, 1, 1, 1), Bar(120, 1, 1, 1, 1, 1)])
    with pytest.raises(ValueError, match="rise"):
        BarSeries(Interval.MINUTE).load(table._replace(start_s=table.start_s[::-1]))


def test_two_minutes_are_made_of_minutes_and_the_last_waits_for_its_other_half() -> None:
    minutes = [Bar(at("09:15:00") + 60 * k, 10 + k, 12 + k, 9 + k, 11 + k, 5, k) for k in range(5)]
    made = combined(minutes, Interval.MINUTE, BarSize(120))
    assert [(ist(bar.start_s), *bar[1:6], bar.oi, bar.closed) for bar in made] == [
        ("09:15:00", 10, 13, 9, 12, 10, 1, True),
        ("09:17:00", 12, 15, 11, 14, 10, 3, True),
        ("09:19:00", 14, 16, 13, 15, 5, 4, False),
    ]
    assert combined([], Interval.MINUTE, BarSize(120)) == []
