from __future__ import annotations

import asyncio
import gc
import time
import weakref
from typing import Any

import pytest
import shiboken6
from psygnal import Signal
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QDialog, QTabWidget, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Rejected, Retry
from alphapanda_desktop.trading.heart import Heart
from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.shedding import LAG_NS, LEVELS, LOOKS_DOWN, Kind, Shedding
from alphapanda_desktop.ui.edge import (
    DEEP_MS,
    DEEP_NS,
    DOZE_MS,
    FRAME_MS,
    LONGEST_FRAME_NS,
    QUIET_NS,
    Edge,
    FrameClock,
    ask,
    connect,
)
from tests.owntime import of_the_heart, work


class Painter(QWidget):
    """A widget that counts its frames."""

    def __init__(self, frames: FrameClock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.drawn = 0
        frames.add(self, self.draw)

    def draw(self) -> None:
        self.drawn += 1


def destroy(thing: QObject) -> None:
    """Let Qt delete it now, as its event loop would."""
    thing.deleteLater()
    QApplication.sendPostedEvents(thing, QEvent.Type.DeferredDelete)


# --- frames


def test_the_clock_stands_still_while_nobody_is_seen(qtbot: Any) -> None:
    frames = FrameClock()
    pane = Painter(frames)
    qtbot.addWidget(pane)
    assert not frames.running
    pane.show()
    assert frames.running
    pane.hide()
    assert not frames.running


def test_a_hidden_pane_is_not_drawn_and_a_shown_one_is(qtbot: Any) -> None:
    frames = FrameClock()
    tabs = QTabWidget()
    qtbot.addWidget(tabs)
    front, back = Painter(frames), Painter(frames)
    tabs.addTab(front, "front")
    tabs.addTab(back, "back")
    tabs.show()
    frames.beat()
    assert (front.drawn, back.drawn) == (1, 0)
    tabs.setCurrentIndex(1)
    frames.beat()
    assert (front.drawn, back.drawn) == (1, 1)
    tabs.hide()


def test_a_minimised_window_is_not_drawn(qtbot: Any) -> None:
    frames = FrameClock()
    pane = Painter(frames)
    qtbot.addWidget(pane)
    pane.showMinimized()
    frames.beat()
    assert pane.drawn == 0
    pane.hide()


def test_the_clock_forgets_a_destroyed_widget(qtbot: Any) -> None:
    frames = FrameClock()
    pane = Painter(frames)
    pane.show()
    destroy(pane)
    assert (frames.count, frames.running) == (0, False)
    frames.beat()


def test_the_clock_keeps_no_widget_alive(qapp: Any) -> None:
    frames = FrameClock()
    pane = Painter(frames)
    gone = weakref.ref(pane)
    del pane
    gc.collect()
    assert gone() is None
    assert frames.count == 0


def test_frames_come_by_themselves(run: Any, qtbot: Any, eventually: Any) -> None:
    frames = FrameClock()
    pane = Painter(frames)
    qtbot.addWidget(pane)
    pane.show()
    run(eventually(lambda: pane.drawn >= 3))
    pane.hide()


# --- work


def notices_of(error: Exception, run: Any) -> tuple[list[tuple[str, str]], list[str]]:
    notices: list[tuple[str, str]] = []
    failures: list[str] = []

    async def work() -> None:
        raise error

    async def story() -> None:
        async with Scope("test", lambda name, _: failures.append(name)) as scope:
            edge = Edge(scope, FrameClock(), lambda text, level: notices.append((text, level)))
            await asyncio.wait([edge.spawn("cancel", work())])

    run(story())
    return notices, failures


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (Refused("Order value: 2 asked, 1 allowed."), "warning"),
        (Retry("Kite is busy."), "warning"),
        (Rejected("Insufficient funds."), "danger"),
        (AlphaPandaError("Anything."), "danger"),
    ],
)
def test_an_error_raised_on_purpose_becomes_a_notice(error: Exception, level: str, run: Any) -> None:
    assert notices_of(error, run) == ([(str(error), level)], [])


def test_any_other_error_goes_to_the_scope(run: Any) -> None:
    notices, failures = notices_of(ZeroDivisionError("oops"), run)
    assert (notices, failures) == ([], ["test/cancel"])


def test_work_cancelled_before_it_began_leaves_no_warning(run: Any) -> None:
    async def work() -> None:
        raise AssertionError("it never runs")

    async def story() -> list[str]:
        async with Scope("test", lambda *_: None) as scope:
            edge = Edge(scope, FrameClock(), lambda *_: None)
            task = edge.spawn("early", work())
            task.cancel()
            await asyncio.wait([task])
            await asyncio.sleep(0)
            return scope.names()

    assert run(story()) == []


# --- dialogs


def test_ask_waits_for_the_answer_without_stopping_other_work(run: Any, qtbot: Any) -> None:
    dialog = QDialog()
    qtbot.addWidget(dialog)
    steps: list[str] = []

    async def other() -> None:
        for _ in range(3):
            steps.append("worked")
            await asyncio.sleep(0)
        dialog.accept()

    async def story() -> int:
        answer, _ = await asyncio.gather(ask(dialog), other())
        return answer

    assert run(story()) == QDialog.DialogCode.Accepted.value
    assert steps == ["worked"] * 3


