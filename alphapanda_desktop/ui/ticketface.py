"""What a ticket looks like: head, sides, varieties, fields, sums, words and buttons, without a thought of its own."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.portfolio import Calculator
from alphapanda_desktop.ui.clothes import clothe
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import field_looks
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.ticketconfirm import ConfirmCard
from alphapanda_desktop.ui.ticketfields import TicketFields
from alphapanda_desktop.ui.ticketkinds import KINDS, KindName
from alphapanda_desktop.ui.ticketsheet import CornerSheet, OnceButton
from alphapanda_desktop.ui.ticketsums import TicketSums
from alphapanda_desktop.ui.words import say, side_word

WIDTH: Final = 410
SEND_PX: Final = WIDTH - 60


class TicketFace(CornerSheet):
    """The parts of a ticket, laid out; blue to buy, orange-red to sell."""

    def __init__(self, mode: str, edge: Edge, calculator: Calculator | None, parent: QWidget) -> None:
        super().__init__(WIDTH, parent)
        self._mode = mode
        self._edge = edge
        self.setObjectName("ticket")
        self.setAccessibleName(say("Order ticket"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 8, 12, 12)
        whole.setSpacing(7)
        self._build_head(whole)
        self._build_sides(whole)
        self._build_varieties(whole)
        self.fields = TicketFields(self)
        self.card = ConfirmCard(mode, edge, self)
        self.card.hide()
        self.sums = TicketSums(edge, calculator, self)
        for part in (self.fields, self.card, self.sums):
            whole.addWidget(part)
        self._build_foot(whole)

    def _build_head(self, whole: QVBoxLayout) -> None:
        self.title = Words(self)
        self.title.setFont(ui_font(12, bold=True))
        self.quote = Words(self)
        self.close_button = QToolButton(self)
        self.close_button.setText("×")
        self.close_button.setObjectName("ticket_close")
        self.close_button.setAccessibleName(say("Close the ticket"))
        self.close_button.setToolTip(say("Close without sending (Esc)"))
        self.close_button.setAutoRaise(True)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        whole.addLayout(head)
        whole.addWidget(self.quote)

    def _build_sides(self, whole: QVBoxLayout) -> None:
        row = QHBoxLayout()
        self.sides: dict[Side, QPushButton] = {}
        both: tuple[tuple[Side, str], ...] = (("BUY", "B"), ("SELL", "S"))
        for side, key in both:
            button = self.sides[side] = QPushButton(side_word(side), self)
            button.setObjectName(f"ticket_{side.lower()}")
            button.setShortcut(QKeySequence(f"Alt+{key}"))
            button.setToolTip(as_tip(f"{side_word(side)} ({key})"))
            row.addWidget(button)
        whole.addLayout(row)

    def _build_varieties(self, whole: QVBoxLayout) -> None:
        row = QHBoxLayout()
        row.setSpacing(4)
        self.varieties: dict[KindName, QToolButton] = {}
        group = QButtonGroup(self)
        for number, (name, kind) in enumerate(KINDS.items(), 1):
            button = self.varieties[name] = QToolButton(self)
            button.setText(say(kind.title))
            button.setCheckable(True)
            button.setObjectName(f"ticket_variety_{name}")
            button.setAccessibleName(say(f"Variety {kind.title}"))
            button.setToolTip(as_tip(say(f"{kind.tip} (Alt+{number})")))
            button.setShortcut(QKeySequence(f"Alt+{number}"))
            button.setSizePolicy(QSizePolicy.Policy.MinimumExpanding, QSizePolicy.Policy.Fixed)
            group.addButton(button)
            row.addWidget(button)
        whole.addLayout(row)

    def _build_foot(self, whole: QVBoxLayout) -> None:
        self.words = Words(self)
        self.words.setObjectName("ticket_words")
        self.words.setWordWrap(True)
        self.send = OnceButton(self)
        self.send.setObjectName("ticket_send")
        self.send.setFont(ui_font(11, bold=True))
        self.send.setMinimumHeight(36)
        self.back = QPushButton(say("Back"), self)
        self.back.setObjectName("ticket_back")
        self.back.setToolTip(say("Back to the fields (Esc)"))
        self.back.setMinimumHeight(36)
        self.back.hide()
        self.ask_first = QCheckBox(say("Show the order once more before it is sent"), self)
        self.ask_first.setObjectName("ticket_ask_first")
        row = QHBoxLayout()
        row.addWidget(self.back)
        row.addWidget(self.send, 1)
        whole.addWidget(self.words)
        whole.addLayout(row)
        whole.addWidget(self.ask_first)

    # -- showing ---------------------------------------------------------------------------------------------

    def colour_for(self, side: Side) -> None:
        """Frame and buttons in the colour of this side."""
        theme = self._edge.theme
        edge_colour = theme.buy_button if side == "BUY" else theme.sell_button
        clothe(
            self,
            theme,
            f"#ticket {{ background: {theme.raised}; border: 2px solid {edge_colour}; border-radius: 6px; }}"
            "#ticket QToolButton { padding: 4px 5px; }" + field_looks(theme),
        )
        for one, button in self.sides.items():
            button.setProperty("order", one if one == side else None)
            button.setAccessibleName(say(f"{side_word(one)}, chosen" if one == side else side_word(one)))
        self.send.setProperty("order", side)
        for button in (*self.sides.values(), self.send):
            button.style().unpolish(button)
            button.style().polish(button)

    def show_card(self, shown: bool) -> None:
        """Show the order in words instead of its fields, or the other way round."""
        self.card.setVisible(shown)
        self.back.setVisible(shown)
        self.ask_first.setVisible(not shown)
        self.fields.setVisible(not shown)
        for button in (*self.sides.values(), *self.varieties.values()):
            button.setVisible(not shown and not (button.property("absent") or False))

    def show_send_words(self, verb: str, *, sending: bool, live: bool = False) -> None:
        """What the button does and in which mode; of a long symbol the middle is left out, never the mode.

        `live` says that pressing it moves real money: then the buttons of the sides say so, too.
        """
        text = f"⬤ {_live_words(verb)}" if live else f"{verb} · {self._mode.upper()}"
        for side, button in self.sides.items():
            words = say(_live_words(side)) if live else side_word(side)
            if button.text() != words:
                button.setText(words)
                button.setShortcut(QKeySequence(f"Alt+{side[0]}"))  # Qt drops it with the old words
        fitted = self.send.fontMetrics().elidedText(text, Qt.TextElideMode.ElideMiddle, SEND_PX)
        self.send.setText(say("Sending…" if sending else fitted))
        self.send.setToolTip(as_tip(say(text if fitted != text else "")))
        self.send.setAccessibleName(say(text))

    def say(self, text: str, role: Role) -> None:
        """Words over the button; "" takes them away."""
        if text == self.words.text():
            return
        show_words(self.words, text, self._edge, role)
        self.words.setVisible(bool(text))
        self.fit()


def _live_words(verb: str) -> str:
    """BUY becomes BUY LIVE, wherever it stands."""
    return " ".join(f"{word} LIVE" if word in ("BUY", "SELL") else word for word in verb.split(" "))


def show_words(label: QLabel, text: str, edge: Edge, role: Role) -> None:
    """Words in a role's colour; nothing is done where they stand already."""
    if label.text() != text:
        label.setText(say(text))
    colour = f"color: {getattr(edge.theme, role)};"
    if label.styleSheet() != colour:
        label.setStyleSheet(colour)
