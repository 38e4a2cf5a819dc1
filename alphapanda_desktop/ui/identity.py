"""What an instrument is today, checked, with the day's change report, as a sheet.

Object names: identity_sheet, identity_again, identity_copy, identity_report.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QWidget

from alphapanda_desktop.domain.identity import Finding, Verdict, facts_of, findings
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.masterchanges import MasterChanges
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import Sheet, copy_text, tell, tint
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

Changes = Callable[[], Awaitable[MasterChanges | None]]
"""Gives what is different in today's list; None where no earlier one is kept."""

MARKS: Final[dict[Verdict, str]] = {"good": "✓", "warn": "!", "danger": "✕", "unknown": "?"}


class IdentitySheet(Sheet):
    """One instrument at a time; the day's report tells of `watched` keys as well, and of their `freezes`."""

    least = QSize(760, 0)
    compact = True

    def __init__(
        self, changes: Changes, watched: Callable[[], Sequence[str]], today: Callable[[], date], edge: Edge,
        parent: QWidget, freezes: Callable[[], str] | None = None,
    ) -> None:  # fmt: skip
        super().__init__("identity_sheet", "What is this instrument?", edge, parent)
        self._changes = changes
        self._watched = watched
        self._freezes = freezes
        self._today = today
        self._said: list[str] = []
        self.instrument: Instrument | None = None
        self.grid = QGridLayout()
        self.grid.setColumnStretch(1, 1)
        self.grid.setHorizontalSpacing(18)
        self.grid.setVerticalSpacing(5)
        self.report = self.line("", "muted", "identity_report")
        self.body.addLayout(self.grid)
        self.body.addWidget(self.report)
        self.body.addStretch(1)
        self.copy = self.button("identity_copy", "Copy", lambda: copy_text("\n".join(self._said), edge, "The check"))
        self.foot.addWidget(self.copy)
        self.foot.addStretch(1)

    def show_instrument(self, instrument: Instrument) -> None:
        """Show this one; what it was before is looked up meanwhile."""
        self.instrument = instrument
        self.title.setText(instrument.key)
        tell(self.report, "Looking what changed…")
        self.start("instrument changes", self._look(instrument))

    async def _look(self, instrument: Instrument) -> None:
        changes = await self._changes()
        if self.instrument is instrument:
            self.show_check(instrument, changes)

    def show_check(self, instrument: Instrument, changes: MasterChanges | None) -> None:
        """The facts, what the check found, and the day's report of the watched instruments."""
        today = self._today()
        self._clear()
        facts = facts_of(instrument, today, _number)
        for name, value in facts:
            self._put(name, value, "muted")
        found = findings(instrument, today, changes)
        for finding in found:
            self._put(MARKS[finding.verdict], finding.text, finding.verdict)
        report = report_of(changes, self._watched(), self._freezes() if self._freezes is not None else "")
        tell(self.report, report)
        self._said = [instrument.key, *(f"{name}\t{value}" for name, value in facts), *map(_said, found), report]

    def _put(self, name: str, text: str, role: Role) -> None:
        row = self.grid.rowCount()
        for column, words in enumerate((name, text)):
            label = Words(say(words), self)
            label.setWordWrap(column == 1)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            tint(label, role if column == 0 or role in ("warn", "danger", "unknown") else "text", self.edge)
            self.grid.addWidget(label, row, column, Qt.AlignmentFlag.AlignTop)

    def _clear(self) -> None:
        while (item := self.grid.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()


def _number(value: float) -> str:
    return formats.grouped(value, 0 if value % 1 == 0 else 2)


def _said(finding: Finding) -> str:
    return f"{MARKS[finding.verdict]}\t{finding.text}"


def report_of(changes: MasterChanges | None, watched: Sequence[str], freezes: str = "") -> str:
    """The day's change report: of everything in numbers, of the watched instruments and their freezes in words."""
    frozen = f"\nTheir freeze quantities: {freezes}." if freezes else ""
    if changes is None:
        return f"Today's list of instruments: no earlier one is kept here to compare it with.{frozen}"
    mine = changes.of(watched)
    return f"Today's list of instruments: {changes.text()}.\nOf the watched ones: {mine.text()}.{frozen}"
