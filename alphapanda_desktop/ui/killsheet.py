"""The kill switch's sheet: what it does as it does it, the written report, closing positions, release by typing.

It asks nothing before it acts: whoever presses KILL has strategies stopped and orders cancelled at once, and chooses
here whether positions are closed too.
Object names: `kill_flatten`, `kill_steps`, `kill_report`, `kill_copy`, `kill_save`, `kill_word`, `kill_release`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QScrollArea, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.books import COVER
from alphapanda_desktop.trading.killreport import KillReport, KillStep
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.fonts import fixed_font
from alphapanda_desktop.ui.plain import Marked
from alphapanda_desktop.ui.sheet import Sheet, copy_text, save_text, tell, tint
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.trading.kill import KillSwitch

WORD: Final = "RELEASE"
TITLES: Final[dict[TradingState, tuple[str, Role]]] = {
    TradingState.HALTED: ("■ Trading is halted", "danger"),
    TradingState.REDUCING: ("▲ Reducing: only exits pass", "warn"),
    TradingState.ACTIVE: ("Trading is active", "good"),
}
MARKS: Final[dict[bool | None, tuple[str, Role]]] = {True: ("✓", "good"), False: ("✕", "danger"), None: ("…", "warn")}
COVERS: Final = " Cover orders close in any case: cancelling the stop of one is its exit."
ASKED_HERE: Final = "close all positions, asked on the kill sheet"

Held = Callable[[], Sequence[Position]]


class KillSheet(Sheet):
    """Follows one kill switch until it is taken away; `held` gives the positions as the desk knows them.

    Reports are saved in `folder`.
    """

    def __init__(self, kill: KillSwitch, held: Held, folder: Path, edge: Edge, parent: QWidget) -> None:
        super().__init__("kill_sheet", "Kill switch", edge, parent, "danger")
        self._kill = kill
        self._held = held
        self._folder = folder
        self._flattening = False
        self._build()
        connect(kill.changed, self, self.follow)
        edge.frames.add(self, self._show_positions)
        self.follow()

    def _build(self) -> None:
        self.why = self.line()
        self.steps = Marked(self)
        self.steps.setObjectName("kill_steps")
        self.steps.setAccessibleName(say("What the kill switch has done"))
        self.steps.setWordWrap(True)
        self.steps.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.steps.setContentsMargins(12, 8, 12, 8)
        self.area = QScrollArea(self)
        self.area.setWidgetResizable(True)
        self.area.setAccessibleName(say("What the kill switch has done"))
        self.area.setWidget(self.steps)
        self.report = QPlainTextEdit(self)
        self.report.setObjectName("kill_report")
        self.report.setAccessibleName(say("The written report"))
        self.report.setReadOnly(True)
        self.report.setFont(fixed_font(10))
        self.result = self.line(name="kill_result")
        self.body.addWidget(self.why)
        self.body.addLayout(self._positions_row())
        self.body.addWidget(self.result)
        self.body.addWidget(self.area, 2)
        self.body.addWidget(self.report, 3)
        self._build_foot()

    def _positions_row(self) -> QHBoxLayout:
        self.positions = self.line(name="kill_positions")
        self.flatten = self.button("kill_flatten", "Close all positions", self._flatten)
        self.flatten.setProperty("order", "KILL")
        row = QHBoxLayout()
        row.addWidget(self.positions, 1)
        row.addWidget(self.flatten, 0, Qt.AlignmentFlag.AlignTop)
        return row

    def _build_foot(self) -> None:
        self.copy = self.button("kill_copy", "Copy report", self._copy)
        self.save = self.button("kill_save", "Save report", self._save)
        self.field = QLineEdit(self)
        self.field.setObjectName("kill_word")
        self.field.setAccessibleName(say(f"Type {WORD} to let orders pass again"))
        self.field.setPlaceholderText(say(f"type {WORD}"))
        self.field.setMaximumWidth(150)
        self.field.returnPressed.connect(self._release)
        self.release = self.button(
            "kill_release", "Release", self._release, f"Let orders pass again: type {WORD} first"
        )
        self.answer = self.line("", "danger", "kill_answer")
        for widget in (self.copy, self.save):
            self.foot.addWidget(widget)
        self.foot.addStretch(1)
        self.foot.addWidget(self.answer, 4)
        self.foot.addWidget(self.field)
        self.foot.addWidget(self.release)

    # -- what is shown ---------------------------------------------------------------------------------------

    def follow(self) -> None:
        """Show the switch as it is now."""
        state, report = self._kill.state, self._kill.report
        title, role = TITLES[state]
        self.title.setText(say(title))
        self.colour(role)
        tell(self.why, self._why(state, report))
        at_work = report is not None and report.done_at is None
        self._show_result(report, at_work)
        self.steps.setText(say(self._steps(report.steps if report else ())))
        self.area.setVisible(at_work)
        self.report.setVisible(report is not None and not at_work)
        if report is not None and self.report.toPlainText() != report.text():
            self.report.setPlainText(report.text())
        for widget in (self.copy, self.save):
            widget.setEnabled(report is not None)
        for held in (self.field, self.release):
            held.setVisible(state is not TradingState.ACTIVE)
        self._show_positions()

    def _why(self, state: TradingState, report: KillReport | None) -> str:
        if state is TradingState.ACTIVE:
            return "No kill switch is on. The last report:" if report else "No kill switch is on."
        passing = "No order passes" if state is TradingState.HALTED else "Only orders that shrink a position pass"
        return f"{passing} until it is released, restarts included. Why: {self._kill.why}"

    def _show_result(self, report: KillReport | None, at_work: bool) -> None:
        if report is None:
            tell(self.result, "")
            return
        if at_work:
            words: tuple[str, Role] = ("At work: stopping strategies, cancelling orders, asking the broker.", "warn")
        elif report.clean:
            words = (
                f"Done {formats.ist_time(report.done_at)}: all that was asked for is known to have happened.",
                "good",
            )
        else:
            words = (
                "NOT everything is known to have happened: read what is left below, and look at Kite itself.",
                "danger",
            )
        tell(self.result, words[0])
        tint(self.result, words[1], self.edge)

    def _steps(self, steps: Sequence[KillStep]) -> str:
        return f"<table cellpadding=3>{''.join(self._step(step) for step in steps)}</table>"

    def _step(self, step: KillStep) -> str:
        mark, role = MARKS[step.ok]
        tone, muted = (self.edge.theme.colour(name).name() for name in (role, "muted"))
        return (
            f"<tr><td style='color:{tone}'><b>{mark}</b></td>"
            f"<td style='color:{muted}'>{formats.ist_time(step.at)}</td>"
            f"<td>{escape(step.name)}</td><td style='color:{muted}'>{escape(step.detail)}</td></tr>"
        )

    def _show_positions(self) -> None:
        held = [row for row in self._held() if row.quantity]
        named = ", ".join(f"{formats.signed(row.quantity, 0)} {row.tradingsymbol} {row.product}" for row in held)
        covers = COVERS if any(row.product == COVER for row in held) else ""
        known = f"Open positions, as last read: {named}.{covers}" if held else "No open position is known."
        tell(self.positions, known)
        self.flatten.setVisible(self._kill.state is TradingState.HALTED)
        self.flatten.setEnabled(bool(held) and not self._flattening)
        self.flatten.setText(say("Closing…" if self._flattening else "Close all positions"))

    # -- what the person does --------------------------------------------------------------------------------

    def _flatten(self) -> None:
        self.start("flatten", self._close_positions())

    async def _close_positions(self) -> None:
        self._flattening = True
        self._show_positions()
        try:
            await self._kill.press(ASKED_HERE, flatten=True)
        finally:
            self._flattening = False

    def _release(self) -> None:
        self.start("release", self._let_go(self.field.text().strip()))

    async def _let_go(self, typed: str) -> None:
        try:
            await self._kill.release(typed)
        except AlphaPandaError as error:
            tell(self.answer, str(error))
        else:
            tell(self.answer, "")
            self.field.clear()

    def _copy(self) -> None:
        if self._kill.report is not None:
            copy_text(self._kill.report.text(), self.edge, "The kill report")

    def _save(self) -> None:
        report = self._kill.report
        if report is not None:
            name = f"kill-report-{report.pressed_at.astimezone(IST):%Y-%m-%d-%H%M%S}.txt"
            save_text(report.text() + "\n", self._folder, name, self.edge)
