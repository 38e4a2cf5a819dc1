"""The master switch beside KILL: every strategy's entries held, or let pass again, and how many do what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui.chips import Notice
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:  # behind these is what the first paint does not wait for
    from alphapanda_desktop.trading.run import RunState
    from alphapanda_desktop.trading.runner import Runner

KEY: Final = "Ctrl+Shift+P"
NOBODY: Final = "No strategy runs. Start one in the panel Strategies."


class AlgosButton(Notice):
    """Pauses while any strategy may enter, else resumes all; follows one runner. Object name: `algos`."""

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__("algos", edge, parent)
        self._runner: Runner | None = None
        self.clicked.connect(lambda _checked=False: self.turn())
        # Heard in every window of the program, as the kill switch is: a torn-off chart has the keyboard, too.
        key = QShortcut(QKeySequence(KEY), self)
        key.setContext(Qt.ShortcutContext.ApplicationShortcut)
        key.setAutoRepeat(False)
        key.activated.connect(self.turn)
        self._tell(0, 0, 0)

    def follow(self, runner: Runner) -> None:
        """Show and command the runs of this runner from now on."""
        if self._runner is not None:
            self._runner.changed.disconnect(self.refresh, missing_ok=True)
        self._runner = runner
        connect(runner.changed, self, self.refresh)
        self.refresh()

    def turn(self) -> None:
        """Hold every strategy's entries, or let all enter again where none may."""
        runner = self._runner
        if runner is None or not self.isEnabled():
            return
        going, held, _loaded = _counts(run.state for run in runner.runs)
        if going:
            runner.pause_all()
        elif held:
            runner.resume_all()

    def refresh(self, _run_id: str = "") -> None:
        """Count the runs anew."""
        if self._runner is not None:
            self._tell(*_counts(run.state for run in self._runner.runs))

    def _tell(self, going: int, held: int, loaded: int) -> None:
        self.setEnabled(bool(going or held))
        if going:
            words = f"▶ Algos {going} on" + (f" · ⏸ {held}" if held else "")
            tip = f"{going} may enter and {held} may not. Press to pause the entries of all; their exits still pass"
            self.say(words, "good", f"{tip} ({KEY})", short=f"▶ {going}" + (f" ⏸ {held}" if held else ""))
        elif held:
            tip = f"The entries of {held} are paused; exits pass. Press to let all enter again ({KEY})"
            self.say(f"⏸ Algos {held} paused", "warn", tip, short=f"⏸ {held}")
        else:
            ready = f"{loaded} loaded" if loaded else "off"
            self.say(f"■ Algos {ready}", "muted", NOBODY, short="■ Algos")
        self.setAccessibleName(say(f"Algos: {going} on, {held} paused. {self.toolTip()}"))


def _counts(states: Iterable[RunState]) -> tuple[int, int, int]:
    """How many may enter, are paused, and wait for their start."""
    from alphapanda_desktop.trading.run import RunState

    states = list(states)
    going = sum(state in (RunState.RUNNING, RunState.STARTING) for state in states)
    return going, states.count(RunState.PAUSED), states.count(RunState.LOADED)
