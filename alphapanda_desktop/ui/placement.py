"""Where the window was: read before anything else of the layout, for the first paint waits for it."""

from __future__ import annotations

import base64
import json
from typing import Final

from PySide6.QtCore import QByteArray, QSize
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

LEAST_ON_SCREEN: Final = QSize(120, 40)
"""As much of a window's top must be on a screen that the hand can take hold of it."""


def put_where_it_was(window: QWidget, layout: bytes) -> bool:
    """Place and size of the last run, on a screen in any case; False where none are known."""
    try:
        kept = json.loads(layout or b"{}")
        geometry = base64.b64decode(kept.get("geometry", ""), validate=True)
    except (ValueError, AttributeError, TypeError):  # of an earlier version, or spoilt
        return False
    if not geometry or not window.restoreGeometry(QByteArray(geometry)):
        return False
    bring_on_screen(window, window.screen())
    return True


def bring_on_screen(window: QWidget, home: QScreen) -> None:
    """Move a window whose top can be seen on no screen onto `home`, no larger than that."""
    frame = window.frameGeometry()
    for screen in QGuiApplication.screens():
        seen = screen.availableGeometry().intersected(frame)
        top_is_seen = not seen.isEmpty() and seen.top() <= frame.top() + LEAST_ON_SCREEN.height()
        if top_is_seen and seen.width() >= LEAST_ON_SCREEN.width() and seen.height() >= LEAST_ON_SCREEN.height():
            return
    room = home.availableGeometry()
    window.resize(window.size().boundedTo(room.size() * 0.9))
    window.move(room.center() - window.rect().center())
