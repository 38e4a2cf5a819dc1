"""Toasts: news laid over a corner of the window. They take no keyboard, stop nothing, and go by themselves.

Object names: `toasts`, and in each `toast_text`, `toast_seen`, `toast_away`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QMainWindow, QPushButton, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.ui.clothes import clothe
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

SHOWN_MS: Final = 12_000
MOST: Final = 4
"""Toasts at a time; the oldest makes room, for all are in the history."""

WIDTH: Final = 420
GAP: Final = 8
MARGIN: Final = 14


class Toast(QFrame):
    """One piece of news; `roles` are the colours of its side and of its mark. Signal: `gone()`.

    Under the mouse it stays.
    """

    gone = Signal()

    def __init__(
        self,
        mark: str,
        text: str,
        roles: tuple[Role, Role],
        seen: Callable[[], object] | None,
        edge: Edge,
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setAccessibleName(f"{mark} {text}")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.leave)
        self._build(mark, text, seen)
        theme = edge.theme
        side, tone = (theme.colour(role).name() for role in roles)
        self.setStyleSheet(
            f"#toast {{ background: {theme.raised}; border: 1px solid {theme.border}; border-left: 4px solid {side}; "
            f"border-radius: 4px; }} #toast_mark {{ color: {tone}; font-weight: 600; }} "
            f"#toast_text {{ color: {theme.text}; }}"
        )
        self._timer.start(SHOWN_MS)

    def _build(self, mark: str, text: str, seen: Callable[[], object] | None) -> None:
        head, words = Words(mark, self), Words(say(text), self)
        head.setObjectName("toast_mark")
        words.setObjectName("toast_text")
        words.setWordWrap(True)
        away = QToolButton(self)
        away.setObjectName("toast_away")
        away.setText("✕")
        away.setAccessibleName(say("Take this notice away"))
        away.setToolTip(say("Take this notice away; it stays in the history"))
        away.clicked.connect(lambda _checked=False: self.leave())
        top = QHBoxLayout()
        top.addWidget(head, 1)
        if seen is not None:
            top.addWidget(self._seen_button(seen))
        top.addWidget(away)
        for button in self.findChildren(QWidget):
            button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 8, 8, 10)
        whole.setSpacing(4)
        whole.addLayout(top)
        whole.addWidget(words)

    def _seen_button(self, seen: Callable[[], object]) -> QPushButton:
        button = QPushButton(say("Seen"), self)
        button.setObjectName("toast_seen")
        button.setAccessibleName(say("Acknowledge"))
        button.setToolTip(say("Acknowledge it (Alerts, A)"))
        button.clicked.connect(lambda _checked=False: seen())
        button.clicked.connect(lambda _checked=False: self.leave())
        return button

    def needed_height(self) -> int:
        """What its words need."""
        layout = self.layout()
        assert layout is not None
        self.ensurePolished()
        for part in self.findChildren(QWidget):
            part.ensurePolished()
        layout.invalidate()
        return layout.totalHeightForWidth(WIDTH)

    def leave(self) -> None:
        """Go away."""
        self._timer.stop()
        self.hide()
        self.gone.emit()
        self.deleteLater()

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Enter:
            self._timer.stop()
        elif event.type() == QEvent.Type.Leave:
            self._timer.start(SHOWN_MS)
        return super().event(event)


class Toasts(QWidget):
    """Stacks toasts over the centre of a window, the newest at the bottom."""

    def __init__(self, window: QMainWindow, centre: QWidget, edge: Edge) -> None:
        super().__init__(window)
        self.setObjectName("toasts")
        clothe(self, edge.theme)
        self._main = window
        self._centre = centre
        self._edge = edge
        self._toasts: list[Toast] = []
        self._stack = QVBoxLayout(self)
        self._stack.setContentsMargins(0, 0, 0, 0)
        self._stack.setSpacing(GAP)
        self.setFixedWidth(WIDTH)
        self.hide()
        window.installEventFilter(self)
        centre.installEventFilter(self)

    @property
    def texts(self) -> list[str]:
        """What is shown, oldest first."""
        return [toast.accessibleName() for toast in self._toasts]

    def show_toast(
        self,
        mark: str,
        text: str,
        roles: tuple[Role, Role] = ("warn", "text"),
        seen: Callable[[], object] | None = None,
    ) -> Toast:
        """Show news; `seen` is called where a person acknowledges it."""
        while len(self._toasts) >= MOST:
            self._toasts[0].leave()
        toast = Toast(mark, text, roles, seen, self._edge, self)
        self._toasts.append(toast)
        self._stack.addWidget(toast)
        toast.gone.connect(lambda: self._forget(toast))
        self.show()
        self._place()
        self.raise_()
        return toast

    def _forget(self, toast: Toast) -> None:
        if toast in self._toasts:
            self._toasts.remove(toast)
            self._stack.removeWidget(toast)
        self.setVisible(bool(self._toasts))
        self._place()

    def _place(self) -> None:
        """In the lower right corner of the centre, where no button is; of the window where the centre is small."""
        high = sum(toast.needed_height() for toast in self._toasts) + GAP * max(0, len(self._toasts) - 1)
        room, centre = self._main.rect(), self._centre
        room.setBottom(room.bottom() - self._main.statusBar().height())
        here = centre.isVisible() and self._main.isAncestorOf(centre)
        if here and centre.width() >= WIDTH + 2 * MARGIN and centre.height() >= high + 2 * MARGIN:
            room = QRect(centre.mapTo(self._main, QPoint(0, 0)), centre.size())
        self.setGeometry(room.right() - WIDTH - MARGIN, max(0, room.bottom() - MARGIN - high), WIDTH, high)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize and self._toasts:
            self._place()
        return False
