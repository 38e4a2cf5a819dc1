from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolTip

from alphapanda_desktop.domain.errors import Offline
from alphapanda_desktop.domain.market import Bar, Interval, Mode
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.chart.items import Marker
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.edge import Edge, FrameClock
from tests.ui.fakes_market import FUTURE, INFY, MarketStage

Eventually = Callable[..., Awaitable[Any]]


class Stand:
    """A chart over a stage, in a scope of its own."""

    def __init__(self, scope: Scope) -> None:
        self.stage = MarketStage()
        self.stage.fill_history(INFY, Interval.MINUTE)
        self.stage.fill_history(INFY, Interval.MINUTE_5)
        self.notices: list[str] = []
        self.edge = Edge(scope, FrameClock(), lambda text, _: self.notices.append(text))
        self.chart = ChartView(self.edge, self.stage.market)
        self.plot = self.chart.plot
        self.chart.resize(900, 500)
        self.chart.show()

    @property
    def bars(self) -> int:
        return len(self.stage.market.live_series(INFY, Interval.MINUTE))

    async def loaded(self) -> None:
        """Wait for the history that is being loaded."""
        assert self.chart._stay.loading is not None
        await asyncio.wait([self.chart._stay.loading])

    def frame(self) -> None:
        self.edge.frames.beat()


@asynccontextmanager
async def a_stand() -> Any:
    failures: list[str] = []
    async with Scope("ui", lambda name, error: failures.append(f"{name}: {error!r}")) as scope:
        stand = Stand(scope)
        try:
            yield stand
        finally:
            shiboken6.delete(stand.chart)
    assert failures == []


