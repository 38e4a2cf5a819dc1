"""The chart against finplot, VeighNa's and an empty pyqtgraph plot: CPU of a change and the paint that shows it.

Ours takes what a frame of the program takes: `refresh` after a tick, panes, scales, words and volume included.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
import shiboken6
from PySide6.QtCore import QPoint

from alphapanda_desktop.domain.bars import BarSeries, Table
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.series import CandleSource
from alphapanda_desktop.ui.theme import DARK
from tests.benchmarks.race import Board, Rival, figure, rounds
from tests.benchmarks.rivals_parts import SIZE, Painted, cpu_ms, random_walk
from tests.ui.fakes_market import INFY

MILLION = 1_000_000
ZOOMS = (100, 300, 1_500, 10_000, 100_000, MILLION)

Work = Callable[[int], object]


def a_series(rows: int) -> BarSeries:
    """The rivals' candles, the last of them forming."""
    walk = random_walk(rows)
    made = BarSeries(Interval.MINUTE)
    columns = (walk[name] for name in ("start_s", "open", "high", "low", "close", "volume"))
    made.load(Table(*columns, np.zeros(rows, np.int64)))
    made.add_price(float(made.start_s[-1]) + 61, float(made.close[-1]), 0)
    return made


@contextmanager
def a_plot(app: Any, series: BarSeries, visible: int) -> Iterator[tuple[Plot, Painted]]:
    """Our chart as big as the rivals', its newest `visible` bars seen."""
    plot = Plot(lambda: DARK)
    plot.resize(*SIZE)
    plot.show()
    plot.show_source(CandleSource(series), INFY, "1m")
    painted = Painted(app, plot.viewport())
    see(plot, visible)
    painted.await_one()
    try:
        yield plot, painted
    finally:
        shiboken6.delete(plot)


def see(plot: Plot, visible: int) -> None:
    """Show that many of the newest bars."""
    assert plot.source is not None
    plot.window_shown.place(plot.source.end, visible)
    plot.pan(0)


def ticking(plot: Plot, series: BarSeries) -> Work:
    """What a frame does that brought a tick: the rival's own last bar moves by as little."""
    at_s, price, volume = float(series.start_s[-1]), float(series.close[-1]), count(1)

    def tick(number: int) -> None:
        series.add_price(at_s + 5, price + (number % 5 + 1) * 0.05, next(volume))
        plot.refresh()

    return tick


def panning(plot: Plot, bars: float) -> Work:
    return lambda number: plot.pan(-bars if number % 2 == 0 else bars)


def zooming(plot: Plot) -> Work:
    middle = (plot.window_shown.x0 + plot.window_shown.x1) / 2
    return lambda number: plot.zoom(1.18 if number % 2 == 0 else 1 / 1.18, middle)


@figure("last-bar")
def test_the_last_bar_of_a_million(board: Board, qapp: Any) -> None:
    series = a_series(MILLION)
    with Rival("rivals_finplot.py", str(MILLION), "300") as rival, a_plot(qapp, series, 300) as (plot, painted):
        assert rival.ready["seen"] < 400
        work = ticking(plot, series)
        ours, theirs = raced(lambda: cpu_ms(work, painted, 40), lambda: rival.turn("last"))
    board.figure("last-bar", ours, theirs, "300 of them seen")


@figure("pan-300")
def test_a_pan_step_over_a_million(board: Board, qapp: Any) -> None:
    with Rival("rivals_finplot.py", str(MILLION), "300") as rival:
        assert rival.ready["seen"] < 400
        with a_plot(qapp, a_series(MILLION), 300) as (plot, painted):
            plot.pan(-5_000)
            work = panning(plot, 3)
            ours, theirs = raced(lambda: cpu_ms(work, painted, 40), lambda: rival.turn("pan"))
    board.figure("pan-300", ours, theirs)


