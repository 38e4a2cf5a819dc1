"""What an order comes to before it is sent: value, required margin, charges, break-even, and the position after it.

Asked for a moment after the last edit, so that typing asks once. What is not answered is "unknown", never a zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import Calculator
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import charge_words
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.estimate import Estimate, estimate, to_tick
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

WAIT_MS: Final = 300
WAITING: Final = "…"
DRIFT: Final = 0.005
"""Share of the price by which the market may move before a market order's figures are asked for again."""
NAMES: Final = {
    "value": "Value",
    "margin": "Required margin",
    "available": "Available",
    "charges": "Charges",
    "break_even": "Break-even",
    "position": "Position",
}


@dataclass(frozen=True, slots=True)
class Query:
    """An order that is thought of: what it would trade at, whether it opens something, whether money is blocked now."""

    request: OrderRequest
    instrument: Instrument
    price: float | None
    opens: bool
    blocks: bool = True

    def same_as(self, other: Query | None) -> bool:
        """Whether the answer would be the same: a new tag, and a last price that drifts, ask for nothing new."""
        return other is not None and _bare(self) == _bare(other) and self._near(other)

    def _near(self, other: Query) -> bool:
        if self.price is None or other.price is None:
            return self.price == other.price
        return abs(self.price - other.price) <= DRIFT * other.price


def _bare(query: Query) -> tuple[object, ...]:
    r = query.request
    return (
        r.key, r.transaction_type, r.quantity, r.product, r.order_type, r.price, r.trigger_price, r.variety,
        query.opens, query.blocks,
    )  # fmt: skip


class TicketSums(QWidget):
    """Six figures under an order's fields. Object names `ticket_sum_<name>` by NAMES."""

    def __init__(self, edge: Edge, calculator: Calculator | None, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._calculator = calculator
        self._query: Query | None = None
        self._price: float | None = None
        self.estimate: Estimate | None = None
        """The last answer; None while one is awaited."""
        self.figures: dict[str, QLabel] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(WAIT_MS)
        self._timer.timeout.connect(self._ask)
        self._lay_out()

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 2, 0, 2)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        for row, (name, text) in enumerate(NAMES.items()):
            label = Words(say(text), self)
            label.setStyleSheet(f"color: {self._edge.theme.muted};")
            figure = self.figures[name] = Words(say(formats.DASH), self)
            figure.setObjectName(f"ticket_sum_{name}")
            figure.setAccessibleName(say(text))
            figure.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            grid.addWidget(label, row, 0)
            grid.addWidget(figure, row, 1)

    # -- asking ----------------------------------------------------------------------------------------------

    def take(self, query: Query | None) -> None:
        """This is what is thought of now; asked for once the typing rests."""
        if query is not None and query.same_as(self._query):
            if query.price != self._price:
                self._price = query.price
                self._show()
            return
        self._query, self.estimate = query, None
        self._price = query.price if query is not None else None
        self._timer.stop()
        if query is not None and self._calculator is not None:
            self._timer.start()
        self._show()

    def _ask(self) -> None:
        if self._query is not None and self._calculator is not None:
            self._edge.spawn("order sums", self._estimate(self._query, self._calculator))

    async def _estimate(self, query: Query, calculator: Calculator) -> None:
        answer = await estimate(calculator, query.request, query.instrument, query.price, margin=query.blocks)
        if query is self._query:  # an answer to what was typed before is no answer
            self.estimate = answer
            self._show()

    # -- showing ---------------------------------------------------------------------------------------------

    def show_value(self, value: float | None) -> None:
        self.say("value", formats.known_rupees(value))

    def show_position(self, words: str) -> None:
        self.say("position", words)

    def say(self, name: str, text: str, role: Role = "text", tip: str = "") -> None:
        """Show one figure."""
        figure = self.figures[name]
        if (figure.text(), figure.toolTip()) != (text, tip):
            figure.setText(say(text))
            figure.setToolTip(as_tip(say(tip)))
        colour = f"color: {getattr(self._edge.theme, role)};"
        if figure.styleSheet() != colour:
            figure.setStyleSheet(colour)

    def _show(self) -> None:
        query, known = self._query, self.estimate
        if query is None:
            for name in ("margin", "available", "charges", "break_even"):
                self.say(name, formats.DASH, "muted")
        elif self._calculator is None:
            for name in ("margin", "available", "charges", "break_even"):
                self.say(name, formats.UNKNOWN_WORD, "muted", "This venue has nobody to ask.")
        elif known is None:
            for name in ("margin", "available", "charges", "break_even"):
                self.say(name, WAITING, "muted", "Being asked for")
        else:
            self._show_known(query, known)

    def _show_known(self, query: Query, known: Estimate) -> None:
        why = known.why or "No answer"
        short = known.margin.short_by
        if query.blocks:
            self._say_rupees("margin", known.margin.required, why, "danger" if short else "text")
            self._say_rupees("available", known.margin.available, why)
        else:
            self.say("margin", "none until it triggers", "muted", "A GTT blocks no money while it waits")
            self.say("available", formats.DASH, "muted", "A GTT blocks no money while it waits")
        if short:
            self.say(
                "available", f"{formats.rupees(known.margin.available)}, short by {formats.rupees(short)}", "danger"
            )
        tip = charge_words(known.charges) if known.charges is not None else why
        self._say_rupees("charges", known.cost, tip)
        self._show_break_even(query, known, why)

    def _say_rupees(self, name: str, value: float | None, tip: str, role: Role = "text") -> None:
        if value is None:
            self.say(name, formats.UNKNOWN_WORD, "warn", tip)
        else:
            self.say(name, formats.rupees(value), role, tip if name == "charges" else "")

    def _show_break_even(self, query: Query, known: Estimate, why: str) -> None:
        if not query.opens:
            words = "sells what is held" if query.request.product == "CNC" else "closes a position"
            self.say("break_even", words, "muted", "Only what opens a position has to earn its charges")
        elif known.break_even is None or not query.price:
            self.say("break_even", formats.UNKNOWN_WORD, "warn", why)
        else:
            # Charges of a price that moved by less than DRIFT are the same to a hair; the level moves with it.
            price = self._price or query.price
            level = to_tick(query.instrument, known.break_even + price - query.price, query.request.transaction_type)
            away = formats.percent((level - price) * 100 / price)
            text = f"{formats.price(level, query.instrument.decimals)} ({away})"
            self.say("break_even", text, tip="Where leaving again pays for the charges of both ways")
