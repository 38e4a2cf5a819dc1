"""Whether a screen has room for the window at the size that the settings ask for.

Qt takes the size before it knows of any screen. So the screen of the run before is remembered, and a size that would
put the kill switch beyond its edge is made smaller, and that is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

LEAST: Final = (1180, 640)
"""Room that the panels, the chart and a ticket need beside one another, in pixels at 100 %."""


def fitting(asked_pct: int, screen: str) -> int:
    """The size in per cent that a screen, such as "1600x900", has room for; as asked where it is not known."""
    wide, _, high = screen.partition("x")
    if not (wide.isdecimal() and high.isdecimal()):
        return asked_pct
    most = min(int(wide) / LEAST[0], int(high) / LEAST[1])
    return max(100, min(asked_pct, int(most * 100) // 5 * 5))


def settle(window: QMainWindow, asked_pct: int, save: Callable[[str, object], None]) -> str:
    """Remember the screen that the window is on; what is to be said of the size asked for, if anything."""
    room, ratio = window.screen().availableGeometry().size(), window.screen().devicePixelRatio()
    screen = f"{round(room.width() * ratio)}x{round(room.height() * ratio)}"
    save("screen", screen)
    fits = fitting(asked_pct, screen)
    if fits == asked_pct:
        return ""
    return f"This screen of {screen.replace('x', ' × ')} has room for a size of {fits} %; {asked_pct} % is asked for."
