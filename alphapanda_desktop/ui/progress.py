"""Long work on the status bar: what it is, how far it is, and a button that stops it.

Object names: `works`, `work_name`, `work_share`, `work_stop`.
"""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QProgressBar, QToolButton, QWidget

from alphapanda_desktop.domain.progress import Progress
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

LOOK_MS: Final = 100
PATIENCE_LOOKS: Final = 3
"""What is over by then was never shown: a flicker says nothing."""
SHOWN: Final = 2
"""Works that have room beside one another; of the others their number is told."""
NAME_PX: Final = 260


class WorkCell(QWidget):
    """One long work."""

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._progress: Progress | None = None
        self.name = Words(self)
        self.name.setObjectName("work_name")
        self.name.setFont(ui_font(9))
        self.name.setMaximumWidth(NAME_PX)
        self.share = QProgressBar(self)
        self.share.setObjectName("work_share")
        self.share.setTextVisible(False)
        self.share.setFixedSize(110, 10)
        theme = edge.theme
        self.share.setStyleSheet(
            f"QProgressBar {{ background: {theme.panel}; border: 1px solid {theme.border}; border-radius: 4px; }}"
            f"QProgressBar::chunk {{ background: {theme.accent}; border-radius: 3px; }}"
        )
        self.stop = QToolButton(self)
        self.stop.setObjectName("work_stop")
        self.stop.setText(say("✕ Stop"))
        self.stop.setFont(ui_font(9))
        self.stop.setAutoRaise(True)
        self.stop.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.stop.clicked.connect(self._stop)
        row = QHBoxLayout(self)
        row.setContentsMargins(6, 0, 6, 0)
        row.setSpacing(6)
        for widget in (self.name, self.share, self.stop):
            row.addWidget(widget)

    def show_work(self, progress: Progress) -> None:
        """Say how far this one is."""
        self._progress = progress
        words = say(progress.told())
        if words != self.share.accessibleName():
            self.share.setAccessibleName(say(words))
            self.name.setText(say(self.name.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, NAME_PX)))
            self.name.setToolTip(as_tip(say(words)))
            self.stop.setAccessibleName(say(f"Stop: {progress.name}"))
            self.stop.setToolTip(as_tip(say(f"Stop: {progress.name}")))
        self.share.setRange(0, progress.total)  # to 0 of 0: it moves, and says that nobody knows
        self.share.setValue(progress.done)
        self.stop.setVisible(progress.stoppable)
        self.stop.setEnabled(not progress.asked_to_stop)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self.show_work(self._progress)


class WorkBar(QWidget):
    """The works of an edge; it looks at them only while there are any."""

    def __init__(self, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._works = edge.works
        self._looks = 0
        self.setObjectName("works")
        self.setAccessibleName(say("Long work"))
        self.cells = [WorkCell(edge, self) for _ in range(SHOWN)]
        self.more = Words(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        for widget in (*self.cells, self.more):
            row.addWidget(widget)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.look)
        listeners, mine = edge.works.listeners, self._changed
        listeners.append(mine)
        self.destroyed.connect(lambda _gone=None: listeners.remove(mine))
        self._show()

    def _changed(self) -> None:
        if not self._works.running:
            self._timer.stop()
            self._looks = 0
        elif not self._timer.isActive():
            self._timer.start(LOOK_MS)
        self._show()

    def look(self) -> None:
        """Show how far they are now."""
        self._looks += 1
        self._show()

    def _show(self) -> None:
        running = self._works.running if self._looks >= PATIENCE_LOOKS else []
        for place, cell in enumerate(self.cells):
            cell.setVisible(place < len(running))
            if place < len(running):
                cell.show_work(running[place])
        left = len(running) - SHOWN
        self.more.setVisible(left > 0)
        self.more.setText(say(f"and {left} more"))
        self.setVisible(bool(running))

    def stop_all(self) -> None:
        """Stop whatever can be stopped."""
        for progress in tuple(self._works.running):
            progress.stop()


def put_into(window: QMainWindow, edge: Edge) -> WorkBar:
    """The works of an edge on a window's status bar."""
    bar = WorkBar(edge, window)
    window.statusBar().insertPermanentWidget(0, bar)
    return bar
