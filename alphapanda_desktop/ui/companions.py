"""The windows beside the main one that a workspace has: the backtest and the review, each where it was left."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, Qt
from PySide6.QtGui import QAction, QGuiApplication, QShortcut
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.entries import keyed_actions
from alphapanda_desktop.ui.placement import put
from alphapanda_desktop.ui.workspaces import WindowRecord

if TYPE_CHECKING:
    from alphapanda_desktop.ui.backtestparts import Bench
    from alphapanda_desktop.ui.backtestwindow import BacktestWindow
    from alphapanda_desktop.ui.reports import ReviewWindow
    from alphapanda_desktop.ui.shell import MainWindow

NAMES: Final = ("backtest", "review")
FRAME_PX: Final = 32
"""What a window manager puts above a window."""


class Companions(QObject):
    """Opens, places and puts away what a workspace has beside the main window; owned by that."""

    def __init__(self, window: MainWindow, edge: Edge) -> None:
        super().__init__(window)
        self._window, self._edge = window, edge
        self._left: dict[str, WindowRecord] = {}
        self._wanted: set[str] = set()

    def records(self) -> tuple[WindowRecord, ...]:
        """How each of them is left; one that was never opened is none."""
        for name in NAMES:
            found = self.find(name)
            if found is not None and name not in self._wanted:
                geometry = base64.b64encode(bytes(found.saveGeometry().data())).decode("ascii")
                self._left[name] = WindowRecord(name, found.isVisible(), geometry)
        return tuple(self._left.values())

    def find(self, name: str) -> QWidget | None:
        """The window, where it was opened in this run."""
        only = Qt.FindChildOption.FindDirectChildrenOnly
        return self._window.findChild(QWidget, f"{name}_window", only)

    def stand(self, records: Iterable[WindowRecord]) -> None:
        """Open those that were open, put the others away; what is played in one goes on."""
        self._left = {record.name: record for record in records if record.name in NAMES}
        self._wanted = {record.name for record in self._left.values() if record.open}
        for name in NAMES:
            found = self.find(name)
            if found is not None and name not in self._wanted:
                found.hide()
        for name in self._wanted:
            self._edge.spawn(f"open the {name} window", self._open(name))

    async def _open(self, name: str) -> None:
        made = await self._made(name)
        if made is not None and name in self._wanted:  # else another workspace was gone to meanwhile
            self.place(name, made)
            made.renew()
            made.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, True)
            made.show()
            made.raise_()
            made.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, False)
        self._wanted.discard(name)

    async def _made(self, name: str) -> BacktestWindow | ReviewWindow | None:
        if name == "backtest":
            return await self._window.backtest_window()
        return await self._window.sheets.review_window() if self._window.sheets is not None else None

    def leave(self) -> None:
        """Another desk is opened: nothing is opened any more."""
        self._wanted.clear()
        self.deleteLater()

    def place(self, name: str, made: QWidget) -> None:
        """Where it was left, else on another screen, else over the main window's middle and never over its strip."""
        made.installEventFilter(self)
        record = self._left.get(name)
        geometry = base64.b64decode(record.geometry) if record is not None else b""
        if not put(made, geometry, self._window.screen()):
            made.setGeometry(self._room(name, made))

    def _room(self, name: str, made: QWidget) -> QRect:
        others = [screen for screen in QGuiApplication.screens() if screen is not self._window.screen()]
        if others:
            room = others[0].availableGeometry()
        else:
            strip = self._window.strip
            below = self._window.mapToGlobal(QPoint(0, strip.geometry().bottom() + 1))
            room = self._window.screen().availableGeometry().intersected(self._window.geometry())
            room.setTop(below.y())
            room.setLeft(room.left() + self._kept_free(name, room.width() - made.minimumSizeHint().width()))
        room.adjust(FRAME_PX // 4, FRAME_PX, -FRAME_PX // 4, -FRAME_PX // 4)
        size = made.size().boundedTo(room.size()).expandedTo(made.minimumSizeHint())
        return QRect(QPoint(room.right() - size.width(), room.top()), size)

    def _kept_free(self, name: str, most: int) -> int:
        """How much of the left side is the strategies': whoever tries them out looks at both."""
        beside = self._window.dockyard().find("strategies") if name == "backtest" else None
        if beside is None or beside.floating or not beside.in_front:
            return 0
        right = beside.widget().mapTo(self._window, beside.widget().rect().bottomRight()).x()
        return right if right < min(most, self._window.width() // 2) else 0

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.windowHandle() is not None:
            # A window of the main one's would lie over it always, and so over the ticket, the sheets and the strip.
            watched.windowHandle().setTransientParent(None)  # type: ignore[arg-type]  # Qt takes none, its stub does not
        elif event.type() == QEvent.Type.WindowActivate and isinstance(watched, QWidget):
            watched.addActions(self._keyed_actions(watched))
        return False

    def _keyed_actions(self, beside: QWidget) -> list[QAction]:
        """The menus' actions whose keys mean nothing else there: it hears none of the main window's by itself."""
        own = {shortcut.key().toString() for shortcut in beside.findChildren(QShortcut)}
        return [action for action in keyed_actions(self._window) if action.shortcut().toString() not in own]


def backtest_of(window: MainWindow, bench: Bench, edge: Edge) -> BacktestWindow:
    """The backtest window of that bench; one of a desk that was open before goes."""
    from alphapanda_desktop.ui.backtestwindow import BacktestWindow

    old = window.backtest
    if old is not None and old.bench is bench:
        return old
    if old is not None:
        old.hide()
        old.setParent(None)
        old.deleteLater()
    made = BacktestWindow(bench, edge, window)
    if window.workspaces is not None:
        window.workspaces.companions.place("backtest", made)
    return made
