"""The keys of the menus' actions as the person has them: given, taken back, kept, and no key twice.

An action is known by its English words, so that a key stays with it in every language. Keys that a panel, a sheet or
the strip hears by itself are the same for everybody: they are written in `keys.py` and given to nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

import shiboken6
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QMenuBar

from alphapanda_desktop.ui.keys import KEYS
from alphapanda_desktop.ui.menuwords import plain
from alphapanda_desktop.ui.words import in_english

USUAL: Final = "usual_key"
PORTABLE: Final = QKeySequence.SequenceFormat.PortableText


class Entry(NamedTuple):
    """An action of the menus: where it is found, its words, itself."""

    place: str
    words: str
    action: QAction

    @property
    def id(self) -> str:
        """What it is kept by: its English words."""
        return in_english(self.words)

    @property
    def key(self) -> str:
        return self.action.shortcut().toString(PORTABLE)

    @property
    def usual(self) -> str:
        """The key that it has by itself."""
        told = self.action.property(USUAL)
        return str(told) if told is not None else self.key

    @property
    def is_changed(self) -> bool:
        return self.key != self.usual


class Shortcuts(QObject):
    """Owns which key does what in the menus. `save` keeps the person's own, by action; "" is no key."""

    def __init__(self, bar: QMenuBar, own: Mapping[str, str], save: Callable[[dict[str, str]], object]) -> None:
        super().__init__(bar)
        self._bar = bar
        self._own = dict(own)
        self._save = save
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(0)
        self._soon.timeout.connect(self.apply)
        self.apply()

    def entries(self) -> list[Entry]:
        """Every action that can have a key now. One whose key the strip or a panel hears is not among them."""
        return [entry for action in self._bar.actions() for entry in _within(action, plain(action))]

    def apply(self) -> None:
        """Give every action its key, those that came since included."""
        for menu in _menus(self._bar):
            menu.installEventFilter(self)  # an action that comes later gets its key, too
        for entry in self.entries():
            own = self._own.get(entry.id)
            if own is not None and own != entry.key:
                if entry.action.property(USUAL) is None:
                    entry.action.setProperty(USUAL, entry.key)
                entry.action.setShortcut(QKeySequence(own))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ActionAdded and shiboken6.isValid(self._soon):
            self._soon.start()  # its words and its key are set after it was added
        return False

    def changed(self) -> dict[str, str]:
        """What the person's own keys do, by key."""
        return {entry.key: entry.id for entry in self.entries() if entry.is_changed and entry.key}

    def why_not(self, key: str) -> str:
        """Why nothing can be given this key, or nothing."""
        fixed = fixed_keys().get(key)
        if fixed is not None and not any(entry.usual == key for entry in self.entries()):
            return f"{key} is fixed: {fixed}."
        return "" if is_free_of_typing(key) else f"{key} alone is typed or a panel's key: add Ctrl or Alt."

    def holder(self, key: str, but: Entry) -> Entry | None:
        """Which other action has this key."""
        others = (entry for entry in self.entries() if entry.id != but.id)
        return next((entry for entry in others if key and entry.key == key), None)

    def give(self, entry: Entry, key: str) -> None:
        """Let a key do this from now on, and nothing else; no key where it is empty."""
        holder = self.holder(key, entry)
        if holder is not None:
            self._own[holder.id] = ""
        self._own[entry.id] = key
        self._keep()

    def reset(self, entry: Entry) -> None:
        """Its usual key again."""
        self.give(entry, entry.usual)

    def reset_all(self) -> None:
        """All keys as they come."""
        self._own = {entry.id: entry.usual for entry in self.entries() if entry.is_changed}
        self._keep()

    def _keep(self) -> None:
        self.apply()
        usual = {entry.id: entry.usual for entry in self.entries()}
        self._own = {name: key for name, key in self._own.items() if usual.get(name) != key}
        self._save(self._own)


def _within(action: QAction, place: str) -> Iterator[Entry]:
    menu = action.menu()
    for entry in menu.actions() if isinstance(menu, QMenu) else ():
        if entry.menu() is not None:
            yield from _within(entry, f"{place} › {plain(entry)}")
        elif not entry.isSeparator() and "\t" not in entry.text() and plain(entry):
            yield Entry(place, plain(entry), entry)


def _menus(bar: QMenuBar) -> Iterator[QMenu]:
    waiting = [action.menu() for action in bar.actions()]
    while waiting:
        menu = waiting.pop()
        if isinstance(menu, QMenu):
            yield menu
            waiting += [action.menu() for action in menu.actions() if action.menu() is not None]


def is_free_of_typing(key: str) -> bool:
    """Whether pressing it types nothing: it has Ctrl, Alt or Meta, or is a function key."""
    last = key.rpartition("+")[2]
    return not key or any(f"{name}+" in key for name in ("Ctrl", "Alt", "Meta")) or (last[:1] == "F" and len(last) > 1)


def fixed_keys() -> dict[str, str]:
    """What panels, sheets and the strip hear by themselves, as Qt writes it, with what it does."""
    return {
        key: f"{place}: {what}" for place, keys in KEYS.items() for told, what in keys.items() for key in _each(told)
    }


def _each(told: str) -> Iterator[str]:
    """The keys of "F7 / F8", of "Alt+1 … Alt+6"."""
    first, range_, last = told.partition(" … ")
    if range_:
        for number in range(int(first[-1]), int(last[-1]) + 1):
            yield f"{first[:-1]}{number}"
        return
    for part in told.replace(" and ", " / ").split(" / "):
        yield QKeySequence(part.replace("Enter", "Return")).toString(PORTABLE)
