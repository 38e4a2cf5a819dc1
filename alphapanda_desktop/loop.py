"""The one loop: qasync on Qt, with its measured gaps closed.

qasync makes a coarse Qt timer for every `call_soon` and `call_later`: timers fire up to 5 % early, and under heavy
painting each hop waits for a whole paint. Here ready callbacks sit in one queue drained by one posted event within
a time budget, so that input and timers always get their turn; timers sit in one heap behind one precise timer and
never fire early. Async-generator hooks, which qasync leaves out, are installed.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import math
import sys
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context
from typing import Any, Final

from PySide6.QtCore import QCoreApplication, QEvent, QEventLoop, QObject, Qt, QTimer

import qasync  # isort: skip  (after PySide6: qasync takes the binding that is already imported)

BUDGET_S: Final = 0.004
"""How long one drain may run before Qt's own events get their turn."""


MANY: Final = 100
"""So many cancelled timers may wait among the others before they are swept out."""


class _Pump(QObject):
    """Turns a posted Qt event into one drain."""

    def __init__(self, drain: Callable[[], None]) -> None:
        super().__init__()
        self._drain = drain

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.User:
            self._drain()
            return True
        return super().event(event)


class _LocalExec:
    """Stands in for the QApplication in tests: a local event loop, so that the loop may be entered many times.

    QtWebEngine dies at the second aboutToQuit, which every QApplication.exec() emits.
    """

    def __init__(self, app: QCoreApplication) -> None:
        self._app = app
        self._stack: list[QEventLoop] = []

    def exec(self) -> int:
        loop = QEventLoop()
        self._stack.append(loop)
        try:
            return loop.exec()
        finally:
            self._stack.remove(loop)

    def exit(self, code: int = 0) -> None:
        if self._stack:
            self._stack[-1].exit(code)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._app, name)


class AppLoop(qasync.QEventLoop):  # type: ignore[misc]
    """qasync's loop with fair, precise scheduling. `reentrant` is for tests: it may then be run many times."""

    def __init__(self, app: QCoreApplication | None = None, *, reentrant: bool = False) -> None:
        application = app or QCoreApplication.instance()
        if application is None:
            raise RuntimeError("a QApplication must exist before its loop")
        self._ready_queue: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self._cancelled = 0
        self._posted = False
        self._draining = False
        self._pump = _Pump(self._drain_posted)
        self._alarm = QTimer()
        self._alarm.setSingleShot(True)
        self._alarm.setTimerType(Qt.TimerType.PreciseTimer)
        self._alarm.timeout.connect(self._ring)
        super().__init__(_LocalExec(application) if reentrant else application)

    @property
    def backlog(self) -> int:
        """How many callbacks wait for their turn."""
        return len(self._ready_queue)

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> asyncio.Handle:
        self._check_closed()
        handle = asyncio.Handle(callback, args, self, context)
        self._ready_queue.append(handle)
        self._post()
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        self._check_closed()
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        if self._timers[0][2] is handle:
            self._set_alarm()
        return handle

    def time(self) -> float:
        return time.monotonic()

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """asyncio calls this when a timer is cancelled. Most are: each request's deadline, long before its time."""
        self._cancelled += 1
        if self._cancelled > MANY and self._cancelled * 2 > len(self._timers):
            self._timers = [entry for entry in self._timers if not entry[2].cancelled()]
            heapq.heapify(self._timers)
            self._cancelled = 0

    def _post(self) -> None:
        if not self._posted and not self._draining:
            self._posted = True
            QCoreApplication.postEvent(self._pump, QEvent(QEvent.Type.User), Qt.EventPriority.NormalEventPriority.value)

    def _drain_posted(self) -> None:
        self._posted = False
        self._drain()

    def _drain(self) -> None:
        if self._draining:
            return
        self._draining = True
        queue, until = self._ready_queue, time.perf_counter() + BUDGET_S
        try:
            while queue:  # what is added meanwhile runs too, until the budget sends us back to Qt
                handle = queue.popleft()
                if not handle.cancelled():
                    handle._run()
                if time.perf_counter() > until:
                    break
        finally:
            self._draining = False
            if queue:
                self._post()

    def _set_alarm(self) -> None:
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
        if not timers:
            self._alarm.stop()
            return
        wait_ms = math.ceil(max(0.0, timers[0][0] - self.time()) * 1000)
        self._alarm.start(min(wait_ms, 2_000_000_000))

    def _ring(self) -> None:
        now = self.time()
        while self._timers and self._timers[0][0] <= now:
            handle = heapq.heappop(self._timers)[2]
            if not handle.cancelled():
                self._ready_queue.append(handle)
        self._set_alarm()
        self._drain()

    def run_forever(self) -> Any:
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=self._asyncgen_firstiter_hook, finalizer=self._asyncgen_finalizer_hook)
        try:
            if self._ready_queue:
                self._post()
            return super().run_forever()
        finally:
            sys.set_asyncgen_hooks(*hooks)

    def close(self) -> None:
        self._alarm.stop()
        self._timers.clear()
        self._ready_queue.clear()
        super().close()
