"""Above the cards: what to look for, and what is asked of all runs at once.

Object names for the tour: `strategy_filter`, `strategies_start_all`, `strategies_pause_all`, `strategies_stop_all`,
`strategies_summary`.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.sheet import give_way
from alphapanda_desktop.ui.words import say

STOPPED_BY: Final = "stopped from the strategies panel"
COUNTED: Final = (
    (RunState.RUNNING, "running"), (RunState.PAUSED, "paused"), (RunState.LOADED, "loaded"),
    (RunState.FAILED, "failed"),
)  # fmt: skip


class StrategyBar(QWidget):
    """The filter, three buttons and a summary.

    Signals: `filtered(text)` as one types; `entered()` when Enter is pressed in the filter.
    """

    filtered = Signal(str)
    entered = Signal()

    def __init__(self, runner: Runner, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._runner = runner
        self._edge = edge
        self.filter = QLineEdit(self)
        self.filter.setObjectName("strategy_filter")
        self.filter.setPlaceholderText(say("Search strategies and runs"))
        self.filter.setAccessibleName(say("Search strategies and runs"))
        self.filter.setToolTip(
            say("Shows the cards and offers the strategies that these words fit; Enter opens the form")
        )
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self.filtered)
        self.filter.returnPressed.connect(self.entered)
        self.found = Words(self)
        self.found.setStyleSheet(f"color: {edge.theme.muted};")
        self.found.hide()
        self.start = self._button("start_all", "Start all", "Start every run that is loaded", self._start_all)
        self.pause = self._button("pause_all", "Pause all", "Refuse entries of every run; exits pass", self._pause_all)
        self.stop = self._button("stop_all", "Stop all", "", self._stop_all)
        self.summary = Words(self)
        self.summary.setObjectName("strategies_summary")
        give_way(self.summary)
        self.summary.setStyleSheet(f"color: {edge.theme.muted};")
        row = QHBoxLayout()
        for button in (self.start, self.pause, self.stop):
            row.addWidget(button, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(4, 4, 4, 2)
        box.setSpacing(5)
        box.addWidget(self.filter)
        box.addWidget(self.found)
        box.addLayout(row)
        box.addWidget(self.summary)

    def _button(self, name: str, text: str, tip: str, work: Callable[[], object]) -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(f"strategies_{name}")
        button.setAccessibleName(say(f"{text} strategy runs"))
        button.setToolTip(as_tip(say(tip)))
        button.clicked.connect(lambda _checked=False: work())
        return button

    def show_net(self, net: float | None) -> None:
        """Say what the runs do, and what they made together today; None where that is not known."""
        runs = self._runner.runs
        parts = [f"{len(_in(runs, state))} {word}" for state, word in COUNTED if _in(runs, state)]
        self.summary.setVisible(bool(runs))
        self.summary.setText(say(f"{' · '.join(parts) or 'none running'} · today {formats.known_result(net)}"))

    def refresh(self) -> None:
        """Offer what makes sense now."""
        runs = self._runner.runs
        alive = [run for run in runs if not run.state.over]
        running = _in(runs, RunState.RUNNING)
        self.start.setEnabled(bool(_in(runs, RunState.LOADED)))
        self.pause.setText(say("Pause all" if running or not _in(runs, RunState.PAUSED) else "Resume all"))
        self.pause.setEnabled(bool(running or _in(runs, RunState.PAUSED)))
        self.stop.setEnabled(bool(alive))
        self.stop.setToolTip(as_tip(say(self._what_stop_does(alive))))

    def _what_stop_does(self, alive: Sequence[Run]) -> str:
        working = sum(order.live for run in alive for order in run.orders.values())
        held = sum(holding.quantity != 0 for run in alive for holding in run.holdings().values())
        return f"Stops {len(alive)}: cancels their {working} working orders; {held} positions stay open"

    def tell_found(self, text: str) -> None:
        """What the words in the filter fit."""
        self.found.setText(say(text))
        self.found.setVisible(bool(text))

    # -- all at once -----------------------------------------------------------------------------------------

    def _start_all(self) -> None:
        self._ask("start all", self._runner.begin_all())

    def _pause_all(self) -> None:
        if _in(self._runner.runs, RunState.RUNNING):
            self._runner.pause_all()
        else:
            self._runner.resume_all()

    def _stop_all(self) -> None:
        self._ask("stop all", self._runner.stop_all(STOPPED_BY))

    def _ask(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        self._edge.spawn(name, work)


def _in(runs: Sequence[Run], state: RunState) -> list[Run]:
    return [run for run in runs if run.state is state]
