"""A sheet that lies in the lower right corner of its window, and can be dragged about in it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

MARGIN: Final = 14


def go_round(sheet: QWidget, forward: bool) -> bool:
    """Give the keyboard to the sheet's next field, after the last to the first: Tab never leads beneath a sheet.

    By the order of its children, which is that in which they were made. WORKAROUND PySide 6.11.2: what
    `nextInFocusChain` returns is taken for a child of the widget that was asked, and the window is in that chain: with
    the sheet's end every action that Qt had made in the window was lost to Python.
    """
    fields = [widget for widget in sheet.findChildren(QWidget) if _takes_tab(widget)]
    here = sheet.focusWidget()
    if not fields or fields == [here]:
        return False
    if here in fields:
        at = fields[(fields.index(here) + (1 if forward else -1)) % len(fields)]
    else:
        at = fields[0 if forward else -1]
    at.setFocus(Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason)
    return True


def _takes_tab(widget: QWidget) -> bool:
    seen = widget.isVisible() and widget.isEnabled() and widget.focusProxy() is None
    return seen and bool(widget.focusPolicy() & Qt.FocusPolicy.TabFocus)


class CornerSheet(QFrame):
    """A frame over a window, always wholly within it as far as it fits."""

    def __init__(self, width: int, parent: QWidget) -> None:
        super().__init__(parent)
        self._over = parent
        self._held_at: QPoint | None = None
        self._moved = False
        self.setFixedWidth(width)
        self.setAutoFillBackground(True)
        self.hide()
        parent.installEventFilter(self)

    def fit(self) -> None:
        """Take the height that the words need now."""
        layout = self.layout()
        if layout is not None:  # `adjustSize` asks wrapped words how high they would be at another width
            layout.activate()
            wraps = layout.hasHeightForWidth()
            self.setFixedHeight(layout.totalHeightForWidth(self.width()) if wraps else layout.totalSizeHint().height())
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        resized = watched is self._over and event.type() in (QEvent.Type.Resize, QEvent.Type.Show)
        if resized and self.isVisible():
            self._place()
        return False

    def _place(self) -> None:
        parent = self._over
        corner = QPoint(parent.width() - self.width() - MARGIN, parent.height() - self.height() - 2 * MARGIN - 18)
        at = self.pos() if self._moved else corner
        right, bottom = max(0, parent.width() - self.width()), max(0, parent.height() - self.height())
        at = QPoint(min(max(at.x(), 0), right), min(max(at.y(), 0), bottom))
        self.move(at if self._moved else self._beside_kill(at))

    def _beside_kill(self, at: QPoint) -> QPoint:
        """The place, or one further left where the kill switch would lie under it: a low window, large letters."""
        kill = self._over.findChild(QPushButton, "kill_switch")
        if kill is None or not kill.isVisible():
            return at
        button = QRect(kill.mapTo(self._over, QPoint(0, 0)), kill.size())
        covered = button.intersects(QRect(at, self.size()))
        return QPoint(max(0, button.left() - self.width() - MARGIN), at.y()) if covered else at

    def focusNextPrevChild(self, forward: bool) -> bool:
        return go_round(self, forward)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._held_at = event.position().toPoint()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._held_at is not None:
            self._moved = True
            self.move(self.mapToParent(event.position().toPoint() - self._held_at))
            self._place()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._held_at = None


class OnceButton(QPushButton):
    """A button to which a double click is one click: its second half must not answer the question of the first."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        event.accept()
