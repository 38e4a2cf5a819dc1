"""A person's hands: keys and mouse through the X server by xdotool, on the window of a program in this process.

Nothing here calls a widget's own methods to act; it only looks where a widget is and whether what was done came true.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import shiboken6
from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QApplication, QDialog, QMenu, QMenuBar, QWidget

from alphapanda_desktop.ui.question import Question
from alphapanda_desktop.ui.sheet import Sheet
from tests.e2e.arrivals import Arrivals, presses_of

T = TypeVar("T")
Spot = QPoint | Callable[[], QPoint] | None
"""A place within a widget, or how to find it where it moves; None for the middle."""

PATIENCE_S = 45.0
"""Costs nothing where things come true, and much of it is needed where ten programs share a processor."""

ARRIVES_S = 8.0
TRIES = 4
TRY_S = 6.0
TYPING_MS = "6"
DRAG_STEPS = 8
MOVES_S = "0.02"
"""Between moving and pressing. Not xdotool's own --sync: that waits 15 s for a pointer that is there already."""

RESTS_S = 0.06
"""What is at the same place after this long does not move."""

TAKEN = frozenset({"alt+F4"})
"""Keys that the window manager takes: Alt alone comes to the program."""

COMPANIONS = ("review_window", "backtest_window")
WINDOWS = (Qt.WindowType.Window, Qt.WindowType.Dialog)


class Unseen(AssertionError):
    """What a person waited for did not happen, or what they looked for is not on the screen."""


