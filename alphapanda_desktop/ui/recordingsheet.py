"""The recorded days that are kept, to open one in a window of its own.

Object names: recordings_sheet, recordings_table, recordings_open, recordings_other.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from alphapanda_desktop.domain.replay import RecordedFile
from alphapanda_desktop.ui.edge import Edge, ask
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.question import MODE_ROLES
from alphapanda_desktop.ui.sheet import Sheet
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView

KINDS: Final = "Recorded days (*.ticks *.csv *.csv.gz)"

COLUMNS: Final[tuple[Column[RecordedFile], ...]] = (
    Column("Day", lambda d: d.day, lambda d: f"{d.day:%a} {d.day.day} {d.day:%b %Y}", width_chars=18),
    Column("Recorded in", lambda d: d.mode, lambda d: MODE_MARKS.get(d.mode, d.mode), width_chars=14,
           colour=lambda d: MODE_ROLES.get(d.mode)),
    Column("Size", lambda d: d.size, lambda d: f"{grouped(d.size / 1e6, 1)} MB", "right", 14),
    Column("File", lambda d: str(d.path), lambda d: d.path.name, width_chars=26, colour=lambda _: "muted",
           tooltip=lambda d: str(d.path)),
)  # fmt: skip


class RecordingsSheet(Sheet):
    """Lists days, newest first. Signal: `wanted(list[Path])` when one is opened, or other files are chosen."""

    wanted = Signal(object)

    def __init__(self, days: Sequence[RecordedFile], folder: Path, edge: Edge, parent: QWidget) -> None:
        super().__init__("recordings_sheet", "Open a recorded day", edge, parent, "replay")
        self._folder = folder
        words = "It opens in a window of its own, where its orders are filled by the program. This window goes on."
        self.body.addWidget(self.line(words, "muted"))
        model: RowModel[RecordedFile] = RowModel(COLUMNS, key=lambda d: d.path, theme=edge.theme, parent=self)
        self.table = TableView(model, "No day has been recorded yet: every day that you watch will be.", self)
        self.table.setObjectName("recordings_table")
        self.table.setAccessibleName("Recorded days")
        self.table.opened.connect(lambda day: self._want([day.path]))
        model.update(sorted(days, key=lambda d: (d.day, d.mode), reverse=True))
        self.body.addWidget(self.table, 1)
        self._add_buttons()
        self.setFocusProxy(self.table)
        if days:
            self.table.selectRow(0)

    def _add_buttons(self) -> None:
        other = "Files that lie elsewhere: days of this program, or CSV of ticks"
        self.foot.addWidget(self.button("recordings_open", "Open the selected day", self._open))
        self.foot.addWidget(self.button("recordings_other", "Other files…", self._ask_files, other))
        self.foot.addStretch(1)

    def _open(self) -> None:
        day = self.table.current_row()
        if day is not None:
            self._want([day.path])

    def _ask_files(self) -> None:
        self.edge.spawn("choose a recording", self._choose())

    async def _choose(self) -> None:
        files = await ask_files(self._folder, self.window())
        if files:
            self._want(files)

    def _want(self, files: list[Path]) -> None:
        self.wanted.emit(files)
        self.dismiss()


async def ask_files(folder: Path, parent: QWidget) -> list[Path]:
    """The files that a person chooses, from `folder` on; none where the person goes back."""
    dialog = QFileDialog(parent, "Open a recorded day", str(folder), KINDS)
    dialog.setObjectName("recordings_files")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    # Qt's own: the platform's would be modal, and shadow the kill switch.
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    try:
        chosen = await ask(dialog) == QDialog.DialogCode.Accepted.value
        return [Path(name) for name in dialog.selectedFiles()] if chosen else []
    finally:
        dialog.deleteLater()
