"""Whether a screen has room for the window at the size that the settings ask for."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QMainWindow

LEAST: Final = QSize(1180, 640)
"""Room that the panels, the chart and a ticket need beside one another, in pixels at 100 %."""


def no_room_for(window: QMainWindow) -> str:
    """Why this screen is too small for the window at its scale, and what fits; nothing where it is not."""
    screen = window.screen()
    room = screen.availableGeometry().size()
    return too_small(room, screen.devicePixelRatio())


def too_small(room: QSize, ratio: float) -> str:
    """The same for a screen's room, in units of which `ratio` pixels are one."""
    if ratio <= 1 or (room.width() >= LEAST.width() and room.height() >= LEAST.height()):
        return ""
    fits = min(room.width() / LEAST.width(), room.height() / LEAST.height()) * ratio
    pct = max(100, int(fits * 100) // 5 * 5)
    wide, high = round(room.width() * ratio), round(room.height() * ratio)
    return (
        f"At {ratio:.0%} this screen of {wide} × {high} has no room for all panels; {pct} % fits. "
        "Settings › Window › Size, from the next start on."
    )
