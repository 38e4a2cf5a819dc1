"""Throwing, stretching and pointing: what hand and keys do to a chart."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.chart.canvas import LEAST_THROW, Glide
from alphapanda_desktop.ui.chart.lookmenu import COLOURS, LookMenu
from alphapanda_desktop.ui.chart.pane import Pane
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.chart.pricescale import PriceScale
from alphapanda_desktop.ui.chart.series import CandleSource
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.theme import DARK
from tests.ui.fakes_market import INFY, MarketStage
from tests.ui.test_chart_partial import a_series


@pytest.fixture
def plot(qapp: Any) -> Iterator[Plot]:
    plot = Plot(lambda: DARK)
    plot.resize(800, 500)
    plot.show()
    plot.show_source(CandleSource(a_series(3_000, 8)), INFY, "1m")
    plot.grab()
    yield plot
    shiboken6.delete(plot)


KINDS = QEvent.Type


def a_stroke(plot: Plot, *points: tuple[int, int, int], let_go_ms: int | None = None) -> None:
    """Press at the first point (x, y, at ms), move to the others, let go where the last is."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    steps = [(KINDS.MouseButtonPress, points[0], left, left)]
    steps += [(KINDS.MouseMove, point, none, left) for point in points[1:]]
    steps.append((KINDS.MouseButtonRelease, (*points[-1][:2], let_go_ms or points[-1][2]), left, none))
    for kind, (x, y, at_ms), button, held in steps:
        at = QPointF(x, y)
        event = QMouseEvent(kind, at, plot.viewport().mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
        event.setTimestamp(at_ms)
        QApplication.sendEvent(plot.viewport(), event)


# --- throwing


def test_a_thrown_chart_glides_on_and_comes_to_rest(plot: Plot) -> None:
    a_stroke(plot, (300, 200, 1_000), (340, 200, 1_016), (380, 200, 1_032))
    assert plot.glide.active
    before = plot.window_shown.x0
    steps = []
    for _ in range(400):
        plot.glide.step(16.0)
        steps.append(before - plot.window_shown.x0)
        if not plot.glide.active:
            break
    assert not plot.glide.active
    assert steps[0] > 0
    assert steps == sorted(steps)
    gone = [b - a for a, b in zip([0.0, *steps], steps, strict=False)]
    assert gone == sorted(gone, reverse=True)


def test_a_chart_that_was_held_still_before_it_was_let_go_stays(plot: Plot) -> None:
    a_stroke(plot, (300, 200, 1_000), (340, 200, 1_016), (380, 200, 1_032), let_go_ms=1_400)
    assert not plot.glide.active


def test_a_slow_drag_does_not_glide(plot: Plot) -> None:
    a_stroke(plot, (300, 200, 1_000), (301, 200, 1_040), (302, 200, 1_080))
    assert not plot.glide.active


def test_a_glide_goes_as_far_in_few_long_frames_as_in_many_short_ones(qapp: Any) -> None:
    far = []
    for ms in (4.0, 16.0, 50.0):
        glide, moved = Glide(qapp), []
        glide.moved.connect(moved.append)
        glide.note(0, 0.0)
        glide.note(20, 20 * 4 * LEAST_THROW)
        glide.throw(20)
        while glide.active:
            glide.step(ms)
        far.append(sum(moved))
        shiboken6.delete(glide)
    assert far[0] == pytest.approx(far[1], rel=0.05)
    assert far[0] == pytest.approx(far[2], rel=0.1)


@pytest.mark.parametrize("stop", ["press", "wheel", "follow", "fit", "another source"])
def test_a_glide_ends_when_the_hand_does_something_else(plot: Plot, stop: str) -> None:
    a_stroke(plot, (300, 200, 1_000), (340, 200, 1_016), (380, 200, 1_032))
    assert plot.glide.active
    {
        "press": lambda: QTest.mousePress(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(100, 200)),
        "wheel": lambda: QTest.wheelEvent(plot.windowHandle(), QPointF(100, 200), QPoint(0, 120)),
        "follow": plot.follow,
        "fit": plot.fit,
        "another source": lambda: plot.show_source(CandleSource(a_series(50, 1)), INFY, "1m"),
    }[stop]()
    QApplication.processEvents()
    assert not plot.glide.active


def test_a_glide_ends_at_the_oldest_bar(plot: Plot) -> None:
    plot.pan(-1e9)
    a_stroke(plot, (300, 200, 1_000), (340, 200, 1_016), (380, 200, 1_032))
    plot.glide.step(16.0)
    assert not plot.glide.active


# --- the price scale


def test_dragging_the_price_scale_makes_it_the_hands_until_a_double_click(plot: Plot) -> None:
    low, high = plot.prices.low, plot.prices.high
    x = plot.price_axis.place.center().x()
    a_stroke(plot, (x, 200, 0), (x, 300, 0))
    assert not plot.scale.auto
    assert plot.prices.high - plot.prices.low == pytest.approx((high - low) * 1.5)
    assert plot.prices.high + plot.prices.low == pytest.approx(high + low)
    shown = (plot.prices.low, plot.prices.high)
    plot.pan(-400)
    assert (plot.prices.low, plot.prices.high) == shown
    QTest.mouseDClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(x, 200))
    assert plot.scale.auto
    assert (plot.prices.low, plot.prices.high) != shown


