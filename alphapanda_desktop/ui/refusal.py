"""A window of its own for a program that cannot start: why, and what to do, where no terminal would tell it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QCloseEvent
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.pages import ProblemPage
from alphapanda_desktop.ui.words import say


class RefusalWindow(QWidget):
    """The page of a problem and a button that closes it. Signal: `closed()`."""

    closed = Signal()

    def __init__(self, edge: Edge, words: str) -> None:
        super().__init__(None)
        self.setObjectName("refusal_window")
        self.setWindowTitle(say("AlphaPanda could not start"))
        self.resize(760, 420)
        away = QPushButton(say("Close"), self)
        away.setObjectName("refusal_close")
        away.clicked.connect(lambda _checked=False: self.close())
        whole = QVBoxLayout(self)
        whole.addWidget(ProblemPage(edge, "AlphaPanda could not start", words, None, self), 1)
        whole.addWidget(away)

    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.closed.emit()
