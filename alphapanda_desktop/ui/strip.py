"""The strip that is always there: mode, session, feed, order rate, today's net result, and the kill switch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QToolBar, QWidget

from alphapanda_desktop.ui.algos import AlgosButton
from alphapanda_desktop.ui.chips import Chip, Notice
from alphapanda_desktop.ui.clothes import clothe
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import DASH, age, countdown, grouped, ist_time, rupees, signed_rupees
from alphapanda_desktop.ui.placement import on_paper
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:  # behind these is what the first paint does not wait for
    from alphapanda_desktop.domain.pnl import Pnl
    from alphapanda_desktop.domain.ports import LinkState
    from alphapanda_desktop.domain.risk import TradingState
    from alphapanda_desktop.trading.arming import Arming
    from alphapanda_desktop.trading.governor import Governor
    from alphapanda_desktop.trading.runner import Runner
    from alphapanda_desktop.ui.gauges import OrderGauges

MODE_MARKS = {"practice": "◇ PRACTICE", "paper": "▢ PAPER", "live": "⬤ LIVE", "replay": "↺ REPLAY"}
"""Shape and word: the mode is never told by colour alone."""
SILENT_S = 3.0
"""A feed that is up and has said nothing for so long is told in another colour, while its markets are open."""

LEAST_PX = 24
"""What is left of a chip where there is no room at all."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much the strip says: how many gauges, and which parts take few words."""

    gauges: int
    terse: frozenset[str] = frozenset()


STATES = frozenset({"session", "feed", "net_pnl"})
NOTICES = frozenset({"desk", "mode", "algos", "differences_notice", "coverage_notice", "release"})
ALL = STATES | NOTICES
ROOMS = (Room(3), Room(3, STATES), Room(3, ALL), Room(2, ALL), Room(1, ALL), Room(0, ALL))
"""From a wide window to a narrow one: words become fewer, then the day's gauge goes; the kill switch never does."""


