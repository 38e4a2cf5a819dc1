"""The log of notices: time, words, colour by level; newest last, searchable, nothing older than the last thousand.

Object names for the tour: `log_search`, `log_level`, `log_lines`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from html import escape
from typing import Final, NamedTuple

from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QLineEdit, QPlainTextEdit, QVBoxLayout, QWidget

from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

LINES_KEPT: Final = 1000
ROLES: Final[dict[str, Role]] = {"info": "text", "warning": "warn", "danger": "danger", "error": "danger"}
WORDS: Final = {"info": "", "warning": "warning: ", "danger": "error: ", "error": "error: "}
"""The level is told by a word too, never by colour alone."""

LEVELS: Final[dict[str, frozenset[str]]] = {
    "Everything": frozenset(WORDS),
    "Warnings and errors": frozenset({"warning", "danger", "error"}),
    "Errors": frozenset({"danger", "error"}),
}


class LogEntry(NamedTuple):
    """One notice; `at` aware UTC."""

    at: datetime
    level: str
    text: str


def _wall_clock() -> datetime:
    return datetime.now(UTC)


class LogPanel(QWidget):
    """Notices, newest last. `now` gives the time a line carries: the market's where one is handed in."""

    def __init__(self, edge: Edge, now: Callable[[], datetime] = _wall_clock, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edge = edge
        self._now = now
        self._entries: deque[LogEntry] = deque(maxlen=LINES_KEPT)
        self.search = QLineEdit(self)
        self.search.setObjectName("log_search")
        self.search.setPlaceholderText(say("Find in the log"))
        self.search.setAccessibleName(say("Find in the log"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._show_all())
        self.level = QComboBox(self)
        self.level.setObjectName("log_level")
        self.level.setAccessibleName(say("Which lines of the log"))
        self.level.addItems(list(LEVELS))
        self.level.currentTextChanged.connect(lambda _text: self._show_all())
        self.found = QLabel(self)
        self.found.setStyleSheet(f"color: {edge.theme.muted};")
        self.lines = QPlainTextEdit(self)
        self.lines.setObjectName("log_lines")
        self.lines.setAccessibleName(say("Log"))
        self.lines.setReadOnly(True)
        self.lines.setFrameShape(QFrame.Shape.NoFrame)
        self.lines.setMaximumBlockCount(LINES_KEPT)
        self.lines.setPlaceholderText(say("Nothing to report yet."))
        bar = QHBoxLayout()
        bar.setContentsMargins(6, 4, 6, 2)
        bar.addWidget(self.search, 1)
        bar.addWidget(self.level)
        bar.addWidget(self.found)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addWidget(self.lines, 1)

    def add(self, text: str, level: str) -> None:
        """One more line, with the time now."""
        entry = LogEntry(self._now(), level, text)
        self._entries.append(entry)
        if self._matches(entry):
            self.lines.appendHtml(self._html(entry))
        self._count()

    def entries(self) -> list[LogEntry]:
        """What is kept, oldest first."""
        return list(self._entries)

    def _matches(self, entry: LogEntry) -> bool:
        if entry.level not in LEVELS[self.level.currentText()]:
            return False
        said = f"{formats.ist_time(entry.at)} {WORDS.get(entry.level, '')}{entry.text}".lower()
        return all(word in said for word in self.search.text().lower().split())

    def _show_all(self) -> None:
        self.lines.clear()
        for entry in self._entries:
            if self._matches(entry):
                self.lines.appendHtml(self._html(entry))
        self._count()

    def _count(self) -> None:
        if not self.search.text().strip() and not self.level.currentIndex():
            self.found.clear()
            return
        self.found.setText(say(f"{sum(map(self._matches, self._entries))} of {len(self._entries)}"))

    def _html(self, entry: LogEntry) -> str:
        theme = self._edge.theme
        colour = getattr(theme, ROLES.get(entry.level, "text"))
        words = escape(WORDS.get(entry.level, "") + entry.text).replace("\n", "<br>")
        at = formats.ist_time(entry.at)
        return f"<span style='color:{theme.muted}'>{at}</span>&nbsp;&nbsp;<span style='color:{colour}'>{words}</span>"
