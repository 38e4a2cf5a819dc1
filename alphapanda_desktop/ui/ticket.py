"""The order ticket: a sheet at the window's lower right corner that asks for one order, one change or one GTT.

Keys: B and S turn the side, arrows step by lot and by tick, Alt+1 to Alt+6 choose the variety, Enter asks and then
sends, Esc goes back and then closes.
Object names for the tour: `ticket`, `ticket_buy`, `ticket_sell`, `ticket_variety_<name>`, `ticket_quantity`,
`ticket_type`, `ticket_price`, `ticket_trigger`, `ticket_product`, `ticket_sum_<name>`, `ticket_words`,
`ticket_confirm`, `ticket_ask_first`, `ticket_send`, `ticket_close`.
"""

from __future__ import annotations

from typing import Final, cast

import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QPushButton, QToolButton, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import Order, OrderChange, Side
from alphapanda_desktop.domain.portfolio import Calculator, Gtt, Gtts
from alphapanda_desktop.domain.positions import to_close
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.slicing import cut, largest_order
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.ticketconfirm import change_lines, gtt_lines, order_lines
from alphapanda_desktop.ui.ticketface import TicketFace, show_words
from alphapanda_desktop.ui.ticketkinds import KINDS, KindName
from alphapanda_desktop.ui.ticketsums import Query
from alphapanda_desktop.ui.words import say

KEYS: Final[dict[int, Side]] = {Qt.Key.Key_B.value: "BUY", Qt.Key.Key_S.value: "SELL"}


