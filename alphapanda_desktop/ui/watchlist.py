"""The instruments a trader watches: search and add, live prices, how old each one is."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import DepthLevel, Mode, Tick
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.search import SearchBox
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role

FRESH_S: Final = 5.0
AGES_EVERY_S: Final = 1.0


class WatchMarket(Protocol):
    """What a watchlist asks of the market; trading.market.Market is one."""

    master: InstrumentMaster

    def watch(self, owner: str, instruments: Iterable[Instrument], mode: Mode) -> None: ...

    def unwatch(self, owner: str) -> None: ...

    def latest(self, instrument_token: int) -> Tick | None: ...

    def age_s(self, instrument_token: int) -> float | None: ...

    def stale(self, instrument_token: int) -> bool: ...

    def take_changed(self, reader: str) -> set[int]: ...


@dataclass(frozen=True, slots=True)
class Quote:
    """One row: an instrument with its latest tick, the tick's age in seconds, and whether that is too old."""

    instrument: Instrument
    tick: Tick | None = None
    age_s: float | None = None
    stale: bool = True

    @property
    def last(self) -> float | None:
        return None if self.tick is None else self.tick.last_price

    @property
    def change(self) -> float | None:
        """Against the previous close, in rupees; None where that is unknown."""
        if self.tick is None or self.tick.ohlc is None or not self.tick.ohlc.close:
            return None
        return self.tick.last_price - self.tick.ohlc.close

    @property
    def change_pct(self) -> float | None:
        return None if self.change is None or self.tick is None else self.tick.change

    @property
    def bid(self) -> float | None:
        depth = self.tick.depth if self.tick is not None else None
        return _price_of(depth.buy[0]) if depth is not None else None

    @property
    def ask(self) -> float | None:
        depth = self.tick.depth if self.tick is not None else None
        return _price_of(depth.sell[0]) if depth is not None else None

    @property
    def volume(self) -> int | None:
        return None if self.tick is None else self.tick.volume_traded


def _price_of(level: DepthLevel) -> float | None:
    return level.price if level.quantity else None


def _move(quote: Quote) -> Role:
    """Colour of a live price; an old one has none."""
    if quote.stale:
        return "muted"
    change = quote.change
    if not change:
        return "unchanged"
    return "up" if change > 0 else "down"


def _plain(quote: Quote) -> Role | None:
    return "muted" if quote.stale else None


def _change_text(quote: Quote) -> str:
    change = quote.change
    if not change:
        return formats.signed(change, quote.instrument.decimals)
    return f"{'▲' if change > 0 else '▼'} {formats.signed(change, quote.instrument.decimals)}"


def _age_role(quote: Quote) -> Role:
    if quote.stale:
        return "warn"
    return "good" if quote.age_s is not None and quote.age_s < FRESH_S else "muted"


def _age_tip(quote: Quote) -> str:
    if quote.age_s is None:
        return "No tick has come for it yet."
    said = f"Last tick {formats.age(quote.age_s)} ago" if quote.age_s >= 1 else "Ticking now"
    return f"{said}: too old to trade on." if quote.stale else f"{said}."


def _about(instrument: Instrument) -> str:
    parts = [f"{instrument.key}", instrument.name if instrument.name != instrument.tradingsymbol else ""]
    parts += [f"expires {instrument.expiry:%d %b %Y}" if instrument.expiry else ""]
    parts += [f"lot {instrument.lot_size:,}" if instrument.lot_size > 1 else "", f"tick {instrument.tick_size:g}"]
    return " · ".join(part for part in parts if part)


def _price_column(
    title: str, value: Callable[[Quote], float | None], colour: Callable[[Quote], Role | None]
) -> Column[Quote]:
    return Column(
        title,
        value=value,
        text=lambda q: formats.price(value(q), q.instrument.decimals),
        align="right",
        width_chars=9,
        colour=colour,
    )


