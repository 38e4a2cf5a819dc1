"""What a window wears while it plays a recorded day: the controls, the striped frame, and a menu with their keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMainWindow, QMenu, QToolBar

from alphapanda_desktop.domain.replay import PRESETS, Transport
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.replay import ReplayBar
from alphapanda_desktop.ui.replayframe import StripedFrame
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.ui.desk import DeskView
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow


def wear(window: MainWindow, transport: Transport, parts: DeskParts, view: DeskView, edge: Edge) -> ReplayBar:
    """Put the controls under the strip, the frame about the window, and the menu before the last one."""
    bar = ReplayBar(transport, view.chart, parts.desk, parts.runner, edge, window)
    put_under_the_strip(window, bar)
    StripedFrame(window, edge)
    _add_menu(window, bar, transport)
    return bar


def put_under_the_strip(window: QMainWindow, bar: QToolBar) -> None:
    """Give the controls a line of their own: in one line with the strip they would leave no room for its kill key.

    A layout that was kept by a window without them puts them there, so this is to be done again after each restoring.
    """
    window.removeToolBar(bar)
    window.addToolBarBreak(Qt.ToolBarArea.TopToolBarArea)
    window.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)
    bar.show()


def _add_menu(window: MainWindow, bar: ReplayBar, transport: Transport) -> None:
    menu = QMenu(say("&Replay"), window)
    rows = (
        ("&Play or pause", "Ctrl+Space", bar.play_or_pause),
        ("On to the next &tick", "Ctrl+.", bar.step_tick),
        ("On to the end of the &bar", "Ctrl+Shift+.", bar.step_bar),
        ("&Faster", "Ctrl+]", partial(bar.faster, 5)),
        ("&Slower", "Ctrl+[", partial(bar.faster, -5)),
        *((f"Speed {grouped(speed)}×", "", partial(transport.set_speed, speed)) for speed in PRESETS),
        ("Back to the be&ginning…", "", bar.go_to_begin),
    )
    for words, key, work in rows:
        action = menu.addAction(say(words))
        action.triggered.connect(lambda _checked=False, work=work: work())
        if key:
            action.setShortcut(QKeySequence(key))
    menus = window.menuBar()
    menus.insertMenu(menus.actions()[-1], menu)
