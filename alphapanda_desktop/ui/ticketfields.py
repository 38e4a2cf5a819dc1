"""The fields of an order: quantity by the lot, type, prices by the tick, product; and the order they make."""

from __future__ import annotations

from typing import Final, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QLabel, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order, OrderChange, OrderRequest, OrderType, Product, Side
from alphapanda_desktop.ui.forms import Pick, WholeSpin
from alphapanda_desktop.ui.pricespin import PriceSpin
from alphapanda_desktop.ui.strategies import PRODUCT_WORDS, products_for

QUANTITY_MAX: Final = 1_000_000
AUTOMATIC: Final = -1.0
"""Market protection by which Kite chooses the percentage; it demands one on orders without a price."""

ORDER_TYPES: Final[dict[OrderType, str]] = {
    "MARKET": "MARKET",
    "LIMIT": "LIMIT",
    "SL": "SL · stop, then limit",
    "SL-M": "SL-M · stop, then market",
}
PRICED: Final = frozenset({"LIMIT", "SL"})
TRIGGERED: Final = frozenset({"SL", "SL-M"})


class TicketFields(QWidget):
    """Signals: `edited()` after any edit, `snapped(text)` when a price was moved to a tick."""

    edited = Signal()
    snapped = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._last: float | None = None
        self.quantity = WholeSpin(self)
        self.quantity.setGroupSeparatorShown(True)
        self.quantity.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.kind, self.product = Pick(self), Pick(self)
        self.price, self.trigger = PriceSpin(self), PriceSpin(self)
        for kind, words in ORDER_TYPES.items():
            self.kind.addItem(words, kind)
        self._labels: dict[QWidget, QLabel] = {}
        self._lay_out()
        self.kind.currentIndexChanged.connect(lambda _place: self._choose_kind())
        self.product.currentIndexChanged.connect(lambda _place: self.edited.emit())
        for spin in (self.quantity, self.price, self.trigger):
            spin.valueChanged.connect(lambda _value: self.edited.emit())
        for price in (self.price, self.trigger):
            price.snapped.connect(self.snapped)

    def _lay_out(self) -> None:
        fields = (
            ("quantity", "Quantity", self.quantity),
            ("type", "Type", self.kind),
            ("price", "Price", self.price),
            ("trigger", "Trigger", self.trigger),
            ("product", "Product", self.product),
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
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

    # -- filling in ------------------------------------------------------------------------------------------

    def suit(self, instrument: Instrument, quantity: int, last: float | None, product: str) -> None:
        """Begin a new order: this many, at the market or the type chosen last; prices start at `last`."""
        self._last = last
        self.quantity.setRange(instrument.lot, QUANTITY_MAX - QUANTITY_MAX % instrument.lot)
        self.quantity.setSingleStep(instrument.lot)
        self.quantity.setSuffix(" lots" if instrument.exchange == "MCX" else "")
        self.quantity.setValue(quantity)
        for spin in (self.price, self.trigger):
            spin.suit(instrument)
            spin.setEnabled(False)  # `_choose_kind` fills in the price when it is needed
        self._offer(list(products_for([instrument])), product)
        self._choose_kind()

    def load(self, instrument: Instrument, order: Order, last: float | None) -> None:
        """Show an order as it stands, to be changed; its product stays."""
        self.suit(instrument, order.quantity, last, order.product)
        self._offer([cast(Product, order.product)], order.product)
        self.product.setEnabled(False)
        self.kind.setCurrentIndex(max(0, self.kind.findData(order.order_type)))
        for spin, value in ((self.price, order.price), (self.trigger, order.trigger_price)):
            if value:
                spin.setValue(value)

    def _offer(self, products: list[Product], wanted: str) -> None:
        self.product.clear()
        self.product.setEnabled(True)
        for product in products:
            self.product.addItem(PRODUCT_WORDS.get(product, product), product)
        self.product.setCurrentIndex(max(0, self.product.findData(wanted)))

    def _choose_kind(self) -> None:
        kind = self.order_type()
        self._need(self.price, kind in PRICED)
        self._need(self.trigger, kind in TRIGGERED)
        self.edited.emit()

    def _need(self, spin: PriceSpin, needed: bool) -> None:
        """Show a price field where the order has such a price, with the last price when it appears."""
        if needed and not spin.isEnabled():
            spin.start_at(self._last or 0.0)
        for widget in (spin, self._labels[spin]):
            widget.setEnabled(needed)
            widget.setVisible(needed)

    # -- what it says ----------------------------------------------------------------------------------------

    def order_type(self) -> OrderType:
        return cast(OrderType, self.kind.currentData())

    def limit(self) -> float | None:
        """The price of an order that has one."""
        return self.price.value() if self.order_type() in PRICED else None

    def stop(self) -> float | None:
        """The trigger of an order that has one."""
        return self.trigger.value() if self.order_type() in TRIGGERED else None

    def commit(self) -> None:
        """Take what is being typed."""
        for spin in (self.quantity, self.price, self.trigger):
            spin.interpretText()

    def problem(self, instrument: Instrument) -> str:
        """What is missing or wrong, or empty; the desk's own rules speak when it is asked."""
        if self.quantity.value() % instrument.lot:
            return f"{self.quantity.value()} is not a multiple of the lot of {instrument.lot}."
        if self.limit() == 0:
            return "A price is needed."
        return "A trigger is needed." if self.stop() == 0 else ""

    def request(self, instrument: Instrument, side: Side, tag: str) -> OrderRequest:
        """The order that the fields ask for."""
        limit, stop, kind = self.limit(), self.stop(), self.order_type()
        return OrderRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=side,
            quantity=self.quantity.value(),
            product=cast(Product, self.product.currentData()),
            order_type=kind,
            price=None if limit is None else instrument.snap(limit),
            trigger_price=None if stop is None else instrument.snap(stop),
            market_protection=None if kind in PRICED else AUTOMATIC,
            tag=tag,
        )

    def change(self, order: Order) -> OrderChange:
        """What the fields would change of an order; nothing where they say the same."""
        limit, stop, kind = self.limit(), self.stop(), self.order_type()
        quantity, turned = self.quantity.value(), kind != order.order_type
        return OrderChange(
            quantity=quantity if quantity != order.quantity else None,
            price=limit if limit is not None and limit != order.price else None,
            trigger_price=stop if stop is not None and stop != order.trigger_price else None,
            order_type=kind if turned else None,
            market_protection=AUTOMATIC if turned and kind not in PRICED else None,
        )
