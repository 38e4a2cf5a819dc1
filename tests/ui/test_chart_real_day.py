"""A recorded day of NIFTY 50 on the chart: what is drawn is what was traded."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shiboken6
from numpy.typing import NDArray

from alphapanda_desktop.domain.bars import BarSeries, TickSeries
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.series import CandleSource, TickSource
from alphapanda_desktop.ui.theme import DARK
from tests.ui.fakes_market import NIFTY

Day = tuple[NDArray[np.float64], NDArray[np.float64]]


@pytest.fixture(scope="module")
def day(real_data: Path) -> Day:
    """Epoch seconds and prices of every tick."""
    with gzip.open(real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz", "rt", encoding="utf-8") as file:
        rows = [
            (datetime.fromisoformat(row["timestamp"]).replace(tzinfo=IST).timestamp(), float(row["ltp"]))
            for row in csv.DictReader(file)
        ]
    at_s, prices = np.array(sorted(rows)).T
    return at_s, prices


@pytest.fixture
def plot(qapp: Any) -> Iterator[Plot]:
    plot = Plot(lambda: DARK)
    plot.resize(1000, 600)
    plot.show()
    yield plot
    shiboken6.delete(plot)


def test_the_whole_day_in_minutes_keeps_its_high_and_low(day: Day, plot: Plot) -> None:
    series = BarSeries(Interval.MINUTE)
    for at_s, price in zip(*(column.tolist() for column in day), strict=True):
        series.add_price(at_s, price, None)
    plot.show_source(CandleSource(series), NIFTY, "1m")
    plot.fit()
    plot.grab()
    low, high = plot.prices.viewRange()[1]
    assert low < day[1].min()
    assert day[1].max() < high
    assert plot.candles is not None
    drawn = plot.candles.drawn(plot.prices)
    assert drawn.factor > 1 or drawn.x.size == len(series)
    assert (drawn.low.min(), drawn.high.max()) == (day[1].min(), day[1].max())
    assert len(series) > 300
    assert plot.price_axis.tag("last").text == f"{day[1][-1]:,.2f}"  # type: ignore[union-attr]  # shown above


def test_a_ring_of_ticks_that_overflows_draws_its_newest(day: Day, plot: Plot) -> None:
    ring = TickSeries()
    for at_s, price in zip(*(column.tolist() for column in day), strict=True):
        ring.add(at_s, price, None)
    source = TickSource(ring)
    plot.show_source(source, NIFTY, "Tick")
    plot.fit()
    plot.grab()
    assert source.first > 0
    assert source.end - source.first == len(ring)
    newest = day[1][-len(ring) :]
    low, high = plot.prices.viewRange()[1]
    assert low < newest.min()
    assert newest.max() < high
