"""What lies on the disk: recordings, candles, masters, reports and journals, and removing what is chosen.

Object names: data_sheet, data_table, data_kind, data_sum, data_remove, data_really, data_keep, data_answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.keptfiles import DiskUse, KeptFile
from alphapanda_desktop.domain.progress import Progress, Stopped
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped, ist_moment
from alphapanda_desktop.ui.forms import Pick, field_looks
from alphapanda_desktop.ui.longtable import LongModel
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.tables import Column
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import count_of, say

ALL: Final = "Everything"


class Room(Protocol):
    """Looks at what a profile keeps, and removes what is named."""

    async def disk(self, progress: Progress | None = None) -> DiskUse:
        """Everything that is kept, now. Raises OSError, or Stopped."""
        ...

    async def clean_up(self, names: Sequence[str], progress: Progress | None = None) -> int:
        """Remove these; bytes that went. Raises Refused for what stays, OSError where the disk refuses, or Stopped."""
        ...


def bytes_words(size: float) -> str:
    """12.3 MB, 4.56 GB, 812 kB."""
    for unit, name, decimals in ((1e9, "GB", 2), (1e6, "MB", 1), (1e3, "kB", 0)):
        if size >= unit:
            return f"{grouped(size / unit, decimals)} {name}"
    return f"{grouped(size)} bytes"


COLUMNS: Final[tuple[Column[KeptFile], ...]] = (
    Column("Kind", lambda f: f.kind, width_chars=16),
    Column("Name", lambda f: f.name, width_chars=36, elide="middle", tooltip=lambda f: f.name),
    Column("Size", lambda f: f.size, lambda f: bytes_words(f.size), "right", 11),
    Column("Changed", lambda f: f.changed_at, lambda f: ist_moment(f.changed_at), width_chars=24,
           colour=lambda _: "muted"),
    Column("What it is", lambda f: f.told, lambda f: f"{f.told}; it stays: {f.stays}" if f.stays else f.told,
           width_chars=70, colour=lambda f: "muted" if f.stays else None, tooltip=lambda f: f.stays or f.told),
)  # fmt: skip


class DataSheet(Sheet):
    """Lists what is kept; what is selected is removed after a question on the sheet itself."""

    least = QSize(1240, 620)

    def __init__(self, room: Room, edge: Edge, parent: QWidget) -> None:
        super().__init__("data_sheet", "Data on this computer", edge, parent)
        self._room = room
        self._use: DiskUse | None = None
        self._asked: list[KeptFile] = []
        self.setStyleSheet(self.styleSheet() + field_looks(edge.theme))
        self.sum = self.line("Looking…", "muted", "data_sum")
        self.kind = Pick(self)
        self.kind.setObjectName("data_kind")
        self.kind.setAccessibleName(say("Kind of data that is listed"))
        self.kind.setMinimumContentsLength(24)
        self.kind.currentIndexChanged.connect(lambda _place: self._list())
        self.model: LongModel[KeptFile] = LongModel(COLUMNS, edge.theme, self)
        self.table = TableView(self.model, "Nothing of this kind is kept.", self)
        self.table.setObjectName("data_table")
        self.table.setAccessibleName(say("Data that is kept"))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        self.answer = self.line("", "muted", "data_answer")
        head = QHBoxLayout()
        head.addWidget(self.sum, 1)
        head.addWidget(self.kind)
        self.body.addLayout(head)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self.answer)
        self._build_foot()
        self.setFocusProxy(self.table)
        self._offer()
        self.look()

    def _build_foot(self) -> None:
        self.remove = self.button("data_remove", "Remove the selected…", self._ask)
        self.really = self.button("data_really", "Remove them", self._remove)
        self.keep = self.button("data_keep", "Keep them", self._let_be)
        for button in (self.remove, self.really, self.keep):
            self.foot.addWidget(button)
        self.foot.addWidget(self.button("data_again", "Look again", self.look))
        self.foot.addStretch(1)

    # -- looking ---------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Look at the disk as it is now."""
        self.start("disk use", self._look())

    async def _look(self) -> None:
        try:
            with self.edge.works.shown(Progress("Looking at the disk")) as progress:
                self._use = use = await self._room.disk(progress)
        except OSError as error:
            self._say(f"The folder could not be read: {error}", bad=True)
            return
        chosen = self.kind.currentData()
        self.kind.blockSignals(True)
        self.kind.clear()
        self.kind.addItem(say(f"{ALL}, {bytes_words(use.size)}"), ALL)
        for kind in dict.fromkeys(one.kind for one in use.files):
            size = sum(one.size for one in use.files if one.kind == kind)
            self.kind.addItem(say(f"{kind}, {bytes_words(size)}"), kind)
        self.kind.setCurrentIndex(max(0, self.kind.findData(chosen)))
        self.kind.blockSignals(False)
        words = f"{bytes_words(use.size)} in {use.folder} · {bytes_words(use.free)} are free on its disk"
        tell(self.sum, words)
        self._list()

    def _list(self) -> None:
        kind = self.kind.currentData()
        files = self._use.files if self._use is not None else ()
        self.model.show_rows([one for one in files if kind in (ALL, one.kind)])
        self._let_be()

    # -- removing --------------------------------------------------------------------------------------------

    def _chosen(self) -> list[KeptFile]:
        return [one for one in self.table.selected_rows() if not one.stays]

    def _offer(self) -> None:
        """Buttons as they can be used now; another selection takes the question back."""
        self._asked = []
        chosen, selected = self._chosen(), self.table.selected_rows()
        self.remove.setEnabled(bool(chosen))
        for button in (self.really, self.keep):
            button.setVisible(False)
        self.remove.setVisible(True)
        if selected and not chosen:
            self._say(f"{selected[0].name} stays: {selected[0].stays}.")
        elif chosen:
            left = len(selected) - len(chosen)
            kept = f" · {left} of the selected stay" if left else ""
            self._say(f"{count_of(len(chosen), 'thing')}, {bytes_words(sum(one.size for one in chosen))}{kept}")
        else:
            self._say("")

    def _ask(self) -> None:
        self._asked = self._chosen()
        if not self._asked:
            return
        size = bytes_words(sum(one.size for one in self._asked))
        self._say(
            f"Remove {count_of(len(self._asked), 'thing')}, {size}, for good? They cannot be brought back.", bad=True
        )
        self.remove.setVisible(False)
        for button in (self.really, self.keep):
            button.setVisible(True)
        self.keep.setFocus()

    def _let_be(self) -> None:
        self._offer()

    def _remove(self) -> None:
        names = [one.name for one in self._asked]
        self._offer()
        if names:
            self.start("clean up", self._removed(names))

    async def _removed(self, names: Sequence[str]) -> None:
        try:
            with self.edge.works.shown(Progress("Clean-up", len(names))) as progress:
                size = await self._room.clean_up(names, progress)
            said, bad = f"{count_of(len(names), 'thing')} removed, {bytes_words(size)} are free again.", False
        except Stopped as stopped:
            said, bad = f"{stopped} What was removed by then is gone.", False
        except AlphaPandaError as error:
            said, bad = str(error), True
        except OSError as error:
            said, bad = f"Not everything could be removed: {error}", True
        await self._look()
        self._say(said, bad=bad)

    def _say(self, text: str, *, bad: bool = False) -> None:
        tint(self.answer, "warn" if bad else "muted", self.edge)
        tell(self.answer, text)
