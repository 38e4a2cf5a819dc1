"""A run's log and its book, each below a line that opens and closes it.

Object names for the tour: `run_log_<run_id>`, `run_book_<run_id>`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.run import LogLine, Run
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import count_of, say

PAGE_HEIGHT: Final = 150
LINES_MOST: Final = 500
LINE_ROLES: Final[dict[str, Role]] = {"info": "text", "warning": "warn", "error": "danger"}


class Page(QWidget):
    """One text that is opened by its line; `toggle` and `text` are its parts."""

    def __init__(self, name: str, words: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._told: object = None
        self.toggle = QToolButton(parent)
        self.toggle.setObjectName(name)
        self.toggle.setCheckable(True)
        self.toggle.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.toggle.setAccessibleDescription(say(words))
        self.text = QPlainTextEdit(self)
        self.text.setReadOnly(True)
        self.text.setTabChangesFocus(True)
        self.text.setMaximumBlockCount(LINES_MOST)
        self.text.setFixedHeight(PAGE_HEIGHT)
        self.text.setAccessibleName(say(words))
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(self.text)
        self.hide()

    def head(self, words: str, role: Role) -> None:
        """Say what there is, on the line."""
        opened = self.toggle.isChecked()
        self.toggle.setText(f"{'▾' if opened else '▸'} {words}")
        self.setVisible(opened)
        theme = self._edge.theme
        looks = (
            "QToolButton, QToolButton:checked { border: 0; background: transparent; padding: 2px 0; "
            f"color: {getattr(theme, role)}; }} QToolButton:focus {{ color: {theme.accent}; }}"
        )
        if self.toggle.styleSheet() != looks:
            self.toggle.setStyleSheet(looks)

    def fill(self, told: object, lines: Sequence[str]) -> None:
        """Show these lines of rich text, unless `told`, which stands for them, is what is shown already."""
        if told != self._told:
            self._told = told
            self.text.clear()
            self.text.appendHtml("<br>".join(lines))


class RunPages(QWidget):
    """Both pages of one run; `refresh` reads it anew."""

    def __init__(self, run: Run, name: str, desk: Desk, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._run = run
        self._desk = desk
        self._edge = edge
        self.book = Page(f"run_book_{run.run_id}", f"Orders that filled, of {name}", edge, self)
        self.log = Page(f"run_log_{run.run_id}", f"Log of {name}", edge, self)
        heads = QHBoxLayout()
        heads.setSpacing(14)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(4)
        box.addLayout(heads)
        for page in (self.book, self.log):
            heads.addWidget(page.toggle)
            page.toggle.toggled.connect(lambda _on: self.refresh())
            box.addWidget(page)
        heads.addStretch(1)

    def refresh(self) -> None:
        """Show what was filled and what was said so far."""
        lines = self._run.log
        bad = sum(line.level != "info" for line in lines)
        words = f"Log, {count_of(len(lines), 'line')}"
        self.log.head(f"{words} · {count_of(bad, 'warning')}" if bad else words, "warn" if bad else "muted")
        if self.log.toggle.isChecked():
            self.log.fill((len(lines), lines[-1] if lines else None), [self._log_line(line) for line in lines])
        filled = [order for order in self._run.orders.values() if order.filled_quantity]
        self.book.head(f"Book, {count_of(len(filled), 'order')}", "muted")
        self.book.toggle.setVisible(bool(filled or self._run.brought))
        if self.book.toggle.isChecked():
            costs = [self._cost(order) for order in filled]
            self.book.fill((filled, costs, dict(self._run.brought)), [*self._brought(), *self._lines(filled, costs)])

    def _log_line(self, line: LogLine) -> str:
        role = LINE_ROLES.get(line.level, "text")
        return f"{self._tinted(formats.ist_time(line.at), 'muted')} {self._tinted(line.text, role)}"

    def _brought(self) -> list[str]:
        """What it did not trade itself today."""
        return [
            self._tinted(f"brought or handed over: {formats.signed(count, 0)} {key} {product} @ {formats.price(at)}")
            for (key, product), (count, at) in self._run.brought.items()
            if count
        ]

    def _lines(self, orders: Sequence[Order], costs: Sequence[str]) -> list[str]:
        return [self._book_line(order, cost) for order, cost in zip(orders, costs, strict=True)]

    def _book_line(self, order: Order, cost: str) -> str:
        side = self._tinted(order.transaction_type, "buy" if order.transaction_type == "BUY" else "sell")
        what = f"{formats.grouped(order.filled_quantity)} {order.tradingsymbol} @ {formats.price(order.average_price)}"
        reason = self._desk.books.reason_of(order)
        tail = self._tinted(f"charges {cost}{f' · {reason}' if reason else ''}", "muted")
        return f"{self._tinted(formats.ist_time(order.order_timestamp), 'muted')} {side} {escape(what)} {tail}"

    def _cost(self, order: Order) -> str:
        """What the order has cost so far, a dash while its trades were not read."""
        charges = self._desk.ledger.of_order(order.order_id)
        return formats.DASH if charges is None else formats.rupees(charges.total / RUPEE)

    def _tinted(self, text: str, role: Role = "text") -> str:
        return f"<span style='color:{getattr(self._edge.theme, role)}'>{escape(text)}</span>"
