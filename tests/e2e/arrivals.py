"""What of keys and buttons has come to the program: between a hand and a window lie an X server and its queue."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QGuiApplication

SHIFTED: Final = frozenset('~!@#$%^&*()_+{}|:"<>?')


class Arrivals(QObject):
    """Counts presses of keys, modifiers too, and of buttons on the windows it listens at; keeps nothing back."""

    def __init__(self) -> None:
        super().__init__()
        self.keys = 0
        self.buttons = 0

    def listen(self) -> None:
        """Count what comes to each window that there is now."""
        for window in QGuiApplication.allWindows():
            window.installEventFilter(self)  # one that it has it moves to the front

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride:  # comes first of each press, be it a shortcut's or not
            self.keys += 1
        elif kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick):
            self.buttons += 1  # what is let go may go to a menu that has come up between
        return False


def presses_of(text: str) -> int:
    """How many keys are pressed to type it, Shift among them."""
    return sum(2 if letter.isupper() or letter in SHIFTED else 1 for letter in text)
