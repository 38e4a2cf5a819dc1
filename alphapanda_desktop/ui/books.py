"""The account's books: orders, trades, positions, and the log beside them.

Object names for the tour: `orders_table`, `order_change`, `order_cancel`, `order_cancel_all`, `trades_table`,
`trades_sum`, `positions_table`, `position_exit`, `positions_sum`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import INTENDED, UNKNOWN, Fill, Order
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.logpanel import LogPanel
from alphapanda_desktop.ui.runcard import count_of
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role

__all__ = ["LogPanel", "OrdersPanel", "PositionsPanel", "TradesPanel"]

STATUS_ROLES: Final[dict[str, Role]] = {
    "COMPLETE": "good",
    "OPEN": "accent",
    "TRIGGER PENDING": "warn",
    "REJECTED": "danger",
    "CANCELLED": "muted",
    "LAPSED": "muted",
    UNKNOWN: "unknown",
    INTENDED: "muted",
}
UNKNOWN_WORDS: Final = (
    "No answer came to this order: it may exist at Kite. It is being looked for in Kite's book and is never sent again."
)
STALE_EVERY_FRAMES: Final = 30


def _side_role(row: Order | Fill) -> Role:
    return "buy" if row.transaction_type == "BUY" else "sell"


def _status_words(order: Order) -> str:
    if order.status == INTENDED:
        return "sending…"
    return order.status


def _message_of(order: Order) -> str:
    if order.status == UNKNOWN:
        return f"{UNKNOWN_WORDS} {order.status_message or ''}".strip()
    return order.status_message or order.status_message_raw or ""


def _order_columns(desk: Desk) -> tuple[Column[Order], ...]:
    def price(title: str, value: Callable[[Order], float]) -> Column[Order]:
        return Column(title, value=value, text=lambda o: formats.price(value(o)), align="right", width_chars=10)

    return (
        Column("Time", lambda o: _seconds(o.order_timestamp), lambda o: formats.ist_time(o.order_timestamp),
               width_chars=9, colour=lambda _: "muted", tooltip=_order_name),
        Column("Symbol", lambda o: o.tradingsymbol, width_chars=18, tooltip=_order_name),
        Column("Side", lambda o: o.transaction_type, width_chars=5, colour=_side_role),
        Column("Qty", lambda o: o.quantity, lambda o: f"{o.filled_quantity}/{o.quantity}", "right", 9,
               header_tooltip="Filled of ordered"),
        Column("Product", lambda o: o.product, width_chars=6, colour=lambda _: "muted"),
        Column("Type", lambda o: o.order_type, width_chars=8),
        price("Price", lambda o: o.price),
        price("Trigger", lambda o: o.trigger_price),
        price("Avg", lambda o: o.average_price),
        Column("Status", lambda o: o.status, _status_words, width_chars=18,
               colour=lambda o: STATUS_ROLES.get(o.status, "warn"), chip=lambda o: STATUS_ROLES.get(o.status, "warn"),
               tooltip=_message_of),
        Column("By", desk.by_whom, width_chars=13, tooltip=desk.books.reason_of,
               header_tooltip="Which strategy, by hand, or placed elsewhere; hover for the strategy's reason"),
        Column("Message", _message_of, width_chars=20, colour=lambda _: "muted", tooltip=_message_of),
    )  # fmt: skip


def _order_name(order: Order) -> str:
    return f"{order.key}, order {order.order_id or 'without an id yet'}"


def _seconds(at: Any) -> float | None:
    return at.timestamp() if at is not None else None


class OrdersPanel(QWidget):
    """The day's orders with what became of each. Signals: `chart_wanted(key)`, `chosen(Order)`."""

    chart_wanted = Signal(str)
    chosen = Signal(object)

    def __init__(self, desk: Desk, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._edge = edge
        self._old = True
        self._open_change: Callable[[Order], None] | None = None
        # A tag is not unique (another program may use ours); before there is an order id it is all there is.
        self.model: RowModel[Order] = RowModel(
            _order_columns(desk), key=lambda o: o.order_id or f"tag {o.tag}", theme=edge.theme, parent=self
        )
        self.table = TableView(self.model, "No orders today.", self)
        self.table.setObjectName("orders_table")
        self.table.setAccessibleName("Orders")
        self.table.opened.connect(lambda order: self.chart_wanted.emit(order.key))
        self.table.chosen.connect(self.chosen)
        self.table.menu_for = self._menu
        self.table.selectionModel().selectionChanged.connect(lambda _new, _gone: self._show_buttons())
        self._build_buttons()
        for signal in (desk.order_changed, desk.positions_changed, desk.state_changed):
            connect(signal, self, self._mark)
        edge.frames.add(self, self._frame)

    def _build_buttons(self) -> None:
        self.change = QPushButton("Change…", self)
        self.change.setObjectName("order_change")
        self.change.setToolTip("Change quantity, type or price of the selected order (F2)")
        self.change.clicked.connect(lambda _checked=False: self.change_selected())
        self.change.hide()
        self.cancel = QPushButton("Cancel order", self)
        self.cancel.setObjectName("order_cancel")
        self.cancel.setToolTip("Cancel the selected orders (Del)")
        self.cancel.clicked.connect(lambda _checked=False: self.cancel_selected())
        self.cancel_all = QPushButton("Cancel all", self)
        self.cancel_all.setObjectName("order_cancel_all")
        self.cancel_all.setToolTip("Cancel every order that may still fill (Ctrl+Shift+C)")
        self.cancel_all.clicked.connect(lambda _=False: self._edge.spawn("cancel all", self._desk.cancel_all()))
        self.summary = _muted(self, self._edge)
        _stack(self, self.table, self.summary, self.change, self.cancel, self.cancel_all)
        self._show_buttons()

    def _mark(self, *_what: object) -> None:
        self._old = True

    def _frame(self) -> None:
        if self._old:
            self._old = False
            self.model.update(self._desk.orders())
            self._show_buttons()

    def _show_buttons(self) -> None:
        orders = self._desk.orders()
        live = [order for order in orders if order.live]
        unknown = sum(order.status == UNKNOWN for order in orders)
        words = f"{count_of(len(orders), 'order')}, {len(live)} working"
        self.summary.setText(f"{words}, {unknown} unanswered" if unknown else words)
        self.cancel.setEnabled(any(map(_cancellable, self.table.selected_rows())))
        self.cancel_all.setEnabled(any(map(_cancellable, live)))
        self.change.setEnabled(self._to_change() is not None)

    def offer_changes(self, open_change: Callable[[Order], None]) -> None:
        """Let orders be changed by what opens a ticket for one; without it there is no button for it."""
        self._open_change = open_change
        self.change.show()

    def _to_change(self) -> Order | None:
        """The one order that is selected, if Kite would take a change of it."""
        rows = self.table.selected_rows()
        offered = self._open_change is not None and len(rows) == 1 and rows[0].changeable and rows[0].order_id
        return rows[0] if offered else None

    def change_selected(self) -> None:
        """Open the ticket on the selected order."""
        order = self._to_change()
        if order is not None and self._open_change is not None:
            self._open_change(order)

    def cancel_selected(self) -> None:
        """Ask for the cancellation of each selected order that may still fill."""
        for order in filter(_cancellable, self.table.selected_rows()):
            self._edge.spawn(f"cancel {order.order_id}", self._desk.cancel(order.order_id))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.cancel_selected()
        elif event.key() == Qt.Key.Key_F2:
            self.change_selected()
        else:
            super().keyPressEvent(event)

    def _menu(self, order: Order) -> list[QAction]:
        actions = [_action("Show chart\tEnter", lambda: self.chart_wanted.emit(order.key))]
        if self._to_change() is order:
            actions.append(_action("Change…\tF2", self.change_selected))
        if _cancellable(order):
            actions.append(_action("Cancel order\tDel", lambda: self._ask_cancel(order)))
        return actions

    def _ask_cancel(self, order: Order) -> None:
        self._edge.spawn(f"cancel {order.order_id}", self._desk.cancel(order.order_id))


def _cancellable(order: Order) -> bool:
    """Whether asking makes sense: it may still fill, and Kite has given it an id."""
    return order.live and bool(order.order_id)


# --- trades ------------------------------------------------------------------------------------------------------


def _trade_columns(desk: Desk, master: InstrumentMaster) -> tuple[Column[Fill], ...]:
    def whom(fill: Fill) -> str:
        order = desk.books.book.get(fill.order_id)
        return desk.by_whom(order) if order is not None else formats.DASH

    def why(fill: Fill) -> str:
        order = desk.books.book.get(fill.order_id)
        return desk.books.reason_of(order) if order is not None else ""

    return (
        Column("Time", lambda f: _seconds(f.fill_timestamp), lambda f: formats.ist_time(f.fill_timestamp),
               width_chars=9, colour=lambda _: "muted"),
        Column("Symbol", lambda f: f.tradingsymbol, width_chars=20, tooltip=lambda f: f.key),
        Column("Side", lambda f: f.transaction_type, width_chars=5, colour=_side_role),
        Column("Qty", lambda f: f.quantity, lambda f: formats.grouped(f.quantity), "right", 8),
        Column("Price", lambda f: f.average_price, lambda f: formats.price(f.average_price), "right", 11),
        Column("Value", lambda f: _worth(f, master), lambda f: formats.grouped(_worth(f, master), 2), "right", 14),
        Column("By", whom, width_chars=14, tooltip=why, header_tooltip="Whose order it was; hover for the reason"),
        Column("Order id", lambda f: f.order_id, width_chars=20, colour=lambda _: "muted"),
    )  # fmt: skip


def _worth(fill: Fill, master: InstrumentMaster) -> float:
    instrument = master.by_key(fill.key)
    return fill.quantity * fill.average_price * (instrument.multiplier if instrument is not None else 1)


class TradesPanel(QWidget):
    """The day's executions, and what they sum up to."""

    def __init__(self, desk: Desk, market: Market, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._master = market.master
        self._old = True
        self.model: RowModel[Fill] = RowModel(
            _trade_columns(desk, market.master), key=lambda f: f.id, theme=edge.theme, parent=self
        )
        self.table = TableView(self.model, "No trades today.", self)
        self.table.setObjectName("trades_table")
        self.table.setAccessibleName("Trades")
        self.sum = _muted(self, edge)
        self.sum.setObjectName("trades_sum")
        _stack(self, self.table, self.sum)
        for signal in (desk.filled, desk.positions_changed, desk.order_changed):
            connect(signal, self, self._mark)
        edge.frames.add(self, self._frame)

    def _mark(self, *_what: object) -> None:
        self._old = True

    def _frame(self) -> None:
        if not self._old:
            return
        self._old = False
        fills = self._desk.fills()
        self.model.update(fills)
        bought, sold = (
            sum(_worth(f, self._master) for f in fills if f.transaction_type == side) for side in ("BUY", "SELL")
        )
        self.sum.setText(
            f"{count_of(len(fills), 'trade')} · bought {formats.rupees(bought)} · sold {formats.rupees(sold)} · "
            f"sold less bought {formats.signed_rupees(sold - bought)}"
        )


# --- positions ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """One position with its latest price."""

    position: Position
    last: float
    decimals: int
    stale: bool

    @property
    def pnl(self) -> float:
        return self.position.pnl_at(self.last)


def _pnl_role(held: Held) -> Role:
    if held.stale and held.position.quantity:
        return "muted"
    return "up" if held.pnl > 0 else "down" if held.pnl < 0 else "unchanged"


def _last_tip(held: Held) -> str:
    return "This price is old: no tick has come lately." if held.stale and held.position.quantity else ""


POSITION_COLUMNS: Final[tuple[Column[Held], ...]] = (
    Column("Symbol", lambda h: h.position.tradingsymbol, width_chars=20, tooltip=lambda h: h.position.key),
    Column("Product", lambda h: h.position.product, width_chars=6, colour=lambda _: "muted"),
    Column("Qty", lambda h: h.position.quantity, lambda h: formats.signed(h.position.quantity, 0), "right", 9,
           colour=lambda h: "buy" if h.position.quantity > 0 else "sell" if h.position.quantity else "muted"),
    Column("Avg", lambda h: h.position.average_price, lambda h: formats.price(h.position.average_price, h.decimals),
           "right", 11),
    Column("Last", lambda h: h.last, lambda h: formats.price(h.last, h.decimals), "right", 11,
           colour=lambda h: "muted" if h.stale else None, tooltip=_last_tip),
    Column("P&L", lambda h: h.pnl, lambda h: formats.signed(h.pnl), "right", 13, colour=_pnl_role, tooltip=_last_tip,
           header_tooltip="At the latest price, realised and open together, before charges"),
    Column("Bought", lambda h: h.position.buy_quantity, lambda h: formats.grouped(h.position.buy_quantity), "right", 8,
           colour=lambda _: "muted"),
    Column("Sold", lambda h: h.position.sell_quantity, lambda h: formats.grouped(h.position.sell_quantity), "right", 8,
           colour=lambda _: "muted"),
    Column("Exchange", lambda h: h.position.exchange, width_chars=6, colour=lambda _: "muted"),
)  # fmt: skip


class PositionsPanel(QWidget):
    """Positions at the latest prices. Signals: `order_wanted(Instrument, side, quantity)`, `chart_wanted(key)`."""

    order_wanted = Signal(object, str, int)
    chart_wanted = Signal(str)

    def __init__(self, desk: Desk, market: Market, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._market = market
        self._edge = edge
        self._old = True
        self._frames = 0
        self.model: RowModel[Held] = RowModel(
            POSITION_COLUMNS, key=lambda h: h.position.id, theme=edge.theme, parent=self
        )
        self.table = TableView(self.model, "No positions today.", self)
        self.table.setObjectName("positions_table")
        self.table.setAccessibleName("Positions")
        self.table.opened.connect(lambda held: self.chart_wanted.emit(held.position.key))
        self.table.chosen.connect(lambda _held: self._show_exit())
        self.table.menu_for = self._menu
        self.exit = QPushButton("Exit position…", self)
        self.exit.setObjectName("position_exit")
        self.exit.setToolTip("Open a ticket that closes the selected position (Del)")
        self.exit.clicked.connect(lambda _checked=False: self.exit_selected())
        self.sum = _muted(self, edge)
        self.sum.setObjectName("positions_sum")
        _stack(self, self.table, self.sum, self.exit)
        self._show_exit()
        connect(desk.positions_changed, self, self._mark)
        connect(desk.positions_changed, self, self._watch)
        edge.frames.add(self, self._frame)
        self.destroyed.connect(lambda _gone=None: market.unwatch("positions"))
        self._watch()

    def _mark(self) -> None:
        self._old = True

    def _watch(self) -> None:
        """Want ticks of all that is held, on the watchlist or not."""
        by_key = self._market.master.by_key
        held = [by_key(position.key) for position in self._desk.positions() if position.quantity]
        self._market.watch("positions", [i for i in held if i is not None], Mode.QUOTE)

    def _frame(self) -> None:
        self._frames = (self._frames + 1) % STALE_EVERY_FRAMES
        ticked = self._market.take_changed("positions")
        if self._old or not self._frames:  # prices grow old without a tick
            self._old = False
            rows = sorted(self._desk.positions(), key=lambda p: p.quantity == 0)
            self.model.update(map(self._held, rows))
            self._show_exit()
            self._show_sum()
        elif ticked:
            shown = self._desk.positions()
            self.model.touch([self._held(p) for p in shown if p.instrument_token in ticked])
            self._show_sum()

    def _held(self, position: Position) -> Held:
        instrument = self._market.master.by_key(position.key)
        return Held(
            position,
            self._desk.price_of(position),
            instrument.decimals if instrument is not None else 2,
            self._market.stale(position.instrument_token),
        )

    def _show_sum(self) -> None:
        pnl, rows = self._desk.pnl(), self._desk.positions()
        open_now = sum(p.quantity != 0 for p in rows)
        if pnl is None:
            self.sum.setText("P&L unknown: positions have not been read yet")
            return
        role = "up" if pnl > 0 else "down" if pnl < 0 else "unchanged"
        colour = getattr(self._edge.theme, role)
        self.sum.setText(
            f"{open_now} open of {len(rows)} · total P&L "
            f"<b style='color:{colour}'>{formats.signed_rupees(pnl)}</b> before charges"
        )

    def _show_exit(self) -> None:
        held = self.table.current_row()
        self.exit.setEnabled(held is not None and held.position.quantity != 0)

    def exit_selected(self) -> None:
        """Ask for a ticket that closes the selected position."""
        held = self.table.current_row()
        if held is not None:
            self._ask_exit(held.position)

    def _ask_exit(self, position: Position) -> None:
        instrument = self._market.master.by_key(position.key)
        if instrument is None:
            self._edge.notify(f"{position.key} is not in today's instrument list; close it at Kite.", "warning")
        elif position.quantity:
            self.order_wanted.emit(instrument, "SELL" if position.quantity > 0 else "BUY", abs(position.quantity))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Delete:
            self.exit_selected()
        else:
            super().keyPressEvent(event)

    def _menu(self, held: Held) -> list[QAction]:
        position = held.position
        actions = [_action("Show chart\tEnter", lambda: self.chart_wanted.emit(position.key))]
        if position.quantity:
            actions.append(_action("Exit position…\tDel", lambda: self._ask_exit(position)))
        return actions


# --- what the panels share ---------------------------------------------------------------------------------------


def _action(text: str, work: Callable[[], object]) -> QAction:
    action = QAction(text)
    action.triggered.connect(lambda _checked=False: work())
    return action


def _muted(parent: QWidget, edge: Edge) -> QLabel:
    label = QLabel(parent)
    label.setStyleSheet(f"color: {edge.theme.muted};")
    return label


def _stack(panel: QWidget, table: TableView, words: QLabel, *buttons: QPushButton) -> None:
    """Table over a footer: words on the left, buttons on the right."""
    footer = QHBoxLayout()
    footer.setContentsMargins(8, 3, 8, 3)
    footer.setSpacing(8)
    footer.addWidget(words, 1)
    for button in buttons:
        button.setAccessibleName(button.text())
        footer.addWidget(button)
    whole = QVBoxLayout(panel)
    whole.setContentsMargins(0, 0, 0, 0)
    whole.setSpacing(0)
    whole.addWidget(table, 1)
    whole.addLayout(footer)
    table.horizontalHeader().setStretchLastSection(True)
    panel.setFocusProxy(table)