def test_a_dialog_that_is_destroyed_counts_as_rejected(run: Any) -> None:
    dialog = QDialog()

    async def story() -> int:
        asyncio.get_running_loop().call_soon(destroy, dialog)
        return await ask(dialog)

    assert run(story()) == QDialog.DialogCode.Rejected.value


def test_cancelling_a_question_closes_its_dialog(run: Any, qtbot: Any, eventually: Any) -> None:
    dialog = QDialog()
    qtbot.addWidget(dialog)

    async def story() -> None:
        async with Scope("test", lambda *_: None) as scope:
            scope.spawn("ask", ask(dialog))
            await eventually(dialog.isVisible)

    run(story())
    assert not dialog.isVisible()


# --- signals


class Speaker:
    said = Signal(str)


class Listener(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.heard: list[str] = []

    def hear(self, text: str) -> None:
        self.heard.append(text)


def test_a_signal_is_heard_until_its_owner_is_destroyed(qapp: Any) -> None:
    speaker, owner, heard = Speaker(), QObject(), []
    connect(speaker.said, owner, heard.append)
    speaker.said.emit("one")
    shiboken6.delete(owner)
    speaker.said.emit("two")
    assert heard == ["one"]
    assert len(speaker.said) == 0


def test_a_method_of_a_destroyed_widget_is_not_called(qapp: Any) -> None:
    speaker, listener = Speaker(), Listener()
    connect(speaker.said, listener, listener.hear)
    speaker.said.emit("one")
    shiboken6.delete(listener)
    speaker.said.emit("two")
    assert listener.heard == ["one"]


def test_a_signal_keeps_no_listener_alive(qapp: Any) -> None:
    speaker, listener = Speaker(), Listener()
    connect(speaker.said, listener, listener.hear)
    gone = weakref.ref(listener)
    del listener
    gc.collect()
    assert gone() is None
    speaker.said.emit("two")


# --- kinds, frames and shedding


def frames_of(frames: FrameClock, beats: int) -> None:
    """Let the clock beat, each frame on the screen before the next."""
    for _ in range(beats):
        frames._next()
        QApplication.sendPostedEvents(frames, QEvent.Type.User)


def test_a_chart_is_drawn_60_times_a_second_and_a_table_30(qtbot: Any) -> None:
    frames = FrameClock()
    chart, table = Painter(frames), Painter(frames)
    for pane in (chart, table):
        qtbot.addWidget(pane)
        pane.show()
    assert frames.frame_ms == 2 * FRAME_MS  # nothing that is seen wants more
    frames.draws(chart, Kind.CHART)
    assert frames.frame_ms == FRAME_MS
    frames_of(frames, 60)
    assert (chart.drawn, table.drawn) == (60, 30)
    chart.hide()
    assert frames.frame_ms == 2 * FRAME_MS


def test_each_kind_has_its_own_divisor_under_load(qtbot: Any) -> None:
    shedding = Shedding()
    frames = FrameClock(shedding=shedding)
    panes = {kind: Painter(frames) for kind in Kind}
    for kind, pane in panes.items():
        qtbot.addWidget(pane)
        frames.draws(pane, kind)
        pane.show()
    drawn = []
    while shedding.depth < len(LEVELS) - 1:
        for _ in range(LOOKS_DOWN):
            shedding.look(10 * LAG_NS, 0.0)
        frames.consider()
        before = [pane.drawn for pane in panes.values()]
        frames_of(frames, 60 * FRAME_MS // frames.frame_ms)
        drawn.append(tuple(pane.drawn - was for pane, was in zip(panes.values(), before, strict=True)))
    assert drawn == [tuple(level.hz(kind) for kind in Kind) for level in LEVELS[1:]]
    for pane in panes.values():
        pane.hide()


def test_no_frame_is_drawn_while_the_one_before_is_not_on_the_screen(qtbot: Any) -> None:
    frames = FrameClock(meter=Meter(now_ns=lambda: 1))
    pane = Painter(frames)
    qtbot.addWidget(pane)
    frames.draws(pane, Kind.CHART)
    pane.show()
    for _ in range(5):
        frames._next()
    assert pane.drawn == 1
    QApplication.sendPostedEvents(frames, QEvent.Type.User)
    frames._next()
    assert pane.drawn == 2
    QApplication.sendPostedEvents(frames, QEvent.Type.User)
    pane.hide()


def test_a_frame_that_never_comes_to_the_screen_holds_up_no_other_for_long(qtbot: Any) -> None:
    now = [LONGEST_FRAME_NS]
    frames = FrameClock(meter=Meter(now_ns=lambda: now[0]))
    pane = Painter(frames)
    qtbot.addWidget(pane)
    frames.draws(pane, Kind.CHART)
    pane.show()
    frames._next()
    frames._next()
    assert pane.drawn == 1
    now[0] += LONGEST_FRAME_NS
    frames._next()
    assert pane.drawn == 2
    QApplication.sendPostedEvents(frames, QEvent.Type.User)
    pane.hide()


class Slow(Painter):
    """Asks for a paint each frame and notes when it came."""

    painted_ns = 0

    def draw(self) -> None:
        super().draw()
        self.update()

    def paintEvent(self, _event: Any) -> None:
        self.painted_ns = time.perf_counter_ns()


def test_a_frame_is_measured_to_the_end_of_the_paint_that_it_asked_for(run: Any, qtbot: Any, eventually: Any) -> None:
    meter = Meter()
    frames = FrameClock(meter=meter)
    pane = Slow(frames)
    qtbot.addWidget(pane)
    frames.draws(pane, Kind.CHART)
    ended: list[int] = []
    painted = meter.painted

    async def story() -> None:
        pane.show()
        await eventually(lambda: pane.painted_ns)
        await eventually(lambda: meter.frame.total)
        pane.painted_ns = 0
        meter.frame_in()
        await eventually(lambda: meter.paint.total)
        ended.append(time.perf_counter_ns())
        assert pane.painted_ns and pane.painted_ns <= ended[0]
        pane.hide()

    run(story())
    assert painted == meter.painted and meter.paint.worst_ns > 0 and frames.spent_ns > 0


def test_ticks_that_came_while_nobody_looked_are_no_slow_paint(qtbot: Any) -> None:
    meter = Meter()
    frames = FrameClock(meter=meter)
    pane = Painter(frames)
    qtbot.addWidget(pane)
    meter.frame_in()
    pane.show()
    frames_of(frames, 2)
    assert (meter.frame.total > 0, meter.paint.total) == (True, 0)
    pane.hide()


def test_an_order_of_a_slot_is_timed_from_its_click(run: Any) -> None:
    async def story() -> Meter:
        async with Scope("test", lambda *_: None) as scope:
            edge = Edge(scope, FrameClock(), lambda *_: None)

            async def submit() -> None:
                await asyncio.sleep(0)
                edge.meter.ordered()

            await edge.spawn("submit", submit())
            edge.meter.ordered()  # a strategy's
            return edge.meter

    meter = run(story())
    assert meter.order.total == 1 and meter.order.worst_ns > 0


class Heavy(Slow):
    """Paints for longer than a frame lasts."""

    def paintEvent(self, event: Any) -> None:
        super().paintEvent(event)
        work(0.025)


def test_a_chart_too_heavy_for_its_frames_is_drawn_less_often_and_an_order_does_not_wait_for_it(
    run: Any, qtbot: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    meter, shedding = Meter(now_ns=of_the_heart(monkeypatch).now_ns), Shedding()
    frames = FrameClock(meter=meter, shedding=shedding)
    shedding.changed = frames.consider
    chart, table = Heavy(frames), Painter(frames)
    for pane in (chart, table):
        qtbot.addWidget(pane)
    frames.draws(chart, Kind.CHART)
    heart = Heart(meter, shedding, lambda _next: None, lambda: 0, lambda: frames.spent_ns, lambda _idle: None)
    hops: list[int] = []

    async def order(drawn: int) -> None:
        for _ in range(10):
            await asyncio.sleep(0)
        hops.append(chart.drawn - drawn)

    async def story() -> None:
        async with Scope("test", lambda *_: None) as scope:
            scope.spawn("heart", heart.run())
            for pane in (chart, table):
                pane.show()
            await eventually(lambda: shedding.depth >= 1)
            assert meter.shed.startswith("chart ")
            await scope.spawn("order", order(chart.drawn))
            chart.hide()
            await eventually(lambda: shedding.depth == 0)
            table.hide()

    run(story())
    assert hops and hops[0] <= 2, "ten awaits of an order path waited for paints"


def test_the_clock_dozes_while_the_feed_is_silent_and_wakes_as_it_speaks(qtbot: Any, eventually: Any, run: Any) -> None:
    now = [1]
    meter = Meter(now_ns=lambda: now[0])
    frames = FrameClock(meter=meter)
    chart, table = Painter(frames), Painter(frames)
    frames.draws(chart, Kind.CHART)
    for pane in (chart, table):
        qtbot.addWidget(pane)
        pane.show()

    async def beats() -> None:
        drawn = table.drawn
        await eventually(lambda: table.drawn > drawn + 2)

    run(beats())
    assert not frames.dozes  # a feed that never spoke may be about to
    meter.frame_in()
    now[0] += QUIET_NS + 1
    run(beats())
    assert frames.dozes and frames.running
    drawn = chart.drawn
    run(beats())
    assert chart.drawn > drawn  # ages go on
    now[0] += DEEP_NS
    run(beats())
    assert frames.dozes and frames._timer.interval() == DEEP_MS  # nobody is at work either
    frames.stir()
    run(beats())
    assert frames._timer.interval() == DOZE_MS
    meter.frame_in()
    assert not frames.dozes
    chart.hide()
    assert not frames.dozes and frames.frame_ms == 2 * FRAME_MS
