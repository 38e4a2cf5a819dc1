"""The system's own notifications, where it has a tray; a window that is minimised or behind others tells nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QMainWindow, QSystemTrayIcon

from alphapanda_desktop.ui.plain import bare
from alphapanda_desktop.ui.words import say

SHOWN_MS: Final = 10_000


class SystemNotice:
    """Shows notifications by the window's tray icon, and makes one where the system has a tray and the window none."""

    def __init__(self, window: QMainWindow, opened: Callable[[], object]) -> None:
        self._window = window
        self._opened = opened
        self._tray: QSystemTrayIcon | None = None

    @property
    def tray(self) -> QSystemTrayIcon | None:
        """The icon, where the system has a place for one."""
        if self._tray is None and QSystemTrayIcon.isSystemTrayAvailable() and QSystemTrayIcon.supportsMessages():
            known = self._window.findChild(QSystemTrayIcon)  # ui.tray's; it looks for a tray once a second
            self._tray = known if isinstance(known, QSystemTrayIcon) else self._made()
            self._tray.messageClicked.connect(self._opened)
        return self._tray

    def _made(self) -> QSystemTrayIcon:
        tray = QSystemTrayIcon(self._window.windowIcon(), self._window)
        tray.setToolTip(say("AlphaPanda"))
        tray.activated.connect(lambda _reason: self._opened())
        tray.show()
        return tray

    def show(self, title: str, text: str) -> bool:
        """Whether the system took the notification."""
        tray = self.tray
        if tray is None:
            return False
        tray.showMessage(bare(say(title)), bare(text), QSystemTrayIcon.MessageIcon.Information, SHOWN_MS)
        return True
