"""What lay under a menu or another program's window is painted anew as that goes."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QWidget


class Uncovered(QObject):
    """Asks for the parts of a window that the system says are in sight again; lives as long as the window does.

    WORKAROUND Qt 6.11: once a web page was within the window, also in a native window of its own, Qt answers such a
    part with an empty texture list and copies nothing of it, so that a closed menu stays to be seen
    (QWidgetRepaintManager::sync gives `flush` no region where a child drew into textures).
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        handle = window.windowHandle()
        if handle is not None:
            handle.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and isinstance(event, QPaintEvent):
            self._window.update(event.region())
        elif event.type() == QEvent.Type.Expose:
            self._window.update()
        return False
