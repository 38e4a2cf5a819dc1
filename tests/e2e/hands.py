"""A person's hands: keys and mouse through the X server by xdotool, on the window of a program in this process.

Nothing here calls a widget's own methods to act; it only looks where a widget is and whether what was done came true.
"""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

from PySide6.QtCore import QPoint, QRect
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QApplication, QMenu, QMenuBar, QWidget

T = TypeVar("T")
PATIENCE_S = 20.0
TYPING_MS = "6"
DRAG_STEPS = 8
ARRIVES_S = "0.02"
"""Between moving and pressing. Not xdotool's own --sync: that waits 15 s for a pointer that is there already."""


class Unseen(AssertionError):
    """What a person waited for did not happen, or what they looked for is not on the screen."""


class Hands:
    """Does as a person would, and looks at the screen in between. `shots` is where pictures go, if anywhere."""

    def __init__(self, shots: Path | None = None) -> None:
        self._shots = shots

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
        return await self.until(lambda: self.seen(name, kind), f"no {name} on the screen")

    async def gone(self, name: str) -> None:
        """Wait until no widget of that name is on the screen."""
        await self.until(lambda: self.seen(name) is None, f"{name} stays on the screen")

    # -- keys ----------------------------------------------------------------------------------------------------

    async def keys(self, *chords: str) -> None:
        """Press chords one after another, in xdotool's words: "ctrl+k", "Return"."""
        await _xdotool("key", "--delay", TYPING_MS, *chords)
        await self._rest()

    async def type(self, text: str) -> None:
        """Type words."""
        await _xdotool("type", "--delay", TYPING_MS, text)
        await self._rest()

    async def do(self, words: str) -> None:
        """Have an action by its words from the palette."""
        await self.keys("ctrl+k")
        palette = await self.find("palette")
        await self.type(words)
        model = palette.model
        await self.until(lambda: model.rowCount() > 0, f"the palette knows no {words!r}")
        await self.keys("Return")
        await self.gone("palette")

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
        self, target: QWidget | str, at: QPoint | None = None, *, button: int = 1, times: int = 1, hold: str = ""
    ) -> None:
        """Click a widget in its middle, or at a place within it; `hold` is a key held down meanwhile."""
        widget = await self.find(target) if isinstance(target, str) else target
        await self.click_at(_within(widget, at), button=button, times=times, hold=hold)

    async def click_at(self, place: QPoint, *, button: int = 1, times: int = 1, hold: str = "") -> None:
        """Click a place on the screen."""
        held, freed = (("keydown", hold), ("keyup", hold)) if hold else ((), ())
        repeat = ("--repeat", str(times), "--delay", "40") if times > 1 else ()
        move = ("mousemove", str(place.x()), str(place.y()), "sleep", ARRIVES_S)
        await _xdotool(*held, *move, "click", *repeat, str(button), *freed)
        await self._rest()

    async def cell(self, table: QAbstractItemView, row: int, column: int = 0, **how: Any) -> None:
        """Click a cell of a table."""
        index = table.model().index(row, column)
        table.scrollTo(index)
        await self.click(table.viewport(), table.visualRect(index).center(), **how)

    async def menu(self, *path: str) -> None:
        """Open a menu by the mouse and click down to an entry, by the words that a person reads."""
        window = next(top for top in QApplication.topLevelWidgets() if top.objectName() == "main_window")
        bar = window.menuBar()
        entry = _entry(bar.actions(), path[0])
        await self.click_at(_of(bar, bar.actionGeometry(entry)))
        for words in path[1:]:
            shown = await self.until(QApplication.activePopupWidget, f"{path[0]} does not open")
            assert isinstance(shown, QMenu)
            entry = _entry(shown.actions(), words)
            await self.click_at(_of(shown, shown.actionGeometry(entry)))
        await self.until(lambda: QApplication.activePopupWidget() is None, f"the menu {path} stays")

    async def choose(self, words: str) -> None:
        """Click an entry of the menu that is open."""
        shown = await self.until(QApplication.activePopupWidget, "no menu is open")
        await self.click_at(_of(shown, shown.actionGeometry(_entry(shown.actions(), words))))

    async def drag(self, start: QPoint, end: QPoint, button: int = 1) -> None:
        """Take something at a place on the screen and let it go at another."""
        steps = [start + (end - start) * (n / DRAG_STEPS) for n in range(1, DRAG_STEPS + 1)]
        await _xdotool("mousemove", str(start.x()), str(start.y()), "sleep", ARRIVES_S, "mousedown", str(button))
        for step in steps:
            await _xdotool("mousemove", str(step.x()), str(step.y()))
            await asyncio.sleep(0.02)
        await _xdotool("mouseup", str(button))
        await self._rest()

    async def wheel(self, widget: QWidget, clicks: int) -> None:
        """Turn the wheel over a widget, up for more than nought."""
        place = _within(widget, None)
        await _xdotool("mousemove", str(place.x()), str(place.y()))
        await _xdotool("click", "--repeat", str(abs(clicks)), "4" if clicks > 0 else "5")
        await self._rest()

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


def _within(widget: QWidget, at: QPoint | None) -> QPoint:
    if not widget.isVisible() or widget.width() < 2:
        raise Unseen(f"{widget.objectName()} is not on the screen")
    return widget.mapToGlobal(at or widget.rect().center())


def _of(widget: QWidget | QMenuBar, rect: QRect) -> QPoint:
    return widget.mapToGlobal(rect.center())


def _entry(actions: Iterable[QAction], words: str) -> QAction:
    for action in actions:
        said = action.text().partition("\t")[0].replace("&", "")
        if said.startswith(words) and action.isVisible() and action.isEnabled():
            return action
    raise Unseen(f"no {words!r} in the menu")


async def _xdotool(*words: str) -> None:
    await asyncio.to_thread(subprocess.run, ["xdotool", *words], check=True, timeout=20, capture_output=True)
