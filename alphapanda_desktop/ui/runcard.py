"""One strategy run as a card: state, instruments, position, P&L, last reason, variables, log, and its buttons.

Object names for the tour: `run_card_<run_id>`, `run_state_<run_id>`, `run_pause_<run_id>`, `run_resume_<run_id>`,
`run_stop_<run_id>`, `run_log_<run_id>`.
"""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import LogLine, Run, RunState
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import words_of
from alphapanda_desktop.ui.strip import Chip
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import count_of, in_words, summary_of

if TYPE_CHECKING:
    from alphapanda_desktop.domain.pnl import Pnl
    from alphapanda_desktop.trading.coverage import StopCoverage

__all__ = ["RunCard", "count_of"]

LOG_HEIGHT: Final = 150
STATE_ROLES: Final[dict[RunState, Role]] = {
    RunState.STARTING: "accent",
    RunState.RUNNING: "good",
    RunState.PAUSED: "warn",
    RunState.STOPPING: "warn",
    RunState.STOPPED: "muted",
    RunState.FAILED: "danger",
}
LINE_ROLES: Final[dict[str, Role]] = {"info": "text", "warning": "warn", "error": "danger"}


class RunCard(QFrame):
    """Shows one run and asks the runner; `refresh` reads the run anew."""

    def __init__(self, run: Run, runner: Runner, market: Market, desk: Desk, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self.run = run
        self.coverage: StopCoverage | None = None
        self.fills_unread = False
        """Whether orders tell of more filled than the trades that were read."""
        self._runner = runner
        self._market = market
        self._desk = desk
        self._edge = edge
        self._state_shown: tuple[RunState, str] | None = None
        self._lines_shown: tuple[int, LogLine | None] = (0, None)
        self.setObjectName(f"run_card_{run.run_id}")
        self.setAccessibleName(f"{run.strategy.title}, {desk.name_of_run(run.run_id)}")
        theme = edge.theme
        self.setStyleSheet(
            f"RunCard {{ background: {theme.panel}; border: 1px solid {theme.border}; border-radius: 5px; }}"
        )
        self._build()
        self.refresh()

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(10, 8, 10, 8)
        whole.setSpacing(5)
        self._build_head(whole)
        self.where = self._line(whole, "muted")
        self._build_result(whole)
        self.held_back = self._line(whole, "warn")
        self.stops = self._line(whole)
        self.reason = self._line(whole)
        self.detail = self._line(whole)
        self.variables = self._line(whole)
        self.variables.setTextFormat(Qt.TextFormat.RichText)
        self.age = self._line(whole, "muted")
        self.stop_words = self._line(whole, "muted")
        self._build_buttons(whole)
        self._build_log(whole)

    def _build_head(self, whole: QVBoxLayout) -> None:
        self.title = QLabel(self)
        self.title.setFont(ui_font(10, bold=True))
        self.title.setText(self.run.strategy.title)
        self.number = QLabel(self._desk.name_of_run(self.run.run_id), self)
        self.number.setStyleSheet(f"color: {self._edge.theme.muted};")
        self.state = Chip(f"run_state_{self.run.run_id}", self._edge, self)
        names = QVBoxLayout()
        names.setSpacing(0)
        names.addWidget(self.title)
        names.addWidget(self.number)
        head = QHBoxLayout()
        head.addLayout(names, 1)
        head.addWidget(self.state, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(head)

    def _build_result(self, whole: QVBoxLayout) -> None:
        self.position = QLabel(self)
        self.position.setWordWrap(True)
        self.pnl = QLabel(self)
        self.pnl.setFont(ui_font(11, bold=True))
        self.pnl.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        self.pnl.setAccessibleName("Net profit and loss of this run")
        row = QHBoxLayout()
        row.addWidget(self.position, 1)
        row.addWidget(self.pnl)
        whole.addLayout(row)

    def _line(self, whole: QVBoxLayout, role: Role = "text") -> QLabel:
        line = QLabel(self)
        line.setWordWrap(True)
        line.setTextFormat(Qt.TextFormat.PlainText)
        line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        whole.addWidget(line)
        return line

    def _build_buttons(self, whole: QVBoxLayout) -> None:
        run_id = self.run.run_id
        row = QHBoxLayout()
        self.pause = self._button("pause", "Pause entries", lambda: self._runner.pause(run_id))
        self.pause.setToolTip("Refuse new entries; exits still pass")
        self.resume = self._button("resume", "Resume", lambda: self._runner.resume(run_id))
        self.stop = self._button("stop", "Stop", self._ask_stop)
        for button in (self.pause, self.resume, self.stop):
            row.addWidget(button)
        whole.addLayout(row)

    def _button(self, name: str, text: str, work: Callable[[], object]) -> QPushButton:
        button = QPushButton(text, self)
        button.setObjectName(f"run_{name}_{self.run.run_id}")
        button.setAccessibleName(f"{text} {self._desk.name_of_run(self.run.run_id)}")
        button.clicked.connect(lambda _checked=False: work())
        return button

    def _build_log(self, whole: QVBoxLayout) -> None:
        self.log_toggle = QToolButton(self)
        self.log_toggle.setObjectName(f"run_log_{self.run.run_id}")
        self.log_toggle.setCheckable(True)
        self.log_toggle.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.log_toggle.toggled.connect(lambda _on: self.refresh())
        self.log = QPlainTextEdit(self)
        self.log.setReadOnly(True)
        self.log.setMaximumBlockCount(500)
        self.log.setFixedHeight(LOG_HEIGHT)
        self.log.setAccessibleName(f"Log of {self._desk.name_of_run(self.run.run_id)}")
        self.log.hide()
        whole.addWidget(self.log_toggle, 0, Qt.AlignmentFlag.AlignLeft)
        whole.addWidget(self.log)

    def _ask_stop(self) -> None:
        self._edge.spawn(f"stop {self.run.run_id}", self._stop())

    async def _stop(self) -> None:
        words = await self._runner.stop(self.run.run_id)
        self._edge.notify(f"{self._desk.name_of_run(self.run.run_id)} stopped: {words}", "info")

    # -- what is shown ---------------------------------------------------------------------------------------

    def follow_state(self) -> None:
        """Show the state and what may be asked in it, at once; the rest waits for `refresh`."""
        state, held_back = self.run.state, self._held_back()
        if (state, held_back) == self._state_shown:
            return  # a run may speak at every tick; its state changes a few times a day
        self._state_shown = (state, held_back)
        self.state.say(
            f"{state} · exits only" if held_back else str(state), "warn" if held_back else STATE_ROLES[state]
        )
        _say(self.held_back, held_back)
        self._show_buttons()

    def _held_back(self) -> str:
        """Why its entries do not pass though it runs, empty where they do."""
        if not self.run.asking:
            return ""
        if self._desk.trading_state is TradingState.REDUCING:
            return f"Its entries are refused, its exits pass. {self._desk.why_halted}"
        why = self._desk.differences.why_locked()
        return f"Its entries are refused, its exits pass: {why}." if why else ""

    def refresh(self) -> None:
        """Show the run as it is now."""
        run = self.run
        self.follow_state()
        _say(self.where, self._where())
        _say(self.position, self._position())
        self.show_pnl()
        self._show_stops()
        _say(self.reason, f"Last decision: {run.last_reason}" if run.last_reason else "")
        if _say(self.detail, run.detail):
            role: Role = "danger" if run.state is RunState.FAILED else "muted"
            self.detail.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        _say(self.variables, "" if run.state.over else self._variables())
        _say(self.age, "" if run.state.over else self._age())
        _say(self.stop_words, "" if run.state.over else self._stop_words())
        self._show_log()

    def _where(self) -> str:
        run = self.run
        names = ", ".join(i.tradingsymbol for i in run.instruments) or "instruments no longer in the master"
        params = words_of(run.params)
        started = f"started {formats.ist_time(run.started_at)}"
        return f"{names} · {run.interval.label} · {run.product} · {started}\n{params}"

    def _position(self) -> str:
        held = [
            f"{_units(holding.quantity)} {key.partition(':')[2]} @ {formats.price(holding.average_price)}"
            for key, holding in self.run.holdings().items()
            if holding.quantity
        ]
        return "\n".join(held) or "no position"

    def show_pnl(self) -> None:
        """Show the run's net result at the latest prices."""
        made = self._desk.ledger.of_run(self.run.run_id, self.run.price_of)
        net, tip = made.net, _made_of(made)
        if self.fills_unread:  # the order's own figures are here before the trades that are charged
            gross = self.run.pnl()
            net, tip = None if gross is None else gross - made.charges, f"{tip}; fills are still being read"
        role: Role = "muted" if net is None else "up" if net > 0 else "down" if net < 0 else "unchanged"
        if _say(self.pnl, formats.signed_rupees(net)):
            self.pnl.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
            self.pnl.setToolTip(tip)

    def _show_stops(self) -> None:
        """What stops protect of the positions that the run holds."""
        held = {(key, product) for key in self.run.holdings() for product in self.run.held_as(key)}
        rows = [] if self.coverage is None or not held else self.coverage.rows()
        own = [row for row in rows if (row.position.key, row.position.product) in held]
        if _say(self.stops, "\n".join(f"Stops of {row.position.tradingsymbol}: {in_words(row)}" for row in own)):
            role = summary_of(own)[1]
            self.stops.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")

    def _variables(self) -> str:
        muted = self._edge.theme.muted
        rows = [
            f"<tr><td style='color:{muted}; padding-right:10px'>{escape(name.replace('_', ' '))}</td>"
            f"<td>{escape(_value(value))}</td></tr>"
            for name, value in self.run.variables.items()
        ]
        return f"<table cellspacing=0>{''.join(rows)}</table>" if rows else ""

    def _age(self) -> str:
        ages = [(i.tradingsymbol, self._market.age_s(i.instrument_token)) for i in self.run.instruments]
        stale = [i.tradingsymbol for i in self.run.instruments if self._market.stale(i.instrument_token)]
        if stale:
            return f"⚠ old prices: {', '.join(stale)}; no entries until ticks come again"
        return "last tick: " + ", ".join(f"{name} {formats.age(age)}" for name, age in ages)

    def _stop_words(self) -> str:
        working = sum(len(self.run.working(i.key)) for i in self.run.instruments)
        orders = f"cancels its {count_of(working, 'working order')}" if working else "no order is working"
        held = [f"{_units(h.quantity)} {k.partition(':')[2]}" for k, h in self.run.holdings().items() if h.quantity]
        after = f"its position of {', '.join(held)} stays open and is yours" if held else "it holds no position"
        return f"Stop: {orders}; {after}."

    def _show_buttons(self) -> None:
        state = self.run.state
        self.pause.setVisible(not state.over and state is not RunState.PAUSED)
        self.pause.setEnabled(state is RunState.RUNNING)
        self.resume.setVisible(state is RunState.PAUSED)
        self.resume.setEnabled(state is RunState.PAUSED)
        self.stop.setVisible(not state.over)
        self.stop.setEnabled(state in (RunState.STARTING, RunState.RUNNING, RunState.PAUSED))

    def _show_log(self) -> None:
        opened, lines = self.log_toggle.isChecked(), self.run.log
        bad = sum(line.level != "info" for line in lines)
        words = f"{'▾' if opened else '▸'} Log, {count_of(len(lines), 'line')}"
        self.log_toggle.setText(f"{words} · {count_of(bad, 'warning')}" if bad else words)
        self._colour_toggle("warn" if bad else "muted")
        self.log.setVisible(opened)
        now = (len(lines), lines[-1] if lines else None)
        if opened and now != self._lines_shown:
            self._lines_shown = now
            self.log.clear()
            self.log.appendHtml("<br>".join(self._log_line(line) for line in lines))

    def _colour_toggle(self, role: Role) -> None:
        theme = self._edge.theme
        looks = (
            f"QToolButton {{ border: 0; background: transparent; color: {getattr(theme, role)}; padding: 2px 0; }}"
            f"QToolButton:focus {{ color: {theme.accent}; }}"
        )
        if self.log_toggle.styleSheet() != looks:
            self.log_toggle.setStyleSheet(looks)

    def _log_line(self, line: LogLine) -> str:
        colour = getattr(self._edge.theme, LINE_ROLES.get(line.level, "text"))
        muted = self._edge.theme.muted
        at = formats.ist_time(line.at)
        return f"<span style='color:{muted}'>{at}</span> <span style='color:{colour}'>{escape(line.text)}</span>"


def _made_of(made: Pnl) -> str:
    realised, unrealised = formats.signed_rupees(made.realised), formats.signed_rupees(made.unrealised)
    charges = formats.rupees(made.charges)
    return f"This run's own fills, after charges: realised {realised}, open {unrealised}, charges {charges}"


def _say(label: QLabel, text: str) -> bool:
    """Show text, or nothing at all where there is none; whether it changed."""
    label.setVisible(bool(text))
    if label.text() == text:
        return False
    label.setText(text)
    return True


def _units(quantity: int) -> str:
    return f"{formats.grouped(quantity)}"


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.4f}".rstrip("0").rstrip(".")
    return str(value)
