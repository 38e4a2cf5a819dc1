"""Where a window was: read before anything else of the layout, for the first paint waits for it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QByteArray, QDataStream, QRect, QSize, Qt
from PySide6.QtGui import QGuiApplication, QScreen
from PySide6.QtWidgets import QWidget

LEAST_ON_SCREEN: Final = QSize(120, 40)
"""As much of a window's top must be on a screen that the hand can take hold of it."""
MAGIC: Final = 0x1D9D0CB
"""By which Qt knows what `saveGeometry` gave."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is of use in kept geometry on whatever screens there are now."""

    rect: QRect
    maximised: bool


def on_paper() -> bool:
    """Whether nothing is shown: the screen that Qt names then is nominal, and there is endless room."""
    return QGuiApplication.platformName() == "offscreen"


def place_in(geometry: bytes) -> Place | None:
    """The place that `saveGeometry` kept; None where this is none of its texts."""
    stream = QDataStream(QByteArray(geometry))
    stream.setVersion(QDataStream.Version.Qt_4_0)
    magic, version, _minor = stream.readUInt32(), stream.readUInt16(), stream.readUInt16()
    frame, normal = QRect(), QRect()
    stream >> frame >> normal
    _screen, maximised = stream.readInt32(), stream.readUInt8()
    right = magic == MAGIC and version and stream.status() is QDataStream.Status.Ok and normal.isValid()
    return Place(normal, bool(maximised)) if right else None


def put_where_it_was(window: QWidget, layout: bytes) -> bool:
    """Place and size of the last run, on a screen in any case; False where none are known."""
    try:
        kept = json.loads(layout or b"{}")
        geometry = base64.b64decode(kept.get("geometry", ""), validate=True)
    except (ValueError, AttributeError, TypeError):  # of an earlier version, or spoilt
        return False
    return put(window, geometry, window.screen())


def put(window: QWidget, geometry: bytes, home: QScreen) -> bool:
    """Where `saveGeometry` saw it, as large as it was, on `home` where that place is gone; False where unreadable."""
    if not geometry:
        return False
    if not window.restoreGeometry(QByteArray(geometry)):
        place = place_in(geometry)  # Qt takes nothing at all from a screen a quarter wider or narrower than this one
        if place is None:
            return False
        window.resize(place.rect.size().boundedTo(home.availableGeometry().size()))
        window.move(place.rect.topLeft())
        if place.maximised:
            window.setWindowState(window.windowState() | Qt.WindowState.WindowMaximized)
    bring_on_screen(window, home)
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
