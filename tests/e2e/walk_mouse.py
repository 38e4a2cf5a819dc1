"""The day of a person with the mouse: each chapter points, clicks and drags, and looks whether it came true.

The first part: the login in Kite's own page, the ticket, the books, strategies, the kill switch, and the end. See
`walk_mouse_market` and `walk_mouse_window` for the rest.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtGui import QSurface
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.run import RunState
from tests.e2e import walk_mouse_market as market
from tests.e2e import walk_mouse_window as window_
from tests.e2e.hands import Hands
from tests.e2e.mouse_ways import (
    agree,
    aside,
    by_menu,
    charted,
    close_by_its_frame,
    in_sight,
    level,
    page,
    pick,
    row,
    scrolled_to,
    tab,
    write,
)

FAR = 0.995
"""A buying price so far below the market, as a share of it, that it waits."""

PLACE = (
    "(() => {{ const e = document.{0}; if (!e) return null; const r = e.getBoundingClientRect();"
    " return `${{r.x + r.width / 2}} ${{r.y + r.height / 2}}` }})()"
)
READ = "document.getElementById('demo-{0}').textContent"


# -- the login -----------------------------------------------------------------------------------------------------


async def _told(page_: Any, source: str) -> Any:
    """What a script in the page gives: only to look, never to act."""
    answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    page_.runJavaScript(source, lambda value: None if answer.done() else answer.set_result(value))
    async with asyncio.timeout(45):
        return await answer


async def _click_in(hands: Hands, web: Any, element: str) -> None:
    async with asyncio.timeout(90):
        while not (place := await _told(web.page, PLACE.format(element))):
            await asyncio.sleep(0.05)
    await aside()
    await hands.click(web.view, QPoint(*(round(float(part)) for part in place.split())))


async def wears_light_colours(hands: Hands, program: Any) -> None:
    window = program._window
    await hands.until(window.isActiveWindow, "the window is not in front")
    await hands.menu("View", "Light colours")
    await hands.until(lambda: program._edge.theme.name == "light", "it stays dark")


async def logs_in_on_the_page(hands: Hands, program: Any) -> None:
    """As a person does: click into each field, type, press the button."""
    window = program._window
    web = await hands.until(lambda: window.login and window.login.web, "no page to log in on", 40)
    for name in ("userid", "password"):
        await _click_in(hands, web, f"getElementById('{name}')")
        await hands.keys("ctrl+a")
        await hands.type(await _told(web.page, READ.format(name)))
    await hands.picture("login")
    await _click_in(hands, web, "querySelector('[type=submit]')")
    await _click_in(hands, web, "getElementById('totp')")
    await hands.type(await _told(web.page, READ.format("totp")))
    await _click_in(hands, web, "querySelector('[type=submit]')")
    await hands.until(lambda: window.login is None and window.view, "the desk does not open", 60)
    await hands.until(lambda: program.desk.state is DeskState.READY, "the desk does not get ready", 60)
    await hands.until(lambda: window.view.chart.plot.source, "no bars")
    assert window.windowHandle().surfaceType() is QSurface.SurfaceType.RasterSurface, "the login left OpenGL behind"


async def skips_the_guide(hands: Hands, program: Any) -> None:
    if hands.seen("guide") is None:
        await hands.menu("Help", "Guided first run")
    await hands.find("guide")
    await hands.picture("guide")
    await hands.click("guide_end")
    await hands.gone("guide")
    await hands.picture("desk")
    assert not program._settings.window.guide


# -- orders --------------------------------------------------------------------------------------------------------


def _infy(program: Any) -> Any:
    return program.market.master.by_key("NSE:INFY")


def _last(program: Any) -> float:
    return float(program.market.latest(_infy(program).instrument_token).last_price)


async def _ticket(hands: Hands, program: Any, words: str) -> Any:
    """A ticket for INFY from the menu of its row in the watchlist."""
    table = (await tab(hands, program, "watchlist")).table
    await by_menu(hands, table, lambda quote: quote.instrument.tradingsymbol == "INFY", words)
    ticket = await hands.find("ticket")
    assert ticket.instrument.key == "NSE:INFY"
    return ticket


async def _new_order(hands: Hands, program: Any, known: set[str]) -> Any:
    name = await hands.until(lambda: {o.order_id for o in program.desk.orders()} - known, "no order was sent")
    assert len(name) == 1, name
    return program.desk.books.book.get(name.pop())


async def buys_at_the_market(hands: Hands, program: Any) -> None:
    desk = program.desk
    ticket = await _ticket(hands, program, "Buy…")
    await pick(hands, "ticket_type", "MARKET")
    await write(hands, "ticket_quantity", "4")
    await hands.picture("ticket")
    await hands.click("ticket_send")
    await hands.until(lambda: hands.seen("ticket_confirm"), "the order is not shown once more")
    await hands.picture("confirm")
    await aside()
    await hands.click("ticket_send")
    await hands.until(lambda: desk.books.held("NSE", "INFY", "MIS") == 4, "no position comes of it")
    await hands.until(lambda: not ticket.isVisible(), "the ticket stays")


async def sends_a_limit_order(hands: Hands, program: Any) -> None:
    desk, known = program.desk, {order.order_id for order in program.desk.orders()}
    price = _infy(program).snap(_last(program) * FAR)
    ticket = await _ticket(hands, program, "Buy…")
    await pick(hands, "ticket_type", "LIMIT")
    await write(hands, "ticket_quantity", "2")
    await write(hands, "ticket_price", f"{price:.2f}")
    await agree(hands, ticket)
    order = await _new_order(hands, program, known)
    await hands.until(lambda: desk.books.book.get(order.order_id).changeable, "the order does not come to rest")
    assert (order.quantity, order.price, order.order_type) == (2, price, "LIMIT")


async def _working(hands: Hands, program: Any) -> Any:
    """The order that works, once what was asked of it last is done."""

    def found() -> list[Any]:
        return [order for order in program.desk.orders() if order.changeable]

    return (await hands.until(found, "no order works"))[0]


async def changes_it_by_its_button(hands: Hands, program: Any) -> None:
    desk, order = program.desk, await _working(hands, program)
    panel = await tab(hands, program, "orders")
    await row(hands, panel.table, lambda one: one.order_id == order.order_id)
    await hands.click("order_change")
    ticket = await hands.find("ticket")
    await write(hands, "ticket_quantity", "3")
    await agree(hands, ticket)
    await hands.until(lambda: desk.books.book.get(order.order_id).quantity == 3, "the change does not arrive")


async def drags_its_line_on_the_chart(hands: Hands, program: Any) -> None:
    chart = await charted(hands, program, "INFY")
    order, plot = await _working(hands, program), chart.plot
    await hands.until(lambda: any(line.ref == order.order_id for line in plot.lines.lines), "no line of the order")
    await in_sight(hands, plot, order.price)

    async def pull() -> None:
        start = level(plot, order.price)
        await hands.drag(start, start + QPoint(0, 25))

    # A scale that fits itself may move beneath the hand, as it does for a person.
    await hands.by(pull, lambda: hands.seen("question_yes"), "a line that is pulled is not asked about")
    await hands.picture("line-moved")
    await hands.click("question_yes")
    now = program.desk.books.book
    await hands.until(lambda: now.get(order.order_id).price < order.price, "its price stays")
    assert _infy(program).on_tick(now.get(order.order_id).price)


async def reads_why_and_when(hands: Hands, program: Any) -> None:
    order = await _working(hands, program)
    panel = await tab(hands, program, "orders")
    await row(hands, panel.table, lambda one: one.order_id == order.order_id)
    await hands.click("order_timeline")
    await hands.until(lambda: panel.timeline.table.model().rowCount() > 2, "the timeline lacks the changes")
    await hands.picture("timeline")
    await aside()
    await hands.click("order_timeline")
    await by_menu(hands, panel.table, lambda one: one.order_id == order.order_id, "Why this order?")
    sheet = await hands.find("why_sheet")
    await hands.until(lambda: "INFY" in sheet.text.toPlainText(), "the trail tells of no INFY")
    await hands.picture("why")
    await hands.click("why_sheet_away")
    await hands.gone("why_sheet")


async def cancels_it_by_its_menu(hands: Hands, program: Any) -> None:
    order = await _working(hands, program)
    panel = await tab(hands, program, "orders")
    await by_menu(hands, panel.table, lambda one: one.order_id == order.order_id, "Cancel order")
    await hands.until(lambda: program.desk.books.book.get(order.order_id).status == "CANCELLED", "it works on")
    await hands.picture("orders")


def _of_infy(held: Any) -> bool:
    return bool(held.position.key == "NSE:INFY" and held.position.quantity)


async def converts_a_part_of_the_position(hands: Hands, program: Any) -> None:
    held = program.desk.books.held
    panel = await tab(hands, program, "positions")
    await row(hands, panel.table, _of_infy)
    await hands.click("position_convert")
    await write(hands, "convert_quantity", "1")
    await pick(hands, "convert_product", "CNC")
    await hands.picture("convert")
    await hands.click("question_yes")
    await hands.until(lambda: held("NSE", "INFY", "CNC") == 1 and held("NSE", "INFY", "MIS") == 3, "nothing is moved")


async def exits_the_position(hands: Hands, program: Any) -> None:
    held = program.desk.books.held
    panel = await tab(hands, program, "positions")
    await by_menu(hands, panel.table, lambda one: _of_infy(one) and one.position.product == "MIS", "Exit position…")
    ticket = await hands.find("ticket")
    assert ticket.side == "SELL" and ticket.fields.quantity.value() == 3
    infy = program.market.master.by_key("NSE:INFY")
    low = infy.snap(program.market.latest(infy.instrument_token).last_price * 0.99)
    await write(hands, "ticket_price", f"{low:.2f}")  # however the price moves meanwhile
    await agree(hands, ticket)
    await hands.until(lambda: held("NSE", "INFY", "MIS") == 0, "the position stays")
    await hands.picture("positions")


async def sets_and_deletes_a_gtt(hands: Hands, program: Any) -> None:
    panel = await tab(hands, program, "gtt")
    await charted(hands, program, "INFY")
    await hands.click("gtt_new")
    ticket = await hands.find("ticket")
    assert ticket.fields.variety.name == "gtt"
    last = _last(program)
    await write(hands, "ticket_trigger", f"{_infy(program).snap(last * 0.9):.2f}")
    await write(hands, "ticket_price", f"{_infy(program).snap(last * 0.89):.2f}")
    await hands.picture("gtt-ticket")
    await agree(hands, ticket)
    gtt = (await hands.until(lambda: [one for one in panel.rows if one.active], "no GTT waits"))[0]
    await row(hands, panel.table, lambda one: one.gtt.id == gtt.id)
    await hands.picture("gtt")
    await hands.click("gtt_delete")
    await hands.click("question_yes")
    await hands.until(lambda: not any(one.active for one in panel.rows), "the GTT waits on")


async def looks_at_holdings_funds_and_trades(hands: Hands, program: Any) -> None:
    for name in ("trades", "holdings", "funds"):
        panel = await tab(hands, program, name)
        await hands.until(lambda panel=panel: panel.table.model().rowCount(), f"nothing in {name}")  # type: ignore[misc]
        await hands.picture(name)


# -- strategies ----------------------------------------------------------------------------------------------------


async def _button(hands: Hands, program: Any, name: str) -> None:
    """Click a button in the column of strategies, scrolled into sight."""
    panel = program._window.view.strategies
    found = panel.findChild(QWidget, name)
    assert found is not None, name
    await scrolled_to(hands, panel.area, found)
    await aside()
    await hands.click(found)


async def starts_pauses_and_stops_a_strategy(hands: Hands, program: Any) -> None:
    await charted(hands, program, "INFY")
    await pick(hands, "strategy_pick", "ma_cross")
    await write(hands, "param_fast", "2")
    await write(hands, "param_slow", "4")
    await hands.picture("strategy-form")
    await _button(hands, program, "strategy_load")
    run = await hands.until(lambda: program.runner.runs and program.runner.runs[-1], "no run")
    await hands.until(lambda: run.state is RunState.LOADED, f"it does not load: {run.state}", 40)
    assert (run.params.fast, run.params.slow) == (2, 4) and [i.key for i in run.instruments] == ["NSE:INFY"]
    for name, state in (("begin", RunState.RUNNING), ("pause", RunState.PAUSED), ("resume", RunState.RUNNING)):
        await _button(hands, program, f"run_{name}_{run.run_id}")
        await hands.until(lambda state=state: run.state is state, f"{name}: it is {run.state}", 40)  # type: ignore[misc]
    await hands.picture("strategy-runs")
    await hands.click(program._window.strip.algos)
    await hands.until(lambda: run.state is RunState.PAUSED, "the strip's chip holds nothing")
    await _button(hands, program, f"run_stop_{run.run_id}")
    await hands.until(lambda: run.state is RunState.STOPPED, "it runs on", 30)
    rows = await program.journal.runs(program.market.now() - timedelta(minutes=10))
    assert rows[-1].run_id == run.run_id


async def writes_a_file_of_its_own_and_enables_anothers(hands: Hands, program: Any) -> None:
    files, available = program._window.view.strategies.files, program.runner
    await _button(hands, program, "files_toggle")
    await hands.until(files.name.isVisible, "the list of files does not open")
    await scrolled_to(hands, program._window.view.strategies.area, files.make)
    await write(hands, "files_name", "my_mouse")
    await hands.click("files_create")
    await hands.until(lambda: "my_mouse" in available.available, "it cannot be chosen", 40)
    folder = files._files.folder
    text = (folder / "my_mouse.py").read_text(encoding="utf-8")
    (folder / "borrowed.py").write_text(text.replace("my_mouse", "borrowed"), encoding="utf-8")
    await hands.until(lambda: hands.seen("file_enable_borrowed.py"), "a file that was put there is not seen")
    await _button(hands, program, "file_enable_borrowed.py")
    await hands.find("enable_text")
    assert "borrowed" not in available.available
    await hands.picture("enable-file")
    await hands.click("enable_yes")
    await hands.until(lambda: "borrowed" in available.available, "it cannot be chosen", 40)
    await _button(hands, program, "files_toggle")


async def runs_a_backtest_and_clicks_a_trade(hands: Hands, program: Any) -> None:
    await hands.menu("Trade", "Backtest…")
    window = await hands.find("backtest_window")
    await hands.until(window.isActiveWindow, "the backtest is not in front")
    await pick(hands, window.form.strategy, "ma_cross")
    await write(hands, "backtest_search", "infy")
    await row(hands, window.form.search.results, lambda one: one.key == "NSE:INFY")
    await hands.until(lambda: window.form.instruments, "no instrument was added")
    await hands.click("backtest_run")
    await hands.until(lambda: window.reports, "no report", 40)
    report = window._view
    await hands.picture("backtest")
    assert report.trades.rowCount() > 0, "it made no trade"
    await page(hands, report.pages.tabBar(), 1)
    await hands.cell(await hands.find("backtest_trades"), 0, 1)
    await hands.until(lambda: report.charts.currentWidget() is report.price, "the trade's chart is not shown")
    assert report.price.shown[1] == "NSE:INFY"
    await hands.picture("backtest-trade")
    await close_by_its_frame(hands, window)
    await hands.gone("backtest_window")


# -- the kill switch, and the end ----------------------------------------------------------------------------------


async def pulls_the_kill_switch_and_flattens(hands: Hands, program: Any) -> None:
    desk = program.desk
    ticket = await _ticket(hands, program, "Buy…")
    await pick(hands, "ticket_type", "MARKET")
    await agree(hands, ticket)
    await hands.until(lambda: desk.books.held("NSE", "INFY", "MIS") > 0, "nothing is held")
    await hands.click("kill_switch")
    await hands.find("kill_sheet")
    await hands.until(lambda: desk.kill.state is TradingState.HALTED, "the kill switch does nothing")
    await hands.until(lambda: desk.kill.report and desk.kill.report.done_at, "no report")
    await hands.picture("killed")
    await hands.click("kill_flatten")
    await hands.until(lambda: desk.books.held("NSE", "INFY", "MIS") == 0, "the position stays", 30)
    await hands.until(lambda: desk.kill.report and desk.kill.report.done_at, "no report")
    await hands.picture("flattened")


async def releases_it_by_its_word(hands: Hands, program: Any) -> None:
    desk = program.desk
    await write(hands, "kill_word", "RELEASE")
    await hands.click("kill_release")
    await hands.until(lambda: desk.kill.state is TradingState.ACTIVE, "it is not released")
    await hands.click("kill_sheet_away")
    await hands.gone("kill_sheet")


async def saw_no_error(hands: Hands, program: Any) -> None:
    """All that was done so far brought up no error that the program did not expect."""
    assert not program.care.faults.faults, [fault.told() for fault in program.care.faults.faults]
    assert await program.journal.verify() is None


async def closes_by_the_frame_and_is_asked_first(hands: Hands, program: Any) -> None:
    window = program._window
    known = {run.run_id for run in program.runner.runs}
    await _button(hands, program, "strategy_new") if hands.seen("strategy_start") is None else None
    await pick(hands, "strategy_pick", "ma_cross")
    await _button(hands, program, "strategy_start")
    run = (await hands.until(lambda: [run for run in program.runner.runs if run.run_id not in known], "no run"))[0]
    await hands.until(lambda: run.state is RunState.RUNNING, "it does not run", 40)
    await close_by_its_frame(hands, window)
    await hands.find("closing_sheet")
    await hands.picture("closing")
    assert not program._closing.is_set()
    await hands.click("close_stay")
    await hands.gone("closing_sheet")
    assert run.state is RunState.RUNNING
    await close_by_its_frame(hands, window)
    await hands.click("close_anyway")
    await hands.until(program._closing.is_set, "it does not end")


CHAPTERS = {
    chapter.__name__: chapter
    for chapter in (
        wears_light_colours, logs_in_on_the_page, skips_the_guide, *market.CHAPTERS, buys_at_the_market,
        sends_a_limit_order, changes_it_by_its_button, drags_its_line_on_the_chart, reads_why_and_when,
        cancels_it_by_its_menu, converts_a_part_of_the_position, exits_the_position, sets_and_deletes_a_gtt,
        looks_at_holdings_funds_and_trades, starts_pauses_and_stops_a_strategy,
        writes_a_file_of_its_own_and_enables_anothers, runs_a_backtest_and_clicks_a_trade, *window_.CHAPTERS,
        pulls_the_kill_switch_and_flattens, releases_it_by_its_word, saw_no_error,
        closes_by_the_frame_and_is_asked_first,
    )
}  # fmt: skip
