"""Shares in the demat account at the latest prices.

Object names for the tour: `holdings_table`, `holding_sell`, `holding_add`, `holdings_read`, `holdings_sum`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.portfolio import Holding, Portfolio
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import BookPanel, action, button, muted, result_role, stack
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Marked
from alphapanda_desktop.ui.runcard import count_of
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

STALE_EVERY_FRAMES: Final = 30


@dataclass(frozen=True, slots=True)
class Owned:
    """One holding at its latest price; None for what hangs on a price that nobody told."""

    holding: Holding
    last: float | None
    stale: bool

    @property
    def value(self) -> float | None:
        return None if self.last is None else self.holding.value_at(self.last)

    @property
    def pnl(self) -> float | None:
        return None if self.last is None else self.holding.pnl_at(self.last)

    @property
    def pnl_pct(self) -> float | None:
        cost = self.holding.invested()
        return None if self.pnl is None or not cost else self.pnl * 100 / cost

    @property
    def day(self) -> float | None:
        """Today's share of the result; None without a close to hold it against."""
        close = self.holding.close_price
        return None if self.last is None or not close else (self.last - close) * self.holding.held

    @property
    def day_pct(self) -> float | None:
        close = self.holding.close_price
        return None if self.last is None or not close else (self.last - close) * 100 / close


def _role(row: Owned, value: float | None) -> Role:
    return "muted" if row.stale else result_role(value)


def _last_tip(row: Owned) -> str:
    return "This price is old: no tick has come lately." if row.stale else ""


def _quantity_tip(row: Owned) -> str:
    h = row.holding
    parts = (
        ("settled", h.quantity), ("bought yesterday (T1)", h.t1_quantity), ("sold today", h.used_quantity),
        ("authorised for sale", h.authorised_quantity), ("pledged", h.collateral_quantity),
    )  # fmt: skip
    words = ", ".join(f"{formats.grouped(number)} {name}" for name, number in parts if number)
    return words + (". Kite marks a discrepancy: check the average price." if h.discrepancy else "")


COLUMNS: Final[tuple[Column[Owned], ...]] = (
    Column("Symbol", lambda r: r.holding.tradingsymbol, width_chars=16,
           tooltip=lambda r: f"{r.holding.key}, ISIN {r.holding.isin or formats.DASH}",
           colour=lambda r: "warn" if r.holding.discrepancy else None),
    Column("Qty", lambda r: r.holding.held, lambda r: formats.grouped(r.holding.held), "right", 9,
           tooltip=_quantity_tip),
    Column("T1", lambda r: r.holding.t1_quantity, lambda r: _some(r.holding.t1_quantity), "right", 7,
           colour=lambda _: "muted", header_tooltip="Bought yesterday, not settled yet"),
    Column("Sellable", lambda r: r.holding.sellable, lambda r: formats.grouped(r.holding.sellable), "right", 9,
           tooltip=_quantity_tip, header_tooltip="What may be sold today, settlement and authorisation permitting"),
    Column("Pledged", lambda r: r.holding.collateral_quantity, lambda r: _some(r.holding.collateral_quantity), "right",
           8, colour=lambda _: "muted"),
    Column("Avg", lambda r: r.holding.average_price, lambda r: formats.price(r.holding.average_price), "right", 11),
    Column("Last", lambda r: r.last, lambda r: formats.price(r.last), "right", 11,
           colour=lambda r: "muted" if r.stale else None, tooltip=_last_tip),
    Column("Value", lambda r: r.value, lambda r: _sum(r.value), "right", 14),
    Column("P&L", lambda r: r.pnl, lambda r: formats.known_signed(r.pnl), "right", 13,
           colour=lambda r: _role(r, r.pnl), tooltip=_last_tip),
    Column("P&L %", lambda r: r.pnl_pct, lambda r: formats.percent(r.pnl_pct), "right", 9,
           colour=lambda r: _role(r, r.pnl)),
    Column("Today", lambda r: r.day, lambda r: formats.known_signed(r.day), "right", 13,
           colour=lambda r: _role(r, r.day), header_tooltip="Against yesterday's close"),
    Column("Today %", lambda r: r.day_pct, lambda r: formats.percent(r.day_pct), "right", 9,
           colour=lambda r: _role(r, r.day)),
    Column("ISIN", lambda r: r.holding.isin, lambda r: r.holding.isin or formats.DASH, width_chars=13,
           colour=lambda _: "muted"),
)  # fmt: skip


def _some(quantity: int) -> str:
    return formats.grouped(quantity) if quantity else formats.DASH


def _sum(value: float | None) -> str:
    return formats.UNKNOWN_WORD if value is None else formats.grouped(value, 2)


