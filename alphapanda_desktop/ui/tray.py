"""The icon in the system's tray: mode and result at a glance, the window, the strategies' pause, and the end.

Object names: `tray`, `tray_menu`, `tray_words`, `tray_show`, `tray_algos`, `tray_support`, `tray_quit`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from PySide6.QtCore import QObject, QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QAction, QIcon, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QMainWindow, QMenu, QSystemTrayIcon

from alphapanda_desktop.ui.plain import bare
from alphapanda_desktop.ui.theme import Role, Theme
from alphapanda_desktop.ui.words import say

SIZES: Final = (22, 32, 48, 64)
MARKS: Final[dict[str, tuple[str, Role]]] = {
    "practice": ("diamond", "practice"),
    "paper": ("square", "paper"),
    "live": ("ring", "live"),
    "armed": ("disc", "live"),
    "replay": ("arc", "replay"),
}
"""Shape beside the colour; live is a ring until it is armed, and a full disc then."""


class Standing(NamedTuple):
    """What the tray shows: which mark, who and what in words, and what its strategies' line does now."""

    mark: str
    words: str
    algos: str
    can_turn: bool


class Tray(QObject):
    """Looks for the system's tray until there is one; `show`, `turn` and `leave` are what its lines do.

    A system without a tray has everything of it in the window's menus.
    """

    def __init__(
        self,
        window: QMainWindow,
        theme: Theme,
        show: Callable[[], object],
        turn: Callable[[], object],
        leave: Callable[[], object],
    ) -> None:
        super().__init__(window)
        self._window = window
        self._theme = theme
        self._show = show
        self._shown: Standing | None = None
        self.icon: QSystemTrayIcon | None = None
        self.menu = QMenu(window)
        self.menu.setObjectName("tray_menu")
        self.words = self._line("tray_words", "", None)
        self.words.setEnabled(False)
        self.menu.addSeparator()
        self._line("tray_show", "&Show AlphaPanda", show)
        self.algos = self._line("tray_algos", "", turn)
        self.menu.addSeparator()
        self._line("tray_quit", "&Quit…", leave)

    def _line(self, name: str, text: str, work: Callable[[], object] | None) -> QAction:
        # Made here: one that Qt makes is lost to Python with whatever PySide 6.11.2 takes for an owner of the window.
        action = QAction(say(text) if text else "", self.menu)
        self.menu.addAction(action)
        action.setObjectName(name)
        if work is not None:
            action.triggered.connect(lambda _checked=False: work())
        return action

    @property
    def there(self) -> bool:
        """Whether the system has a place for it."""
        return self.icon is not None

    def look(self, standing: Standing) -> None:
        """Show how things stand, in the tray where there is one by now."""
        if self.icon is None and QSystemTrayIcon.isSystemTrayAvailable():
            self._make()
        if standing == self._shown:
            return
        remarked = self._shown is None or self._shown.mark != standing.mark
        self._shown = standing
        self.words.setText(say(standing.words))
        self.algos.setText(standing.algos)
        self.algos.setEnabled(standing.can_turn)
        if self.icon is not None:
            self.icon.setToolTip(bare(say(f"AlphaPanda · {standing.words}")))
            if remarked:
                self.icon.setIcon(marked(self._window.windowIcon(), standing.mark, self._theme))

    def _make(self) -> None:
        self.icon = QSystemTrayIcon(self._window)
        self.icon.setObjectName("tray")
        self.icon.setIcon(self._window.windowIcon())
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._pressed)
        self._shown = None
        self.icon.show()

    def _pressed(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self._show()


def marked(icon: QIcon, mark: str, theme: Theme) -> QIcon:
    """The icon with the mode's mark in its corner; the plain one before there is a mode."""
    if mark not in MARKS:
        return icon
    made, (shape, role) = QIcon(), MARKS[mark]
    for size in SIZES:
        picture = QPixmap(size, size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawPixmap(0, 0, icon.pixmap(QSize(size, size), 1.0))
        _draw(painter, shape, QRectF(size * 0.46, size * 0.46, size * 0.52, size * 0.52), theme, role)
        painter.end()
        made.addPixmap(picture)
    return made


def _draw(painter: QPainter, shape: str, room: QRectF, theme: Theme, role: Role) -> None:
    """A mark on a ground of its own: the tray's colour is not ours."""
    colour, ground = theme.colour(role), theme.colour("window")
    painter.setPen(QPen(ground, room.width() * 0.12))
    painter.setBrush(ground)
    painter.drawEllipse(room)
    inner = room.adjusted(*(room.width() * part for part in (0.16, 0.16, -0.16, -0.16)))
    painter.setPen(QPen(colour, room.width() * 0.17))
    painter.setBrush(colour if shape == "disc" else Qt.BrushStyle.NoBrush)
    if shape == "diamond":
        centre, half = inner.center(), inner.width() / 2
        corners = ((0, -half), (half, 0), (0, half), (-half, 0))
        painter.drawPolygon(QPolygonF([centre + QPointF(x, y) for x, y in corners]))
    elif shape == "square":
        painter.drawRect(inner)
    elif shape == "arc":
        painter.drawArc(inner, 60 * 16, 290 * 16)
    else:
        painter.drawEllipse(inner)
