"""The depth ladder: five levels on each side, one's own orders among them, and one-click orders once armed.

Object names: ladder_table, ladder_quantity, ladder_product, ladder_minutes, ladder_arm, ladder_cancel, ladder_answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import DepthLevel, Mode, Tick
from alphapanda_desktop.domain.orders import Order, Product, Side
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.oneclick import OneClick
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.forms import Pick, WholeSpin, field_looks
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.sheet import give_way, tint
from alphapanda_desktop.ui.strategyform import products_for
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import CellDelegate, TableView, faint
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.ticketkinds import PRODUCT_TIPS
from alphapanda_desktop.ui.words import say

LEVELS: Final = 5
OWNER: Final = "ladder"
MINUTES: Final = (1, 5, 15, 60)
ROW_AIR: Final = 5
BAR_ALPHA: Final = 46
QUANTITY_MAX: Final = 10_000_000
BID, PRICE, ASK, MINE = 1, 2, 3, 5
SIDES: Final[dict[int, Side]] = {BID: "BUY", ASK: "SELL"}


@dataclass(frozen=True, slots=True)
class Rung:
    """One level as it is shown; `share` is its part of the largest level, `mine` what of one's own rests there."""

    place: int
    level: DepthLevel
    decimals: int
    share: float
    mine: int = 0

    @property
    def is_bid(self) -> bool:
        return self.place >= LEVELS

    def quantity(self, *, bid: bool) -> str:
        return formats.grouped(self.level.quantity) if bid == self.is_bid and self.level.quantity else ""

    def orders(self, *, bid: bool) -> str:
        return formats.grouped(self.level.orders) if bid == self.is_bid and self.level.quantity else ""


COLUMNS: Final[tuple[Column[Rung], ...]] = (
    Column("Orders", lambda r: r.place, lambda r: r.orders(bid=True), "right", 6, lambda _: "muted"),
    Column("Bid qty", lambda r: r.place, lambda r: r.quantity(bid=True), "right", 9, lambda _: "up",
        header_tooltip="Armed, a click in this column buys at the row's price"),
    Column("Price", lambda r: r.place, lambda r: formats.price(r.level.price, r.decimals), "center", 10),
    Column("Ask qty", lambda r: r.place, lambda r: r.quantity(bid=False), "left", 9, lambda _: "down",
        header_tooltip="Armed, a click in this column sells at the row's price"),
    Column("Orders", lambda r: r.place, lambda r: r.orders(bid=False), "left", 6, lambda _: "muted"),
    Column("Mine", lambda r: r.mine, lambda r: formats.signed(r.mine, 0) if r.mine else "", "right", 7,
        lambda r: "buy" if r.mine > 0 else "sell", header_tooltip="Own orders resting there; a click cancels them"),
)  # fmt: skip


class RungDelegate(CellDelegate):
    """Paints behind a quantity how large it is beside the others."""

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        model = index.model()
        assert isinstance(model, RowModel)
        rung, column = cast(Rung, model.row(index.row())), index.column()
        if column == (BID if rung.is_bid else ASK) and rung.share:
            bar = option.rect.adjusted(0, 2, 0, -2)
            wide = max(1, round(bar.width() * rung.share))
            if rung.is_bid:
                bar.setLeft(bar.right() - wide + 1)
            else:
                bar.setWidth(wide)
            painter.fillRect(bar, faint(model.theme.colour("up" if rung.is_bid else "down"), BAR_ALPHA))
        super().paint(painter, option, index)


def rungs_of(tick: Tick | None, instrument: Instrument, working: Sequence[Order]) -> list[Rung]:
    """The ladder from the highest offer down to the lowest bid; levels that the book does not have are left out."""
    depth = tick.depth if tick is not None else None
    if depth is None:
        return []
    levels = [*reversed(depth.sell[:LEVELS]), *depth.buy[:LEVELS]]
    most = max((level.quantity for level in levels), default=0)
    mine: dict[int, int] = {}
    for order in working:
        ticks = instrument.ticks(order.price)
        mine[ticks] = mine.get(ticks, 0) + order.sign * order.open_quantity
    return [
        Rung(
            place, level, instrument.decimals, level.quantity / most if most else 0.0,
            mine.get(instrument.ticks(level.price), 0),
        )
        for place, level in enumerate(levels)
        if level.quantity
    ]  # fmt: skip


