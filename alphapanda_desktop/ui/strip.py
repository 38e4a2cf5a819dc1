"""The strip that is always there: mode, session, feed, today's P&L, and the kill switch."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QLabel, QPushButton, QSizePolicy, QToolBar, QWidget

from alphapanda_desktop.domain.ports import LinkState
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import DASH, countdown, signed_rupees
from alphapanda_desktop.ui.theme import Role, ui_font

MODE_MARKS = {"practice": "◇ PRACTICE", "paper": "▢ PAPER", "live": "⬤ LIVE"}
"""Shape and word: the mode is never told by colour alone."""


class Chip(QLabel):
    """A short statement in a box, in one of the theme's colours."""

    def __init__(self, name: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._shown = ("", "", "")
        self.setObjectName(name)
        self.setAccessibleName(name.replace("_", " "))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFont(ui_font(10, bold=True))

    def say(self, text: str, role: Role, tip: str = "") -> None:
        """Show `text`; nothing is done when that is what it shows already."""
        if (text, role, tip) == self._shown:
            return
        self._shown = (text, role, tip)
        colour = self._edge.theme.colour(role).name()
        self.setText(text)
        self.setToolTip(tip or text)
        self.setStyleSheet(
            f"color:{colour}; border:1px solid {colour}; border-radius:4px; padding:3px 10px; margin:2px 3px;"
        )


class TopStrip(QToolBar):
    """Chips and the kill switch. `kill_pressed` and `release_pressed` are Qt signals without arguments."""

    kill_pressed = Signal()
    release_pressed = Signal()

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__("Status strip", parent)
        self._edge = edge
        self._halted = False
        self.setObjectName("top_strip")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.mode = Chip("mode", edge, self)
        self.session = Chip("session", edge, self)
        self.feed = Chip("feed", edge, self)
        self.desk = Chip("desk", edge, self)
        self.pnl = Chip("net_pnl", edge, self)
        self.feed.say(f"feed {DASH}", "muted", "Nothing is known of the feed before the login")
        self.desk.say(f"desk {DASH}", "muted", "There is no desk before the login")
        self.show_pnl(None)
        for chip in (self.mode, self.session, self.feed, self.desk):
            self.addWidget(chip)
        spacer = QWidget(self)
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(spacer)
        self.addWidget(self.pnl)
        self.kill = self._kill_button()
        self.addWidget(self.kill)

    def _kill_button(self) -> QPushButton:
        button = QPushButton("KILL", self)
        button.setObjectName("kill_switch")
        button.setAccessibleName("Kill switch: stop strategies, cancel working orders, refuse new ones")
        button.setToolTip("Stop all strategies, cancel working orders, refuse new orders (Ctrl+Shift+K)")
        # Of its own, and of the whole program: a button drops its shortcut when its text changes, and hears it only in
        # its own window, while a ticket is a window too.
        key = QShortcut(QKeySequence("Ctrl+Shift+K"), self)
        key.setContext(Qt.ShortcutContext.ApplicationShortcut)
        key.activated.connect(self._key_pressed)
        button.setFont(ui_font(11, bold=True))
        button.clicked.connect(self._clicked)
        theme = self._edge.theme
        button.setStyleSheet(
            f"QPushButton{{background:{theme.kill}; color:{theme.on_button};"
            "border:2px solid transparent; border-radius:4px; padding:3px 20px; margin:2px 6px;}"
            f"QPushButton:focus{{border:2px solid {theme.text};}}"
            f"QPushButton:disabled{{background:{theme.raised}; color:{theme.muted};}}"
        )
        button.setEnabled(False)
        return button

    def _key_pressed(self) -> None:
        if self.kill.isEnabled():
            self.kill_pressed.emit()  # pressed once more while halted, it cancels once more

    def _clicked(self) -> None:
        (self.release_pressed if self._halted else self.kill_pressed).emit()

    def show_mode(self, mode: str) -> None:
        roles: dict[str, Role] = {"practice": "practice", "paper": "paper", "live": "live"}
        self.mode.say(MODE_MARKS.get(mode, f"mode {DASH}"), roles.get(mode, "muted"), _MODE_TIPS.get(mode, ""))

    def show_session(self, user_id: str, seconds_left: float | None) -> None:
        if seconds_left is None:
            self.session.say("not logged in", "warn", "No verified Kite session")
            return
        role: Role = "good" if seconds_left > 1800 else "warn"
        self.session.say(f"{user_id}  ends in {countdown(seconds_left)}", role, "Kite ends every session at 06:00 IST")

    def show_feed(self, state: LinkState, ticks_per_s: float, detail: str) -> None:
        if state is LinkState.UP:
            self.feed.say(f"feed {ticks_per_s:,.0f} ticks/s", "good", "Live market data")
        else:
            self.feed.say(f"feed {state}", "warn" if state is not LinkState.REFUSED else "danger", detail)

    def show_pnl(self, pnl: float | None) -> None:
        role: Role = "muted" if pnl is None else "up" if pnl > 0 else "down" if pnl < 0 else "unchanged"
        self.pnl.say(f"P&L today {signed_rupees(pnl)}", role, "Of all positions, at the latest prices, before charges")

    def show_trading(self, state: TradingState, why: str) -> None:
        """The button's face follows the latch."""
        self._halted = state is TradingState.HALTED
        self.kill.setEnabled(True)
        self.kill.setText("RELEASE…" if self._halted else "KILL")
        if self._halted:
            self.desk.say("■ TRADING HALTED", "danger", why)

    def show_desk(self, words: str, role: Role) -> None:
        if not self._halted:
            self.desk.say(words, role)


_MODE_TIPS = {
    "practice": "Everything is played against the practice exchange on this machine",
    "paper": "Real prices from Zerodha; orders are filled by this program and never leave it",
    "live": "Real orders to Zerodha with real money",
}
