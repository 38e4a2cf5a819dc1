"""The program's own icons: the panda for windows and tray, and one drawing for each command that is often looked for.

A menu gets its icons when it is first opened, in the colours of the theme that is worn then: none is drawn before the
first paint, nor for a menu that nobody opens.
"""

from __future__ import annotations

from functools import partial
from typing import Final

from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu

from alphapanda_desktop.folders import resources
from alphapanda_desktop.ui.edge import Edge

SMALL_PX: Final = (16, 20, 22, 24, 32)
LARGE_PX: Final = (48, 64, 128, 256)
MENU_PX: Final = 16
DENSITIES: Final = (1.0, 2.0)

COMMANDS: Final = {
    "Open a recorded day": "replay", "Log out of Kite": "logout", "Settings": "settings", "Profiles": "profiles",
    "Close AlphaPanda": "close", "Dark colours": "dark", "Light colours": "light", "Show Chart": "chart",
    "Show Watchlist": "watchlist", "Show Orders": "orders", "Show Positions": "positions", "Show Trades": "trades",
    "Show Holdings": "holdings", "Show Funds": "funds", "Show GTTs": "gtt", "Show GTT": "gtt", "Show Log": "log",
    "Show Strategies": "strategy", "Show Alerts": "alert", "Cancel all working orders": "cancel",
    "Start all loaded strategies": "play", "Pause entries of all strategies": "pause", "Stop all strategies": "stop",
    "Let all strategies enter again": "play", "Pause or resume all algos": "pause",
    "Kill switch: state and report": "timeline", "Disarm live trading": "close", "Find an instrument": "search",
    "Backtest": "backtest", "Review: results, journal and tax lots": "review", "Data on this computer": "data",
    "Reconcile with the broker now": "reconcile", "Differences with the broker": "differences",
    "Stop coverage": "coverage", "Limits": "limits", "Ready for the day? (preflight)": "preflight",
    "Why this order?": "why", "Kill switch": "kill", "Let only exits pass": "exits",
    "Release the kill switch": "release", "Arm live trading": "arm", "Find an action or an instrument": "search",
    "Keys": "keys", "About": "about", "Buy": "buy", "Sell": "sell", "Search an instrument": "search",
    "Change the selected order": "change", "Cancel the selected order": "cancel", "Why the selected order?": "why",
    "Timeline of the selected order": "timeline", "Convert the selected position": "convert",
    "Exit the selected position": "exits", "New GTT": "gtt",
}  # fmt: skip
"""A command's English words without key and dots, and the drawing in `resources/icons` that stands before them."""
_NAME: Final = "icon_name"
_COLOUR: Final = "icon_colour"
_WATCHED: Final = "icons_watched"


def app_icon() -> QIcon:
    """The panda: a simpler drawing where it is small, as in a tray or a title bar."""
    icon = QIcon()
    for file, sizes in (("alphapanda-small.svg", SMALL_PX), ("alphapanda.svg", LARGE_PX)):
        drawing = QIcon(str(resources() / file))
        for size in sizes:
            icon.addPixmap(drawing.pixmap(size, size))
    return icon


def drawn(name: str, colour: str) -> QIcon:
    """A drawing in one #rrggbb colour, for ordinary and for dense screens. Raises OSError where there is none."""
    from PySide6.QtCore import QByteArray, QRectF, Qt
    from PySide6.QtGui import QPainter, QPixmap
    from PySide6.QtSvg import QSvgRenderer

    source = (resources() / "icons" / f"{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    renderer, icon = QSvgRenderer(QByteArray(source.encode())), QIcon()
    for density in DENSITIES:
        edge = round(MENU_PX * density)
        picture = QPixmap(edge, edge)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        renderer.render(painter, QRectF(0, 0, edge, edge))
        painter.end()
        picture.setDevicePixelRatio(density)
        icon.addPixmap(picture)
    return icon


def mark(action: QAction, words: str, menu: QMenu, edge: Edge) -> None:
    """Give a command of a menu its icon once the menu opens; those without a drawing have none."""
    name = COMMANDS.get(_plain(words))
    if name is None:
        return
    action.setProperty(_NAME, name)
    if not menu.property(_WATCHED):
        menu.setProperty(_WATCHED, True)
        menu.aboutToShow.connect(partial(dress, menu, edge))


def dress(menu: QMenu, edge: Edge) -> None:
    """Draw the icons of a menu that have not this colour yet."""
    for action in menu.actions():
        name = action.property(_NAME)
        colour = edge.theme.danger if name == "kill" else edge.theme.muted
        if name and action.property(_COLOUR) != colour:
            action.setIcon(drawn(name, colour))
            action.setProperty(_COLOUR, colour)


def _plain(words: str) -> str:
    return words.partition("\t")[0].replace("&", "").removesuffix("…")
