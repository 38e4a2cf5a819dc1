"""The question of a conversion: how much of a position, and to which product.

Object names: `convert_quantity`, `convert_product`, `convert_words`, and those of a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QWidget

from alphapanda_desktop.domain.portfolio import CASH_EXCHANGES, conversion_problem
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import Pick, WholeSpin, field_looks
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.question import Question
from alphapanda_desktop.ui.words import say

CASH: Final = ("CNC", "MIS", "MTF")
DERIVATIVES: Final = ("NRML", "MIS")


class ConvertDialog(Question):
    """Asks for quantity and product; its yes is open only to what the rules allow. `guards` are stops it would end."""

    def __init__(self, position: Position, mode: str, edge: Edge, parent: QWidget, guards: Sequence[str] = ()) -> None:
        held = f"{formats.signed(position.quantity, 0)} {position.key} held as {position.product}."
        lines = [held, *(f"What is converted is no longer guarded by {words}." for words in guards)]
        super().__init__(f"Convert {position.tradingsymbol}", lines, "Convert", mode, edge, parent)
        self._position = position
        self.quantity, self.product = WholeSpin(self), Pick(self)
        self.quantity.setObjectName("convert_quantity")
        self.quantity.setAccessibleName(say("Quantity to convert"))
        self.quantity.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.quantity.setGroupSeparatorShown(True)
        self.quantity.setRange(1, max(1, abs(position.quantity)))
        self.quantity.setValue(abs(position.quantity))
        self.product.setObjectName("convert_product")
        self.product.setAccessibleName(say("Product to convert to"))
        for product in CASH if position.exchange in CASH_EXCHANGES else DERIVATIVES:
            if product != position.product:
                self.product.addItem(say(product), product)
        self.why = Words(self)
        self.why.setObjectName("convert_words")
        self.why.setWordWrap(True)
        self.why.setStyleSheet(f"color: {edge.theme.warn};")
        self._lay_out(edge)
        self.quantity.valueChanged.connect(lambda _value: self._judge())
        self.product.currentIndexChanged.connect(lambda _place: self._judge())
        self._judge()
        self.quantity.setFocus()

    def _lay_out(self, edge: Edge) -> None:
        fields = QWidget(self)
        fields.setStyleSheet(field_looks(edge.theme))
        form = QFormLayout(fields)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Quantity", self.quantity)
        form.addRow("To product", self.product)
        self.box.insertWidget(self.box.count() - 1, fields)
        self.box.insertWidget(self.box.count() - 1, self.why)

    def product_wanted(self) -> str:
        return str(self.product.currentData())

    def _judge(self) -> None:
        problem = conversion_problem(self._position, self.quantity.value(), self.product_wanted())
        self.why.setText(problem)
        self.why.setVisible(bool(problem))
        self.yes.setEnabled(not problem)
