"""The sheet of profiles: one for each account, made, opened in a window of its own, labelled, removed.

Object names: profiles_sheet, profiles_table, profiles_open, profiles_new, profiles_label, profiles_remove,
profiles_really, profiles_keep, profiles_again, profiles_name, profiles_words, profiles_take, profiles_answer.
"""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, Final, Protocol

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.profiles import (
    LABEL_MOST,
    NAME_MOST,
    ProfileCard,
    label_problem,
    name_problem,
)
from alphapanda_desktop.ui.datamanager import bytes_words
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import ist_moment
from alphapanda_desktop.ui.longtable import LongModel
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.tables import Column
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import say

ABOUT: Final = (
    "A profile is an account's own settings, books, recordings and keyring entries. Each opens in a window of its own; "
    "several can be open at once."
)


class Shelf(Protocol):
    """The profiles of this computer's user."""

    async def cards(self) -> list[ProfileCard]:
        """Every profile, as it is now. Raises Fatal where they cannot be read."""
        ...

    async def make(self, name: str, label: str) -> None:
        """Make an empty one. Raises Refused, or Fatal for the disk."""
        ...

    async def set_label(self, name: str, label: str) -> None:
        """Call one otherwise. Raises Refused, or Fatal for the disk."""
        ...

    async def remove(self, name: str) -> str:
        """Move one away and forget its secrets; what became of it, in words. Raises Refused, or Fatal for the disk."""
        ...

    async def open(self, name: str) -> str:
        """Open one in a window of its own; returns at its end: why it did not open, or ""."""
        ...


def _state(card: ProfileCard) -> str:
    return "this window" if card.here else "open" if card.open else "closed"


def _app(card: ProfileCard) -> str:
    """The end of the key tells apps apart without showing it whole on a shared screen."""
    return f"…{card.api_key[-4:]}" if card.api_key else "none yet"


COLUMNS: Final[tuple[Column[ProfileCard], ...]] = (
    Column("Profile", lambda c: c.shown, width_chars=28, elide="end", tooltip=lambda c: c.shown),
    Column("Name", lambda c: c.name, width_chars=20),
    Column("State", _state, width_chars=13, colour=lambda c: "up" if c.open else "muted"),
    Column("Mode", lambda c: c.mode, lambda c: c.mode.upper() or "not chosen", width_chars=13),
    Column("Kite app", lambda c: c.api_key, _app, width_chars=11),
    Column("Size", lambda c: c.size, lambda c: bytes_words(c.size), "right", 12),
    Column("Last used", lambda c: c.used_at.timestamp() if c.used_at else 0.0,
           lambda c: ist_moment(c.used_at) if c.used_at else "never", width_chars=26, colour=lambda _: "muted"),
)  # fmt: skip