class Ladder(QWidget):
    """Follows one instrument while it is seen. Signal: `order_wanted(Instrument, side)` for B and S while disarmed."""

    order_wanted = Signal(object, str)

    def __init__(
        self, desk: Desk, market: Market, clicks: OneClick, mode: str, edge: Edge, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._market = market
        self.clicks = clicks
        self._mode = mode
        self._edge = edge
        self.instrument: Instrument | None = None
        self._told: tuple[Tick | None, bool] | None = None
        self._pressed: tuple[Rung, int, int] | None = None
        self._build()
        self._lay_out()
        self._listen()
        self._show_armed()

    def _build(self) -> None:
        self.setObjectName("ladder")
        self.setStyleSheet(field_looks(self._edge.theme))
        self.model: RowModel[Rung] = RowModel(COLUMNS, lambda rung: rung.place, self._edge.theme, self)
        self.table = TableView(self.model, "Choose an instrument in the watchlist to see its depth.", self)
        self.table.setObjectName("ladder_table")
        self.table.setAccessibleName(say("Depth ladder"))
        self.table.setItemDelegate(RungDelegate(self.table))
        self.table.setSortingEnabled(False)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + ROW_AIR)
        self.table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.name = Words("–", self)
        self.name.setFont(ui_font(12, bold=True))
        self.state = give_way(Words("", self))
        self.state.setMinimumHeight(2 * self.fontMetrics().lineSpacing())  # what is clicked must not move
        self.totals = Words("", self)
        self.quantity = WholeSpin(self)
        self.quantity.setObjectName("ladder_quantity")
        self.quantity.setAccessibleName(say("Quantity of a one-click order"))
        self.quantity.setGroupSeparatorShown(True)
        self.quantity.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.product = self._pick("ladder_product", "Product of a one-click order")
        self.minutes = self._pick("ladder_minutes", "How long one click stays armed")
        for count in MINUTES:
            self.minutes.addItem(say(f"for {count} min"), count)
        self.minutes.setCurrentIndex(1)
        self.arm = self._button("ladder_arm", "Arm one click", self.toggle)
        self.cancel = self._button("ladder_cancel", "Cancel all here", self.cancel_all)
        self.answer = give_way(Words("", self))
        self.answer.setObjectName("ladder_answer")
        self.answer.setMinimumHeight(2 * self.fontMetrics().lineSpacing())

    def _pick(self, name: str, what: str) -> Pick:
        pick = Pick(self)
        pick.setObjectName(name)
        pick.setAccessibleName(say(what))
        pick.setToolTip(as_tip(say(what)))
        return pick

    def _button(self, name: str, text: str, work: object) -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(name)
        button.setAccessibleName(say(text))
        button.clicked.connect(lambda _checked=False: work())  # type: ignore[operator]
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.addWidget(self.name)
        head.addStretch(1)
        head.addWidget(self.totals)
        grid = QGridLayout()
        grid.setSpacing(4)
        grid.addWidget(self.quantity, 0, 0)
        grid.addWidget(self.product, 0, 1)
        grid.addWidget(self.cancel, 0, 2)
        grid.addWidget(self.minutes, 1, 0)
        grid.addWidget(self.arm, 1, 1, 1, 2)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(6, 4, 6, 6)
        whole.setSpacing(5)
        whole.addLayout(head)
        whole.addWidget(self.table, 1)
        whole.addWidget(self.state)
        whole.addLayout(grid)
        whole.addWidget(self.answer)
        self.setFocusProxy(self.table)

    def _listen(self) -> None:
        self.table.pressed.connect(self._press)
        self.table.clicked.connect(self._release)
        connect(self.clicks.changed, self, self._show_armed)
        connect(self._desk.order_changed, self, self._forget)
        self._edge.frames.add(self, self._frame)
        market = self._market
        self.destroyed.connect(lambda _gone=None: market.unwatch(OWNER))

    # --- which instrument

    def show_instrument(self, instrument: Instrument) -> None:
        """Show the depth of this one; another instrument than before is not armed."""
        if instrument == self.instrument:  # not by its key: a new day's list may give it another token or lot
            return
        self.clicks.disarm(f"another instrument was chosen: {instrument.tradingsymbol}.")
        self.instrument = instrument
        self.name.setText(instrument.tradingsymbol)
        self.name.setToolTip(as_tip(instrument.key))
        self.table.empty_text = "No depth yet." if instrument.tradable else "An index has no order book."
        lot = instrument.lot
        self.quantity.setRange(lot, max(lot, QUANTITY_MAX // lot * lot))
        self.quantity.setSingleStep(lot)
        self.quantity.setValue(lot)
        self._offer_products(instrument)
        self.model.update([])
        self._watch()
        self._forget()

    def _offer_products(self, instrument: Instrument) -> None:
        before = self.product.currentData()
        self.product.clear()
        for product in products_for([instrument]) if instrument.tradable else []:
            self.product.addItem(say(PRODUCT_TIPS.get(product, product)), product)
        self.product.setCurrentIndex(max(0, self.product.findData(before)))

    def _watch(self) -> None:
        if self.instrument is not None and self.isVisible():
            self._market.watch(OWNER, [self.instrument], Mode.FULL)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._watch()
        self._forget()

    def hideEvent(self, event: QHideEvent) -> None:
        """Out of sight it is neither armed nor subscribed."""
        super().hideEvent(event)
        self.clicks.disarm("the ladder went out of sight.")
        self._market.unwatch(OWNER)

    # --- once a frame

    def _forget(self, *_told: object) -> None:
        self._told = None

    def _frame(self) -> None:
        self.clicks.look()
        instrument = self.instrument
        if instrument is None:
            return
        tick, old = self._market.latest(instrument.instrument_token), self._market.stale(instrument.instrument_token)
        if self._told is None or tick is not self._told[0] or old != self._told[1]:
            self._told = tick, old
            self.model.update(rungs_of(tick, instrument, self.clicks.working(instrument)))
            self._show_totals(tick, instrument, old=old)
        if self.clicks.armed(instrument):
            self._show_armed()

    def _show_totals(self, tick: Tick | None, instrument: Instrument, *, old: bool) -> None:
        last = formats.price(tick.last_price if tick else None, instrument.decimals)
        buy, sell = (tick.total_buy_quantity, tick.total_sell_quantity) if tick else (None, None)
        words = f"{last}   ▲ {formats.volume(buy)}  ▼ {formats.volume(sell)}"
        self.totals.setText(say(f"⊘ old price  {words}" if old else words))
        tint(self.totals, "warn" if old else "muted", self._edge)

    # --- armed or not

    def toggle(self) -> None:
        """Arm the click in this instrument, or disarm it."""
        instrument = self.instrument
        if instrument is None:
            return
        if self.clicks.armed(instrument):
            self.clicks.disarm("disarmed by hand.")
            return
        try:
            self.clicks.arm(instrument, int(self.minutes.currentData()))
        except AlphaPandaError as error:
            self._say(str(error), "danger")
        else:
            self._say("", "text")

    def _show_armed(self) -> None:
        left = round(self.clicks.left_s())
        if self.clicks.armed(self.instrument):
            where = MODE_MARKS.get(self._mode, self._mode.upper())
            self.arm.setText(say(f"■ Disarm · {left // 60}:{left % 60:02}"))
            self.state.setText(
                say(f"⚠ ARMED, {where}: a click on Bid qty BUYS, on Ask qty SELLS, at that row's price.")
            )
            colour = self._edge.theme.colour("live" if self._mode == "live" else "warn").name()
            self.table.setStyleSheet(f"QTableView {{ border: 2px solid {colour}; }}")
            tint(self.state, "live" if self._mode == "live" else "warn", self._edge)
        elif self.arm.text() != say("Arm one click") or not self.state.text():
            self.arm.setText(say("Arm one click"))
            why = f" ({self.clicks.why.rstrip('.')})" if self.clicks.why else ""
            self.state.setText(say(f"Not armed{why}: clicks send nothing."))
            self.table.setStyleSheet("QTableView { border: 2px solid transparent; }")
            tint(self.state, "muted", self._edge)

    # --- orders

    def _press(self, index: QModelIndex) -> None:
        self._pressed = self.model.row(index.row()), index.row(), index.column()

    def _release(self, index: QModelIndex) -> None:
        """A click means the price that was there when the button went down, however the book moved meanwhile."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None and pressed[1:] == (index.row(), index.column()):
            self.click(pressed[0], pressed[2])

    def click(self, rung: Rung, column: int) -> None:
        """What a click on that cell asks for."""
        instrument = self.instrument
        if instrument is None:
            return
        if column in SIDES:
            self.send(SIDES[column], rung.level.price)
        elif column == MINE and rung.mine:
            self._edge.spawn("cancel in the ladder", self._cancel_at(instrument, rung.level.price))

    def send(self, side: Side, price: float) -> None:
        """One order at that price if armed; else a word about it."""
        instrument = self.instrument
        if instrument is None or self.product.currentData() is None:
            return
        self.quantity.interpretText()
        self._edge.spawn("one click", self._send(instrument, side, price))

    async def _send(self, instrument: Instrument, side: Side, price: float) -> None:
        quantity, product = self.quantity.value(), cast(Product, self.product.currentData())
        if quantity % instrument.lot:
            self._say(f"{quantity} is not a multiple of the lot of {instrument.lot}: nothing was sent.", "danger")
            return
        try:
            self._say(await self.clicks.send(instrument, side, price, quantity, product), "text")
        except AlphaPandaError as error:
            self._say(str(error), "danger")

    async def _cancel_at(self, instrument: Instrument, price: float) -> None:
        try:
            count = await self.clicks.cancel_at(instrument, price)
        except AlphaPandaError as error:
            self._say(str(error), "danger")
        else:
            self._say(f"Asked to cancel {count} at {formats.price(price, instrument.decimals)}.", "text")

    def cancel_all(self) -> None:
        """Cancel every working order of this instrument."""
        if self.instrument is not None:
            self._edge.spawn("cancel all of the ladder", self._desk.cancel_all(self.instrument.key))

    def _say(self, text: str, role: Role) -> None:
        self.answer.setText(say(text))
        tint(self.answer, role, self._edge)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """B and S at the selected level once armed; before that they open the ticket."""
        side = {"b": "BUY", "s": "SELL"}.get(event.text().lower())
        if side is None or self.instrument is None or not self.instrument.tradable:
            super().keyPressEvent(event)
        elif event.isAutoRepeat():
            event.accept()
        elif not self.clicks.armed(self.instrument):
            self.order_wanted.emit(self.instrument, side)
        elif (rung := self.table.current_row()) is not None:
            self.send(cast(Side, side), rung.level.price)
