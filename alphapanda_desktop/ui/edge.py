"""The border between Qt and the rest: slots start work in a Scope, signals come in, frames tell when to draw.

Ticks only mark things stale; a widget looks at what changed once a frame, and only while it can be seen.
"""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from inspect import ismethod
from typing import Any, Literal, NamedTuple

import shiboken6
from psygnal import SignalInstance
from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QDialog, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Retry
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.theme import DARK, Theme

FRAME_MS = 33

Level = Literal["info", "warning", "danger"]
Notify = Callable[[str, Level], None]


class FrameClock(QObject):
    """The program's one drawing beat, about 30 times a second while anyone can be seen.

    Owners and callbacks that are methods are held weakly: the clock keeps no widget alive.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._pulls: list[_Pull] = []
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(FRAME_MS)
        self._timer.timeout.connect(self.beat)

    @property
    def running(self) -> bool:
        return self._timer.isActive()

    @property
    def count(self) -> int:
        """How many callbacks there are, those of hidden widgets included."""
        return len(self._pulls)

    def add(self, owner: QWidget, callback: Callable[[], None]) -> None:
        """Call back once a frame while `owner` is visible, until it is destroyed."""
        self._pulls.append(_Pull(weakref.ref(owner), _held(callback)))
        owner.installEventFilter(self)
        owner.destroyed.connect(self._prune)
        self._consider()

    def beat(self) -> None:
        """Run one frame now."""
        for pull in list(self._pulls):
            callback = pull.callback()
            if callback is not None and pull.seen():
                callback()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            # Qt sets the visible flag before it sends either event.
            self._consider()
        return False

    def _prune(self, _gone: QObject | None = None) -> None:
        self._pulls = [pull for pull in self._pulls if pull.alive()]
        self._consider()

    def _consider(self) -> None:
        wanted = any(pull.seen() for pull in self._pulls)
        if wanted and not self._timer.isActive():
            self._timer.start()
        elif not wanted:
            self._timer.stop()


class _Pull(NamedTuple):
    """Who is drawn, and how; both may be gone."""

    owner: Callable[[], QWidget | None]
    callback: Callable[[], Callable[[], None] | None]

    def alive(self) -> bool:
        owner = self.owner()
        return owner is not None and shiboken6.isValid(owner)

    def seen(self) -> bool:
        owner = self.owner()
        return owner is not None and shiboken6.isValid(owner) and owner.isVisible() and not owner.window().isMinimized()


@dataclass
class Edge:
    """What every widget is handed: where its work runs, its frames, its voice, its colours."""

    scope: Scope
    frames: FrameClock
    notify: Notify
    theme: Theme = DARK

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        """Start work for a slot; an error we raise on purpose becomes a notice, any other goes to the scope."""
        task = self.scope.spawn(name, self._spoken(work))
        task.add_done_callback(lambda _: work.close())  # a task cancelled before its first step never reaches it
        return task

    async def _spoken(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except AlphaPandaError as error:
            self.notify(str(error), "warning" if isinstance(error, Refused | Retry) else "danger")


async def ask(dialog: QDialog) -> int:
    """Show a dialog without stopping anything; what it was finished with (QDialog.DialogCode).

    It is never modal: a modal one would shadow the kill switch's key and its button. Afterwards the dialog is closed
    but alive, so that its fields can be read; `deleteLater` is the caller's. Cancelling closes it.
    """
    answer: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def finish(result: int) -> None:
        if not answer.done():
            answer.set_result(result)

    def vanish(_gone: QObject | None = None) -> None:
        finish(QDialog.DialogCode.Rejected.value)

    dialog.finished.connect(finish)
    dialog.destroyed.connect(vanish)
    dialog.setModal(False)
    dialog.show()
    dialog.activateWindow()
    try:
        return await answer
    except asyncio.CancelledError:
        dialog.reject()
        raise


def connect(signal: SignalInstance, owner: QObject, slot: Callable[..., Any]) -> None:
    """Call `slot` for a psygnal signal until `owner` is destroyed; a method is held weakly."""
    signal.connect(slot)
    held = _held(slot)

    def let_go(_gone: QObject | None = None) -> None:
        known = held()
        if known is not None:
            signal.disconnect(known, missing_ok=True)

    owner.destroyed.connect(let_go)


def _held(slot: Callable[..., Any]) -> Callable[[], Callable[..., Any] | None]:
    """What gives the slot back while it lives: methods die with their object, other callables live on."""
    return weakref.WeakMethod(slot) if ismethod(slot) else lambda: slot
