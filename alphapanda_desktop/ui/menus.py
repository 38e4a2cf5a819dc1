"""The menu bar: every command in words, with its key."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtGui import QAction, QIcon, QKeySequence
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QDockWidget, QLabel, QLineEdit, QMenu, QVBoxLayout, QWidget

from alphapanda_desktop import __version__
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.ui.edge import Edge, ask, connect

if TYPE_CHECKING:
    from alphapanda_desktop.ui.desk import DeskView
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

RELEASE = "RELEASE"

KEYS = """<table cellpadding=4>
<tr><td><b>/</b></td><td>search an instrument</td></tr>
<tr><td><b>B</b> / <b>S</b></td><td>buy / sell the instrument selected in the watchlist</td></tr>
<tr><td><b>Enter</b></td><td>show the selected instrument on the chart</td></tr>
<tr><td><b>Del</b></td><td>cancel the selected order</td></tr>
<tr><td><b>Ctrl+Shift+K</b></td><td>kill switch</td></tr>
<tr><td><b>Ctrl+Shift+C</b></td><td>cancel all working orders</td></tr>
<tr><td><b>+</b> / <b>−</b>, arrows</td><td>zoom and pan the chart</td></tr>
<tr><td><b>End</b> / <b>Home</b></td><td>follow the newest bar / show everything</td></tr>
<tr><td><b>Ctrl+Q</b></td><td>close AlphaPanda (the Kite session lives on)</td></tr>
</table>"""


class TypedDialog(QDialog):
    """A question that is answered by typing one word."""

    def __init__(self, title: str, text: str, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        box = QVBoxLayout(self)
        label = QLabel(text, self)
        label.setWordWrap(True)
        self.field = QLineEdit(self)
        self.field.setAccessibleName(text)
        self.field.setObjectName("typed_word")
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel, parent=self
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        for button in buttons.buttons():
            button.setIcon(QIcon())
        box.addWidget(label)
        box.addWidget(self.field)
        box.addWidget(buttons)
        self.setMinimumWidth(460)


def _show_dock(dock: QDockWidget) -> None:
    dock.show()
    dock.raise_()


class Menus:
    """Builds the menus; those of the desk appear once there is one."""

    def __init__(self, window: MainWindow, edge: Edge) -> None:
        self._window = window
        self._edge = edge
        self._parts: DeskParts | None = None
        bar = window.menuBar()
        file = bar.addMenu("&File")
        self.log_out = self._add(file, "&Log out of Kite", self._log_out)
        self.log_out.setEnabled(False)
        self._add(file, "&Close AlphaPanda", window.close, "Ctrl+Q")
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

    def show_desk(self, parts: DeskParts, view: DeskView) -> None:
        self._parts = parts
        connect(parts.gate.changed, self._window, self._follow_gate)
        self._follow_gate()
        self._trade.clear()
        self._trade.menuAction().setVisible(True)
        self._add(self._trade, "&Cancel all working orders", self._cancel_all, "Ctrl+Shift+C")
        self._add(self._trade, "&Reconcile with the broker now", self._reconcile, "F5")
        self._add(self._trade, "&Stop all strategies", self._stop_all)
        self._trade.addSeparator()
        # The strip owns the key: here it is only told.
        self._add(self._trade, "&Kill switch\tCtrl+Shift+K", self._window.strip.kill_pressed.emit)
        self._release_action = self._add(self._trade, "Re&lease the kill switch…", self.ask_release)
        connect(parts.desk.halted_changed, self._window, self._follow_latch)
        self._follow_latch(parts.desk.trading_state)
        if parts.arming.needed:
            self._add(self._trade, "&Arm live trading…", self._ask_arming)
        for dock in view.docks:
            self._add(self._view, f"Show {dock.windowTitle()}", partial(_show_dock, dock))

    def _follow_gate(self) -> None:
        self.log_out.setEnabled(self._parts is not None and self._parts.gate.session is not None)

    def _follow_latch(self, state: TradingState) -> None:
        self._release_action.setEnabled(state is TradingState.HALTED)

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

    def ask_release(self) -> None:
        """Release the kill switch after its word was typed."""
        self._edge.spawn("release", self._release())

    async def _release(self) -> None:
        parts = self._parts
        if parts is None:
            return
        text = f"Trading is halted: {parts.desk.why_halted}\nType {RELEASE} to let orders pass again."
        typed = await self._typed("Release the kill switch", text)
        if typed == RELEASE:
            await parts.desk.release()
        elif typed is not None:
            self._edge.notify(f"Not released: {typed!r} was typed, not {RELEASE}.", "warning")

    def _ask_arming(self) -> None:
        self._edge.spawn("arm", self._arm())

    async def _arm(self) -> None:
        parts = self._parts
        if parts is None or parts.gate.session is None:
            return
        from alphapanda_desktop.trading.arming import WORD

        text = f"Orders will go to Zerodha with real money until 06:00 IST. Type {WORD} to arm."
        typed = await self._typed("Arm live trading", text)
        if typed is not None:
            parts.arming.arm(typed, parts.gate.session.expires_at)

    async def _typed(self, title: str, text: str) -> str | None:
        dialog = TypedDialog(title, text, self._window)
        try:
            answer = await ask(dialog)
            return dialog.field.text().strip() if answer == QDialog.DialogCode.Accepted else None
        finally:
            dialog.deleteLater()

    def _show(self, title: str, text: str) -> None:
        dialog = QDialog(self._window)
        dialog.setWindowTitle(title)
        box = QVBoxLayout(dialog)
        box.addWidget(QLabel(text, dialog))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
