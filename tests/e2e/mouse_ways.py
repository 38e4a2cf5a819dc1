"""What a hand on a mouse can do besides clicking: choose in a list, write where it clicked, point at a price."""

from __future__ import annotations

import asyncio
import subprocess
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication, QComboBox, QMenu, QTabBar, QWidget

from tests.e2e.hands import Hands, Unseen


async def aside() -> None:
    """Move the pointer away, so that nothing answers to where it was."""
    await asyncio.to_thread(subprocess.run, ["xdotool", "mousemove", "3", "3"], check=True, timeout=60)


async def pick(hands: Hands, target: str | QComboBox, data: object) -> None:
    """Open a choice and click its entry with that value."""
    box = await hands.find(target) if isinstance(target, str) else target
    view = box.view()
    await hands.by(lambda: hands.click(box), view.isVisible, f"{box.objectName()} does not open")
    await hands.index(view, lambda: box.model().index(box.findData(data), box.modelColumn()))
    await hands.until(lambda: not view.isVisible() and box.currentData() == data, f"{data} is not chosen")


async def write(hands: Hands, target: str | QWidget, text: str) -> None:
    """Click into a field, and put this in place of what it holds."""
    field = await hands.find(target) if isinstance(target, str) else target
    within = QPoint(12, field.height() // 2)
    await hands.by(lambda: hands.click(field, within), lambda: _has_keyboard(field), "the field has not the keyboard")
    await hands.keys("ctrl+a")
    await hands.type(text)


def _has_keyboard(field: QWidget) -> bool:
    focused = QApplication.focusWidget()
    return focused is not None and (focused is field or field.isAncestorOf(focused))


async def tab(hands: Hands, program: Any, name: str) -> Any:
    """Click the tab of a dock; its panel."""
    dock = program._window.dockyard().find(name)
    await aside()
    if not dock.in_front or not dock.widget().isVisible():
        handle = dock.inner.tabWidget()
        await hands.by(lambda: hands.click(handle), dock.widget().isVisible, f"the tab of {name} shows nothing")
    return dock.widget()


async def page(hands: Hands, bar: QTabBar, at: int) -> None:
    """Click a tab of a plain row of tabs."""
    await hands.by(
        lambda: hands.click(bar, lambda: bar.tabRect(at).center()),
        lambda: bar.currentIndex() == at,
        f"tab {bar.tabText(at)} stays behind",
    )


async def row(hands: Hands, table: Any, fits: Any, column: int = 0, **how: Any) -> None:
    """Click the first row of a table that fits, wherever it stands once the table rests."""
    model = table.model()

    def place() -> int:
        return next((at for at, one in enumerate(model.rows()) if fits(one)), -1)

    await aside()
    await hands.until(lambda: place() >= 0, f"no such row in {table.objectName()}")
    await hands.index(table, lambda: model.index(place(), column), **how)


async def by_menu(hands: Hands, table: Any, fits: Any, words: str) -> None:
    """Have what the menu of the first row that fits offers by these words."""

    def look() -> Any:
        shown = QApplication.activePopupWidget()
        return isinstance(shown, QMenu) and hands.entry(shown.actions(), words)

    await hands.by(lambda: row(hands, table, fits, button=3), look, f"no menu with {words!r} opens")
    await hands.choose(words)


async def scrolled_to(hands: Hands, area: Any, target: QWidget) -> None:
    """Have a widget of a scrolling column in sight, once nothing there moves any more."""
    places: list[QPoint] = []

    def rests() -> bool:
        area.ensureWidgetVisible(target)
        places.append(target.mapToGlobal(QPoint()))
        return len(places) > 12 and len(set(map(str, places[-12:]))) == 1

    await hands.until(rests, f"{target.objectName()} does not come to rest")


async def charted(hands: Hands, program: Any, symbol: str) -> Any:
    """The chart in the middle, of this instrument, which is clicked in the watchlist."""
    view = program._window.view
    await tab(hands, program, "watchlist")
    await hands.by(
        lambda: row(hands, view.watchlist.table, lambda quote: quote.instrument.tradingsymbol == symbol),
        lambda: view.chart.instrument.tradingsymbol == symbol,
        f"{symbol} is not charted",
    )
    await hands.until(lambda: view.chart.plot.source is not None and view.chart.plot.source.end > 20, "no bars")
    return view.chart


async def tool(hands: Hands, chart: Any, text: str) -> None:
    """Click a button of a chart's bar, where it stands or in the menu of those without room."""
    button = chart.buttons[text]
    if button.isVisible():
        await hands.click(button)
    else:
        await hands.click(chart.bar.more)
        await hands.choose(text)


def spot(plot: Any, across: float, down: float) -> QPoint:
    """A place on the screen within the pane of prices, by shares of its width and height."""
    pane = plot.prices.place
    inside = QPoint(pane.left() + round(across * pane.width()), pane.top() + round(down * pane.height()))
    return QPoint(plot.viewport().mapToGlobal(inside))


def level(plot: Any, price: float, across: float = 0.3) -> QPoint:
    """The place on the screen where a price is."""
    return QPoint(spot(plot, across, 0).x(), plot.viewport().mapToGlobal(QPoint(0, round(plot.prices.py(price)))).y())


async def in_sight(hands: Hands, plot: Any, price: float) -> None:
    """Pull the scale of prices until a price stands well within the pane."""
    axis = plot.price_axis.place
    for _ in range(8):
        height = plot.prices.height()
        if 0.05 * height < plot.prices.py(price) < 0.95 * height:
            return
        top = plot.viewport().mapToGlobal(QPoint(axis.center().x(), axis.top() + 40))
        await hands.drag(top, top + QPoint(0, axis.height() - 60))
        await asyncio.sleep(0.05)
    raise Unseen(f"{price} does not come into sight")


async def close_by_its_frame(hands: Hands, window: QWidget) -> None:
    """Click the button that the window manager puts at a window's upper right corner."""

    def place() -> QPoint | None:
        at, frame = window.geometry().topLeft(), window.frameGeometry()
        tall = at.y() - frame.top()
        return QPoint(frame.right() - tall // 2, frame.top() + tall // 2) if tall > 8 and stands(window) else None

    seen: list[QPoint | None] = [None]

    def rests() -> bool:
        seen.append(place())
        return seen[-1] is not None and seen[-8:].count(seen[-1]) == 8

    await hands.until(rests, f"{window.objectName()} has no frame, moves, or is covered")
    assert seen[-1] is not None
    await hands.click_at(seen[-1], ours=False)


def stands(window: QWidget) -> bool:
    """Whether a window is where it says, and in front: a window manager moves it, and Qt may hear of it later."""
    at = window.geometry().topLeft()

    def over(x: int, y: int) -> bool:
        return QApplication.topLevelAt(at + QPoint(x, y)) is window

    return over(0, 9) and over(9, 0) and not over(-1, 9) and not over(9, -1)


async def agree(hands: Hands, ticket: Any) -> None:
    """Send what a ticket holds: once, and once more where it is shown again."""
    await aside()
    await hands.by(
        lambda: hands.click("ticket_send"), lambda: ticket.asking or not ticket.isVisible(), "the ticket does not ask"
    )
    if ticket.isVisible():
        await aside()
        await hands.click("ticket_send")
    await hands.until(lambda: not ticket.isVisible(), f"the ticket stays: {ticket.words.text()}")