COLUMNS: Final[tuple[Column[Quote], ...]] = (
    Column(
        "Symbol",
        value=lambda q: q.instrument.tradingsymbol,
        width_chars=16,
        elide="middle",
        tooltip=lambda q: _about(q.instrument),
    ),
    _price_column("Last", lambda q: q.last, _move),
    Column(
        "Chg %",
        value=lambda q: q.change_pct,
        text=lambda q: formats.percent(q.change_pct),
        align="right",
        width_chars=8,
        colour=_move,
    ),
    Column(
        "Age",
        value=lambda q: q.age_s,
        text=lambda q: formats.age(q.age_s),
        align="right",
        width_chars=6,
        colour=_age_role,
        chip=lambda q: "warn" if q.stale else None,
        tooltip=_age_tip,
        header_tooltip="How long ago the last tick came; framed when the price is too old to trade on",
    ),
    _price_column("Bid", lambda q: q.bid, _plain),
    _price_column("Ask", lambda q: q.ask, _plain),
    Column(
        "Volume",
        value=lambda q: q.volume,
        text=lambda q: formats.volume(q.volume),
        align="right",
        width_chars=10,
        colour=_plain,
    ),
    Column("Chg", value=lambda q: q.change, text=_change_text, align="right", width_chars=12, colour=_move),
)


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
        self._ages_at_s = 0.0
        self._build()
        self._restore(keys)
        edge.frames.add(self, self._frame)
        self.destroyed.connect(_leaver(market, name))

    def _build(self) -> None:
        self.search = SearchBox(self._market.master, self._edge.theme, self)
        self.search.picked.connect(self.add)
        self.model: RowModel[Quote] = RowModel(
            COLUMNS, key=lambda q: q.instrument.instrument_token, theme=self._edge.theme, parent=self
        )
        self.table = TableView(
            self.model, "Nothing is watched yet. Type a name above, for example INFY or NIFTY.", self
        )
        self.table.chosen.connect(lambda quote: self.chosen.emit(quote.instrument))
        self.table.opened.connect(lambda quote: self.chosen.emit(quote.instrument))
        self.table.menu_for = self._menu
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.search)
        whole.addWidget(self.table, 1)
        self.setFocusProxy(self.table)
        self.setObjectName(self._name)
        self.table.setAccessibleName("Watchlist")
        self.search.setAccessibleName("Search instruments")

    def _restore(self, keys: Sequence[str]) -> None:
        found = {key: self._market.master.by_key(key) for key in keys}
        missing = [key for key, instrument in found.items() if instrument is None]
        self._instruments = {i.instrument_token: i for i in found.values() if i is not None}
        self._show_all()
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

    def _show_all(self) -> None:
        self._market.watch(self._name, self._instruments.values(), Mode.FULL)
        self.model.update(self._quote(instrument) for instrument in self._instruments.values())

    def _quote(self, instrument: Instrument) -> Quote:
        token = instrument.instrument_token
        return Quote(instrument, self._market.latest(token), self._market.age_s(token), self._market.stale(token))

    # --- once a frame

    def _frame(self) -> None:
        now_s = time.monotonic()
        changed = self._market.take_changed(self._name)
        if now_s - self._ages_at_s >= AGES_EVERY_S:
            self._ages_at_s = now_s  # prices age, and links fall, without a tick
            changed = set(self._instruments)
        rows = (self._instruments.get(token) for token in changed)
        self.model.touch([self._quote(instrument) for instrument in rows if instrument is not None])

    # --- keys and menu

    def keyPressEvent(self, event: QKeyEvent) -> None:
        instrument = self.current()
        sides: dict[str, Side] = {"b": "BUY", "s": "SELL"}
        side = sides.get(event.text().lower())
        if event.text() == "/":
            self.search.setFocus()
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
        action = QAction(text)
        action.triggered.connect(command)
        return action


def _leaver(market: WatchMarket, name: str) -> Callable[..., None]:
    return lambda _gone=None: market.unwatch(name)
