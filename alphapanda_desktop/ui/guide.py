"""The guided first run: a strip of steps from nothing to a strategy that runs and is held.

A step is ticked when what it asks for has happened, whoever did it and by whatever way: the mode is set, the gate has
a session, the watchlist told of a choice, the runner of a run. Nothing here waits for a time or pretends.

Object names: guide, guide_words, guide_end, guide_step_<name>.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QRegion
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QSizePolicy, QToolBar, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.formats import countdown
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:  # the first paint does not wait for these
    from alphapanda_desktop.trading.runner import Runner
    from alphapanda_desktop.trading.session import SessionGate
    from alphapanda_desktop.ui.desk import DeskView
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

Place = Callable[[], QWidget | None]

WIDE_PX: Final = 2
PRACTICE: Final = "practice"


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done, in a few words and in a sentence."""

    name: str
    words: str
    how: str


STEPS: Final = (
    Step(
        "mode",
        "Choose Practice",
        "Press “Start practising”: a whole exchange on this computer, without an account and without money.",
    ),
    Step(
        "login",
        "Log in",
        "The practice exchange asks as Zerodha does. Its user ID, password and code stand on the page itself.",
    ),
    Step(
        "instrument",
        "Pick an instrument",
        "Click a share in the watchlist, or Enter on its row: the chart shows it, and the next strategy trades it.",
    ),
    Step(
        "start",
        "Start a strategy",
        "Everything is filled in already. Press Start in the panel Strategies: it runs in a process of its own.",
    ),
    Step(
        "hold",
        "Hold it",
        "It runs. Now press Algos, left of KILL: no strategy enters any more, while their exits still pass.",
    ),
)
DONE: Final = (
    "Done in {0}. Press Algos once more to let it enter again; its card tells why it acts; KILL stops everything."
)


class Ring(QWidget):
    """A line about the widget that a step is about.

    It is a frame by its shape, not only by what it paints: beside a native window, as the login's page is one, it
    becomes native itself, and would then keep the mouse from what it stands about, whatever Qt is told.
    """

    def __init__(self, edge: Edge, window: QWidget) -> None:
        super().__init__(window)
        self._edge = edge
        self.setObjectName("guide_ring")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def go_to(self, target: QWidget | None) -> None:
        """Stand about this widget, or nowhere where it cannot be seen."""
        if target is None or not target.isVisible() or target.window().isMinimized():
            self.hide()
            return
        top = target.window()
        if self.parentWidget() is not top:
            self.setParent(top)
        corner = target.mapTo(top, QPoint(0, 0))
        place = QRect(corner, target.size()).adjusted(-3, -3, 3, 3)
        if self.geometry() != place:
            self.setGeometry(place)
            inner = self.rect().adjusted(WIDE_PX, WIDE_PX, -WIDE_PX, -WIDE_PX)
            self.setMask(QRegion(self.rect()) - QRegion(inner))
        if not self.isVisible():
            self.show()
        if top.children()[-1] is not self:
            self.raise_()

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._edge.theme.colour("accent"))
        painter.end()


def _seen(widget: QWidget) -> QWidget | None:
    """It, unless a part of it is scrolled out of sight."""
    return widget if widget.visibleRegion().boundingRect() == widget.rect() else None


