"""What may be asked of a window and its menus: an entry, the actions that have keys, a beat; no asker needs Qt."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMainWindow, QMenu

from alphapanda_desktop.ui.words import say


def view_menu_of(window: QMainWindow) -> QMenu | None:
    """The window's View menu, by its name."""
    return menu_of(window, "&View")


def menu_of(window: QMainWindow, name: str) -> QMenu | None:
    """One of the window's menus, by its English name."""
    for action in window.menuBar().actions():
        menu = action.menu()
        if isinstance(menu, QMenu) and action.text() == say(name):
            return menu
    return None


def entry(
    menu: QMenu, name: str, words: str, work: Callable[[], object], *, above_last: bool = False, enabled: bool = True
) -> QAction:
    """A new entry of that object name at the menu's end, or above its last."""
    action = QAction(say(words), menu)
    action.setObjectName(name)
    action.setEnabled(enabled)
    action.triggered.connect(lambda _checked=False: work())
    there = menu.actions()
    if above_last and there:
        menu.insertAction(there[-1], action)
    else:
        menu.addAction(action)
    return action


def keyed_actions(window: QMainWindow) -> list[QAction]:
    """Every action of the menus that has a key: another window hears none of them by itself."""
    keyed, left = [], list(window.menuBar().actions())
    while left:
        action = left.pop(0)
        menu = action.menu()
        if isinstance(menu, QMenu):
            left += menu.actions()
        elif not action.shortcut().isEmpty():
            keyed.append(action)
    return keyed


def beat(window: QMainWindow, every_ms: int, look: Callable[[], None]) -> None:
    """Call `look` that often for as long as the window lives."""
    timer = QTimer(window)
    timer.timeout.connect(look)
    timer.start(every_ms)
