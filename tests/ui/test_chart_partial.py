"""What partial repaints add up to is, pixel for pixel, what painting everything gives: over random ticks and views."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import shiboken6
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QPoint
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.domain.bars import BarSeries, Table, TickSeries
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.ui.chart.drawings import KINDS, Drawing, Kind, points_of
from alphapanda_desktop.ui.chart.heikin import HeikinSource
from alphapanda_desktop.ui.chart.items import Dress, Marker
from alphapanda_desktop.ui.chart.orderlines import OrderLine
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.renko import RenkoSource
from alphapanda_desktop.ui.chart.series import CandleSource, TickSource
from alphapanda_desktop.ui.chart.sheet import Sheet
from alphapanda_desktop.ui.chart.studies import a_study
from alphapanda_desktop.ui.theme import DARK
from tests.ui.fakes_market import INFY

START = 1_795_405_500  # 23 Nov 2026 09:15 IST


def a_series(count: int, seed: int) -> BarSeries:
    """Minutes of a random walk, side by side."""
    rng = np.random.default_rng(seed)
    close = 100 + rng.normal(0, 0.3, count).cumsum().clip(-60, None)
    opens = np.roll(close, 1)
    opens[0] = 100.0
    start = START - 60 * count + 60 * np.arange(count, dtype=np.int64)
    high, low = np.maximum(opens, close) + rng.random(count), np.minimum(opens, close) - rng.random(count)
    made = BarSeries(Interval.MINUTE)
    made.load(Table(start, opens, high, low, close, rng.integers(0, 900, count), np.zeros(count, np.int64)))
    return made


class Stand:
    """A shown plot over a series, and ticks for it."""

    def __init__(self, bars: int, seed: int) -> None:
        self.series = a_series(bars, seed)
        self.at_s, self.price, self.total = float(START), float(self.series.close[-1]), 0
        self.plot = Plot(lambda: DARK)
        self.plot.resize(640, 400)
        self.plot.show()
        self.plot.show_source(CandleSource(self.series), INFY, "1m")
        price = self.series.close.item(-3)
        self.plot.set_markers([Marker(START - 100.0, price, "BUY", ""), Marker(START + 10.0, price, "SELL", "")])
        self.plot.set_lines([OrderLine("order", "7", "price", price, "BUY", "BUY 10 LIMIT")])
        self.screen()

    def tick(self, move: float, volume: int, seconds: float) -> None:
        self.at_s += seconds
        self.price = max(1.0, self.price + move)
        self.total += volume
        self.series.add_price(self.at_s, round(self.price, 2), self.total)
        self.plot.refresh()

    def screen(self) -> QImage:
        """What is on the screen now, put together from all repaints so far."""
        QApplication.processEvents()
        shown = self.plot.screen().grabWindow(self.plot.winId())
        return shown.toImage().convertToFormat(QImage.Format.Format_RGB32)

    def whole(self) -> QImage:
        """The same painted anew, on a sheet of its own: the one with the parts goes on."""
        plot = self.plot
        kept, places = plot.sheet, plot._last_places
        plot.sheet = Sheet(plot._paint_sheet)
        image = plot.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        plot.sheet, plot._last_places = kept, places
        return image


def difference(one: QImage, other: QImage) -> str:
    """The rectangle in which two pictures differ, "" where nowhere."""
    pixels = [np.frombuffer(i.constBits(), np.uint32).reshape(i.height(), -1) for i in (one, other)]
    rows, columns = np.nonzero(pixels[0] != pixels[1])
    return f"x {columns.min()}-{columns.max()} y {rows.min()}-{rows.max()}" if rows.size else ""


def _bricks(series: BarSeries) -> RenkoSource:
    return RenkoSource(series, 0.05)


TICK = st.tuples(
    st.just("tick"), st.sampled_from([0.0, 0.05, -0.05, 0.35, -0.35, 2.5, -2.5]), st.integers(0, 400),
    st.sampled_from([0.2, 5.0, 20.0, 70.0]),
)  # fmt: skip
ACT = st.one_of(
    *[TICK] * 4,
    st.tuples(st.just("pan"), st.floats(-90, 90)),
    st.tuples(st.just("zoom"), st.sampled_from([0.3, 0.85, 1.0 / 0.85, 3.3]), st.floats(0, 1)),
    st.tuples(st.just("point"), st.integers(0, 639), st.integers(0, 399)),
    st.tuples(st.sampled_from(["nowhere", "fit", "follow", "auto"])),
    st.tuples(st.just("scale"), st.sampled_from(["linear", "log", "percent"])),
    st.tuples(st.just("stretch"), st.floats(-60, 60)),
    st.tuples(st.just("dress"), st.booleans()),
    st.tuples(st.just("badge"), st.sampled_from(["", "STALE 44 s"])),
    st.tuples(st.just("resize"), st.sampled_from([480, 577, 640])),
    st.tuples(st.just("ghost"), st.sampled_from([None, 99.0, 101.5])),
    st.tuples(st.just("history"), st.integers(1, 40)),
    st.tuples(st.just("draw"), st.sampled_from(KINDS), st.sampled_from([98.0, 100.0, 101.0])),
    st.tuples(st.just("profile"), st.booleans()),
    st.tuples(st.just("kind"), st.sampled_from([HeikinSource, CandleSource, _bricks])),
    st.tuples(st.just("studies"), st.sampled_from([(), ("EMA", "SAR", "RSI"), ("BBANDS", "MACD", "OBV", "CDLDOJI")])),
)


def _acts(s: Stand) -> dict[str, Callable[..., object]]:
    plot = s.plot
    return {
        "tick": s.tick,
        "pan": plot.pan,
        "zoom": lambda factor, share: plot.zoom(factor, plot.prices.row_at(share * 500)),
        "point": lambda x, y: plot.point_at(QPoint(x, y)),
        "nowhere": plot.point_nowhere,
        "fit": plot.fit,
        "follow": plot.follow,
        "auto": lambda: plot.set_auto(True),
        "scale": plot.set_scale,
        "stretch": plot.stretch_prices,
        "dress": lambda hollow: plot.set_dress(Dress(hollow=hollow)),
        "badge": plot.say_badge,
        "resize": lambda width: plot.resize(width, 400),
        "ghost": lambda price: plot.lines.show_ghost((plot.lines.lines[0], price) if price else None),
        "history": lambda rows: _backfill(s, rows),
        "draw": lambda kind, price: plot.hand.add(_a_drawing(s, kind, price)),
        "kind": lambda made: plot.show_source(made(s.series), INFY, "1m"),
        "profile": plot.show_profile,
        "studies": lambda names: plot.set_studies([a_study(name) for name in names]),
    }


def _a_drawing(s: Stand, kind: Kind, price: float) -> Drawing:
    """One from some bars back to some bars ahead."""
    return Drawing(kind, ((s.at_s - 1_500.0, price), (s.at_s + 200.0, price + 1.5))[: points_of(kind)], "words")


def _backfill(s: Stand, rows: int) -> None:
    oldest = int(s.series.start_s[0])
    s.series.backfill([Bar(oldest - 60 * k, 100.0, 101.0, 99.0, 100.5, 10 * k) for k in range(1, rows + 1)])
    s.plot.refresh()


@pytest.mark.parametrize(("bars", "seed"), [(90, 1), (700, 2), (6_000, 3)])
@settings(max_examples=20, deadline=None)
@given(acts=st.lists(ACT, min_size=4, max_size=14))
def test_parts_come_to_the_whole(qapp: Any, bars: int, seed: int, acts: list[tuple[Any, ...]]) -> None:
    stand = Stand(bars, seed)
    try:
        known = _acts(stand)
        for number, (name, *values) in enumerate(acts):
            known[name](*values)
            assert difference(stand.screen(), stand.whole()) == "", f"after act {number}, {name}"
    finally:
        shiboken6.delete(stand.plot)


@pytest.mark.parametrize("zoom", [0.1, 1.0, 6.0, 40.0])
@pytest.mark.parametrize("scale", ["linear", "log"])
def test_two_hundred_ticks_leave_no_wrong_pixel(qapp: Any, zoom: float, scale: Any) -> None:
    """The screen is looked at after every tick, and painted anew only after the last."""
    stand, rng = Stand(5_000, 4), np.random.default_rng(6)
    stand.plot.set_scale(scale)
    stand.plot.zoom(zoom)
    stand.screen()
    for _ in range(200):
        stand.tick(float(rng.normal(0, 0.08)), int(rng.integers(0, 30)), float(rng.exponential(2.0)))
        QApplication.processEvents()
    assert stand.plot.sheet.patched > 100
    assert difference(stand.screen(), stand.whole()) == ""
    shiboken6.delete(stand.plot)


@pytest.mark.parametrize("zoom", [0.1, 1.0, 40.0])
def test_two_hundred_ticks_leave_no_wrong_pixel_of_indicators(qapp: Any, zoom: float) -> None:
    stand, rng = Stand(5_000, 4), np.random.default_rng(6)
    stand.plot.set_studies([a_study(name) for name in ("EMA", "SAR", "BBANDS", "MACD", "RSI", "CDLDOJI")])
    stand.plot.zoom(zoom)
    stand.screen()
    for _ in range(200):
        stand.tick(float(rng.normal(0, 0.08)), int(rng.integers(0, 30)), float(rng.exponential(2.0)))
        QApplication.processEvents()
    assert stand.plot.sheet.patched > 100
    assert difference(stand.screen(), stand.whole()) == ""
    shiboken6.delete(stand.plot)


def test_ticks_of_a_tick_chart_leave_no_wrong_pixel(qapp: Any) -> None:
    stand, rng, ring = Stand(90, 5), np.random.default_rng(7), TickSeries(capacity=300)
    stand.plot.show_source(TickSource(ring), INFY, "Tick")
    for k in range(400):
        ring.add(START + k, 100 + float(rng.normal(0, 0.1)), None)
        stand.plot.refresh()
        if k % 20 == 7:
            stand.plot.pan(float(rng.normal(0, 15)))
            assert difference(stand.screen(), stand.whole()) == "", k
    shiboken6.delete(stand.plot)


def test_a_picture_that_differs_is_noticed(qapp: Any) -> None:
    stand = Stand(90, 6)
    before = stand.screen()
    stand.tick(0.5, 10, 1.0)
    assert difference(before, stand.screen()) != ""
    shiboken6.delete(stand.plot)


def test_an_error_in_painting_is_logged_once_and_ends_nothing(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    stand = Stand(300, 1)
    candles = stand.plot.candles
    assert candles is not None

    def fails(*_: object) -> None:
        raise OverflowError("cannot convert float infinity to integer")

    monkeypatch.setattr(candles, "draw", fails)
    for _ in range(3):
        stand.plot.spoil()
        stand.screen()
    told = [record for record in caplog.records if record.message == "the chart cannot be drawn"]
    assert len(told) == 1 and told[0].exc_info is not None
    monkeypatch.undo()
    stand.plot.spoil()
    assert not stand.screen().isNull()
    shiboken6.delete(stand.plot)
