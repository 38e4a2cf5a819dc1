"""What lay under a menu is painted anew as that goes, also where a web page once stood in the window."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRect
from PySide6.QtGui import QPaintEvent, QRegion
from PySide6.QtWidgets import QApplication, QWidget

from alphapanda_desktop.ui.uncovered import Uncovered


class Page(QWidget):
    """Notes what of it was painted."""

    painted = QRegion()

    def paintEvent(self, event: QPaintEvent) -> None:
        self.painted = self.painted.united(event.region())


def test_a_part_that_comes_into_sight_again_is_painted_anew(qtbot: Any) -> None:
    window = Page()
    qtbot.addWidget(window)
    window.resize(300, 200)
    child = Page(window)
    child.setGeometry(100, 50, 100, 100)
    with qtbot.waitExposed(window, timeout=60_000):
        window.show()
    Uncovered(window)
    handle = window.windowHandle()
    qtbot.waitUntil(lambda: child.painted.contains(QRect(0, 0, 100, 100)), timeout=60_000)
    window.painted = child.painted = QRegion()
    menu_was_here = QRect(120, 60, 40, 30)
    QApplication.sendEvent(handle, QPaintEvent(QRegion(menu_was_here)))
    here, there = menu_was_here.center(), menu_was_here.translated(-100, -50).center()
    qtbot.waitUntil(lambda: window.painted.contains(here) and child.painted.contains(there), timeout=60_000)
