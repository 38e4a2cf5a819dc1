"""Calm pages of the centre: what the program is doing, and what went wrong with what to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QProgressBar, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

PATIENCE_S: Final = 3
"""What is over by then needs no more than its sentence."""


class BusyPage(QWidget):
    """One sentence in the middle; where it lasts, how long it does and the way out, which is to close the program."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._box = box = QVBoxLayout(self)
        self._since = 0
        self._stoppable = True
        self._lasting: tuple[QProgressBar, QLabel, QPushButton] | None = None
        name = Words(say("AlphaPanda"), self)
        name.setFont(ui_font(22, bold=True))
        self.words = Words(say("Starting…"), self)
        self.words.setObjectName("busy_words")
        box.addStretch(1)
        box.addWidget(name, alignment=Qt.AlignmentFlag.AlignHCenter)
        box.addWidget(self.words, alignment=Qt.AlignmentFlag.AlignHCenter)
        box.addStretch(2)
        self._seconds = QTimer(self)
        self._seconds.setInterval(1_000)
        self._seconds.timeout.connect(self.second)

    def tell(self, text: str, *, stoppable: bool = True) -> None:
        """What is done now. One that is `stoppable` ends with the program, and nothing of it stays half done."""
        self.words.setText(say(text))
        self._since, self._stoppable = 0, stoppable
        for widget in self._lasting or ():
            widget.hide()
        if self.isVisible():
            self._seconds.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._seconds.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._seconds.stop()

    def second(self) -> None:
        """One more second has gone by."""
        self._since += 1
        if self._since < PATIENCE_S:
            return
        bar, since, stop = self._lasting = self._lasting or self._made()
        since.setText(say(f"{self._since} s so far"))
        for widget in (bar, since):
            widget.show()
        stop.setVisible(self._stoppable)

    def _made(self) -> tuple[QProgressBar, QLabel, QPushButton]:
        """What most starts never need."""
        bar, since, stop = QProgressBar(self), Words(self), QPushButton(say("Stop, and close AlphaPanda"), self)
        bar.setRange(0, 0)
        bar.setTextVisible(False)
        bar.setFixedSize(260, 8)
        bar.setAccessibleName(say("It is being worked on"))
        since.setObjectName("busy_since")
        stop.setObjectName("busy_stop")
        stop.setAccessibleName(stop.text())
        stop.clicked.connect(lambda _checked=False: self.window().close())
        for place, widget in enumerate((bar, since, stop), self._box.indexOf(self.words) + 1):
            self._box.insertWidget(place, widget, alignment=Qt.AlignmentFlag.AlignHCenter)
        return bar, since, stop


class ProblemPage(QWidget):
    """What failed, in words, and a button to try again where that makes sense."""

    def __init__(self, edge: Edge, title: str, text: str, retry: Callable[[], None] | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("problem_page")
        box = QVBoxLayout(self)
        box.addStretch(1)
        heading = Words(say(title), self)
        heading.setFont(ui_font(16, bold=True))
        heading.setStyleSheet(f"color:{edge.theme.danger};")
        words = Words(say(text), self)
        words.setObjectName("problem_words")
        words.setWordWrap(True)
        words.setMaximumWidth(720)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        box.addWidget(heading, alignment=Qt.AlignmentFlag.AlignHCenter)
        words.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        row = QHBoxLayout()  # an alignment would give the words the height that they need at full width
        row.addStretch(1)
        row.addWidget(words, 1000)
        row.addStretch(1)
        box.addLayout(row)
        if retry is not None:
            button = QPushButton(say("Try again"), self)
            button.setObjectName("try_again")
            button.clicked.connect(retry)
            box.addWidget(button, alignment=Qt.AlignmentFlag.AlignHCenter)
        box.addStretch(2)
