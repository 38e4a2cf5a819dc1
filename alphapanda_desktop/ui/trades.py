"""The day's executions, what each cost, and what they sum up to.

Object names for the tour: `trades_table`, `trades_sum`.
"""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.ledger import Ledger
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import BookPanel, action, charge_words, muted, seconds, side_role, stack
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.plain import Marked
from alphapanda_desktop.ui.runcard import count_of
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.timeline import name_of
from alphapanda_desktop.ui.words import say


class TradesPanel(BookPanel):
    """The day's executions. Signals: `chart_wanted(key)`, `why_wanted(name)` with the tag or id of the fill's order."""

    chart_wanted = Signal(str)
    why_wanted = Signal(str)

    def __init__(
        self, desk: Desk, market: Market, edge: Edge, parent: QWidget | None = None, ledger: Ledger | None = None
    ) -> None:
        super().__init__(edge, parent)
        self._desk = desk
        self._master = market.master
        self._ledger = ledger
        self._offers_why = False
        self.model: RowModel[Fill] = RowModel(self._columns(), key=lambda f: f.id, theme=edge.theme, parent=self)
        self.table = TableView(self.model, "No trades today.", self)
        self.table.setObjectName("trades_table")
        self.table.setAccessibleName(say("Trades"))
        self.table.opened.connect(lambda fill: self.chart_wanted.emit(fill.key))
        self.table.menu_for = self._menu
        self.sum = muted(self, edge, Marked)
        self.sum.setObjectName("trades_sum")
        stack(self, self.table, self.table, self.sum)
        for signal in (desk.filled, desk.positions_changed, desk.order_changed):
            connect(signal, self, self.mark)
        if ledger is not None:
            connect(ledger.charges_told, self, self.mark)

    def _columns(self) -> tuple[Column[Fill], ...]:
        return (
            Column("Time", lambda f: seconds(f.fill_timestamp), lambda f: formats.ist_time(f.fill_timestamp),
                   width_chars=9, colour=lambda _: "muted"),
            Column("Symbol", lambda f: f.tradingsymbol, width_chars=20, tooltip=lambda f: f.key, elide="middle"),
            Column("Side", lambda f: f.transaction_type, width_chars=5, colour=side_role),
            Column("Qty", lambda f: f.quantity, lambda f: formats.grouped(f.quantity), "right", 8),
            Column("Product", lambda f: f.product, width_chars=6, colour=lambda _: "muted"),
            Column("Price", lambda f: f.average_price, self._price_words, "right", 11),
            Column("Value", self._worth, lambda f: formats.grouped(self._worth(f), 2), "right", 14),
            Column("Charges", self._share, lambda f: _share_words(self._share(f)), "right", 9,
                   colour=lambda f: "muted" if self._share(f) is None else None, tooltip=self._charge_tip,
                   header_tooltip="This trade's share of what its order costs: brokerage is per order; hover for all"),
            Column("Off Kite", self._off, self._off_words, "right", 9, colour=self._off_role, tooltip=self._off_tip,
                   header_tooltip="Our charges of the whole order less Kite's own; a dash until Kite has told them"),
            Column("By", self._whom, width_chars=14, tooltip=self._why,
                   header_tooltip="Whose order it was; hover for the reason"),
            Column("Order id", lambda f: f.order_id, width_chars=20, colour=lambda _: "muted"),
        )  # fmt: skip

    # -- what a trade is -------------------------------------------------------------------------------------

    def _order(self, fill: Fill) -> Order | None:
        return self._desk.books.book.get(fill.order_id)

    def _whom(self, fill: Fill) -> str:
        order = self._order(fill)
        return self._desk.by_whom(order) if order is not None else formats.DASH

    def _why(self, fill: Fill) -> str:
        order = self._order(fill)
        return self._desk.books.reason_of(order) if order is not None else ""

    def _price_words(self, fill: Fill) -> str:
        instrument = self._master.by_key(fill.key)
        return formats.price(fill.average_price, instrument.decimals if instrument is not None else 2)

    def _worth(self, fill: Fill) -> float:
        return _worth(fill, self._master)

    def _charges(self, fill: Fill) -> Charges | None:
        return self._ledger.of_order(fill.order_id) if self._ledger is not None else None

    def _share(self, fill: Fill) -> float | None:
        """What this trade costs of what its order costs, by value, in rupees."""
        charges, order = self._charges(fill), self._order(fill)
        filled = order.filled_quantity if order is not None else fill.quantity
        if charges is None or not filled:
            return None
        average = order.average_price if order is not None else fill.average_price
        whole = filled * (average or fill.average_price)
        return charges.total / RUPEE * min(1.0, fill.quantity * fill.average_price / whole)

    def _charge_tip(self, fill: Fill) -> str:
        charges = self._charges(fill)
        return f"The whole order: {charge_words(charges)}" if charges is not None else "Its charges are not known yet."

    def _off(self, fill: Fill) -> float | None:
        """Our charges of its order less Kite's, in rupees; None until Kite has told them."""
        ledger = self._ledger
        if ledger is None or ledger.told_of(fill.order_id) is None:
            return None
        difference = ledger.charge_difference(fill.order_id)
        return difference.rupees if difference is not None else 0.0

    def _off_words(self, fill: Fill) -> str:
        off = self._off(fill)
        return formats.DASH if off is None else formats.signed(off) if off else "0.00"

    def _off_role(self, fill: Fill) -> Role:
        return "warn" if self._off_tip(fill) else "muted"

    def _off_tip(self, fill: Fill) -> str:
        difference = self._ledger.charge_difference(fill.order_id) if self._ledger is not None else None
        return difference.text if difference is not None else ""

    # -- showing ---------------------------------------------------------------------------------------------

    def redraw(self) -> None:
        fills = self._desk.fills()
        self.model.update(fills)
        bought, sold = (sum(self._worth(f) for f in fills if f.transaction_type == side) for side in ("BUY", "SELL"))
        self.sum.setText(
            say(
                f"{count_of(len(fills), 'trade')} · bought {formats.rupees(bought)} · sold {formats.rupees(sold)} · "
                f"sold less bought {formats.signed_rupees(sold - bought)} · charges {self._all_charges(fills)}"
                f"{self._off_kite()}"
            )
        )

    def _off_kite(self) -> str:
        """How far our charges are from Kite's, summed without their signs; nothing while they agree."""
        both = self._ledger.charge_differences() if self._ledger is not None else []
        off = formats.rupees(sum(abs(one.rupees) for one in both))
        return f" · <span style='color:{self._edge.theme.warn}'>{off} off Kite's</span>" if both else ""

    def _all_charges(self, fills: list[Fill]) -> str:
        costs = [self._ledger.of_order(id_) if self._ledger else None for id_ in {fill.order_id for fill in fills}]
        known = [cost.total for cost in costs if cost is not None]
        return formats.known_rupees(sum(known) / RUPEE if len(known) == len(costs) else None)

    def offer_why(self) -> None:
        """Offer "Why this trade?" from now on: there is someone who hears `why_wanted`."""
        self._offers_why = True

    def ask_why(self) -> None:
        """Ask for the trail of the selected trade."""
        self._ask_why(self.table.current_row())

    def _ask_why(self, fill: Fill | None) -> None:
        order = self._order(fill) if fill is not None else None
        if fill is not None and self._offers_why:
            self.why_wanted.emit(name_of(order) if order is not None else fill.order_id)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_W:
            self.ask_why()
        else:
            super().keyPressEvent(event)

    def _menu(self, fill: Fill) -> list[QAction]:
        actions = [action("Show chart\tEnter", lambda: self.chart_wanted.emit(fill.key))]
        if self._offers_why:
            actions.append(action("Why this trade?\tW", lambda: self._ask_why(fill)))
        return actions


def _worth(fill: Fill, master: InstrumentMaster) -> float:
    instrument = master.by_key(fill.key)
    return fill.quantity * fill.average_price * (instrument.multiplier if instrument is not None else 1)


def _share_words(share: float | None) -> str:
    return formats.DASH if share is None else formats.grouped(share, 2)
