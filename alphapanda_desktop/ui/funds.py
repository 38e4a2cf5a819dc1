"""The account's money by segment, as the broker told it last.

Object names for the tour: `funds_table`, `funds_read`, `funds_words`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.ports import Funds
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import BookPanel, button, muted, stack
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import say


def _money(title: str, value: Callable[[Funds], float], tip: str) -> Column[Funds]:
    return Column(
        title,
        value,
        lambda f: formats.rupees(value(f)) if f.enabled else formats.DASH,
        "right",
        17,
        colour=lambda f: "danger" if f.enabled and value(f) < 0 else None,
        header_tooltip=tip,
    )


COLUMNS: Final[tuple[Column[Funds], ...]] = (
    Column("Segment", lambda f: f.segment, lambda f: f.segment.capitalize(), width_chars=14),
    _money("Available", lambda f: f.live_balance, "What can be used for orders now"),
    _money("Used", lambda f: f.utilised, "What positions and orders hold"),
    _money("Net", lambda f: f.net, "What remains after utilisation"),
    _money("Opening", lambda f: f.opening_balance, "At the start of the day"),
    Column("State", lambda f: f.enabled, lambda f: "" if f.enabled else "not enabled for this account", width_chars=28,
           colour=lambda _: "muted"),
)  # fmt: skip


class FundsPanel(BookPanel):
    """Margins of each segment; `Read again` asks the broker for all of its books."""

    def __init__(self, desk: Desk, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(edge, parent)
        self._desk = desk
        self.model: RowModel[Funds] = RowModel(COLUMNS, key=lambda f: f.segment, theme=edge.theme, parent=self)
        self.table = TableView(self.model, "Funds have not been read yet.", self)
        self.table.setObjectName("funds_table")
        self.table.setAccessibleName(say("Funds"))
        self.read = button(
            self, "Read again", "funds_read", "Ask the broker for funds and all of its books",
            lambda: self._edge.spawn("read funds", desk.reconcile("funds asked for", quiet=True)),
        )  # fmt: skip
        self.words = muted(self, edge)
        self.words.setObjectName("funds_words")
        stack(self, self.table, self.table, self.words, self.read)
        connect(desk.positions_changed, self, self.mark)  # the books are read together

    def redraw(self) -> None:
        self.model.update(self._desk.funds())
        at = self._desk.books.positions_at
        self.words.setText(say(f"as of {formats.ist_time(at)}" if at is not None else "not read yet"))
