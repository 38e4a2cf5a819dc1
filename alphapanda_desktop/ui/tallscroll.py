"""A scroll area that scrolls downwards only, is as wide as what it shows, and moves nothing under the mouse."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QFrame, QScrollArea, QWidget


class TallScroll(QScrollArea):
    """Nothing in it is cut off at the right: its least width follows that of its content.

    What has the mouse over it stays where it is while other things above it get higher or lower.
    """

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidget(content)
        content.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:
        content, bar = self.widget(), self.verticalScrollBar()
        wide = content.minimumSizeHint().width() + bar.sizeHint().width() if content is not None else 0
        return QSize(max(wide, super().minimumSizeHint().width()), super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        content = self.widget()
        if event.type() != QEvent.Type.LayoutRequest or content is None or watched is not content:
            return super().eventFilter(watched, event)
        self.updateGeometry()
        held = next((part for part in content.children() if isinstance(part, QWidget) and _has_mouse(part)), None)
        before = held.y() if held is not None else 0
        done = super().eventFilter(watched, event)
        layout = content.layout()
        if held is not None and layout is not None:
            layout.activate()  # else it moves after this
            self.event(QEvent(QEvent.Type.LayoutRequest))  # and has its room later still
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() + held.y() - before)
        return done


def _has_mouse(part: QWidget) -> bool:
    return part.isVisible() and part.underMouse()