class Ticket(TicketFace):
    """One order at a time: new (`open_for`), a change (`open_to_change`), a GTT (`open_to_change_gtt`).

    Esc or an answer takes it away. Without `gtts` it offers none; without a `calculator` margin and charges are
    unknown. `ask_first` is whether Enter shows the order once more, in words and with the mode, before it is sent.
    Signal: `gtt_sent()` once a GTT was asked for, whatever came of it.
    """

    gtt_sent = Signal()

    def __init__(
        self,
        desk: Desk,
        market: Market,
        arming: Arming,
        mode: str,
        edge: Edge,
        parent: QWidget,
        *,
        gtts: Gtts | None = None,
        calculator: Calculator | None = None,
        ask_first: bool = True,
    ) -> None:
        super().__init__(mode, edge, calculator, parent)
        self._desk = desk
        self._market = market
        self._arming = arming
        self._gtts = gtts
        self._instrument: Instrument | None = None
        self._changing: Order | None = None
        self._changing_gtt: Gtt | None = None
        self._side: Side = "BUY"
        self._tag = ""
        self._sending = False
        self._asking = False
        self._unanswered = False
        self._snapped = False
        self._answer: tuple[str, Role] = ("", "danger")
        self._came_from: QWidget | None = None
        self.ask_first.setChecked(ask_first)
        for name, kind in KINDS.items():
            self.varieties[name].setProperty("absent", kind.is_gtt and gtts is None)
        self._listen()

    def _listen(self) -> None:
        self.fields.edited.connect(self._edited)
        self.fields.snapped.connect(self._on_snapped)
        self.send.clicked.connect(lambda _checked=False: self._ask_send())
        self.back.clicked.connect(lambda _checked=False: self._go_back())
        self.close_button.clicked.connect(lambda _checked=False: self.dismiss())
        for side, button in self.sides.items():
            button.clicked.connect(lambda _checked=False, side=side: self._turn(side))
        for name, variety in self.varieties.items():
            variety.clicked.connect(lambda _checked=False, name=name: self._choose_variety(name))
        for field in self.fields.cells:
            field.installEventFilter(self)
        connect(self._desk.state_changed, self, self._on_desk)
        connect(self._desk.halted_changed, self, self._on_desk)
        self._edge.frames.add(self, self._frame)
        market = self._market
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

    @property
    def asking(self) -> bool:
        """Whether it shows the order for the last look."""
        return self._asking

    # -- opening and closing ---------------------------------------------------------------------------------

    def open_for(
        self,
        instrument: Instrument,
        side: str,
        quantity: int | None = None,
        product: str = "",
        variety: KindName = "regular",
    ) -> None:
        """Show the ticket for this instrument; one lot unless a quantity is given, `product` that of what it closes."""
        if not instrument.tradable:
            self._edge.notify(f"{instrument.key} is an index and cannot be traded.", "warning")
        elif not self._busy():
            self._begin(instrument, cast(Side, side))
            last, product = self._last(), product or self._held_product(instrument)
            self.fields.suit(instrument, quantity or instrument.lot, last, product, variety)
            self._appear(instrument.tradingsymbol, instrument.key)

    def open_to_change(self, order: Order) -> None:
        """Show a working order, to be changed."""
        instrument = self._market.master.by_key(order.key)
        if instrument is None or not order.changeable:
            self._edge.notify(f"Order {order.order_id} cannot be changed: {order.status}.", "warning")
        elif not self._busy():
            self._begin(instrument, order.transaction_type)
            self._changing = order
            self.fields.load(instrument, order, self._last())
            self._appear(f"Change {instrument.tradingsymbol}", f"{instrument.key}, order {order.order_id}")

    def open_to_change_gtt(self, gtt: Gtt) -> None:
        """Show a GTT that waits, to be changed."""
        instrument = self._market.master.by_key(gtt.key)
        if instrument is None or not gtt.active or self._gtts is None:
            self._edge.notify(f"GTT {gtt.id} cannot be changed: {gtt.status}.", "warning")
        elif not self._busy():
            self._begin(instrument, gtt.orders[0].transaction_type)
            self._changing_gtt = gtt
            self.fields.load_gtt(instrument, gtt, self._last() or gtt.last_price)
            self._appear(f"Change GTT {gtt.id}", gtt.key)

    def _busy(self) -> bool:
        if self._sending:
            self._edge.notify("The ticket is still waiting for the answer to its last order.", "warning")
        return self._sending

    def _begin(self, instrument: Instrument, side: Side) -> None:
        self._market.watch("ticket", [instrument], Mode.FULL)
        self._instrument, self._side = instrument, side
        self._changing = self._changing_gtt = None
        self._tag = self._desk.new_tag()
        self._unanswered, self._answer = False, ("", "danger")
        self._show_asking(False)

    def _appear(self, title: str, tip: str) -> None:
        is_new = self._changing is None and self._changing_gtt is None
        self.title.setText(say(title))
        self.title.setToolTip(as_tip(say(tip)))
        for button in (*self.sides.values(), *self.varieties.values()):
            button.setEnabled(is_new)
        if self.isHidden():
            self._came_from = self._over.window().focusWidget()
        self.show()
        self._show_all()
        self.fit()
        self.raise_()
        self.fields.quantity.setFocus()
        self.fields.quantity.selectAll()

    def _held_product(self, instrument: Instrument) -> str:
        """Product of the position that this side would shrink: an exit must not open a second position."""
        sign = 1 if self._side == "BUY" else -1
        for position in self._desk.positions():
            if position.key == instrument.key and to_close(position.product, position.quantity) * sign < 0:
                return position.product
        return ""

    def dismiss(self) -> None:
        """Take the ticket away; an order that was sent stays sent."""
        self.hide()
        self.sums.take(None)
        self._market.unwatch("ticket")
        self._give_back_focus()

    def _give_back_focus(self) -> None:
        """The keyboard goes on where it was before the ticket: the next B or S is the next order."""
        back, self._came_from = self._came_from, None
        known = back is not None and shiboken6.isValid(back) and back.isVisible()
        (back if known and back is not None else self._over).setFocus()

    # -- editing ---------------------------------------------------------------------------------------------

    def _turn(self, side: Side) -> None:
        self._side = side
        self._edited()
        self._show_all()

    def _choose_variety(self, name: KindName) -> None:
        self.fields.set_variety(name)
        self._show_all()
        self.fit()

    def _on_snapped(self, text: str) -> None:
        """A price that is not the typed one is shown before it is sent."""
        self._snapped = True
        self._answer = (f"{text}. Send again to confirm.", "warn")
        self._show_send()

    def _edited(self) -> None:
        self._snapped = False
        if not self._unanswered:
            self._answer = ("", "danger")
        self._show_asking(False)
        self._show_send()
        self.fit()

    # -- what is shown ---------------------------------------------------------------------------------------

    def _last(self) -> float | None:
        tick = self._market.latest(self._instrument.instrument_token) if self._instrument is not None else None
        return tick.last_price if tick is not None else None

    def _show_all(self) -> None:
        self.colour_for(self._side)
        for name, button in self.varieties.items():
            button.setChecked(name == self.fields.variety.name)
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
        show_words(self.quote, "  ·  ".join(parts), self._edge, "warn" if stale else "text")

    def _show_send(self) -> None:
        instrument = self._instrument
        if instrument is None:
            return
        fresh = not self._market.stale(instrument.instrument_token)
        self.fields.take_last(self._last(), fresh=fresh)
        self.fields.name_prices(self._side)
        why = self._why_not()
        self._show_sums(instrument)
        verb = f"CONFIRM {self._short_verb()}" if self._asking else self._verb()
        self.show_send_words(verb, sending=self._sending, live=self._arming.needed and self._arming.armed)
        self.send.setEnabled(not why)
        self.say(*(self._answer if self._answer[0] else (why or self.fields.warning(self._side), "warn")))

    def _verb(self) -> str:
        instrument, kind = self._instrument, self.fields.variety
        assert instrument is not None
        units = " lots" if instrument.exchange == "MCX" else ""
        what = f"{self._side} {formats.grouped(self.fields.quantity.value())}{units} {instrument.tradingsymbol}"
        if self._changing is not None:
            return f"CHANGE TO {what}"
        if self._changing_gtt is not None:
            return f"CHANGE {kind.title} TO {what}"
        return what if kind.name == "regular" else f"{kind.title.upper()} {what}"

    def _short_verb(self) -> str:
        """The verb beside the order in full words."""
        if self._changing is not None or self._changing_gtt is not None:
            return "CHANGE"
        kind = self.fields.variety
        return self._side if kind.name == "regular" else f"{kind.title.upper()} {self._side}"

    def _show_sums(self, instrument: Instrument) -> None:
        price, problem = self._trade_price(), self.fields.problem(instrument, self._side)
        quantity = self.fields.quantity.value()
        held, after = self._position(instrument)
        self.sums.show_value(quantity * instrument.multiplier * price if price else None)
        self.sums.show_position(f"{formats.signed(held, 0)} → {formats.signed(after, 0)}")
        if problem or self.isHidden():
            self.sums.take(None)
            return
        request = self.fields.request(instrument, self._side, self._tag)
        delivers = request.product == "CNC" and request.transaction_type == "SELL"  # out of what is held
        opens = not delivers and (held * request.sign >= 0 or abs(after) > abs(held))
        self.sums.take(Query(request, instrument, price, opens, blocks=not self.fields.variety.is_gtt))

    def _trade_price(self) -> float | None:
        """What the order would trade at, as far as one can say before."""
        return self.fields.limit() or self.fields.stop() or self._last()

    def _position(self, instrument: Instrument) -> tuple[int, int]:
        """What is held, and what the order would make of it."""
        where = (instrument.exchange, instrument.tradingsymbol, str(self.fields.product.currentData()))
        held = self._desk.books.held(*where)
        filled = self._changing.filled_quantity if self._changing is not None else 0
        return held, held + (self.fields.quantity.value() - filled) * (1 if self._side == "BUY" else -1)

    def _parts(self, instrument: Instrument) -> list[int]:
        """Quantities of the orders that it takes: more than one where the exchange freezes what is larger."""
        quantity = self.fields.quantity.value()
        if self.fields.variety.name in ("iceberg", "gtt", "oco"):
            return [quantity]
        most = largest_order(instrument, self._market.now().astimezone(IST).date(), self._trade_price())
        return cut(quantity, most) if most else [quantity]

    def _why_not(self) -> str:
        """Why nothing can be sent now, or empty; the desk's own rules speak when it is asked."""
        if self._sending or self._unanswered:
            return "Waiting for the answer."
        if self._arming.why_not():
            return self._arming.why_not()
        if self._desk.trading_state is TradingState.HALTED:
            return "The kill switch is on: no order passes until it is released."
        if not self._desk.takes_exits:
            return f"The desk takes no orders: {self._desk.state}. {self._desk.state_detail}".strip()
        words = self._change_problem()
        return words or (self.fields.problem(self._instrument, self._side) if self._instrument else "")

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

    # -- the last look ---------------------------------------------------------------------------------------

    def _ask_send(self) -> None:
        self.fields.commit()
        if self._snapped:
            self._snapped = False
            return
        self._show_send()
        if not self.send.isEnabled() or self._instrument is None:
            return
        if self.ask_first.isChecked() and not self._asking:
            self.card.say(self._lines(self._instrument))
            self._show_asking(True)
            self._show_send()
            self.fit()
            self.send.setFocus()
            return
        self._sending = True  # before the task runs: a second Enter must find it set
        self._show_send()
        self._edge.spawn("send ticket", self._send(self._instrument))

    def _lines(self, instrument: Instrument) -> list[str]:
        """What is about to be asked for, in words."""
        if self._changing is not None:
            return change_lines(self._verb(), self.fields.change(self._changing), instrument.decimals)
        if self.fields.variety.is_gtt:
            return gtt_lines(self.fields.gtt(instrument, self._side), instrument, self._changing_gtt)
        request = self.fields.request(instrument, self._side, self._tag)
        return order_lines(request, instrument, self._parts(instrument))

    def _show_asking(self, asking: bool) -> None:
        self._asking = asking
        self.show_card(asking)

    def _go_back(self) -> None:
        """Back from the last look to the fields."""
        self._show_asking(False)
        self._show_send()
        self.fit()
        self.fields.quantity.setFocus()

    # -- sending ---------------------------------------------------------------------------------------------

    async def _send(self, instrument: Instrument) -> None:
        self._answer = ("", "danger")
        try:
            said = await self._sent(instrument)
        except Unknown as error:
            self._unanswered = True
            where = "GTT" if self.fields.variety.is_gtt else "Orders"
            self._answer = (f"No answer: it may exist. Look at {where} before sending again. {error}", "unknown")
        except AlphaPandaError as error:
            self._answer = (str(error), "danger")
        else:
            self._edge.notify(said, "info")
            self.dismiss()
        finally:
            self._sending = False
            self._tag = self._desk.new_tag()  # the last one is spent, whatever came of it
            self._show_asking(False)
            self._show_send()

    async def _sent(self, instrument: Instrument) -> str:
        """Ask for what the fields say; what came of it, in words."""
        if self._changing is not None:
            await self._desk.modify(self._changing.order_id, self.fields.change(self._changing))
            return f"Asked for the change of order {self._changing.order_id}; Orders shows when it is done."
        if self.fields.variety.is_gtt:
            return await self._send_gtt(instrument)
        request = self.fields.request(instrument, self._side, self._tag)
        what = f"{request.transaction_type} {request.quantity} {request.tradingsymbol}"
        if len(self._parts(instrument)) > 1:
            orders = await self._desk.submit_sliced(request)
            return f"Sent {what} in {len(orders)} orders."
        order = await self._desk.submit(request)
        return f"Sent {what}: order {order.order_id}"

    async def _send_gtt(self, instrument: Instrument) -> str:
        assert self._gtts is not None
        request = self.fields.gtt(instrument, self._side)
        try:
            if self._changing_gtt is not None:
                return f"Changed GTT {await self._gtts.modify(self._changing_gtt.id, request)}."
            return f"GTT {await self._gtts.place(request)} waits for {instrument.tradingsymbol}."
        finally:
            self.gtt_sent.emit()

    # -- keys ------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent) and watched is not self._over:
            return self._side_key(event)
        return super().eventFilter(watched, event)

    def _side_key(self, event: QKeyEvent) -> bool:
        """B and S turn the side from within any field; numbers have no use for letters."""
        side = KEYS.get(event.key())
        if side is None or event.modifiers() != Qt.KeyboardModifier.NoModifier or not self.sides[side].isEnabled():
            return False
        self._turn(side)
        return True

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self._go_back() if self._asking else self.dismiss()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._enter(event)
        elif not self._side_key(event):
            super().keyPressEvent(event)

    def _enter(self, event: QKeyEvent) -> None:
        focused = self.focusWidget()
        if event.isAutoRepeat():
            return
        if isinstance(focused, QPushButton | QToolButton) and focused is not self.send:
            focused.click()  # Enter on BUY turns the side; it must not send
        else:
            self._ask_send()
