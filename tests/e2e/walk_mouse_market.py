"""The market with the mouse: watchlists, search, the ladder, options, the chart and what is put on it, alerts."""

from __future__ import annotations

import contextlib
from typing import Any

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QApplication

from tests.e2e.hands import Hands, Unseen
from tests.e2e.mouse_ways import aside, by_menu, charted, in_sight, level, page, row, spot, tab, tool, write


def _watch(program: Any) -> Any:
    return program._window.view.watchlist


def _place(table: Any, at: int) -> QPoint:
    """The middle of a row's name on the screen."""
    index = table.model().index(at, 0)
    return QPoint(table.viewport().mapToGlobal(table.visualRect(index).center()))


def _row_of(watch: Any, symbol: str) -> int:
    return next(at for at, quote in enumerate(watch.model.rows()) if quote.instrument.tradingsymbol == symbol)


# -- watchlists ----------------------------------------------------------------------------------------------------


async def chooses_an_instrument(hands: Hands, program: Any) -> None:
    for symbol in ("SBIN", "INFY"):
        await charted(hands, program, symbol)
    assert program._settings.window.chart["practice"] == "NSE:INFY"


async def drags_a_row_onto_the_chart(hands: Hands, program: Any) -> None:
    watch, chart = _watch(program), program._window.view.chart
    for symbol in ("RELIANCE", "INFY"):
        await hands.by(
            lambda symbol=symbol: hands.drag(_place(watch.table, _row_of(watch, symbol)), spot(chart.plot, 0.5, 0.5)),  # type: ignore[misc]
            lambda symbol=symbol: chart.instrument.tradingsymbol == symbol,  # type: ignore[misc]
            "what was dragged is not charted",
        )


async def moves_a_row(hands: Hands, program: Any) -> None:
    watch = _watch(program)
    keys = watch.showing.keys

    def row_of(key: str) -> int:
        return next(at for at, quote in enumerate(watch.model.rows()) if quote.instrument.key == key)

    await hands.by(
        lambda: hands.drag(_place(watch.table, row_of(keys[1])), _place(watch.table, 3)),
        lambda: watch.showing.keys.index(keys[1]) >= 2,
        "the row stays where it was",
    )
    assert set(watch.showing.keys) == set(keys)


async def narrows_a_search_by_chips(hands: Hands, program: Any) -> None:
    watch = _watch(program)
    before = set(watch.showing.keys)
    await hands.click(watch.search)
    await hands.type("nifty")
    await hands.until(watch.search.chips.isVisible, "no chips")
    await hands.click(watch.search.chips.chip("CE"))
    rows = watch.search.model.rows
    await hands.until(lambda: rows() and all(found.instrument_type == "CE" for found in rows()), "not only calls")
    await hands.picture("search-chips")
    await hands.cell(watch.search.results, 0)
    added = await hands.until(lambda: {*watch.showing.keys} - before, "nothing is added")
    assert next(iter(added)).endswith("CE")


