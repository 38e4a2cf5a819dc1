"""Rows of a table carried with the mouse: to another place, onto a tab, onto a chart in any window of the program.

Qt's own drag runs a loop of its own until the button is let go, in which no task of the program goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QApplication, QFrame, QWidget

from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import say

OFFSET: Final = QPoint(14, 10)
"""Where the label hangs from the pointer: never beneath it."""

Take = Callable[[Any, QPoint], None]
"""Called with the row and where in the taking widget it was let go."""


class Carry(QObject):
    """Carries the row under the pressed button to whichever widget was named by `onto`; owned by its table."""

    def __init__(self, table: TableView, words: Callable[[Any], str]) -> None:
        super().__init__(table)
        self._table = table
        self._words = words
        self._takers: list[tuple[QWidget, Take]] = []
        self._pressed: QPoint | None = None
        self._row: Any | None = None
        self._label = Words(table, Qt.WindowType.ToolTip | Qt.WindowType.WindowTransparentForInput)
        self._label.setContentsMargins(8, 4, 8, 4)
        self._label.setFrameShape(QFrame.Shape.Box)
        self._label.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        table.viewport().installEventFilter(self)
        table.installEventFilter(self)

    @property
    def carrying(self) -> bool:
        return self._row is not None

    def onto(self, widget: QWidget, take: Take) -> None:
        """Let rows be put down on this widget, or on anything within it."""
        self._takers = [one for one in self._takers if shiboken6.isValid(one[0])] + [(widget, take)]

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent):
            return self._mouse(event)
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self.carrying:
            if event.key() == Qt.Key.Key_Escape:
                self._let_go()
            return True
        return False

    def _mouse(self, event: QMouseEvent) -> bool:
        where = event.position().toPoint()
        if event.type() == QEvent.Type.MouseButtonPress:
            self._pressed = where if event.button() == Qt.MouseButton.LeftButton else None
        elif event.type() == QEvent.Type.MouseMove and event.buttons() & Qt.MouseButton.LeftButton:
            self._begin(where)
            self._label.move(event.globalPosition().toPoint() + OFFSET)
            return self._pressed is not None  # the table would take the move for a wider selection
        elif event.type() == QEvent.Type.MouseButtonRelease and self.carrying:
            row = self._row
            self._let_go()
            self._put_down(row, event.globalPosition().toPoint())
        return False

    def _begin(self, where: QPoint) -> None:
        if self.carrying or self._pressed is None:
            return
        index = self._table.indexAt(self._pressed)
        far = (where - self._pressed).manhattanLength() >= QApplication.startDragDistance()
        if far and index.isValid():
            self._row = self._table.current_row()
            self._label.setText(say(self._words(self._row)))
            self._label.adjustSize()
            self._label.show()

    def _let_go(self) -> None:
        self._row = self._pressed = None
        self._label.hide()

    def _put_down(self, row: Any, at: QPoint) -> None:
        beneath = QApplication.widgetAt(at)
        while beneath is not None:
            for widget, take in self._takers:
                if shiboken6.isValid(widget) and widget is beneath:
                    take(row, widget.mapFromGlobal(at))
                    return
            beneath = beneath.parentWidget()