def test_a_chart_with_a_scale_by_hand_is_dragged_up_and_down_too(plot: Plot) -> None:
    plot.stretch_prices(50)
    price = plot.prices.price_at(150)
    a_stroke(plot, (300, 200, 0), (300, 260, 0))
    assert plot.prices.price_at(210) == pytest.approx(price)
    plot.set_auto(True)
    low = plot.prices.low
    a_stroke(plot, (300, 200, 0), (300, 260, 0))
    assert plot.prices.low == low


@pytest.mark.parametrize("kind", ["linear", "log"])
def test_no_stretching_turns_a_scale_inside_out(kind: Any) -> None:
    pane = Pane()
    scale = PriceScale(pane)
    scale.kind = kind
    scale.fit(80.0, 120.0)
    for dy in (*[-5_000.0] * 5, *[9_000.0] * 5, *[-300.0] * 50):
        scale.stretch(dy)
        assert pane.low < pane.high
        assert kind == "linear" or pane.low > 0


def test_dragging_the_time_scale_zooms(plot: Plot) -> None:
    bars, y = plot.window_shown.bars, plot.time_axis.place.center().y()
    a_stroke(plot, (300, y, 0), (400, y, 0))
    assert plot.window_shown.bars < bars
    assert plot.window_shown.follows


def test_prices_of_a_still_market_keep_a_scale() -> None:
    pane = Pane()
    scale = PriceScale(pane)
    scale.finest = 0.05
    for kind in ("linear", "log"):
        scale.kind = kind  # type: ignore[assignment]
        scale.fit(100.0, 100.0)
        assert pane.high - pane.low >= 0.5
        assert pane.low < 100.0 < pane.high


@pytest.mark.parametrize("log", [False, True])
def test_a_pixel_and_its_price_are_each_others(log: bool) -> None:
    pane = Pane()
    pane.place.setRect(0, 10, 400, 300)
    pane.set_prices(10.0, 500.0, log=log)
    for price in (10.0, 11.5, 250.0, 499.0):
        assert pane.price_at(float(pane.py(price))) == pytest.approx(price)
    assert pane.row_at(pane.px(37.25)) == pytest.approx(37.25)


# --- labels


def test_a_label_leaves_no_half_number_beneath_it(plot: Plot) -> None:
    plot.grab()
    axis = plot.price_axis
    mark = axis._marked[2]
    plot.point_at(QPoint(200, mark.center().y() - mark.height() + 2))
    image = plot.grab().toImage()
    tag = axis.tag("cursor")
    assert tag is not None
    beneath = range(axis.place_of(tag).bottom() + 2, mark.bottom())
    assert len(beneath) > 2
    colours = {image.pixelColor(x, y).name() for x in range(mark.left(), mark.right()) for y in beneath}
    assert colours == {DARK.panel}
    plot.point_nowhere()
    image = plot.grab().toImage()
    assert {image.pixelColor(x, y).name() for x in range(mark.left(), mark.right()) for y in beneath} != {DARK.panel}


# --- buttons and keys


def with_a_chart(run: Any, story: Callable[[ChartView], Awaitable[None] | None]) -> None:
    async def whole() -> None:
        async with Scope("ui", lambda *_: None) as scope:
            chart = ChartView(Edge(scope, FrameClock(), lambda *_: None), MarketStage().market)
            chart.resize(900, 500)
            chart.show()
            story(chart)
            shiboken6.delete(chart)

    run(whole())


def test_buttons_and_keys_of_the_scale_say_what_it_is(run: Any) -> None:
    def story(chart: ChartView) -> None:
        def pressed() -> tuple[bool, ...]:
            return tuple(chart.buttons[name].isChecked() for name in ("Auto", "Log", "%"))

        chart.plot.show_source(CandleSource(a_series(300, 2)), INFY, "1m")
        assert pressed() == (True, False, False)
        chart.buttons["Log"].click()
        assert (chart.plot.scale.kind, chart.plot.prices.log, pressed()) == ("log", True, (True, True, False))
        QTest.keyClick(chart, Qt.Key.Key_P)
        assert (chart.plot.scale.kind, pressed()) == ("percent", (True, False, True))
        QTest.keyClick(chart, Qt.Key.Key_P)
        assert (chart.plot.scale.kind, pressed()) == ("linear", (True, False, False))
        chart.plot.stretch_prices(40)
        assert pressed() == (False, False, False)
        QTest.keyClick(chart, Qt.Key.Key_A)
        assert chart.plot.scale.auto
        chart.plot.stretch_prices(40)
        QTest.keyClick(chart, Qt.Key.Key_Home)
        assert pressed() == (True, False, False)

    with_a_chart(run, story)


def test_the_look_is_chosen_in_a_menu(plot: Plot) -> None:
    menu = LookMenu(plot, plot)
    made = plot.sheet.made
    menu.hollow.trigger()
    assert (plot.dress.hollow, plot.dress.up, plot.dress.down) == (True, "up", "down")
    menu.colours["Blue rises, orange falls"].trigger()
    assert (plot.dress.hollow, plot.dress.up, plot.dress.down) == (True, *COLOURS["Blue rises, orange falls"])
    plot.grab()
    assert plot.sheet.made > made