class Hands:
    """Does as a person would, and looks at the screen in between. `shots` is where pictures go, if anywhere.

    Before each act it looks whether what it aims at is there, rests and is in front; after it, whether the program has
    it. What has to be done twice is printed.
    """

    def __init__(self, shots: Path | None = None) -> None:
        self._shots = shots
        self._arrivals = Arrivals()
        self._front: QWidget | None = None

    # -- looking -------------------------------------------------------------------------------------------------

    async def until(self, look: Callable[[], T], what: str = "", patience_s: float = PATIENCE_S) -> T:
        """What `look` gives once it is true."""
        try:
            async with asyncio.timeout(patience_s):
                while not (found := look()):
                    await asyncio.sleep(0.03)
                return found
        except TimeoutError:
            raise Unseen(what or "what was waited for did not come true") from None

    def seen(self, name: str, kind: type[QWidget] = QWidget) -> Any:
        """The widget of that object name that is on the screen, or None."""
        return next(
            (
                widget
                for top in QApplication.topLevelWidgets()
                if top.isVisible()
                for widget in (top, *top.findChildren(kind))
                if widget.objectName() == name and widget.isVisible() and isinstance(widget, kind)
            ),
            None,
        )

    async def find(self, name: str, kind: type[QWidget] = QWidget) -> Any:
        """The widget of that object name, once it is on the screen."""
        found = await self.until(lambda: self.seen(name, kind), f"no {name} on the screen")
        self._front = found.window()
        return found

    async def gone(self, name: str) -> None:
        """Wait until no widget of that name is on the screen."""
        await self.until(lambda: self.seen(name) is None, f"{name} stays on the screen")
        self._front = None

    async def by(self, act: Callable[[], Awaitable[object]], look: Callable[[], T], what: str) -> T:
        """What `look` gives once it is true because of an act, which is done again where nothing comes of it."""
        for left in reversed(range(TRIES)):
            await act()
            try:
                return await self.until(look, what, TRY_S if left else PATIENCE_S)
            except Unseen:
                if not left:
                    raise
                print(f"once more: {what}", file=sys.stderr)
        raise AssertionError("there is a last try")

    # -- keys ----------------------------------------------------------------------------------------------------

    async def keys(self, *chords: str) -> None:
        """Press chords one after another, in xdotool's words: "ctrl+k", "Return"."""
        for chord in chords:
            await self._in_front()
            await self._pressed(1 if chord in TAKEN else chord.count("+") + 1, "key", chord)

    async def type(self, text: str) -> None:
        """Type words."""
        await self._in_front()
        await self._pressed(presses_of(text), "type", "--delay", TYPING_MS, text)

    async def _pressed(self, count: int, *words: str) -> None:
        """Have keys pressed until the program has them: a window manager that is moving the keyboard loses some."""
        for _ in range(TRIES):
            self._arrivals.listen()
            wanted = self._arrivals.keys + count
            await _xdotool(*words)
            try:
                await self.until(lambda wanted=wanted: self._arrivals.keys >= wanted, patience_s=ARRIVES_S)  # type: ignore[misc]
            except Unseen:
                if self._arrivals.keys > wanted - count:
                    raise Unseen(f"a part of the keys {words} is lost") from None
                print(f"pressed again, for nobody had them: {words}", file=sys.stderr)
            else:
                return await self._rest()
        raise Unseen(f"the keys {words} do not come to the program")

    async def _in_front(self) -> None:
        """Wait until the keyboard is with a window of ours, and with the one looked at last while that is there."""
        try:
            await self.until(self._is_in_front, patience_s=TRY_S)
        except Unseen:
            print(f"the keyboard is with {QApplication.activeWindow()}, not {self._front}", file=sys.stderr)

    def _is_in_front(self) -> bool:
        if QApplication.activePopupWidget() is not None:
            return True
        front, active = self._front, QApplication.activeWindow()
        if front is None or not shiboken6.isValid(front) or not front.isVisible() or front.windowType() not in WINDOWS:
            return active is not None
        return active is front or isinstance(active, QDialog)  # one that has just come over it

    async def do(self, words: str) -> None:
        """Have an action by its words from the palette."""
        palette = await self.by(lambda: self.keys("ctrl+k"), lambda: self.seen("palette"), "Ctrl+K shows no palette")
        self._front = palette.window()
        await self.until(lambda: palette.isAncestorOf(QApplication.focusWidget()), "the palette has not the keyboard")
        await self.type(words)
        model = palette.model
        await self.until(lambda: model.rowCount() > 0, f"the palette knows no {words!r}")
        await self.keys("Return")
        await self.gone("palette")
        self._front = None

    async def tab_to(self, target: str | QWidget, most: int = 60, *, back: bool = False) -> Any:
        """Move the keyboard by Tab until that widget has it; the widget."""
        widget = await self.find(target) if isinstance(target, str) else target
        for _ in range(most):
            focused = QApplication.focusWidget()
            if focused is not None and (focused is widget or focused is widget.focusProxy()):
                return widget
            await self.keys("shift+Tab" if back else "Tab")  # within a web page it changes no widget
        raise Unseen(f"{widget.objectName() or widget} cannot be reached by Tab")

    async def write(self, target: str | QWidget, text: str, *, back: bool = False) -> None:
        """Reach a field by Tab, and put this in place of what it holds."""
        await self.tab_to(target, back=back)
        await self.keys("ctrl+a")
        await self.type(text)

    async def press(self, target: str | QWidget, *, back: bool = False) -> None:
        """Reach a button by Tab, and press it by the space bar."""
        await self.tab_to(target, back=back)
        await self.keys("space")

    async def away(self, sheet: str) -> None:
        """Take a sheet away by Esc."""
        await self.keys("Escape")
        await self.gone(sheet)

    # -- mouse ---------------------------------------------------------------------------------------------------

    async def click(
        self, target: QWidget | str, at: Spot = None, *, button: int = 1, times: int = 1, hold: str = ""
    ) -> None:
        """Click a widget in its middle, or at a place within it; `hold` is a key held down meanwhile."""
        widget = await self.find(target) if isinstance(target, str) else target
        place = await self.at_rest(lambda: _within(widget, at), widget)
        self._front = widget.window()
        await self.click_at(place, button=button, times=times, hold=hold)

    async def at_rest(self, find: Callable[[], QPoint], widget: QWidget) -> QPoint:
        """A place on the screen that stays where it is, and where nothing lies over the widget."""
        over: QWidget | None = None

        async def look() -> QPoint:
            nonlocal over
            while True:
                before = find()
                await asyncio.sleep(RESTS_S)
                if find() == before:
                    over = QApplication.widgetAt(before)
                    if over is not None and (over is widget or widget.isAncestorOf(over)):
                        return before

        try:
            async with asyncio.timeout(PATIENCE_S):
                return await look()
        except TimeoutError:
            name = widget.objectName() or widget
            raise Unseen(f"{name} moves, or is covered by {over} {over.objectName() if over else ''}") from None

    async def click_at(
        self, place: QPoint, *, button: int = 1, times: int = 1, hold: str = "", ours: bool = True
    ) -> None:
        """Click a place on the screen; `ours` where it is the program's, and not its frame's."""
        held, freed = (("keydown", hold), ("keyup", hold)) if hold else ((), ())
        repeat = ("--repeat", str(times), "--delay", "40") if times > 1 else ()
        move = ("mousemove", str(place.x()), str(place.y()), "sleep", MOVES_S)
        self._arrivals.listen()
        wanted = self._arrivals.buttons + times
        await _xdotool(*held, *move, "click", *repeat, str(button), *freed)
        if ours:
            await self._clicked(wanted, place)
        await self._rest()

    async def _clicked(self, wanted: int, place: QPoint) -> None:
        what = f"a click at {place.x()}, {place.y()} does not come to the program"
        await self.until(lambda: self._arrivals.buttons >= wanted, what, ARRIVES_S)

    async def cell(self, table: QAbstractItemView, row: int, column: int = 0, **how: Any) -> None:
        """Click a cell of a table."""
        await self.index(table, lambda: table.model().index(row, column), **how)

    async def index(self, table: QAbstractItemView, find: Callable[[], QModelIndex], **how: Any) -> None:
        """Click what a table or list has at an index, wherever that is when it rests."""
        table.scrollTo(find())
        await self.click(table.viewport(), lambda: table.visualRect(find()).center(), **how)

    async def menu(self, *path: str) -> None:
        """Open a menu by the mouse and click down to an entry, by the words that a person reads."""
        window = next(top for top in QApplication.topLevelWidgets() if top.objectName() == "main_window")
        bar = window.menuBar()
        await self.by(
            lambda: self._click_entry(bar, path[0]), QApplication.activePopupWidget, f"{path[0]} does not open"
        )
        for words in path[1:]:
            await self.choose(words)
        await self.until(lambda: QApplication.activePopupWidget() is None, f"the menu {path} stays")

    async def choose(self, words: str) -> None:
        """Click an entry of the menu that is open."""

        def look() -> QMenu | None:
            shown = QApplication.activePopupWidget()
            return shown if isinstance(shown, QMenu) and self.entry(shown.actions(), words) is not None else None

        await self._click_entry(await self.until(look, f"no menu with {words!r} is open"), words)

    @staticmethod
    def entry(actions: Iterable[QAction], words: str) -> QAction | None:
        """The first entry of a menu that begins with these words and can be had."""
        for action in actions:
            said = action.text().partition("\t")[0].replace("&", "")
            if said.startswith(words) and action.isVisible() and action.isEnabled():
                return action
        return None

    async def _click_entry(self, menu: QMenu | QMenuBar, words: str) -> None:
        entry = self.entry(menu.actions(), words)
        if entry is None:
            raise Unseen(f"no {words!r} in the menu")
        await self.click(menu, lambda: menu.actionGeometry(entry).center())

    async def drag(self, start: QPoint, end: QPoint, button: int = 1) -> None:
        """Take something at a place on the screen and let it go at another."""
        self._arrivals.listen()
        wanted = self._arrivals.buttons + 1
        steps = [start + (end - start) * (n / DRAG_STEPS) for n in range(1, DRAG_STEPS + 1)]
        await _xdotool("mousemove", str(start.x()), str(start.y()), "sleep", MOVES_S, "mousedown", str(button))
        for step in steps:
            await _xdotool("mousemove", str(step.x()), str(step.y()))
            await asyncio.sleep(0.02)
        await _xdotool("mouseup", str(button))
        await self._clicked(wanted, end)
        await self._rest()

    async def wheel(self, widget: QWidget, clicks: int) -> None:
        """Turn the wheel over a widget, up for more than nought."""
        place = await self.at_rest(lambda: _within(widget, None), widget)
        await _xdotool("mousemove", str(place.x()), str(place.y()))
        await _xdotool("click", "--repeat", str(abs(clicks)), "4" if clicks > 0 else "5")
        await self._rest()

    # -- after a failure -----------------------------------------------------------------------------------------

    async def tidy(self) -> None:
        """Take away by Esc what a person who gave up leaves open, and whatever window is before the main one."""
        self._front = None
        for _ in range(6):
            if QApplication.activePopupWidget() is None and not self._laid_over():
                break
            await _xdotool("key", "Escape")
            await asyncio.sleep(0.3)
        for top in QApplication.topLevelWidgets():
            if top.isVisible() and top.windowType() in WINDOWS and top.objectName() in COMPANIONS:
                print(f"closed after a failure: {top.objectName()}", file=sys.stderr)
                top.close()

    def _laid_over(self) -> bool:
        window = next(top for top in QApplication.topLevelWidgets() if top.objectName() == "main_window")
        return any(
            widget.isVisible()
            and (widget.objectName() in ("ticket", "palette") or isinstance(widget, Sheet | Question))
            for widget in window.findChildren(QWidget)
        )

    # -- pictures ------------------------------------------------------------------------------------------------

    async def picture(self, name: str) -> None:
        """The whole screen as it is, window frames and menus included."""
        if self._shots is not None:
            await asyncio.sleep(0.3)
            file = self._shots / f"{name}.png"
            await asyncio.to_thread(
                subprocess.run, ["import", "-window", "root", "-depth", "8", str(file)], check=True, timeout=30
            )

    async def _rest(self) -> None:
        """What was done has reached the program: the X server has sent it, and Qt has taken it in."""
        await asyncio.sleep(0.05)


def _within(widget: QWidget, at: Spot) -> QPoint:
    if not widget.isVisible() or widget.width() < 2:
        raise Unseen(f"{widget.objectName()} is not on the screen")
    return widget.mapToGlobal(at() if callable(at) else at or widget.rect().center())


async def _xdotool(*words: str) -> None:
    await asyncio.to_thread(subprocess.run, ["xdotool", *words], check=True, timeout=60, capture_output=True)
