"""Bars: what a tick and a look at a million bars cost, against working it out from the rows with numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from alphapanda_desktop.domain.bars import BarSeries, Table
from alphapanda_desktop.domain.market import BarSize, Interval
from alphapanda_desktop.domain.pyramid import Window
from tests.benchmarks.race import Board, alternating

MILLION = 1_000_000
WIDTH = 1_600
"""Bars that a wide chart can show."""


def a_series(count: int, spare: int = 0) -> BarSeries:
    """Bars of one second, a random walk; the chart has looked at them."""
    random = np.random.default_rng(5)
    close = 20_000 + random.normal(0, 2, count).cumsum()
    start, opens = np.arange(count, dtype=np.int64), np.roll(close, 1)
    high, low = np.maximum(opens, close) + 1, np.minimum(opens, close) - 1
    made = BarSeries(BarSize(1))
    made.load(Table(start, opens, high, low, close, random.integers(0, 900, count), np.zeros(count, np.int64)))
    made.columns.make_room(count + spare)
    made.pyramid.window(0, count, WIDTH)
    return made


def joined(series: BarSeries, first: int, last: int, factor: int) -> list[np.ndarray]:
    """The same window from the rows themselves, as a chart without a pyramid makes it."""
    at = np.arange(0, last - first, factor)
    return [
        series.open[first:last][at],
        np.maximum.reduceat(series.high[first:last], at),
        np.minimum.reduceat(series.low[first:last], at),
        series.close[first:last][np.minimum(at + factor, last - first) - 1],
        np.add.reduceat(series.volume[first:last], at),
    ]


def same(window: Window, plain: list[np.ndarray]) -> bool:
    return all((ours == theirs).all() for ours, theirs in zip(window[2:], plain, strict=True))


@pytest.mark.parametrize(("visible", "target"), [(10_000, 1 / 4), (100_000, 1 / 8), (MILLION, 1 / 20)])
def test_looking_at_a_window(board: Board, visible: int, target: float) -> None:
    made = a_series(MILLION)
    first = MILLION - visible
    window = made.pyramid.window(first, MILLION, WIDTH)
    first = window.start_row
    assert same(window, joined(made, first, MILLION, window.factor))
    times = alternating(
        lambda: made.pyramid.window(first, MILLION, WIDTH), lambda: joined(made, first, MILLION, window.factor), 15, 5
    )
    board.race(f"look at {visible:,} of 1,000,000 bars, numpy, µs", *times, target)


def test_the_extremes_of_a_million_bars(board: Board) -> None:
    made = a_series(MILLION)
    first, last = 3, MILLION - 5

    def plain() -> tuple[float, float]:
        return float(made.low[first:last].min()), float(made.high[first:last].max())

    assert made.pyramid.extent(first, last) == plain()
    times = alternating(lambda: made.pyramid.extent(first, last), plain, 15, 20)
    board.race("extremes of 1,000,000 bars, numpy, µs", *times, 1 / 12)


def test_a_tick_and_a_look_at_a_million_bars(board: Board) -> None:
    """What a chart of all bars does for each frame that brought a tick."""
    made, rival = a_series(MILLION), a_series(MILLION)
    factor = made.pyramid.window(0, MILLION, WIDTH).factor
    ours, theirs = (_ticking(series) for series in (made, rival))

    def look() -> Window:
        ours()
        return made.pyramid.window(0, MILLION + 1, WIDTH)

    def plain() -> list[np.ndarray]:
        theirs()
        return joined(rival, 0, MILLION + 1, factor)

    assert same(look(), plain())
    board.race("a tick and a look at 1,000,001 bars, numpy, µs", *alternating(look, plain, 15, 5), 1 / 10)


def _ticking(series: BarSeries) -> Callable[[], object]:
    state = [0]

    def tick() -> object:
        state[0] += 1
        return series.add_price(MILLION, 100.0 + state[0] % 50, state[0])

    return tick


def test_a_tick_costs_the_same_in_a_long_series(board: Board) -> None:
    """The rival is ourselves with a thousand bars."""
    long, short = a_series(MILLION), a_series(1_000)
    ours = _ticking(long)
    state = [0]

    def theirs() -> object:
        state[0] += 1
        return short.add_price(1_000, 100.0 + state[0] % 50, state[0])

    board.race("a tick in 1,000,000 bars, the same in 1,000, µs", *alternating(ours, theirs, 25, 500), 1.3)


def test_a_day_of_ticks(board: Board) -> None:
    """23,000 ticks to bars of a minute, against appending each to a list and joining at the end with numpy."""
    random = np.random.default_rng(8)
    at = np.sort(random.uniform(0, 22_500, 23_000)) + 1_795_410_900
    price, total = 100 + random.normal(0, 0.1, at.size).cumsum(), random.integers(0, 50, at.size).cumsum()
    rows = list(zip(at.tolist(), price.tolist(), total.tolist(), strict=True))

    def ours() -> BarSeries:
        made = BarSeries(Interval.MINUTE)
        for row in rows:
            made.add_price(*row)
        return made

    def plain() -> np.ndarray:
        kept: list[tuple[float, float, int]] = []
        for row in rows:
            kept.append(row)
            if len(kept) % 100 == 0:
                bars = _recomputed(kept)
        bars = _recomputed(kept)
        return bars

    assert plain()[1].tolist() == ours().close.tolist()
    board.race("23,000 ticks to minutes, numpy each 100 ticks, µs", *alternating(ours, plain, 3), 1 / 3)


def _recomputed(rows: list[tuple[float, float, int]]) -> np.ndarray:
    table = np.array(rows)
    minute = table[:, 0].astype(np.int64) // 60
    ends = np.append(np.flatnonzero(np.diff(minute)), len(minute) - 1)
    starts = np.append(0, ends[:-1] + 1)
    return np.array([table[starts, 1], table[ends, 1], np.maximum.reduceat(table[:, 1], starts)])


def test_merging_history_into_a_long_series(board: Board) -> None:
    """A page of 60 candles at the end, against sorting all rows anew."""
    made = a_series(MILLION)
    page = made.closed(60)

    def plain() -> np.ndarray:
        start = np.concatenate((made.start_s, np.array([bar.start_s for bar in page])))
        order = np.argsort(start, kind="stable")
        kept = np.append(np.diff(start[order]) > 0, True)
        return np.array([np.concatenate((made.close, [bar.close for bar in page]))[order][kept]])

    made.backfill(page)
    assert plain()[0].tolist() == made.close.tolist()
    board.race(
        "60 candles of history into 1,000,000 bars, numpy, µs",
        *alternating(lambda: made.backfill(page), plain, 5, 2),
        1 / 10,
    )
