"""The day's orders and trades: what was asked, what became of it, what it cost.

Object names for the tour: `orders_table`, `order_timeline`, `order_change`, `order_cancel`, `order_cancel_instrument`,
`order_cancel_all`, `trades_table`, `trades_sum`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QSplitter, QToolButton, QWidget

from alphapanda_desktop.domain.orders import UNKNOWN, Order
from alphapanda_desktop.domain.ports import Now
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import BookPanel, action, button, muted, seconds, side_role, stack
from alphapanda_desktop.ui.columns import FittedColumns
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.runcard import count_of
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.timeline import History, Timeline, name_of, status_role, status_words
from alphapanda_desktop.ui.words import say

UNKNOWN_WORDS: Final = (
    "No answer came to this order: it may exist at Kite. It is being looked for in Kite's book and is never sent again."
)


def message_of(order: Order) -> str:
    """What was said of an order, in words."""
    if order.status == UNKNOWN:
        return f"{UNKNOWN_WORDS} {order.status_message or ''}".strip()
    return order.status_message or order.status_message_raw or ""


def kind_of(order: Order) -> str:
    """Type of an order with what is unusual in its validity and variety: "LIMIT · IOC", "SL-M", "LIMIT · iceberg"."""
    unusual = [order.validity if order.validity != "DAY" else "", order.variety if order.variety != "regular" else ""]
    return " · ".join([order.order_type, *(word for word in unusual if word)])


def cancellable(order: Order) -> bool:
    """Whether asking makes sense: it may still fill, and Kite has given it an id."""
    return order.live and bool(order.order_id)


def _order_columns(desk: Desk) -> tuple[Column[Order], ...]:
    def price(title: str, value: Callable[[Order], float]) -> Column[Order]:
        return Column(title, value=value, text=lambda o: formats.price(value(o)), align="right", width_chars=10)

    return (
        Column("Time", lambda o: seconds(o.order_timestamp), lambda o: formats.ist_time(o.order_timestamp),
               width_chars=9, colour=lambda _: "muted", tooltip=_order_name),
        Column("Symbol", lambda o: o.tradingsymbol, width_chars=18, tooltip=_order_name, elide="middle"),
        Column("Side", lambda o: o.transaction_type, width_chars=5, colour=side_role),
        Column("Qty", lambda o: o.quantity, _quantity_words, "right", 13, header_tooltip="Filled of ordered"),
        Column("Product", lambda o: o.product, width_chars=6, colour=lambda _: "muted"),
        Column("Type", kind_of, width_chars=13, tooltip=lambda o: f"{o.order_type}, {o.validity}, {o.variety}"),
        price("Price", lambda o: o.price),
        price("Trigger", lambda o: o.trigger_price),
        price("Avg", lambda o: o.average_price),
        Column("Status", lambda o: o.status, lambda o: status_words(o.status), width_chars=18,
               colour=status_role, chip=status_role, tooltip=message_of),
        Column("By", desk.by_whom, width_chars=13, tooltip=desk.books.reason_of,
               header_tooltip="Which strategy, by hand, or placed elsewhere; hover for the strategy's reason"),
        Column("Message", message_of, width_chars=14, colour=lambda _: "muted", tooltip=message_of),
        Column("Tag", lambda o: o.tag or "", lambda o: o.tag or formats.DASH, width_chars=20,
               colour=lambda _: "muted", header_tooltip="What this order is found again by; never two alike"),
    )  # fmt: skip


def _quantity_words(order: Order) -> str:
    return f"{formats.grouped(order.filled_quantity)}/{formats.grouped(order.quantity)}"


def _order_name(order: Order) -> str:
    return f"{order.key}, order {order.order_id or 'without an id yet'}, tag {order.tag or formats.DASH}"


class OrdersPanel(BookPanel):
    """The day's orders with what became of each.

    Signals: `chart_wanted(key)`, `chosen(Order)`, `why_wanted(name)` with the order's tag, or its id without one.
    """

    chart_wanted = Signal(str)
    chosen = Signal(object)
    why_wanted = Signal(str)

    def __init__(
        self, desk: Desk, edge: Edge, now: Now, parent: QWidget | None = None, *, history: History | None = None
    ) -> None:
        super().__init__(edge, parent)
        self._desk = desk
        self._open_change: Callable[[Order], None] | None = None
        self._offers_why = False
        # A tag is not unique (another program may use ours); before there is an order id it is all there is.
        self.model: RowModel[Order] = RowModel(
            _order_columns(desk), key=lambda o: o.order_id or f"tag {o.tag}", theme=edge.theme, parent=self
        )
        self.table = TableView(self.model, "No orders today.", self)
        self.table.setObjectName("orders_table")
        self.table.setAccessibleName(say("Orders"))
        self.table.opened.connect(lambda order: self.chart_wanted.emit(order.key))
        self.table.chosen.connect(self._choose)
        self.table.menu_for = self._menu
        self.table.selectionModel().selectionChanged.connect(lambda _new, _gone: self._show_buttons())
        self.timeline = Timeline(desk, edge, now, self, history)
        self.timeline.hide()
        self._build()
        for signal in (desk.order_changed, desk.positions_changed, desk.state_changed):
            connect(signal, self, self.mark)

    def _build(self) -> None:
        self.times = QToolButton(self)
        self.times.setText(say("Timeline"))
        self.times.setObjectName("order_timeline")
        self.times.setToolTip(say("Every state of the selected order (T)"))
        self.times.setCheckable(True)
        self.times.toggled.connect(self._show_timeline)
        self.change = button(
            self, "Change…", "order_change", "Change quantity, type or price of the selected order (F2)",
            self.change_selected,
        )  # fmt: skip
        self.change.hide()
        self.cancel = button(
            self, "Cancel order", "order_cancel", "Cancel the selected orders (Del)", self.cancel_selected
        )
        self.cancel_instrument = button(
            self, "Cancel instrument", "order_cancel_instrument",
            "Cancel every order that may still fill in the selected order's instrument (Shift+Del)",
            self.cancel_of_instrument,
        )  # fmt: skip
        self.cancel_all = button(
            self, "Cancel all", "order_cancel_all", "Cancel every order that may still fill (Ctrl+Shift+C)",
            lambda: self._edge.spawn("cancel all", self._desk.cancel_all()),
        )  # fmt: skip
        self.summary = muted(self, self._edge)
        halves = QSplitter(Qt.Orientation.Horizontal, self)
        halves.addWidget(self.table)
        halves.addWidget(self.timeline)
        halves.setSizes([610, 600])
        halves.setChildrenCollapsible(False)
        stack(self, halves, self.table, self.summary, self.times, self.change, self.cancel, self.cancel_instrument,
              self.cancel_all)  # fmt: skip
        FittedColumns(self.table, ("Tag", "Product", "By", "Trigger", "Avg", "Type", "Price"), "Message")
        self._show_buttons()

    def redraw(self) -> None:
        self.model.update(self._desk.orders())
        self._show_buttons()

    def _show_buttons(self) -> None:
        orders = self._desk.orders()
        live = [order for order in orders if order.live]
        unknown = sum(order.status == UNKNOWN for order in orders)
        words = f"{count_of(len(orders), 'order')}, {len(live)} working"
        self.summary.setText(say(f"{words}, {unknown} unanswered" if unknown else words))
        self.cancel.setEnabled(any(map(cancellable, self._selected())))
        self.cancel_instrument.setEnabled(bool(self._of_same_instrument()))
        self.cancel_all.setEnabled(any(map(cancellable, live)))
        self.change.setEnabled(self._to_change() is not None)

    def _selected(self) -> list[Order]:
        rows: list[Order] = self.table.selected_rows()
        return rows

    # -- timeline and why ------------------------------------------------------------------------------------

    def _choose(self, order: Order) -> None:
        self.chosen.emit(order)
        if self.timeline.isVisible():
            self.timeline.show_order(order)

    def _show_timeline(self, shown: bool) -> None:
        self.timeline.setVisible(shown)
        order = self.table.current_row()
        if shown and order is not None:
            self.timeline.show_order(order)

    def offer_why(self) -> None:
        """Offer "Why this order?" from now on: there is someone who hears `why_wanted`."""
        self._offers_why = True

    def ask_why(self) -> None:
        """Ask for the trail of the selected order."""
        order = self.table.current_row()
        if order is not None and self._offers_why:
            self.why_wanted.emit(name_of(order))

    # -- changing and cancelling -----------------------------------------------------------------------------

    def offer_changes(self, open_change: Callable[[Order], None]) -> None:
        """Let orders be changed by what opens a ticket for one; without it there is no button for it."""
        self._open_change = open_change
        self.change.show()

    def _to_change(self) -> Order | None:
        """The one order that is selected, if Kite would take a change of it."""
        rows = self._selected()
        offered = self._open_change is not None and len(rows) == 1 and rows[0].changeable and rows[0].order_id
        return rows[0] if offered else None

    def change_selected(self) -> None:
        """Open the ticket on the selected order."""
        order = self._to_change()
        if order is not None and self._open_change is not None:
            self._open_change(order)

    def cancel_selected(self) -> None:
        """Ask for the cancellation of each selected order that may still fill."""
        for order in filter(cancellable, self._selected()):
            self._cancel(order)

    def cancel_of_instrument(self) -> None:
        """Ask for the cancellation of all that may still fill in the selected order's instrument."""
        for order in self._of_same_instrument():
            self._cancel(order)

    def _of_same_instrument(self) -> list[Order]:
        keys = {order.key for order in self._selected()}
        return [order for order in self._desk.orders() if order.key in keys and cancellable(order)]

    def _cancel(self, order: Order) -> None:
        self._edge.spawn(f"cancel {order.order_id}", self._desk.cancel(order.order_id))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Delete if shifted:
                self.cancel_of_instrument()
            case Qt.Key.Key_Delete:
                self.cancel_selected()
            case Qt.Key.Key_F2:
                self.change_selected()
            case Qt.Key.Key_T:
                self.times.toggle()
            case Qt.Key.Key_W:
                self.ask_why()
            case _:
                super().keyPressEvent(event)

    def _menu(self, order: Order) -> list[QAction]:
        actions = [action("Show chart\tEnter", lambda: self.chart_wanted.emit(order.key))]
        actions.append(action("Timeline\tT", lambda: self.times.setChecked(True)))
        if self._offers_why:
            actions.append(action("Why this order?\tW", lambda: self.why_wanted.emit(name_of(order))))
        if self._to_change() is order:
            actions.append(action("Change…\tF2", self.change_selected))
        if cancellable(order):
            actions.append(action("Cancel order\tDel", lambda: self._cancel(order)))
        if self._of_same_instrument():
            actions.append(action(f"Cancel all of {order.tradingsymbol}\tShift+Del", self.cancel_of_instrument))
        return actions
