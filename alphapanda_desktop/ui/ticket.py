"""The order ticket: a sheet at the window's lower right corner that asks the desk for one order.

Keys: Enter sends, Esc closes, arrows step by lot and by tick, Alt+B and Alt+S turn the side.
Object names for the tour: `ticket`, `ticket_buy`, `ticket_sell`, `ticket_quantity`, `ticket_type`, `ticket_price`,
`ticket_trigger`, `ticket_product`, `ticket_value`, `ticket_words`, `ticket_send`, `ticket_close`.
"""

from __future__ import annotations

from typing import Final, cast

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import Order, OrderChange, Side
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk, DeskState
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.forms import field_looks
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.ticketfields import TicketFields

WIDTH: Final = 350
MARGIN: Final = 14


class Ticket(QFrame):
    """One order at a time: a new one (`open_for`) or a change (`open_to_change`). Esc or an answer takes it away."""

    def __init__(self, desk: Desk, market: Market, arming: Arming, mode: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._desk = desk
        self._market = market
        self._arming = arming
        self._mode = mode
        self._edge = edge
        self._instrument: Instrument | None = None
        self._changing: Order | None = None
        self._side: Side = "BUY"
        self._sending = False
        self._unanswered = False
        self._snapped = False
        self._answer: tuple[str, Role] = ("", "danger")
        self._held_at: QPoint | None = None
        self._moved = False
        self.setObjectName("ticket")
        self.setAccessibleName("Order ticket")
        self.setFixedWidth(WIDTH)
        self.setAutoFillBackground(True)
        self.hide()
        self._build()
        parent.installEventFilter(self)
        connect(desk.state_changed, self, self._on_desk)
        connect(desk.halted_changed, self, self._on_desk)
        edge.frames.add(self, self._frame)
        self.destroyed.connect(lambda _gone=None: market.unwatch("ticket"))

    @property
    def armed(self) -> bool:
        """Whether orders may leave at all."""
        return self._arming.armed

    @property
    def side(self) -> Side:
        return self._side

    @property
    def instrument(self) -> Instrument | None:
        return self._instrument

    # -- building --------------------------------------------------------------------------------------------

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 8, 12, 12)
        whole.setSpacing(7)
        self._build_head(whole)
        self._build_sides(whole)
        self.fields = TicketFields(self)
        self.fields.edited.connect(self._edited)
        self.fields.snapped.connect(self._on_snapped)
        whole.addWidget(self.fields)
        self.value = QLabel(self)
        self.value.setObjectName("ticket_value")
        self.value.setStyleSheet(f"color: {self._edge.theme.muted};")
        self.words = QLabel(self)
        self.words.setObjectName("ticket_words")
        self.words.setWordWrap(True)
        self.send = QPushButton(self)
        self.send.setObjectName("ticket_send")
        self.send.setFont(ui_font(11, bold=True))
        self.send.setMinimumHeight(36)
        self.send.clicked.connect(lambda _checked=False: self._ask_send())
        for widget in (self.value, self.words, self.send):
            whole.addWidget(widget)

    def _build_head(self, whole: QVBoxLayout) -> None:
        self.title = QLabel(self)
        self.title.setFont(ui_font(12, bold=True))
        self.quote = QLabel(self)
        self.close_button = QToolButton(self)
        self.close_button.setText("×")
        self.close_button.setObjectName("ticket_close")
        self.close_button.setAccessibleName("Close the ticket")
        self.close_button.setToolTip("Close without sending (Esc)")
        self.close_button.setAutoRaise(True)
        self.close_button.clicked.connect(lambda _checked=False: self.dismiss())
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.close_button)
        whole.addLayout(head)
        whole.addWidget(self.quote)

    def _build_sides(self, whole: QVBoxLayout) -> None:
        row = QHBoxLayout()
        self.sides: dict[Side, QPushButton] = {}
        both: tuple[tuple[Side, str], ...] = (("BUY", "Alt+B"), ("SELL", "Alt+S"))
        for side, key in both:
            button = self.sides[side] = QPushButton(side, self)
            button.setObjectName(f"ticket_{side.lower()}")
            button.setShortcut(QKeySequence(key))
            button.setToolTip(f"{side} ({key})")
            button.clicked.connect(lambda _checked=False, side=side: self._turn(side))
            row.addWidget(button)
        whole.addLayout(row)

    # -- opening and closing ---------------------------------------------------------------------------------

    def open_for(self, instrument: Instrument, side: str, quantity: int | None = None) -> None:
        """Show the ticket for this instrument; one lot unless a quantity is given."""
        if not instrument.tradable:
            self._edge.notify(f"{instrument.key} is an index and cannot be traded.", "warning")
            return
        if self._busy():
            return
        self._begin(instrument, cast(Side, side), None)
        last, product = self._last(), self._held_product(instrument)
        self.fields.suit(instrument, quantity or instrument.lot, last, product)
        self._appear()

    def open_to_change(self, order: Order) -> None:
        """Show a working order, to be changed."""
        instrument = self._market.master.by_key(order.key)
        if instrument is None or not order.changeable:
            self._edge.notify(f"Order {order.order_id} cannot be changed: {order.status}.", "warning")
        elif not self._busy():
            self._begin(instrument, order.transaction_type, order)
            self.fields.load(instrument, order, self._last())
            self._appear()

    def _busy(self) -> bool:
        if self._sending:
            self._edge.notify("The ticket is still waiting for the answer to its last order.", "warning")
        return self._sending

    def _begin(self, instrument: Instrument, side: Side, changing: Order | None) -> None:
        self._market.watch("ticket", [instrument], Mode.FULL)
        self._instrument, self._side, self._changing = instrument, side, changing
        self._unanswered, self._answer = False, ("", "danger")
        self.title.setText(instrument.tradingsymbol if changing is None else f"Change {instrument.tradingsymbol}")
        self.title.setToolTip(instrument.key if changing is None else f"{instrument.key}, order {changing.order_id}")
        for button in self.sides.values():
            button.setEnabled(changing is None)

    def _appear(self) -> None:
        self._show_all()
        self.show()
        self._fit()
        self.raise_()
        self.fields.quantity.setFocus()
        self.fields.quantity.selectAll()

    def _held_product(self, instrument: Instrument) -> str:
        """Product of the position that this side would shrink: an exit must not open a second position."""
        sign = 1 if self._side == "BUY" else -1
        for position in self._desk.positions():
            if position.key == instrument.key and position.quantity * sign < 0:
                return position.product
        return ""

    def dismiss(self) -> None:
        """Take the ticket away; an order that was sent stays sent."""
        self.hide()
        self._market.unwatch("ticket")
        self._over.setFocus()

    def _turn(self, side: Side) -> None:
        self._side = side
        self._edited()
        self._show_all()

    def _on_snapped(self, text: str) -> None:
        """A price that is not the typed one is shown before it is sent."""
        self._snapped = True
        self._answer = (f"{text}. Send again to confirm.", "warn")
        self._show_send()

    def _edited(self) -> None:
        self._snapped = False
        if not self._unanswered:
            self._answer = ("", "danger")
        self._show_send()
        self._fit()

    # -- what is shown ---------------------------------------------------------------------------------------

    def _last(self) -> float | None:
        tick = self._market.latest(self._instrument.instrument_token) if self._instrument is not None else None
        return tick.last_price if tick is not None else None

    def _show_all(self) -> None:
        theme = self._edge.theme
        edge_colour = theme.buy_button if self._side == "BUY" else theme.sell_button
        self.setStyleSheet(
            f"#ticket {{ background: {theme.raised}; border: 2px solid {edge_colour}; border-radius: 6px; }}"
            + field_looks(theme)
        )
        for side, button in self.sides.items():
            button.setProperty("order", side if side == self._side else None)
            button.setAccessibleName(f"{side}, chosen" if side == self._side else side)
        self.send.setProperty("order", self._side)
        for button in (*self.sides.values(), self.send):
            button.style().unpolish(button)
            button.style().polish(button)
        self._show_quote()
        self._show_send()

    def _show_quote(self) -> None:
        instrument = self._instrument
        if instrument is None:
            return
        tick = self._market.latest(instrument.instrument_token)
        stale = self._market.stale(instrument.instrument_token)
        depth = tick.depth if tick is not None else None
        parts = [f"Last {formats.price(self._last(), instrument.decimals)}"]
        if depth is not None:
            parts += [f"Bid {formats.price(depth.buy[0].price, instrument.decimals)}"]
            parts += [f"Ask {formats.price(depth.sell[0].price, instrument.decimals)}"]
        parts += ["old price"] if stale else []
        _show(self.quote, "  ·  ".join(parts), self._edge, "warn" if stale else "text")

    def _show_send(self) -> None:
        instrument = self._instrument
        if instrument is None:
            return
        quantity, price = self.fields.quantity.value(), self.fields.limit() or self._last()
        worth = quantity * instrument.multiplier * price if price else None
        self.value.setText(f"Value about {formats.rupees(worth)} · {self._position_words(instrument)}")
        verb = self._side if self._changing is None else f"CHANGE TO {self._side}"
        text = f"{verb} {formats.grouped(quantity)} {instrument.tradingsymbol} · {self._mode.upper()}"
        self.send.setText("Sending…" if self._sending else text)
        self.send.setAccessibleName(text)
        why = self._why_not()
        self.send.setEnabled(not why)
        self._show_words(*(self._answer if self._answer[0] else (why, "warn")))

    def _position_words(self, instrument: Instrument) -> str:
        """What the order would make of the position: "position +10 → 0"."""
        where = (instrument.exchange, instrument.tradingsymbol, str(self.fields.product.currentData()))
        held = self._desk.books.held(*where)
        filled = self._changing.filled_quantity if self._changing is not None else 0
        after = held + (self.fields.quantity.value() - filled) * (1 if self._side == "BUY" else -1)
        return f"position {formats.signed(held, 0)} → {formats.signed(after, 0)}"

    def _show_words(self, text: str, role: Role) -> None:
        if text == self.words.text():
            return
        _show(self.words, text, self._edge, role)
        self.words.setVisible(bool(text))
        self._fit()

    def _fit(self) -> None:
        self.adjustSize()
        self._place()

    def _why_not(self) -> str:
        """Why nothing can be sent now, or empty; the desk's own rules speak when it is asked."""
        if self._sending or self._unanswered:
            return "Waiting for the answer."
        if self._arming.why_not():
            return self._arming.why_not()
        if self._desk.trading_state is TradingState.HALTED:
            return "The kill switch is on: no order passes until it is released."
        if self._desk.state is not DeskState.READY:
            return f"The desk takes no orders: {self._desk.state}. {self._desk.state_detail}".strip()
        return self._change_problem() or (self.fields.problem(self._instrument) if self._instrument else "")

    def _change_problem(self) -> str:
        if self._changing is None:
            return ""
        now = self._desk.books.book.get(self._changing.order_id)
        if now is not None and not now.live:
            return f"The order has ended: {now.status}."
        return "Nothing is changed yet." if self.fields.change(self._changing) == OrderChange() else ""

    def _on_desk(self, _state: object) -> None:
        self._show_send()

    def _frame(self) -> None:
        self._show_quote()
        self._show_send()

    # -- sending ---------------------------------------------------------------------------------------------

    def _ask_send(self) -> None:
        self.fields.commit()
        if self._snapped:
            self._snapped = False
            return
        self._show_send()
        if self.send.isEnabled() and self._instrument is not None:
            self._sending = True  # before the task runs: a second Enter must find it set
            self._show_send()
            self._edge.spawn("send ticket", self._send(self._instrument, self._changing))

    async def _send(self, instrument: Instrument, changing: Order | None) -> None:
        self._answer = ("", "danger")
        try:
            said = await (self._place_order(instrument) if changing is None else self._change(changing))
        except Unknown as error:
            self._unanswered = True
            self._answer = (f"No answer: the order may exist. Look at Orders before sending again. {error}", "unknown")
        except AlphaPandaError as error:
            self._answer = (str(error), "danger")
        else:
            self._edge.notify(said, "info")
            self.dismiss()
        finally:
            self._sending = False
            self._show_send()

    async def _place_order(self, instrument: Instrument) -> str:
        request = self.fields.request(instrument, self._side, self._desk.new_tag())
        order = await self._desk.submit(request)
        return f"Sent {request.transaction_type} {request.quantity} {request.tradingsymbol}: order {order.order_id}"

    async def _change(self, order: Order) -> str:
        await self._desk.modify(order.order_id, self.fields.change(order))
        return f"Asked for the change of order {order.order_id}; Orders shows when it is done."

    # -- keys, place -----------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter(event)
        else:
            super().keyPressEvent(event)

    def _enter(self, event: QKeyEvent) -> None:
        focused = self.focusWidget()
        if event.isAutoRepeat():
            return
        if isinstance(focused, QPushButton | QToolButton) and focused is not self.send:
            focused.click()  # Enter on BUY turns the side; it must not send
        else:
            self._ask_send()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show) and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        parent = self._over
        corner = QPoint(parent.width() - self.width() - MARGIN, parent.height() - self.height() - 2 * MARGIN - 18)
        at = self.pos() if self._moved else corner
        right, bottom = max(0, parent.width() - self.width()), max(0, parent.height() - self.height())
        self.move(min(max(at.x(), 0), right), min(max(at.y(), 0), bottom))

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._held_at = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held_at is not None:
            self._moved = True
            self.move(self.mapToParent(event.position().toPoint() - self._held_at))
            self._place()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held_at = None


def _show(label: QLabel, text: str, edge: Edge, role: Role) -> None:
    if label.text() != text:
        label.setText(text)
    colour = f"color: {getattr(edge.theme, role)};"
    if label.styleSheet() != colour:
        label.setStyleSheet(colour)
