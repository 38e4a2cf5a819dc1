from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.bars import BarSeries, TickSeries
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.ui.chart.series import CandleSource, TickSource, Window, join_factor, visible

START = 1_795_405_500  # 23 Nov 2026 09:15 IST


def a_series(count: int, seed: int = 3) -> BarSeries:
    rng = np.random.default_rng(seed)
    series = BarSeries(Interval.MINUTE)
    price = 100 + np.cumsum(rng.normal(0, 1, count))
    series.backfill(
        [Bar(START + 60 * k, p, p + 1 + k % 3, p - 1 - k % 2, p + 0.5, 10 + k) for k, p in enumerate(price.tolist())]
    )
    return series


# --- joining


@given(st.integers(1, 700), st.sampled_from([1, 2, 4, 8, 16, 256]), st.integers(0, 700), st.integers(1, 700))
def test_joined_bars_lose_no_high_no_low_and_no_volume(count: int, factor: int, first: int, rows: int) -> None:
    series = a_series(count)
    drawn = CandleSource(series).candles(first, first + rows, factor)
    for k, x in enumerate(drawn.x.tolist()):
        part = slice(round(x - (factor - 1) / 2), round(x + (factor + 1) / 2))
        assert drawn.open[k] == series.open[part][0]
        assert drawn.high[k] == series.high[part].max()
        assert drawn.low[k] == series.low[part].min()
        assert drawn.close[k] == series.close[part][-1]
        assert drawn.volume[k] == series.volume[part].sum()


def test_bars_are_joined_only_when_they_have_too_few_pixels() -> None:
    assert join_factor(100, 1000) == 1
    assert join_factor(500, 1000) == 1
    assert join_factor(600, 1000) == 2
    assert join_factor(1_000_000, 1000) == 2048


def test_visible_rows_are_whole_groups_counted_from_row_zero() -> None:
    assert visible(10.2, 20.1, 0, 100) == (10, 22)
    assert visible(10.2, 20.1, 0, 100, 8) == (8, 32)
    assert visible(-50, 20, 0, 10) == (0, 10)
    assert visible(500, 600, 0, 10) == (10, 10)


def test_candles_of_a_wide_view_are_the_bars_themselves() -> None:
    series = a_series(50)
    drawn = CandleSource(series).candles(9.5, 19.5, 1)
    assert drawn.factor == 1
    assert drawn.x.tolist() == list(range(9, 21))
    assert drawn.high.tolist() == series.high[9:21].tolist()
    assert drawn.volume.tolist() == series.volume[9:21].tolist()


def test_panning_does_not_change_how_bars_are_joined() -> None:
    source = CandleSource(a_series(5_000))
    one = source.candles(1_000, 4_000, 16)
    other = source.candles(1_013, 4_013, 16)
    shared = np.isin(one.x, other.x)
    assert shared.sum() > 90
    assert set(one.high[shared]) <= set(other.high)


def test_the_forming_bar_moves_the_last_group_only() -> None:
    series = a_series(4_001)
    source = CandleSource(series)
    before = source.candles(0, 4_001, 32)
    now = START + 60 * 4_001
    series.add_price(now, 500.0, None)
    series.add_price(now + 1, 400.0, None)
    after = source.candles(0, 4_002, 32)
    assert after.high[-1] == 500.0
    assert after.close[-1] == 400.0
    assert after.high[: before.x.size - 1].tolist() == before.high[:-1].tolist()


def test_a_tick_joins_no_closed_bars_again() -> None:
    series = a_series(4_096)
    source = CandleSource(series)
    series.add_price(START + 60 * 4_096, 100.0, None)
    source.candles(0, 4_097, 32)
    before = series.pyramid.combined
    series.add_price(START + 60 * 4_096 + 1, 101.0, None)
    source.candles(0, 4_097, 32)
    assert series.pyramid.combined - before <= 2 * 12


def test_history_that_comes_later_is_joined_in() -> None:
    series = BarSeries(Interval.MINUTE)
    source = CandleSource(series)
    series.backfill(a_series(2_000).closed(1_000))
    source.candles(0, 1_000, 32)
    series.backfill(a_series(2_000).closed())
    drawn = source.candles(0, 2_000, 64)
    assert drawn.low.min() == series.low.min()
    assert drawn.volume.sum() == series.volume.sum()


