"""The preflight as a sheet: what is ready for the day, and a remedy for what is not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from alphapanda_desktop.domain.preflight import Check, Standing, worst
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import Sheet, copy_text, tell, tint
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

Look = Callable[[], Awaitable[list[Check]]]

MARKS: Final[dict[Standing, tuple[str, Role]]] = {
    Standing.GOOD: ("✓ ok", "good"),
    Standing.WARN: ("! look", "warn"),
    Standing.BAD: ("✕ wrong", "danger"),
    Standing.UNKNOWN: ("? unknown", "warn"),
}
"""Shape and word beside the colour."""

VERDICTS: Final = {
    Standing.GOOD: "Everything is ready.",
    Standing.WARN: "Ready, with something to look at.",
    Standing.BAD: "Something is wrong; see the remedy beside it.",
    Standing.UNKNOWN: "Something could not be found out.",
}


class PreflightSheet(Sheet):
    """Looks when it is laid, and again on demand."""

    least = QSize(900, 0)
    compact = True

    def __init__(self, look: Look, edge: Edge, parent: QWidget) -> None:
        super().__init__("preflight_sheet", "Ready for the day?", edge, parent)
        self._look = look
        self._checks: list[Check] = []
        self.verdict = self.line("Looking…", "muted", "preflight_verdict")
        self.grid = QGridLayout()
        self.grid.setColumnStretch(2, 1)
        self.grid.setHorizontalSpacing(18)
        self.grid.setVerticalSpacing(6)
        self.body.addWidget(self.verdict)
        self.body.addLayout(self.grid)
        self.body.addStretch(1)
        self.again = self.button("preflight_again", "Look again", self.look, "Check everything once more")
        self.copy = self.button("preflight_copy", "Copy", self._copy, "Put these lines on the clipboard")
        self.foot.addWidget(self.again)
        self.foot.addWidget(self.copy)
        self.foot.addStretch(1)
        self.look()

    def look(self) -> None:
        """Ask again; what is shown stays until the answers are there."""
        self.again.setEnabled(False)
        tell(self.verdict, "Looking…")
        self.start("preflight", self._show_answers())

    async def _show_answers(self) -> None:
        try:
            self.show_checks(await self._look())
        finally:
            self.again.setEnabled(True)

    def show_checks(self, checks: list[Check]) -> None:
        """These lines, the remedies beneath what they mend."""
        self._checks = checks
        self._clear()
        for check in checks:
            row = self.grid.rowCount()
            words, role = MARKS[check.standing]
            self._put(row, 0, words, role)
            self._put(row, 1, check.name, "text")
            self._put(row, 2, check.found, "text" if check.standing is not Standing.GOOD else "muted")
            if check.remedy:
                self._put(row + 1, 2, f"→ {check.remedy}", "accent")
        verdict = worst(checks)
        tell(self.verdict, VERDICTS[verdict])
        tint(self.verdict, MARKS[verdict][1], self.edge)

    def _put(self, row: int, column: int, text: str, role: Role) -> None:
        label = Words(say(text), self)
        label.setWordWrap(column == 2)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        tint(label, role, self.edge)
        self.grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)

    def _clear(self) -> None:
        while (item := self.grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()

    def _copy(self) -> None:
        lines = [f"{c.standing.value}\t{c.name}\t{c.found}\t{c.remedy}".rstrip() for c in self._checks]
        copy_text("\n".join(lines), self.edge, "The preflight")
