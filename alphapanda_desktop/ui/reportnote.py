"""The journal beside the results: what a person writes of one day, of an instrument or a strategy on it, and tags.

Object names: `review_note_about`, `review_note_text`, `review_note_tags`, `review_note_save`, `review_note_said`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.daynotes import DayNote, tags_in
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import Pick
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say


class NoteEditor(QWidget):
    """Fields of one day's notes. Signal: `written(DayNote)`; words are never lost, leaving them writes them too.

    What was written counts before what is read until the journal, read again, says it too.
    """

    written = Signal(object)

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edge = edge
        self._day: date | None = None
        self._about = ""
        self._notes: dict[str, DayNote] = {}
        self._drafts: dict[tuple[date, str], DayNote] = {}
        """Words that were given away and not yet read again."""
        self._refused: set[tuple[date, str]] = set()
        """Which of them the disk did not take."""
        self.title = Words(say("Choose a day to write about it."), self)
        self.title.setFont(ui_font(11, bold=True))
        self.about = Pick(self)
        self.about.setObjectName("review_note_about")
        self.about.setAccessibleName(say("What the note is about"))
        self.about.currentIndexChanged.connect(lambda _place: self._turn())
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("review_note_text")
        self.text.setAccessibleName(say("Note"))
        self.text.setTabChangesFocus(True)
        self.text.setPlaceholderText(say("What was planned, what was done, what is to be done otherwise."))
        self.tags = QLineEdit(self)
        self.tags.setObjectName("review_note_tags")
        self.tags.setAccessibleName(say("Tags"))
        self.tags.setPlaceholderText(say("tags: trend, late, news"))
        self.save = QPushButton(say("Save note"), self)
        self.save.setObjectName("review_note_save")
        self.save.setAccessibleName(say("Save note"))
        self.save.setToolTip(say("Ctrl+S"))
        self.save.clicked.connect(lambda _checked=False: self.write())
        self.said = Words("", self)
        self.said.setObjectName("review_note_said")
        self.said.setStyleSheet(f"color: {edge.theme.muted};")
        QShortcut(QKeySequence("Ctrl+S"), self.window()).activated.connect(self.write)
        for signal in (self.text.textChanged, self.tags.textChanged):
            signal.connect(self._edited)
        self._lay_out()
        self._enable()

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.said, 1)
        row.addWidget(self.save)
        box = QVBoxLayout(self)
        box.setContentsMargins(12, 10, 12, 10)
        for widget in (self.title, self.about):
            box.addWidget(widget)
        box.addWidget(self.text, 1)
        box.addWidget(self.tags)
        box.addLayout(row)

    @property
    def day(self) -> date | None:
        """The day that is written about."""
        return self._day

    def show_day(self, day: date | None, abouts: Sequence[str], notes: Sequence[DayNote]) -> None:
        """Offer this day with its notes; `abouts` are the instruments and strategies of it.

        The same day read again leaves what is said of its words: they were saved just now.
        """
        self._write(again=day != self._day)
        if day != self._day:
            self.said.setText("")
        about = self._about if day == self._day else ""
        self._day, self._notes = day, {note.about: note for note in notes}
        self._take_drafts()
        self.title.setText(say(f"{day:%A}, {day.day} {day:%B %Y}" if day else "Choose a day to write about it."))
        self.about.blockSignals(True)
        self.about.clear()
        self.about.addItem(say("The whole day"), "")
        for name in dict.fromkeys([*abouts, *(one for one in self._notes if one)]):
            self.about.addItem(say(f"{name} ✎" if name in self._notes else name), name)
        self.about.setCurrentIndex(max(0, self.about.findData(about)))
        self.about.blockSignals(False)
        self._show()

    def write(self) -> None:
        """Give the words away to be kept, where they differ from what is kept, or were not taken."""
        self._write(again=True)

    def _write(self, *, again: bool) -> None:
        note = self._now()
        if note is not None and (note != self._kept() or (again and self._is_refused())):
            self._notes[note.about] = self._drafts[note.day, note.about] = note
            self._refused.discard((note.day, note.about))
            self.said.setText(say("Saving…"))
            self.save.setEnabled(False)
            self.written.emit(note)

    def is_kept(self, note: DayNote) -> None:
        """The words are on the disk."""
        if note == self._now():
            self.said.setText(say("Saved."))

    def is_refused(self, note: DayNote) -> None:
        """The disk did not take the words: they stay here, and can be saved again."""
        if self._drafts.get((note.day, note.about)) == note:
            self._refused.add((note.day, note.about))
        self._say_refused()
        self._enable()

    def _say_refused(self) -> None:
        words = say("These words are not saved: the disk did not take them.")
        if self._is_refused():
            self.said.setText(words)
        elif self.said.text() == words:
            self.said.setText("")

    def _is_refused(self) -> bool:
        return self._day is not None and (self._day, self._about) in self._refused

    def _take_drafts(self) -> None:
        """Words that the journal does not say yet count before what it says; an emptied note is none there."""
        for (day, about), draft in list(self._drafts.items()):
            if day != self._day:
                continue
            if self._notes.get(about, DayNote(day, about)) == draft:
                del self._drafts[day, about]
                self._refused.discard((day, about))
            else:
                self._notes[about] = draft

    def _now(self) -> DayNote | None:
        if self._day is None:
            return None
        return DayNote(self._day, self._about, self.text.toPlainText().strip(), tags_in(self.tags.text()))

    def _kept(self) -> DayNote | None:
        return None if self._day is None else self._notes.get(self._about, DayNote(self._day, self._about))

    def _turn(self) -> None:
        self.write()
        self.said.setText("")
        self._show()

    def _show(self) -> None:
        self._about = str(self.about.currentData() or "")
        note = self._kept()
        for field in (self.text, self.tags):
            field.blockSignals(True)
        if note is None or note != self._now():  # else the cursor would jump away from whoever is typing
            self.text.setPlainText(note.text if note is not None else "")
            self.tags.setText(", ".join(note.tags) if note is not None else "")
            self.said.setText("")
        for field in (self.text, self.tags):
            field.blockSignals(False)
        self._say_refused()
        self._enable()

    def _edited(self) -> None:
        self.said.setText("")
        self._enable()

    def _enable(self) -> None:
        for field in (self.about, self.text, self.tags):
            field.setEnabled(self._day is not None)
        self.save.setEnabled(self._now() is not None and (self._now() != self._kept() or self._is_refused()))
