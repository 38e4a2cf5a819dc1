"""A word before the computer sleeps, where the platform gives one, and a moment in which to answer it.

Linux tells through logind (PrepareForSleep), and waits a few seconds for whoever asked it to. Elsewhere nothing is
heard beforehand here; that it slept is noticed afterwards everywhere (clock.WakeWatch).
Source: freedesktop.org, org.freedesktop.login1.Manager, Inhibitor Locks.
"""

from __future__ import annotations

import sys
from typing import Any, Final

from PySide6.QtCore import SLOT, QObject, Signal, Slot

LOGIND: Final = ("org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager")


class SleepWatch(QObject):
    """Tells of sleep. Signal: `sleeping()`, once the computer is about to, while `told_beforehand`.

    `bus` is a D-Bus address in place of the system's own.
    """

    sleeping = Signal()

    def __init__(self, parent: QObject, bus: str = "") -> None:
        super().__init__(parent)
        self._address = bus
        self._bus: Any = None
        self._delay: Any = None
        self.why_not = "not asked yet"

    @property
    def told_beforehand(self) -> bool:
        """Whether the platform says so before it sleeps; `why_not` says why it does not."""
        return not self.why_not

    def start(self) -> None:
        """Watch from now on."""
        self.why_not = self._listen()
        if not self.why_not:
            self._ask_for_delay()

    def _listen(self) -> str:
        """Listen to logind; why not, empty when it can be heard."""
        if not sys.platform.startswith("linux"):
            return f"{sys.platform} does not say so beforehand"
        try:
            from PySide6.QtDBus import QDBusConnection
        except ImportError:
            return "this Qt has no D-Bus"
        bus = (
            QDBusConnection.connectToBus(self._address, self._address) if self._address else QDBusConnection.systemBus()
        )
        if not bus.isConnected():
            return "there is no system bus"
        slot: Any = SLOT("prepare(bool)")  # WORKAROUND PySide6 6.11: it takes text here, its own stubs say bytes
        if not bus.connect(*LOGIND, "PrepareForSleep", self, slot):
            return "logind cannot be heard"
        self._bus = bus
        return ""

    @Slot(bool)
    def prepare(self, going: bool) -> None:
        """What logind says: going to sleep, or back."""
        if going:
            self.sleeping.emit()
        else:
            self._ask_for_delay()

    def let_sleep(self) -> None:
        """Let the computer sleep now; without this it waits as long as logind lets it."""
        self._delay = None  # the last reference closes the descriptor, and that is the word

    def _ask_for_delay(self) -> None:
        from PySide6.QtDBus import QDBusMessage, QDBusPendingCallWatcher

        call = QDBusMessage.createMethodCall(*LOGIND, "Inhibit")
        call.setArguments(["sleep", "AlphaPanda", "positions may have stops that only this program watches", "delay"])
        watcher = QDBusPendingCallWatcher(self._bus.asyncCall(call), self)
        watcher.finished.connect(self._take_delay)

    def _take_delay(self, watcher: Any) -> None:
        reply = watcher.reply()
        watcher.deleteLater()
        values = reply.arguments()
        # Without it sleep is still told of, with no time to answer.
        self._delay = values[0] if values and not reply.errorMessage() else None

    @property
    def delays(self) -> bool:
        """Whether the computer waits for `let_sleep` before it sleeps, as long as logind lets it."""
        return self._delay is not None
