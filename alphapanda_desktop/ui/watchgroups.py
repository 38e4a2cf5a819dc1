"""Small parts of the watchlists: the row that chooses a group, and the line that asks for a name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QLineEdit, QToolButton, QWidget

from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.words import say


class GroupRow(QWidget):
    """A button for each group and one for all; hidden where there are none. Signal: `chosen(group)`, "" for all."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("watch_groups")
        self.setAccessibleName(say("Groups of this list"))
        self._buttons = QButtonGroup(self)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(4, 2, 4, 2)
        self._row.setSpacing(4)
        self._row.addStretch(1)
        self._shown: tuple[dict[str, int], str] = ({}, "")
        self.hide()

    def show_groups(self, counts: Mapping[str, int], current: str) -> None:
        """Groups with how many instruments each has, and which is chosen."""
        if (dict(counts), current) == self._shown:
            return
        self._shown = dict(counts), current
        for button in self._buttons.buttons():
            self._buttons.removeButton(button)
            self._row.removeWidget(button)
            button.deleteLater()
        for place, (group, count) in enumerate(counts.items()):
            self._row.insertWidget(place, self._button(group, count, current))
        self.setVisible(bool(counts))

    def _button(self, group: str, count: int, current: str) -> QToolButton:
        button = QToolButton(self)
        button.setText(say(f"{group or 'All'} {count}".replace("&", "&&")))
        button.setAccessibleName(say(f"Group {group}, {count} instruments" if group else f"All {count} instruments"))
        button.setCheckable(True)
        button.setChecked(group == current)
        button.clicked.connect(lambda _checked=False: self.chosen.emit(group))
        self._buttons.addButton(button)
        return button


class Namer(QLineEdit):
    """Asks for a name in place: Enter takes it, Esc and leaving it do not."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("watch_namer")
        self.setMaxLength(40)
        self._done: Callable[[str], object] = lambda _name: None
        self._back: QWidget = parent
        self.editingFinished.connect(self.hide)
        self.hide()

    def ask(self, what: str, name: str, done: Callable[[str], object], back: QWidget) -> None:
        """Show the line with a name to change; `done` hears the new one, `back` gets the keyboard again."""
        self._done, self._back = done, back
        self.setPlaceholderText(say(what))
        self.setAccessibleName(say(what))
        self.setToolTip(as_tip(say(f"{what}. Enter takes it, Esc leaves it as it was.")))
        self.setText(name)
        self.show()
        self.selectAll()
        self.setFocus()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            name, done = self.text(), self._done
            self._leave()
            done(name)
        elif event.key() == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)

    def _leave(self) -> None:
        self.hide()
        self._back.setFocus()
