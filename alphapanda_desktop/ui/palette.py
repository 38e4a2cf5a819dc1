"""Ctrl+K: every action by its words, and every instrument, without a mouse."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QLineEdit, QMenuBar, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.menuwords import plain
from alphapanda_desktop.ui.sheet import Sheet, tell
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.words import in_english, say

if TYPE_CHECKING:
    from alphapanda_desktop.domain.instruments import Instrument

LIMIT: Final = 60
INSTRUMENTS: Final = 12
"""Instruments are offered below the actions, at most so many."""

PAUSE_MS: Final = 60
WHY_NOT: Final = "not possible now"


@dataclass(frozen=True, slots=True)
class Command:
    """Something that can be done: where it is found, its words, its key, and the work."""

    place: str
    words: str
    key: str
    work: Callable[[], object]
    enabled: bool = True

    @property
    def name(self) -> str:
        own = f"{self.place} {self.words}"
        english = f"{in_english(self.place)} {in_english(self.words)}"  # whatever the keyboard writes
        return own if own == english else f"{own} {english}"


COLUMNS: Final[tuple[Column[Command], ...]] = (
    Column("Where", value=lambda c: c.place, width_chars=13, colour=lambda _: "muted"),
    Column("What", value=lambda c: c.words, width_chars=44, colour=lambda c: None if c.enabled else "muted",
        tooltip=lambda c: c.words if c.enabled else f"{c.words}: {WHY_NOT}"),
    Column("Key", value=lambda c: c.key if c.enabled else WHY_NOT, width_chars=18, align="right",
        colour=lambda _: "muted"),
)  # fmt: skip


def commands_of(bar: QMenuBar) -> list[Command]:
    """Every action that the menus hold now, those of submenus included; hidden ones are left out."""
    return [command for action in bar.actions() if action.isVisible() for command in _within(action, plain(action))]


def _within(action: QAction, place: str) -> Iterator[Command]:
    menu = action.menu()
    for entry in menu.actions() if menu is not None else ():  # type: ignore[attr-defined]  # its stub says QObject
        if entry.isSeparator() or not entry.isVisible():
            continue
        if entry.menu() is not None:
            yield from _within(entry, f"{place} › {plain(entry)}")
        else:
            yield _command(place, entry)


def _command(place: str, action: QAction) -> Command:
    told = action.text().partition("\t")[2]
    key = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText) or told
    return Command(place, plain(action), key, action.trigger, action.isEnabled())


def found(commands: Iterable[Command], text: str) -> list[Command]:
    """Those that hold every typed word, the better matches first: a word's beginning before its middle."""
    typed = text.lower().split()
    scored = [(score, command) for command in commands if (score := _score(command, typed)) is not None]
    return [command for _, command in sorted(scored, key=lambda one: (not one[1].enabled, one[0]))]


def _score(command: Command, typed: Sequence[str]) -> int | None:
    """How far from perfect, or None where a typed word is nowhere in it."""
    name, words = command.name.lower(), command.words.lower()
    beginnings = {word[: len(part)] for part in typed for word in words.replace("(", " ").split()}
    if not all(part in name for part in typed):
        return None
    return sum((0 if part in beginnings else 2) + (0 if part in words else 3) for part in typed)


class Palette(Sheet):
    """The sheet. `search` finds instruments, `show` takes the one that was picked."""

    least = QSize(760, 0)
    compact = True

    def __init__(
        self,
        commands: Sequence[Command],
        edge: Edge,
        parent: QWidget,
        search: Callable[[str, int], list[Instrument]] | None = None,
        show: Callable[[Instrument], object] | None = None,
    ) -> None:
        super().__init__("palette", "What do you want to do?", edge, parent)
        self._commands = commands
        self._search, self._show = search, show
        self.field = QLineEdit(self)
        self.field.setObjectName("palette_field")
        self.field.setAccessibleName(say("Name of an action or an instrument"))
        self.field.setPlaceholderText(
            say("An action (cancel all, limits, dark …) or an instrument (infy, nifty 26000 ce)")
        )
        self.field.returnPressed.connect(self._do_selected)
        self.model: RowModel[Command] = RowModel(COLUMNS, key=lambda c: c.name + c.key, theme=edge.theme, parent=self)
        self.list = self._make_list()
        self.body.addWidget(self.field)
        self.body.addWidget(self.list)
        self.answer = self.line("", "warn", "palette_answer")
        self.body.addWidget(self.answer)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(PAUSE_MS)
        self._pause.timeout.connect(self.look)
        self.field.textChanged.connect(lambda _text: self._pause.start())
        self.setFocusProxy(self.field)
        self.look()

    def _make_list(self) -> TableView:
        view = TableView(self.model, "Nothing is called like that.", self)
        view.setObjectName("palette_list")
        view.setAccessibleName(say("What was found"))
        view.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.setSortingEnabled(False)
        view.horizontalHeader().hide()
        view.horizontalHeader().setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        view.setFrameShape(QFrame.Shape.NoFrame)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setMinimumHeight(14 * view.verticalHeader().defaultSectionSize())
        view.clicked.connect(lambda index: self._do(self.model.row(index)))
        return view

    def look(self) -> None:
        """Show what the typed words find."""
        self._pause.stop()
        text = self.field.text().strip()
        tell(self.answer, "")
        self.model.update([*found(self._commands, text)[:LIMIT], *self._instruments(text)])
        if self.model.rowCount():
            self.list.selectRow(0)

    def _instruments(self, text: str) -> list[Command]:
        if not text or self._search is None or self._show is None:
            return []
        return [
            Command(one.exchange, say(f"Chart of {one.tradingsymbol}"), one.instrument_type, partial(self._show, one))
            for one in self._search(text, INSTRUMENTS)
        ]

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Up and Down walk the list: the field takes no use of them and passes them on."""
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 10, Qt.Key.Key_PageUp: -10}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
            return
        wanted = self.list.currentIndex().row() + step
        self.list.selectRow(min(max(wanted, 0), self.model.rowCount() - 1))

    def _do_selected(self) -> None:
        if self._pause.isActive():
            self.look()  # Enter came before the list did
        command = self.list.current_row()
        if command is not None:
            self._do(command)

    def _do(self, command: Command) -> None:
        if not command.enabled:
            tell(self.answer, f"{command.words}: {WHY_NOT}.")
            return
        self.dismiss()
        command.work()
