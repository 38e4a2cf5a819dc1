"""The log: notices to a person, or what the program wrote for a programmer; by level, searched, followed, copied.

Newest last, nothing older than the last thousand lines; the file has more.
Object names: `log_source`, `log_search`, `log_level`, `log_follow`, `log_copy`, `log_lines`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from html import escape
from itertools import islice
from logging import ERROR, WARNING
from typing import Final, NamedTuple

from PySide6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QPlainTextEdit,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.logs import RECENT, Line
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.sheet import copy_text
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


NOTICES: Final = "Notices"
PROGRAM: Final = "The program's log"


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
        self._notices: deque[LogEntry] = deque(maxlen=LINES_KEPT)
        self._read = 0
        """How many lines of the program's log were looked at."""
        self.source = self._choice("log_source", "What is shown", (NOTICES, PROGRAM))
        self.search = QLineEdit(self)
        self.search.setObjectName("log_search")
        self.search.setPlaceholderText(say("Find in the log"))
        self.search.setAccessibleName(say("Find in the log"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._show_all())
        self.level = self._choice("log_level", "Which lines of the log", LEVELS)
        self.found = Words(self)
        self.found.setStyleSheet(f"color: {edge.theme.muted};")
        self.follow = self._button("log_follow", "Follow", "Keep the newest line in sight")
        self.follow.setCheckable(True)
        self.follow.setChecked(True)
        self.follow.toggled.connect(self._followed)
        self.copy = self._button("log_copy", "Copy", "Put the lines that are shown on the clipboard")
        self.copy.clicked.connect(lambda _checked=False: self._copy())
        self.lines = QPlainTextEdit(self)
        self.lines.setObjectName("log_lines")
        self.lines.setAccessibleName(say("Log"))
        self.lines.setReadOnly(True)
        self.lines.setFrameShape(QFrame.Shape.NoFrame)
        self.lines.setMaximumBlockCount(LINES_KEPT)
        self.lines.setPlaceholderText(say("Nothing to report yet."))
        self.lines.verticalScrollBar().actionTriggered.connect(lambda _action: self._scrolled())
        bar = QHBoxLayout()
        bar.setContentsMargins(6, 4, 6, 2)
        bar.addWidget(self.source)
        bar.addWidget(self.search, 1)
        for widget in (self.level, self.found, self.follow, self.copy):
            bar.addWidget(widget)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addLayout(bar)
        whole.addWidget(self.lines, 1)
        edge.frames.add(self, self._frame)

    def _choice(self, name: str, title: str, words: Iterable[str]) -> QComboBox:
        box = QComboBox(self)
        box.setObjectName(name)
        box.setAccessibleName(say(title))
        for word in words:
            box.addItem(say(word), word)
        box.currentIndexChanged.connect(lambda _place: self._show_all())
        return box

    def _button(self, name: str, text: str, tip: str) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(say(text))
        button.setAccessibleName(say(text))
        button.setToolTip(as_tip(say(tip)))
        return button

    def add(self, text: str, level: str) -> None:
        """One more notice, with the time now."""
        entry = LogEntry(self._now(), level, text)
        self._notices.append(entry)
        if not self._of_program:
            self._append([entry])

    def entries(self) -> list[LogEntry]:
        """The notices that are kept, oldest first."""
        return list(self._notices)

    @property
    def _of_program(self) -> bool:
        return bool(self.source.currentData() == PROGRAM)

    def _frame(self) -> None:
        """Lines of the program's log come from any thread: they are taken up here, while they are looked at."""
        new = RECENT.count - self._read
        if new and self._of_program:
            self._read += new
            kept = tuple(RECENT.lines)
            self._append([_entry(line) for line in islice(kept, max(0, len(kept) - new), None)])

    def _kept(self) -> list[LogEntry]:
        if not self._of_program:
            return list(self._notices)
        return [_entry(line) for line in tuple(RECENT.lines)[-LINES_KEPT:]]

    def _append(self, entries: Iterable[LogEntry]) -> None:
        bar = self.lines.verticalScrollBar()
        at = bar.value()
        for entry in entries:
            if self._matches(entry):
                self.lines.appendHtml(self._html(entry))
        bar.setValue(bar.maximum() if self.follow.isChecked() else at)
        self._count()

    def _scrolled(self) -> None:
        """Who scrolls back wants to read; who scrolls to the end wants what comes."""
        bar = self.lines.verticalScrollBar()
        self.follow.setChecked(bar.sliderPosition() >= bar.maximum())

    def _copy(self) -> None:
        copy_text(self.lines.toPlainText(), self._edge, "The log")

    def _followed(self, on: bool) -> None:
        if on:
            bar = self.lines.verticalScrollBar()
            bar.setValue(bar.maximum())

    def _matches(self, entry: LogEntry) -> bool:
        if entry.level not in LEVELS[self.level.currentData()]:
            return False
        said = f"{formats.ist_time(entry.at)} {WORDS.get(entry.level, '')}{entry.text}".lower()
        return all(word in said for word in self.search.text().lower().split())

    def _show_all(self) -> None:
        self.lines.clear()
        self._read = RECENT.count
        self._append(self._kept())

    def _count(self) -> None:
        if not self.search.text().strip() and not self.level.currentIndex():
            self.found.clear()
            return
        kept = self._kept()
        self.found.setText(say(f"{sum(map(self._matches, kept))} of {len(kept)}"))

    def _html(self, entry: LogEntry) -> str:
        theme = self._edge.theme
        colour = getattr(theme, ROLES.get(entry.level, "text"))
        words = escape(WORDS.get(entry.level, "") + entry.text).replace("\n", "<br>")
        at = formats.ist_time(entry.at)
        return f"<span style='color:{theme.muted}'>{at}</span>&nbsp;&nbsp;<span style='color:{colour}'>{words}</span>"


def _entry(line: Line) -> LogEntry:
    level = "danger" if line.level >= ERROR else "warning" if line.level >= WARNING else "info"
    return LogEntry(datetime.fromtimestamp(line.at, UTC), level, f"{line.source}: {line.text}")
