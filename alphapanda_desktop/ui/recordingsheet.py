"""The recorded days that are kept, to open one in a window of its own.

Object names: recordings_sheet, recordings_table, recordings_open, recordings_path, recordings_answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QMimeData, Signal
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from alphapanda_desktop.domain.replay import RecordedFile
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.question import MODE_ROLES
from alphapanda_desktop.ui.sheet import Sheet, tell
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import say

_KEYED: Final = re.compile(r"=[A-Z]+:.+$")
"""What says behind a CSV of which instrument it is."""

COLUMNS: Final[tuple[Column[RecordedFile], ...]] = (
    Column("Day", lambda d: d.day, lambda d: f"{d.day:%a} {d.day.day} {d.day:%b %Y}", width_chars=18),
    Column("Recorded in", lambda d: d.mode, lambda d: MODE_MARKS.get(d.mode, d.mode), width_chars=14,
           colour=lambda d: MODE_ROLES.get(d.mode)),
    Column("Size", lambda d: d.size, lambda d: f"{grouped(d.size / 1e6, 1)} MB", "right", 14),
    Column("File", lambda d: d.path, lambda d: Path(d.path).name, width_chars=26, colour=lambda _: "muted",
           tooltip=lambda d: d.path),
)  # fmt: skip


class RecordingsSheet(Sheet):
    """Lists days, newest first. Signal: `wanted(list[str])` when one is opened, or other files are named."""

    wanted = Signal(object)

    def __init__(self, days: Sequence[RecordedFile], edge: Edge, parent: QWidget) -> None:
        super().__init__("recordings_sheet", "Open a recorded day", edge, parent, "replay")
        words = "It opens in a window of its own, where its orders are filled by the program. This window goes on."
        self.body.addWidget(self.line(words, "muted"))
        model: RowModel[RecordedFile] = RowModel(COLUMNS, key=lambda d: d.path, theme=edge.theme, parent=self)
        self.table = TableView(model, "No day has been recorded yet: every day that you watch will be.", self)
        self.table.setObjectName("recordings_table")
        self.table.setAccessibleName(say("Recorded days"))
        self.table.opened.connect(lambda day: self._want([day.path]))
        model.update(sorted(days, key=lambda d: (d.day, d.mode), reverse=True))
        self.body.addWidget(self.table, 1)
        self._add_other()
        self.setFocusProxy(self.table)
        if days:
            self.table.selectRow(0)

    def _add_other(self) -> None:
        """Files that lie elsewhere are typed or dropped: a file dialog asks back in a loop of its own."""
        self.path = QLineEdit(self)
        self.path.setObjectName("recordings_path")
        self.path.setPlaceholderText(
            say("… or another file: drop it here, or type its path (a CSV of ticks: FILE=NSE:INFY)")
        )
        self.path.setAccessibleName(say("Path of another recording"))
        self.path.returnPressed.connect(self._open_typed)
        self.answer = self.line("", "danger", "recordings_answer")
        self.body.addWidget(self.path)
        self.body.addWidget(self.answer)
        self.foot.addWidget(self.button("recordings_open", "Open the selected day", self._open))
        self.foot.addStretch(1)
        self.setAcceptDrops(True)

    def _open(self) -> None:
        day = self.table.current_row()
        if day is not None:
            self._want([day.path])

    def _open_typed(self) -> None:
        text = self.path.text().strip()
        path = Path(_KEYED.sub("", text)).expanduser()
        if path.is_file():
            self._want([str(path) + text[len(_KEYED.sub("", text)) :]])
        else:
            tell(self.answer, f"There is no file {path}.")

    def _want(self, files: list[str]) -> None:
        self.wanted.emit(files)
        self.dismiss()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if _files_in(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        files = _files_in(event.mimeData())
        if files:
            event.acceptProposedAction()
            self._want(files)


def _files_in(data: QMimeData) -> list[str]:
    return [url.toLocalFile() for url in data.urls() if url.isLocalFile()]
