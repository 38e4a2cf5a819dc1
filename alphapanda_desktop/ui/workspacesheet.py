"""The sheet of workspaces: go to one, call it something else, remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.sheet import Sheet, tell
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import say
from alphapanda_desktop.ui.workspaces import BUILT_IN

if TYPE_CHECKING:
    from alphapanda_desktop.ui.workspacedesk import WorkspaceDesk

Row = tuple[str, str, str]
"""Name, where it comes from, whether it is shown."""

COLUMNS: Final[tuple[Column[Row], ...]] = (
    Column("Workspace", lambda row: row[0], width_chars=28),
    Column("Comes from", lambda row: row[1], width_chars=18),
    Column("Now", lambda row: row[2], width_chars=10),
)


class WorkspaceSheet(Sheet):
    """Lists all workspaces; those that come with the program keep their names and stay."""

    least = QSize(620, 420)

    def __init__(self, desk: WorkspaceDesk, edge: Edge, parent: QWidget) -> None:
        super().__init__("workspace_sheet", say("Workspaces"), edge, parent)
        self._desk = desk
        self.model: RowModel[Row] = RowModel(COLUMNS, key=lambda row: row[0], theme=edge.theme, parent=self)
        self.table = TableView(self.model, "", self)
        self.table.setObjectName("workspace_table")
        self.table.setAccessibleName(say("Workspaces"))
        self.table.opened.connect(lambda _row: self._go())
        self.table.chosen.connect(lambda _row: self._follow())
        self.name = QLineEdit(self)
        self.name.setObjectName("workspace_name")
        self.name.setAccessibleName(say("Name of the workspace"))
        self.name.returnPressed.connect(self._rename)
        self.go = self.button("workspace_go", say("Show"), self._go)
        self.renamed = self.button("workspace_rename", say("Rename"), self._rename)
        self.removed = self.button("workspace_remove", say("Remove"), self._remove)
        self.answer = self.line("", "danger", "workspace_answer")
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        for button in (self.renamed, self.removed, self.go):
            row.addWidget(button)
        self.body.addWidget(self.table, 1)
        self.body.addLayout(row)
        self.body.addWidget(self.answer)
        self.setFocusProxy(self.table)
        self._show(desk.spaces.current)

    def _chosen(self) -> str:
        row = self.table.current_row()
        return row[0] if row is not None else ""

    def _show(self, chosen: str) -> None:
        """List them anew, with that one selected."""
        spaces = self._desk.spaces
        own, built_in, shown = say("saved by you"), say("the program"), say("shown")
        self.model.update(
            (name, built_in if name in BUILT_IN else own, shown if name == spaces.current else "")
            for name in spaces.names
        )
        place = self.model.place(chosen)
        if place is not None:
            self.table.selectRow(place)
        self._follow()

    def _follow(self) -> None:
        name = self._chosen()
        own = bool(name) and name not in BUILT_IN
        self.name.setText(name)
        for widget in (self.name, self.renamed, self.removed):
            widget.setEnabled(own)
        tell(self.answer, "")

    def _go(self) -> None:
        if name := self._chosen():
            self._desk.go_to(name)
            self.dismiss()

    def _rename(self) -> None:
        old, new = self._chosen(), self.name.text().strip()
        why = self._desk.spaces.why_not_named(new, but=old)
        tell(self.answer, say(why))
        if not why and old:
            self._desk.rename(old, new)
            self._show(new)

    def _remove(self) -> None:
        self._desk.remove(self._chosen())
        self._show(self._desk.spaces.current)