async def takes_a_column_away(hands: Hands, program: Any) -> None:
    watch = _watch(program)
    header = watch.table.horizontalHeader()
    await hands.click(header.viewport(), QPoint(40, header.height() // 2), button=3)
    shown = await hands.until(QApplication.activePopupWidget, "no menu of columns")
    await hands.picture("columns")
    title = shown.actions()[2].text().replace("&", "")
    was = title in watch.showing.hidden
    await hands.choose(title)
    await hands.until(lambda: (title in watch.showing.hidden) is not was, f"{title} stays as it was")
    await hands.click("watch_more")
    await hands.choose("Columns…")
    await hands.choose(title)
    await hands.until(lambda: (title in watch.showing.hidden) is was, f"{title} does not come back")


async def sorts_by_a_column(hands: Hands, program: Any) -> None:
    watch = _watch(program)
    header = watch.table.horizontalHeader()
    await hands.click(header.viewport(), QPoint(30, header.height() // 2))
    await hands.until(lambda: watch.showing.sorted_by == "Symbol", "it is not sorted")
    names = [quote.instrument.tradingsymbol for quote in watch.model.rows()]
    assert names in (sorted(names), sorted(names, reverse=True)), names


async def makes_a_list_and_clicks_back(hands: Hands, program: Any) -> None:
    watch = _watch(program)
    first = watch.showing.name
    await hands.click("watch_new")
    await hands.find("watch_namer")
    await hands.keys("ctrl+a")
    await hands.type("Mouse")
    await hands.keys("Return")
    await hands.until(lambda: watch.showing.name == "Mouse", "the list has not its name")
    await write(hands, watch.search, "sbin")
    await row(hands, watch.search.results, lambda found: found.key == "NSE:SBIN")
    await hands.until(lambda: watch.showing.keys == ("NSE:SBIN",), "nothing is added")
    await hands.picture("new-list")
    await page(hands, watch.tabs, 0)
    await hands.until(lambda: watch.showing.name == first, "its tab does not lead back")


async def asks_what_an_instrument_is(hands: Hands, program: Any) -> None:
    watch = _watch(program)
    await by_menu(hands, watch.table, lambda quote: quote.instrument.tradingsymbol == "INFY", "What is it?")
    sheet = await hands.find("identity_sheet")
    await hands.until(lambda: "NSE:INFY" in "\n".join(sheet._said), "nothing is told")
    await hands.until(lambda: sheet.report.text().startswith("Today's list"), "no report of the day")
    await hands.picture("identity")
    await hands.click("identity_sheet_away")
    await hands.gone("identity_sheet")


# -- ladder and options --------------------------------------------------------------------------------------------


async def sends_by_one_click_in_the_ladder(hands: Hands, program: Any) -> None:
    desk = program.desk
    await charted(hands, program, "INFY")
    ladder = await tab(hands, program, "ladder")
    await hands.until(lambda: ladder.model.rowCount() == 10, "no depth")
    known = {order.order_id for order in desk.orders()}
    await hands.cell(ladder.table, 9, 1)
    await aside()
    assert {order.order_id for order in desk.orders()} == known, "it was not armed"
    await hands.click("ladder_arm")
    await hands.until(lambda: ladder.clicks.armed(ladder.instrument), "one click is not armed")
    price = ladder.model.row(9).level.price
    await hands.cell(ladder.table, 9, 1)
    await hands.until(lambda: {o.order_id for o in desk.orders()} - known, "the click sends nothing")
    order = next(o for o in desk.orders() if o.order_id not in known)
    assert (order.transaction_type, order.order_type, order.key) == ("BUY", "LIMIT", "NSE:INFY")
    assert abs(order.price - price) < 1, (order.price, price)
    await hands.picture("ladder")
    await hands.click("ladder_cancel")
    await hands.until(lambda: not any(o.live for o in desk.orders()), "it works on")


async def finds_it_disarmed_on_another_instrument(hands: Hands, program: Any) -> None:
    ladder = await tab(hands, program, "ladder")
    await tab(hands, program, "watchlist")
    await hands.until(lambda: not ladder.clicks.armed(ladder.instrument), "out of sight it is armed")
    await tab(hands, program, "ladder")
    await hands.click("ladder_arm")
    await hands.until(lambda: ladder.clicks.armed(ladder.instrument), "one click is not armed")
    await tab(hands, program, "watchlist")
    await charted(hands, program, "SBIN")
    assert not ladder.clicks.armed(ladder.instrument) and ladder.instrument.tradingsymbol == "SBIN"


async def clicks_an_option_in_the_chain(hands: Hands, program: Any) -> None:
    view = program._window.view
    await charted(hands, program, "NIFTY 50")
    chain = await tab(hands, program, "options")
    await hands.until(lambda: chain.board and chain.board.lines, "no chain")
    await hands.until(lambda: any(ln.call and ln.call.vol for ln in chain.board.lines), "no volatility")
    await hands.picture("options")
    at = len(chain.board.lines) // 2
    await hands.by(
        lambda: hands.cell(chain.table, at, 2, times=2),
        lambda: view.chart.instrument.instrument_type == "CE",
        "the call is not charted",
    )
    await aside()
    await hands.by(
        lambda: hands.cell(chain.table, at, 2, button=3), QApplication.activePopupWidget, "the line has no menu"
    )
    await hands.choose("Sell")
    ticket = await hands.find("ticket")
    assert ticket.side == "SELL" and ticket.instrument.instrument_type == "CE"
    await hands.click("ticket_close")
    await hands.gone("ticket")


# -- the chart -----------------------------------------------------------------------------------------------------


async def pans_zooms_and_stretches(hands: Hands, program: Any) -> None:
    chart = await charted(hands, program, "INFY")
    plot = chart.plot
    await tool(hands, chart, "Fit")
    wide = plot.window_shown.bars
    await hands.wheel(plot.viewport(), 4)
    await hands.until(lambda: plot.window_shown.bars < wide * 0.9, "the wheel does not zoom")
    left = plot.window_shown.x0
    await hands.drag(spot(plot, 0.4, 0.5), spot(plot, 0.7, 0.5))
    await hands.until(lambda: plot.window_shown.x0 < left - 1, "a drag does not pan")
    low, high = plot.prices.low, plot.prices.high
    axis = plot.price_axis.place
    start = plot.viewport().mapToGlobal(QPoint(axis.center().x(), axis.top() + axis.height() // 3))
    await hands.drag(start, start + QPoint(0, 120))
    await hands.until(lambda: plot.prices.high - plot.prices.low > (high - low) * 1.2, "the axis does not stretch")
    assert not plot.scale.auto
    await hands.picture("stretched")
    await hands.click_at(start, times=2)
    await hands.until(lambda: plot.scale.auto, "a double click does not fit it again")
    await tool(hands, chart, "Follow")


async def _draw(hands: Hands, chart: Any, words: str) -> None:
    await tool(hands, chart, "Draw")
    await hands.choose(words)
    await hands.until(lambda: chart.plot.hand.tool is not None, f"no tool for {words}")


async def draws_and_moves(hands: Hands, program: Any) -> None:
    chart = await charted(hands, program, "INFY")
    plot, hand = chart.plot, chart.plot.hand
    wanted = (
        ("Trend line", (0.15, 0.75), (0.3, 0.6)),
        ("Rectangle", (0.4, 0.3), (0.52, 0.5)),
        ("Fibonacci retracement", (0.6, 0.8), (0.75, 0.3)),
    )
    for number, (words, start, end) in enumerate(wanted, 1):
        await _draw(hands, chart, words)
        await hands.drag(spot(plot, *start), spot(plot, *end))
        await hands.until(lambda number=number: len(hand.drawings) == number, f"no {words}")  # type: ignore[misc]
    assert [drawing.kind for drawing in hand.drawings] == ["line", "box", "fibonacci"]
    await hands.picture("drawings")
    before = hand.drawings[0]
    held = spot(plot, 0.225, 0.675)
    await hands.drag(held, held + QPoint(0, -60))
    await hands.until(lambda: hand.drawings[0] != before, "the line does not move")
    assert hand.drawings[0].points[0][1] > before.points[0][1]
    assert program._window.view.tools._book.drawings("NSE:INFY") == list(hand.drawings)
    await tool(hands, chart, "Draw")
    await hands.choose("Delete all drawings")
    await hands.until(lambda: not hand.drawings, "the drawings stay")


async def adds_an_indicator(hands: Hands, program: Any) -> None:
    chart = await charted(hands, program, "INFY")
    await tool(hands, chart, "Indicators")
    sheet = await hands.find("study_sheet")
    await write(hands, "study_search", "rsi")
    await hands.click(sheet.results.viewport(), sheet.results.visualRect(sheet.results.currentIndex()).center())
    await hands.click("study_add")
    await hands.until(lambda: [study.name for study in chart.plot.studies.wanted] == ["RSI"], "no indicator")
    await hands.picture("indicators")
    await hands.click("study_sheet_away")
    await hands.gone("study_sheet")
    await hands.picture("chart")


async def changes_the_kind_of_candles(hands: Hands, program: Any) -> None:
    chart = await charted(hands, program, "INFY")
    for words, kind in (("Heikin", "heikin"), ("Renko", "renko"), ("Candles", "candles")):
        await hands.menu("Chart", words)
        await hands.until(lambda kind=kind: chart.candle_kind == kind, f"no {kind}")  # type: ignore[misc]
        await hands.picture(f"kind-{kind}")


async def shows_a_second_time_frame_and_a_profile(hands: Hands, program: Any) -> None:
    chart = await charted(hands, program, "INFY")
    await hands.menu("Chart", "Volume profile")
    await hands.until(lambda: chart.plot.profile.shown, "no volume profile")
    await hands.menu("Chart", chart_longer(program), "Candles of 15m")
    await hands.until(lambda: chart.below is not None, "nothing beneath")
    assert chart.longer.label == "15m"
    await hands.picture("second-time-frame")
    await hands.menu("Chart", chart_longer(program), "None")
    await hands.until(lambda: chart.below is None, "it stays")
    await tool(hands, chart, "5m")
    await hands.until(lambda: chart.interval_label == "5m", "the length of bars stays")
    await tool(hands, chart, "1m")


def chart_longer(program: Any) -> str:
    """What the menu of the second time frame is called."""
    return str(program._window.view.tools.longer.title().replace("&", ""))


async def saves_a_picture_of_the_chart(hands: Hands, program: Any) -> None:
    folder = program._options.folder / "pictures"
    await hands.menu("Chart", "Save a picture")
    await hands.until(lambda: any(path.stat().st_size > 5_000 for path in folder.glob("*.png")), "no picture")


# -- alerts --------------------------------------------------------------------------------------------------------


async def pulls_an_alert_until_it_fires(hands: Hands, program: Any) -> None:
    chart = await charted(hands, program, "INFY")
    plot, book = chart.plot, program.alerts
    last = chart.last_price()
    await in_sight(hands, plot, last + 5)
    await hands.click_at(level(plot, last + 5, 0.2), button=3)
    await hands.choose("Alert at")
    await hands.find("alert_sheet")
    await hands.picture("alert")
    await hands.click("alert_set")
    await hands.gone("alert_sheet")
    alert = book.alerts[-1]
    assert abs(alert.rule.level - last - 5) < 3 and alert.rule.key == "NSE:INFY"
    await hands.until(lambda: any(line.ref == alert.id for line in plot.lines.lines), "no line of the alert")
    for turn in range(12):  # the price goes on meanwhile, and nobody knows where to
        before, beside = book.alerts[-1].rule.level, (0.2, -0.2)[turn % 2]

        async def pull(before: float = before, beside: float = beside) -> None:
            await hands.drag(level(plot, before, 0.2), level(plot, chart.last_price() + beside, 0.2))

        def pulled(before: float = before) -> bool:
            return bool(book.firings) or book.alerts[-1].rule.level != before

        await hands.by(pull, pulled, "pulling it changes nothing")
        with contextlib.suppress(Unseen):
            await hands.until(lambda: book.firings, "it does not fire", 4)
            break
    assert book.firings
    await hands.find("toast")
    await hands.picture("toast")
    await hands.click("toast_seen")
    await hands.until(lambda: book.unseen == 0, "what was clicked stays unseen")
    await hands.gone("toast")


async def acknowledges_in_the_panel(hands: Hands, program: Any) -> None:
    book = program.alerts
    panel = await tab(hands, program, "alerts")
    await hands.menu("Alerts", "Set the usual")
    await hands.until(lambda: len(book.alerts) > 1, "the usual alerts are not set")
    await hands.picture("alerts")
    await hands.cell(panel.history, 0)
    assert not panel.seen.isEnabled()
    await hands.cell(panel.table, panel.model.rowCount() - 1)
    count = len(book.alerts)
    await hands.click("alert_remove")
    await hands.until(lambda: len(book.alerts) == count - 1, "it is not removed")


CHAPTERS = (
    chooses_an_instrument, drags_a_row_onto_the_chart, moves_a_row, narrows_a_search_by_chips, takes_a_column_away,
    sorts_by_a_column, makes_a_list_and_clicks_back, asks_what_an_instrument_is, sends_by_one_click_in_the_ladder,
    finds_it_disarmed_on_another_instrument, clicks_an_option_in_the_chain, pans_zooms_and_stretches,
    draws_and_moves, adds_an_indicator, changes_the_kind_of_candles, shows_a_second_time_frame_and_a_profile,
    saves_a_picture_of_the_chart, pulls_an_alert_until_it_fires, acknowledges_in_the_panel,
)  # fmt: skip
