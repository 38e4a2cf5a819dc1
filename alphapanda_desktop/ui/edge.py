"""The border between Qt and the rest: slots start work in a Scope, signals come in, frames tell when to draw.

Ticks only mark things stale; a widget looks at what changed once a frame, and only while it can be seen.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from inspect import ismethod
from math import gcd
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar
from weakref import WeakKeyDictionary

import shiboken6
from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtWidgets import QDialog, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Retry
from alphapanda_desktop.domain.progress import Progress, Stopped, Works
from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.trading.shedding import FRAME_HZ, Kind, Shedding
from alphapanda_desktop.ui.theme import DARK, Theme

if TYPE_CHECKING:  # the first paint does not wait for these
    import asyncio
    from concurrent.futures import Future

    from psygnal import SignalInstance

    from alphapanda_desktop.trading.scope import Scope

FRAME_MS: Final = 1000 // FRAME_HZ
LONGEST_FRAME_NS: Final = 1_000_000_000
"""A frame that is not on the screen by then holds up no other: nobody may be left with a picture that stands still."""
QUIET_NS: Final = 50_000_000
"""What came before that has been drawn."""
DOZE_MS: Final = 9 * FRAME_MS
"""From beat to beat while no feed says anything: ages and clocks go on, and an idle program is idle."""
DEEP_MS: Final = 30 * FRAME_MS
DEEP_NS: Final = 5_000_000_000
"""And after so long a silence, with nobody at work either: figures of whole seconds change in time still."""
AFTER_PAINT: Final = Qt.EventPriority.LowEventPriority.value - 1

T = TypeVar("T")

Level = Literal["info", "warning", "danger"]
Notify = Callable[[str, Level], None]


class FrameClock(QObject):
    """The program's one drawing beat: 60 frames a second for charts, 30 for the rest, fewer where `shedding` says so.

    It beats while anyone can be seen, and draws no frame while the one before is not on the screen. While the feed is
    silent it dozes, and the next thing that the feed says wakes it. Owners and callbacks that are methods are held
    weakly: the clock keeps no widget alive.
    """

    def __init__(
        self, parent: QObject | None = None, *, meter: Meter | None = None, shedding: Shedding | None = None
    ) -> None:
        super().__init__(parent)
        self.meter = meter or Meter()
        self.spent_ns = 0
        """Time from the beginnings of frames to their being on the screen, since the start."""
        self._shedding = shedding or Shedding()
        self._pulls: list[_Pull] = []
        self._kinds: WeakKeyDictionary[QWidget, Kind] = WeakKeyDictionary()
        self._number = 0
        self._step = 1
        self._began_ns = 0
        self._since_ns = 0
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._next)

    @property
    def running(self) -> bool:
        return self._timer.isActive()

    @property
    def count(self) -> int:
        """How many callbacks there are, those of hidden widgets included."""
        return len(self._pulls)

    @property
    def frame_ms(self) -> int:
        """Time from beat to beat."""
        return self._step * FRAME_MS

    def add(self, owner: QWidget, callback: Callable[[], None], kind: Kind | None = None) -> None:
        """Call back once a frame while `owner` is visible, until it is destroyed. Without a kind it is a table."""
        if kind is not None:
            self._kinds[owner] = kind
        self._pulls.append(_Pull(weakref.ref(owner), _held(callback)))
        owner.installEventFilter(self)
        owner.destroyed.connect(self._prune)
        self.consider()

    def draws(self, owner: QWidget, kind: Kind) -> None:
        """What this owner draws, for all its callbacks, from now on."""
        self._kinds[owner] = kind
        self.consider()

    def beat(self) -> None:
        """Draw everything that is seen, now."""
        self._draw(list(self._pulls))

    def _next(self) -> None:
        if self._began_ns and self.meter.now_ns() - self._began_ns < LONGEST_FRAME_NS:
            return  # the frame before is still on its way to the screen
        if self.dozes:
            self._draw(list(self._pulls))
            if self._timer.interval() != DEEP_MS and min(self.meter.silent_ns(), self.meter.still_ns()) > DEEP_NS:
                self._timer.start(DEEP_MS)
            return
        self._number += self._step
        level = self._shedding.level
        due = [pull for pull in self._pulls if not self._number % level.every(self._kind(pull.owner()))]
        if due:
            self._draw(due)
        all_drawn = len(due) == len(self._pulls)
        if all_drawn and self.meter.read_ns and self.meter.silent_ns() > QUIET_NS:
            self._doze()

    @property
    def dozes(self) -> bool:
        """Whether it beats slowly, because the feed is silent."""
        return self.meter.wake is not None

    def _doze(self) -> None:
        self.meter.wake = self._wake
        self._timer.start(DOZE_MS)

    def _wake(self) -> None:
        self.meter.wake = None
        if self._timer.isActive():
            self._timer.start(self.frame_ms)

    def stir(self) -> None:
        """Somebody is at work: what comes of it is seen as soon as ever."""
        self.meter.stir()
        if self.dozes:
            self._wake()

    def _kind(self, owner: QWidget | None) -> Kind:
        return self._kinds.get(owner, Kind.TABLE) if owner is not None else Kind.TABLE

    def _draw(self, due: list[_Pull]) -> None:
        began_ns, shown, all_kinds = self.meter.now_ns(), set[Kind](), self._seen_kinds()
        for pull in due:
            callback = pull.callback()
            if callback is not None and pull.seen():
                shown.add(self._kind(pull.owner()))
                callback()
        if shown and not self._began_ns:
            self._began_ns = began_ns
            # A tick counts as painted when the chart shows it; without a chart, when anything does.
            counts = Kind.CHART in shown or Kind.CHART not in all_kinds
            self._since_ns = self.meter.take_unpainted() if counts else 0
            # Qt paints on an event of low priority that the callbacks have asked for: this one comes after it.
            QCoreApplication.postEvent(self, QEvent(QEvent.Type.User), AFTER_PAINT)

    def customEvent(self, _event: QEvent) -> None:
        """The frame is on the screen."""
        began_ns, self._began_ns = self._began_ns, 0
        self.spent_ns += self.meter.now_ns() - began_ns
        self.meter.painted(began_ns, self._since_ns)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Show, QEvent.Type.Hide):
            # Qt sets the visible flag before it sends either event.
            self.stir()
            self.consider()
        return False

    def _prune(self, _gone: QObject | None = None) -> None:
        self._pulls = [pull for pull in self._pulls if pull.alive()]
        self.consider()

    def _seen_kinds(self) -> set[Kind]:
        return {self._kind(pull.owner()) for pull in self._pulls if pull.seen()}

    def consider(self) -> None:
        """Beat as often as what is seen now asks for; call it when the level of shedding has changed."""
        kinds = self._seen_kinds()
        if not kinds:
            self._timer.stop()
            return
        level = self._shedding.level
        step = gcd(*(level.every(kind) for kind in kinds))
        if step != self._step or not self._timer.isActive():
            self._step, self._number = step, 0
            if not self._timer.isActive():
                self.meter.take_unpainted()  # nobody was looking when these came
            self.meter.wake = None
            self._timer.start(self.frame_ms)


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


@dataclass(eq=False, repr=False)
class Edge:
    """What every widget is handed: where its work runs, its frames, its voice, its colours."""

    scope: Scope
    frames: FrameClock
    notify: Notify
    theme: Theme = DARK
    """A `LiveTheme` in the program; whoever keeps pictures of it asks to `follow` it."""
    works: Works = field(default_factory=Works)
    """Long work that runs now; the status bar shows it."""

    @property
    def meter(self) -> Meter:
        """What measures the program; the frame clock's."""
        return self.frames.meter

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        """Start work for a slot; an error we raise on purpose becomes a notice, any other goes to the scope."""
        self.frames.stir()
        task = self.scope.spawn(name, self._spoken(work, self.meter.now_ns()))
        task.add_done_callback(lambda _: work.close())  # a task cancelled before its first step never reaches it
        return task

    def work(self, progress: Progress, work: Coroutine[Any, Any, Any]) -> asyncio.Task[None]:
        """`spawn` work that is shown on the status bar with its share; stopping it there cancels the task too."""
        task = self.spawn(progress.name, self._shown(progress, work))
        progress.end = task.cancel
        task.add_done_callback(lambda _: work.close())
        return task

    async def _shown(self, progress: Progress, work: Coroutine[Any, Any, Any]) -> None:
        import asyncio

        with self.works.shown(progress):
            try:
                await work
            except asyncio.CancelledError:
                if progress.asked_to_stop:
                    self.notify(f"Stopped: {progress.name}.", "info")
                raise

    async def _spoken(self, work: Coroutine[Any, Any, Any], asked_ns: int) -> None:
        ended = self.meter.clicked(asked_ns)
        try:
            await work
        except Stopped as stopped:
            self.notify(str(stopped), "info")
        except AlphaPandaError as error:
            self.notify(str(error), "warning" if isinstance(error, Refused | Retry) else "danger")
        finally:
            ended()


async def ask(dialog: QDialog) -> int:
    """Show a dialog without stopping anything; what it was finished with (QDialog.DialogCode).

    It is never modal: a modal one would shadow the kill switch's key and its button. Afterwards the dialog is closed
    but alive, so that its fields can be read; `deleteLater` is the caller's. Cancelling closes it.
    """
    import asyncio

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


async def ended(work: Future[T]) -> T:
    """The result of work that another thread does."""
    import asyncio

    return await asyncio.wrap_future(work)


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
