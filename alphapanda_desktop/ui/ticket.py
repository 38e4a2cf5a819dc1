"""The order ticket: a sheet at the window's lower right corner that asks the desk for one order.

Keys: Enter sends, Esc closes, arrows step by lot and by tick, Alt+B and Alt+S turn the side.
Object names for the tour: `ticket`, `ticket_buy`, `ticket_sell`, `ticket_quantity`, `ticket_type`, `ticket_price`,
`ticket_trigger`, `ticket_product`, `ticket_words`, `ticket_send`, `ticket_close`.
"""

from __future__ import annotations

from typing import Final, cast

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QKeyEvent, QKeySequence, QMouseEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import OrderRequest, OrderType, Product, Side
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk, DeskState
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.forms import Pick, WholeSpin, field_looks
from alphapanda_desktop.ui.pricespin import PriceSpin
from alphapanda_desktop.ui.strategies import PRODUCT_WORDS, products_for
from alphapanda_desktop.ui.theme import Role, ui_font

WIDTH: Final = 350
MARGIN: Final = 14
QUANTITY_MAX: Final = 1_000_000
AUTOMATIC: Final = -1.0
"""Market protection by which Kite chooses the percentage; it demands one on orders without a price."""

ORDER_TYPES: Final[dict[OrderType, str]] = {
    "MARKET": "MARKET",
    "LIMIT": "LIMIT",
    "SL": "SL · stop, then limit",
    "SL-M": "SL-M · stop, then market",
}


