"""Windows beside the main one: what keys mean there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from alphapanda_desktop.ui.companions import Companions


@pytest.fixture
def main(qtbot: Any) -> QMainWindow:
    window = QMainWindow()
    qtbot.addWidget(window)
    menu = window.menuBar().addMenu("Workspace")
    for name, key in (("Review", "Ctrl+Alt+3"), ("Read again", "F5"), ("Without a key", "")):
        menu.addAction(name).setShortcut(QKeySequence(key))
    return window


def test_the_menus_keys_work_in_a_window_beside_the_main_one_where_they_mean_nothing_else(main: QMainWindow) -> None:
    companions = Companions(cast(Any, main), cast(Any, SimpleNamespace()))
    beside = QWidget(main, Qt.WindowType.Window)
    QShortcut(QKeySequence("F5"), beside)
    beside.installEventFilter(companions)
    for _ in range(2):
        QApplication.sendEvent(beside, QEvent(QEvent.Type.WindowActivate))
    assert [action.text() for action in beside.actions()] == ["Review"]
