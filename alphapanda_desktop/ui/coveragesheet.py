"""How much of each position a stop protects at the broker, only in this program, and not at all; and closing with it.

Object names: `coverage`, `coverage_convert`; on the closing sheet `close_stay`, `close_convert`, `close_anyway`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.formats import DASH, grouped
from alphapanda_desktop.ui.formats import price as price_words
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import count_of, in_words, say, summary_of

if TYPE_CHECKING:
    from alphapanda_desktop.domain.coverage import Coverage
    from alphapanda_desktop.trading.coverage import StopCoverage


def _stops(row: Coverage) -> str:
    return "; ".join(row.stops) or DASH


def _shown(count: int) -> str:
    return grouped(count) if count else DASH


COLUMNS: Final[tuple[Column[Coverage], ...]] = (
    Column("Position", lambda row: row.position.tradingsymbol, width_chars=18, elide="middle"),
    Column("Product", lambda row: row.position.product, width_chars=8),
    Column("Held", lambda row: row.position.quantity, lambda row: grouped(row.position.quantity), "right"),
    Column(
        "At the broker",
        lambda row: row.at_broker,
        lambda row: _shown(row.at_broker),
        "right",
        14,
        colour=lambda row: "good" if row.at_broker else "muted",
        header_tooltip="Held by a stop order or a GTT at the broker: it stays when this program ends",
    ),
    Column(
        "Only here",
        lambda row: row.in_program,
        lambda row: _shown(row.in_program),
        "right",
        12,
        colour=lambda row: "warn" if row.in_program else "muted",
        header_tooltip="Watched by a strategy in this program: gone when it closes, sleeps or loses the feed",
    ),
    Column(
        "Not at all",
        lambda row: row.unprotected,
        lambda row: _shown(row.unprotected),
        "right",
        12,
        colour=lambda row: "danger" if row.unprotected else "muted",
    ),
    Column("Stops", _stops, width_chars=34, tooltip=lambda row: "\n".join(row.stops)),
)


def coverage_key(row: Coverage) -> tuple[str, str, str]:
    return row.position.id


class CoverageSheet(Sheet):
    """Follows the stop coverage of all positions; stops of this program can be put at the broker."""

    def __init__(self, coverage: StopCoverage, edge: Edge, parent: QWidget) -> None:
        super().__init__("coverage_sheet", "Stop coverage", edge, parent)
        self._coverage = coverage
        self._converting = False
        self.summary = self.line(name="coverage_summary")
        self.model = RowModel(COLUMNS, coverage_key, edge.theme, self)
        self.table = TableView(self.model, "No position is open.", self)
        self.table.setObjectName("coverage")
        self.table.setAccessibleName(say("Stop coverage of each position"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.horizontalHeader().setSectionResizeMode(len(COLUMNS) - 1, QHeaderView.ResizeMode.Stretch)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._offer())
        self.detail = self.line(name="coverage_detail")
        self.answer = self.line("", "danger", "coverage_answer")
        self.convert = self.button("coverage_convert", "Put stops at the broker", self._convert)
        self.convert.setToolTip(
            say("For the selected positions: a stop order or GTT at the trigger that this program watches")
        )
        for widget in (self.summary, self.table, self.detail, self.answer):
            self.body.addWidget(widget, 1 if widget is self.table else 0)
        self.foot.addStretch(1)
        self.foot.addWidget(self.convert)
        connect(coverage.changed, self, self.follow)
        self.follow()

    def follow(self) -> None:
        """Show the coverage as it is now."""
        rows = list(self._coverage.rows())
        self.model.update(rows)
        if rows and not self.table.currentIndex().isValid():
            first = next((place for place, row in enumerate(rows) if row.in_program), 0)  # what can be helped
            self.table.setCurrentIndex(self.model.index(first, 0))
        words, role = summary_of(rows)
        unread = self._coverage.gtts_unread
        tell(self.summary, f"{words} {unread}: what they protect counts as unprotected.".strip() if unread else words)
        tint(self.summary, role, self.edge)
        self._offer()

    def _offer(self) -> None:
        self.convert.setEnabled(not self._converting and any(row.in_program for row in self._selected()))
        row = self.table.current_row()
        tell(self.detail, "" if row is None else "\n".join((in_words(row), *row.stops)))

    def _selected(self) -> list[Coverage]:
        return self.table.selected_rows() or self.model.rows()

    def _convert(self) -> None:
        rows = [row for row in self._selected() if row.in_program]
        self._converting = True  # now, not in the task: a double click comes before it
        self._offer()
        self.start("convert stops", self._put_at_broker(rows))

    async def _put_at_broker(self, rows: Sequence[Coverage]) -> None:
        try:
            tell(self.answer, await convert_all(self._coverage, rows))
        finally:
            self._converting = False
            self.follow()


async def convert_all(coverage: StopCoverage, rows: Sequence[Coverage]) -> str:
    """Put these positions' stops at the broker, all of them; what failed in words, empty when nothing did."""
    failures = []
    for row in rows:
        try:
            await coverage.convert(row.position)
        except AlphaPandaError as error:
            failures.append(f"{row.position.tradingsymbol}: {error}")
    return "\n".join(failures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """What would be left without this program: runs by name, coverage rows with stops only here, and what goes on."""

    runs: tuple[str, ...] = ()
    app_only: tuple[Coverage, ...] = ()
    positions: int = 0
    """How many stay open at the broker; `working` orders go on there too."""
    working: int = 0
    replayed: bool = False
    """Of a recorded day: nothing goes on anywhere, and the books are not opened again."""

    @property
    def matters(self) -> bool:
        return bool(self.runs or self.app_only)


TITLES: Final = {"Sleep": "The computer is going to sleep"}
IN_ANY_CASE: Final = "It waits a few seconds for an answer, and then sleeps in any case."


class ClosingSheet(Sheet):
    """Asks before the program ends or the machine sleeps. Signal: `agreed()` once it may."""

    agreed = Signal()
    least = QSize(760, 0)
    compact = True

    def __init__(
        self, leaving: Leaving, coverage: StopCoverage | None, edge: Edge, parent: QWidget, what: str = "Close"
    ) -> None:
        super().__init__("closing_sheet", TITLES.get(what, f"{what} AlphaPanda?"), edge, parent, "warn")
        self._coverage = coverage
        self._leaving = leaving
        for words, role in _consequences(leaving):
            self.body.addWidget(self.line(words, role))
        if what in TITLES:
            self.body.addWidget(self.line(IN_ANY_CASE, "muted"))
        self.answer = self.line("", "danger", "close_answer")
        self.body.addWidget(self.answer)
        self.body.addStretch(1)
        self.stay = self.button("close_stay", "Leave them here" if what in TITLES else "Stay", self.dismiss)
        self.convert = self.button("close_convert", f"Put stops at the broker, then {what.lower()}", self._convert)
        self.convert.setVisible(bool(leaving.app_only) and coverage is not None and not leaving.replayed)
        self.anyway = self.button("close_anyway", f"{what} anyway", self.agree)
        self.foot.addStretch(1)
        for button in (self.stay, self.convert, self.anyway):
            self.foot.addWidget(button)
        self.setFocusProxy(self.stay)

    def agree(self) -> None:
        """Let it happen, and take the sheet away."""
        self.agreed.emit()
        self.dismiss()

    def _convert(self) -> None:
        for button in (self.convert, self.anyway):
            button.setEnabled(False)
        self.start("convert stops", self._convert_then_agree())

    async def _convert_then_agree(self) -> None:
        if self._coverage is None:
            return
        failed = await convert_all(self._coverage, self._leaving.app_only)
        if not failed:
            self.agree()
            return
        tell(self.answer, f"Not closed. These stops could not be put at the broker:\n{failed}")
        for button in (self.convert, self.anyway):
            button.setEnabled(True)


def _triggers(row: Coverage) -> str:
    said = ", ".join(f"{stop.side} at {price_words(stop.trigger)}" for stop in row.app_stops)
    return f": {said}" if said else ""


def _consequences(leaving: Leaving) -> list[tuple[str, Role]]:
    said: list[tuple[str, Role]] = []
    if leaving.replayed:
        return [(_end_of_replay(leaving), "text")]
    if leaving.runs:
        names = ", ".join(leaving.runs)
        said.append(
            (
                f"{count_of(len(leaving.runs), 'strategy run')} will be stopped: {names}. Working entries are "
                "cancelled, stops at the broker stay, and positions stay open: they are yours.",
                "text",
            )
        )
    going_on = [count_of(leaving.positions, "open position")] if leaving.positions else []
    going_on += [count_of(leaving.working, "working order")] if leaving.working else []
    if going_on:
        said.append((f"At the broker go on: {' and '.join(going_on)}.", "text"))
    for row in leaving.app_only:
        count = grouped(row.in_program)
        said.append(
            (f"⚠ {row.position.tradingsymbol} {row.position.product}: {count} protected only by this program"
             f"{_triggers(row)}.", "warn")
        )  # fmt: skip
    if leaving.app_only:
        said.append(("Until it runs again, nothing sells or buys these back when the price turns.", "warn"))
    return said


def _end_of_replay(leaving: Leaving) -> str:
    counts = ((len(leaving.runs), "strategy run"), (leaving.positions, "open position"), (leaving.working, "order"))
    ending = ", ".join(count_of(count, word) for count, word in counts if count)
    return f"This pass of the recorded day ends: {ending}. Nothing of it is at a broker, and the next begins anew."
