"""The panels of an open desk: watchlist, chart, strategies, books, log, and how they speak to one another."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.watchlists import WatchedList
from alphapanda_desktop.ui.alertdesk import AlertDesk
from alphapanda_desktop.ui.books import OrdersPanel
from alphapanda_desktop.ui.chart.items import Marker
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.charts import Charts, Pane
from alphapanda_desktop.ui.charttools import forget_menus
from alphapanda_desktop.ui.columns import FittedColumns
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.funds import FundsPanel
from alphapanda_desktop.ui.gtt import GttPanel
from alphapanda_desktop.ui.holdings import HoldingsPanel
from alphapanda_desktop.ui.logpanel import LogPanel
from alphapanda_desktop.ui.marketdesk import MarketDesk
from alphapanda_desktop.ui.positions import PositionsPanel
from alphapanda_desktop.ui.strategies import StrategiesPanel
from alphapanda_desktop.ui.ticket import Ticket
from alphapanda_desktop.ui.timeline import Picture
from alphapanda_desktop.ui.trades import TradesPanel
from alphapanda_desktop.ui.watchtabs import FIRST, WatchTabs

if TYPE_CHECKING:
    from alphapanda_desktop.ui.docks import Dock
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow


class DeskView:
    """Builds the panels into the window's docks, in the steps of `build`; owned by the window."""

    def __init__(self, window: MainWindow, parts: DeskParts, edge: Edge) -> None:
        self._window = window
        self._parts = parts
        self._edge = edge
        self.docks: list[Dock] = []

    def build(self) -> Iterator[None]:
        """Make everything, a panel a step: together they would hold the loop for a fifth of a second."""
        yield from self._make()
        yield from self._dock(self._window)
        self._connect()
        yield
        self._choose_first()

    def leave(self) -> None:
        """Take all of it out of the window: another desk is opened in its place."""
        window = self._window
        self.charts.close_all()
        window.dockyard().clear()
        window.centre.removeWidget(self.chart)
        self.chart.deleteLater()
        self.ticket.deleteLater()

    def _make(self) -> Iterator[None]:
        window, parts, edge = self._window, self._parts, self._edge
        self.chart = ChartView(edge, parts.market, window.centre)
        yield
        kept, shown = parts.watch_lists
        self.watchlist = WatchTabs(
            edge, parts.market, self._watch_changed, kept or [WatchedList(name=FIRST, keys=tuple(parts.watch_keys))],
            shown, window, folder=Path(parts.database).parent / "watchlists",
        )  # fmt: skip
        yield
        self.market = MarketDesk(window, parts, self.watchlist, edge)
        yield
        self.strategies = StrategiesPanel(
            parts.runner, parts.market, parts.desk, edge, mode=parts.mode, files=parts.files
        )
        yield
        self.positions = PositionsPanel(
            parts.desk, parts.market, edge, parts.mode,
            ledger=parts.desk.ledger, runner=parts.runner, portfolio=parts.portfolio,
        )  # fmt: skip
        yield
        self.orders = OrdersPanel(
            parts.desk, edge, parts.market.now, history=self._history if parts.why is not None else None
        )
        yield
        self.trades = TradesPanel(parts.desk, parts.market, edge, ledger=parts.desk.ledger)
        self.funds = FundsPanel(parts.desk, edge)
        self.holdings = HoldingsPanel(parts.portfolio, parts.market, edge) if parts.portfolio is not None else None
        self.gtts = GttPanel(parts.gtts, parts.desk, parts.market, edge, parts.mode) if parts.gtts is not None else None
        yield
        self.log = LogPanel(edge, parts.market.now)
        self.alerts = AlertDesk(window, parts, parts.alerts, edge) if parts.alerts is not None else None
        self.ticket = Ticket(
            parts.desk, parts.market, parts.arming, parts.mode, edge, window,
            gtts=parts.gtts, calculator=parts.calculator, ask_first=parts.mode not in window.remembered.unasked,
        )  # fmt: skip
        window.deck.keep_over(self.ticket)
        forget_menus(window)
        self.charts = Charts(window, self.chart, parts, edge)
        self.lines, self.tools = self.charts.main.lines, self.charts.main.tools
        self._keys_of: dict[OrdersPanel | TradesPanel | PositionsPanel, Callable[[Any], str]] = {
            self.orders: lambda order: order.key,
            self.trades: lambda fill: fill.key,
            self.positions: lambda held: held.position.key,
        }
        yield

    def _dock(self, window: MainWindow) -> Iterator[None]:
        left, right = Qt.DockWidgetArea.LeftDockWidgetArea, Qt.DockWidgetArea.RightDockWidgetArea
        below = Qt.DockWidgetArea.BottomDockWidgetArea
        panels = (("watchlist", "Watchlist", self.watchlist, left),
                  ("strategies", "Strategies", self.strategies, right),
                  ("positions", "Positions", self.positions, below), ("orders", "Orders", self.orders, below),
                  ("trades", "Trades", self.trades, below), ("gtt", "GTT", self.gtts, below),
                  ("holdings", "Holdings", self.holdings, below), ("funds", "Funds", self.funds, below),
                  ("log", "Log", self.log, below), ("options", "Options", self.market.chain, below),
                  ("alerts", "Alerts", self.alerts.panel if self.alerts is not None else None, below),
                  ("ladder", "Depth", self.market.ladder, left))  # fmt: skip
        for name, title, panel, side in panels:
            if panel is not None:
                self.docks.append(window.dock(name, title, panel, side))
                yield
        self._fit_columns()
        yield

    def _fit_columns(self) -> None:
        """No column of these tables hides behind a scroll bar in a window of the usual size."""
        if self.holdings is not None:
            FittedColumns(self.holdings.table, ("T1", "Pledged", "Today %", "Sellable"), "ISIN")
        if self.gtts is not None:
            FittedColumns(self.gtts.table, ("Until", "Product", "Kind", "Last"), "Outcome")

    def _connect(self) -> None:
        desk = self._parts.desk
        self.ticket.ask_first.toggled.connect(partial(self._window.remember, "ask_first"))
        self.watchlist.chosen.connect(self._choose_by_colour)
        self.charts.opened.connect(self._take_chart)
        self._take_chart(self.charts.main)
        self.watchlist.order_wanted.connect(self.ticket.open_for)
        self.market.connect(self.choose, self.ticket.open_for)
        self.positions.order_wanted.connect(self.ticket.open_for)
        self.orders.chart_wanted.connect(self._choose_key)
        self.positions.chart_wanted.connect(self._choose_key)
        self.orders.offer_changes(self.ticket.open_to_change)
        self.trades.chart_wanted.connect(self._choose_key)
        if self._parts.why is not None:
            self._offer_why()
        if self.holdings is not None:
            self.holdings.order_wanted.connect(self.ticket.open_for)
            self.holdings.chart_wanted.connect(self._choose_key)
        if self.gtts is not None:
            self.gtts.chart_wanted.connect(self._choose_key)
            self.gtts.read.connect(self.charts.take_gtts)
            self.gtts.new_wanted.connect(self._open_new_gtt)
            self.gtts.change_wanted.connect(self.ticket.open_to_change_gtt)
            self.ticket.gtt_sent.connect(self.gtts.read_again)
        if self.alerts is not None:
            self.alerts.panel.chart_wanted.connect(self._choose_key)
        connect(desk.filled, self.chart, lambda _fill, _run: self._mark_fills())

    async def _history(self, name: str) -> Sequence[Picture]:
        """Every picture that the journal has of an order."""
        assert self._parts.why is not None
        return (await self._parts.why(name)).pictures

    def _offer_why(self) -> None:
        for panel in (self.orders, self.trades):
            panel.why_wanted.connect(self._window.show_why)
            panel.offer_why()

    def _open_new_gtt(self) -> None:
        instrument = self.chart.instrument
        if instrument is not None:
            self.ticket.open_for(instrument, "SELL", variety="gtt")

    def _choose_first(self) -> None:
        master = self._parts.market.master
        for key in (self._parts.chart_key, *self._tradable_first()):
            instrument = master.by_key(key) if key else None
            if instrument is not None:
                self.choose(instrument)
                return

    def _tradable_first(self) -> list[str]:
        by_key = self._parts.market.master.by_key
        return sorted(self._parts.watch_keys, key=lambda key: not (i := by_key(key)) or not i.tradable)

    def choose(self, instrument: Instrument) -> None:
        """Show an instrument on the chart, and on those of its colour, and offer it to the next strategy."""
        self.charts.show(instrument)
        self._follow(instrument)
        self._window.remember("chart_key", instrument.key)

    def _choose_by_colour(self, instrument: Instrument) -> None:
        """What is chosen in the watchlist goes to the charts of its colour."""
        link = self.charts.watchlist.link
        if link and link == self.charts.main.link:
            self.choose(instrument)
        else:
            self.charts.show_linked(instrument, link)
            self._follow(instrument)

    def _take_chart(self, pane: Pane) -> None:
        self.watchlist.carry.onto(pane.chart, lambda quote, _at: self._put_on(pane, quote.instrument))
        pane.chart.instrument_changed.connect(self._mark_fills)
        self._mark_fills()

    def _put_on(self, pane: Pane, instrument: Instrument) -> None:
        """What is carried onto a chart is shown by it and by those of its colour."""
        if pane is self.charts.main or (pane.link and pane.link == self.charts.main.link):
            self.choose(instrument)
        else:
            self.charts.put_on(pane, instrument)

    def _follow(self, instrument: Instrument) -> None:
        self.strategies.set_default_instrument(instrument)
        self.market.show_instrument(instrument)

    def _choose_key(self, key: str) -> None:
        instrument = self._parts.market.master.by_key(key)
        if instrument is not None:
            self.choose(instrument)

    def _watch_changed(self, lists: tuple[WatchedList, ...], shown: int) -> None:
        self._window.remember("watch_lists", (lists, shown))

    def order_here(self, side: str) -> None:
        """A ticket for what is selected in the panel that has the keyboard, else for what is on the chart."""
        instrument = self._selected() or self.charts.active.chart.instrument or self.chart.instrument
        if instrument is not None:
            if QApplication.activeWindow() in self._window.dockyard().windows():
                self._window.come_forward()  # the ticket lies over the main window
            self.ticket.open_for(instrument, side)

    def _selected(self) -> Instrument | None:
        focused = QApplication.focusWidget() or self._window.focusWidget()
        if focused is None or self.watchlist.isAncestorOf(focused):
            return self.watchlist.current()
        for panel, key_of in self._keys_of.items():
            row = panel.table.current_row() if panel.isAncestorOf(focused) else None
            if row is not None:
                return self._parts.market.master.by_key(key_of(row))
        return None

    def search(self) -> None:
        """The keyboard to the search field of the watchlist."""
        self.watchlist.search.setFocus()

    def next_line(self) -> None:
        """The keyboard to the chart that had it last, and there to the next order line."""
        chart = self.charts.active.chart
        chart.setFocus()
        chart.plot.grip.key(Qt.Key.Key_L.value)

    def _mark_fills(self) -> None:
        fills = self._parts.desk.fills()
        for pane in self.charts:
            if pane.chart.instrument is not None:
                key = pane.chart.instrument.key
                pane.chart.set_markers([self._marker(fill) for fill in fills if fill.key == key])

    def _marker(self, fill: Fill) -> Marker:
        at_s = fill.fill_timestamp.timestamp() if fill.fill_timestamp else 0.0
        order = self._parts.desk.books.book.get(fill.order_id)
        who = self._parts.desk.by_whom(order) if order else ""
        text = f"{fill.transaction_type} {fill.quantity} @ {fill.average_price:.2f} {who}"
        return Marker(at_s=at_s, price=fill.average_price, side=fill.transaction_type, text=text)

    def show_tab(self, name: str) -> None:
        """Bring one of the tabbed panels to the front: its dock's name without "dock_", as "orders" or "gtt"."""
        for dock in self.docks:
            if dock.objectName() == f"dock_{name}":
                dock.raise_()
