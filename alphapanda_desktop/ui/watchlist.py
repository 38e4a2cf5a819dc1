"""The instruments a trader watches: search and add, live prices, how old each one is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.quotemodel import COLUMNS, Quote, QuoteMarket, QuoteModel
from alphapanda_desktop.ui.quotetable import QuoteTable
from alphapanda_desktop.ui.search import SearchBox
from alphapanda_desktop.ui.words import say

__all__ = ["COLUMNS", "WatchMarket", "Watchlist"]


class WatchMarket(QuoteMarket, Protocol):
    """What a watchlist asks of the market; trading.market.Market is one."""

    master: InstrumentMaster

    def watch(self, owner: str, instruments: Iterable[Instrument], mode: Mode) -> None: ...

    def unwatch(self, owner: str) -> None: ...


class Watchlist(QWidget):
    """Search field over a table of watched instruments.

    Signals: `chosen(Instrument)`, `order_wanted(Instrument, side)`. `on_change` is handed the list of keys
    ("NSE:INFY") whenever it changes, so that it can be kept.
    """

    chosen = Signal(object)
    order_wanted = Signal(object, str)

    def __init__(
        self,
        edge: Edge,
        market: WatchMarket,
        on_change: Callable[[list[str]], None],
        keys: Sequence[str] = (),
        parent: QWidget | None = None,
        name: str = "watchlist",
    ) -> None:
        super().__init__(parent)
        self._edge = edge
        self._market = market
        self._on_change = on_change
        self._name = name
        self._instruments: dict[int, Instrument] = {}
        self._build()
        self._restore(keys)
        edge.frames.add(self, self._frame)
        self.destroyed.connect(_leaver(market, name))

    def _build(self) -> None:
        self.search = SearchBox(self._market.master, self._edge.theme, self, chips=True)
        self.search.picked.connect(self.add)
        self.filter = QLineEdit(self)
        self.filter.setPlaceholderText(say("Show only rows with these words"))
        self.filter.setClearButtonEnabled(True)
        self.filter.setAccessibleName(say("Filter the watchlist"))
        self.filter.hide()
        self.model = QuoteModel(self._market, self._name, self._edge.theme, self)
        self.table = QuoteTable(
            self.model, "Nothing is watched yet. Type a name above, for example INFY or NIFTY.", self
        )
        self.model.visible = self.table.places_in_sight
        self.filter.textChanged.connect(self._filter)
        self.table.chosen.connect(lambda quote: self.chosen.emit(quote.instrument))
        self.table.opened.connect(lambda quote: self.chosen.emit(quote.instrument))
        self.table.menu_for = self._menu
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.search)
        whole.addWidget(self.filter)
        whole.addWidget(self.table, 1)
        self.setFocusProxy(self.table)
        self.setObjectName(self._name)
        self.table.setAccessibleName(say("Watchlist"))
        self.search.setAccessibleName(say("Search instruments"))

    def load(self, keys: Iterable[str]) -> list[str]:
        """Watch exactly these; the keys that today's master does not have."""
        found = {key: self._market.master.by_key(key) for key in keys}
        self._instruments = {i.instrument_token: i for i in found.values() if i is not None}
        self._show_all()
        return [key for key, instrument in found.items() if instrument is None]

    def _restore(self, keys: Sequence[str]) -> None:
        missing = self.load(keys)
        if missing:
            self._edge.notify(
                f"No longer in today's instrument list, taken off the watchlist: {', '.join(missing)}.", "info"
            )
            self._on_change(self.keys())

    # --- the list

    def keys(self) -> list[str]:
        """Keys of the watched instruments, in the order they were added."""
        return [instrument.key for instrument in self._instruments.values()]

    def instruments(self) -> list[Instrument]:
        """Watched instruments, in the order they were added."""
        return list(self._instruments.values())

    def add(self, instrument: Instrument) -> None:
        """Watch it and select it; one that is watched already is selected."""
        if instrument.instrument_token not in self._instruments:
            self._instruments[instrument.instrument_token] = instrument
            self._show_all()
            self._on_change(self.keys())
        self.select(instrument)

    def remove(self, instrument: Instrument) -> None:
        """Watch it no longer; the row that becomes current is not taken for a choice."""
        if self._instruments.pop(instrument.instrument_token, None) is not None:
            with QSignalBlocker(self.table):
                self._show_all()
            self._on_change(self.keys())

    def select(self, instrument: Instrument) -> None:
        """Make it the current row."""
        place = self.model.place(instrument.instrument_token)
        if place is not None:
            self.table.setCurrentIndex(self.model.index(place, 0))
            self.table.setFocus()

    def current(self) -> Instrument | None:
        """The current row's instrument, or None."""
        quote = self.table.current_row()
        return quote.instrument if quote is not None else None

    def shown(self) -> Iterable[Instrument]:
        """Those of the watched instruments that have a row, filter aside."""
        return self._instruments.values()

    def _show_all(self) -> None:
        try:
            self._market.watch(self._name, self._instruments.values(), Mode.FULL)
        except AlphaPandaError as error:  # more than the feed takes: what has no tick says so in its row
            self._edge.notify(str(error), "warning")
        self._show_rows()

    def _show_rows(self) -> None:
        current = self.current()
        self.model.show(self.shown())
        self._choose_again(current)

    def _filter(self, text: str) -> None:
        current = self.current()
        self.model.set_filter(text)
        self._choose_again(current)

    def _choose_again(self, instrument: Instrument | None) -> None:
        """Keep the current row where the rows were laid out anew; that is no new choice."""
        place = self.model.place(instrument.instrument_token) if instrument is not None else None
        if place is not None and self.current() != instrument:
            with QSignalBlocker(self.table):
                self.table.setCurrentIndex(self.model.index(place, 0))

    # --- once a frame

    def _frame(self) -> None:
        self.model.refresh()

    # --- keys and menu

    def keyPressEvent(self, event: QKeyEvent) -> None:
        instrument = self.current()
        sides: dict[str, Side] = {"b": "BUY", "s": "SELL"}
        side = sides.get(event.text().lower())
        if event.text() == "/":
            self.search.setFocus()
        elif event.text().lower() == "f":
            self.filter.show()
            self.filter.setFocus()
        elif event.key() == Qt.Key.Key_Escape and self.filter.isVisible():
            self.filter.clear()
            self.filter.hide()
            self.table.setFocus()
        elif instrument is not None and side is not None and instrument.tradable:
            self.order_wanted.emit(instrument, side)
        elif instrument is not None and event.key() == Qt.Key.Key_Delete:
            self.remove(instrument)
        else:
            super().keyPressEvent(event)

    def _menu(self, quote: Quote) -> list[QAction]:
        instrument = quote.instrument
        commands: list[tuple[str, Callable[[], None]]] = [("Show chart", lambda: self.chosen.emit(instrument))]
        if instrument.tradable:
            commands += [
                ("Buy…\tB", lambda: self.order_wanted.emit(instrument, "BUY")),
                ("Sell…\tS", lambda: self.order_wanted.emit(instrument, "SELL")),
            ]
        commands.append(("Remove\tDel", lambda: self.remove(instrument)))
        return [self._action(text, command) for text, command in commands]

    def _action(self, text: str, command: Callable[[], None]) -> QAction:
        action = QAction(say(text))
        action.triggered.connect(command)
        return action


def _leaver(market: WatchMarket, name: str) -> Callable[..., None]:
    return lambda _gone=None: market.unwatch(name)
