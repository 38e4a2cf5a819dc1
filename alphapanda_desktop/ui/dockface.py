"""How docks look: the style sheet of their title bars from a theme's colours, and the marks on their buttons."""

from __future__ import annotations

from string import Template
from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPen, QPixmap, QPolygonF

from alphapanda_desktop.ui.theme import Theme

ICON_PX: Final = 32
"""Drawn at twice the size that it is shown at."""


def face_of(theme: Theme) -> str:
    """The style sheet of a dock's title bar and tabs in these colours."""
    colours = {
        name: getattr(theme, name) for name in ("window", "panel", "raised", "border", "text", "muted", "accent")
    }
    return FACE.substitute(colours, selection=theme.selection)


def icon_of(button: str, theme: Theme) -> QIcon:
    """The mark on a button, by the button's object name."""
    pixmap = QPixmap(ICON_PX, ICON_PX)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    pen = QPen(theme.colour("muted"), 2.6)
    pen.setCapStyle(Qt.PenCapStyle.RoundCap)
    painter.setPen(pen)
    if button == "detachGroupButton":
        painter.drawRect(QRectF(5, 12, 15, 15))
        painter.drawPolyline(QPolygonF([QPointF(13, 5), QPointF(27, 5), QPointF(27, 19)]))
        painter.drawLine(QPointF(27, 5), QPointF(17, 15))
    elif button == "tabsMenuButton":
        painter.drawPolyline(QPolygonF([QPointF(8, 12), QPointF(16, 20), QPointF(24, 12)]))
    else:
        painter.drawLine(QPointF(9, 9), QPointF(23, 23))
        painter.drawLine(QPointF(23, 9), QPointF(9, 23))
    painter.end()
    return QIcon(pixmap)


FACE: Final = Template("""
ads--CDockAreaTitleBar { background: $window; padding: 0; border: 0; border-top: 1px solid $border; }
ads--CDockAreaTabBar { background: $window; }
ads--CDockWidgetTab { background: $window; border: 0; border-bottom: 2px solid transparent; padding: 2px 4px; }
ads--CDockWidgetTab[activeTab="true"] { border-bottom-color: $accent; }
ads--CDockWidgetTab:hover { background: $raised; }
ads--CDockWidgetTab QLabel { color: $muted; background: transparent; padding: 2px 4px; }
ads--CDockWidgetTab[activeTab="true"] QLabel, ads--CDockWidgetTab:hover QLabel { color: $text; }
ads--CDockWidgetTab QPushButton, ads--CTitleBarButton { background: transparent; border: 0; padding: 2px;
    min-height: 0; min-width: 0; }
ads--CDockWidgetTab QPushButton:hover, ads--CTitleBarButton:hover { background: $selection; border-radius: 3px; }
ads--CTitleBarButton::menu-indicator { image: none; width: 0; }
""")
