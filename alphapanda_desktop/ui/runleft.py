"""What a run has left behind, on its card, and the three ways to see to it: take it, hand it over, close it.

Object names for the tour: `run_adopt_<run_id>`, `run_heir_<run_id>`, `run_hand_over_<run_id>`, `run_flatten_<run_id>`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import Pick
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.question import Asker, Question
from alphapanda_desktop.ui.sheet import give_way, tell
from alphapanda_desktop.ui.words import count_of, say

if TYPE_CHECKING:
    from alphapanda_desktop.trading.orphans import Orphan

TIPS: Final = {
    "adopt": "The position is yours from now on: this run counts it no more, and its stops in this program end",
    "hand_over": "Its working orders are cancelled, then the other run holds the position, and its stops there",
    "flatten": "Cancel its working orders and close its position at the market",
}


class LeftBehind(QFrame):
    """Shown on the card of a run that is over while something of it is held or works still."""

    def __init__(self, run: Run, runner: Runner, desk: Desk, mode: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._run = run
        self._runner = runner
        self._desk = desk
        self._mode = mode
        self._edge = edge
        self._asker = Asker()
        self.setStyleSheet(
            f"LeftBehind {{ border: 0; border-left: 3px solid {edge.theme.warn}; background: transparent; }}"
        )
        self.words = Words(self)
        give_way(self.words)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.adopt = self._button("adopt", "Take it", self._ask_adopt)
        self.flatten = self._button("flatten", "Close it…", self._ask_flatten)
        self.hand_over = self._button("hand_over", "Hand over", self._ask_hand_over)
        self.heir = Pick(self)
        self.heir.setObjectName(f"run_heir_{run.run_id}")
        self.heir.setAccessibleName(say(f"Which run takes over from {desk.name_of_run(run.run_id)}"))
        self._build()
        self.hide()

    def _build(self) -> None:
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self.adopt, 1)
        first.addWidget(self.flatten, 1)
        second.addWidget(self.hand_over)
        second.addWidget(self.heir, 1)
        box = QVBoxLayout(self)
        box.setContentsMargins(8, 2, 0, 2)
        box.setSpacing(5)
        box.addWidget(self.words)
        box.addLayout(first)
        box.addLayout(second)

    def _button(self, name: str, text: str, work: Callable[[], object]) -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(f"run_{name}_{self._run.run_id}")
        button.setAccessibleName(
            say(f"{text.rstrip('…')}: what {self._desk.name_of_run(self._run.run_id)} left behind")
        )
        button.setToolTip(as_tip(say(TIPS[name])))
        button.clicked.connect(lambda _checked=False: work())
        return button

    # -- what is shown ---------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show what is left, or nothing."""
        left = self._runner.orphans(self._run.run_id) if self._run.state.over else []
        self.setVisible(bool(left))
        if not left:
            return
        tell(self.words, "It left behind, for you to see to:\n" + "\n".join(f"• {_words(orphan)}" for orphan in left))
        heirs = self._heirs(left)
        names = [(self._desk.name_of_run(run.run_id), run.run_id) for run in heirs]
        if names != [(self.heir.itemText(place), self.heir.itemData(place)) for place in range(self.heir.count())]:
            kept = self.heir.currentData()
            self.heir.clear()
            for name, run_id in names:
                self.heir.addItem(name, run_id)
            self.heir.setCurrentIndex(max(0, self.heir.findData(kept)))
        self.hand_over.setVisible(bool(heirs))
        self.heir.setVisible(bool(heirs))

    def _heirs(self, left: Sequence[Orphan]) -> list[Run]:
        """Runs of the same strategy that trade all of it."""
        keys = {orphan.key for orphan in left}
        same = [run for run in self._runner.runs if run.asking and run.strategy.name == self._run.strategy.name]
        return [run for run in same if keys <= {instrument.key for instrument in run.instruments}]

    # -- what a person asks for ------------------------------------------------------------------------------

    def _ask_adopt(self) -> None:
        self._edge.spawn(f"adopt {self._run.run_id}", self._adopt())

    async def _adopt(self) -> None:
        self._say(await self._runner.adopt(self._run.run_id))

    def _ask_hand_over(self) -> None:
        heir = self.heir.currentData()
        if heir:
            self._edge.spawn(f"hand over {self._run.run_id}", self._hand_over(heir))

    async def _hand_over(self, heir: str) -> None:
        self._say(await self._runner.hand_over(self._run.run_id, heir))

    def _ask_flatten(self) -> None:
        self._edge.spawn(f"flatten {self._run.run_id}", self._flatten())

    async def _flatten(self) -> None:
        run_id = self._run.run_id
        lines = [f"• {_words(orphan)}" for orphan in self._runner.orphans(run_id)]
        title = f"Close what {self._desk.name_of_run(run_id)} left behind?"
        question = Question(title, [*lines, TIPS["flatten"] + "."], "Close it", self._mode, self._edge, self.window())
        if await self._asker.confirmed(question):
            self._say(await self._runner.flatten(run_id))

    def _say(self, words: str) -> None:
        self._edge.notify(f"{self._desk.name_of_run(self._run.run_id)}: {words}", "info")
        self.refresh()


def _words(orphan: Orphan) -> str:
    name = orphan.key.partition(":")[2]
    held = f"{formats.grouped(orphan.quantity)} {name} {orphan.product} @ {formats.price(orphan.average_price)}"
    parts = [held if orphan.quantity else f"{name} {orphan.product}"]
    parts += [f"{count_of(len(orphan.orders), 'order')} at work"] if orphan.orders else []
    parts.append("; ".join(orphan.guarded) if orphan.guarded else "no stop of this program watches it")
    return ", ".join(parts)
