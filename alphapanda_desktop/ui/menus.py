"""The menu bar: every command in words, with its key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QDialog, QDockWidget, QLabel, QMenu, QVBoxLayout

from alphapanda_desktop import __version__
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.sheet import TypedSheet, tell

if TYPE_CHECKING:
    from alphapanda_desktop.ui.desk import DeskView
    from alphapanda_desktop.ui.desksheets import DeskSheets
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

KEYS = """<table cellpadding=4>
<tr><td><b>/</b></td><td>search an instrument</td></tr>
<tr><td><b>B</b> / <b>S</b></td><td>buy / sell the instrument selected in the watchlist</td></tr>
<tr><td><b>Enter</b></td><td>show the selected instrument on the chart</td></tr>
<tr><td><b>Del</b></td><td>cancel the selected order</td></tr>
<tr><td><b>Ctrl+Shift+K</b></td><td>kill switch, in every window and over every sheet</td></tr>
<tr><td><b>Ctrl+Shift+C</b></td><td>cancel all working orders</td></tr>
<tr><td><b>F5</b> / <b>F6</b></td><td>reconcile now / show the differences</td></tr>
<tr><td><b>F7</b> / <b>F8</b> / <b>F9</b></td><td>stop coverage / limits / why this order</td></tr>
<tr><td><b>Esc</b></td><td>take the sheet away that lies over the chart</td></tr>
<tr><td><b>+</b> / <b>−</b>, arrows</td><td>zoom and pan the chart</td></tr>
<tr><td><b>End</b> / <b>Home</b></td><td>follow the newest bar / show everything</td></tr>
<tr><td><b>Ctrl+Q</b></td><td>close AlphaPanda (the Kite session lives on)</td></tr>
</table>"""


def _show_dock(dock: QDockWidget) -> None:
    dock.show()
    dock.raise_()


class Menus:
    """Builds the menus; those of the desk appear once there is one."""

    def __init__(self, window: MainWindow, edge: Edge) -> None:
        self._window = window
        self._edge = edge
        self._parts: DeskParts | None = None
        self._sheets: DeskSheets | None = None
        bar = window.menuBar()
        file = bar.addMenu("&File")
        self.log_out = self._add(file, "&Log out of Kite", self._log_out)
        self.log_out.setEnabled(False)
        self._add(file, "&Close AlphaPanda", window.ask_to_close, "Ctrl+Q")
        self._view = bar.addMenu("&View")
        self._add(self._view, "&Dark", lambda: window.set_theme("dark"))
        self._add(self._view, "&Light", lambda: window.set_theme("light"))
        self._trade = bar.addMenu("&Trade")
        self._trade.menuAction().setVisible(False)
        about = bar.addMenu("&Help")
        self._add(about, "&Keys", lambda: self._show("Keys", KEYS), "F1")
        self._add(about, "&About", lambda: self._show("About", f"AlphaPanda Desktop {__version__}"))

    def _add(self, menu: QMenu, text: str, work: Callable[[], object], key: str = "") -> QAction:
        action = menu.addAction(text)
        action.triggered.connect(lambda _checked=False: work())
        if key:
            action.setShortcut(QKeySequence(key))
        return action

    def show_desk(self, parts: DeskParts, view: DeskView, sheets: DeskSheets) -> None:
        self._parts, self._sheets = parts, sheets
        connect(parts.gate.changed, self._window, self._follow_gate)
        self._follow_gate()
        self._trade.clear()
        self._trade.menuAction().setVisible(True)
        self._add(self._trade, "&Cancel all working orders", self._cancel_all, "Ctrl+Shift+C")
        self._add(self._trade, "&Stop all strategies", self._stop_all)
        self._trade.addSeparator()
        self._add(self._trade, "Re&concile with the broker now", self._reconcile, "F5")
        self._add(self._trade, "&Differences with the broker…", sheets.show_differences, "F6")
        self._add(self._trade, "Stop co&verage…", sheets.show_coverage, "F7")
        self._add(self._trade, "&Limits…", sheets.show_limits, "F8")
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
        for dock in view.docks:
            self._add(self._view, f"Show {dock.windowTitle()}", partial(_show_dock, dock))

    def _follow_gate(self) -> None:
        self.log_out.setEnabled(self._parts is not None and self._parts.gate.session is not None)

    def show_latch(self, state: TradingState) -> None:
        """Offer what makes sense in this state of the kill switch."""
        self._release_action.setEnabled(state is not TradingState.ACTIVE)
        self._reduce_action.setEnabled(state is TradingState.ACTIVE)

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

    def _show(self, title: str, text: str) -> None:
        dialog = QDialog(self._window)
        dialog.setWindowTitle(title)
        box = QVBoxLayout(dialog)
        box.addWidget(QLabel(text, dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.show()  # not open(): a modal dialog would shadow the kill switch
