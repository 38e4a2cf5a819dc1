"""The copies of a mode's journal: one of today made now, or one to go back to with the next start.

Object names: backups_sheet, backups_table, backups_answer, backups_make, backups_back, backups_really, backups_keep.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.ui.datamanager import bytes_words
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.longtable import LongModel
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.tables import Column
from alphapanda_desktop.ui.tableview import TableView

ABOUT: Final = (
    "One copy is made on each day that the journal is opened, and seven are kept. Going back closes AlphaPanda; the "
    "next start proves the copy's hash chain, puts it in the journal's place, and keeps what was there beside it. "
    "Orders since that day are then not in the journal: the desk compares itself with the broker, and shows each "
    "difference."
)


class Copy(Protocol):
    """One copy; see `store.backup.Backup`."""

    @property
    def mode(self) -> str: ...
    @property
    def day(self) -> date: ...
    @property
    def path(self) -> Path: ...
    @property
    def size(self) -> int: ...


class Copies(NamedTuple):
    """Lists them, makes one, and closes the program to go back to one with the next start."""

    kept: Callable[[], Sequence[Copy]]
    make: Callable[[Progress], Awaitable[object]]
    go_back: Callable[[Path], object]


COLUMNS: Final[tuple[Column[Copy], ...]] = (
    Column("Journal", lambda copy: copy.mode, width_chars=12),
    Column("Day", lambda copy: copy.day, lambda copy: f"{copy.day:%a %d %b %Y}", width_chars=20),
    Column("Size", lambda copy: copy.size, lambda copy: bytes_words(copy.size), "right", 12),
)


class BackupsSheet(Sheet):
    """Lists them as they are now."""

    least = QSize(720, 420)

    def __init__(self, copies: Copies, edge: Edge, parent: QWidget) -> None:
        super().__init__("backups_sheet", "Backups of the journal", edge, parent)
        self._copies = copies
        self._asked: Copy | None = None
        self.model: LongModel[Copy] = LongModel(COLUMNS, edge.theme, self)
        self.table = TableView(self.model, "There is no copy yet.", self)
        self.table.setObjectName("backups_table")
        self.table.setAccessibleName("Copies of the journal")
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        self.answer = self.line("", "muted", "backups_answer")
        self.body.addWidget(self.line(ABOUT, "muted"))
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.answer)
        self.make = self.button("backups_make", "Make one of today now", self._make)
        self.back = self.button("backups_back", "Go back to the selected…", self._ask)
        self.really = self.button("backups_really", "Close AlphaPanda, and go back at the next start", self._go_back)
        self.keep = self.button("backups_keep", "Leave all as it is", self._offer)
        for button in (self.make, self.back, self.really, self.keep):
            self.foot.addWidget(button)
        self.foot.addStretch(1)
        self.setFocusProxy(self.table)
        self._list()

    def _list(self) -> None:
        self.model.show_rows(list(self._copies.kept()))
        self._offer()

    def _offer(self) -> None:
        """Buttons as they can be used now; another selection takes the question back."""
        self._asked = None
        self._say("")
        self.back.setEnabled(len(self.table.selected_rows()) == 1)
        for button, shown in ((self.back, True), (self.make, True), (self.really, False), (self.keep, False)):
            button.setVisible(shown)

    def _make(self) -> None:
        self.make.setEnabled(False)
        self.start("backup", self._made())

    async def _made(self) -> None:
        said, bad = "Today's copy is made.", False
        try:
            with self.edge.works.shown(Progress("Backup of the journal")) as progress:
                await self._copies.make(progress)
        except (AlphaPandaError, OSError) as error:
            said, bad = str(error), True
        finally:
            self.make.setEnabled(True)
        self._list()
        self._say(said, bad=bad)

    def _ask(self) -> None:
        chosen = self.table.selected_rows()
        if len(chosen) != 1:
            return
        self._asked = chosen[0]
        self._say(
            f"Go back to the journal of {self._asked.day:%a %d %b %Y}? What came after it is set aside.", bad=True
        )
        for button, shown in ((self.back, False), (self.make, False), (self.really, True), (self.keep, True)):
            button.setVisible(shown)
        self.keep.setFocus()

    def _go_back(self) -> None:
        if self._asked is not None:
            path = self._asked.path
            self.dismiss()
            self._copies.go_back(path)

    def _say(self, text: str, *, bad: bool = False) -> None:
        tint(self.answer, "warn" if bad else "good", self.edge)
        tell(self.answer, text)
