"""The strip that is always there: mode, session, feed, order rate, today's net result, and the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolBar, QToolButton, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import DASH, countdown, rupees, signed_rupees
from alphapanda_desktop.ui.theme import Role, ui_font

if TYPE_CHECKING:  # behind these is what the first paint does not wait for
    from alphapanda_desktop.domain.pnl import Pnl
    from alphapanda_desktop.domain.ports import LinkState
    from alphapanda_desktop.domain.risk import TradingState
    from alphapanda_desktop.trading.governor import Governor

MODE_MARKS = {"practice": "◇ PRACTICE", "paper": "▢ PAPER", "live": "⬤ LIVE", "replay": "↺ REPLAY"}
"""Shape and word: the mode is never told by colour alone."""
FIGURES = ("feed", "net_pnl")
"""Chips whose words change all the time."""


class Chip(QLabel):
    """A short statement in a box, in one of the theme's colours; a `steady` one keeps the width that it had once.

    Figures change with each tick: what stands beside them must not move.
    """

    def __init__(self, name: str, edge: Edge, parent: QWidget, *, steady: bool = False) -> None:
        super().__init__(parent)
        self._edge = edge
        self._steady = steady
        self._widest = 0
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
        self.setText(text)
        self.setToolTip(tip or text)
        self.setStyleSheet(_boxed(self._edge.theme.colour(role).name()))

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        self._widest = max(self._widest, hint.width()) if self._steady else hint.width()
        return QSize(self._widest, hint.height())


class Notice(QToolButton):
    """A chip that can be pressed; hidden while there is nothing to tell."""

    def __init__(self, name: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._shown = ("", "", "")
        self.setObjectName(name)
        self.setFont(ui_font(10, bold=True))
        self.hide()

    def say(self, text: str, role: Role, tip: str = "") -> None:
        """Show `text`, or nothing at all where there is none."""
        if (text, role, tip) == self._shown:
            return
        self._shown = (text, role, tip)
        theme = self._edge.theme
        self.setText(text)
        self.setAccessibleName(text)
        self.setToolTip(tip)
        self.setVisible(bool(text))
        colour = theme.colour(role).name()
        self.setStyleSheet(
            f"QToolButton {{ background: transparent; {_boxed(colour)} }}"
            f"QToolButton:hover, QToolButton:focus {{ background: {theme.selection}; }}"
        )


def _boxed(colour: str) -> str:
    return f"color:{colour}; border:1px solid {colour}; border-radius:4px; padding:3px 10px; margin:2px 3px;"


class TopStrip(QToolBar):
    """Chips and the kill switch. Its Qt signals have no arguments.

    `kill_pressed` is the button or its key, which is heard in every window of the program. `release_pressed`,
    `differences_pressed` and `coverage_pressed` ask for the sheets of that name.
    """

    kill_pressed = Signal()
    release_pressed = Signal()
    differences_pressed = Signal()
    coverage_pressed = Signal()

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__("Status strip", parent)
        self._edge = edge
        self._shut = False
        self.setObjectName("top_strip")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        # One widget whose chips give way: a tool bar hides what does not fit, from the kill switch backwards.
        self._inside = QWidget(self)
        self._row = QHBoxLayout(self._inside)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._build()
        self._inside.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.addWidget(self._inside)

    def _build(self) -> None:
        self.mode, self.session, self.feed, self.desk, self.pnl = (
            self._chip(name, steady=name in FIGURES) for name in ("mode", "session", "feed", "desk", "net_pnl")
        )
        self.differences = self._notice("differences_notice", self.differences_pressed.emit)
        self.coverage = self._notice("coverage_notice", self.coverage_pressed.emit)
        self.feed.say(f"feed {DASH}", "muted", "Nothing is known of the feed before the login")
        self.desk.say(f"desk {DASH}", "muted", "There is no desk before the login")
        self.show_pnl(None)
        for widget in (self.mode, self.session, self.feed, self.desk, self.differences, self.coverage):
            self._row.addWidget(widget)
        self._row.addStretch(1)
        self._gauges_at = self._row.count()
        self._row.addWidget(self.pnl)
        self.release = self._notice("release", self.release_pressed.emit)
        self._row.addWidget(self.release)
        self.kill = self._kill_button()
        self._row.addWidget(self.kill)

    def _chip(self, name: str, *, steady: bool) -> Chip:
        chip = Chip(name, self._edge, self._inside, steady=steady)
        chip.setMinimumWidth(24)
        return chip

    def _notice(self, name: str, pressed: Callable[[], None]) -> Notice:
        notice = Notice(name, self._edge, self._inside)
        notice.clicked.connect(lambda _checked=False: pressed())
        return notice

    def _kill_button(self) -> QPushButton:
        button = QPushButton("KILL", self._inside)
        button.setObjectName("kill_switch")
        button.setAccessibleName("Kill switch: stop strategies, cancel working orders, refuse new ones")
        button.setToolTip("Stop all strategies, cancel working orders, refuse new orders (Ctrl+Shift+K)")
        # Of the whole program: a button hears its shortcut only in its own window, while a ticket is a window too.
        # Nothing in this program is modal (ui.edge.ask), for that would shadow it.
        key = QShortcut(QKeySequence("Ctrl+Shift+K"), self)
        key.setContext(Qt.ShortcutContext.ApplicationShortcut)
        key.setAutoRepeat(False)
        key.activated.connect(self._key_pressed)
        button.setFont(ui_font(11, bold=True))
        button.clicked.connect(lambda _checked=False: self.kill_pressed.emit())
        theme = self._edge.theme
        button.setStyleSheet(
            f"QPushButton{{background:{theme.kill}; color:{theme.on_button};"
            "border:2px solid transparent; border-radius:4px; padding:3px 20px; margin:2px 6px;}"
            f"QPushButton:focus{{border:2px solid {theme.text};}}"
            f"QPushButton:disabled{{background:{theme.raised}; color:{theme.muted};}}"
        )
        button.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        button.setEnabled(False)
        return button

    def _key_pressed(self) -> None:
        if self.kill.isEnabled():
            self.kill_pressed.emit()  # pressed once more while halted, it cancels once more

    def show_gauges(self, governor: Governor) -> None:
        """Follow the order rate of an account from now on."""
        from alphapanda_desktop.ui.gauges import OrderGauges

        gauges = OrderGauges(self._edge, self._inside)
        self._row.insertWidget(self._gauges_at, gauges)
        gauges.follow(governor)

    def show_mode(self, mode: str) -> None:
        roles: dict[str, Role] = {"practice": "practice", "paper": "paper", "live": "live", "replay": "replay"}
        self.mode.say(MODE_MARKS.get(mode, f"mode {DASH}"), roles.get(mode, "muted"), _MODE_TIPS.get(mode, ""))

    def show_session(self, user_id: str, seconds_left: float | None) -> None:
        if seconds_left is None:
            self.session.say("not logged in", "warn", "No verified Kite session")
            return
        role: Role = "good" if seconds_left > 1800 else "warn"
        self.session.say(f"{user_id}  ends in {countdown(seconds_left)}", role, "Kite ends every session at 06:00 IST")

    def show_recorded_day(self, day: str) -> None:
        """Say which day is played, in the place of the session that a recorded day has not."""
        self.session.say(day, "replay", "A recorded day: nobody is logged in, and no order leaves this program")

    def show_feed(self, state: LinkState, ticks_per_s: float, detail: str) -> None:
        from alphapanda_desktop.domain.ports import LinkState

        if state is LinkState.UP:
            self.feed.say(f"feed {ticks_per_s:,.0f} ticks/s", "good", detail or "Live market data")
        else:
            self.feed.say(f"feed {state}", "warn" if state is not LinkState.REFUSED else "danger", detail)

    def show_pnl(self, pnl: Pnl | None) -> None:
        net = pnl.net if pnl is not None else None
        role: Role = "muted" if net is None else "up" if net > 0 else "down" if net < 0 else "unchanged"
        self.pnl.say(f"Net today {signed_rupees(net)}", role, _made_of(pnl))

    def show_trading(self, state: TradingState, why: str) -> None:
        """What the latch lets pass; the button stays what it is: pressed once more, it cancels once more."""
        from alphapanda_desktop.domain.risk import TradingState

        self._shut = state is not TradingState.ACTIVE
        self.kill.setEnabled(True)
        self.release.say("RELEASE…" if self._shut else "", "warn", "Let orders pass again, by typing")
        if state is TradingState.HALTED:
            self.desk.say("■ TRADING HALTED", "danger", why)
        elif state is TradingState.REDUCING:
            self.desk.say("▲ REDUCING: exits only", "warn", why)

    def show_desk(self, words: str, role: Role) -> None:
        if not self._shut:
            self.desk.say(words, role)

    def show_differences(self, count: int) -> None:
        """How many differences with the broker wait for a decision."""
        words = f"● {count} to decide" if count else ""
        self.differences.say(
            words, "danger", "The journal and the broker disagree: strategies are locked until you decide"
        )

    def show_coverage(self, only_here: int) -> None:
        """How many positions have a stop that lives only in this program."""
        words = f"⚠ stops only here: {only_here}" if only_here else ""
        self.coverage.say(
            words, "warn", "Positions whose stop is gone when this program closes, sleeps or loses its feed"
        )


def _made_of(pnl: Pnl | None) -> str:
    if pnl is None:
        return "The positions have not been read yet"
    parts = (("realised", pnl.realised), ("open", pnl.unrealised), ("before charges", pnl.gross))
    said = [f"{name} {signed_rupees(value)}" for name, value in parts]
    return f"Of all positions, at the latest prices: {', '.join(said)}; charges {rupees(pnl.charges)}"


_MODE_TIPS = {
    "practice": "Everything is played against the practice exchange on this machine",
    "paper": "Real prices from Zerodha; orders are filled by this program and never leave it",
    "live": "Real orders to Zerodha with real money",
    "replay": "A day of the past, played from a recording; orders are filled by this program and never leave it",
}
