"""What of keys and buttons has come to the program: between a hand and a window lie an X server and its queue."""

from __future__ import annotations

import ctypes
from typing import Any, Final

from PySide6.QtCore import QAbstractNativeEventFilter, QByteArray, QCoreApplication

KEY_PRESS: Final = 2
EXTENDED: Final = 35
"""An event of an extension: buttons are told by XInput, whose kind and device stand behind the head of all events."""

KIND_AT: Final = 8
DEVICE_AT: Final = 10
RELEASE: Final = 5
POINTER: Final = 2
"""The master pointer. Each button is told of the device that it is on as well."""

SHIFTED: Final = frozenset('~!@#$%^&*()_+{}|:"<>?')


class Arrivals(QAbstractNativeEventFilter):
    """Counts presses of keys, modifiers too, and releases of buttons from its making on; keeps nothing back."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = 0
        self.releases = 0

    def listen(self) -> None:
        """Count what comes to this program from now on."""
        app = QCoreApplication.instance()
        assert app is not None
        app.installNativeEventFilter(self)

    def nativeEventFilter(self, kind: QByteArray | bytes | bytearray | memoryview, message: int) -> Any:
        if bytes(kind) == b"xcb_generic_event_t":
            self._count(int(message))
        return False, 0

    def _count(self, address: int) -> None:
        code = ctypes.c_uint8.from_address(address).value & 0x7F
        if code == KEY_PRESS:
            self.keys += 1
        elif code == EXTENDED:
            kind, device = (ctypes.c_uint16.from_address(address + at).value for at in (KIND_AT, DEVICE_AT))
            self.releases += (kind, device) == (RELEASE, POINTER)


def presses_of(text: str) -> int:
    """How many keys are pressed to type it, Shift among them."""
    return sum(2 if letter.isupper() or letter in SHIFTED else 1 for letter in text)
