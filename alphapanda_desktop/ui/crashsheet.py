"""An error that nobody expected, a crash of the run before, and the support bundle: one sheet for all of them.

It never takes the keyboard from who is typing, and comes once for each kind of error, never once for each error.
Object names: fault_sheet or support_sheet; fault_words, fault_advice, fault_details, fault_answer, fault_bundle,
fault_copy, fault_folder, fault_close.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QFontDatabase
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.sheet import Sheet, SheetDeck, copy_text, tell, tint
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

Bundle = Callable[[Progress], Awaitable[Path]]

FAULTS: Final = "fault_sheet"
SUPPORT: Final = "support_sheet"
IN_IT: Final = (
    "One zip with what helps to find a fault: versions, the preflight, the settings, the logs and any crash, figures "
    "of this run, how many rows each table has, names and sizes of files. Not in it: tokens, secrets, account ids, "
    "addresses, orders and trades. It is text: look into it before you send it. Nothing is sent by itself."
)
GOES_ON: Final = (
    "The program goes on. What it was doing there was not finished: look into the order book before you send an order "
    "again. It is in the log, and a support bundle helps to find it."
)
ENDED: Final = (
    "Nothing was lost that was in the journal: every order stands in it before it leaves, and the desk takes none "
    "until it has compared its books with the broker's. Strategies that ran are shown as interrupted."
)


class CrashSheet(Sheet):
    """Words, advice and details, with the way to a support bundle."""

    least = QSize(860, 0)
    compact = True

    def __init__(self, name: str, title: str, make: Bundle, edge: Edge, parent: QWidget, role: Role) -> None:
        super().__init__(name, title, edge, parent, role)
        self._make = make
        self._folder: Path | None = None
        self.words = self.line("", "text", "fault_words")
        self.advice = self.line("", "muted", "fault_advice")
        self.details = QPlainTextEdit(self)
        self.details.setObjectName("fault_details")
        self.details.setAccessibleName(say("Details"))
        self.details.setReadOnly(True)
        self.details.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.details.setTabChangesFocus(True)
        self.details.setFixedHeight(190)
        self.details.hide()
        self.answer = self.line("", "muted", "fault_answer")
        for widget in (self.words, self.advice, self.details, self.answer):
            self.body.addWidget(widget)
        self.bundle = self.button("fault_bundle", "Make a support bundle", self.make, IN_IT)
        self.copy = self.button("fault_copy", "Copy the details", self._copy)
        self.folder = self.button("fault_folder", "Show its folder", self._show_folder)
        self.copy.hide()
        self.folder.hide()
        for button in (self.bundle, self.copy, self.folder):
            self.foot.addWidget(button)
        self.foot.addStretch(1)
        self.foot.addWidget(self.button("fault_close", "Close", self.dismiss))

    def say(self, words: str, advice: str, details: str = "") -> None:
        """What happened, what to do, and what a programmer wants to see."""
        tell(self.words, words)
        tell(self.advice, advice)
        if details != self.details.toPlainText():
            self.details.setPlainText(details)
        for widget in (self.details, self.copy):
            widget.setVisible(bool(details))

    def make(self) -> None:
        """Write the bundle, shown on the status bar while it is made."""
        self.bundle.setEnabled(False)
        tint(self.answer, "muted", self.edge)
        tell(self.answer, "Looking and writing…")
        self.start("support bundle", self._made())

    async def _made(self) -> None:
        try:
            with self.edge.works.shown(Progress("Support bundle")) as progress:
                path = await self._make(progress)
        except AlphaPandaError as error:
            tint(self.answer, "warn", self.edge)
            tell(self.answer, str(error))
        else:
            self._folder = path.parent
            self.folder.show()
            tint(self.answer, "good", self.edge)
            tell(self.answer, f"Saved to {path}")
        finally:
            self.bundle.setEnabled(True)

    def _copy(self) -> None:
        copy_text(f"{self.words.text()}\n\n{self.details.toPlainText()}", self.edge, "What happened")

    def _show_folder(self) -> None:
        if self._folder is not None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._folder)))


def lay_beside_work(deck: SheetDeck, sheet: Sheet, window: QWidget) -> None:
    """Lay a sheet that nobody asked for: the keyboard stays with what has it."""
    typing = window.focusWidget()
    deck.lay(sheet)
    if typing is not None and typing.isVisible() and typing.focusPolicy() != Qt.FocusPolicy.NoFocus:
        typing.setFocus()
