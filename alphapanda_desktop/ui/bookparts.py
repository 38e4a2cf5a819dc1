"""What the panels of the account's books share: a beat that draws only what is old, footers, roles, actions."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from datetime import datetime

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say


class BookPanel(QWidget):
    """Base of the books: `mark` says that what is shown is old, `redraw` is called with the next frame in sight."""

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edge = edge
        self._old = True
        edge.frames.add(self, self._frame)

    def mark(self, *_what: object) -> None:
        """Draw anew with the next frame."""
        self._old = True

    @abstractmethod
    def redraw(self) -> None:
        """Show what there is now."""

    def _frame(self) -> None:
        if self._old:
            self._old = False
            self.redraw()


def side_role(row: Order | Fill) -> Role:
    return "buy" if row.transaction_type == "BUY" else "sell"


def result_role(value: float | None) -> Role:
    """Colour of a profit or loss; muted where it is unknown."""
    if value is None:
        return "muted"
    return "up" if value > 0 else "down" if value < 0 else "unchanged"


def seconds(at: datetime | None) -> float | None:
    """A time to sort by."""
    return at.timestamp() if at is not None else None


def action(text: str, work: Callable[[], object]) -> QAction:
    """An entry of a context menu; a tab in its text parts the words from the key."""
    made = QAction(say(text))
    made.triggered.connect(lambda _checked=False: work())
    return made


def muted(parent: QWidget, edge: Edge, kind: type[QLabel] = Words) -> QLabel:
    """A quiet line of words; of marked ones where `kind` says so."""
    label = kind(parent)
    label.setStyleSheet(f"color: {edge.theme.muted};")
    return label


def button(parent: QWidget, text: str, name: str, tip: str, work: Callable[[], object]) -> QPushButton:
    """A button of a panel's footer."""
    made = QPushButton(say(text), parent)
    made.setObjectName(name)
    made.setAccessibleName(say(text.rstrip("…")))
    made.setToolTip(as_tip(say(tip)))
    made.clicked.connect(lambda _checked=False: work())
    return made


def stack(panel: QWidget, body: QWidget, table: TableView, words: QLabel, *buttons: QWidget) -> None:
    """The body (the table, or what holds it) over a footer: words on the left, buttons on the right."""
    footer = QHBoxLayout()
    footer.setContentsMargins(8, 3, 8, 3)
    footer.setSpacing(8)
    words.setMinimumWidth(0)
    footer.addWidget(words, 1)
    for made in buttons:
        footer.addWidget(made)
    whole = QVBoxLayout(panel)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.setSpacing(0)
    whole.addWidget(body, 1)
    whole.addLayout(footer)
    table.horizontalHeader().setStretchLastSection(True)
    panel.setFocusProxy(table)


def charge_words(charges: Charges) -> str:
    """Every part of what an order costs, in one line."""
    parts = (
        ("brokerage", charges.brokerage),
        (charges.transaction_tax_type.upper(), charges.transaction_tax),
        ("exchange", charges.exchange_turnover_charge),
        ("SEBI", charges.sebi_turnover_charge),
        ("stamp", charges.stamp_duty),
        ("GST", charges.gst),
        ("total", charges.total),
    )
    return ", ".join(f"{name} {formats.rupees(value / RUPEE)}" for name, value in parts)
