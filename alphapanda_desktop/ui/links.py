"""Colours that tie charts and the watchlist together: what is chosen in one is shown by all of the same colour.

Each colour has a number, for nobody should have to tell them apart by colour alone. 0 is tied to nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QRectF, Qt, Signal
from PySide6.QtGui import QAction, QActionGroup, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QMenu, QToolButton, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.theme import Role, Theme, ui_font
from alphapanda_desktop.ui.words import say

NAMES: Final = ("not linked", "1 blue", "2 orange", "3 violet", "4 teal")
ROLES: Final[tuple[Role, ...]] = ("muted", "accent", "sell", "unknown", "practice")
ICON_PX: Final = 40
"""Drawn at more than twice the size that it is shown at."""


def icon_of(link: int, theme: Theme) -> QIcon:
    """A ring with the colour's number in it; an empty one for none."""
    pixmap = QPixmap(ICON_PX, ICON_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    colour = theme.colour(ROLES[link])
    painter.setPen(QPen(colour, 3))
    whole = QRectF(3, 3, ICON_PX - 6, ICON_PX - 6)
    painter.drawEllipse(whole)
    if link:
        font = ui_font(10, bold=True)
        font.setPixelSize(24)
        painter.setFont(font)
        painter.drawText(whole, Qt.AlignmentFlag.AlignCenter, str(link))
    painter.end()
    return QIcon(pixmap)


class LinkMenu(QMenu):
    """The colours to choose from. Signal: `chosen(link)`, by a person only."""

    chosen = Signal(int)

    def __init__(self, title: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(title, parent)
        self._edge = edge
        self.link = 0
        self._group = QActionGroup(self)
        self._choices: list[QAction] = []
        for number, name in enumerate(NAMES):
            # Made here: one that Qt makes is lost to Python with whatever PySide 6.11.2 takes for its owner, and an
            # error in `changeEvent` then ends the program.
            action = QAction(say(name), self)
            self.addAction(action)
            action.setCheckable(True)
            action.triggered.connect(partial(self._choose, number))
            self._group.addAction(action)
            self._choices.append(action)
        self.show_link(0)

    def _choose(self, link: int, _checked: bool = False) -> None:
        self.show_link(link)
        self.chosen.emit(link)

    def show_link(self, link: int) -> None:
        """This one is chosen now."""
        self.link = link
        self._choices[link].setChecked(True)
        self._paint()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_choices"):
            self._paint()

    def _paint(self) -> None:
        for number, action in enumerate(self._choices):
            action.setIcon(icon_of(number, self._edge.theme))
        self.menuAction().setIcon(icon_of(self.link, self._edge.theme))
        self.menuAction().setToolTip(as_tip(f"{self.title().replace('&', '')}: {say(NAMES[self.link])}"))


class LinkChip(QToolButton):
    """A button that shows the colour of what it stands in, and offers the others."""

    def __init__(self, menu: LinkMenu, parent: QWidget) -> None:
        super().__init__(parent)
        self._menu = menu
        self.setObjectName("link_chip")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(lambda: menu.popup(self.mapToGlobal(self.rect().bottomLeft())))
        menu.menuAction().changed.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        self.setIcon(self._menu.menuAction().icon())
        words = f"{say('Linked by colour')}: {say(NAMES[self._menu.link])}"
        self.setAccessibleName(say(words))
        self.setToolTip(as_tip(say(words)))
