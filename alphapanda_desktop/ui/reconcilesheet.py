"""Where the broker and the journal disagree: each difference once, and what a person decides about it.

Object names: `differences`, `difference_adopt`, `difference_ignore`, `difference_flatten`, `difference_look`,
`foreign_policy`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, Protocol

from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QHeaderView, QPushButton, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.trading.differences import Choice, Difference, Differences, ForeignPolicy
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.formats import DASH, ist_time
from alphapanda_desktop.ui.forms import Pick, field_looks
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import count_of, say

LABELS: Final = {Choice.ADOPT: "Adopt", Choice.IGNORE: "Ignore", Choice.FLATTEN: "Flatten"}
MEANINGS: Final = {
    Choice.ADOPT: "Adopt: what the broker says is true from now on, and counts for limits and profit and loss.",
    Choice.IGNORE: "Ignore: it stays as it is at the broker, is shown as not ours, and no strategy touches it.",
    Choice.FLATTEN: "Flatten: the order is cancelled, or the position closed with an order at market.",
}
DONE: Final = {Choice.ADOPT: "adopted", Choice.IGNORE: "ignored", Choice.FLATTEN: "flattened"}
POLICIES: Final = {
    ForeignPolicy.IGNORE: "are shown, and nothing follows",
    ForeignPolicy.PAUSE: "pause all strategies",
    ForeignPolicy.ADOPT: "are adopted",
}


class Reconciling(Protocol):
    """What the sheet needs of a desk."""

    differences: Differences
    foreign_policy: ForeignPolicy

    async def reconcile(self, why: str, *, quiet: bool = False) -> None: ...


def _state(row: Difference) -> str:
    if row.decided is not None:
        return DONE[row.decided]
    return "● must decide" if row.red else "noted"


def _tone(row: Difference) -> Role:
    return "danger" if row.open else "muted"


COLUMNS: Final[tuple[Column[Difference], ...]] = (
    Column("Decision", _state, width_chars=13, colour=_tone),
    Column("Kind", lambda row: row.kind, width_chars=13),
    Column("What", lambda row: row.what, width_chars=24, tooltip=lambda row: row.what),
    Column("Journal says", lambda row: row.ours or DASH, width_chars=26, tooltip=lambda row: row.ours),
    Column("Broker says", lambda row: row.theirs or DASH, width_chars=28, tooltip=lambda row: row.theirs),
    Column("Seen", lambda row: row.at, lambda row: ist_time(row.at), width_chars=9),
)
BROKER_SAYS: Final = [column.title for column in COLUMNS].index("Broker says")


class ReconcileSheet(Sheet):
    """Follows a desk's differences; rows are decided one by one or several at a time."""

    def __init__(self, desk: Reconciling, edge: Edge, parent: QWidget) -> None:
        super().__init__("reconcile_sheet", "Reconciliation with the broker", edge, parent)
        self._desk = desk
        self._deciding = False
        self._buttons: dict[Choice, QPushButton] = {}
        self._build()
        connect(desk.differences.changed, self, self.follow)
        self.follow()

    def _build(self) -> None:
        self.summary = self.line(name="difference_summary")
        self.model = RowModel(COLUMNS, lambda row: row.id, self.edge.theme, self)
        self.table = TableView(self.model, "The journal and the broker agree.", self)
        self.table.setObjectName("differences")
        self.table.setAccessibleName(say("Differences between the journal and the broker"))
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.horizontalHeader().setSectionResizeMode(BROKER_SAYS, QHeaderView.ResizeMode.Stretch)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_selected())
        self.detail = self.line(name="difference_detail")
        self.answer = self.line("", "danger", "difference_answer")
        for widget in (self.summary, self.table, self.detail, self.answer):
            self.body.addWidget(widget, 1 if widget is self.table else 0)
        self.body.addLayout(self._choices())
        self._build_foot()

    def _choices(self) -> QHBoxLayout:
        row = QHBoxLayout()
        for choice, label in LABELS.items():
            button = self.button(f"difference_{choice.value}", label, partial(self._decide, choice), MEANINGS[choice])
            self._buttons[choice] = button
            row.addWidget(button)
        self._buttons[Choice.FLATTEN].setProperty("order", "KILL")
        row.addStretch(1)
        return row

    def _build_foot(self) -> None:
        self.policy = Pick(self)
        self.policy.setObjectName("foreign_policy")
        self.policy.setAccessibleName(say("What follows from orders that were made elsewhere"))
        self.policy.setStyleSheet(field_looks(self.edge.theme))
        for policy, words in POLICIES.items():
            self.policy.addItem(say(words), policy)
        self.policy.setCurrentIndex(self.policy.findData(self._desk.foreign_policy))
        self.policy.currentIndexChanged.connect(lambda _place: self._set_policy())
        self.look = self.button(
            "difference_look", "Look again now", self._look, "Read orders, trades and positions anew"
        )
        elsewhere = self.line("Orders made elsewhere", "muted")
        elsewhere.setWordWrap(False)
        self.foot.addWidget(elsewhere)
        self.foot.addWidget(self.policy)
        self.foot.addStretch(1)
        self.foot.addWidget(self.look)

    # -- what is shown ---------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show the differences as they are now."""
        rows = self._desk.differences.rows()
        red = sum(row.open for row in rows)
        self.model.update(rows)
        self.colour("danger" if red else "accent")
        tell(self.summary, _summary(len(rows), red))
        tint(self.summary, "danger" if red else "muted", self.edge)
        if rows and not self.table.selectedIndexes():
            self.table.selectRow(0)
        self._show_selected()

    def _show_selected(self) -> None:
        rows: list[Difference] = self.table.selected_rows()
        for choice, button in self._buttons.items():
            button.setVisible(any(choice in row.choices for row in self.model.rows()))
            button.setEnabled(bool(_takers(rows, choice)) and not self._deciding)
        tell(self.detail, _detail(rows))

    # -- what the person does --------------------------------------------------------------------------------

    def _decide(self, choice: Choice) -> None:
        if self._deciding:
            return
        self._deciding = True  # now, not in the task: a double click comes before it
        tell(self.answer, "")
        self._show_selected()
        self.start(f"{choice} differences", self._carry_out(choice, _takers(self.table.selected_rows(), choice)))

    async def _carry_out(self, choice: Choice, rows: Sequence[Difference]) -> None:
        """Decide each of these rows; the first that fails is told, the others stay open."""
        try:
            for row in rows:
                await self._desk.differences.decide(row.id, choice)
        except AlphaPandaError as error:
            tell(self.answer, str(error))
        finally:
            self._deciding = False
            self._show_selected()

    def _set_policy(self) -> None:
        self._desk.foreign_policy = ForeignPolicy(self.policy.currentData())

    def _look(self) -> None:
        self.start("reconcile", self._desk.reconcile("asked on the sheet"))


def _takers(rows: Sequence[Difference], choice: Choice) -> list[Difference]:
    return [row for row in rows if row.decided is None and choice in row.choices]


def _summary(count: int, red: int) -> str:
    if red:
        return (
            f"{count_of(red, 'difference')} must be decided. Until then no strategy starts and none enters; "
            "exits, cancellations and orders by hand pass."
        )
    return f"{count_of(count, 'difference')}, none of which holds strategies back." if count else ""


def _detail(rows: Sequence[Difference]) -> str:
    if not rows:
        return ""
    if len(rows) > 1:
        return f"{len(rows)} rows are selected."
    row = rows[0]
    said = [row.what, f"Journal: {row.ours or DASH}", f"Broker: {row.theirs or DASH}"]
    if row.decided is None:
        said += [MEANINGS[choice] for choice in row.choices]
    return "\n".join(said)
