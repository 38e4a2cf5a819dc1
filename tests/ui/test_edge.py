from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest
import shiboken6
from psygnal import Signal
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QDialog, QTabWidget, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Rejected, Retry
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock, ask, connect


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
