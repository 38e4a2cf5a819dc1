"""The controls of a recorded day say what it does, and ask before anything is lost."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QToolBar, QToolButton

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.replay import Outline, Pace
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.question import Question
from alphapanda_desktop.ui.replay import ReplayBar
from alphapanda_desktop.ui.replayface import put_under_the_strip
from alphapanda_desktop.ui.replayframe import WIDE_PX, StripedFrame
from tests.fakes import an_instrument
from tests.replaying.recorded import BEGAN_NS, SECOND

MINUTE = 60 * SECOND


class FakeTransport:
    """Notes what it is asked for."""

    name = "2026-09-21.ticks"
    begin_ns, end_ns = BEGAN_NS, BEGAN_NS + 360 * MINUTE

    def __init__(self) -> None:
        self.position_ns = BEGAN_NS + 60 * MINUTE
        self.pace = Pace.PAUSED
        self.speed, self.reached, self.trouble = 1.0, 0.0, ""
        self.asked: list[tuple[Any, ...]] = []
        self.outlined: list[int | None] = []

    def __getattr__(self, name: str) -> Any:
        if name not in ("play", "pause", "step_tick", "step_bar", "run_to", "rewind"):
            raise AttributeError(name)
        return lambda *given: self.asked.append((name, *given))

    def set_speed(self, speed: float) -> None:
        self.speed = speed

    def outline(self, token: int | None = None) -> Outline:
        self.outlined.append(token)
        return Outline(BEGAN_NS, MINUTE, np.arange(360), np.linspace(100.0, 110.0, 360), np.arange(360))


class Stage:
    """A bar in a window, over a desk that a test fills."""

    def __init__(self, edge: Edge) -> None:
        self.transport = FakeTransport()
        self.chart = SimpleNamespace(instrument=an_instrument(), interval=Interval.MINUTE_5)
        self.orders: list[object] = []
        self.rows: list[Any] = []
        self.runs: list[Any] = []
        desk = SimpleNamespace(orders=lambda: self.orders, positions=lambda: self.rows)
        runner = SimpleNamespace(runs=self.runs)
        self.window = QMainWindow()
        self.bar = ReplayBar(self.transport, self.chart, desk, runner, edge, self.window)  # type: ignore[arg-type]
        self.window.addToolBar(self.bar)
        self.window.resize(1600, 400)
        self.window.show()

    def press(self, name: str) -> None:
        button = self.bar.findChild(QToolButton, name)
        assert button is not None, name
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def point(self, part: float) -> None:
        """Press the scrubber at that part of the day."""
        scrubber = self.bar.scrubber
        x = scrubber._x_of(self.transport.begin_ns + part * 360 * MINUTE)
        QTest.mouseClick(scrubber, Qt.MouseButton.LeftButton, pos=QPointF(x, 10).toPoint())


@pytest.fixture
def stage(qapp: QApplication, scope_of_test) -> Iterator[Stage]:
    made = Stage(Edge(scope_of_test, FrameClock(), lambda _text, _level: None))
    yield made
    made.window.hide()
    made.window.deleteLater()


@pytest.fixture
def scope_of_test() -> Any:
    class Spawner:
        """Runs what is spawned when the test lets it."""

        def __init__(self) -> None:
            self.work: list[Any] = []

        def spawn(self, _name: str, work: Any) -> Any:
            self.work.append(work)
            return SimpleNamespace(add_done_callback=lambda _call: None)

    return Spawner()


def test_play_turns_into_pause_and_the_clock_shows_the_recorded_time(stage: Stage) -> None:
    assert stage.bar.clock.text() == "10:15:00" and stage.bar.left.text() == "5 h 00 m left"
    assert "Play" in stage.bar.play.text()
    stage.press("replay_play")
    stage.transport.pace = Pace.PLAYING
    stage.bar.refresh()
    assert "Pause" in stage.bar.play.text()
    stage.press("replay_play")
    assert stage.transport.asked == [("play",), ("pause",)]


def test_steps_are_of_what_the_chart_shows(stage: Stage) -> None:
    stage.press("replay_tick")
    stage.press("replay_bar_step")
    token = stage.chart.instrument.instrument_token
    assert stage.transport.asked == [("step_tick", token), ("step_bar", 300, 33_300, token)]
    stage.chart.interval = None  # a chart of ticks
    stage.press("replay_bar_step")
    assert stage.transport.asked[-1] == ("step_bar", 60, 33_300, token)


def test_presets_and_the_slider_say_one_speed(stage: Stage) -> None:
    stage.press("replay_300x")
    stage.bar.refresh()
    assert stage.transport.speed == 300
    assert stage.bar.findChild(QToolButton, "replay_300x").isChecked()
    stage.bar.slider.setValue(stage.bar.slider.maximum())
    assert stage.transport.speed == 1000
    stage.bar.faster(-60)
    assert stage.transport.speed == 1


def test_a_speed_that_is_not_reached_is_told(stage: Stage) -> None:
    stage.transport.pace, stage.transport.speed, stage.transport.reached = Pace.PLAYING, 1000.0, 240.0
    stage.bar.refresh()
    assert stage.bar.reached.text() == "240× of 1,000×"
    stage.transport.reached = 990.0
    stage.bar.refresh()
    assert stage.bar.reached.text() == "1,000×"


def test_a_later_time_is_run_to_and_an_earlier_one_begins_the_day_anew(stage: Stage, arun) -> None:
    stage.point(0.5)
    (wanted,) = stage.transport.asked
    assert wanted[0] == "run_to" and abs(wanted[1] - (BEGAN_NS + 180 * MINUTE)) < MINUTE
    stage.point(0.05)
    for work in stage.bar._edge.scope.work:  # type: ignore[attr-defined]
        arun(work)
    assert stage.transport.asked[-1][0] == "rewind"  # nothing would be lost: nothing is asked


def test_what_going_back_would_lose_is_told_first(stage: Stage, run, eventually) -> None:
    stage.orders.append(object())
    stage.rows += [SimpleNamespace(quantity=5), SimpleNamespace(quantity=0)]
    stage.runs.append(SimpleNamespace(state=SimpleNamespace(over=False)))
    stage.press("replay_begin")
    (work,) = stage.bar._edge.scope.work  # type: ignore[attr-defined]

    async def story() -> None:
        import asyncio

        asking = asyncio.create_task(work)
        question = await eventually(lambda: stage.window.findChild(Question))
        assert question.windowTitle() == "Go back to 09:15:00?"
        for words in ("1 strategy that runs", "1 order", "1 position"):
            assert words in question.words.text()
        question.yes.click()
        await asking

    run(story())
    assert stage.transport.asked == [("rewind", BEGAN_NS)]


def test_at_the_end_nothing_more_can_be_played(stage: Stage) -> None:
    stage.transport.pace, stage.transport.position_ns = Pace.ENDED, stage.transport.end_ns
    stage.bar.refresh()
    assert stage.bar.left.text() == "at its end"
    assert not any(b.isEnabled() for b in (stage.bar.play, stage.bar.tick, stage.bar.bar))
    assert stage.bar.begin.isEnabled()


def test_trouble_with_the_recording_is_shown(stage: Stage) -> None:
    assert not stage.bar.trouble.isVisible()
    stage.transport.trouble = "12 damaged bytes were left out"
    stage.bar.refresh()
    assert stage.bar.trouble.isVisible() and "12 damaged bytes" in stage.bar.trouble.toolTip()


def test_the_outline_is_of_the_charts_instrument_and_drawn_anew_for_another(stage: Stage) -> None:
    stage.bar.refresh()
    assert stage.transport.outlined == [408065]
    stage.chart.instrument = an_instrument("SBIN", token=779521)
    stage.bar.refresh()
    stage.bar.refresh()
    assert stage.transport.outlined == [408065, 779521]


def test_the_scrubber_draws_what_has_been_played_and_where_it_is(stage: Stage) -> None:
    image = stage.bar.scrubber.grab().toImage()
    at = round(stage.bar.scrubber._x_of(stage.transport.position_ns))
    line = {image.pixelColor(x, 22).name() for x in range(at - 2, at + 3)}
    assert stage.bar._edge.theme.replay in line


def test_keys_of_the_scrubber_go_by_a_minute_and_by_half_an_hour(stage: Stage) -> None:
    for key in (Qt.Key.Key_Right, Qt.Key.Key_PageUp):
        QTest.keyClick(stage.bar.scrubber, key)
    at = stage.transport.position_ns
    assert stage.transport.asked == [("run_to", at + MINUTE), ("run_to", at + 30 * MINUTE)]


def test_the_striped_frame_goes_round_the_window_and_lets_the_mouse_through(stage: Stage) -> None:
    frame = StripedFrame(stage.window, stage.bar._edge)
    stage.window.resize(900, 300)
    sides = [side.geometry().getRect() for side in frame.sides]
    assert sides == [(0, 0, 900, WIDE_PX), (0, 300 - WIDE_PX, 900, WIDE_PX), (0, 0, WIDE_PX, 300),
                     (900 - WIDE_PX, 0, WIDE_PX, 300)]  # fmt: skip
    assert all(side.testAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents) for side in frame.sides)
    image = frame.sides[0].grab().toImage()
    colours = {image.pixelColor(x, 2).name() for x in range(60)}
    assert stage.bar._edge.theme.replay in colours and len(colours) > 1


def test_a_layout_of_a_window_without_the_controls_does_not_put_them_beside_the_kill_key(qapp: QApplication) -> None:
    def a_window(*names: str) -> tuple[QMainWindow, list[QToolBar]]:
        window, bars = QMainWindow(), [QToolBar(name) for name in names]
        for name, bar in zip(names, bars, strict=True):
            bar.setObjectName(name)
            window.addToolBar(bar)
        return window, bars

    practice, _ = a_window("strip")
    replay, (strip, controls) = a_window("strip", "controls")
    put_under_the_strip(replay, controls)
    assert replay.restoreState(practice.saveState())
    assert not replay.toolBarBreak(controls)  # what Qt makes of a layout that does not know them
    put_under_the_strip(replay, controls)
    assert replay.toolBarBreak(controls) and not replay.toolBarBreak(strip)
    assert not controls.isHidden()
    for window in (practice, replay):
        window.deleteLater()