class Ticket(QFrame):
    """One order at a time, for one instrument. `open_for` shows it; Esc or a sent order takes it away."""

    def __init__(self, desk: Desk, market: Market, arming: Arming, mode: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._desk = desk
        self._market = market
        self._arming = arming
        self._mode = mode
        self._edge = edge
        self._instrument: Instrument | None = None
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
        self._build_fields(whole)
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

    def _build_fields(self, whole: QVBoxLayout) -> None:
        self.quantity = WholeSpin(self)
        self.quantity.setGroupSeparatorShown(True)
        self.quantity.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.kind, self.product = Pick(self), Pick(self)
        for kind, words in ORDER_TYPES.items():
            self.kind.addItem(words, kind)
        self.price, self.trigger = PriceSpin(self), PriceSpin(self)
        fields = (
            ("quantity", "Quantity", self.quantity),
            ("type", "Type", self.kind),
            ("price", "Price", self.price),
            ("trigger", "Trigger", self.trigger),
            ("product", "Product", self.product),
        )
        self._labels: dict[QWidget, QLabel] = {}
        grid = QGridLayout()
        grid.setVerticalSpacing(6)
        grid.setColumnMinimumWidth(0, 64)
        grid.setColumnStretch(1, 1)
        for row, (name, text, field) in enumerate(fields):
            label = self._labels[field] = QLabel(text, self)
            label.setBuddy(field)
            field.setObjectName(f"ticket_{name}")
            field.setAccessibleName(text)
            grid.addWidget(label, row, 0)
            grid.addWidget(field, row, 1)
        whole.addLayout(grid)
        self.kind.currentIndexChanged.connect(lambda _place: self._choose_kind())
        for spin in (self.quantity, self.price, self.trigger):
            spin.valueChanged.connect(lambda _value: self._edited())
        for price in (self.price, self.trigger):
            price.snapped.connect(self._on_snapped)
        self.product.currentIndexChanged.connect(lambda _place: self._edited())

    # -- opening and closing ---------------------------------------------------------------------------------

    def open_for(self, instrument: Instrument, side: str, quantity: int | None = None) -> None:
        """Show the ticket for this instrument; one lot unless a quantity is given."""
        if not instrument.tradable:
            self._edge.notify(f"{instrument.key} is an index and cannot be traded.", "warning")
            return
        if self._sending:
            self._edge.notify("The ticket is still waiting for the answer to its last order.", "warning")
            return
        self._market.watch("ticket", [instrument], Mode.FULL)
        self._instrument, self._side, self._unanswered = instrument, cast(Side, side), False
        self._fill_in(instrument, quantity or instrument.lot)
        self._show_all()
        self.show()
        self._fit()
        self.raise_()
        self.quantity.setFocus()
        self.quantity.selectAll()

    def _fill_in(self, instrument: Instrument, quantity: int) -> None:
        self.title.setText(instrument.tradingsymbol)
        self.title.setToolTip(instrument.key)
        self.quantity.setRange(instrument.lot, QUANTITY_MAX - QUANTITY_MAX % instrument.lot)
        self.quantity.setSingleStep(instrument.lot)
        self.quantity.setValue(quantity)
        self.quantity.setSuffix(" lots" if instrument.exchange == "MCX" else "")
        for spin in (self.price, self.trigger):
            spin.suit(instrument)
            spin.setEnabled(False)  # `_choose_kind` fills in the price of now when it is needed
        self.product.clear()
        for product in products_for([instrument]):
            self.product.addItem(PRODUCT_WORDS[product], product)
        self.product.setCurrentIndex(max(0, self.product.findData(self._held_product(instrument))))
        self._choose_kind()

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

    def _choose_kind(self) -> None:
        kind = self._kind()
        self._need(self.price, kind in ("LIMIT", "SL"))
        self._need(self.trigger, kind in ("SL", "SL-M"))
        self._edited()
        self._fit()

    def _need(self, spin: PriceSpin, needed: bool) -> None:
        """Show a price field where the order has such a price, with the last price when it appears."""
        if needed and not spin.isEnabled() and self._instrument is not None:
            spin.setValue(self._instrument.snap(self._last() or 0.0))
        for widget in (spin, self._labels[spin]):
            widget.setEnabled(needed)
            widget.setVisible(needed)

    def _on_snapped(self, text: str) -> None:
        """A price that is not the typed one is shown before it is sent."""
        self._snapped = True
        self._answer = (f"{text}. Send again to confirm.", "warn")
        self._show_send()

    def _kind(self) -> OrderType:
        return cast(OrderType, self.kind.currentData())

    def _edited(self) -> None:
        self._snapped = False
        if not self._unanswered:
            self._answer = ("", "danger")
        self._show_send()

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
        price = self.price.value() if self.price.isEnabled() else self._last()
        worth = self.quantity.value() * instrument.multiplier * price if price else None
        self.value.setText(f"Value about {formats.rupees(worth)} · {self._position_words(instrument)}")
        count = formats.grouped(self.quantity.value())
        text = f"{self._side} {count} {instrument.tradingsymbol} · {self._mode.upper()}"
        self.send.setText("Sending…" if self._sending else text)
        self.send.setAccessibleName(text)
        why = self._why_not()
        self.send.setEnabled(not why)
        self._show_words(*(self._answer if self._answer[0] else (why, "warn")))

    def _position_words(self, instrument: Instrument) -> str:
        """What the order would make of the position: "position +10 → 0"."""
        where = (instrument.exchange, instrument.tradingsymbol, str(self.product.currentData()))
        held = self._desk.books.held(*where)
        after = held + self.quantity.value() * (1 if self._side == "BUY" else -1)
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
        return self._field_problem()

    def _field_problem(self) -> str:
        instrument = self._instrument
        if instrument is not None and self.quantity.value() % instrument.lot:
            return f"{self.quantity.value()} is not a multiple of the lot of {instrument.lot}."
        if self.price.isEnabled() and not self.price.value():
            return "A price is needed."
        return "A trigger is needed." if self.trigger.isEnabled() and not self.trigger.value() else ""

    def _on_desk(self, _state: object) -> None:
        self._show_send()

    def _frame(self) -> None:
        self._show_quote()
        self._show_send()

    # -- sending ---------------------------------------------------------------------------------------------

    def _ask_send(self) -> None:
        for spin in (self.quantity, self.price, self.trigger):
            spin.interpretText()
        if self._snapped:
            self._snapped = False
            return
        self._show_send()
        if self.send.isEnabled() and self._instrument is not None:
            self._sending = True  # before the task runs: a second Enter must find it set
            self._show_send()
            self._edge.spawn("send ticket", self._send(self._request(self._instrument)))

    def _request(self, instrument: Instrument) -> OrderRequest:
        kind = self._kind()
        return OrderRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=self._side,
            quantity=self.quantity.value(),
            product=cast(Product, self.product.currentData()),
            order_type=kind,
            price=instrument.snap(self.price.value()) if kind in ("LIMIT", "SL") else None,
            trigger_price=instrument.snap(self.trigger.value()) if kind in ("SL", "SL-M") else None,
            market_protection=AUTOMATIC if kind in ("MARKET", "SL-M") else None,
            tag=self._desk.new_tag(),
        )

    async def _send(self, request: OrderRequest) -> None:
        said = f"{request.transaction_type} {request.quantity} {request.tradingsymbol}"
        self._answer = ("", "danger")
        try:
            order = await self._desk.submit(request)
        except Unknown as error:
            self._unanswered = True
            self._answer = (f"No answer: the order may exist. Look at Orders before sending again. {error}", "unknown")
        except AlphaPandaError as error:
            self._answer = (str(error), "danger")
        else:
            self._edge.notify(f"Sent {said}: order {order.order_id}", "info")
            self.dismiss()
        finally:
            self._sending = False
            self._show_send()

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
