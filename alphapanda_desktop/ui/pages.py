"""Calm pages of the centre: what the program is doing, and what went wrong with what to do."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say


class BusyPage(QWidget):
    """One sentence in the middle."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        box = QVBoxLayout(self)
        name = QLabel(say("AlphaPanda"), self)
        name.setFont(ui_font(22, bold=True))
        self.words = QLabel(say("Starting…"), self)
        self.words.setObjectName("busy_words")
        box.addStretch(1)
        box.addWidget(name, alignment=Qt.AlignmentFlag.AlignHCenter)
        box.addWidget(self.words, alignment=Qt.AlignmentFlag.AlignHCenter)
        box.addStretch(2)


class ProblemPage(QWidget):
    """What failed, in words, and a button to try again where that makes sense."""

    def __init__(self, edge: Edge, title: str, text: str, retry: Callable[[], None] | None, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("problem_page")
        box = QVBoxLayout(self)
        box.addStretch(1)
        heading = QLabel(say(title), self)
        heading.setFont(ui_font(16, bold=True))
        heading.setStyleSheet(f"color:{edge.theme.danger};")
        words = QLabel(say(text), self)
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
