"""Keeps the computer awake, but only while live trading is armed; the screen may go dark and lock as it likes.

Linux: the session's own inhibitors, in the order in which desktops have them, and logind's idle lock, over D-Bus; all
go with this process, however it ends. Windows: SetThreadExecutionState. macOS: caffeinate, which waits for us.
Source: freedesktop.org, org.freedesktop.PowerManagement.Inhibit, org.freedesktop.ScreenSaver, Inhibitor Locks;
Win32 SetThreadExecutionState; caffeinate(8).
"""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import count
from typing import Any, Final, NamedTuple

from PySide6.QtCore import QObject, Signal

PROGRAM: Final = "AlphaPanda"
REASON: Final = "live trading is armed"


class Way(NamedTuple):
    """One service of D-Bus that keeps awake, and what it is told."""

    words: str
    service: str
    path: str
    interface: str
    takes: tuple[str, ...]


# All of these let go of what a connection asked for once that connection is closed. That is how they are told here:
# their cookies are unsigned, and PySide6 6.11 has no way to send one back. GNOME's own session takes unsigned flags;
# it answers to the screen saver's name as well.
SESSION: Final = (
    Way("the desktop's power management", "org.freedesktop.PowerManagement.Inhibit",
        "/org/freedesktop/PowerManagement/Inhibit", "org.freedesktop.PowerManagement.Inhibit", (PROGRAM, REASON)),
    Way("the desktop's screen saver", "org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver",
        "org.freedesktop.ScreenSaver", (PROGRAM, REASON)),
)  # fmt: skip
LOGIND: Final = Way(
    "logind", "org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
    ("idle", PROGRAM, REASON, "block"),
)  # fmt: skip
_serial: Final = count()


class KeepAwake(QObject):
    """Holds what keeps the computer awake. Signal: `changed()`, once `words` say something else.

    `buses` are D-Bus addresses of session and system in place of their own.
    """

    changed = Signal()

    def __init__(self, parent: QObject | None = None, buses: tuple[str, str] | None = None) -> None:
        super().__init__(parent)
        self._buses = buses
        self._wanted = False
        self._asked: dict[object, list[Way]] = {}
        """Who is asked first and who after, by the call that has no answer yet."""
        self._held: list[object] = []
        self._lines: dict[bool, str] = {}
        """Names of the connections that are open, by whether they are the system's."""
        self._child: subprocess.Popen[bytes] | None = None
        self.held_by: list[str] = []
        self.why_not = ""

    @property
    def words(self) -> str:
        """Who keeps the computer awake, or why nobody does; empty where nobody is to."""
        if not self._wanted:
            return ""
        if self.held_by:
            return f"This computer does not fall asleep by itself while live is armed ({', '.join(self.held_by)})."
        return f"Nothing keeps this computer awake: {self.why_not}. Set it not to sleep while you trade."

    @property
    def settled(self) -> bool:
        """Whether everybody who was asked has answered."""
        return not self._asked

    def want(self, wanted: bool) -> None:
        """Keep it awake from now on, or no longer; asked again, it changes nothing."""
        if wanted == self._wanted:
            return
        self._wanted = wanted
        if wanted:
            self._hold()
        else:
            self._let_go()

    def _hold(self) -> None:
        self.why_not = ""
        if sys.platform == "win32":
            self._on_windows(True)
        elif sys.platform == "darwin":
            self._on_mac()
        else:
            self._on_linux()

    def _let_go(self) -> None:
        self._held.clear()  # the last reference to logind's descriptor closes it, and that is the word
        self._hang_up()
        if self._child is not None:
            self._child.terminate()
            self._child.wait(2.0)
            self._child = None
        if sys.platform == "win32":
            self._on_windows(False)
        self.held_by = []
        self.changed.emit()

    def _took(self, words: str, held: object = None) -> None:
        self._held.append(held)
        self.held_by.append(words)
        self.changed.emit()

    def _could_not(self, why: str) -> None:
        self.why_not = why
        self.changed.emit()

    # -- Linux -----------------------------------------------------------------------------------------------

    def _on_linux(self) -> None:
        try:
            import PySide6.QtDBus  # noqa: F401  # not every Qt has it
        except ImportError:
            self._could_not("this Qt has no D-Bus")
            return
        self._ask(list(SESSION))
        self._ask([LOGIND])

    def _bus(self, system: bool) -> Any:
        """A connection of our own, that nobody else keeps open."""
        from PySide6.QtDBus import QDBusConnection

        if system in self._lines:
            return QDBusConnection(self._lines[system])
        name = self._lines[system] = f"alphapanda awake {next(_serial)}"
        if self._buses is not None:
            return QDBusConnection.connectToBus(self._buses[system], name)
        kind = QDBusConnection.BusType
        return QDBusConnection.connectToBus(kind.SystemBus if system else kind.SessionBus, name)

    def _hang_up(self) -> None:
        if self._lines:
            from PySide6.QtDBus import QDBusConnection

            for name in self._lines.values():
                QDBusConnection.disconnectFromBus(name)
            self._lines.clear()

    def _ask(self, ways: list[Way]) -> None:
        """Ask the first of these; where it does not take it, the next."""
        if not ways or not self._wanted:
            self._done()
            return
        way, bus = ways[0], self._bus(ways[0] is LOGIND)
        if not bus.isConnected():
            self._done("there is no bus of the session or the system")
            return
        from PySide6.QtDBus import QDBusMessage, QDBusPendingCallWatcher

        call = QDBusMessage.createMethodCall(way.service, way.path, way.interface, "Inhibit")
        call.setArguments(list(way.takes))
        watcher = QDBusPendingCallWatcher(bus.asyncCall(call), self)
        self._asked[watcher] = ways
        watcher.finished.connect(self._answered)  # no lambda: one that is last to hold us would end us amid its own end

    def _answered(self, watcher: Any) -> None:
        ways = self._asked.pop(watcher)
        reply = watcher.reply()
        watcher.deleteLater()
        values = reply.arguments()
        if reply.errorMessage() or not values:
            self._ask(ways[1:])
        elif self._wanted:  # else it was disarmed meanwhile, and the connection that asked is closed
            self._took(ways[0].words, values[0])

    def _done(self, why: str = "neither desktop nor system takes the wish") -> None:
        if self._wanted and not self._held and not self._asked:
            self._could_not(why)

    # -- elsewhere -------------------------------------------------------------------------------------------

    def _on_mac(self) -> None:
        try:
            self._child = subprocess.Popen(["/usr/bin/caffeinate", "-i", "-w", str(os.getpid())])
        except OSError as error:
            self._could_not(f"caffeinate did not start ({error.strerror})")
        else:
            self._took("caffeinate")

    def _on_windows(self, wanted: bool) -> None:
        if sys.platform == "win32":
            import ctypes

            continuous, system_required = 0x80000000, 0x00000001
            state = continuous | system_required if wanted else continuous
            if not ctypes.windll.kernel32.SetThreadExecutionState(state):
                self._could_not("Windows did not take the wish")
            elif wanted:
                self._took("Windows")