class ProfilesSheet(Sheet):
    """Lists the profiles; what is asked about the selected one is asked on the sheet itself."""

    least = QSize(1080, 480)

    def __init__(self, shelf: Shelf, edge: Edge, parent: QWidget) -> None:
        super().__init__("profiles_sheet", "Profiles", edge, parent)
        self._shelf = shelf
        self._labelled = ""
        """Whose label is being written; empty while a new profile's is."""
        self._leaving = ""
        """Which profile the open question is about."""
        self.model: LongModel[ProfileCard] = LongModel(COLUMNS, edge.theme, self)
        self.table = TableView(self.model, "Looking…", self)
        self.table.setObjectName("profiles_table")
        self.table.setAccessibleName(say("Profiles"))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        self.table.doubleClicked.connect(lambda _index: self._open())
        self.answer = self.line("", "muted", "profiles_answer")
        self.body.addWidget(self.line(ABOUT, "muted"))
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self._build_form())
        self.body.addWidget(self.answer)
        self._build_foot()
        self.setFocusProxy(self.table)
        self._offer()
        self.look()

    def _build_form(self) -> QWidget:
        """Name and label of a new profile, or the label of one that is there."""
        self.form = QWidget(self)
        self.name = self._field("profiles_name", "Name", f"letters, digits, - and _; at most {NAME_MOST}", NAME_MOST)
        self.words = self._field("profiles_words", "Label", "what you call it, as: Family account", LABEL_MOST)
        self.take = self.button("profiles_take", "Make it", self._take)
        row = QHBoxLayout(self.form)
        row.setContentsMargins(0, 0, 0, 0)
        self.name_label = Words(say("&Name"), self.form)
        self.name_label.setBuddy(self.name)
        words_label = Words(say("&Label"), self.form)
        words_label.setBuddy(self.words)
        for widget in (self.name_label, self.name, words_label, self.words, self.take):
            row.addWidget(widget)
        row.addWidget(self.button("profiles_leave", "Cancel", self._offer))
        row.addStretch(1)
        return self.form

    def _field(self, name: str, title: str, hint: str, most: int) -> QLineEdit:
        field = QLineEdit(self.form)
        field.setObjectName(name)
        field.setAccessibleName(say(title))
        field.setAccessibleDescription(say(hint))
        field.setPlaceholderText(say(hint))
        field.setMaxLength(most)
        field.setMinimumWidth(290)
        field.textChanged.connect(lambda _text: self._judge())
        field.returnPressed.connect(self._take)
        return field

    def _build_foot(self) -> None:
        self.open = self.button("profiles_open", "Open in a window", self._open, "Its own window and process")
        self.new = self.button("profiles_new", "New profile…", self._ask_new)
        self.label = self.button("profiles_label", "Change the label…", self._ask_label)
        self.remove = self.button("profiles_remove", "Remove…", self._ask_remove)
        self.really = self.button("profiles_really", "Remove it", self._remove)
        self.keep = self.button("profiles_keep", "Keep it", self._offer)
        for button in (self.open, self.new, self.label, self.remove, self.really, self.keep):
            self.foot.addWidget(button)
        self.foot.addStretch(1)
        self.foot.addWidget(self.button("profiles_again", "Look again", self.look))

    # -- looking ---------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the profiles as they are now."""
        self.start("profiles", self._look())

    async def _look(self, select: str = "") -> None:
        chosen = self.table.current_row()
        wanted = select or (chosen.name if chosen is not None else "")
        try:
            cards = await self._shelf.cards()
        except AlphaPandaError as error:
            self._say(str(error), bad=True)
            return
        self.model.show_rows(cards)
        place = next((n for n, card in enumerate(cards) if card.name == wanted or (not wanted and card.here)), 0)
        if cards:
            self.table.setCurrentIndex(self.model.index(place, 0))
        self._offer()

    def _chosen(self) -> ProfileCard | None:
        return self.table.current_row()

    def _offer(self) -> None:
        """Buttons as they can be used now; another selection takes questions back."""
        card = self._chosen()
        self._labelled = self._leaving = ""
        self.form.hide()
        for button in (self.really, self.keep):
            button.hide()
        for button in (self.open, self.new, self.label, self.remove):
            button.show()
        self.open.setEnabled(card is not None and not card.here)
        self.open.setText(
            say("Bring forward" if card is not None and card.open and not card.here else "Open in a window")
        )
        self.label.setEnabled(card is not None)
        self.remove.setEnabled(card is not None and not card.open)
        self._say("An open profile cannot be removed: close its window first." if card and card.open else "")

    # -- opening, making, labelling --------------------------------------------------------------------------

    def _open(self) -> None:
        card = self._chosen()
        if card is not None and not card.here:
            self.start("open a profile", self._opened(card))

    async def _opened(self, card: ProfileCard) -> None:
        self.edge.notify(f"Profile {card.shown} opens in a window of its own.", "info")
        why = await self._shelf.open(card.name)
        if why:
            self.edge.notify(f"Profile {card.shown} did not open: {why}", "danger")

    def _ask_new(self) -> None:
        self._show_form("", "", "Make it")
        self.name.setFocus()

    def _ask_label(self) -> None:
        card = self._chosen()
        if card is not None:
            self._show_form(card.name, card.label, "Keep it")
            self.words.setFocus()

    def _show_form(self, labelled: str, label: str, yes: str) -> None:
        self._labelled = labelled
        self.name.clear()
        self.words.setText(label)
        for widget in (self.name, self.name_label):
            widget.setVisible(not labelled)
        self.take.setText(yes)
        self.take.setAccessibleName(yes)
        self.form.show()
        self._judge()

    def _judge(self) -> None:
        """Why what is typed cannot be, beneath it; the button is for what can."""
        name, label = self.name.text(), self.words.text().strip()
        why = label_problem(label)
        if not self._labelled:
            why = (name_problem(name, [card.name for card in self.model.rows()]) if name else "") or why
        self.take.setEnabled(not why and bool(name or self._labelled))
        self._say(why[:1].upper() + why[1:], bad=True)

    def _take(self) -> None:
        if self.form.isHidden() or not self.take.isEnabled():
            return
        label = self.words.text()
        if self._labelled:
            said = "Its own window says the label from its next start on."
            self._do("label", self._shelf.set_label(self._labelled, label), self._labelled, said)
        else:
            name = self.name.text()
            self._do(
                "make a profile", self._shelf.make(name, label), name, f"Profile {name} is made. Open it to log in."
            )

    def _do(self, name: str, work: Coroutine[Any, Any, None], select: str, said: str) -> None:
        self.start(name, self._done(work, select, said))

    async def _done(self, work: Coroutine[Any, Any, None], select: str, said: str) -> None:
        try:
            await work
        except AlphaPandaError as error:
            self._say(str(error), bad=True)
            return
        await self._look(select)
        self._say(said)
        self.table.setFocus()

    # -- removing --------------------------------------------------------------------------------------------

    def _ask_remove(self) -> None:
        card = self._chosen()
        if card is None or card.open:
            return
        self._leaving = card.name
        self._say(
            f"Remove profile {card.shown} ({card.name}, {bytes_words(card.size)})? Its files are moved aside, journal "
            "included, and can be brought back; its secrets are deleted from the keyring.",
            bad=True,
        )
        for button in (self.open, self.new, self.label, self.remove):
            button.hide()
        for button in (self.really, self.keep):
            button.show()
        self.keep.setFocus()

    def _remove(self) -> None:
        name = self._leaving
        self._offer()
        if name:
            self.start("remove a profile", self._removed(name))

    async def _removed(self, name: str) -> None:
        try:
            said, bad = await self._shelf.remove(name), False
        except AlphaPandaError as error:
            said, bad = str(error), True
        await self._look()
        self._say(said, bad=bad)

    def _say(self, text: str, *, bad: bool = False) -> None:
        tint(self.answer, "warn" if bad else "muted", self.edge)
        tell(self.answer, text)

    def rows(self) -> Sequence[ProfileCard]:
        """What is listed."""
        return self.model.rows()
