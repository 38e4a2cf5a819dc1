"""The Workspace menu of an open desk: going from one workspace to another, charts, the lock, torn-off panels."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu

from alphapanda_desktop.ui.charts import Charts, OwnPage, Pane
from alphapanda_desktop.ui.companions import Companions
from alphapanda_desktop.ui.dockplan import CENTRE, PLANS, mended, state_of
from alphapanda_desktop.ui.docks import Dock, Docks
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.sheet import TypedSheet
from alphapanda_desktop.ui.words import say
from alphapanda_desktop.ui.workspaces import BESIDE, BUILT_IN, ChartRecord, Standing, WindowRecord, Workspaces
from alphapanda_desktop.ui.workspacesheet import WorkspaceSheet

if TYPE_CHECKING:
    from alphapanda_desktop.ui.shell import MainWindow

MENU = "workspace_menu"
LOOK_MS = 1500
"""A layout that looks the same twice, and not as it is kept, is kept: after a crash at most this second look is lost.

Looking takes some hundredths of a millisecond; hearing of every splitter, tab, window and chart would take more.
"""


class WorkspaceDesk(QObject):
    """Lets docks and charts stand as a workspace says, and keeps how they stand; owned by the window."""

    def __init__(self, window: MainWindow, charts: Charts, spaces: Workspaces, edge: Edge) -> None:
        super().__init__(window)
        self._window, self._charts, self.spaces, self._edge = window, charts, spaces, edge
        self._docks: Docks = window.dockyard()
        self.menu = QMenu(say("Works&pace"), window.menuBar())
        self.menu.setObjectName(MENU)
        self.companions = Companions(window, edge)
        self._names: dict[str, QAction] = {}
        self._kept: tuple[Standing, bytes] | None = None
        self._seen: tuple[Standing, bytes] | None = None
        self._looks = QTimer(self)
        self._looks.setInterval(LOOK_MS)
        self._looks.timeout.connect(self.look)
        self._build_menu()

    def begin(self) -> None:
        """Stand as the workspace that was shown last was left."""
        self._docks.offer_by_tab("watchlist", self._charts.watchlist)
        self._stand(self.spaces.shown.now)
        self.lock(self.spaces.locked)
        self._charts.changed.connect(self.keep)
        self._charts.closed.connect(self._forget)
        self._charts.watchlist.chosen.connect(lambda _link: self.keep())
        self._looks.start()

    def leave(self) -> None:
        """Another desk is opened: this one keeps nothing any more."""
        self._looks.stop()
        self.companions.leave()
        self.deleteLater()

    # --- how it stands

    def standing(self) -> Standing:
        """How docks and charts stand now."""
        records = tuple(pane.record() for pane in self._charts)
        return Standing(self._docks.state(), records, self._charts.watchlist.link, self.companions.records())

    def keep(self) -> None:
        """Remember all workspaces, the shown one as it stands; nothing waits for the disk."""
        self._window.remember("layout", self._layout())

    def keep_now(self) -> None:
        """`keep`, and it is on the disk."""
        self._window.remembered.save("layout", self._layout())

    def _layout(self) -> bytes:
        self._kept = standing, geometry = self._sight()
        spaces = self.spaces
        spaces.leave(standing)
        spaces.locked = self._docks.locked
        spaces.geometry = geometry
        return spaces.to_bytes()

    def _sight(self) -> tuple[Standing, bytes]:
        return self.standing(), bytes(self._window.saveGeometry().data())

    def look(self) -> None:
        """Keep how everything stands once it has changed and come to rest."""
        seen = self._sight()
        at_rest, self._seen = seen == self._seen, seen
        if at_rest and seen != self._kept and self._window.isVisible():
            self.keep()

    def _forget(self, pane: Pane) -> None:
        """What was put on a closed chart goes with it, unless another workspace has that chart."""
        if isinstance(pane.book, OwnPage) and not self.spaces.uses(pane.name):
            pane.book.forget()

    def _stand(self, standing: Standing) -> None:
        charts = self._charts
        self._charts.close_all(record.name for record in standing.charts)
        for record in standing.charts:
            if record.name == CENTRE:
                charts.main.follow(record)
            elif charts.find(record.name) is None:
                charts.open(record)
        charts.watchlist.show_link(standing.watchlist)
        self._docks.locked = self.spaces.locked
        known = self._docks.known()
        plan = PLANS.get(self.spaces.current, PLANS[BUILT_IN[0]])
        if not standing.state or not self._docks.restore(mended(standing.state, known)):
            self._docks.restore(state_of(plan, known))
        beside = tuple(WindowRecord(name, open=True) for name in BESIDE.get(self.spaces.current, ()))
        self.companions.stand(standing.windows if standing.state else beside)

    # --- which is shown

    def go_to(self, name: str) -> None:
        """Show another workspace; this one is kept as it stands."""
        if name != self.spaces.current and name in self.spaces.all:
            self.spaces.leave(self.standing())
            self.spaces.current = name
            self._shown()

    def _shown(self) -> None:
        blocked = self._charts.blockSignals(True)  # what is half built is not worth keeping
        self._stand(self.spaces.shown.now)
        self._charts.blockSignals(blocked)
        self.keep()
        self._fill()

    def save(self) -> None:
        """From now on a reset brings back how it stands now."""
        if self.spaces.current in BUILT_IN:
            self.save_as()
            return
        self.keep()
        self.spaces.shown.kept = self.spaces.shown.now
        self.keep()
        self._edge.notify(say(f"Workspace {self.spaces.current} is saved as it stands."), "info")

    def save_as(self) -> None:
        """Ask for a name, and keep how everything stands under it."""
        words = say("How docks and charts stand now becomes a workspace of its own. Its name:")
        sheet = self._window.deck.find("typed_workspace")
        if not isinstance(sheet, TypedSheet):
            sheet = TypedSheet("typed_workspace", say("New workspace"), words, self._edge, self._window)
            sheet.typed.connect(partial(self._named, sheet))
        self._window.deck.lay(sheet)

    def _named(self, sheet: TypedSheet, name: str) -> None:
        why = self.spaces.why_not_named(name)
        if why:
            sheet.answer.setText(say(why))
            sheet.answer.show()
            return
        sheet.dismiss()
        self.keep()
        self.spaces.add(name, self.spaces.shown.now)
        self.keep()
        self._fill()

    def reset(self) -> None:
        """A workspace of the program's as it came, one's own as it was saved."""
        self.spaces.leave(self.spaces.shown.kept)
        self._shown()

    def rename(self, old: str, new: str) -> None:
        """Call one's own workspace something else."""
        self.spaces.rename(old, new)
        self.keep()
        self._fill()

    def remove(self, name: str) -> None:
        """Forget one's own workspace; where it was shown, the first is."""
        was_shown = name == self.spaces.current
        if not was_shown:
            self.keep()
        self.spaces.remove(name)
        if was_shown:
            self._shown()
        else:
            self.keep()
            self._fill()

    def show_sheet(self) -> None:
        """All workspaces, to go to, rename or remove."""
        deck = self._window.deck
        deck.lay(deck.find("workspace_sheet") or WorkspaceSheet(self, self._edge, self._window))

    # --- panels and charts

    def lock(self, on: bool) -> None:
        """Whether panels stay where they are and as large as they are."""
        self._docks.lock(on)
        self.spaces.locked = on
        self.locked.setChecked(on)

    def _toggle_lock(self) -> None:
        self.lock(self.locked.isChecked())
        self.keep()

    def new_chart(self) -> None:
        """One more chart of what is on the chart that had the keyboard last, linked to nothing."""
        active = self._charts.active.record()
        name = self.spaces.next_chart()
        while self._charts.find(name) is not None:
            name = f"chart_{int(name.removeprefix('chart_')) + 1}"
        pane = self._charts.open(ChartRecord(name, active.key, active.interval, active.kind))
        if pane is not None:
            pane.chart.setFocus()

    def next_chart(self) -> None:
        """The keyboard to the chart after the one that had it last, and its window before others."""
        panes = list(self._charts)
        pane = panes[(panes.index(self._charts.active) + 1) % len(panes)]
        if pane.dock is not None:
            pane.dock.raise_()
        pane.chart.window().activateWindow()
        pane.chart.setFocus()

    def _panel(self) -> Dock | None:
        dock = self._docks.focused()
        if dock is None:
            self._edge.notify(say("No panel has the keyboard: the chart in the middle stays where it is."), "info")
        elif self._docks.locked:
            self._edge.notify(say("The layout is locked: unlock it in the Workspace menu."), "info")
        else:
            return dock
        return None

    def tear_off(self) -> None:
        """Give the panel that has the keyboard a window of its own, or put it back."""
        dock = self._panel()
        if dock is not None:
            self._docks.put_back(dock) if dock.floating else dock.float_()
            dock.widget().setFocus()

    def close_panel(self) -> None:
        """Put the panel that has the keyboard away; the View menu brings it back, but a chart goes for good."""
        dock = self._panel()
        if dock is not None:
            dock.close()

    # --- the menu

    def _build_menu(self) -> None:
        bar = self._window.menuBar()
        for before in bar.findChildren(QMenu, MENU):
            if before is not self.menu:
                bar.removeAction(before.menuAction())
                before.deleteLater()
        bar.insertMenu(bar.actions()[-1], self.menu)
        self._group = QActionGroup(self)
        self._line = self.menu.addSeparator()
        self._add("&Save the workspace", self.save)
        self._add("Save as a &new workspace…", self.save_as)
        self._add("&Reset the workspace", self.reset)
        self._add("Rename or re&move workspaces…", self.show_sheet)
        self.menu.addSeparator()
        self.locked = self._add("&Lock the layout", self._toggle_lock)
        self.locked.setCheckable(True)
        self.menu.addSeparator()
        self._add("New &chart", self.new_chart, "Ctrl+Shift+N")
        self._add("To the ne&xt chart", self.next_chart, "Ctrl+Tab")
        self.menu.addMenu(self._charts.watchlist)
        self._add("&Tear off the panel, or put it back", self.tear_off, "Ctrl+Shift+D")
        self._add("Close the &panel", self.close_panel, "Ctrl+W")
        self._fill()

    def _add(self, words: str, work: Callable[[], object], key: str = "") -> QAction:
        action = self.menu.addAction(say(words))
        action.triggered.connect(lambda _checked=False: work())
        if key:
            action.setShortcut(QKeySequence(key))
        return action

    def _fill(self) -> None:
        """The names, before all the rest; the same names keep their actions, which other windows hold as well."""
        if list(self._names) == list(self.spaces.names):
            for name, known in self._names.items():
                known.setChecked(name == self.spaces.current)
            return
        for action in self._names.values():
            self.menu.removeAction(action)
            action.deleteLater()
        self._names = {}
        for number, name in enumerate(self.spaces.names, 1):
            action = QAction(say(say(name) if name in BUILT_IN else name.replace("&", "&&")), self._group)
            action.setCheckable(True)
            action.setChecked(name == self.spaces.current)
            action.triggered.connect(partial(self._chosen, name))
            if number < 10:
                action.setShortcut(QKeySequence(f"Ctrl+Alt+{number}"))
            self.menu.insertAction(self._line, action)
            self._names[name] = action

    def _chosen(self, name: str, _checked: bool = False) -> None:
        self.go_to(name)


def stand_up(window: MainWindow, charts: Charts, edge: Edge) -> WorkspaceDesk:
    """The workspaces of a desk that was just opened, standing as they were left."""
    before = window.workspaces  # of a desk that was opened earlier in this run
    spaces = before.spaces if before is not None else Workspaces.from_bytes(window.remembered.layout)
    if before is not None:
        before.leave()
    desk = WorkspaceDesk(window, charts, spaces, edge)
    desk.begin()
    return desk
