"""A run's parameters on its card: in one line, and open to be changed while it runs.

Object names for the tour: `run_edit_<run_id>`, `run_param_<run_id>_<field>`, `run_apply_<run_id>`,
`run_discard_<run_id>`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from pydantic import ValidationError
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.ui import runlines
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import ModelForm, words_of
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import give_way, tell
from alphapanda_desktop.ui.words import say

Change = Callable[[str, Mapping[str, object]], Awaitable[object]]


class RunParameters(QWidget):
    """The line, and below it the form once a person opens it. `change` is the runner's."""

    def __init__(self, run: Run, name: str, change: Change, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._run = run
        self._change = change
        self._edge = edge
        self.form: ModelForm | None = None
        self.words = self._line("muted")
        self.edit = QToolButton(self)
        self.edit.setObjectName(f"run_edit_{run.run_id}")
        self.edit.setText(say("Edit"))
        self.edit.setCheckable(True)
        self.edit.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.edit.setToolTip(say("Change parameters; a run that goes on takes them at its next bar"))
        self.edit.setAccessibleName(say(f"Change the parameters of {name}"))
        self.edit.toggled.connect(self._open)
        self.waiting = self._line("accent")
        self.why = self._line("danger")
        self._build(name)

    def _build(self, name: str) -> None:
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.words, 1)
        head.addWidget(self.edit, 0, Qt.AlignmentFlag.AlignTop)
        self.apply = self._button("apply", "Apply at the next bar", self._ask)
        self.discard = self._button("discard", "Discard", lambda: self.edit.setChecked(False))
        for button, words in ((self.apply, "Apply parameters to"), (self.discard, "Discard changed parameters of")):
            button.setAccessibleName(f"{words} {name}")
        self._buttons = QWidget(self)
        row = QHBoxLayout(self._buttons)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.apply, 1)
        row.addWidget(self.discard)
        self._buttons.hide()
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(0, 0, 0, 0)
        self._box.setSpacing(4)
        self._box.addLayout(head)
        for widget in (self.waiting, self.why, self._buttons):
            self._box.addWidget(widget)

    def _line(self, role: str) -> QLabel:
        line = Words(self)
        give_way(line)
        line.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        line.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        line.hide()
        return line

    def _button(self, name: str, text: str, work: Callable[[], object]) -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(f"run_{name}_{self._run.run_id}")
        button.clicked.connect(lambda _checked=False: work())
        return button

    def refresh(self) -> None:
        """Show what the run has now."""
        run = self._run
        changeable = run.asking or run.state is RunState.LOADED
        tell(self.words, words_of(run.params))
        tell(self.waiting, "" if run.state.over else runlines.waiting(run))
        self.edit.setVisible(changeable and bool(type(run.params).model_fields))
        if not changeable and self.edit.isChecked():
            self.edit.setChecked(False)

    def _open(self, opened: bool) -> None:
        """Show the form with what the run will have, or take it away."""
        if self.form is not None:
            self._box.removeWidget(self.form)
            self.form.setParent(None)
            self.form.deleteLater()
            self.form = None
        tell(self.why, "")
        self._buttons.setVisible(opened)
        if opened:
            run = self._run
            prefix = f"run_param_{run.run_id}"
            self.form = ModelForm(run.strategy.Params, self._edge.theme, self, prefix)
            self.form.set_values((run.waiting_params or run.params).model_dump())
            self.form.changed.connect(self._judge)
            self._box.insertWidget(1, self.form)
            self._judge()

    def _judge(self) -> None:
        if self.form is None:
            return
        problems = self.form.judge()
        tell(self.why, " ".join(problem.text for problem in problems if not problem.field))
        self.apply.setEnabled(not problems)

    def _ask(self) -> None:
        if self.form is not None:
            self._edge.spawn(f"change {self._run.run_id}", self._apply(self.form.values()))

    async def _apply(self, values: Mapping[str, object]) -> None:
        """Ask for the change; what refuses it is said here, and the form stays open."""
        try:
            await self._change(self._run.run_id, values)
        except ValidationError as error:
            if self.form is not None:
                tell(self.why, " ".join(p.text for p in self.form.show_error(error) if not p.field))
        except AlphaPandaError as error:
            tell(self.why, str(error))
        else:
            self.edit.setChecked(False)
            self.refresh()
