"""The menu bar: every command in words, with its key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QMenu, QVBoxLayout

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.icons import mark
from alphapanda_desktop.ui.keys import keys_page
from alphapanda_desktop.ui.plain import Marked
from alphapanda_desktop.ui.sheet import TypedSheet, tell
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:  # behind these is what the first paint does not wait for
    from alphapanda_desktop.domain.risk import TradingState
    from alphapanda_desktop.ui.desk import DeskView
    from alphapanda_desktop.ui.desksheets import DeskSheets
    from alphapanda_desktop.ui.docks import Dock
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow
    from alphapanda_desktop.ui.shortcuts import Shortcuts


def panel_commands(view: DeskView) -> list[tuple[str, str, Callable[[], object]]]:
    """What the panels do with what is selected in them: words, key, work; without words, a line between."""
    orders, positions, gtts = view.orders, view.positions, view.gtts
    line = ("", "", lambda: None)
    commands: list[tuple[str, str, Callable[[], object]]] = [
        ("&Buy…", "B", partial(view.order_here, "BUY")),
        ("&Sell…", "S", partial(view.order_here, "SELL")),
        ("Search an &instrument", "/", view.search),
        line,
        ("C&hange the selected order…", "F2", orders.change_selected),
        ("&Cancel the selected order", "Del", orders.cancel_selected),
        ("Cancel all of its i&nstrument", "Shift+Del", orders.cancel_of_instrument),
        ("&Timeline of the selected order", "T", orders.times.toggle),
        ("&Why the selected order?", "W", orders.ask_why),
        ("Wh&y the selected trade?", "W", view.trades.ask_why),
        line,
        ("E&xit the selected position…", "Del", positions.exit_selected),
        ("Con&vert the selected position…", "C", positions.ask_convert),
        ("Exit &all positions…", "Shift+Del", positions.ask_exit_all),
        line,
        ("Next order &line on the chart", "L", view.next_line),
    ]
    if gtts is not None:
        commands += [
            line,
            ("New &GTT…", "N", gtts.new_wanted.emit),
            ("Chan&ge the selected GTT…", "F2", gtts.change_selected),
            ("&Delete the selected GTT…", "Del", gtts.delete_selected),
        ]
    return commands


def _show_dock(dock: Dock) -> None:
    dock.raise_()
    dock.widget().setFocus()


class Menus:
    """Builds the menus; those of the desk appear once there is one."""

    def __init__(self, window: MainWindow, edge: Edge) -> None:
        self._window = window
        self._edge = edge
        self._parts: DeskParts | None = None
        self._sheets: DeskSheets | None = None
        self._panels: list[QAction] = []
        self.updates = ""
        """What About says of newer versions."""
        bar = window.menuBar()
        file = bar.addMenu(say("&File"))
        self._add(file, "Open a &recorded day…", window.ask_recording, "Ctrl+O")
        self.log_out = self._add(file, "&Log out of Kite", self._log_out)
        self.log_out.setEnabled(False)
        self._add(file, "&Settings…", self._show_settings, "Ctrl+,")
        self._add(file, "&Profiles…", self.show_profiles, "Ctrl+Shift+O")
        self._add(file, "&Close AlphaPanda", window.ask_to_close, "Ctrl+Q")
        self._view = bar.addMenu(say("&View"))
        self._add(self._view, "&Dark colours", partial(window.set_theme, "dark"))
        self._add(self._view, "&Light colours", partial(window.set_theme, "light"))
        self._add(self._view, "&Green rises, red falls", partial(window.set_theme, pair="green and red"))
        self._add(self._view, "&Blue rises, orange falls", partial(window.set_theme, pair="blue and orange"))
        self._trade = bar.addMenu(say("&Trade"))
        self._trade.menuAction().setVisible(False)
        self._order = bar.addMenu(say("&Order"))
        self._order.menuAction().setVisible(False)
        about = bar.addMenu(say("&Help"))
        self._add(about, "&Find an action or an instrument…", self.show_palette, "Ctrl+K")
        self._add(about, "&Keys", self.show_keys, "F1")
        self._add(about, "Keys of your &own…", self.show_shortcuts)
        self.guide = self._add(about, "&Guided first run", window.show_guide)
        self._add(about, "&About", self.show_about)

        self._shortcuts: Shortcuts | None = None
        if window.remembered.shortcuts:
            self.shortcuts()

    def shortcuts(self) -> Shortcuts:
        """The menus' keys as the person has them; nobody waits for them who has changed none."""
        from alphapanda_desktop.ui.shortcuts import Shortcuts

        kept = self._window.remembered
        if self._shortcuts is None:
            save = partial(kept.save, "shortcuts")
            self._shortcuts = Shortcuts(self._window.menuBar(), kept.shortcuts, save)
        return self._shortcuts

    def show_shortcuts(self) -> None:
        """Every action's key, to be changed."""
        from alphapanda_desktop.ui.shortcutsheet import ShortcutSheet

        found = self._window.deck.find("shortcuts_sheet")
        self._window.deck.lay(found or ShortcutSheet(self.shortcuts(), self._edge, self._window))

    def _add(self, menu: QMenu, text: str, work: Callable[[], object], key: str = "") -> QAction:
        action = menu.addAction(say(text))
        action.triggered.connect(lambda _checked=False: work())
        if key:
            action.setShortcut(QKeySequence(key))
        mark(action, text, menu, self._edge)
        return action

    def show_desk(self, parts: DeskParts, view: DeskView, sheets: DeskSheets) -> None:
        self._parts, self._sheets = parts, sheets
        connect(parts.gate.changed, self._window, self._follow_gate)
        self._follow_gate()
        self._trade.clear()
        self._trade.menuAction().setVisible(True)
        self._add(self._trade, "&Cancel all working orders", self._cancel_all, "Ctrl+Shift+C")
        runner = parts.runner
        self._add(self._trade, "S&tart all loaded strategies", lambda: self._edge.spawn("start", runner.begin_all()))
        self._add(self._trade, "&Pause entries of all strategies", runner.pause_all)
        self._add(self._trade, "Let all strategies ent&er again", runner.resume_all)
        # The strip owns the key: here it is only told.
        self._add(self._trade, "Pause or resume all al&gos\tCtrl+Shift+P", self._window.strip.algos.turn)
        self._add(self._trade, "&Stop all strategies", self._stop_all)
        if parts.bench is not None:
            self._add(self._trade, "&Backtest…", self._window.show_backtest, "F4")
        if parts.review is not None:
            self._add(self._trade, "Re&view: results, journal and tax lots…", sheets.show_review, "F3")
        if parts.room is not None:
            self._add(self._trade, "Data on this comp&uter…", sheets.show_data)
        self._trade.addSeparator()
        self._add(self._trade, "Re&concile with the broker now", self._reconcile, "F5")
        self._add(self._trade, "&Differences with the broker…", sheets.show_differences, "F6")
        self._add(self._trade, "Stop co&verage…", sheets.show_coverage, "F7")
        self._add(self._trade, "&Limits…", sheets.show_limits, "F8")
        if parts.preflight is not None:
            self._add(self._trade, "Ready for the day? (&preflight)…", sheets.show_preflight, "F10")
        if parts.why is not None:
            self._add(self._trade, "&Why this order?…", self._ask_why, "F9")
        self._trade.addSeparator()
        # The strip owns the key: here it is only told.
        self._add(self._trade, "&Kill switch\tCtrl+Shift+K", self._window.strip.kill_pressed.emit)
        self._reduce_action = self._add(self._trade, "Let only &exits pass", sheets.reduce)
        self._add(self._trade, "Kill switch: state and re&port…", sheets.show_kill)
        self._release_action = self._add(self._trade, "Re&lease the kill switch…", sheets.show_kill)
        if parts.arming.needed:
            self._add(self._trade, "&Arm live trading…", self._ask_arming)
            self._add(self._trade, "Disar&m live trading", parts.arming.disarm)
        self.guide.setEnabled(parts.mode == "practice")  # nobody is to learn with real orders
        self._offer_panels(view)
        self._order.clear()
        self._order.menuAction().setVisible(True)
        for words, key, work in panel_commands(view):
            # Each panel hears its own keys: here they are only told, for the same key means other things elsewhere.
            self._add(self._order, f"{words}\t{key}" if key else words, work) if words else self._order.addSeparator()

    def _offer_panels(self, view: DeskView) -> None:
        for action in self._panels:  # of a desk that was opened before
            self._view.removeAction(action)
            action.deleteLater()
        self._panels = [
            self._view.addSeparator(),
            self._add(self._view, "Show Chart", view.chart.setFocus, "Ctrl+0"),
        ]
        for number, dock in enumerate(view.docks, 1):
            words, key = f"Show {dock.windowTitle()}", f"Ctrl+{number}" if number < 10 else ""
            self._panels.append(self._add(self._view, words, partial(_show_dock, dock), key))

    def _follow_gate(self) -> None:
        session = self._parts.gate.session if self._parts is not None else None
        self.log_out.setEnabled(session is not None and not session.is_recorded)

    def show_latch(self, state: TradingState) -> None:
        """Offer what makes sense in this state of the kill switch."""
        from alphapanda_desktop.domain.risk import TradingState

        self._release_action.setEnabled(state is not TradingState.ACTIVE)
        self._reduce_action.setEnabled(state is TradingState.ACTIVE)

    def _show_settings(self) -> None:
        """Every setting that has no sheet of its own; what cannot be reached without a login is set here, too."""
        window, keeper = self._window, self._window.keeper
        if keeper is not None:
            from alphapanda_desktop.ui.settingssheet import SettingsSheet

            found = window.deck.find("settings_sheet")
            window.deck.lay(found or SettingsSheet(keeper(), self._edge, window, window.set_theme))

    def show_profiles(self) -> None:
        """The accounts' profiles; there is no need to be logged in."""
        window, shelf = self._window, self._window.shelf
        if shelf is not None:
            from alphapanda_desktop.ui.profiles import ProfilesSheet

            window.deck.lay(window.deck.find("profiles_sheet") or ProfilesSheet(shelf, self._edge, window))

    def _log_out(self) -> None:
        if self._parts is not None:
            self._edge.spawn("log out", self._parts.gate.log_out())

    def _cancel_all(self) -> None:
        if self._parts is not None:
            self._edge.spawn("cancel all", self._parts.desk.cancel_all())

    def _reconcile(self) -> None:
        if self._parts is not None:
            self._edge.spawn("reconcile", self._parts.desk.reconcile("asked by hand"))

    def _stop_all(self) -> None:
        if self._parts is not None:
            self._edge.spawn("stop all", self._parts.runner.stop_all("stopped from the menu"))

    def _ask_why(self) -> None:
        """The selected order's trail, else an empty sheet to type an order id into."""
        view = self._window.view
        order = view.orders.table.current_row() if view is not None else None
        if self._sheets is not None:
            self._sheets.show_why((order.tag or order.order_id) if order is not None else "")

    def _ask_arming(self) -> None:
        if self._parts is None:
            return
        from alphapanda_desktop.trading.arming import WORD

        text = f"Orders will go to Zerodha with real money until 06:00 IST. Type {WORD} to arm."
        sheet = self._window.deck.find("arming_sheet")
        if not isinstance(sheet, TypedSheet):
            sheet = TypedSheet("arming_sheet", "Arm live trading", text, self._edge, self._window)
            sheet.typed.connect(partial(self._arm, sheet))
        self._window.deck.lay(sheet)

    def _arm(self, sheet: TypedSheet, typed: str) -> None:
        parts = self._parts
        if parts is None or parts.gate.session is None:
            tell(sheet.answer, "Live trading cannot be armed: the Kite session is over. Log in first.")
            return
        try:
            parts.arming.arm(typed, parts.gate.session.expires_at)
        except AlphaPandaError as error:
            tell(sheet.answer, str(error))
        else:
            sheet.dismiss()

    def show_keys(self) -> None:
        """Every key that does something."""
        self._show("Keys", keys_page(self.shortcuts().changed()))

    def show_palette(self) -> None:
        """Everything that the menus offer, and every instrument, to be found by typing."""
        from alphapanda_desktop.ui.palette import Palette, commands_of

        window, parts, view = self._window, self._parts, self._window.view
        open_one = window.deck.find("palette")
        if open_one is not None:
            open_one.dismiss()
            return
        search = parts.market.master.search if parts is not None else None
        commands = commands_of(window.menuBar())
        window.deck.lay(Palette(commands, self._edge, window, search, view.choose if view is not None else None))

    def show_about(self) -> None:
        """Versions, and the parts of others with their licences."""
        from alphapanda_desktop.folders import resources
        from alphapanda_desktop.ui.aboutsheet import AboutSheet

        window, known = self._window, self._window.deck.find("about_sheet")
        sheet = known or AboutSheet(self._edge, window, window.windowIcon(), resources() / "third-party", self.updates)
        window.deck.lay(sheet)

    def _show(self, title: str, text: str) -> None:
        dialog = QDialog(self._window)
        dialog.setWindowTitle(say(title))
        box = QVBoxLayout(dialog)
        box.addWidget(Marked(say(text), dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()  # not open(): a modal dialog would shadow the kill switch
