"""One strategy run as a card: state, instruments, position, result, last reason, variables, process, log, its buttons.

Object names for the tour: `run_card_<run_id>`, `run_state_<run_id>`, `run_mode_<run_id>`, `run_more_<run_id>`,
`run_begin_<run_id>`, `run_pause_<run_id>`, `run_resume_<run_id>`, `run_stop_<run_id>`, `run_again_<run_id>`,
`run_clone_<run_id>`, and those of `ui.runparams`, `ui.runleft`, `ui.runfile` and `ui.runpages`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.ui import formats, runlines
from alphapanda_desktop.ui.chips import Chip
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.question import MODE_ROLES, MODE_WORDS
from alphapanda_desktop.ui.runfile import FileLine
from alphapanda_desktop.ui.runleft import LeftBehind
from alphapanda_desktop.ui.runpages import RunPages
from alphapanda_desktop.ui.runparams import RunParameters
from alphapanda_desktop.ui.sheet import give_way
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import count_of, in_words, say, summary_of

if TYPE_CHECKING:
    from alphapanda_desktop.trading.coverage import StopCoverage
    from alphapanda_desktop.ui.strategyfiles import StrategyFiles

__all__ = ["RunCard", "count_of"]

STATE_ROLES: Final[dict[RunState, Role]] = {
    RunState.LOADING: "accent",
    RunState.LOADED: "accent",
    RunState.STARTING: "accent",
    RunState.RUNNING: "good",
    RunState.PAUSED: "warn",
    RunState.STOPPING: "warn",
    RunState.STOPPED: "muted",
    RunState.FAILED: "danger",
}
REASON_MOST: Final = 300
TITLE_MOST: Final = 28
"""Letters of a title that fit beside the state."""
NOT_BEGUN: Final = (RunState.LOADING, RunState.LOADED)


class RunCard(QFrame):
    """Shows one run and asks the runner; `refresh` reads the run anew.

    Signals: `again_wanted(run)` for the form filled in as it was, `clone_wanted(run)` for another instrument.
    """

    again_wanted = Signal(object)
    clone_wanted = Signal(object)

    def __init__(
        self,
        run: Run,
        runner: Runner,
        market: Market,
        desk: Desk,
        edge: Edge,
        parent: QWidget,
        mode: str = "",
        files: StrategyFiles | None = None,
    ) -> None:
        super().__init__(parent)
        self.run = run
        self.coverage: StopCoverage | None = None
        self.fills_unread = False
        """Whether orders tell of more filled than the trades that were read."""
        self.net: float | None = None
        """The run's net result today as it is shown; None while it cannot be known."""
        self._runner = runner
        self._market = market
        self._desk = desk
        self._edge = edge
        self._mode = mode
        self._state_shown: tuple[RunState, str] | None = None
        self._name = desk.name_of_run(run.run_id)
        self._files = files
        self.setObjectName(f"run_card_{run.run_id}")
        self.setAccessibleName(f"{run.strategy.title}, {self._name}")
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
        self._build_buttons(whole)  # above all that comes and goes: they never move under the mouse
        self._build_result(whole)
        self.held_back = self._line(whole, "warn")
        self.detail = self._line(whole)
        self.file = FileLine(self.run, self._runner, self._desk, self._files, self._edge, self)
        self.left = LeftBehind(self.run, self._runner, self._desk, self._mode, self._edge, self)
        whole.addWidget(self.file)
        whole.addWidget(self.left)
        self._build_more(whole)
        self.pages = RunPages(self.run, self._name, self._desk, self._edge, self)
        whole.addWidget(self.pages)
        self.more.setChecked(not self.run.state.over)

    def _build_head(self, whole: QVBoxLayout) -> None:
        run_id = self.run.run_id
        self.more = QToolButton(self)
        self.more.setObjectName(f"run_more_{run_id}")
        self.more.setCheckable(True)
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.setFont(ui_font(10, bold=True))
        self.more.setToolTip(as_tip(say(f"{self.run.strategy.title}: show or hide what it runs on and what it does")))
        self.more.setAccessibleName(say(f"Details of {self._name}"))
        self.more.setStyleSheet(
            "QToolButton, QToolButton:checked { border: 0; background: transparent; padding: 0; text-align: left; "
            f"color: {self._edge.theme.text}; }} QToolButton:focus {{ color: {self._edge.theme.accent}; }}"
        )
        self.more.toggled.connect(lambda _on: self.refresh())
        self.number = Words(say(self._desk.name_of_run(run_id)), self)
        self.number.setStyleSheet(f"color: {self._edge.theme.muted};")
        self.mode = Words(say(MODE_MARKS.get(self._mode, self._mode.upper())), self)
        self.mode.setObjectName(f"run_mode_{run_id}")
        self.mode.setFont(ui_font(8, bold=True))
        self.mode.setToolTip(as_tip(say(f"Its orders: {MODE_WORDS.get(self._mode, '')}")))
        self.mode.setStyleSheet(f"color: {self._edge.theme.colour(MODE_ROLES.get(self._mode, 'warn')).name()};")
        self.mode.setVisible(bool(self._mode))
        self.state = Chip(f"run_state_{run_id}", self._edge, self)
        names, under = QVBoxLayout(), QHBoxLayout()
        names.setSpacing(1)
        under.setSpacing(8)
        under.addWidget(self.number)
        under.addWidget(self.mode)
        under.addStretch(1)
        names.addWidget(self.more, 0, Qt.AlignmentFlag.AlignLeft)
        names.addLayout(under)
        head = QHBoxLayout()
        head.addLayout(names, 1)
        head.addWidget(self.state, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(head)

    def _build_result(self, whole: QVBoxLayout) -> None:
        self.position = Words(self)
        give_way(self.position)
        self.pnl = Words(self)
        self.pnl.setFont(ui_font(11, bold=True))
        self.pnl.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        self.pnl.setAccessibleName(say("Net profit and loss of this run today"))
        row = QHBoxLayout()
        row.addWidget(self.position, 1)
        row.addWidget(self.pnl)
        whole.addLayout(row)

    def _build_more(self, whole: QVBoxLayout) -> None:
        """What can be folded away."""
        self.inside = QWidget(self)
        inside = QVBoxLayout(self.inside)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(5)
        self.where = self._line(inside, "muted")
        self.params = RunParameters(self.run, self._name, self._runner.change, self._edge, self)
        inside.addWidget(self.params)
        self.stops = self._line(inside)
        self.reason = self._line(inside)
        self.variables = self._line(inside)
        self.variables.setTextFormat(Qt.TextFormat.RichText)
        self.age = self._line(inside)
        self.process = self._line(inside)
        self.stop_words = self._line(inside, "muted")
        whole.addWidget(self.inside)

    def _line(self, whole: QVBoxLayout, role: Role = "text") -> QLabel:
        line = Words(self)
        give_way(line)
        line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        line.hide()
        whole.addWidget(line)
        return line

    def _build_buttons(self, whole: QVBoxLayout) -> None:
        run_id, runner = self.run.run_id, self._runner
        self.begin = self._button("begin", "Start", lambda: self._ask("start", self._begin()))
        self.begin.setStyleSheet("font-weight: 600;")
        self.pause = self._button("pause", "Pause entries", lambda: runner.pause(run_id))
        self.pause.setToolTip(say("Refuse new entries; exits still pass"))
        self.resume = self._button("resume", "Resume", lambda: runner.resume(run_id))
        self.stop = self._button("stop", "Stop", lambda: self._ask("stop", self._stop()))
        self.again = self._button("again", "Start again…", lambda: self.again_wanted.emit(self.run))
        self.again.setToolTip(say("Fill the form as it was for this run"))
        self.clone = self._button("clone", "Clone", lambda: self.clone_wanted.emit(self.run))
        self.clone.setToolTip(say("Fill the form with this strategy and these parameters, for another instrument"))
        row = QGridLayout()
        for button in (self.begin, self.pause, self.resume, self.again):  # one at a time, in one place
            _keep_room(button)
            row.addWidget(button, 0, 0)
        self.stop.setMinimumWidth(max(self.stop.sizeHint().width(), _wide(self.stop, say("Unload"))))
        _keep_room(self.stop)
        row.addWidget(self.stop, 0, 1)
        row.addWidget(self.clone, 0, 2)
        for column, share in enumerate((2, 2, 1)):
            row.setColumnStretch(column, share)
        whole.addLayout(row)

    def _button(self, name: str, text: str, work: Callable[[], object]) -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(f"run_{name}_{self.run.run_id}")
        button.setAccessibleName(f"{text} {self._desk.name_of_run(self.run.run_id)}")
        button.clicked.connect(lambda _checked=False: work())
        return button

    def _ask(self, what: str, work: Coroutine[Any, Any, None]) -> None:
        self._edge.spawn(f"{what} {self.run.run_id}", work)

    async def _begin(self) -> None:
        await self._runner.begin(self.run.run_id)

    async def _stop(self) -> None:
        words = await self._runner.stop(self.run.run_id)
        self._edge.notify(f"{self._desk.name_of_run(self.run.run_id)} stopped: {words}", "info")

    # -- what is shown ---------------------------------------------------------------------------------------

    def fits(self, words: list[str]) -> bool:
        """Whether all these words, in small letters, are in what the card is about."""
        run = self.run
        named = f"{run.strategy.name} {run.strategy.title} {self._desk.name_of_run(run.run_id)} {run.state}"
        told = f"{named} {' '.join(i.key for i in run.instruments)}".lower()
        return all(word in told for word in words)

    def follow_state(self) -> None:
        """Show the state and what may be asked in it, at once; the rest waits for `refresh`."""
        state, held_back = self.run.state, self._held_back()
        if (state, held_back) == self._state_shown:
            return  # a run may speak at every tick; its state changes a few times a day
        if state is RunState.STOPPED and self._state_shown is not None:
            self.more.setChecked(False)  # what it left, if anything, is shown all the same
        self._state_shown = (state, held_back)
        exits_only = bool(held_back) and self.run.asking
        self.state.say(
            f"{state} · exits only" if exits_only else str(state), "warn" if held_back else STATE_ROLES[state]
        )
        _say(self.held_back, held_back)
        self._show_buttons()

    def _held_back(self) -> str:
        """Why it may not start, or why its entries do not pass though it runs; empty where they do."""
        if self.run.state is RunState.LOADED:
            return runlines.why_no_start(self._desk)
        if not self.run.asking:
            return ""
        if self._desk.trading_state is TradingState.REDUCING:
            return f"Its entries are refused, its exits pass. {self._desk.why_halted}"
        why = self._desk.differences.why_locked()
        return f"Its entries are refused, its exits pass: {why}." if why else ""

    def refresh(self) -> None:
        """Show the run as it is now."""
        run, over = self.run, self.run.state.over
        self.follow_state()
        opened = self.more.isChecked()
        self.more.setText(f"{'▾' if opened else '▸'} {runlines.short(run.strategy.title, TITLE_MOST)}")
        self.inside.setVisible(opened)
        self.number.setText(say(self._desk.name_of_run(run.run_id)))
        _say(self.position, runlines.position(run))
        self.show_pnl()
        if _say(self.detail, runlines.ending(run)):
            role: Role = "danger" if run.state is RunState.FAILED else "muted"
            self.detail.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        self.file.refresh()
        self.left.refresh()
        self.pages.setVisible(opened)
        if opened or over:
            self.params.refresh()  # a form that is open when the run ends is taken away
        if opened:
            self._show_more(over)
            self.pages.refresh()

    def _show_more(self, over: bool) -> None:
        run = self.run
        _say(self.where, runlines.where(run))
        self._show_stops()
        _say(self.reason, f"Last decision: {runlines.short(run.last_reason, REASON_MOST)}" if run.last_reason else "")
        _say(self.variables, "" if over else runlines.variables(run.variables, self._edge.theme.muted))
        self._tint(self.age, *(("", "muted") if over else runlines.age(run, self._market)))
        self._tint(self.process, *(("", "muted") if over else runlines.process(run.pulse)))
        silent = over or run.state in NOT_BEGUN  # one that has not begun has nothing that Stop could touch
        _say(self.stop_words, "" if silent else self._runner.what_stop_does(run.run_id))

    def _tint(self, line: QLabel, text: str, role: Role) -> None:
        if _say(line, text):
            line.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")

    def show_pnl(self) -> None:
        """Show the run's net result at the latest prices."""
        made = self._desk.ledger.of_run(self.run.run_id, self.run.price_of)
        net, tip = made.net, runlines.made_of(made)
        if self.fills_unread:  # the order's own figures are here before the trades that are charged
            gross = self.run.pnl()
            net, tip = None if gross is None else gross - made.charges, f"{tip}; fills are still being read"
        self.net = net
        role: Role = "muted" if net is None else "up" if net > 0 else "down" if net < 0 else "unchanged"
        if _say(self.pnl, formats.signed_rupees(net)):
            self.pnl.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
            self.pnl.setToolTip(as_tip(say(tip)))

    def _show_stops(self) -> None:
        """What stops protect of the positions that the run holds."""
        held = {(key, product) for key in self.run.holdings() for product in self.run.held_as(key)}
        rows = [] if self.coverage is None or not held else self.coverage.rows()
        own = [row for row in rows if (row.position.key, row.position.product) in held]
        if _say(self.stops, "\n".join(f"Stops of {row.position.tradingsymbol}: {in_words(row)}" for row in own)):
            role = summary_of(own)[1]
            self.stops.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")

    def _show_buttons(self) -> None:
        state = self.run.state
        self.begin.setVisible(state in NOT_BEGUN)
        self.begin.setEnabled(state is RunState.LOADED and not self._held_back())
        self.pause.setVisible(not state.over and state is not RunState.PAUSED and state not in NOT_BEGUN)
        self.pause.setEnabled(state is RunState.RUNNING)
        self.resume.setVisible(state is RunState.PAUSED)
        self.stop.setText(say("Unload" if state in NOT_BEGUN else "Stop"))
        self.stop.setVisible(not state.over)
        self.again.setVisible(state.over)
        self.stop.setEnabled(self.run.asking or state in NOT_BEGUN)


def _keep_room(button: QPushButton) -> None:
    """Its room stays its own while it is hidden."""
    policy = button.sizePolicy()
    policy.setRetainSizeWhenHidden(True)
    button.setSizePolicy(policy)


def _wide(button: QPushButton, text: str) -> int:
    """How wide the button is with other words on it."""
    said, room = button.text(), button.sizeHint().width()
    metrics = button.fontMetrics()
    return room + max(0, metrics.horizontalAdvance(text) - metrics.horizontalAdvance(said))


def _say(label: QLabel, text: str) -> bool:
    """Show text, or nothing at all where there is none; whether it changed."""
    label.setVisible(bool(text))
    if label.text() == text:
        return False
    label.setText(say(text))
    return True
