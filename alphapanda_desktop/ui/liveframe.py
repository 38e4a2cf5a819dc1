"""A red frame about every window of the program, and words in its title, while orders go out with real money.

Windows are looked for, ten times a second and only while live trading is armed: an event filter on the whole
application would run Python for each event of each widget, in the busiest hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import shiboken6
from PySide6.QtCore import QEvent, QObject, QRect, Qt, QTimer
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QWidget

from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.formats import ist_time
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.trading.arming import Arming

WIDE_PX: Final = 4
LOOK_MS: Final = 100
LIVE: Final = "⬤ LIVE"
FRAMED: Final = frozenset({Qt.WindowType.Window, Qt.WindowType.Dialog, Qt.WindowType.Tool, Qt.WindowType.Sheet})
SEEN_THROUGH: Final = (
    Qt.WidgetAttribute.WA_TranslucentBackground,
    Qt.WidgetAttribute.WA_TransparentForMouseEvents,
)
"""What a dragged dock shows of where it would land is no window of a person's."""


class _Side(QWidget):
    """One side of a frame; the mouse goes through it."""

    def __init__(self, edge: Edge, window: QWidget) -> None:
        super().__init__(window)
        self._edge = edge
        self.setObjectName("live_side")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def paintEvent(self, _event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._edge.theme.colour("kill"))
        painter.end()


class WindowFrame(QObject):
    """Four red sides at the edges of one window, which keeps clear of them, and words before its title."""

    def __init__(self, window: QWidget, mark: str, edge: Edge) -> None:
        super().__init__(window)
        self.window = window
        self._mark = mark
        self._title = window.windowTitle()
        self._margins = window.contentsMargins()
        self.sides = [_Side(edge, window) for _ in range(4)]
        window.setContentsMargins(self._margins + WIDE_PX)
        window.installEventFilter(self)
        self.place()
        for side in self.sides:
            side.show()
        self._name()

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind is QEvent.Type.Resize:
            self.place()
        elif kind is QEvent.Type.WindowTitleChange and not self.window.windowTitle().startswith(self._mark):
            self._title = self.window.windowTitle()
            self._name()
        return False

    def _name(self) -> None:
        rest = self._title.removeprefix(LIVE).removeprefix(" — ")
        self.window.setWindowTitle(" — ".join(part for part in (self._mark, rest) if part))

    def place(self) -> None:
        """Put the sides at the edges, over whatever is in the window."""
        across, down = self.window.width(), self.window.height()
        places = (
            QRect(0, 0, across, WIDE_PX),
            QRect(0, down - WIDE_PX, across, WIDE_PX),
            QRect(0, 0, WIDE_PX, down),
            QRect(across - WIDE_PX, 0, WIDE_PX, down),
        )
        for side, place in zip(self.sides, places, strict=True):
            side.setGeometry(place)
        self.raise_sides()

    def raise_sides(self) -> None:
        """Over what was put into the window since."""
        if self.window.children()[-len(self.sides) :] != self.sides:
            for side in self.sides:
                side.raise_()

    def take_off(self) -> None:
        """Leave the window as it was."""
        self.window.removeEventFilter(self)
        self.window.setContentsMargins(self._margins)
        self.window.setWindowTitle(self._title)
        for side in self.sides:
            side.hide()
            side.deleteLater()
        self.deleteLater()


class LiveFrame(QObject):
    """Frames all windows as long as an arming that is needed holds: not after 06:00, a log-out or disarming by hand."""

    def __init__(self, edge: Edge, parent: QObject) -> None:
        super().__init__(parent)
        self._edge = edge
        self._arming: Arming | None = None
        self._frames: list[WindowFrame] = []
        self._mark = ""
        self._beat = QTimer(self)
        self._beat.setInterval(LOOK_MS)
        self._beat.timeout.connect(self.look)

    def follow(self, arming: Arming) -> None:
        """Show the state of this arming from now on."""
        if self._arming is not None:
            self._arming.changed.disconnect(self.look, missing_ok=True)
        self._arming = arming
        connect(arming.changed, self, self.look)
        self.look()

    @property
    def shown(self) -> bool:
        return self._beat.isActive()

    def look(self) -> None:
        """Frame what is new, and let go of what must not be framed any more."""
        mark = self._armed_words()
        if mark != self._mark:
            self._drop(self._frames)
            self._mark = mark
            self._beat.start() if mark else self._beat.stop()
        if mark:
            self._frame_all(mark)

    def _armed_words(self) -> str:
        arming = self._arming
        if arming is None or not arming.needed or arming.until is None:
            return ""
        return say(f"{LIVE} ARMED until {ist_time(arming.until)[:5]}")

    def _frame_all(self, mark: str) -> None:
        windows = [widget for widget in QApplication.topLevelWidgets() if _takes_frame(widget)]
        self._drop([frame for frame in self._frames if not (_alive(frame) and frame.window in windows)])
        framed = [frame.window for frame in self._frames]
        self._frames += [WindowFrame(window, mark, self._edge) for window in windows if window not in framed]
        for frame in self._frames:
            frame.raise_sides()

    def _drop(self, frames: list[WindowFrame]) -> None:
        for frame in list(frames):
            self._frames.remove(frame)
            if _alive(frame):
                frame.take_off()


def frame_of(window: QWidget, edge: Edge) -> LiveFrame:
    """The one that this main window has, or gets now."""
    known = window.findChild(LiveFrame)
    return known if isinstance(known, LiveFrame) else LiveFrame(edge, window)


def _alive(frame: WindowFrame) -> bool:
    return shiboken6.isValid(frame) and shiboken6.isValid(frame.window)


def _takes_frame(widget: QWidget) -> bool:
    if widget.windowType() not in FRAMED or not widget.isVisible():
        return False
    return not any(widget.testAttribute(one) for one in SEEN_THROUGH)
