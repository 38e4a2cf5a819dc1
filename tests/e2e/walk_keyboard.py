"""The day of a person who never touches the mouse: each chapter acts by keys alone, and looks whether it came true."""

from __future__ import annotations

from typing import Any

from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.ui.shell import MainWindow
from tests.e2e.hands import Hands
from tests.e2e.headless import log_in


def of(program: Any) -> MainWindow:
    window: MainWindow = program._window
    return window


async def logs_in(hands: Hands, program: Any) -> None:
    """By the address that a browser ended on, typed into the field for it."""
    window = of(program)
    login = await hands.until(lambda: window.login, "no login page")
    address = await log_in(program.gate.login_url)
    await hands.until(login.paste.isVisible, "no field for the address")
    await hands.keys("alt+p") if not login.paste.hasFocus() else None
    if not login.paste.hasFocus():
        for _ in range(30):
            await hands.keys("Tab")
            if login.paste.hasFocus():
                break
    assert login.paste.hasFocus(), "the field cannot be reached by Tab"
    await hands.type(address)
    await hands.keys("Return")
    await hands.until(lambda: window.login is None and window.view, "the desk does not open", 60)
    await hands.until(lambda: program.desk.state is DeskState.READY, "the desk does not get ready", 60)
    await hands.picture("desk")


async def finds_an_action(hands: Hands, program: Any) -> None:
    await hands.do("limits")
    await hands.find("limits_sheet")
    await hands.keys("Escape")
    await hands.gone("limits_sheet")


async def adds_an_instrument(hands: Hands, program: Any) -> None:
    watch = of(program).view.watchlist
    before = set(watch.showing.keys)
    await hands.keys("slash")
    await hands.until(watch.search.hasFocus, "/ does not lead to the search")
    await hands.type("nifty 22500 ce")
    await hands.until(lambda: watch.search.model.rowCount() > 0, "nothing is found")
    await hands.keys("Return")
    added = await hands.until(lambda: {*watch.showing.keys} - before, "nothing is added")
    assert all("22500CE" in key for key in added), added


async def buys_and_sells(hands: Hands, program: Any) -> None:
    view, desk = of(program).view, program.desk
    await hands.do("infy")
    await hands.until(lambda: view.chart.instrument.tradingsymbol == "INFY")
    await hands.keys("ctrl+0", "b")
    ticket = await hands.find("ticket")
    await hands.keys("Return")
    await hands.until(lambda: hands.seen("ticket_confirm"), "the order is not shown once more")
    await hands.picture("confirm")
    await hands.keys("Return")
    await hands.until(desk.fills, "no fill")
    await hands.until(lambda: not ticket.isVisible(), "the ticket stays")
    assert desk.fills()[0].transaction_type == "BUY" and desk.fills()[0].key == "NSE:INFY"


async def asks_why(hands: Hands, program: Any) -> None:
    orders = of(program).view.orders
    await hands.do("show orders")
    await hands.until(lambda: orders.table.hasFocus() and orders.model.rowCount(), "no order in the panel")
    await hands.keys("Home", "w")
    await hands.find("why_sheet")
    await hands.picture("why")
    await hands.keys("Escape")
    await hands.gone("why_sheet")


async def exits_the_position(hands: Hands, program: Any) -> None:
    desk, positions = program.desk, of(program).view.positions
    await hands.do("show positions")
    await hands.until(lambda: positions.isAncestorOf(of(program).focusWidget()))
    await hands.keys("Home", "Delete")
    await hands.find("ticket")
    await hands.keys("Return", "Return")
    await hands.until(lambda: desk.books.held("NSE", "INFY", "MIS") == 0, "the position stays")


async def sets_an_alert(hands: Hands, program: Any) -> None:
    book = program.alerts
    await hands.keys("ctrl+shift+a")
    await hands.find("alert_sheet")
    level = await hands.find("alert_level")
    for _ in range(20):
        if level.hasFocus():
            break
        await hands.keys("Tab")
    assert level.hasFocus(), "the level cannot be reached by Tab"
    await hands.keys("ctrl+a")
    await hands.type("1")
    await hands.keys("Return")
    await hands.gone("alert_sheet")
    assert book.alerts


async def writes_in_the_journal(hands: Hands, program: Any) -> None:
    await hands.keys("F3")
    window = await hands.find("review_window")
    await hands.until(window.isActiveWindow, "the review is not in front")
    await hands.picture("review")
    await hands.keys("ctrl+w")
    await hands.until(lambda: not window.isVisible(), "Ctrl+W does not close the review")


async def changes_a_setting(hands: Hands, program: Any) -> None:
    await hands.keys("ctrl+comma")
    await hands.find("settings_sheet")
    await hands.type("disk")
    await hands.picture("settings")
    await hands.keys("Escape")
    await hands.gone("settings_sheet")


async def looks_whether_all_is_ready(hands: Hands, program: Any) -> None:
    await hands.keys("F10")
    await hands.find("preflight_sheet")
    await hands.picture("preflight")
    await hands.keys("Escape")
    await hands.gone("preflight_sheet")


async def pulls_the_kill_switch(hands: Hands, program: Any) -> None:
    desk = program.desk
    await hands.keys("ctrl+shift+k")
    await hands.until(lambda: desk.kill.state is not TradingState.ACTIVE, "the kill switch does nothing")
    await hands.picture("killed")


CHAPTERS = {
    chapter.__name__: chapter
    for chapter in (
        logs_in, finds_an_action, adds_an_instrument, buys_and_sells, asks_why, exits_the_position, sets_an_alert,
        writes_in_the_journal, changes_a_setting, looks_whether_all_is_ready, pulls_the_kill_switch,
    )
}  # fmt: skip