@figure("repaint-100k")
def test_a_full_view_of_a_hundred_thousand(board: Board, qapp: Any) -> None:
    """Ours is painted from the series each time, although nothing changed and its sheet would do."""
    with Rival("rivals_veighna_chart.py", "100000", "100000") as rival:
        assert rival.ready["seen"] >= 100_000
        with a_plot(qapp, a_series(100_000), 100_000) as (plot, painted):
            ours, theirs = raced(lambda: cpu_ms(lambda _: plot.spoil(), painted, 20), lambda: rival.turn("repaint"), 7)
    board.figure("repaint-100k", ours, theirs)


@figure("zoom-any")
def test_panning_and_zooming_over_a_million_at_any_zoom(board: Board, qapp: Any) -> None:
    """The worst of all zooms and of both movements is the figure; the empty plot moves its x range and nothing else."""
    empty = pg.PlotWidget()
    empty.resize(*SIZE)
    empty.show()
    watched = Painted(qapp, empty.viewport())
    worst: tuple[float, str, list[float], list[float]] = (0.0, "", [], [])
    with a_plot(qapp, a_series(MILLION), 300) as (plot, painted):
        for visible in ZOOMS:
            see(plot, visible)
            plot.pan(-visible / 3)
            for name, work, theirs in (
                ("pan", panning(plot, visible / 150), a_pan_of(empty, visible)),
                ("zoom", zooming(plot), a_zoom_of(empty, visible)),
            ):
                times = raced(lambda w=work: cpu_ms(w, painted, 12), lambda w=theirs: cpu_ms(w, watched, 12), 9)
                ratio = float(np.median(times[0]) / np.median(times[1]))
                board.note(f"{name} frame, {visible:,} of 1,000,000 seen, ms CPU", float(np.median(times[0])))
                if ratio > worst[0]:
                    worst = (ratio, f"the worst of all: {name}, {visible:,} seen", *times)
    shiboken6.delete(empty)
    board.figure("zoom-any", worst[2], worst[3], worst[1])


def a_pan_of(empty: pg.PlotWidget, visible: int) -> Work:
    step = visible / 150
    return lambda number: empty.setXRange(number % 2 * step, number % 2 * step + visible, padding=0)


def a_zoom_of(empty: pg.PlotWidget, visible: int) -> Work:
    half = visible * 0.09
    return lambda number: empty.setXRange(-half * (number % 2), visible + half * (number % 2), padding=0)


def raced(ours: Callable[[], float], theirs: Callable[[], float], full: int = 15) -> tuple[list[float], list[float]]:
    """CPU milliseconds of both in turn; the first round warms up."""
    times: tuple[list[float], list[float]] = ([], [])
    for number in range(rounds(full) + 1):
        for work, noted in zip((ours, theirs), times, strict=True):
            took = work()
            if number:
                noted.append(took)
    return times


def test_a_crosshair_over_a_million(board: Board, qapp: Any) -> None:
    """A move of the mouse paints no data; a number without a rival."""
    with a_plot(qapp, a_series(MILLION), MILLION) as (plot, painted):
        plot.point_at(QPoint(900, 400))
        painted.await_one()  # the first move fills the sheet that the others are taken from
        made = plot.sheet.made
        took = [
            cpu_ms(lambda n: plot.point_at(QPoint(300 + 7 * (n % 90), 200 + n % 40)), painted, 40) for _ in range(7)
        ]
        assert plot.sheet.made == made
    board.note("crosshair move over 1,000,000 candles, ms CPU", float(np.median(took)))


@pytest.mark.parametrize("rows", [1_000, MILLION])
def test_a_tick_costs_the_same_however_long_the_series(board: Board, qapp: Any, rows: int) -> None:
    series = a_series(rows)
    with a_plot(qapp, series, 300) as (plot, painted):
        work = ticking(plot, series)
        took = [cpu_ms(work, painted, 40) for _ in range(9)]
        assert plot.sheet.patched > 100
    board.note(f"tick and its paint, {rows:,} candles, ms CPU", float(np.median(took)))
