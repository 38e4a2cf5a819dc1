"""The pyramid equals a plain count over all rows, after any changes; its work and its bytes are counted."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain.bars import BarSeries, Table
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.pyramid import TOP_ROWS, Columns, Pyramid, Window

NAMES = ("open", "high", "low", "close", "volume")


def append(columns: Columns, o: float, h: float, low: float, c: float, volume: int) -> None:
    row = columns.rows
    columns.make_room(row + 1)
    columns.start_s[row] = 60 * row
    columns.rows = row + 1
    put(columns, row, o, h, low, c, volume)


def put(columns: Columns, row: int, o: float, h: float, low: float, c: float, volume: int) -> None:
    columns.open[row], columns.high[row], columns.low[row], columns.close[row] = o, h, low, c
    columns.volume[row] = volume
    columns.touch(row)


def filled(count: int, seed: int = 1) -> Columns:
    """Rows of a random walk."""
    columns, random = Columns(), np.random.default_rng(seed)
    columns.make_room(count)
    walk = 20_000 + random.normal(0, 5, count).cumsum()
    columns.start_s[:count] = np.arange(count) * 60
    columns.open[:count], columns.close[:count] = walk, walk + random.normal(0, 3, count)
    columns.high[:count] = np.maximum(columns.open[:count], columns.close[:count]) + random.random(count)
    columns.low[:count] = np.minimum(columns.open[:count], columns.close[:count]) - random.random(count)
    columns.volume[:count] = random.integers(0, 5_000, count)
    columns.rows = count
    columns.touch(0)
    return columns


def by_hand(columns: Columns, window: Window) -> Window:
    """The same bars, each counted from its rows."""
    rows = []
    for k in range(len(window.open)):
        first = window.start_row + k * window.factor
        last = min(first + window.factor, columns.rows)
        part = slice(first, last)
        high, low = columns.high[part].max(), columns.low[part].min()
        rows.append((columns.open[first], high, low, columns.close[last - 1], columns.volume[part].sum()))
    return Window(window.factor, window.start_row, *(np.array(column) for column in zip(*rows, strict=True)))


def check(columns: Columns, pyramid: Pyramid, first: int, last: int, max_bars: int) -> None:
    """Everything that can be asked of these rows is what a plain count says."""
    seen = pyramid.window(first, last, max_bars)
    first, last = max(0, first), min(last, columns.rows)
    if first >= last:
        assert len(seen.open) == 0 and pyramid.extent(first, last) is None
        return
    for name, ours, plain in zip(NAMES, seen[2:], by_hand(columns, seen)[2:], strict=True):
        assert ours.tolist() == plain.tolist(), name
    assert len(seen.open) <= max(1, max_bars)
    assert seen.start_row <= first and seen.start_row + seen.factor * len(seen.open) >= last
    assert seen.factor == 1 or math.ceil(last / (seen.factor // 2)) - first // (seen.factor // 2) > max_bars
    assert pyramid.extent(first, last) == (columns.low[first:last].min(), columns.high[first:last].max())


Bars = st.tuples(st.floats(1, 1e6), st.integers(0, 1 << 33)).map(lambda p: (p[0], p[0] + 2, p[0] - 2, p[0] + 1, p[1]))
Steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(1, 900), Bars),
        st.tuples(st.just("last"), st.just(1), Bars),
        st.tuples(st.just("older"), st.integers(0, 4_000), Bars),
        st.tuples(st.just("ask"), st.integers(0, 4_000), st.tuples(st.integers(0, 4_000), st.integers(1, 300))),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 3_000), Steps)
def test_after_any_changes_the_pyramid_says_what_a_plain_count_says(count: int, steps: list[Any]) -> None:
    columns = filled(count)
    pyramid = Pyramid(columns)
    for kind, number, values in steps:
        if kind == "append":
            for _ in range(number):
                append(columns, *values)
        elif kind == "ask":
            check(columns, pyramid, *sorted((number, values[0])), values[1])
        elif columns.rows:
            put(columns, columns.rows - 1 if kind == "last" else number % columns.rows, *values)
    check(columns, pyramid, 0, columns.rows, 10)
    check(columns, pyramid, columns.rows // 3, columns.rows, 700)


Pieces = st.lists(
    st.one_of(
        st.tuples(st.just("history"), st.integers(0, 6_000), st.integers(1, 1_500)),
        st.tuples(st.just("ticks"), st.integers(0, 9_000), st.integers(1, 60)),
        st.tuples(st.just("look"), st.integers(0, 6_000), st.integers(0, 6_000)),
    ),
    max_size=12,
)


@settings(deadline=None, max_examples=60)
@given(Pieces, st.integers(1, 700))
def test_ticks_and_pages_of_history_in_any_order_leave_the_pyramid_true(pieces: list[Any], width: int) -> None:
    made, prices = BarSeries(Interval.MINUTE), np.random.default_rng(len(pieces))
    for kind, start, count in pieces:
        if kind == "history":
            made.load(a_page(start, count, prices))
        elif kind == "ticks":
            for second in range(0, count * 20, 20):
                made.add_price(60 * start + second, float(prices.integers(1, 999)), second * start)
        else:
            check(made.columns, made.pyramid, *sorted((start, count)), width)
    check(made.columns, made.pyramid, 0, len(made), width)
    assert (np.diff(made.start_s) > 0).all()


def a_page(start: int, count: int, random: np.random.Generator) -> Table:
    """Minutes of any prices, every third of them without a trade."""
    minute = np.arange(start, start + count)
    minute = minute[minute % 3 != 0] if count > 1 else minute
    low, volume = random.integers(1, 999, minute.size), random.integers(0, 999, minute.size)
    price = low.astype(np.float64)
    return Table(60 * minute, price + 1, price + 9, price, price + 2, volume, volume)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 511, 512, 513, 1023, 1024, 1025, 2047, 2049, 4097])
@pytest.mark.parametrize("max_bars", [1, 2, 7, 512, 5_000])
def test_every_length_and_width_is_covered(count: int, max_bars: int) -> None:
    columns = filled(count)
    pyramid = Pyramid(columns)
    for first, last in ((0, count), (1, count), (0, count - 1), (count // 2, count), (-9, count + 9), (5, 5), (7, 3)):
        check(columns, pyramid, first, last, max_bars)


def test_a_series_that_grows_row_by_row_is_right_at_every_step() -> None:
    columns = Columns()
    pyramid = Pyramid(columns)
    for row in range(3 * TOP_ROWS):
        append(columns, row % 37, row % 37 + 1, row % 41 - 40, row % 37, row)
        if row % 7 == 0:
            check(columns, pyramid, row // 5, row + 1, 90)


def test_a_series_that_is_never_drawn_has_no_levels() -> None:
    assert Pyramid(filled(100_000)).nbytes == 0


def test_rows_that_went_away_are_forgotten() -> None:
    columns = filled(5_000)
    pyramid = Pyramid(columns)
    pyramid.extent(0, 5_000)
    columns.rows = 700
    columns.touch(700)
    put(columns, 699, 1.0, 9e9, 0.5, 1.0, 5)
    check(columns, pyramid, 0, 700, 300)
    for _ in range(2_000):
        append(columns, 5.0, 6.0, 4.0, 5.0, 1)
    check(columns, pyramid, 0, 2_700, 300)


def test_an_update_of_the_last_row_joins_one_pair_a_level() -> None:
    columns = filled(1_000_000)
    pyramid = Pyramid(columns)
    pyramid.extent(0, 10)
    levels, before = math.ceil(math.log2(1_000_000 / TOP_ROWS)), pyramid.combined
    put(columns, 999_999, 1.0, 2.0, 0.5, 1.0, 1)
    pyramid.extent(0, 10)
    assert pyramid.combined - before == levels
    pyramid.extent(0, 10)
    pyramid.window(0, 1_000_000, 1_600)
    assert pyramid.combined - before == levels


def test_many_updates_between_two_looks_cost_what_one_does() -> None:
    columns = filled(100_000)
    pyramid = Pyramid(columns)
    pyramid.extent(0, 10)
    before = pyramid.combined
    for _ in range(500):
        put(columns, 99_999, 1.0, 2.0, 0.5, 1.0, 1)
    pyramid.extent(0, 10)
    assert pyramid.combined - before == math.ceil(math.log2(100_000 / TOP_ROWS))


@pytest.mark.parametrize("start", [0, 4_000, 60_000])
def test_appends_join_at_most_a_pair_each_and_a_pair_a_level_at_each_look(start: int) -> None:
    columns = filled(start)
    pyramid = Pyramid(columns)
    pyramid.extent(0, 10)
    before, looks = pyramid.combined, 0
    for number in range(6_000):
        append(columns, 5.0, 6.0, 4.0, 5.0, 1)
        if number % 10 == 9:
            pyramid.extent(0, 10)
            looks += 1
    levels = math.ceil(math.log2(max(columns.rows / TOP_ROWS, 2)))
    assert pyramid.combined - before <= 6_000 + 2 * looks * levels + columns.rows - start
