"""The program's style sheet, worn by each part of the main window and never by the window or by the program.

Qt styles every widget anew whose ancestor wears a sheet, each time that it changes its parent; docks do that five times
over as a workspace is changed. Above a dock's panel nothing wears one, so that all beneath it keeps its looks.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from PySide6.QtCore import QChildEvent, QEvent, QObject
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui.theme import LiveTheme, Theme, style_sheet

BARE: Final = "docks"
"""The part of the window whose parts are clothed one by one."""


def sheet_of(theme: Theme) -> str:
    """The program's style sheet; "" where no program wears these colours."""
    return style_sheet(theme) if isinstance(theme, LiveTheme) and theme.app is not None else ""


def clothe(widget: QWidget, theme: Theme, own: str = "") -> None:
    """Put the program's style sheet on a part of the window, and rules of its own after it."""
    sheet = sheet_of(theme) + own
    if sheet != widget.styleSheet():
        if widget.styleSheet():
            widget.ensurePolished()  # else Qt goes on with what it has read of the sheet that was there
        widget.setStyleSheet(sheet)


class Wardrobe(QObject):
    """Clothes parts of a window, and what comes into it or opens above it and wears nothing: menus, dialogs, labels."""

    def __init__(self, window: QWidget, theme: Theme, parts: Iterable[QWidget]) -> None:
        super().__init__(window)
        self._theme = theme
        for part in parts:
            clothe(part, theme)
        window.installEventFilter(self)

    def eventFilter(self, _window: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ChildPolished and isinstance(event, QChildEvent):
            came = event.child()
            if isinstance(came, QWidget) and came.objectName() != BARE:
                sheet = sheet_of(self._theme)
                if not came.styleSheet().startswith(sheet):
                    came.setStyleSheet(sheet + came.styleSheet())
        return False
