"""A row of buttons that gives way: those for which there is no room are found in a menu at its end."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QToolButton, QWidget

from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.words import say


class FoldingBar(QWidget):
    """Buttons from left to right; the first to go are the last, but for those that `keep`."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._buttons: list[QToolButton] = []
        self._kept: set[QToolButton] = set()
        self.setStyleSheet("QToolButton { padding: 3px 7px; }")
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(6, 4, 6, 4)
        self._row.setSpacing(2)
        self.more = QToolButton(self)
        self.more.setObjectName("chart_more")
        self.more.setText("»")
        self.more.setToolTip(say("Buttons for which there is no room"))
        self.more.setAccessibleName(say("More buttons"))
        self.more.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.more.clicked.connect(self._show_rest)
        self.more.hide()
        self._row.addStretch(1)
        self._row.addWidget(self.more)
        self._menu = QMenu(self)

    def add(self, button: QToolButton, before: QToolButton | None = None, *, keep: bool = False) -> None:
        """Put a button at the end, or before another; one to `keep` gives way to nothing."""
        at = self._buttons.index(before) if before is not None else len(self._buttons)
        self._buttons.insert(at, button)
        if keep:
            self._kept.add(button)
        self._row.insertWidget(at, button)
        self._fold()

    def minimumSizeHint(self) -> QSize:
        """Room for what is kept, and for the way to the rest."""
        wide = sum(self._wide(button) for button in (*self._kept, self.more))
        return QSize(wide + 12, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fold()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._fold()  # only now is it known how wide its buttons are

    @property
    def folded(self) -> list[QToolButton]:
        """Buttons that are found in the menu now."""
        return [button for button in self._buttons if button.isHidden()]

    def _wide(self, button: QToolButton) -> int:
        return button.sizeHint().width() + self._row.spacing()

    def _fold(self) -> None:
        """Hide from the end what does not fit."""
        room = self.width() - 12 - self._row.spacing()
        wide = sum(map(self._wide, self._buttons))
        gone: set[QToolButton] = set()
        if wide > room:
            wide += self._wide(self.more)
            for button in reversed(self._buttons):
                if wide <= room:
                    break
                if button not in self._kept:
                    gone.add(button)
                    wide -= self._wide(button)
        for button in self._buttons:
            button.setHidden(button in gone)
        self.more.setHidden(not gone)

    def _show_rest(self) -> None:
        self._menu.clear()
        for button in self.folded:
            action = self._menu.addAction(button.text())
            action.setToolTip(as_tip(say(button.toolTip())))
            action.setCheckable(button.isCheckable())
            action.setChecked(button.isChecked())
            action.triggered.connect(partial(self._click, button))
        self._menu.popup(self.more.mapToGlobal(QPoint(0, self.more.height())))

    @staticmethod
    def _click(button: QToolButton, _checked: bool = False) -> None:
        button.click()
