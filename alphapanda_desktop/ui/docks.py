"""Panels as docks: moved, tabbed, torn off to another screen. The only module that knows the docking library.

It is imported when the desk opens: the first paint does not wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, Final

import shiboken6
from PySide6.QtCore import QByteArray, QEvent, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QPainter, QPalette
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFrame,
    QMainWindow,
    QMenu,
    QSplitter,
    QSplitterHandle,
    QWidget,
)
from PySide6QtAds import ads

from alphapanda_desktop.ui.clothes import clothe
from alphapanda_desktop.ui.dockface import face_of, icon_of
from alphapanda_desktop.ui.dockplan import CENTRE, STATE_VERSION, torn_off
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.entries import keyed_actions
from alphapanda_desktop.ui.placement import bring_on_screen, put
from alphapanda_desktop.ui.plain import bare
from alphapanda_desktop.ui.words import say

_Manager: Final = ads.CDockManager
_Flag: Final = ads.CDockManager.eConfigFlag
FLAGS: Final = (
    _Flag.DisableStylesheet,
    _Flag.OpaqueSplitterResize,
    _Flag.AlwaysShowTabs,
    _Flag.ActiveTabHasCloseButton,
    _Flag.DockAreaHasUndockButton,
    _Flag.DockAreaHasTabsMenuButton,
    _Flag.DockAreaDynamicTabsMenuButtonVisibility,
    _Flag.DockAreaHideDisabledButtons,
    _Flag.HideSingleCentralWidgetTitleBar,
    _Flag.FloatingContainerHasWidgetTitle,
    _Flag.DoubleClickUndocksWidget,
    _Flag.DisableTabTextEliding,
    _Flag.EqualSplitOnInsertion,
)
"""No auto-hide: what slides away by itself cannot be watched."""

AREAS: Final = {
    Qt.DockWidgetArea.LeftDockWidgetArea: ads.LeftDockWidgetArea,
    Qt.DockWidgetArea.RightDockWidgetArea: ads.RightDockWidgetArea,
    Qt.DockWidgetArea.TopDockWidgetArea: ads.TopDockWidgetArea,
    Qt.DockWidgetArea.BottomDockWidgetArea: ads.BottomDockWidgetArea,
}
SIDES: Final = {
    Qt.DockWidgetArea.LeftDockWidgetArea: "left",
    Qt.DockWidgetArea.RightDockWidgetArea: "right",
    Qt.DockWidgetArea.TopDockWidgetArea: "top",
    Qt.DockWidgetArea.BottomDockWidgetArea: "bottom",
}

ICONS: Final = {
    "tabCloseButton": ads.TabCloseIcon,
    "dockAreaCloseButton": ads.DockAreaCloseIcon,
    "detachGroupButton": ads.DockAreaUndockIcon,
    "tabsMenuButton": ads.DockAreaMenuIcon,
}
FLOATING_SIZE: Final = QSize(760, 460)
HANDLE_PX: Final = 3
BELOW_PX: Final = 40
"""How far inside the centre a torn-off window begins."""


class Dock(QObject):
    """One panel among the docks. Signals: `shown(bool)` as it comes to be seen or is covered; `closed()` once it is put
    away. `objectName()` is "dock_" and its name.
    """

    shown = Signal(bool)
    closed = Signal()

    def __init__(self, name: str, inner: Any, widget: QWidget, area: Qt.DockWidgetArea, docks: Docks) -> None:
        super().__init__(docks)
        self._docks = docks
        self.name = name
        self.area = area
        self._inner = inner
        self._widget = widget
        self.setObjectName(f"dock_{name}")
        inner.visibilityChanged.connect(self.shown)
        inner.closed.connect(self.closed)

    @property
    def inner(self) -> Any:
        """The docking library's own object; of no use but to `Docks`."""
        return self._inner

    @property
    def alive(self) -> bool:
        """Whether it still stands in the window."""
        return shiboken6.isValid(self._inner)

    def widget(self) -> QWidget:
        return self._widget

    def windowTitle(self) -> str:
        return str(self._inner.windowTitle())

    def set_title(self, title: str) -> None:
        self._inner.setWindowTitle(bare(say(title)))

    @property
    def is_open(self) -> bool:
        """Whether it has a place; it may be behind another tab."""
        return not self._inner.isClosed()

    @property
    def in_front(self) -> bool:
        """Whether it is open and its tab the chosen one."""
        return self.is_open and bool(self._inner.isCurrentTab())

    @property
    def floating(self) -> bool:
        """Whether it stands in a window of its own, alone or with others."""
        return self.is_open and bool(self._inner.isInFloatingContainer())

    def isHidden(self) -> bool:
        return not self.is_open

    def show(self) -> None:
        """Give it its place again where it was put away."""
        if not self.is_open:
            self._inner.toggleView(True)

    def raise_(self) -> None:
        """Bring it before the other tabs of its place, and its window before others where it has one."""
        self.show()
        self._inner.setAsCurrentTab()
        if self.floating:
            window = self._widget.window()
            window.show()
            window.raise_()

    def float_(self) -> None:
        """Tear it off into a window of its own."""
        self.show()
        if not self._inner.isFloating():
            self._inner.setFloating()
            self._docks.give_room(self._widget.window())

    def close(self) -> None:
        """Put it away; `show` brings it back. A dock made with `passing` is gone for good."""
        if self.is_open:
            self._inner.closeDockWidget() if self.passing else self._inner.toggleView(False)

    @property
    def passing(self) -> bool:
        """Whether it is gone for good once it is closed."""
        return bool(self._inner.features() & ads.CDockWidget.DockWidgetFeature.DockWidgetDeleteOnClose)