class Guide(QToolBar):
    """The strip of steps, under the strip that is always there; hidden unless it is asked for."""

    def __init__(self, window: MainWindow, edge: Edge, parts: DeskParts | None = None) -> None:
        super().__init__(say("Guided first run"), window)
        self._window = window
        self._edge = edge
        self._began_ns = 0
        self._ticked: set[str] = set()
        self._places: dict[str, Place] = {"mode": lambda: window.centre.findChild(QPushButton, "choose_practice")}
        self._gate: SessionGate | None = None
        self._runner: Runner | None = None
        self.setObjectName("guide")
        self.setMovable(False)
        self.setFloatable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.steps: dict[str, QToolButton] = {}
        self._build()
        self._ring = Ring(edge, window)
        edge.frames.add(self, self._follow_place)
        self.hide()
        if parts is not None and window.view is not None:
            self.meet_desk(parts, window.view)

    def _build(self) -> None:
        inside = QWidget(self)
        inside.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        column = QVBoxLayout(inside)
        column.setContentsMargins(6, 3, 6, 4)
        column.setSpacing(2)
        row = QHBoxLayout()
        row.setSpacing(4)
        for number, step in enumerate(STEPS, 1):
            row.addWidget(self._step_button(number, step))
        row.addStretch(1)
        self.end = QPushButton(say("Skip the guide"), inside)
        self.end.setObjectName("guide_end")
        self.end.setToolTip(say("It can be had again from the menu Help"))
        self.end.clicked.connect(lambda _checked=False: self.finish())
        row.addWidget(self.end)
        self.words = Words(inside)
        self.words.setObjectName("guide_words")
        self.words.setAccessibleName(say("What to do now"))
        self.words.setWordWrap(True)
        self.words.setMinimumWidth(1)
        column.addLayout(row)
        column.addWidget(self.words)
        self.addWidget(inside)

    def _step_button(self, number: int, step: Step) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(f"guide_step_{step.name}")
        button.setFont(ui_font(10, bold=True))
        button.setText(f"{number}  {say(step.words)}")
        button.clicked.connect(lambda _checked=False: self.lead_to(step.name))
        self.steps[step.name] = button
        return button

    # -- life ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the steps anew; what is so already is ticked."""
        self._ticked.clear()
        self._began_ns = self._edge.meter.now_ns()
        self.end.setText(say("Skip the guide"))
        self._put_under_the_strip()
        self._window.remember("guide", True)
        if self._window.mode:
            self.meet_mode(self._window.mode)
        self._look_at_gate()
        self._look_at_runs()
        self._tell()

    def finish(self) -> None:
        """Take it away; it does not come by itself any more."""
        self.hide()
        self._ring.hide()
        self._window.remember("guide", False)

    def _put_under_the_strip(self) -> None:
        window = self._window
        window.removeToolBar(self)
        window.addToolBarBreak(Qt.ToolBarArea.TopToolBarArea)
        window.addToolBar(Qt.ToolBarArea.TopToolBarArea, self)
        self.show()

    @property
    def now(self) -> Step | None:
        """The first step that has not happened yet."""
        return next((step for step in STEPS if step.name not in self._ticked), None)

    def ticked(self, name: str) -> bool:
        """Whether that step has happened since the guide began."""
        return name in self._ticked

    # -- what happens ----------------------------------------------------------------------------------------

    def meet_mode(self, mode: str) -> None:
        """A mode was chosen: with another one than practice there is nothing to guide through."""
        if mode == PRACTICE:
            self._tick("mode")
        elif mode and self.isVisibleTo(self._window):
            self.finish()

    def meet_login(self, gate: SessionGate, page: QWidget) -> None:
        """The login is shown."""
        self._places["login"] = lambda: self._window.login and page
        self._follow_gate(gate)

    def meet_desk(self, parts: DeskParts, view: DeskView) -> None:
        """The panels are there."""
        self._follow_gate(parts.gate)
        self._places |= {
            "instrument": lambda: view.watchlist,
            "start": lambda: _seen(view.strategies.form.start) or view.strategies,
            "hold": lambda: self._window.strip.algos,
        }
        view.watchlist.chosen.connect(lambda _instrument: self._tick("instrument"))
        self._runner = parts.runner
        connect(parts.runner.changed, self, self._look_at_runs)
        self._look_at_runs()

    def _follow_gate(self, gate: SessionGate) -> None:
        if gate is not self._gate:
            self._gate = gate
            connect(gate.changed, self, self._look_at_gate)
        self._look_at_gate()

    def _look_at_gate(self) -> None:
        if self._gate is not None and self._gate.session is not None:
            self._tick("login")

    def _look_at_runs(self, _run_id: str = "") -> None:
        if self._runner is None:
            return
        from alphapanda_desktop.trading.run import RunState

        states = {run.state for run in self._runner.runs}
        if states & {RunState.RUNNING, RunState.PAUSED}:
            self._tick("start")
        if RunState.PAUSED in states:
            self._tick("hold")

    def _tick(self, name: str) -> None:
        if self._began_ns and name not in self._ticked:
            self._ticked.add(name)
            self._tell()

    # -- what is seen ----------------------------------------------------------------------------------------

    def _tell(self) -> None:
        now, theme = self.now, self._edge.theme
        for number, step in enumerate(STEPS, 1):
            button, done = self.steps[step.name], step.name in self._ticked
            button.setText(f"{'✓' if done else number}  {say(step.words)}")
            button.setAccessibleName(say(f"Step {number} of {len(STEPS)}: {step.words}{', done' if done else ''}"))
            button.setToolTip(as_tip(say(step.how)))
            colour = theme.good if done else theme.accent if step is now else theme.muted
            ground = theme.selection if step is now else "transparent"
            border = colour if step is now else "transparent"
            button.setStyleSheet(
                f"QToolButton {{ color: {colour}; background: {ground}; border: 1px solid {border}; }}"
                f"QToolButton:hover, QToolButton:focus {{ border: 1px solid {theme.accent}; }}"
            )
        if now is not None:
            self.words.setText(say(now.how))
        else:
            took_s = (self._edge.meter.now_ns() - self._began_ns) / 1e9
            self.words.setText(say(DONE.format(countdown(max(1.0, took_s)))))
            self.end.setText(say("Close the guide"))
            self._window.remember("guide", False)

    def lead_to(self, name: str) -> None:
        """The keyboard to where that step is done, brought into sight."""
        place = self._places.get(name)
        widget = place() if place is not None else None
        if widget is None:
            return
        view = self._window.view
        dock = {"instrument": "watchlist", "start": "strategies"}.get(name)
        if view is not None and dock is not None:
            view.show_tab(dock)
        if view is not None and name == "start":
            widget = view.strategies.form.start
            view.strategies.area.ensureWidgetVisible(widget)
        widget.window().activateWindow()
        (widget.focusProxy() or widget).setFocus(Qt.FocusReason.OtherFocusReason)

    def _follow_place(self) -> None:
        now = self.now
        place = self._places.get(now.name) if now is not None else None
        self._ring.go_to(place() if place is not None else None)
