"""The fields of an order, whatever its variety; and the order, the change or the GTT that they ask for.

A field that a type does not use stays in its place, disabled: nothing jumps while one chooses.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any, Final, cast

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import (
    AUTOMATIC,
    Order,
    OrderChange,
    OrderRequest,
    OrderType,
    Product,
    Side,
    Validity,
)
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.forms import NumberSpin, Pick, WholeSpin
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.pricespin import PriceSpin
from alphapanda_desktop.ui.ticketkinds import (
    CASH,
    KINDS,
    PRICED,
    PRODUCT_TIPS,
    TRIGGERED,
    TYPE_TIPS,
    VALIDITY_TIPS,
    KindName,
    OrderKind,
    legs_of,
)
from alphapanda_desktop.ui.words import say

QUANTITY_MAX: Final = 10_000_000
MINUTES_MAX: Final = 1_440
LEGS_MAX: Final = 50
FIELD_PX: Final = 31
"""Numbers and choices alike: side by side they must not stand askew."""


class Cell(QWidget):
    """A field under its name. `use` enables it; `offer` shows it."""

    def __init__(self, name: str, text: str, field: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self.label = Words(say(text), self)
        self.label.setBuddy(field)
        self.field = field
        field.setObjectName(f"ticket_{name}")
        field.setFixedHeight(FIELD_PX)
        self.say(text)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 6)  # in the cell, for a grid lets rows without a cell eat its own spacing
        box.setSpacing(2)
        box.addWidget(self.label)
        box.addWidget(field)

    def say(self, text: str) -> None:
        """Name the field."""
        self.label.setText(say(text))
        self.field.setAccessibleName(say(text))

    def use(self, used: bool) -> None:
        self.label.setEnabled(used)
        self.field.setEnabled(used)

    def offer(self, offered: bool) -> None:
        self.use(offered)
        self.setVisible(offered)


class TicketFields(QWidget):
    """Signals: `edited()` after any edit, `snapped(text)` when a price was moved to a tick."""

    edited = Signal()
    snapped = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._last: float | None = None
        self._fresh = False
        self._instrument: Instrument | None = None
        self.variety: OrderKind = KINDS["regular"]
        self._triggers: dict[PriceSpin, float] = {}
        self.quantity, self.minutes, self.disclosed, self.legs = (WholeSpin(self) for _ in range(4))
        self.kind, self.product, self.validity = Pick(self), Pick(self), Pick(self)
        self.price, self.trigger, self.upper_price, self.upper_trigger = (PriceSpin(self) for _ in range(4))
        self.protection = NumberSpin(self)
        self._set_up_numbers()
        self._lay_out()
        self._connect()

    def _set_up_numbers(self) -> None:
        for whole in (self.quantity, self.minutes, self.disclosed, self.legs):
            whole.setGroupSeparatorShown(True)
            whole.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.minutes.setRange(1, MINUTES_MAX)
        self.minutes.setSuffix(say(" min"))
        self.legs.setRange(2, LEGS_MAX)
        self.legs.setSuffix(say(" legs"))
        self.disclosed.setRange(0, QUANTITY_MAX)
        self.disclosed.setSpecialValueText(say("all"))
        self.protection.setRange(0.0, 100.0)
        self.protection.setSingleStep(0.5)
        self.protection.setSuffix(" %")
        self.protection.setSpecialValueText(say("automatic"))
        self.protection.setAlignment(Qt.AlignmentFlag.AlignRight)
        for price in self._prices():
            price.setSpecialValueText(say(formats.DASH))

    def _prices(self) -> tuple[PriceSpin, ...]:
        return (self.price, self.trigger, self.upper_price, self.upper_trigger)

    def _lay_out(self) -> None:
        places = (
            ("quantity", "Quantity", self.quantity, 0, 0),
            ("product", "Product", self.product, 0, 1),
            ("type", "Type", self.kind, 1, 0),
            ("validity", "Validity", self.validity, 1, 1),
            ("price", "Price", self.price, 2, 0),
            ("trigger", "Trigger", self.trigger, 2, 1),
            ("upper_price", "Price", self.upper_price, 3, 0),
            ("upper_trigger", "Trigger", self.upper_trigger, 3, 1),
            ("disclosed", "Disclosed", self.disclosed, 4, 0),
            ("legs", "Legs", self.legs, 4, 0),
            ("minutes", "Minutes", self.minutes, 4, 1),
            ("protection", "Protection", self.protection, 4, 1),
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(0)
        self.cells: dict[QWidget, Cell] = {}
        for name, text, field, row, column in places:
            self.cells[field] = Cell(name, text, field, self)
            grid.addWidget(self.cells[field], row, column)
            grid.setColumnStretch(column, 1)
            grid.setColumnMinimumWidth(column, 170)
        self.protection.setToolTip(say("How far from the last price a MARKET order may trade; Kite demands a figure"))
        self.disclosed.setToolTip(say("How much of it the market sees at a time"))
        self._order_of_tabs()

    def _order_of_tabs(self) -> None:
        order = (
            self.quantity, self.price, self.trigger, self.upper_price, self.upper_trigger, self.kind, self.product,
            self.validity, self.minutes, self.protection, self.disclosed, self.legs,
        )  # fmt: skip
        for before, after in pairwise(order):
            QWidget.setTabOrder(before, after)
        for field in order:
            self.cells[field].raise_()  # `go_round` goes by the order of children

    def _connect(self) -> None:
        self.kind.currentIndexChanged.connect(lambda _place: self._choose_kind())
        self.validity.currentIndexChanged.connect(lambda _place: self._choose_kind())
        self.product.currentIndexChanged.connect(lambda _place: self.edited.emit())
        for whole in (self.quantity, self.minutes, self.disclosed, self.legs):
            whole.valueChanged.connect(lambda _value: self.edited.emit())
        for number in (self.protection, *self._prices()):
            number.valueChanged.connect(lambda _value: self.edited.emit())
        for price in self._prices():
            price.snapped.connect(self.snapped)
        for trigger, price in self._legs():
            trigger.valueChanged.connect(lambda _value, trigger=trigger, price=price: self._follow(trigger, price))

    def _legs(self) -> tuple[tuple[PriceSpin, PriceSpin], ...]:
        return ((self.trigger, self.price), (self.upper_trigger, self.upper_price))

    def _follow(self, trigger: PriceSpin, price: PriceSpin) -> None:
        """A limit that stands at its trigger goes along with it: left behind, it might never fill."""
        before, now = self._triggers.get(trigger, 0.0), trigger.value()
        self._triggers[trigger] = now
        if before and now and price.isEnabled() and price.value() == before:
            price.setValue(now)

    # -- filling in ------------------------------------------------------------------------------------------

    def suit(self, instrument: Instrument, quantity: int, last: float | None, product: str, variety: KindName) -> None:
        """Begin a new order of this many; the type chosen last stays where the variety has it."""
        self._instrument, self._last = instrument, last
        self.quantity.setRange(instrument.lot, QUANTITY_MAX - QUANTITY_MAX % instrument.lot)
        self.quantity.setSingleStep(instrument.lot)
        self.quantity.setSuffix(say(" lots" if instrument.exchange == "MCX" else ""))
        self.quantity.setValue(quantity)
        self.disclosed.setValue(0)
        self.protection.setValue(0.0)
        for spin in self._prices():
            spin.suit(instrument)
            spin.setEnabled(False)  # a price begins at the last one when it is needed
        self.product.clear()  # of the last instrument; an entry begins with the usual one
        self.set_variety(variety, product)

    def set_variety(self, name: KindName, product: str = "") -> None:
        """Ask for another kind of order; what was typed stays where it has a place."""
        assert self._instrument is not None
        before, variety = self.variety, KINDS[name]
        self.variety = variety
        if variety.is_gtt and before is not variety:
            for spin in self._prices():
                spin.setEnabled(False)  # the prices of an order for now are none of one that waits
        _offer(self.kind, [(kind, kind, TYPE_TIPS[kind]) for kind in variety.types], self.kind.currentData())
        products = [(p, PRODUCT_TIPS.get(p, p), "") for p in variety.products_of(self._instrument)]
        _offer(self.product, products, product or self.product.currentData())
        validities = [(v, v, VALIDITY_TIPS[v]) for v in variety.validities_of(self._instrument)]
        _offer(self.validity, validities, self.validity.currentData())
        self._choose_kind()

    def load(self, instrument: Instrument, order: Order, last: float | None) -> None:
        """Show an order as it stands, to be changed; product and variety stay."""
        name: KindName = next((kind for kind in KINDS if kind == order.variety), "regular")
        self.suit(instrument, order.quantity, last, order.product, name)
        _offer(self.product, [(order.product, PRODUCT_TIPS.get(order.product, order.product), "")], order.product)
        self.kind.setCurrentIndex(max(0, self.kind.findData(order.order_type)))
        self.validity.setCurrentIndex(max(0, self.validity.findData(order.validity)))
        for spin, value in ((self.trigger, order.trigger_price), (self.price, order.price)):
            if value:
                spin.setValue(value)
        self.disclosed.setValue(order.disclosed_quantity)
        for field in (self.product, self.legs, self.minutes):
            self.cells[field].use(False)
        if order.variety == "co":
            for field in (self.quantity, self.kind, self.validity):
                self.cells[field].use(False)

    def load_gtt(self, instrument: Instrument, gtt: Gtt, last: float | None) -> None:
        """Show a GTT as it stands, to be changed."""
        self.suit(instrument, gtt.orders[0].quantity, last, gtt.orders[0].product, _gtt_kind(gtt))
        for trigger, price, value, order in zip(
            (self.trigger, self.upper_trigger), (self.price, self.upper_price), gtt.trigger_values, gtt.orders,
            strict=False,
        ):  # fmt: skip
            trigger.setValue(value)
            price.setValue(order.price)

    # -- what is in use --------------------------------------------------------------------------------------

    def _choose_kind(self) -> None:
        kind, variety = self.order_type(), self.variety
        is_cash = self._instrument is not None and self._instrument.exchange in CASH
        self._need(self.price, kind in PRICED)
        self._need(self.trigger, kind in TRIGGERED or variety.is_gtt or variety.name == "co")
        for spin in (self.upper_price, self.upper_trigger):
            self._need(spin, variety.name == "oco")
            self.cells[spin].setVisible(variety.name == "oco")
        for field, offered in (
            (self.disclosed, is_cash and variety.name == "regular"),
            (self.legs, variety.name == "iceberg"),
            (self.minutes, self.validity.currentData() == "TTL"),
            (self.protection, kind not in PRICED and self.validity.currentData() != "TTL"),
        ):
            self.cells[field].offer(offered)
        for pick in (self.kind, self.validity, self.product):
            self.cells[pick].use(pick.count() > 1)
        self.edited.emit()

    def _need(self, spin: PriceSpin, needed: bool) -> None:
        """Open a price field where the order has such a price, with the last price when it opens."""
        if needed and not spin.isEnabled():
            spin.start_at(self._last or 0.0)
        elif not needed:
            spin.setValue(0.0)
        self.cells[spin].use(needed)

    def name_prices(self, side: Side) -> None:
        """Say what each price is for, and how far it lies from the last."""
        names = {self.price: "Price", self.trigger: "Trigger"}
        if self.variety.name == "co":
            names[self.trigger] = "Stop-loss"
        if self.variety.name == "oco":
            lower, upper = ("Stop-loss", "Target") if side == "SELL" else ("Target", "Stop-loss")
            names = {
                self.price: f"{lower} price", self.trigger: f"{lower} trigger",
                self.upper_price: f"{upper} price", self.upper_trigger: f"{upper} trigger",
            }  # fmt: skip
        for spin, text in names.items():
            self.cells[spin].say(f"{text} {self._away(spin)}".strip())

    def _away(self, spin: PriceSpin) -> str:
        if not self._last or not spin.isEnabled() or not spin.value():
            return ""
        away = (spin.value() - self._last) * 100 / self._last
        return f"· {formats.percent(away)}" if abs(away) >= 0.005 else ""

    def take_last(self, last: float | None, *, fresh: bool) -> None:
        """The last price is another one now; against one that is not `fresh` nothing is held."""
        self._last, self._fresh = last, fresh

    # -- what it says ----------------------------------------------------------------------------------------

    def order_type(self) -> OrderType:
        return cast(OrderType, self.kind.currentData())

    def limit(self) -> float | None:
        """The price of an order that has one."""
        return self.price.value() if self.order_type() in PRICED else None

    def stop(self) -> float | None:
        """The trigger of an order that has one."""
        return self.trigger.value() if self.trigger.isEnabled() else None

    def commit(self) -> None:
        """Take what is being typed."""
        for spin in (self.quantity, self.minutes, self.disclosed, self.legs, self.protection, *self._prices()):
            spin.interpretText()

    def problem(self, instrument: Instrument, side: Side) -> str:
        """What is missing or wrong, or empty; the desk's own rules speak when it is asked."""
        if self.quantity.value() % instrument.lot:
            return f"{self.quantity.value()} is not a multiple of the lot of {instrument.lot}."
        if any(spin.isEnabled() and spin.value() == 0 for spin in (self.price, self.upper_price)):
            return "A price is needed."
        if any(spin.isEnabled() and spin.value() == 0 for spin in (self.trigger, self.upper_trigger)):
            return "A trigger is needed."
        if self.variety.is_gtt:
            words = self.gtt(instrument, side).problem()
            return f"{words[0].upper()}{words[1:]}." if words else ""
        return self._iceberg_problem(instrument) or self._stop_problem(instrument, side)

    def warning(self, side: Side) -> str:
        """What would be taken but is hardly meant: a waiting stop whose limit its own trigger has left behind."""
        last = self._last
        for trigger, price in self._legs() if self.variety.is_gtt else ():
            stop, limit = trigger.value(), price.value()
            is_stop = last is not None and trigger.isEnabled() and (stop < last if side == "SELL" else stop > last)
            if is_stop and (limit > stop if side == "SELL" else limit < stop):
                where = "above" if side == "SELL" else "below"
                return f"The stop-loss may never fill: its price lies {where} its trigger."
        return ""

    def _stop_problem(self, instrument: Instrument, side: Side) -> str:
        """A trigger that would fire at once, or a limit that could not fill once it does.  Source: CONTRACT 2.4."""
        stop, limit, last = self.stop(), self.limit(), self._last
        if stop is None:
            return ""
        is_cover = self.variety.name == "co"
        above = (side == "BUY") != is_cover  # the stop of a cover order is on the way out
        name = "stop-loss" if is_cover else "trigger"
        shown = formats.price(stop, instrument.decimals)
        if last and self._fresh and (stop == last or (stop > last) != above):
            where = f"{'above' if above else 'below'} the last price {formats.price(last, instrument.decimals)}"
            return f"The {name} {shown} of this {side} must be {where}."
        if self.order_type() == "SL" and limit is not None and (limit < stop if side == "BUY" else limit > stop):
            where = f"{'below' if side == 'BUY' else 'above'} its trigger {shown}"
            return f"The price {formats.price(limit, instrument.decimals)} of a {side} stop must not be {where}."
        return ""

    def _iceberg_problem(self, instrument: Instrument) -> str:
        if self.variety.name != "iceberg":
            return ""
        quantity, legs = self.quantity.value(), self.legs.value()
        per_leg = legs_of(quantity, legs, instrument.lot)
        if per_leg * (legs - 1) >= quantity:
            return f"{formats.grouped(quantity)} cannot be parted into {legs} legs of whole lots."
        return ""

    # -- what it asks for ------------------------------------------------------------------------------------

    def request(self, instrument: Instrument, side: Side, tag: str) -> OrderRequest:
        """The order that the fields ask for; a GTT is asked for by `gtt`."""
        limit, stop, variety = self.limit(), self.stop(), self.variety.name
        validity = cast(Validity, self.validity.currentData())
        is_iceberg = variety == "iceberg"
        quantity, legs = self.quantity.value(), self.legs.value()
        return OrderRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=side,
            quantity=quantity,
            product=cast(Product, self.product.currentData()),
            order_type=self.order_type(),
            price=None if limit is None else instrument.snap(limit),
            trigger_price=None if stop is None else instrument.snap(stop),
            variety="regular" if variety in ("gtt", "oco") else cast(Any, variety),
            validity=validity,
            validity_ttl=self.minutes.value() if validity == "TTL" else None,
            disclosed_quantity=self.disclosed.value() if self.disclosed.isEnabled() else 0,
            market_protection=self._protection(),
            iceberg_legs=legs if is_iceberg else None,
            iceberg_quantity=legs_of(quantity, legs, instrument.lot) if is_iceberg else None,
            tag=tag,
        )

    def _protection(self) -> float | None:
        if self.order_type() in PRICED:
            return None
        return self.protection.value() or AUTOMATIC

    def gtt(self, instrument: Instrument, side: Side) -> GttRequest:
        """The GTT that the fields ask for, lower trigger first."""
        legs = [(self.trigger.value(), self.price.value())]
        if self.variety.name == "oco":
            legs.append((self.upper_trigger.value(), self.upper_price.value()))
        product, quantity = str(self.product.currentData()), self.quantity.value()
        return GttRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            trigger_values=tuple(instrument.snap(trigger) for trigger, _ in legs),
            last_price=self._last or 0.0,
            orders=tuple(
                GttOrder(transaction_type=side, quantity=quantity, price=instrument.snap(price), product=product)
                for _, price in legs
            ),
        )

    def change(self, order: Order) -> OrderChange:
        """What the fields would change of an order; nothing where they say the same."""
        limit, stop, kind = self.limit(), self.stop(), self.order_type()
        quantity, turned = self.quantity.value(), kind != order.order_type
        validity = cast(Validity, self.validity.currentData())
        return OrderChange(
            quantity=quantity if quantity != order.quantity else None,
            price=limit if limit is not None and limit != order.price else None,
            trigger_price=stop if stop is not None and stop != order.trigger_price else None,
            order_type=kind if turned else None,
            validity=validity if validity != order.validity else None,
            disclosed_quantity=self._new_disclosed(order),
            market_protection=self._protection() if turned else None,
        )

    def _new_disclosed(self, order: Order) -> int | None:
        shown = self.disclosed.value()
        return shown if self.disclosed.isEnabled() and shown != order.disclosed_quantity else None


def _gtt_kind(gtt: Gtt) -> KindName:
    return "oco" if len(gtt.trigger_values) == 2 else "gtt"


def _offer(pick: Pick, items: Iterable[tuple[str, str, str]], wanted: object) -> None:
    """Fill a choice with (value, words, tooltip), keeping what is wanted where it is among them."""
    pick.blockSignals(True)
    pick.clear()
    for place, (value, words, tip) in enumerate(items):
        pick.addItem(say(words), value)
        pick.setItemData(place, as_tip(tip or words), Qt.ItemDataRole.ToolTipRole)
    pick.setCurrentIndex(max(0, pick.findData(wanted)))
    pick.blockSignals(False)
