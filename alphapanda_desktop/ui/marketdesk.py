"""The market watch of an open desk: the ladder and the option chain beside the watchlist, their menu and sheets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMenu

from alphapanda_desktop.domain.identity import freeze_report
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.masterchanges import MasterChanges
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.oneclick import OneClick
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.identity import IdentitySheet
from alphapanda_desktop.ui.ladder import Ladder
from alphapanda_desktop.ui.optionchain import OptionChain
from alphapanda_desktop.ui.watchimport import ImportSheet
from alphapanda_desktop.ui.watchtabs import WatchTabs
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

Choose = Callable[[Instrument], object]
Order = Callable[[Instrument, str], object]


class MarketDesk:
    """Builds the panels and ties them to the watchlist; owned by the view of the desk."""

    def __init__(self, window: MainWindow, parts: DeskParts, watchlist: WatchTabs, edge: Edge) -> None:
        self._window = window
        self._parts = parts
        self._watchlist = watchlist
        self._edge = edge
        clicks = OneClick(parts.desk, parts.market, parts.arming)
        self.ladder = Ladder(parts.desk, parts.market, clicks, parts.mode, edge, window)
        self.chain = OptionChain(parts.market, edge, window)
        self._instrument: Instrument | None = None

    def connect(self, choose: Choose, order: Order) -> None:
        """Let charts and tickets be asked for from here, and put the commands into their menu."""
        self.ladder.order_wanted.connect(order)
        self.chain.order_wanted.connect(order)
        self.chain.chosen.connect(choose)
        self.chain.watch_wanted.connect(self._watchlist.add)
        self._watchlist.identity_wanted.connect(self.show_identity)
        self._watchlist.import_wanted.connect(self.show_import)
        self._add_menu()

    def show_instrument(self, instrument: Instrument) -> None:
        """Follow what was chosen."""
        self._instrument = instrument
        self.ladder.show_instrument(instrument)
        self.chain.show_instrument(instrument)

    def _add_menu(self) -> None:
        bar = self._window.menuBar()
        menu = bar.findChild(QMenu, "market_menu")
        if menu is None:
            menu = QMenu(say("&Market"), bar)
            menu.setObjectName("market_menu")
            bar.insertMenu(bar.actions()[-1], menu)
        menu.clear()
        for words, key, work in self._watchlist.commands():
            # The list hears these keys: here they are only told.
            self._add(menu, f"{words}\t{key}" if key else words, work)
        menu.addSeparator()
        self._add(menu, "&Arm or disarm one click in the depth ladder", self.ladder.toggle)
        self._add(menu, "&Cancel all orders of the ladder's instrument", self.ladder.cancel_all)
        self._add(menu, "Identity of the instrument on the chart…", self._show_identity_here)
        self.menu = menu

    def _add(self, menu: QMenu, words: str, work: Callable[[], object]) -> None:
        menu.addAction(say(words)).triggered.connect(lambda _checked=False: work())

    # --- sheets

    def _show_identity_here(self) -> None:
        if self._instrument is not None:
            self.show_identity(self._instrument)

    def show_identity(self, instrument: Instrument) -> None:
        """What this instrument is today, checked."""
        deck = self._window.deck
        sheet = deck.find("identity_sheet")
        if not isinstance(sheet, IdentitySheet):
            sheet = IdentitySheet(self._changes, self._watched, self._today, self._edge, self._window, self._freezes)
        sheet.show_instrument(instrument)
        deck.lay(sheet)

    async def _changes(self) -> MasterChanges | None:
        return await self._parts.changes() if self._parts.changes is not None else None

    def _watched(self) -> list[str]:
        return [key for each in self._watchlist.lists for key in each.keys]

    def _freezes(self) -> str:
        master = self._parts.market.master
        return freeze_report(filter(None, map(master.by_key, self._watched())), self._today())

    def _today(self) -> date:
        return self._parts.market.now().astimezone(IST).date()

    def show_import(self) -> None:
        """A list from text or from a file."""
        deck = self._window.deck
        deck.lay(deck.find("import_sheet") or ImportSheet(self._watchlist, self._edge, self._window))
