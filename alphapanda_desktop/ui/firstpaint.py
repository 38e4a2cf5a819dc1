"""Qt alone until the window is on the screen: asyncio, qasync and all that is heavier are imported behind it."""

from __future__ import annotations

import logging

from PySide6.QtCore import QEvent, QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QWidget

log = logging.getLogger("alphapanda.start")


class _Watcher(QObject):
    """Ends a loop once the widget that it watches has painted."""

    def __init__(self, loop: QEventLoop) -> None:
        super().__init__()
        self._loop = loop
        self.seen = False

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and not self.seen:
            self.seen = True
            QTimer.singleShot(0, self._loop.quit)  # the filter comes before the paint, the timer after it
        return False


def until_painted(window: QWidget, patience_ms: int) -> None:
    """Return once a shown window has painted, or has not within that time. There must be no asyncio loop yet."""
    loop = QEventLoop()
    watcher = _Watcher(loop)
    window.installEventFilter(watcher)
    QTimer.singleShot(patience_ms, loop, loop.quit)
    loop.exec()
    window.removeEventFilter(watcher)
    if not watcher.seen:
        log.info("no paint within %d ms: the window may be hidden", patience_ms)
