"""How candles look, as a menu: filled or hollow, in the theme's pair of colours or in one that all eyes tell apart."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu, QWidget

from alphapanda_desktop.ui.chart.items import Dress
from alphapanda_desktop.ui.chart.plot import Plot
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

COLOURS: Final[dict[str, tuple[Role, Role]]] = {
    "The colours of the window": ("up", "down"),
    "Blue rises, orange falls": ("buy", "sell"),
}


class LookMenu(QMenu):
    """Changes its plot's dress at once. Show it with `popup`. Signal: `worn(Dress)` after a person chose one."""

    worn = Signal(object)

    def __init__(self, plot: Plot, parent: QWidget) -> None:
        super().__init__(parent)
        self._plot = plot
        self.hollow = self._action("Rising candles hollow")
        self.addSeparator()
        group = QActionGroup(self)
        self.colours = {text: self._action(text, group) for text in COLOURS}
        next(iter(self.colours.values())).setChecked(True)

    def _action(self, text: str, group: QActionGroup | None = None) -> QAction:
        # Made here: one that Qt makes is lost to Python with whatever PySide 6.11.2 takes for an owner of the chart.
        action = QAction(say(text), self)
        self.addAction(action)
        action.setCheckable(True)
        if group is not None:
            group.addAction(action)
        action.triggered.connect(self._dress)
        return action

    def _dress(self) -> None:
        up, down = next(pair for text, pair in COLOURS.items() if self.colours[text].isChecked())
        dress = Dress(self.hollow.isChecked(), up, down)
        self._plot.set_dress(dress)
        self.worn.emit(dress)

    def wear(self, dress: Dress) -> None:
        """Paint so from now on, and tick what says it."""
        self.hollow.setChecked(dress.hollow)
        for text, pair in COLOURS.items():
            self.colours[text].setChecked(pair == (dress.up, dress.down))
        self._plot.set_dress(dress)
