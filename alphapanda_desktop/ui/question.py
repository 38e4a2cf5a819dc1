"""A question before something is sent: what will happen, to what, and in which mode, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from alphapanda_desktop.ui.edge import Edge, ask
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import say

MODE_WORDS: Final = {
    "practice": "the practice exchange on this machine",
    "paper": "filled by this program, nothing leaves it",
    "live": "real orders to Zerodha with real money",
    "replay": "a recorded day, nothing leaves this program",
}
MODE_ROLES: Final[dict[str, Role]] = {
    "practice": "practice",
    "paper": "paper",
    "live": "live",
    "replay": "replay",
}
LINES_SEEN: Final = 12
WIDTH: Final = 460


def mode_words(mode: str) -> str:
    """The mode as no one can mistake it: shape, word, and what it means."""
    return f"{MODE_MARKS.get(mode, mode.upper())} · {MODE_WORDS.get(mode, 'unknown mode')}"


def mode_label(mode: str, edge: Edge, parent: QWidget) -> QLabel:
    """A framed line that says the mode, in its colour."""
    label = Words(say(mode_words(mode)), parent)
    label.setFont(ui_font(10, bold=True))
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    colour = edge.theme.colour(MODE_ROLES.get(mode, "warn")).name()
    label.setStyleSheet(f"color: {colour}; border: 1px solid {colour}; border-radius: 4px; padding: 4px 8px;")
    return label


class Question(QDialog):
    """Asks for a yes in the words of what it does. `face` colours the yes: "BUY", "SELL" or "KILL".

    Object names: `question_yes`, `question_back`, `question_words`. Enter says yes, Esc goes back.
    """

    def __init__(
        self, title: str, lines: Sequence[str], yes: str, mode: str, edge: Edge, parent: QWidget, face: str = ""
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(say(title))
        self.setFixedWidth(WIDTH)
        heading = Words(say(title), self)
        heading.setFont(ui_font(12, bold=True))
        heading.setWordWrap(True)
        self.words = Words(say("\n".join(lines)), self)
        self.words.setObjectName("question_words")
        self.words.setWordWrap(True)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.box = QVBoxLayout(self)
        self.box.setContentsMargins(14, 12, 14, 12)
        self.box.setSpacing(10)
        self.box.addWidget(mode_label(mode, edge, self))
        self.box.addWidget(heading)
        self.box.addWidget(self.words if len(lines) <= LINES_SEEN else _scrolled(self.words, self))
        self._build_buttons(yes, face)

    def _build_buttons(self, yes: str, face: str) -> None:
        self.back = QPushButton(say("Back"), self)
        self.back.setObjectName("question_back")
        self.back.setAutoDefault(False)
        self.back.clicked.connect(self.reject)
        self.yes = QPushButton(say(yes), self)
        self.yes.setObjectName("question_yes")
        self.yes.setDefault(True)
        self.yes.setMinimumHeight(32)
        if face:
            self.yes.setProperty("order", face)
        self.yes.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.addWidget(self.back)
        row.addWidget(self.yes, 1)
        self.box.addLayout(row)
        self.yes.setFocus()


def _scrolled(words: QLabel, parent: QWidget) -> QScrollArea:
    area = QScrollArea(parent)
    area.setWidget(words)
    area.setWidgetResizable(True)
    area.setFixedHeight(words.fontMetrics().lineSpacing() * LINES_SEEN)
    return area


class Asker:
    """Asks one question at a time: one that is open is brought to the front, and the new one is not asked."""

    def __init__(self) -> None:
        self.open: QDialog | None = None

    async def confirmed(self, question: QDialog) -> bool:
        """Whether the question was answered with yes; the dialog is gone afterwards."""
        if self.open is not None:
            self.open.raise_()
            self.open.activateWindow()
            question.deleteLater()
            return False
        self.open = question
        try:
            return await ask(question) == QDialog.DialogCode.Accepted.value
        finally:
            self.open = None
            question.deleteLater()
