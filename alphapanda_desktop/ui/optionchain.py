"""The option chain: calls and puts around the money with implied volatility and Greeks.

Object names: chain_table, chain_expiry, chain_reach, chain_rate, chain_words, chain_picked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from functools import partial
from typing import Final

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtGui import QAction, QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QComboBox, QHBoxLayout, QHeaderView, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.options import Strike, around, chains, underlying_of, years_left
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chainlines import Board, Line, OptionSide, basis_of, board_of
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import NumberSpin, Pick, field_looks
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.sheet import give_way
from alphapanda_desktop.ui.tables import Align, Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

OWNER: Final = "option chain"
EVERY_S: Final = 0.5
"""So often it is worked out anew while it is seen."""
USUAL_RATE: Final = 6.5
"""Per cent a year: about what a treasury bill of 91 days has paid; an assumption, to be typed over."""
LEAST_PX: Final = 44
FRAMES_TO_LAY_OUT: Final = 3
"""A table knows how far it can be scrolled only some frames after its rows were changed."""
REACHES: Final = (5, 10, 15, 25)
BEST_KNOWN: Final = "NIFTY"
NONE_YET: Final = "Choose a share, an index or a contract that has options."

SideOf = Callable[[Line], OptionSide | None]


def _call(line: Line) -> OptionSide | None:
    return line.call


def _put(line: Line) -> OptionSide | None:
    return line.put


FIELDS: Final[tuple[tuple[str, str, int, int, float, str], ...]] = (
    ("oi", "OI", 8, 0, 1, "Open interest, in units"),
    ("volume", "Volume", 8, 0, 1, "Traded today, in units"),
    ("vega", "Vega", 6, 2, 1, "Rupees for one point of volatility"),
    ("theta", "Theta", 7, 2, 1, "Rupees a calendar day"),
    ("gamma", "Gamma", 7, 5, 1, "Change of delta for one rupee of the forward"),
    ("delta", "Delta", 6, 2, 1, "Change for one rupee of the forward"),
    ("vol", "IV %", 6, 1, 100, "Implied volatility, per cent a year; a dash where no volatility explains the price"),
    ("last", "Last", 9, 2, 1, "Last traded price; the volatility is that of the middle of bid and ask"),
)
"""Field of a side, title, width, digits, factor, and what it means; from the edge to the strike."""
CENTRE: Final = len(FIELDS)


def _column(side_of: SideOf, name: str, title: str, wide: int, digits: int, factor: float, tip: str) -> Column[Line]:
    def value(line: Line) -> float | None:
        side = side_of(line)
        found = getattr(side, name) if side is not None else None
        return None if found is None else found * factor

    def text(line: Line) -> str:
        found = value(line)
        if found is None:
            return formats.DASH
        return formats.volume(found) if name in ("oi", "volume") else formats.grouped(found, digits)

    def colour(line: Line) -> Role | None:
        side = side_of(line)
        return "muted" if side is None or side.stale or name in ("oi", "volume") else None

    align: Align = "right"
    return Column(title, value, text, align, wide, colour, header_tooltip=tip)


COLUMNS: Final[tuple[Column[Line], ...]] = (
    *(_column(_call, *field) for field in FIELDS),
    Column("Strike", lambda ln: ln.strike, lambda ln: formats.grouped(ln.strike, 0 if ln.strike % 1 == 0 else 2),
           "center", 9, chip=lambda ln: "accent" if ln.at_money else None),
    *(_column(_put, *field) for field in reversed(FIELDS)),
)  # fmt: skip


class OptionChain(QWidget):
    """Follows the underlying of what is chosen, while it is seen; only the strikes shown are subscribed.

    Signals: `chosen(Instrument)`, `order_wanted(Instrument, side)`, `watch_wanted(Instrument)`.
    """

    chosen = Signal(object)
    order_wanted = Signal(object, str)
    watch_wanted = Signal(object)

    def __init__(
        self,
        market: Market,
        edge: Edge,
        parent: QWidget | None = None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(parent)
        self._market = market
        self._edge = edge
        self._now_s = monotonic_s
        self._made_s = -EVERY_S
        self._wanted: Instrument | None = None
        self._name = ""
        self._chains: dict[date, list[Strike]] = {}
        self._basis: Instrument | None = None
        self._shown: list[Strike] = []
        self._scroll_in = 0
        self.board: Board | None = None
        self._build()
        self._lay_out()
        edge.frames.add(self, self._frame)
        self.destroyed.connect(lambda _gone=None: market.unwatch(OWNER))

    def _build(self) -> None:
        self.setObjectName("optionchain")
        self.setStyleSheet(field_looks(self._edge.theme))
        self.model: RowModel[Line] = RowModel(COLUMNS, lambda line: line.strike, self._edge.theme, self)
        self.table = TableView(self.model, NONE_YET, self, tight=True)
        self.table.setObjectName("chain_table")
        self.table.setAccessibleName(say("Option chain: calls left, puts right of the strike"))
        self.table.setSortingEnabled(False)
        header = self.table.horizontalHeader()
        header.setSectionsMovable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setMinimumSectionSize(LEAST_PX)
        self.table.menu_for = self._menu
        self.table.opened.connect(lambda _line: self._choose())
        self.table.selectionModel().currentChanged.connect(self._picked_changed)
        self.title = Words(say("Options"), self)
        self.expiry = self._pick("chain_expiry", "Expiry", self._choose_expiry)
        self.reach = self._pick("chain_reach", "Strikes on each side of the money", lambda: self._centre(force=True))
        for count in REACHES:
            self.reach.addItem(say(f"± {count}"), count)
        self.reach.setCurrentIndex(1)
        self.rate = NumberSpin(self)
        self.rate.setObjectName("chain_rate")
        self.rate.setAccessibleName(say("Interest rate, per cent a year"))
        self.rate.setToolTip(say("Interest rate, per cent a year, that discounts what is paid at expiry"))
        self.rate.setRange(0.0, 25.0)
        self.rate.setDecimals(2)
        self.rate.setSingleStep(0.25)
        self.rate.setPrefix(say("rate "))
        self.rate.setSuffix(" %")
        self.rate.setValue(USUAL_RATE)
        self.rate.valueChanged.connect(lambda _value: self.show_board())
        self.words = give_way(Words("", self))
        self.words.setObjectName("chain_words")
        self.picked = Words("", self)
        self.picked.setObjectName("chain_picked")

    def _pick(self, name: str, what: str, work: Callable[[], object]) -> Pick:
        pick = Pick(self)
        pick.setObjectName(name)
        pick.setAccessibleName(say(what))
        pick.setToolTip(as_tip(say(what)))
        pick.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        pick.activated.connect(lambda _at: work())
        return pick

    def _lay_out(self) -> None:
        row = QHBoxLayout()
        row.setContentsMargins(6, 3, 6, 0)
        for widget in (self.title, self.expiry, self.reach, self.rate):
            row.addWidget(widget)
        row.addWidget(self.words, 1)
        row.addWidget(self.picked)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(3)
        whole.addLayout(row)
        whole.addWidget(self.table, 1)
        self.setFocusProxy(self.table)

    # --- which chain

    def show_instrument(self, instrument: Instrument) -> None:
        """Show the options of this one's underlying; at once if it is seen, else when it is."""
        self._wanted = instrument
        if self.isVisible():
            self._load()

    def _load(self) -> None:
        if self._wanted is None:
            return
        # The chain stays where somebody looks at something that has none; the first one is the best known.
        if not self._open_chain(underlying_of(self._wanted)) and not self._chains:
            self._open_chain(BEST_KNOWN)

    def _open_chain(self, name: str) -> bool:
        """Show the chain of an underlying, if it is not shown already; whether it has one."""
        if name == self._name:
            return bool(self._chains)
        master = self._market.master
        listed = [i for i in master if i.name == name]
        found = chains(listed, name)
        if not found and self._chains:
            return False
        self._name, self._chains, self._basis = name, found, basis_of(master, name, listed)
        self.title.setText(say(f"{name} options"))
        self.table.empty_text = f"{name} has no options in today's list." if not found else "Waiting for a price."
        self.expiry.clear()
        for day in found:
            self.expiry.addItem(say(f"{day.day} {day:%b %Y}"), day)
        self.expiry.setCurrentIndex(self._first_expiry(list(found)))
        self._choose_expiry()
        return bool(found)

    def _first_expiry(self, days: list[date]) -> int:
        """That of the chosen contract, else the first that has not ended."""
        wanted = self._wanted.expiry if self._wanted is not None else None
        if wanted in days:
            return days.index(wanted)
        now = self._market.now()
        return next((at for at, day in enumerate(days) if years_left(self._exchange(day), day, now) > 0), 0)

    def _exchange(self, day: date) -> str:
        return next((i.exchange for line in self._chains[day] for i in (line.call, line.put) if i is not None), "NFO")

    def _choose_expiry(self) -> None:
        self._shown = []
        self._centre(force=True)

    def _money(self) -> float | None:
        """Where the money is, as far as one can tell before the chain is quoted."""
        if self.board is not None and self.board.forward is not None and self._shown:
            return self.board.forward
        tick = self._market.latest(self._basis.instrument_token) if self._basis is not None else None
        if tick is not None and tick.last_price:
            return tick.last_price
        return self._basis.last_price if self._basis is not None and self._basis.last_price else None

    def _centre(self, *, force: bool = False) -> None:
        """Show the strikes around the money; not anew for every step of it."""
        chain, money = self._chains.get(self.expiry.currentData(), []), self._money()
        wanted = around(chain, money, int(self.reach.currentData())) if money is not None else []
        near = around(wanted, money, 2) if money is not None else []
        centre = self._shown[len(self._shown) // 2] if self._shown else None
        if force or centre is None or (centre not in near and wanted != self._shown):
            self._shown = wanted
            self._watch()
            self.show_board()
            self._scroll_in = FRAMES_TO_LAY_OUT

    def _scroll_to_money(self) -> None:
        """Bring the money to the middle."""
        money = self._money()
        if money is not None and self._shown:
            at = min(range(len(self._shown)), key=lambda n: abs(self._shown[n].strike - money))
            self.table.scrollTo(self.model.index(at, CENTRE), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _watch(self) -> None:
        if not self.isVisible():
            return
        sides = [i for line in self._shown for i in (line.call, line.put) if i is not None]
        try:
            self._market.watch(OWNER, [*sides, *([self._basis] if self._basis is not None else [])], Mode.FULL)
        except AlphaPandaError as error:
            self._edge.notify(f"Option chain: {error}", "warning")

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._load()
        self._watch()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._market.unwatch(OWNER)

    # --- twice a second

    def _frame(self) -> None:
        now_s = self._now_s()
        if now_s - self._made_s >= EVERY_S and self._chains:
            self._made_s = now_s
            self.show_board()
            self._centre()
        elif self._scroll_in:
            self._scroll_in -= 1
            if not self._scroll_in:
                self._scroll_to_money()

    def show_board(self) -> None:
        """Work the chain out as the market stands now."""
        tick = self._market.latest(self._basis.instrument_token) if self._basis is not None else None
        spot = tick.last_price if tick is not None and tick.last_price else None
        self.board = board = board_of(self._shown, self._market, spot, self.rate.value() / 100, self._market.now())
        self.model.update(board.lines)
        self.words.setText(say(words_of(board) if board.lines else ""))
        self.words.setToolTip(
            say(
                "Black-76 on the forward; time in calendar days of 365 to the close of the expiry day. "
                "A volatility is that of the middle of bid and ask, or of the last trade where the book is wide."
            )
        )

    # --- what is picked

    def current(self) -> Instrument | None:
        """The call where the current cell is left of the strikes, the put where it is right of them."""
        index = self.table.currentIndex()
        line = self.table.current_row()
        if line is None or index.column() == CENTRE:
            return None
        side = line.call if index.column() < CENTRE else line.put
        return side.instrument if side is not None else None

    def _picked_changed(self, _now: QModelIndex, _before: QModelIndex) -> None:
        instrument = self.current()
        self.picked.setText(instrument.tradingsymbol if instrument is not None else "")

    def _choose(self) -> None:
        instrument = self.current()
        if instrument is not None:
            self.chosen.emit(instrument)

    def _menu(self, line: Line) -> list[QAction]:
        actions: list[QAction] = []
        for side in (line.call, line.put):
            if side is not None:
                i, what = side.instrument, f"{side.instrument.strike:g} {side.instrument.instrument_type}"
                actions += [
                    self._action(f"Buy {what}…", partial(self.order_wanted.emit, i, "BUY")),
                    self._action(f"Sell {what}…", partial(self.order_wanted.emit, i, "SELL")),
                    self._action(f"Show chart of {what}", partial(self.chosen.emit, i)),
                    self._action(f"Watch {what}", partial(self.watch_wanted.emit, i)),
                ]
        return actions

    def _action(self, text: str, work: Callable[[], object]) -> QAction:
        action = QAction(say(text))
        action.triggered.connect(lambda _checked=False: work())
        return action

    def keyPressEvent(self, event: QKeyEvent) -> None:
        side = {"b": "BUY", "s": "SELL"}.get(event.text().lower())
        instrument = self.current()
        if side is not None and instrument is not None and not event.isAutoRepeat():
            self.order_wanted.emit(instrument, side)
        else:
            super().keyPressEvent(event)


def words_of(board: Board) -> str:
    """The chain in a line: forward and where it is from, time left, volatility at the money, puts over calls."""
    if board.forward is None:
        return "No forward yet: neither parity nor the underlying has a price."
    left = f"{board.years * 365:.2f} days left" if board.years else "expired: no volatility and no Greeks"
    parts = [f"Forward {formats.grouped(board.forward, 2)} by {board.basis}", left]
    parts += [f"IV at the money {board.vol_at_money * 100:.1f} %"] if board.vol_at_money else []
    parts += [f"put/call OI {board.put_call_ratio:.2f}"] if board.put_call_ratio is not None else []
    return "  ·  ".join(parts)