class _Inside(QWidget):
    """The strip's row; `changed()` when it has another width, or what is in it asks for another."""

    changed = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.changed.emit()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() is QEvent.Type.LayoutRequest:
            self.changed.emit()
        return done


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
        clothe(self, edge.theme)
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        # One widget whose chips give way: a tool bar hides what does not fit, from the kill switch backwards.
        self._inside = _Inside(self)
        self._row = QHBoxLayout(self._inside)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(0)
        self._gauges: OrderGauges | None = None
        self._room = ROOMS[0]
        self._build()
        self._inside.changed.connect(self._fit)
        self._inside.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.addWidget(self._inside)

    def _build(self) -> None:
        self.mode, self.session, self.feed, self.desk, self.pnl = (
            Chip(name, self._edge, self._inside) for name in ("mode", "session", "feed", "desk", "net_pnl")
        )
        for chip in (self.mode, self.session, self.feed, self.desk, self.pnl):
            chip.setMinimumWidth(LEAST_PX)
        left, right = Qt.AlignmentFlag.AlignLeft, Qt.AlignmentFlag.AlignRight
        self.session.reserve("AB1234  ends in 23 h 59 m", "23 h 59 m", left)
        self.feed.reserve("feed 8,888 ticks/s · 58 s", "8,888/s · 58 s", left)
        self.pnl.reserve("Net today +₹ 88,888.88", "+₹ 88,888.88", right)
        self.differences = self._notice("differences_notice", self.differences_pressed.emit)
        self.coverage = self._notice("coverage_notice", self.coverage_pressed.emit)
        self.release = self._notice("release", self.release_pressed.emit)
        self.algos = AlgosButton(self._edge, self._inside)
        self.kill = self._kill_button()
        self.feed.say(f"feed {DASH}", "muted", "Nothing is known of the feed before the login")
        self.desk.say(f"desk {DASH}", "muted", "There is no desk before the login")
        self.show_pnl(None)
        for widget in (self.mode, self.session, self.feed, self.desk, self.differences, self.coverage):
            self._row.addWidget(widget)
        self._row.addStretch(1)
        self._gauges_at = self._row.count()
        for last in (self.pnl, self.algos, self.release, self.kill):
            self._row.addWidget(last)

    def _notice(self, name: str, pressed: Callable[[], None]) -> Notice:
        notice = Notice(name, self._edge, self._inside)
        notice.clicked.connect(lambda _checked=False: pressed())
        return notice

    # -- room ------------------------------------------------------------------------------------------------

    @property
    def _parts(self) -> tuple[Chip | Notice, ...]:
        states = (self.mode, self.session, self.feed, self.desk, self.pnl)
        return *states, self.differences, self.coverage, self.algos, self.release

    def width_in(self, room: Room) -> int:
        """What the strip needs to say so much, in pixels."""
        parts = sum(part.width_as(terse=part.objectName() in room.terse) for part in self._parts)
        gauges = self._gauges.width_of(room.gauges) if self._gauges is not None else 0
        return parts + gauges + self.kill.sizeHint().width()

    def _fit(self) -> None:
        """Say as much as there is room for; in a window that is wider than the screens the kill switch is seen too."""
        beyond = max(0, self.window().width() - self.screens_width())
        if self._row.contentsMargins().right() != beyond:
            self._row.setContentsMargins(0, 0, beyond, 0)
        here = self._inside.width() - beyond
        room = next((room for room in ROOMS if self.width_in(room) <= here), ROOMS[-1])
        if room == self._room:
            return
        self._room = room
        for part in self._parts:
            part.be_terse(terse=part.objectName() in room.terse)
        if self._gauges is not None:
            self._gauges.show_most(room.gauges)

    def screens_width(self) -> int:
        """How much of a window can be seen at most, on all screens that stand side by side; all of it without any."""
        return self.window().width() if on_paper() else self.screen().availableVirtualGeometry().width()

    def _kill_button(self) -> QPushButton:
        button = QPushButton(say("KILL"), self._inside)
        button.setObjectName("kill_switch")
        button.setAccessibleName(say("Kill switch: stop strategies, cancel working orders, refuse new ones"))
        button.setToolTip(say("Stop all strategies, cancel working orders, refuse new orders (Ctrl+Shift+K)"))
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

        if self._gauges is None:
            self._gauges = OrderGauges(self._edge, self._inside)
            self._row.insertWidget(self._gauges_at, self._gauges)
            self._gauges.show_most(self._room.gauges)
        self._gauges.follow(governor)

    def show_algos(self, runner: Runner) -> None:
        """Follow the strategies of this runner, and command them, from now on."""
        self.algos.follow(runner)

    def show_arming(self, arming: Arming) -> None:
        """Whether real orders may leave now, where that has to be typed."""
        if not arming.needed:
            return
        until = arming.until
        if until is None:
            self.show_mode("live")
            return
        words = f"{MODE_MARKS['live']} ARMED"
        tip = "Armed: orders go to Zerodha with real money"
        self.mode.say(f"{words} until {ist_time(until)[:5]}", "live", tip, short=words, solid=True)

    def show_mode(self, mode: str) -> None:
        roles: dict[str, Role] = {"practice": "practice", "paper": "paper", "live": "live", "replay": "replay"}
        self.mode.say(MODE_MARKS.get(mode, f"mode {DASH}"), roles.get(mode, "muted"), _MODE_TIPS.get(mode, ""))

    def show_session(self, user_id: str, seconds_left: float | None) -> None:
        if seconds_left is None:
            self.session.say("not logged in", "warn", "No verified Kite session")
            return
        role: Role = "good" if seconds_left > 1800 else "warn"
        left = countdown(seconds_left)
        tip = f"{user_id}: Kite ends every session at 06:00 IST"
        self.session.say(f"{user_id}  ends in {left}", role, tip, short=left)

    def show_recorded_day(self, day: str) -> None:
        """Say which day is played, in the place of the session that a recorded day has not."""
        self.session.say(day, "replay", "A recorded day: nobody is logged in, and no order leaves this program")

    def show_feed(
        self, state: LinkState, ticks_per_s: float, detail: str, silence_s: float | None = None, *, is_open: bool = True
    ) -> None:
        """What the feed does, how much comes, and how long ago the last tick did; `is_open`: whether any should."""
        from alphapanda_desktop.domain.ports import LinkState

        if state is not LinkState.UP:
            self.feed.say(f"feed {state}", "warn" if state is not LinkState.REFUSED else "danger", detail)
            return
        quiet = silence_s is None or silence_s > SILENT_S
        role: Role = "good" if not quiet else "warn" if is_open else "muted"
        rate, last = f"{grouped(ticks_per_s)}", age(silence_s)
        tip = f"Live market data: the last tick came {last if last in ('now', 'never') else f'{last} ago'}"
        self.feed.say(f"feed {rate} ticks/s · {last}", role, detail or tip, short=f"{rate}/s · {last}")

    def show_pnl(self, pnl: Pnl | None) -> None:
        net = pnl.net if pnl is not None else None
        role: Role = "muted" if net is None else "up" if net > 0 else "down" if net < 0 else "unchanged"
        words = signed_rupees(net)
        self.pnl.say(f"Net today {words}", role, _made_of(pnl), short=words)

    def show_trading(self, state: TradingState, why: str) -> None:
        """What the latch lets pass; the button stays what it is: pressed once more, it cancels once more."""
        from alphapanda_desktop.domain.risk import TradingState

        self._shut = state is not TradingState.ACTIVE
        self.kill.setEnabled(True)
        self.release.say("RELEASE…" if self._shut else "", "warn", "Let orders pass again, by typing")
        if state is TradingState.HALTED:
            self.desk.say("■ TRADING HALTED", "danger", why, short="■ HALTED")
        elif state is TradingState.REDUCING:
            self.desk.say("▲ REDUCING: exits only", "warn", why, short="▲ exits only")

    def show_desk(self, words: str, role: Role) -> None:
        if not self._shut:
            self.desk.say(words, role, short=words.removeprefix("desk "))

    def show_differences(self, count: int) -> None:
        """How many differences with the broker wait for a decision."""
        words = f"● {count} to decide" if count else ""
        self.differences.say(
            words,
            "danger",
            "The journal and the broker disagree: strategies are locked until you decide",
            short=f"● {count}" if count else "",
        )

    def show_coverage(self, only_here: int) -> None:
        """How many positions have a stop that lives only in this program."""
        words = f"⚠ stops only here: {only_here}" if only_here else ""
        self.coverage.say(
            words,
            "warn",
            "Positions whose stop is gone when this program closes, sleeps or loses its feed",
            short=f"⚠ {only_here}" if only_here else "",
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