def test_price_extremes_are_those_of_what_is_visible() -> None:
    series = a_series(100)
    found = CandleSource(series).extremes(39.6, 49.4, 1)
    assert found == (series.low[39:51].min(), series.high[39:51].max(), series.volume[39:51].max())
    assert CandleSource(BarSeries(Interval.MINUTE)).extremes(0, 10, 1) is None


def test_a_time_finds_its_bar() -> None:
    source = CandleSource(a_series(10))
    assert source.row_at(START + 125) == 2
    assert source.row_at(START - 1) is None
    assert source.row_at(START + 10_000) == 9


def test_extremes_follow_the_forming_bar_in_and_out_of_sight() -> None:
    series = a_series(500)
    source = CandleSource(series)
    series.add_price(START + 60 * 500, 100.0, None)
    for factor, x0, x1 in ((1, 400.0, 510.0), (8, 0.0, 510.0), (1, 100.0, 200.0), (64, 0.0, 505.0)):
        for price in (1_000.0 + x0, 1.0 / (1 + x1)):
            series.add_price(START + 60 * 500 + 1, price, None)
            drawn = source.candles(x0, x1, factor)
            found = source.extremes(x0, x1, factor)
            assert found == (drawn.low.min(), drawn.high.max(), drawn.volume.max())


# --- ticks


def test_tick_numbers_go_on_rising_when_the_ring_is_full() -> None:
    ring = TickSeries(capacity=10)
    source = TickSource(ring)
    for k in range(25):
        ring.add(START + k, 100.0 + k, None)
    assert (source.first, source.end) == (15, 25)
    line = source.line(14, 26, 1)
    assert line.x.tolist() == list(range(15, 25))
    assert line.y.tolist() == [115.0 + k for k in range(10)]
    assert source.row_at(START + 20.5) == 20
    assert source.times(20, 21).tolist() == [START + 20]


def test_a_dense_line_keeps_its_highs_and_lows() -> None:
    ring = TickSeries()
    rng = np.random.default_rng(5)
    for k, price in enumerate(rng.normal(100, 3, 5_000).tolist()):
        ring.add(START + k, price, None)
    line = TickSource(ring).line(0, 5_000, 32)
    assert line.x.size < 1_000
    assert (line.y.min(), line.y.max()) == (ring.price.min(), ring.price.max())
    assert np.all(np.diff(line.x) >= 0)


# --- the window over the bars


def test_following_keeps_the_newest_bar_at_the_right_with_air() -> None:
    window = Window()
    window.place(1_000, 100)
    assert window.x1 > 999.5
    assert window.bars == pytest.approx(100)


def test_panning_back_ends_following_and_panning_forth_resumes_it() -> None:
    window = Window()
    window.place(1_000, 100)
    window.pan(-30, 0, 1_000)
    assert not window.follows
    window.pan(30, 0, 1_000)
    assert window.follows


@given(st.floats(-1e6, 1e6), st.integers(1, 5_000), st.floats(8, 3_000))
def test_no_pan_loses_all_bars_out_of_sight(bars: float, end: int, width: float) -> None:
    window = Window()
    window.place(end, width)
    window.pan(bars, 0, end)
    assert window.x0 < end - 0.5
    assert window.x1 > 0


@given(st.floats(0.2, 5), st.floats(0.1, 0.9))
def test_zooming_keeps_the_bar_under_the_cursor_in_its_place(factor: float, share: float) -> None:
    window = Window(400.0, 600.0, follows=False)
    anchor = 400 + share * 200
    window.zoom(factor, anchor, 0, 1_000)
    assert (anchor - window.x0) / window.bars == pytest.approx(share)


def test_zooming_while_following_keeps_the_newest_bar_near_the_edge() -> None:
    window = Window()
    window.fit(0, 100_000)
    window.zoom_following(0.001, 0, 100_000)
    assert window.follows
    assert window.x1 - 99_999.5 == pytest.approx(window.bars * Window.MARGIN)


def test_zooming_in_stops_at_a_handful_of_bars() -> None:
    window = Window(400.0, 600.0)
    for _ in range(100):
        window.zoom(0.5, 500, 0, 1_000)
    assert window.bars == Window.FEWEST


def test_fit_shows_every_bar() -> None:
    window = Window()
    window.fit(0, 5_000)
    assert window.x0 <= -0.5
    assert window.x1 >= 4_999.5
