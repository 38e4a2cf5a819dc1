"""Good-till-triggered orders: those that wait at the broker, and what became of the others of the last days.

Object names for the tour: `gtt_table`, `gtt_new`, `gtt_change`, `gtt_delete`, `gtt_read`, `gtt_words`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.portfolio import Gtt, Gtts
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import BookPanel, action, button, muted, seconds, stack
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.question import Asker, Question
from alphapanda_desktop.ui.runcard import count_of
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

READ_EVERY_S: Final = 5.0
"""News of orders makes the list old at most this often: a GTT that fires is an order that appears."""

STALE_EVERY_FRAMES: Final = 30
STATUS_ROLES: Final[dict[str, Role]] = {
    "active": "accent", "triggered": "good", "rejected": "danger", "disabled": "warn",
    "expired": "muted", "cancelled": "muted", "deleted": "muted",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Waiting:
    """One GTT at its instrument's latest price."""

    gtt: Gtt
    last: float | None
    decimals: int

    @property
    def nearest_pct(self) -> float | None:
        """How far the nearest trigger is from the last price, in per cent of it."""
        if not self.gtt.active or not self.last:
            return None
        last = self.last
        return min(((value - last) * 100 / last for value in self.gtt.trigger_values), key=abs, default=None)


def _values(row: Waiting, of: Callable[[Gtt], tuple[float, ...]]) -> str:
    return " / ".join(formats.price(value, row.decimals) for value in of(row.gtt))


def _prices(gtt: Gtt) -> tuple[float, ...]:
    return tuple(order.price for order in gtt.orders)


def _side_role(row: Waiting) -> Role:
    return "buy" if row.gtt.orders[0].transaction_type == "BUY" else "sell"


def _outcome(row: Waiting) -> str:
    """What the order became once the trigger was reached."""
    for order in row.gtt.orders:
        result = order.result
        if result is not None:
            placed = f"order {result.order_id}" if result.order_id else result.rejection_reason or result.status
            return f"at {formats.price(result.triggered_at, row.decimals)}: {placed}"
    return ""


COLUMNS: Final[tuple[Column[Waiting], ...]] = (
    Column("GTT", lambda r: r.gtt.id, lambda r: str(r.gtt.id), "right", 9, colour=lambda _: "muted"),
    Column("Symbol", lambda r: r.gtt.tradingsymbol, width_chars=17, tooltip=lambda r: r.gtt.key, elide="middle"),
    Column("Side", lambda r: r.gtt.orders[0].transaction_type, width_chars=5, colour=_side_role),
    Column("Kind", lambda r: r.gtt.type, lambda r: "OCO" if len(r.gtt.orders) == 2 else "single", width_chars=6,
           header_tooltip="OCO has a stop-loss and a target: the one reached first ends the other"),
    Column("Qty", lambda r: r.gtt.orders[0].quantity, lambda r: formats.grouped(r.gtt.orders[0].quantity), "right", 9),
    Column("Trigger", lambda r: r.gtt.trigger_values[0], lambda r: _values(r, lambda g: g.trigger_values), "right", 19),
    Column("Limit", lambda r: r.gtt.orders[0].price, lambda r: _values(r, _prices), "right", 19),
    Column("Last", lambda r: r.last, lambda r: formats.price(r.last, r.decimals), "right", 11),
    Column("Away", lambda r: None if r.nearest_pct is None else abs(r.nearest_pct),
           lambda r: formats.percent(r.nearest_pct), "right", 9,
           header_tooltip="How far the nearest trigger is from the last price"),
    Column("Product", lambda r: r.gtt.orders[0].product, width_chars=6, colour=lambda _: "muted"),
    Column("Status", lambda r: r.gtt.status, width_chars=10, colour=lambda r: STATUS_ROLES.get(r.gtt.status, "warn"),
           chip=lambda r: STATUS_ROLES.get(r.gtt.status, "warn")),
    Column("Outcome", _outcome, width_chars=15, tooltip=_outcome),
    Column("Until", lambda r: seconds(r.gtt.expires_at),
           lambda r: formats.ist_day(r.gtt.expires_at) if r.gtt.expires_at else formats.DASH, width_chars=12,
           colour=lambda _: "muted"),
)  # fmt: skip


