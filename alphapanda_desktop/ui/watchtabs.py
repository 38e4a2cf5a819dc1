"""Several watchlists in tabs, each with groups, an order, columns and a sort of its own.

Object names: watch_tabs, watch_new, watch_more, watch_groups, watch_namer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QEvent, QObject, QPoint, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QMenu, QTabBar, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.watchlists import Imported, WatchedList, read_csv, to_csv, unused_name
from alphapanda_desktop.ui.carry import Carry
from alphapanda_desktop.ui.columns import FittedColumns
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.quotemodel import COLUMNS, Quote
from alphapanda_desktop.ui.sheet import save_text
from alphapanda_desktop.ui.watchgroups import GroupRow, Namer
from alphapanda_desktop.ui.watchlist import Watchlist, WatchMarket
from alphapanda_desktop.ui.words import say

SPARE: Final = ("Chg", "Volume", "Age")
"""What goes first where there is no room."""
SYMBOL_PX: Final = 92
FIRST: Final = "List 1"
LARGEST_FILE: Final = 1_000_000
TITLES: Final = tuple(column.title for column in COLUMNS)

Save = Callable[[tuple[WatchedList, ...], int], None]


@dataclass(frozen=True, slots=True)
class Removed:
    """A list that was taken away, and where it stood."""

    kept: WatchedList
    at: int


class WatchTabs(Watchlist):
    """Watches the list whose tab is chosen. `save` is handed all lists and the chosen one whenever either changes.

    Signals, besides the watchlist's: `identity_wanted(Instrument)`, `import_wanted()`.
    """

    identity_wanted = Signal(object)
    import_wanted = Signal()

    def __init__(
        self,
        edge: Edge,
        market: WatchMarket,
        save: Save,
        lists: Sequence[WatchedList] = (),
        shown: int = 0,
        parent: QWidget | None = None,
        *,
        folder: Path | None = None,
    ) -> None:
        self._lists = list(lists) or [WatchedList(name=FIRST)]
        self._at = shown if 0 <= shown < len(self._lists) else 0
        self._group = ""
        self._save = save
        self._folder = folder
        self._removed: Removed | None = None
        super().__init__(edge, market, self._keys_changed, (), parent)
        self._forget_missing()
        self._add_tabs()
        self._dress_table()
        self._show_list()

    # --- parts

    def _add_tabs(self) -> None:
        self.tabs = QTabBar(self)
        self.tabs.setObjectName("watch_tabs")
        self.tabs.setAccessibleName(say("Watchlists"))
        self.tabs.setExpanding(False)
        self.tabs.setMovable(True)
        self.tabs.setElideMode(Qt.TextElideMode.ElideRight)
        self.tabs.setDrawBase(False)
        for each in self._lists:
            self.tabs.addTab(each.name)
        self.tabs.setCurrentIndex(self._at)
        self.tabs.currentChanged.connect(self._choose_list)
        self.tabs.tabMoved.connect(self._tab_moved)
        self.tabs.tabBarDoubleClicked.connect(lambda _at: self.ask_rename())
        self.more = self._tool("watch_more", "⋯", "Commands of this list", self.open_commands)
        new = self._tool("watch_new", "+", "New list", self.new_list)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.tabs, 1)
        row.addWidget(new)
        row.addWidget(self.more)
        self.groups = GroupRow(self)
        self.groups.chosen.connect(self._choose_group)
        self.namer = Namer(self)
        whole = self.layout()
        assert isinstance(whole, QVBoxLayout)
        whole.insertLayout(0, row)
        whole.insertWidget(2, self.groups)
        whole.insertWidget(3, self.namer)
        self.setAcceptDrops(True)

    def _tool(self, name: str, text: str, what: str, work: Callable[[], object]) -> QToolButton:
        button = QToolButton(self)
        button.setObjectName(name)
        button.setText(say(text))
        button.setToolTip(as_tip(say(what)))
        button.setAccessibleName(say(what))
        button.clicked.connect(lambda _checked=False: work())
        return button

    def _dress_table(self) -> None:
        self.table.installEventFilter(self)
        self.fitted = FittedColumns(self.table, SPARE, "Symbol", SYMBOL_PX, scrolls=True)
        self.table.least_first_px = SYMBOL_PX
        header = self.table.horizontalHeader()
        header.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        header.customContextMenuRequested.connect(lambda at: self.open_columns(header.mapToGlobal(at)))
        header.sortIndicatorChanged.connect(self._sorted)
        self.carry = Carry(self.table, lambda quote: quote.instrument.tradingsymbol)
        self.carry.onto(self.table.viewport(), lambda quote, at: self._dropped_on_row(quote.instrument, at))
        self.carry.onto(self.tabs, lambda quote, at: self._dropped_on_tab(quote.instrument, self.tabs.tabAt(at)))

    # --- lists

    @property
    def lists(self) -> tuple[WatchedList, ...]:
        """All lists, as their tabs stand."""
        return tuple(self._lists)

    @property
    def showing(self) -> WatchedList:
        """The list that is shown."""
        return self._lists[self._at]

    def _keep(self, changed: WatchedList) -> None:
        self._lists[self._at] = changed
        self._save(self.lists, self._at)

    def _forget_missing(self) -> None:
        """Take what today's master does not have off every list, and say so once."""
        known = self._market.master.by_key
        missing = dict.fromkeys(key for each in self._lists for key in each.keys if known(key) is None)
        if missing:
            self._lists = [each.without(missing) for each in self._lists]
            names = ", ".join([*missing][:12]) + (" …" if len(missing) > 12 else "")
            self._edge.notify(f"No longer in today's instrument list, taken off the watchlists: {names}.", "info")
            self._save(self.lists, self._at)

    def _keys_changed(self, keys: Sequence[str]) -> None:
        """Something was added or taken off by the watchlist itself."""
        now = self.showing.without(set(self.showing.keys) - set(keys))
        for key in keys:
            now = now if key in now.keys else now.with_key(key, self._group)
        self._keep(now)
        self._show_groups()

    def _choose_list(self, at: int) -> None:
        if 0 <= at < len(self._lists) and at != self._at:
            self._at, self._group = at, ""
            self._show_list()
            self._save(self.lists, self._at)

    def _tab_moved(self, came_from: int, to: int) -> None:
        shown = self.showing
        self._lists.insert(to, self._lists.pop(came_from))
        self._at = next(at for at, each in enumerate(self._lists) if each is shown)
        self._save(self.lists, self._at)

    def _show_list(self) -> None:
        shown = self.showing
        self.filter.clear()
        with QSignalBlocker(self.table):
            self.load(shown.keys)
        hidden = [at for at, title in enumerate(TITLES) if title in shown.hidden]
        self.model.leave_out(hidden)
        self.fitted.leave_out(hidden)
        header = self.table.horizontalHeader()
        column = TITLES.index(shown.sorted_by) if shown.sorted_by in TITLES else -1
        order = Qt.SortOrder.DescendingOrder if shown.descending else Qt.SortOrder.AscendingOrder
        header.setSortIndicator(column, order)
        self._show_groups()

    def next_list(self, step: int = 1) -> None:
        """Show the next list, or the one before."""
        self.tabs.setCurrentIndex((self._at + step) % len(self._lists))

    def new_list(self, name: str = "") -> None:
        """An empty list in a tab of its own, which is shown; its name can be typed at once."""
        self.put_list(WatchedList(name=unused_name(name or "List", self._lists)))
        if not name:
            self.ask_rename()

    def put_list(self, made: WatchedList, at: int | None = None) -> None:
        """Add a list with what it holds, and show it."""
        at = len(self._lists) if at is None else at
        self._lists.insert(at, made)
        with QSignalBlocker(self.tabs):
            self.tabs.insertTab(at, made.name)
            self.tabs.setCurrentIndex(at)
        self._at, self._group = at, ""
        self._show_list()
        self._save(self.lists, self._at)

    def ask_rename(self) -> None:
        """Ask for another name of the list that is shown."""
        self.namer.ask("Name of this list", self.showing.name, self.rename, self.table)

    def rename(self, name: str) -> None:
        """Call the shown list by another name; one that is taken gets a number."""
        others = [each for each in self._lists if each is not self.showing]
        self._keep(replace(self.showing, name=unused_name(name, others)))
        self.tabs.setTabText(self._at, self.showing.name)

    def remove_list(self) -> None:
        """Take the shown list away; `bring_back` has it again. The last one stays."""
        if len(self._lists) == 1:
            self._edge.notify("This is the only list: it can be emptied, not removed.", "info")
            return
        gone = self._removed = Removed(self._lists.pop(self._at), self._at)
        with QSignalBlocker(self.tabs):
            self.tabs.removeTab(gone.at)
        self._at, self._group = min(gone.at, len(self._lists) - 1), ""
        with QSignalBlocker(self.tabs):
            self.tabs.setCurrentIndex(self._at)
        self._show_list()
        self._save(self.lists, self._at)
        self._edge.notify(f"List {gone.kept.name} was removed; the list's ⋯ menu brings it back.", "info")

    def bring_back(self) -> None:
        """Put the list that was removed last where it stood."""
        gone, self._removed = self._removed, None
        if gone is not None:
            self.put_list(replace(gone.kept, name=unused_name(gone.kept.name, self._lists)), gone.at)

    # --- groups

    def shown(self) -> Iterable[Instrument]:
        """Instruments of the chosen group, or of the whole list."""
        if not self._group:
            return super().shown()
        inside = frozenset(self.showing.keys_in(self._group))
        return [instrument for instrument in self._instruments.values() if instrument.key in inside]

    def _choose_group(self, group: str) -> None:
        self._group = group
        self._show_rows()

    def _show_groups(self) -> None:
        names = self.showing.group_names()
        if self._group not in names:
            self._group = ""
        counts = {name: len(self.showing.keys_in(name)) for name in ["", *names]}
        self.groups.show_groups(counts if names else {}, self._group)
        self._show_rows()

    def put_into_group(self, group: str) -> None:
        """Put the selected rows into a group; "" takes them out."""
        self._keep(self.showing.grouped([quote.instrument.key for quote in self.table.selected_rows()], group))
        self._show_groups()

    def ask_group(self) -> None:
        """Ask for the group of the selected rows."""
        current = self.current()
        group = self.showing.groups.get(current.key, "") if current is not None else ""
        self.namer.ask("Group of the selected rows; empty for none", group, self.put_into_group, self.table)

    # --- order and columns

    def _sorted(self, column: int, order: Qt.SortOrder) -> None:
        title = TITLES[column] if column >= 0 else ""
        descending = bool(title) and order == Qt.SortOrder.DescendingOrder
        if (title, descending) != (self.showing.sorted_by, self.showing.descending):
            self._keep(replace(self.showing, sorted_by=title, descending=descending))

    def move_before(self, instrument: Instrument, before: Instrument | None) -> None:
        """Put a row before another, or last; a sort by a column gives way to the list's own order."""
        self.table.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self._keep(self.showing.moved(instrument.key, before.key if before is not None else None))
        by_key = {each.key: each for each in self._instruments.values()}
        self._instruments = {by_key[key].instrument_token: by_key[key] for key in self.showing.keys if key in by_key}
        self._show_rows()
        self._choose_again(instrument)

    def move_by(self, rows: int) -> None:
        """Move the current row up or down among those that are shown."""
        instrument, shown = self.current(), [quote.instrument for quote in self.model.rows()]
        if instrument is None:
            return
        at = shown.index(instrument)
        to = min(max(at + rows, 0), len(shown) - 1)
        if to != at:
            after = to + 1 if to > at else to
            self.move_before(instrument, shown[after] if after < len(shown) else None)

    def _dropped_on_row(self, instrument: Instrument, at: QPoint) -> None:
        index = self.table.indexAt(at)
        before = self.model.row(index).instrument if index.isValid() else None
        if before != instrument:
            self.move_before(instrument, before)

    def _dropped_on_tab(self, instrument: Instrument, tab: int) -> None:
        if tab in (-1, self._at):
            return
        to = self._lists[tab] = self._lists[tab].with_key(instrument.key)
        self.remove(instrument)
        self._edge.notify(f"{instrument.tradingsymbol} is on {to.name} now.", "info")

    def show_column(self, title: str, shown: bool) -> None:
        """Show a column of this list's table, or take it away."""
        hidden = [each for each in self.showing.hidden if each != title] + ([] if shown else [title])
        self._keep(replace(self.showing, hidden=tuple(hidden)))
        places = [at for at, each in enumerate(TITLES) if each in hidden]
        self.model.leave_out(places)
        self.fitted.leave_out(places)

    # --- CSV

    def read(self, text: str) -> Imported:
        """What a text names of today's instruments."""
        return read_csv(text, lambda key: self._market.master.by_key(key) is not None)

    def take(self, read: Imported, new_list: str = "") -> None:
        """Add what was read to this list, or make a list of that name of it."""
        if new_list:
            self.put_list(WatchedList(name=unused_name(new_list, self._lists)))
        now = self.showing
        for key, group in read.found:
            now = now.with_key(key, group)
        self._keep(now)
        self._show_list()
        self._edge.notify(f"{now.name}: {read.text()}.", "warning" if read.wrong else "info")

    def take_file(self, path: Path) -> None:
        """Make a list of what a file names, called as the file is."""
        try:
            if path.stat().st_size > LARGEST_FILE:
                self._edge.notify(
                    f"{path.name} has more than {grouped(LARGEST_FILE)} bytes: that is no watchlist.", "warning"
                )
                return
            text = path.read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            self._edge.notify(f"{path} cannot be read: {error.strerror or error}", "danger")
            return
        read = self.read(text)
        if read.found:
            self.take(read, path.stem)
        else:
            self._edge.notify(f"{path.name} names no instrument of today's list.", "warning")

    def export(self) -> Path | None:
        """Write the shown list as CSV beside the journal, and say where."""
        if self._folder is None:
            return None
        name = "".join(c if c.isalnum() or c in "-_ " else "_" for c in self.showing.name)
        return save_text(to_csv(self.showing), self._folder, f"{name}.csv", self._edge)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        for url in event.mimeData().urls():
            if url.isLocalFile():
                self.take_file(Path(url.toLocalFile()))

    # --- menus and keys

    def commands(self) -> list[tuple[str, str, Callable[[], object]]]:
        """What can be done with lists: words, key, work."""
        return [
            ("&New watchlist", "", self.new_list),
            ("&Rename this watchlist…", "", self.ask_rename),
            ("R&emove this watchlist", "", self.remove_list),
            ("&Bring back the removed watchlist", "", self.bring_back),
            ("Ne&xt watchlist", "Ctrl+PgDown", self.next_list),
            ("&Previous watchlist", "Ctrl+PgUp", partial(self.next_list, -1)),
            ("&Group of the selected rows…", "", self.ask_group),
            ("Move the row &up", "Alt+Up", partial(self.move_by, -1)),
            ("Move the row &down", "Alt+Down", partial(self.move_by, 1)),
            ("&Columns…", "", self.open_columns),
            ("&Import a list…", "", self.import_wanted.emit),
            ("Expor&t this list as CSV", "", self.export),
            ("W&hat is this instrument?", "I", self._ask_identity),
        ]

    def open_commands(self) -> QMenu:
        """The commands of lists, under their button."""
        menu = self._new_menu()
        for words, key, work in self.commands():
            action = menu.addAction(say(f"{words}\t{key}" if key else words))
            action.triggered.connect(lambda _checked=False, work=work: work())
            action.setEnabled(work != self.bring_back or self._removed is not None)
        menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))
        return menu

    def open_columns(self, at: QPoint | None = None) -> QMenu:
        """Which columns this list has, to be ticked."""
        menu = self._new_menu()
        for title in TITLES[1:]:
            action = menu.addAction(say(title))
            action.setCheckable(True)
            action.setChecked(title not in self.showing.hidden)
            action.toggled.connect(partial(self.show_column, title))
        header = self.table.horizontalHeader()
        menu.popup(at if at is not None else header.mapToGlobal(header.rect().bottomLeft()))
        return menu

    def _new_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        return menu

    def _menu(self, quote: Quote) -> list[QAction]:
        more: list[tuple[str, Callable[[], Any]]] = [("Group…", self.ask_group), ("What is it?\tI", self._ask_identity)]
        return super()._menu(quote) + [self._action(words, work) for words, work in more]

    def _ask_identity(self) -> None:
        instrument = self.current()
        if instrument is not None:
            self.identity_wanted.emit(instrument)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.text().lower() == "i":
            self._ask_identity()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keys that the table would take for its own."""
        if watched is self.table and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._list_key(event)
        return super().eventFilter(watched, event)

    def _list_key(self, event: QKeyEvent) -> bool:
        key, held = event.key(), event.modifiers()
        if held & Qt.KeyboardModifier.ControlModifier and key in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp):
            self.next_list(1 if key == Qt.Key.Key_PageDown else -1)
            return True
        if held & Qt.KeyboardModifier.AltModifier and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move_by(1 if key == Qt.Key.Key_Down else -1)
            return True
        return False
