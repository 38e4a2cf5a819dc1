"""Positions at the latest prices: result before and after charges, the difference to Kite's figure, and ways out.

Object names for the tour: `positions_table`, `position_exit`, `position_exit_strategy`, `position_exit_all`,
`position_convert`, `positions_sum`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final, get_args

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QMenu, QWidget

from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.portfolio import Portfolio
from alphapanda_desktop.domain.positions import Position, to_close
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.exits import Account, OfPlace, OfRun, Owner, Stake, get_out
from alphapanda_desktop.trading.ledger import Ledger
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import BookPanel, action, button, muted, result_role, stack
from alphapanda_desktop.ui.convert import ConvertDialog
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.plain import Marked
from alphapanda_desktop.ui.question import Asker, Question
from alphapanda_desktop.ui.runcard import count_of
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

STALE_EVERY_FRAMES: Final = 30
PENNY: Final = 0.005
"""A difference below half a paisa is rounding."""


@dataclass(frozen=True, slots=True)
class Held:
    """One position at its latest price; money in rupees, None where it cannot be known."""

    position: Position
    last: float
    decimals: int
    stale: bool
    pnl: float | None
    charges: float | None
    net: float | None
    difference: float | None

    @property
    def old(self) -> bool:
        """Whether its result hangs on a price that is old."""
        return self.stale and self.position.quantity != 0


def _result_role(held: Held, value: float | None) -> Role:
    return "muted" if held.old else result_role(value)


def _last_tip(held: Held) -> str:
    return "This price is old: no tick has come lately." if held.old else ""


def _difference_words(held: Held) -> str:
    if held.difference is None:
        return formats.DASH
    return "0.00" if abs(held.difference) < PENNY else formats.signed(held.difference)


COLUMNS: Final[tuple[Column[Held], ...]] = (
    Column("Symbol", lambda h: h.position.tradingsymbol, width_chars=20, tooltip=lambda h: h.position.key,
           elide="middle"),
    Column("Product", lambda h: h.position.product, width_chars=6, colour=lambda _: "muted"),
    Column("Qty", lambda h: h.position.quantity, lambda h: formats.signed(h.position.quantity, 0), "right", 9,
           colour=lambda h: "buy" if h.position.quantity > 0 else "sell" if h.position.quantity else "muted",
           tooltip=lambda h: f"bought {formats.grouped(h.position.buy_quantity)}, "
                             f"sold {formats.grouped(h.position.sell_quantity)}, "
                             f"carried {formats.signed(h.position.overnight_quantity, 0)}"),
    Column("Avg", lambda h: h.position.average_price, lambda h: formats.price(h.position.average_price, h.decimals),
           "right", 11),
    Column("Last", lambda h: h.last, lambda h: formats.price(h.last, h.decimals), "right", 11,
           colour=lambda h: "muted" if h.stale else None, tooltip=_last_tip),
    Column("P&L", lambda h: h.pnl, lambda h: formats.known_signed(h.pnl), "right", 13,
           colour=lambda h: _result_role(h, h.pnl), tooltip=_last_tip,
           header_tooltip="At the latest price, realised and open together, before charges"),
    Column("Charges", lambda h: h.charges, lambda h: formats.DASH if h.charges is None else
           formats.grouped(h.charges, 2), "right", 10, colour=lambda h: "muted" if h.charges is None else None,
           header_tooltip="Brokerage and taxes of today's trades in it"),
    Column("Net P&L", lambda h: h.net, lambda h: formats.known_signed(h.net), "right", 13,
           colour=lambda h: _result_role(h, h.net), tooltip=_last_tip, header_tooltip="After charges"),
    Column("Off Kite", lambda h: h.difference, _difference_words, "right", 10,
           colour=lambda h: "warn" if h.difference is not None and abs(h.difference) >= PENNY else "muted",
           header_tooltip="Our result less Kite's own `pnl` at Kite's price; a dash where Kite gave none"),
    Column("Exchange", lambda h: h.position.exchange, width_chars=6, colour=lambda _: "muted"),
)  # fmt: skip


def _stake_words(stake: Stake) -> str:
    return f"{stake.side} {formats.grouped(abs(stake.quantity))} {stake.where[1]} {stake.where[2]}"


class PositionsPanel(BookPanel):
    """Positions at the latest prices. Signals: `order_wanted(Instrument, side, quantity, product)`,
    `chart_wanted(key)`.

    Without a `runner` nothing is closed by strategy; without a `portfolio` nothing is converted.
    """

    order_wanted = Signal(object, str, int, str)
    chart_wanted = Signal(str)

    def __init__(
        self,
        desk: Desk,
        market: Market,
        edge: Edge,
        mode: str = "practice",
        parent: QWidget | None = None,
        *,
        ledger: Ledger | None = None,
        runner: Runner | None = None,
        portfolio: Portfolio | None = None,
    ) -> None:
        self._frames = 0
        super().__init__(edge, parent)
        self._desk = desk
        self._market = market
        self._mode = mode
        self._asker = Asker()
        self._ledger = ledger
        self._runner = runner
        self._portfolio = portfolio
        self.model: RowModel[Held] = RowModel(COLUMNS, key=lambda h: h.position.id, theme=edge.theme, parent=self)
        self.table = TableView(self.model, "No positions today.", self)
        self.table.setObjectName("positions_table")
        self.table.setAccessibleName(say("Positions"))
        self.table.opened.connect(lambda held: self.chart_wanted.emit(held.position.key))
        self.table.chosen.connect(lambda _held: self._show_buttons())
        self.table.menu_for = self._menu
        self._build()
        connect(desk.positions_changed, self, self.mark)
        connect(desk.positions_changed, self, self._watch)
        self.destroyed.connect(lambda _gone=None: market.unwatch("positions"))
        self._watch()

    def _build(self) -> None:
        self.exit = button(
            self, "Exit position…", "position_exit",
            "Close the selected position: by a ticket, or at the market once the orders in it are cancelled (Del)",
            self.exit_selected,
        )  # fmt: skip
        self.convert = button(
            self, "Convert…", "position_convert", "Move the selected position to another product (C)", self.ask_convert
        )
        self.exit_strategy = button(
            self, "Exit strategy…", "position_exit_strategy", "Close all that one strategy run holds",
            self.open_strategy_menu,
        )  # fmt: skip
        self.exit_all = button(
            self, "Exit all…", "position_exit_all", "Cancel what works and close every position (Shift+Del)",
            self.ask_exit_all,
        )  # fmt: skip
        self.convert.setVisible(self._portfolio is not None)
        self.exit_strategy.setVisible(self._runner is not None)
        self.sum = muted(self, self._edge, Marked)
        self.sum.setObjectName("positions_sum")
        stack(self, self.table, self.table, self.sum, self.convert, self.exit, self.exit_strategy, self.exit_all)
        self._show_buttons()

    # -- what is shown ---------------------------------------------------------------------------------------

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
            self.redraw()
        elif ticked:
            shown = self._desk.positions()
            self.model.touch([self._held(p) for p in shown if p.instrument_token in ticked])
            self._show_sum()

    def redraw(self) -> None:
        rows = sorted(self._desk.positions(), key=lambda p: p.quantity == 0)
        self.model.update(map(self._held, rows))
        self._show_buttons()
        self._show_sum()

    def _held(self, position: Position) -> Held:
        instrument = self._market.master.by_key(position.key)
        last = self._desk.price_of(position)
        result = self._ledger.of_position(position, {position.key: last}.get) if self._ledger is not None else None
        return Held(
            position,
            last,
            instrument.decimals if instrument is not None else 2,
            self._market.stale(position.instrument_token),
            result.gross if result is not None else position.pnl_at(last),
            result.charges if result is not None else None,
            result.net if result is not None else None,
            self._ledger.difference(position) if self._ledger is not None else None,
        )

    def _show_sum(self) -> None:
        rows = self._desk.positions()
        if self._desk.books.positions_at is None:
            self.sum.setText(say("P&L unknown: positions have not been read yet"))
            return
        words = f"{sum(p.quantity != 0 for p in rows)} open of {len(rows)}"
        if self._ledger is None:
            self.sum.setText(say(f"{words} · total P&L {self._coloured(self._desk.pnl())} before charges"))
            return
        whole = self._ledger.account(rows, {row.key: self._desk.price_of(row) for row in rows}.get)
        self.sum.setText(
            say(
                f"{words} · P&L {self._coloured(whole.gross)} · charges {formats.rupees(whole.charges)} · "
                f"net {self._coloured(whole.net)}{self._off_kite(rows)}"
            )
        )

    def _off_kite(self, rows: list[Position]) -> str:
        """How far our results are from Kite's own, summed without their signs; nothing while they agree."""
        assert self._ledger is not None
        known = [d for d in map(self._ledger.difference, rows) if d is not None]
        off = sum(map(abs, known))
        colour = self._edge.theme.warn
        return f" · <span style='color:{colour}'>{formats.rupees(off)} off Kite's</span>" if off >= PENNY else ""

    def _coloured(self, value: float | None) -> str:
        colour = getattr(self._edge.theme, result_role(value))
        return f"<b style='color:{colour}'>{formats.known_result(value)}</b>"

    def _show_buttons(self) -> None:
        held = self.table.current_row()
        is_open = held is not None and held.position.quantity != 0
        self.exit.setEnabled(is_open)
        self.convert.setEnabled(is_open and self._portfolio is not None)
        self.exit_all.setEnabled(any(p.quantity for p in self._desk.positions()))
        self.exit_strategy.setEnabled(bool(self._owners()))

    # -- out of one ------------------------------------------------------------------------------------------

    def exit_selected(self) -> None:
        """Ask for a ticket that closes the selected position, or to cancel what works in it and then close it."""
        held = self.table.current_row()
        if held is not None:
            self._ask_exit(held.position)

    def _now(self, shown: Position) -> Position:
        """The position as the desk knows it: its row, or a menu over it, may be older."""
        return next((one for one in self._desk.positions() if one.id == shown.id), shown)

    def _ask_exit(self, shown: Position) -> None:
        position = self._now(shown)
        instrument = self._market.master.by_key(position.key)
        if instrument is None:
            self._edge.notify(f"{position.key} is not in today's instrument list; close it at Kite.", "warning")
        elif position.product not in get_args(Product):
            words = f"{position.tradingsymbol} {position.product} is closed by cancelling its second leg."
            self._edge.notify(words, "warning")
        elif position.quantity and not to_close(position.product, position.quantity):
            words = f"{-position.quantity} {position.tradingsymbol} {position.product} were sold from the demat account"
            self._edge.notify(f"{words}: nothing is open there to be closed.", "warning")
        elif position.quantity:
            owner = OfPlace(self._desk, position.id)
            if owner.stakes() and owner.working():  # beside a stop a ticket could close it twice, or is refused
                self._ask_out(owner)
                return
            side = "SELL" if position.quantity > 0 else "BUY"
            self.order_wanted.emit(instrument, side, abs(position.quantity), position.product)

    # -- out of many -----------------------------------------------------------------------------------------

    def _owners(self) -> list[OfRun]:
        runs = self._runner.runs if self._runner is not None else []
        return [owner for owner in (OfRun(self._desk, run) for run in runs) if owner.stakes()]

    def open_strategy_menu(self) -> QMenu:
        """Show the strategy runs that hold something; choosing one asks before anything is sent."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for owner in self._owners():
            words = ", ".join(map(_stake_words, owner.stakes()))
            entry = menu.addAction(f"{owner.name}: {words}")
            entry.triggered.connect(partial(self._ask_out, owner))
        menu.popup(self.exit_strategy.mapToGlobal(self.exit_strategy.rect().topLeft()))
        return menu

    def ask_exit_all(self) -> None:
        """Ask whether every position shall be closed."""
        self._ask_out(Account(self._desk))

    def _ask_out(self, owner: Owner, _checked: bool = False) -> None:
        if owner.stakes():
            self._edge.spawn(f"exit {owner.name}", self._get_out(owner))

    async def _get_out(self, owner: Owner) -> None:
        working, stakes = owner.working(), owner.stakes()
        lines = [f"{count_of(len(working), 'working order')} cancelled first." if working else "No order works in it."]
        lines += [f"{_stake_words(stake)} at the market" for stake in stakes]
        lines += [owner.note] if owner.note else []
        yes = f"Close {count_of(len(stakes), 'position')}"
        question = Question(f"Exit {owner.name}?", lines, yes, self._mode, self._edge, self.window(), "KILL")
        if not await self._asker.confirmed(question):
            return
        outcome = await get_out(self._desk, owner, self._market.master.by_key, self._desk.submit_sliced)
        gone = f" {count_of(len(outcome.deleted), 'GTT')} of it deleted." if outcome.deleted else ""
        self._edge.notify(f"Exit of {owner.name}: {count_of(len(outcome.sent), 'order')} sent.{gone}", "info")
        for text in outcome.problems:
            self._edge.notify(text, "danger")

    # -- conversion ------------------------------------------------------------------------------------------

    def ask_convert(self) -> None:
        """Ask to which product the selected position shall be moved, and how much of it."""
        held = self.table.current_row()
        if held is not None and held.position.quantity and self._portfolio is not None:
            self._edge.spawn("convert", self._convert(self._now(held.position), self._portfolio))

    async def _convert(self, position: Position, portfolio: Portfolio) -> None:
        dialog = ConvertDialog(position, self._mode, self._edge, self.window(), self._desk.guards(position.id))
        if not await self._asker.confirmed(dialog):
            return
        quantity, product = dialog.quantity.value(), dialog.product_wanted()
        try:
            await portfolio.convert(position, quantity, product)
        finally:
            await self._desk.reconcile("position converted", quiet=True)
        self._edge.notify(f"Converted {formats.grouped(quantity)} {position.tradingsymbol} to {product}.", "info")

    # -- keys ------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        shifted = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        match event.key():
            case Qt.Key.Key_Delete if shifted:
                self.ask_exit_all()
            case Qt.Key.Key_Delete:
                self.exit_selected()
            case Qt.Key.Key_C:
                self.ask_convert()
            case _:
                super().keyPressEvent(event)

    def _menu(self, held: Held) -> list[QAction]:
        position = held.position
        actions = [action("Show chart\tEnter", lambda: self.chart_wanted.emit(position.key))]
        if position.quantity:
            actions.append(action("Exit position…\tDel", lambda: self._ask_exit(position)))
            if self._portfolio is not None:
                actions.append(action("Convert…\tC", self.ask_convert))
        return actions