class Docks(QObject):
    """All docks of a window, around its centre. Signals: `added(dock)`, `changed()` after docks were moved or restored.

    `floated(window)` tells of a torn-off dock's new window.
    """

    added = Signal(object)
    changed = Signal()
    floated = Signal(QWidget)

    def __init__(self, window: QMainWindow, centre: QWidget, edge: Edge) -> None:
        super().__init__(window)
        self._window = window
        self._edge = edge
        self._worn = ""
        self._docks: dict[str, Dock] = {}
        self.locked = False
        self._restoring = False
        for flag in _Flag:  # they hold for every manager that is made from now on
            _Manager.setConfigFlag(flag, flag in FLAGS)
        window.takeCentralWidget()  # or the new central widget would delete it
        self.manager: Any = _Manager(window)
        self.manager.setObjectName("docks")
        heart = ads.CDockWidget(self.manager, "Chart")
        heart.setObjectName(CENTRE)
        heart.setWidget(centre, ads.CDockWidget.eInsertMode.ForceNoScrollArea)
        _lay_ground(heart, centre)
        heart.setFeature(ads.CDockWidget.DockWidgetFeature.NoTab, True)
        self._heart = heart
        self._looks = QTimer(self)
        self._looks.setSingleShot(True)
        self._looks.timeout.connect(self._tend_handles)
        self.manager.setCentralWidget(heart)
        self.manager.floatingWidgetCreated.connect(self._floating_made)
        self.manager.dockAreaCreated.connect(self._area_made)
        self.manager.stateRestored.connect(self.changed)
        for screen in QGuiApplication.screens():  # any that remains tells of one that went
            screen.virtualGeometryChanged.connect(self.bring_back)
        window.installEventFilter(self)
        self._dress()
        self.manager.show()

    # --- docks

    def add(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea, *, passing: bool = False) -> Dock:
        """A new dock on this side, behind the tabs that are there; a `passing` one can be closed for good.

        A name that is taken already belongs to an earlier dock, which goes.
        """
        self.remove(name)
        inner = ads.CDockWidget(self.manager, bare(say(title)))
        inner.setObjectName(name)
        clothe(widget, self._edge.theme, widget.styleSheet())
        inner.setWidget(widget, ads.CDockWidget.eInsertMode.ForceNoScrollArea)
        _lay_ground(inner, widget)
        inner.setMinimumSizeHintMode(ads.CDockWidget.eMinimumSizeHintMode.MinimumSizeHintFromContent)
        feature = ads.CDockWidget.DockWidgetFeature
        own = feature.DockWidgetMovable | feature.DockWidgetFloatable
        inner.setFeatures(own | feature.DockWidgetClosable | feature.DockWidgetDeleteOnClose if passing else own)
        dock = Dock(name, inner, widget, area, self)
        self._place(dock)
        self._docks[name] = dock
        if passing:
            dock.closed.connect(lambda: self._forget(name, dock))
        self.added.emit(dock)
        return dock

    def _place(self, dock: Dock) -> None:
        if dock.area not in AREAS:
            self._place_in_the_middle(dock)
            return
        beside = next((other for other in self if other.area is dock.area and _stands(other)), None)
        if beside is None:
            self.manager.addDockWidget(AREAS[dock.area], dock.inner)
        else:
            self._tabify(dock, beside)

    def _place_in_the_middle(self, dock: Dock) -> None:
        """Beside the centre, then below it, then below the first; what comes later is a tab of the last."""
        there = [other for other in self if other.area not in AREAS and _stands(other)]
        heart = self._heart.dockAreaWidget()
        if len(there) > 2:
            self._tabify(dock, there[-1])
            dock.inner.setAsCurrentTab()
        elif len(there) == 2:
            self.manager.addDockWidget(ads.BottomDockWidgetArea, dock.inner, there[0].inner.dockAreaWidget())
        else:
            side = ads.BottomDockWidgetArea if there else ads.RightDockWidgetArea
            self.manager.addDockWidget(side, dock.inner, heart)

    def _tabify(self, dock: Dock, beside: Dock) -> None:
        place = beside.inner.dockAreaWidget()
        front = place.currentDockWidget()
        self.manager.addDockWidgetTabToArea(dock.inner, place)
        place.setCurrentDockWidget(front)

    def __iter__(self) -> Iterator[Dock]:
        return iter([dock for dock in self._docks.values() if dock.alive])

    def find(self, name: str) -> Dock | None:
        """The dock of that name."""
        dock = self._docks.get(name)
        return dock if dock is not None and dock.alive else None

    def remove(self, name: str) -> None:
        """Take a dock and its panel away for good."""
        dock = self.find(name)
        if dock is not None:
            self.manager.removeDockWidget(dock.inner)
            dock.inner.deleteLater()
            self._forget(name, dock)

    def clear(self) -> None:
        """Take all of them away."""
        for dock in self:
            self.remove(dock.name)

    def _forget(self, name: str, dock: Dock) -> None:
        if self._docks.get(name) is dock:
            del self._docks[name]
        dock.deleteLater()

    # --- how they stand

    def known(self) -> dict[str, str]:
        """Names of all docks, and their sides as `dockplan.HOMES` calls them; those of the middle have none."""
        return {dock.name: SIDES.get(dock.area, "") for dock in self}

    def state(self) -> str:
        """How everything stands, torn-off windows too, as `restore` takes it."""
        return str(self.manager.saveState(STATE_VERSION).data().decode())

    def restore(self, state: str) -> bool:
        """Let everything stand so; False where that cannot be read, and nothing has moved."""
        self._restoring = True
        try:
            done = bool(self.manager.restoreState(QByteArray(state.encode()), STATE_VERSION))
        finally:
            self._restoring = False
        self._put_torn_off(state if done else "")
        self.bring_back()
        self.lock(self.locked)
        return done

    def _put_torn_off(self, state: str) -> None:
        """As large as they were, also where the docking library had to leave them at some size."""
        for names, geometry in torn_off(state):
            dock = next((dock for dock in self if dock.name in names and dock.floating), None)
            if dock is not None:
                put(dock.widget().window(), geometry, self._window.screen())

    def lock(self, on: bool) -> None:
        """Whether docks stay where they are and as large as they are."""
        self.locked = on
        feature = ads.CDockWidget.DockWidgetFeature
        held = feature.DockWidgetMovable | feature.DockWidgetFloatable | feature.DockWidgetClosable
        self.manager.lockDockWidgetFeaturesGlobally(held if on else feature(0))
        self._tend_handles()

    def _tend_handles(self) -> None:
        """What lies between docks: as wide as it is to be, painted by us, and held where the layout is locked."""
        for splitter in self._splitters():
            if splitter.handleWidth() != HANDLE_PX:
                splitter.setHandleWidth(HANDLE_PX)
            for number in range(splitter.count()):
                handle = splitter.handle(number)
                handle.setEnabled(not self.locked)
                handle.installEventFilter(self)

    def _splitters(self) -> list[QSplitter]:
        return [found for found in self.manager.findChildren(QSplitter) if isinstance(found, ads.CDockSplitter)]

    def around_centre(self) -> list[QWidget]:
        """What the centre stands in, from the inside to the window: as these move, so does it."""
        found, widget = [], self._heart
        while widget is not None and widget is not self._window:
            found.append(widget)
            widget = widget.parentWidget()
        return found

    def focused(self) -> Dock | None:
        """The dock that has the keyboard, in whichever window."""
        widget = QApplication.focusWidget()
        return next((dock for dock in self if widget is not None and _holds(dock, widget)), None)

    def put_back(self, dock: Dock) -> None:
        """A torn-off dock goes back to its side."""
        self._place(dock)
        dock.inner.setAsCurrentTab()

    def offer_by_tab(self, name: str, menu: QMenu) -> None:
        """A menu's button beside a dock's tab, with the menu's icon."""
        dock = self.find(name)
        if dock is not None:
            dock.inner.setTitleBarActions([menu.menuAction()])

    def windows(self) -> list[QWidget]:
        """The windows of torn-off docks."""
        return [window for window in self.manager.floatingWidgets() if shiboken6.isValid(window)]

    def bring_back(self) -> None:
        """Torn-off docks whose screen is gone come onto one that is there."""
        for window in self.windows():
            bring_on_screen(window, self._window.screen())

    # --- torn-off windows

    def give_room(self, away: QWidget) -> None:
        """In the middle of another screen where there is one, else below the strip: that is not to be covered."""
        others = [screen for screen in QGuiApplication.screens() if screen is not self._window.screen()]
        room = (others or [self._window.screen()])[0].availableGeometry()
        away.resize(FLOATING_SIZE.boundedTo(room.size()))
        corner = self._heart.mapToGlobal(QPoint(BELOW_PX, BELOW_PX))
        away.move(room.center() - away.rect().center() if others else corner)
        away.activateWindow()

    def _floating_made(self, window: QWidget) -> None:
        window.installEventFilter(self)
        self.floated.emit(window)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._window:
            if event.type() == QEvent.Type.PaletteChange:
                self._dress()
            return False
        if isinstance(watched, QSplitterHandle):
            return event.type() == QEvent.Type.Paint and self._paint_handle(watched)
        if event.type() == QEvent.Type.Show and isinstance(watched, QWidget) and watched.windowHandle() is not None:
            # A window of the main one's would lie over it always, and so over the ticket, the sheets and the strip.
            watched.windowHandle().setTransientParent(None)  # type: ignore[arg-type]  # Qt takes none, its stub does not
            if not self._restoring and not event.spontaneous():
                QTimer.singleShot(0, watched, watched.activateWindow)  # a double-click leaves the main window active
        elif event.type() == QEvent.Type.WindowActivate and isinstance(watched, QWidget):
            watched.addActions(keyed_actions(self._window))
        elif event.type() == QEvent.Type.Close and event.spontaneous():
            return self._closing(watched, event)
        elif event.type() == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            self._window.keyPressEvent(event)  # what no panel has taken means there what it means here
            return event.isAccepted()
        return False

    def _closing(self, window: QObject, event: QEvent) -> bool:
        """A person closes a torn-off window: panels that cannot be lost go back to the main one."""
        lasting = [dock for dock in self if dock.widget().window() is window and not dock.passing]
        for dock in lasting:
            QTimer.singleShot(0, dock, partial(self.put_back, dock))  # not while its window is closing
        if lasting:
            event.ignore()
        return bool(lasting)

    # --- looks

    def _dress(self) -> None:
        face = face_of(self._edge.theme)
        if face == self._worn:
            return
        self._worn = face
        for name, kind in ICONS.items():
            self.manager.iconProvider().registerCustomIcon(kind, icon_of(name, self._edge.theme))
        for button in self.manager.findChildren(QAbstractButton):
            if button.objectName() in ICONS:
                button.setIcon(icon_of(button.objectName(), self._edge.theme))
        for bar in self.manager.findChildren(QFrame):
            if isinstance(bar, ads.CDockAreaTitleBar):
                clothe(bar, self._edge.theme, face)

    def _area_made(self, area: Any) -> None:
        clothe(area.titleBar(), self._edge.theme, self._worn)
        self._looks.start(0)  # its splitter is made after it
        self.changed.emit()

    def _paint_handle(self, handle: QSplitterHandle) -> bool:
        """In one colour: a style sheet on the splitter would dress anew all that is moved within it."""
        painter = QPainter(handle)
        painter.fillRect(handle.rect(), self._edge.theme.colour("border"))
        painter.end()
        return True


def _lay_ground(inner: Any, widget: QWidget) -> None:
    """The colour of panels behind a dock's widget, and not behind what stands in that."""
    widget.setBackgroundRole(widget.backgroundRole())
    inner.setBackgroundRole(QPalette.ColorRole.Base)
    inner.setAutoFillBackground(True)


def _holds(dock: Dock, widget: QWidget) -> bool:
    return dock.widget() is widget or dock.widget().isAncestorOf(widget)


def _stands(dock: Dock) -> bool:
    return dock.is_open and not dock.floating and dock.inner.dockAreaWidget() is not None
