"""The day of a person who never touches the mouse: each chapter acts by keys alone, and looks whether it came true.

The first part: the login, the ticket, the books, strategies, the kill switch, and the end. See `walk_keyboard_market`
and `walk_keyboard_window` for the rest.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from PySide6.QtWidgets import QApplication

from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.ui.shell import MainWindow
from tests.e2e import walk_keyboard_market as market
from tests.e2e import walk_keyboard_window as window_
from tests.e2e.hands import Hands, Unseen
from tests.e2e.headless import log_in

FAR = 0.95
"""A buying price so far below the market, as a share of it, that it waits."""


def of(program: Any) -> MainWindow:
    window: MainWindow = program._window
    return window


async def logs_in(hands: Hands, program: Any) -> None:
    """By the address that a browser ended on, typed into the field for it."""
    window = of(program)
    login = await hands.until(lambda: window.login, "no login page")
    address = await log_in(program.gate.login_url)
    await hands.until(login.paste.isVisible, "no field for the address")
    await hands.tab_to(login.paste)
    await hands.type(address)
    await hands.keys("Return")
    await hands.until(lambda: window.login is None and window.view, "the desk does not open", 60)
    await hands.until(lambda: program.desk.state is DeskState.READY, "the desk does not get ready", 60)
    await hands.until(lambda: window.view.chart.plot.source, "no bars")
    await hands.picture("desk")


# -- orders --------------------------------------------------------------------------------------------------------


async def _ticket(hands: Hands, program: Any, key: str) -> Any:
    """A ticket for INFY by B or S on the chart."""
    view = of(program).view
    await hands.do("infy")
    await hands.until(lambda: view.chart.instrument.tradingsymbol == "INFY", "INFY is not on the chart")
    await hands.keys("ctrl+0", key)
    ticket = await hands.find("ticket")
    await hands.until(lambda: program.market.latest(ticket.instrument.instrument_token), "INFY does not tick")
    return ticket


async def _agree(hands: Hands, ticket: Any) -> None:
    """Enter what a ticket holds: once, and once more where it is shown again."""
    await hands.keys("Return")
    await hands.until(lambda: ticket.asking or not ticket.isVisible(), "the ticket does not ask")
    if ticket.isVisible():
        await hands.keys("Return")
    await hands.until(lambda: not ticket.isVisible(), f"the ticket stays: {ticket.words.text()}")


async def _in_row(hands: Hands, table: Any, name: str) -> None:
    """Go down a table of orders to one of that id."""
    await hands.until(lambda: any(row.order_id == name for row in table.model().rows()), "it is not in the panel")
    await hands.keys("Home")
    for _ in range(table.model().rowCount()):
        if table.current_row().order_id == name:
            return
        await hands.keys("Down")
    raise Unseen(f"order {name} is not come to")


async def _limit(hands: Hands, program: Any, quantity: int, price: float) -> str:
    """A limit order to buy; its id."""
    known = {order.order_id for order in program.desk.orders()}
    ticket = await _ticket(hands, program, "b")
    await hands.write("ticket_quantity", str(quantity))
    kind = await hands.tab_to("ticket_type")
    await hands.keys(*["Home"], *["Down"] * kind.findData("LIMIT"))
    assert kind.currentData() == "LIMIT", kind.currentText()
    await hands.write("ticket_price", f"{price:.2f}")
    await _agree(hands, ticket)
    new = await hands.until(lambda: {o.order_id for o in program.desk.orders()} - known, "no order was sent")
    assert len(new) == 1, new
    return str(new.pop())


async def buys_at_the_market(hands: Hands, program: Any) -> None:
    desk, before = program.desk, len(program.desk.fills())
    ticket = await _ticket(hands, program, "b")
    await hands.keys("Return")
    await hands.until(lambda: hands.seen("ticket_confirm"), "the order is not shown once more")
    await hands.picture("confirm")
    await hands.keys("Return")
    await hands.until(lambda: len(desk.fills()) > before, "no fill")
    await hands.until(lambda: not ticket.isVisible(), "the ticket stays")
    assert desk.fills()[-1].transaction_type == "BUY" and desk.fills()[-1].key == "NSE:INFY"
    intents = await program.journal.intents(program.market.now() - timedelta(minutes=10))
    assert intents[-1].request.transaction_type == "BUY"


async def turns_the_ticket_to_sell_and_lets_it_be(hands: Hands, program: Any) -> None:
    ticket, before = await _ticket(hands, program, "b"), len(program.desk.orders())
    await hands.keys("s")
    await hands.until(lambda: ticket.side == "SELL", "S does not turn the side")
    await hands.keys("Return", "Escape")
    await hands.until(lambda: not ticket.asking, "Esc does not lead back to the fields")
    await hands.keys("Escape")
    await hands.gone("ticket")
    assert len(program.desk.orders()) == before


async def sends_a_limit_order_and_changes_it(hands: Hands, program: Any) -> None:
    desk, orders = program.desk, of(program).view.orders
    infy = program.market.master.by_key("NSE:INFY")
    price = infy.snap(program.market.latest(infy.instrument_token).last_price * FAR)
    name = await _limit(hands, program, 2, price)
    await hands.until(lambda: desk.books.book.get(name).changeable, "the order does not come to rest")
    assert desk.books.book.get(name).price == price
    await hands.do("show orders")
    await hands.until(lambda: orders.table.hasFocus() and orders.model.rowCount() > 1, "no orders in the panel")
    await _in_row(hands, orders.table, name)
    await hands.keys("F2")
    ticket = await hands.find("ticket")
    await hands.write("ticket_quantity", "3")
    await _agree(hands, ticket)
    await hands.until(lambda: desk.books.book.get(name).quantity == 3, "the change did not come to the book")
    await hands.gone("ticket")
    await hands.picture("orders")


async def looks_at_the_timeline(hands: Hands, program: Any) -> None:
    orders = of(program).view.orders
    await hands.do("show orders")
    await hands.until(lambda: orders.table.hasFocus() and orders.model.rowCount(), "no order in the panel")
    await hands.keys("Home", "t")
    await hands.until(orders.timeline.isVisible, "T shows no timeline")
    await hands.until(lambda: orders.timeline.table.model().rowCount() > 1, "the timeline has no states")
    await hands.picture("timeline")
    await hands.keys("t")
    await hands.until(lambda: not orders.timeline.isVisible(), "T does not take it away")


async def cancels_an_order(hands: Hands, program: Any) -> None:
    desk, orders = program.desk, of(program).view.orders
    working = next(order for order in desk.orders() if order.live)
    await hands.do("show orders")
    await hands.until(orders.table.hasFocus, "the orders have not the keyboard")
    await _in_row(hands, orders.table, working.order_id)
    await hands.keys("Delete")
    await hands.until(lambda: desk.books.book.get(working.order_id).status == "CANCELLED", "it works on")


async def cancels_all_orders(hands: Hands, program: Any) -> None:
    desk, infy = program.desk, program.market.master.by_key("NSE:INFY")
    price = infy.snap(program.market.latest(infy.instrument_token).last_price * FAR)
    name = await _limit(hands, program, 1, price)
    await hands.until(lambda: desk.books.book.get(name).changeable, "the order does not come to rest")
    await hands.keys("ctrl+shift+c")
    await hands.until(lambda: not any(order.live for order in desk.orders()), "an order works on")


async def asks_why(hands: Hands, program: Any) -> None:
    orders = of(program).view.orders
    await hands.do("show orders")
    await hands.until(lambda: orders.table.hasFocus() and orders.model.rowCount(), "no order in the panel")
    await hands.keys("Home", "w")
    sheet = await hands.find("why_sheet")
    await hands.until(lambda: "INFY" in sheet.text.toPlainText(), "the trail tells of no INFY")
    await hands.picture("why")
    await hands.away("why_sheet")


async def reads_the_trades(hands: Hands, program: Any) -> None:
    trades = of(program).view.trades
    await hands.do("show trades")
    await hands.until(lambda: trades.table.hasFocus() and trades.model.rowCount(), "no trade in the panel")
    await hands.keys("Home", "ctrl+c")
    await hands.until(lambda: "INFY" in QApplication.clipboard().text(), "Ctrl+C copies nothing")
    await hands.keys("w")
    await hands.find("why_sheet")
    await hands.away("why_sheet")


async def sets_a_gtt(hands: Hands, program: Any) -> None:
    gtts = of(program).view.gtts
    await hands.do("show gtt")
    await hands.until(gtts.table.hasFocus, "the GTTs have not the keyboard")
    await hands.keys("n")
    ticket = await hands.find("ticket")
    assert ticket.fields.variety.name == "gtt", ticket.fields.variety.name
    last = program.market.latest(ticket.instrument.instrument_token).last_price
    await hands.write("ticket_trigger", f"{ticket.instrument.snap(last * 0.9):.2f}")
    await hands.write("ticket_price", f"{ticket.instrument.snap(last * 0.89):.2f}")
    await hands.picture("gtt")
    await _agree(hands, ticket)
    await hands.until(lambda: [gtt for gtt in gtts.rows if gtt.active], "no GTT waits")


async def deletes_a_gtt(hands: Hands, program: Any) -> None:
    gtts = of(program).view.gtts
    await hands.do("show gtt")
    await hands.until(lambda: gtts.table.hasFocus() and gtts.model.rowCount(), "no GTT in the panel")
    await hands.keys("Home", "Delete")
    await hands.until(lambda: hands.seen("question_yes"), "nobody asks")
    await hands.picture("question")
    await hands.keys("Return")
    await hands.until(lambda: not any(gtt.active for gtt in gtts.rows), "the GTT waits on")


async def exits_the_position(hands: Hands, program: Any) -> None:
    desk, positions = program.desk, of(program).view.positions
    await hands.do("show positions")
    await hands.until(lambda: positions.table.hasFocus() and positions.model.rowCount(), "no position in the panel")
    await hands.keys("Home", "Delete")
    ticket = await hands.find("ticket")
    infy = program.market.master.by_key("NSE:INFY")
    low = infy.snap(program.market.latest(infy.instrument_token).last_price * 0.99)
    await hands.write("ticket_price", f"{low:.2f}")  # however the price moves meanwhile
    await _agree(hands, ticket)
    await hands.until(lambda: desk.books.held("NSE", "INFY", "MIS") == 0, "the position stays")


# -- strategies ----------------------------------------------------------------------------------------------------


async def loads_a_strategy(hands: Hands, program: Any) -> None:
    strategies = of(program).view.strategies
    await hands.do("show strategies")
    await hands.until(lambda: strategies.isAncestorOf(QApplication.focusWidget()), "the keyboard is not in the panel")
    await hands.press("strategy_load")
    run = await hands.until(lambda: program.runner.runs and program.runner.runs[-1], "no run")
    await hands.until(lambda: run.state is RunState.LOADED, f"it does not load: {run.state}", 40)
    await hands.picture("loaded")


async def starts_all_strategies(hands: Hands, program: Any) -> None:
    run = program.runner.runs[-1]
    await hands.do("start all loaded")
    await hands.until(lambda: run.state is RunState.RUNNING, "it does not run", 40)


async def holds_all_algos_and_lets_them_go(hands: Hands, program: Any) -> None:
    run = program.runner.runs[-1]
    await hands.keys("ctrl+shift+p")
    await hands.until(lambda: run.state is RunState.PAUSED, "it may enter still")
    await hands.picture("paused")
    await hands.keys("ctrl+shift+p")
    await hands.until(lambda: run.state is RunState.RUNNING, "it may not enter again")


async def stops_the_strategy_on_its_card(hands: Hands, program: Any) -> None:
    run, strategies = program.runner.runs[-1], of(program).view.strategies
    await hands.do("show strategies")
    await hands.until(lambda: strategies.isAncestorOf(QApplication.focusWidget()), "the keyboard is not in the panel")
    await hands.press(f"run_stop_{run.run_id}")
    await hands.until(lambda: run.state.over, "it runs on", 30)
    rows = await program.journal.runs(program.market.now() - timedelta(minutes=10))
    assert rows[-1].run_id == run.run_id


async def runs_a_backtest(hands: Hands, program: Any) -> None:
    await hands.keys("F4")
    window = await hands.find("backtest_window")
    await hands.until(window.isActiveWindow, "the backtest is not in front")
    await hands.tab_to("backtest_search")
    await hands.type("infy")
    await hands.keys("Return")
    await hands.until(lambda: window.form.instruments, "no instrument was added")
    await hands.keys("ctrl+Return")
    await hands.until(lambda: window.reports, "no report", 40)
    assert window.reports[0].played.statistics.bars > 0
    await hands.picture("backtest")
    await hands.keys("alt+F4")
    await hands.gone("backtest_window")


# -- the kill switch, and the end ----------------------------------------------------------------------------------


async def lets_only_exits_pass(hands: Hands, program: Any) -> None:
    desk = program.desk
    await hands.do("let only exits")
    await hands.until(lambda: desk.kill.state is TradingState.REDUCING, "it is not reducing")


async def pulls_the_kill_switch(hands: Hands, program: Any) -> None:
    desk = program.desk
    await hands.keys("ctrl+shift+k")
    await hands.find("kill_sheet")
    await hands.until(lambda: desk.kill.state is TradingState.HALTED, "the kill switch does nothing")
    await hands.until(lambda: desk.kill.report and desk.kill.report.done_at, "no report")
    await hands.picture("killed")


async def releases_the_kill_switch(hands: Hands, program: Any) -> None:
    desk = program.desk
    await hands.do("release the kill")
    await hands.find("kill_sheet")
    await hands.write("kill_word", "RELEASE")
    await hands.keys("Return")
    await hands.until(lambda: desk.kill.state is TradingState.ACTIVE, "it is not released")
    await hands.away("kill_sheet")


async def saw_no_error(hands: Hands, program: Any) -> None:
    """All that was done so far brought up no error that the program did not expect."""
    assert not program.care.faults.faults, [fault.told() for fault in program.care.faults.faults]
    assert await program.journal.verify() is None


async def closes_the_program(hands: Hands, program: Any) -> None:
    await hands.keys("ctrl+q")
    await hands.until(program._closing.is_set, "Ctrl+Q does not end it")


CHAPTERS = {
    chapter.__name__: chapter
    for chapter in (
        logs_in, *market.CHAPTERS, buys_at_the_market, turns_the_ticket_to_sell_and_lets_it_be,
        sends_a_limit_order_and_changes_it, looks_at_the_timeline, cancels_an_order, cancels_all_orders, asks_why,
        reads_the_trades, sets_a_gtt, deletes_a_gtt, exits_the_position, loads_a_strategy, starts_all_strategies,
        holds_all_algos_and_lets_them_go, stops_the_strategy_on_its_card, runs_a_backtest, *window_.CHAPTERS,
        lets_only_exits_pass, pulls_the_kill_switch, releases_the_kill_switch, saw_no_error, closes_the_program,
    )
}  # fmt: skip