class HoldingsPanel(BookPanel):
    """Holdings, read when first seen and when asked for.

    Signals: `order_wanted(Instrument, side, quantity)`, `chart_wanted(key)`.
    """

    order_wanted = Signal(object, str, int)
    chart_wanted = Signal(str)

    def __init__(self, portfolio: Portfolio, market: Market, edge: Edge, parent: QWidget | None = None) -> None:
        self._frames = 0
        super().__init__(edge, parent)
        self._portfolio = portfolio
        self._market = market
        self._rows: list[Holding] = []
        self._read_at: datetime | None = None
        self._reading = False
        self._problem = ""
        self.model: RowModel[Owned] = RowModel(COLUMNS, key=lambda r: r.holding.key, theme=edge.theme, parent=self)
        self.table = TableView(self.model, "", self)
        self.table.setObjectName("holdings_table")
        self.table.setAccessibleName(say("Holdings"))
        self.table.opened.connect(lambda row: self.chart_wanted.emit(row.holding.key))
        self.table.chosen.connect(lambda _row: self._show_buttons())
        self.table.menu_for = self._menu
        self._build()
        self.destroyed.connect(lambda _gone=None: market.unwatch("holdings"))

    def _build(self) -> None:
        self.add = button(self, "Buy more…", "holding_add", "Open a ticket to buy (B)", lambda: self._ask_order("BUY"))
        self.sell = button(
            self, "Sell…", "holding_sell", "Open a ticket that sells what is sellable (S)",
            lambda: self._ask_order("SELL"),
        )  # fmt: skip
        self.read = button(self, "Read again", "holdings_read", "Ask the broker for the holdings (R)", self.read_again)
        self.sum = muted(self, self._edge, Marked)
        self.sum.setObjectName("holdings_sum")
        stack(self, self.table, self.table, self.sum, self.read, self.add, self.sell)
        self._show_buttons()

    # -- reading ---------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._read_at is None:
            self.read_again()

    def read_again(self) -> None:
        """Ask the broker; a question that is on its way is enough."""
        if not self._reading:
            self._reading = True
            self.mark()
            self._edge.spawn("read holdings", self._read())

    async def _read(self) -> None:
        try:
            self._rows = await self._portfolio.holdings()
            self._read_at, self._problem = self._market.now(), ""
            self._watch()
        except AlphaPandaError as error:
            self._problem = str(error)
        finally:
            self._reading = False
            self.mark()

    def _watch(self) -> None:
        """Want ticks of all that is held."""
        found = [self._market.master.by_key(holding.key) for holding in self._rows]
        self._market.watch("holdings", [i for i in found if i is not None], Mode.QUOTE)

    # -- showing ---------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        self._frames = (self._frames + 1) % STALE_EVERY_FRAMES
        ticked = self._market.take_changed("holdings")
        if self._old or not self._frames:
            self._old = False
            self.redraw()
        elif ticked:
            self.model.touch([self._owned(h) for h in self._rows if h.instrument_token in ticked])
            self._show_sum()

    def redraw(self) -> None:
        self.table.empty_text = self._problem or ("Reading…" if self._read_at is None else "No holdings.")
        self.model.update(map(self._owned, self._rows))
        self.table.viewport().update()
        self._show_sum()
        self._show_buttons()

    def _owned(self, holding: Holding) -> Owned:
        tick = self._market.latest(holding.instrument_token)
        last = tick.last_price if tick is not None else holding.last_price or None
        return Owned(holding, last, self._market.stale(holding.instrument_token))

    def _show_sum(self) -> None:
        if self._read_at is None:
            self.sum.setText(escape(say(self._problem or "not read yet"), quote=False))
            return
        rows = self.model.rows()
        cost = sum(row.holding.invested() for row in rows)
        value, pnl, day = (_total(getattr(row, name) for row in rows) for name in ("value", "pnl", "day"))
        worth, old = formats.known_rupees(value), f" · {escape(self._problem, quote=False)}" if self._problem else ""
        self.sum.setText(
            say(
                f"{count_of(len(rows), 'holding')} · cost {formats.rupees(cost)} · value {worth} · "
                f"P&L {self._coloured(pnl)} · today {self._coloured(day)} · as of {formats.ist_time(self._read_at)}"
                f"{old}"
            )
        )

    def _coloured(self, value: float | None) -> str:
        colour = getattr(self._edge.theme, result_role(value))
        return f"<b style='color:{colour}'>{formats.known_result(value)}</b>"

    def _show_buttons(self) -> None:
        row = self.table.current_row()
        self.sell.setEnabled(row is not None and row.holding.sellable > 0)
        self.add.setEnabled(row is not None)
        self.read.setEnabled(not self._reading)

    # -- asking for orders -----------------------------------------------------------------------------------

    def _ask_order(self, side: str) -> None:
        row = self.table.current_row()
        if row is None:
            return
        holding: Holding = row.holding
        instrument = self._market.master.by_key(holding.key)
        if instrument is None:
            self._edge.notify(f"{holding.key} is not in today's instrument list.", "warning")
        elif side == "BUY" or holding.sellable:
            self.order_wanted.emit(instrument, side, holding.sellable if side == "SELL" else instrument.lot)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_B:
                self._ask_order("BUY")
            case Qt.Key.Key_S:
                self._ask_order("SELL")
            case Qt.Key.Key_R:
                self.read_again()
            case _:
                super().keyPressEvent(event)

    def _menu(self, row: Owned) -> list[QAction]:
        return [
            action("Show chart\tEnter", lambda: self.chart_wanted.emit(row.holding.key)),
            action("Buy more…\tB", lambda: self._ask_order("BUY")),
            action("Sell…\tS", lambda: self._ask_order("SELL")),
        ]


def _total(values: Iterable[float | None]) -> float | None:
    """A sum; unknown where one of its parts is."""
    parts = list(values)
    known = [value for value in parts if value is not None]
    return sum(known) if len(known) == len(parts) else None