@pytest.fixture
def play(run: Any) -> Iterator[Callable[[Callable[[Stand], Awaitable[None]]], None]]:
    """Runs a story on a stand whose chart has loaded INFY's minutes."""

    def drive(story: Callable[[Stand], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with a_stand() as stand:
                stand.chart.show_instrument(INFY)
                await stand.loaded()
                await story(stand)

        run(whole())

    yield drive


def test_history_is_loaded_and_the_newest_bar_is_in_sight(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.frame()
        assert s.plot.source is not None
        assert s.plot.source.end == s.bars > 500
        assert s.plot.notice.text == ""
        assert s.plot.window_shown.x1 >= s.bars - 0.5
        assert s.plot.window_shown.follows
        assert s.stage.feed.wanted == {INFY.instrument_token: Mode.FULL}

    play(story)


def test_the_pane_says_that_history_is_loading(run: Any) -> None:
    async def story() -> None:
        async with a_stand() as s:
            assert "Choose an instrument" in s.plot.notice.text
            s.chart.show_instrument(INFY)
            assert s.plot.notice.text == "loading history…"
            await s.loaded()
            assert s.plot.notice.text == ""

    run(story())


def test_a_failed_history_is_said_in_words_and_live_bars_go_on(run: Any) -> None:
    async def story() -> None:
        async with a_stand() as s:
            s.stage.history.fails = Offline("Kite cannot be reached.")
            s.chart.show_instrument(INFY)
            await s.loaded()
            assert "Kite cannot be reached" in s.plot.notice.text.replace("\n", " ")
            s.stage.tick(INFY, 1500.0, 10)
            s.frame()
            assert s.plot.source.end == 1
            s.stage.history.fails = None
            s.chart.buttons["1m"].click()
            await s.loaded()
            assert s.plot.notice.text == ""
            assert s.plot.source.end == s.bars > 500

    run(story())


def test_the_open_bar_moves_with_the_frame_not_with_the_tick(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.stage.tick(INFY, 1_777.0, 10)
        before = s.plot.price_axis.tag("last")
        assert before is not None
        assert before.text != "1,777.00"
        s.frame()
        after = s.plot.price_axis.tag("last")
        assert after is not None
        assert after.text == "1,777.00"
        assert s.plot.prices.viewRange()[1][1] > 1_777

    play(story)


def test_frames_without_a_tick_paint_no_data(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.stage.tick(INFY, 1_500.0, 10)
        s.frame()
        s.chart.grab()
        s.chart.grab()
        painted = s.plot.sheet.made, s.plot.sheet.patched
        for _ in range(5):
            s.frame()
            s.chart.grab()
        assert (s.plot.sheet.made, s.plot.sheet.patched) == painted

    play(story)


def test_a_new_bar_moves_a_chart_that_follows(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.stage.tick(INFY, 1_500.0, 10)
        s.frame()
        x1 = s.plot.window_shown.x1
        s.stage.clock.advance(60)
        s.stage.tick(INFY, 1_501.0, 20)
        s.frame()
        assert s.plot.window_shown.x1 == x1 + 1

    play(story)


def test_a_new_bar_leaves_a_chart_alone_that_looks_back(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.stage.tick(INFY, 1_500.0, 10)
        s.frame()
        for _ in range(5):
            QTest.keyClick(s.chart, Qt.Key.Key_Left)
        assert not s.chart.buttons["Follow"].isChecked()
        shown = (s.plot.window_shown.x0, s.plot.window_shown.x1)
        s.stage.clock.advance(60)
        s.stage.tick(INFY, 1_501.0, 20)
        s.frame()
        assert (s.plot.window_shown.x0, s.plot.window_shown.x1) == shown
        QTest.keyClick(s.chart, Qt.Key.Key_End)
        assert s.chart.buttons["Follow"].isChecked()
        assert s.plot.window_shown.x1 > s.plot.source.end - 0.5

    play(story)


def test_older_history_keeps_the_bars_in_sight_that_were(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.plot.pan(-300)
        series = s.stage.market.live_series(INFY, Interval.MINUTE)
        row = int(s.plot.window_shown.x0)
        at_s, oldest = series.start_s[row], int(series.start_s[0])
        series.backfill([Bar(oldest - 60 * k, 1.0, 1.0, 1.0, 1.0, 1) for k in range(1, 101)])
        s.frame()
        assert series.start_s[int(s.plot.window_shown.x0)] == at_s

    play(story)


def test_both_panes_show_the_same_bars(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.plot.pan(-17.5)
        s.plot.zoom(0.7)
        assert s.plot.prices.viewRange()[0] == s.plot.volumes.viewRange()[0]
        assert s.plot.prices.viewRange()[0] == [s.plot.window_shown.x0, s.plot.window_shown.x1]

    play(story)


def test_a_wider_chart_shows_more_bars_of_the_same_width(play: Any) -> None:
    async def story(s: Stand) -> None:
        before, right = s.plot.prices.width() / s.plot.window_shown.bars, s.plot.window_shown.x1
        s.chart.resize(1300, 500)
        s.chart.grab()
        assert s.plot.prices.width() / s.plot.window_shown.bars == pytest.approx(before)
        assert s.plot.window_shown.x1 == right
        assert s.plot.prices.viewRange()[0] == [s.plot.window_shown.x0, right]

    play(story)


def test_a_chart_filled_before_it_is_shown_has_bars_of_a_good_width(run: Any) -> None:
    async def story() -> None:
        async with a_stand() as s:
            s.chart.hide()
            hidden = ChartView(s.edge, s.stage.market)
            hidden.show_instrument(INFY)
            await asyncio.wait([hidden._stay.loading])
            hidden.resize(900, 500)
            hidden.show()
            hidden.grab()
            assert 6 <= hidden.plot.prices.width() / hidden.plot.window_shown.bars <= 10
            shiboken6.delete(hidden)

    run(story())


def test_the_price_scale_fits_what_is_visible(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.plot.pan(-200)
        x0, x1 = s.plot.window_shown.x0, s.plot.window_shown.x1
        low, high, _ = s.plot.source.extremes(x0, x1, s.plot.source.factor(x1 - x0, s.plot.prices.width()))
        y0, y1 = s.plot.prices.viewRange()[1]
        assert y0 < low < high < y1
        assert (high - low) / (y1 - y0) > 0.6

    play(story)


def a_wheel(chart: ChartView, at: QPoint, notches: int) -> None:
    view = chart.plot.viewport()
    event = QWheelEvent(
        QPointF(at), QPointF(view.mapToGlobal(at)), QPoint(), QPoint(0, 120 * notches),
        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, event)


def test_the_wheel_zooms_around_the_bar_under_the_mouse(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.plot.pan(-300)
        at = QPoint(300, 150)
        before, bars = s.plot.prices.mapSceneToView(s.plot.mapToScene(at)).x(), s.plot.window_shown.bars
        a_wheel(s.chart, at, 2)
        after = s.plot.prices.mapSceneToView(s.plot.mapToScene(at)).x()
        assert s.plot.window_shown.bars < bars * 0.8
        assert after == pytest.approx(before, abs=0.01)

    play(story)


def a_drag(chart: ChartView, x0: int, x1: int) -> None:
    view, kinds = chart.plot.viewport(), QEvent.Type
    steps = [(kinds.MouseButtonPress, x0), *((kinds.MouseMove, x) for x in range(x0, x1 + 1, 20))]
    for kind, x in [*steps, (kinds.MouseButtonRelease, x1)]:
        at, left = QPointF(x, 150), Qt.MouseButton.LeftButton
        held = Qt.MouseButton.NoButton if kind == kinds.MouseButtonRelease else left
        button = Qt.MouseButton.NoButton if kind == kinds.MouseMove else left
        event = QMouseEvent(kind, at, view.mapToGlobal(at), button, held, Qt.KeyboardModifier.NoModifier)
        QApplication.sendEvent(view, event)


def test_dragging_pans_by_what_was_dragged(play: Any) -> None:
    async def story(s: Stand) -> None:
        x0, bar_px = s.plot.window_shown.x0, s.plot.prices.width() / s.plot.window_shown.bars
        a_drag(s.chart, 300, 500)
        assert x0 - s.plot.window_shown.x0 == pytest.approx(200 / bar_px, rel=0.15)

    play(story)


def test_a_double_click_shows_every_bar(play: Any) -> None:
    async def story(s: Stand) -> None:
        QTest.mouseDClick(s.plot.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(300, 150))
        assert s.plot.window_shown.x0 <= -0.5

    play(story)


def test_keys_pan_zoom_and_fit(play: Any) -> None:
    async def story(s: Stand) -> None:
        bars = s.plot.window_shown.bars
        QTest.keyClick(s.chart, Qt.Key.Key_Plus)
        assert s.plot.window_shown.bars < bars
        QTest.keyClick(s.chart, Qt.Key.Key_Minus)
        QTest.keyClick(s.chart, Qt.Key.Key_Minus)
        assert s.plot.window_shown.bars > bars
        x0 = s.plot.window_shown.x0
        QTest.keyClick(s.chart, Qt.Key.Key_Left)
        QTest.keyClick(s.chart, Qt.Key.Key_Left)
        assert s.plot.window_shown.x0 < x0
        QTest.keyClick(s.chart, Qt.Key.Key_Home)
        assert s.plot.window_shown.x0 <= -0.5
        assert s.plot.window_shown.x1 >= s.bars - 0.5

    play(story)


def test_the_crosshair_reads_the_bar_under_the_mouse(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.chart.grab()
        series = s.stage.market.live_series(INFY, Interval.MINUTE)
        row = s.bars - 40
        at = s.plot.mapFromScene(s.plot.prices.mapViewToScene(QPointF(row, float(series.close[row]))))
        s.plot.point_at(at)
        assert f"{series.high[row]:,.2f}" in s.plot.legend.text
        assert f"{series.open[row]:,.2f}" in s.plot.legend.text
        tag = s.plot.price_axis.tag("cursor")
        assert tag is not None
        assert tag.at == pytest.approx(float(series.close[row]), abs=0.2)
        assert s.plot.time_axis.tag("cursor") is not None
        s.plot.point_nowhere()
        assert f"{series.close[-1]:,.2f}" in s.plot.legend.text
        assert s.plot.time_axis.tag("cursor") is None

    play(story)


def test_the_mouse_over_a_trade_says_what_it_was(play: Any) -> None:
    async def story(s: Stand) -> None:
        series = s.stage.market.live_series(INFY, Interval.MINUTE)
        row, price = s.bars - 20, float(series.low[-20])
        s.chart.set_markers([Marker(float(series.start_s[row]) + 5, price, "BUY", "Bought 10 at the low")])
        s.chart.grab()
        at = s.plot.mapFromScene(s.plot.prices.mapViewToScene(QPointF(row, price)))
        s.plot.point_at(at + QPoint(0, 5))
        assert QToolTip.text() == "Bought 10 at the low"
        s.plot.point_at(at + QPoint(60, 5))
        QToolTip.hideText()

    play(story)


def test_markers_go_with_their_instrument(play: Any) -> None:
    async def story(s: Stand) -> None:
        series = s.stage.market.live_series(INFY, Interval.MINUTE)
        s.chart.set_markers([Marker(float(series.start_s[-5]), float(series.low[-5]), "BUY", "Bought")])
        s.chart.set_interval(Interval.MINUTE_5)
        await s.loaded()
        assert len(s.plot.markers.markers) == 1
        s.chart.show_instrument(FUTURE)
        assert s.plot.markers.markers == ()

    play(story)


def test_another_interval_draws_another_series(play: Any) -> None:
    async def story(s: Stand) -> None:
        labels: list[str] = []
        s.chart.interval_changed.connect(labels.append)
        s.chart.buttons["5m"].click()
        await s.loaded()
        assert s.plot.source.series is s.stage.market.live_series(INFY, Interval.MINUTE_5)
        assert labels == ["5m"]
        assert "5m" in s.plot.legend.text

    play(story)


def test_a_slow_history_of_the_former_interval_changes_nothing(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.chart.set_interval(Interval.MINUTE_15)
        slow = s.chart._stay.loading
        s.chart.set_interval(Interval.MINUTE_5)
        await s.loaded()
        assert slow.cancelled() or slow.done()
        assert s.plot.source.series is s.stage.market.live_series(INFY, Interval.MINUTE_5)

    play(story)


def test_the_tick_chart_grows_with_every_tick(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.chart.buttons["Tick"].click()
        assert s.plot.notice.text == "waiting for ticks…"
        for k in range(3):
            s.stage.clock.advance(1)
            s.stage.tick(INFY, 1_500.0 + k, 10 + k)
        s.frame()
        assert s.plot.notice.text == ""
        assert s.plot.source.end == 3
        assert "1,502.00" in s.plot.legend.text

    play(story)


def test_an_old_price_is_said_over_the_chart(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.frame()
        assert s.plot.badge.text == "NO TICKS YET"
        s.stage.tick(INFY, 1_500.0, 10)
        s.frame()
        assert s.plot.badge.text == ""
        assert s.plot.price_axis.tag("last").role != "muted"
        s.stage.clock.advance(44)
        s.frame()
        assert s.plot.badge.text == "STALE 44 s"
        assert s.plot.price_axis.tag("last").role == "muted"
        s.stage.market.take_link(LinkReport(LinkState.WAITING))
        s.frame()
        assert s.plot.badge.text == "STALE 44 s · feed waiting to reconnect"

    play(story)


def test_showing_the_charted_instrument_again_keeps_what_is_in_sight(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.plot.pan(-100)
        shown = (s.plot.window_shown.x0, s.plot.window_shown.x1)
        s.chart.show_instrument(INFY)
        assert (s.plot.window_shown.x0, s.plot.window_shown.x1) == shown

    play(story)


def test_another_instrument_takes_over_the_subscription(play: Any) -> None:
    async def story(s: Stand) -> None:
        s.chart.show_instrument(FUTURE)
        await s.loaded()
        assert s.stage.feed.wanted == {FUTURE.instrument_token: Mode.FULL}
        assert s.plot.price_axis.tag("last") is None

    play(story)


def test_a_chart_destroyed_while_it_loads_leaves_no_work(run: Any) -> None:
    async def story() -> None:
        failures: list[str] = []
        async with Scope("ui", lambda name, error: failures.append(f"{name}: {error!r}")) as scope:
            stage = MarketStage()
            chart = ChartView(Edge(scope, FrameClock(), lambda *_: None), stage.market)
            chart.show_instrument(INFY)
            loading = chart._stay.loading
            shiboken6.delete(chart)
            await asyncio.wait([loading])
            assert loading.cancelled()
            assert stage.feed.wanted == {}
        assert failures == []

    run(story())


def test_an_error_in_the_program_is_said_in_the_pane_and_reported(run: Any) -> None:
    async def story() -> None:
        failures: list[str] = []
        async with Scope("ui", lambda name, _: failures.append(name)) as scope:
            stand = Stand(scope)
            stand.stage.history.fails = ZeroDivisionError("oops")
            stand.chart.show_instrument(INFY)
            await stand.loaded()
            await asyncio.sleep(0)
            assert "an error in the program" in stand.plot.notice.text
            shiboken6.delete(stand.chart)
        assert failures == ["ui/chart history"]

    run(story())


def test_opening_and_closing_twenty_charts_leaves_nothing(run: Any) -> None:
    async def story() -> None:
        failures: list[str] = []
        async with Scope("ui", lambda name, error: failures.append(f"{name}: {error!r}")) as scope:
            stage = MarketStage()
            stage.fill_history(INFY, Interval.MINUTE)
            edge = Edge(scope, FrameClock(), lambda *_: None)
            alive = [weakref.ref(await _opened_and_closed(edge, stage)) for _ in range(20)]
            await asyncio.sleep(0)
            gc.collect()
            assert [chart() for chart in alive if chart() is not None] == []
            assert (edge.frames.count, edge.frames.running, stage.feed.wanted) == (0, False, {})
            assert scope.names() == []
        assert failures == []

    run(story())


async def _opened_and_closed(edge: Edge, stage: MarketStage) -> ChartView:
    chart = ChartView(edge, stage.market)
    chart.show()
    chart.show_instrument(INFY)
    await asyncio.wait([chart._stay.loading])
    edge.frames.beat()
    chart.grab()
    chart.close()
    shiboken6.delete(chart)
    return chart