class GttPanel(BookPanel):
    """GTTs of the account. Signals: `chart_wanted(key)`, `new_wanted()`, `change_wanted(Gtt)`, `read(list of Gtt)`."""

    chart_wanted = Signal(str)
    new_wanted = Signal()
    change_wanted = Signal(object)
    read = Signal(list)

    def __init__(
        self, gtts: Gtts, desk: Desk, market: Market, edge: Edge, mode: str, parent: QWidget | None = None
    ) -> None:
        self._frames = 0
        super().__init__(edge, parent)
        self._gtts = gtts
        self._market = market
        self._mode = mode
        self._asker = Asker()
        self._rows: list[Gtt] = []
        self._read_at: datetime | None = None
        self._reading = False
        self._due = True
        self._problem = ""
        self.model: RowModel[Waiting] = RowModel(COLUMNS, key=lambda r: r.gtt.id, theme=edge.theme, parent=self)
        self.table = TableView(self.model, "", self)
        self.table.setObjectName("gtt_table")
        self.table.setAccessibleName(say("GTT orders"))
        self.table.opened.connect(lambda row: self.chart_wanted.emit(row.gtt.key))
        self.table.chosen.connect(lambda _row: self._show_buttons())
        self.table.menu_for = self._menu
        self._build()
        connect(desk.order_changed, self, self._news)
        connect(desk.positions_changed, self, self._news)
        self.destroyed.connect(lambda _gone=None: market.unwatch("gtt"))

    def _build(self) -> None:
        self.new = button(self, "New GTT…", "gtt_new", "Open a ticket for a GTT in the charted instrument (N)",
                          self.new_wanted.emit)  # fmt: skip
        self.change = button(self, "Change…", "gtt_change", "Change the selected GTT (F2)", self.change_selected)
        self.delete = button(self, "Delete…", "gtt_delete", "Delete the selected GTT (Del)", self.delete_selected)
        self.again = button(self, "Read again", "gtt_read", "Ask the broker for the list (R)", self.read_again)
        self.words = muted(self, self._edge)
        self.words.setObjectName("gtt_words")
        stack(self, self.table, self.table, self.words, self.again, self.new, self.change, self.delete)
        self._show_buttons()

    @property
    def rows(self) -> list[Gtt]:
        """The list as it was read last."""
        return list(self._rows)

    # -- reading ---------------------------------------------------------------------------------------------

    def _news(self, *_what: object) -> None:
        self._due = True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._due = True

    def read_again(self) -> None:
        """Ask the broker; while a question is on its way, once more after it."""
        self._due = self._reading
        if not self._reading:
            self._reading = True
            self._due = False
            self.mark()
            self._edge.spawn("read GTTs", self._read())

    async def _read(self) -> None:
        try:
            self._rows = sorted(await self._gtts.list(), key=lambda g: (not g.active, -g.id))
            self._problem = ""
            self._watch()
            self.read.emit(self._rows)
        except AlphaPandaError as error:
            self._problem = str(error)
        finally:
            self._read_at = self._market.now()
            self._reading = False
            self.mark()

    def _watch(self) -> None:
        """Want ticks of all that waits."""
        found = [self._market.master.by_key(gtt.key) for gtt in self._rows if gtt.active]
        self._market.watch("gtt", [i for i in found if i is not None], Mode.QUOTE)

    # -- showing ---------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        self._frames = (self._frames + 1) % STALE_EVERY_FRAMES
        if self._due and self._rested():
            self.read_again()
        ticked = self._market.take_changed("gtt")
        if self._old:
            self._old = False
            self.redraw()
        elif ticked:
            self.model.touch([self._waiting(gtt) for gtt in self._rows if gtt.instrument_token in ticked])

    def _rested(self) -> bool:
        return self._read_at is None or (self._market.now() - self._read_at).total_seconds() >= READ_EVERY_S

    def redraw(self) -> None:
        self.table.empty_text = self._problem or ("Reading…" if self._read_at is None else "No GTT orders.")
        self.model.update(map(self._waiting, self._rows))
        self.table.viewport().update()
        active = sum(gtt.active for gtt in self._rows)
        self.words.setText(say(f"{count_of(active, 'GTT')} waiting · as of {formats.ist_time(self._read_at)}"
                           + (f" · {self._problem}" if self._problem else "")))  # fmt: skip
        self._show_buttons()

    def _waiting(self, gtt: Gtt) -> Waiting:
        instrument = self._market.master.by_key(gtt.key)
        tick = self._market.latest(instrument.instrument_token) if instrument is not None else None
        last = tick.last_price if tick is not None else None
        return Waiting(gtt, last, instrument.decimals if instrument is not None else 2)

    def _show_buttons(self) -> None:
        is_active = self._active_row() is not None
        self.change.setEnabled(is_active)
        self.delete.setEnabled(is_active)
        self.again.setEnabled(not self._reading)

    def _active_row(self) -> Gtt | None:
        row = self.table.current_row()
        gtt: Gtt | None = row.gtt if row is not None else None
        return gtt if gtt is not None and gtt.active else None

    # -- changing --------------------------------------------------------------------------------------------

    def change_selected(self) -> None:
        """Ask for a ticket on the selected GTT."""
        gtt = self._active_row()
        if gtt is not None:
            self.change_wanted.emit(gtt)

    def delete_selected(self) -> None:
        """Ask whether the selected GTT shall be deleted."""
        gtt = self._active_row()
        if gtt is not None:
            self._edge.spawn(f"delete GTT {gtt.id}", self._delete(gtt))

    async def _delete(self, gtt: Gtt) -> None:
        order = gtt.orders[0]
        words = " / ".join(formats.price(value) for value in gtt.trigger_values)
        lines = [
            f"{order.transaction_type} {formats.grouped(order.quantity)} {gtt.key} at trigger {words}.",
            "What it protects is not protected by it any more.",
        ]
        title = f"Delete GTT {gtt.id}?"
        question = Question(title, lines, "Delete", self._mode, self._edge, self.window(), "KILL")
        if not await self._asker.confirmed(question):
            return
        try:
            await self._gtts.delete(gtt.id)
        finally:
            self.read_again()
        self._edge.notify(f"GTT {gtt.id} of {gtt.tradingsymbol} is deleted.", "info")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Delete:
                self.delete_selected()
            case Qt.Key.Key_F2:
                self.change_selected()
            case Qt.Key.Key_N:
                self.new_wanted.emit()
            case Qt.Key.Key_R:
                self.read_again()
            case _:
                super().keyPressEvent(event)

    def _menu(self, row: Waiting) -> list[QAction]:
        actions = [action("Show chart\tEnter", lambda: self.chart_wanted.emit(row.gtt.key))]
        if row.gtt.active:
            actions.append(action("Change…\tF2", lambda: self.change_wanted.emit(row.gtt)))
            actions.append(action("Delete…\tDel", self.delete_selected))
        return actions
