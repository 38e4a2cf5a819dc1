"""What became of a run's file since it was loaded: a newer version to go on with, or why there is none.

Object name for the tour: `run_reload_<run_id>`.
"""

from __future__ import annotations

from pydantic import ValidationError
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from alphapanda_desktop.domain.authored import FileNews
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.reload import reload
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import problems_of
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import give_way, tell
from alphapanda_desktop.ui.strategyfiles import StrategyFiles
from alphapanda_desktop.ui.words import say


class FileLine(QWidget):
    """A line and a button, hidden while the file holds what the run was loaded from."""

    def __init__(
        self, run: Run, runner: Runner, desk: Desk, files: StrategyFiles | None, edge: Edge, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._run = run
        self._runner = runner
        self._desk = desk
        self._files = files
        self._edge = edge
        self._busy = False
        self._refused = ""
        self.words = Words(self)
        give_way(self.words)
        self.words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.reload = QPushButton(say("Reload"), self)
        self.reload.setObjectName(f"run_reload_{run.run_id}")
        self.reload.setAccessibleName(say(f"Go on with the newer version of {desk.name_of_run(run.run_id)}"))
        self.reload.setToolTip(say("Load the newer version, stop this run, and hand its position over"))
        self.reload.clicked.connect(lambda _checked=False: edge.spawn(f"reload {run.run_id}", self._reload()))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.words, 1)
        row.addWidget(self.reload, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def refresh(self) -> None:
        """Show how the run stands to its file now."""
        news = self._files.news_of(self._run.strategy) if self._files is not None else FileNews()
        words, role = _words(news)
        if self._refused and news.newer:
            words, role = self._refused, "danger"
        if self._run.state.over:
            words = ""
        if words != self.words.text():
            tell(self.words, words)
            self.words.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        self.reload.setVisible(news.newer)
        self.reload.setEnabled(not self._busy and self._run.asking)
        self.reload.setText(say("Reloading…" if self._busy else "Reload"))
        self.setVisible(bool(words))

    def forget(self) -> None:
        """The file is another one now: what was refused before is no more."""
        self._refused = ""
        self.refresh()

    async def _reload(self) -> None:
        """Go on with the newer version; what is wrong with it is said here, and this run goes on."""
        if self._busy:
            return
        self._busy, self._refused = True, ""
        self.refresh()
        try:
            new = await reload(self._runner, self._run.run_id)
            self._edge.notify(f"{self._desk.name_of_run(new.run_id)} goes on with the newer version.", "info")
        except ValidationError as error:
            self._refused = " ".join(problem.text for problem in problems_of(error))
        except StrategyError as error:
            self._refused = str(error)
        finally:
            self._busy = False
            self.refresh()


def _words(news: FileNews) -> tuple[str, str]:
    if news.problems:
        return f"What was saved last cannot be loaded, this version goes on:\n{news.problems[0]}", "danger"
    if news.newer:
        return "A newer version of its file is ready; this one goes on until you reload.", "accent"
    if news.off:
        return "Its file was changed, and what it holds now is not enabled; this version goes on.", "warn"
    return "", "muted"
