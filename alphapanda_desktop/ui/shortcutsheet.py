"""The sheet in which keys are changed: every action with its key, and who has a key that is asked for."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QKeyCombination, QSize, Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QKeySequenceEdit, QLineEdit, QWidget

from alphapanda_desktop.ui.columns import FittedColumns
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.shortcuts import PORTABLE, Entry, Shortcuts
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import say

FIXED: Final = "Letters alone, Enter, Esc and the keys of the panels are the same for everybody."
COLUMNS: Final[tuple[Column[Entry], ...]] = (
    Column("Where", value=lambda e: e.place, width_chars=18, colour=lambda _: "muted"),
    Column("What", value=lambda e: e.words, width_chars=44),
    Column("Key", value=lambda e: e.key, width_chars=18, colour=lambda e: "accent" if e.is_changed else None),
    Column("Usual key", value=lambda e: e.usual, width_chars=18, colour=lambda _: "muted"),
)  # fmt: skip


class ShortcutSheet(Sheet):
    """Pick an action, press its new key. A key that has another action is taken from it only when asked again."""

    least = QSize(900, 560)

    def __init__(self, shortcuts: Shortcuts, edge: Edge, parent: QWidget) -> None:
        super().__init__("shortcuts_sheet", "Keys of your own", edge, parent)
        self._shortcuts = shortcuts
        self._asked = ""
        self.search = QLineEdit(self)
        self.search.setObjectName("shortcuts_search")
        self.search.setAccessibleName(say("Find an action"))
        self.search.setPlaceholderText(say("Find an action: chart, limits, Ctrl+K …"))
        self.search.textChanged.connect(lambda _text: self.look())
        self.model: RowModel[Entry] = RowModel(COLUMNS, lambda e: (e.place, e.id), edge.theme, self)
        self.list = self._make_list()
        self.answer = self.line("", "warn", "shortcuts_answer")
        self.body.addWidget(self.line(FIXED))
        self.body.addWidget(self.search)
        self.body.addWidget(self.list, 1)
        self.body.addLayout(self._build_row())
        self.body.addWidget(self.answer)
        self.setFocusProxy(self.search)
        self.look()

    def _make_list(self) -> TableView:
        table = TableView(self.model, "No action is called like that.", self)
        table.setObjectName("shortcuts_list")
        table.setAccessibleName(say("Actions and their keys"))
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.chosen.connect(self._show_key)
        table.opened.connect(lambda _entry: self.field.setFocus())
        FittedColumns(table, ("Usual key", "Where"), "What")
        return table

    def _build_row(self) -> QHBoxLayout:
        self.field = QKeySequenceEdit(self)
        self.field.setObjectName("shortcuts_key")
        for heard in (self.field, *self.field.findChildren(QLineEdit)):  # the line in it is what has the keyboard
            heard.setAccessibleName(say("New key of the selected action"))
        self.field.setMaximumSequenceLength(1)
        # Tab is how one leaves it without a mouse.
        leave = (Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
        self.field.setFinishingKeyCombinations([QKeyCombination(key) for key in leave])
        self.field.editingFinished.connect(self._forget_question)
        self.give = self.button("shortcuts_give", "Give it this key", self._give)
        self.none = self.button("shortcuts_none", "No key", lambda: self._set(""))
        self.usual = self.button("shortcuts_usual", "Usual key", self._back)
        self.all = self.button("shortcuts_all", "All usual keys", self._all_back)
        row = QHBoxLayout()
        for widget in (self.field, self.give, self.none, self.usual):
            row.addWidget(widget)
        row.addStretch(1)
        row.addWidget(self.all)
        return row

    def look(self) -> None:
        """Show the actions that the typed words find, with their keys as they are."""
        typed = self.search.text().lower().split()
        entries = self._shortcuts.entries()
        self.model.update([e for e in entries if all(part in f"{e.place} {e.words} {e.key}".lower() for part in typed)])
        self.model.touch(entries)
        if self.list.current_row() is None and self.model.rowCount():
            self.list.selectRow(0)

    def _show_key(self, entry: Entry) -> None:
        self.field.setKeySequence(QKeySequence(entry.key))
        self._forget_question()

    def _forget_question(self) -> None:
        self._asked = ""
        tell(self.answer, "")

    def _give(self) -> None:
        self._set(self.field.keySequence().toString(PORTABLE))

    def _set(self, key: str) -> None:
        entry: Entry | None = self.list.current_row()
        if entry is None:
            self._say("Select an action first.")
            return
        why = self._shortcuts.why_not(key)
        holder = self._shortcuts.holder(key, entry)
        if why:
            self._say(why)
        elif holder is not None and self._asked != key:
            self._asked = key
            self._say(f"{key} is {holder.words} now. Press once more to take it from there.")
        else:
            self._shortcuts.give(entry, key)
            self._done((f"{entry.words} now has the key {key}." if key else f"{entry.words} has no key now.")
                       if holder is None else
                       f"{entry.words} now has the key {key}, and {holder.words} has none.")  # fmt: skip

    def _back(self) -> None:
        entry: Entry | None = self.list.current_row()
        if entry is not None:
            self._set(entry.usual)

    def _all_back(self) -> None:
        self._shortcuts.reset_all()
        self._done("All keys are the usual ones.")

    def _say(self, text: str) -> None:
        tint(self.answer, "warn", self.edge)
        tell(self.answer, text)

    def _done(self, text: str) -> None:
        self._asked = ""
        tint(self.answer, "good", self.edge)
        tell(self.answer, text)
        self.look()
