"""The market by keys alone: watchlists, search, the ladder, options, the chart and what is put on it, alerts."""

from __future__ import annotations

import contextlib
from typing import Any, Final

from PySide6.QtWidgets import QApplication

from alphapanda_desktop.domain.market import Interval
from tests.e2e.hands import Hands, Unseen

MOST_ALERTS: Final = 12


async def _infy(hands: Hands, program: Any) -> Any:
    """INFY on the chart in the middle, which has the keyboard; the chart."""
    view = program._window.view
    await hands.do("infy")
    await hands.until(lambda: view.chart.instrument.tradingsymbol == "INFY", "INFY is not on the chart")
    await hands.keys("ctrl+0")
    await hands.until(lambda: QApplication.focusWidget() is view.chart, "the chart has not the keyboard")
    return view.chart


async def _watchlist(hands: Hands, program: Any, row: int = 0) -> Any:
    """The watchlist, whose table has the keyboard in that row."""
    watch = program._window.view.watchlist
    await hands.do("show watchlist")
    await hands.until(watch.table.hasFocus, "the watchlist has not the keyboard")
    await hands.keys("ctrl+Home", *["Down"] * row)
    return watch


# -- watchlists ----------------------------------------------------------------------------------------------------


async def adds_an_instrument(hands: Hands, program: Any) -> None:
    watch = program._window.view.watchlist
    before = set(watch.showing.keys)
    await hands.keys("ctrl+0", "slash")
    await hands.until(watch.search.hasFocus, "/ does not lead to the search")
    await hands.type("nifty 22500 ce")
    await hands.until(lambda: watch.search.model.rowCount() > 0, "nothing is found")
    await hands.picture("search")
    await hands.keys("Return")
    added = await hands.until(lambda: {*watch.showing.keys} - before, "nothing is added")
    assert all("22500CE" in key for key in added), added
    await hands.until(lambda: "22500CE" in program._window.view.chart.instrument.tradingsymbol, "it is not charted")


async def takes_an_instrument_off(hands: Hands, program: Any) -> None:
    watch = await _watchlist(hands, program)
    await hands.keys("End")
    key = watch.current().key
    await hands.keys("Delete")
    await hands.until(lambda: key not in watch.showing.keys, f"{key} stays")


async def moves_a_row(hands: Hands, program: Any) -> None:
    watch = await _watchlist(hands, program, 1)
    key, place = watch.current().key, watch.showing.keys.index(watch.current().key)
    await hands.keys("alt+Down")
    await hands.until(lambda: watch.showing.keys.index(key) == place + 1, f"{key} stays where it was")
    await hands.keys("alt+Up")
    await hands.until(lambda: watch.showing.keys.index(key) == place, f"{key} does not come back")


async def filters_the_rows(hands: Hands, program: Any) -> None:
    watch = await _watchlist(hands, program)
    rows = watch.model.rowCount()
    await hands.keys("f")
    await hands.until(watch.filter.hasFocus, "F does not lead to the filter")
    await hands.type("infy")
    await hands.until(lambda: watch.model.rowCount() == 1, "the filter shows other rows")
    await hands.keys("Escape")
    await hands.until(lambda: watch.model.rowCount() == rows, "Esc does not show all again")


async def groups_a_row(hands: Hands, program: Any) -> None:
    watch = await _watchlist(hands, program, 1)
    key = watch.current().key
    await hands.do("group of the selected")
    await hands.find("watch_namer")
    await hands.type("IT")
    await hands.keys("Return")
    await hands.until(lambda: watch.showing.groups.get(key) == "IT", "the row is in no group")
    await hands.find("watch_groups")
    await hands.picture("group")


async def makes_a_list_and_goes_between(hands: Hands, program: Any) -> None:
    watch = await _watchlist(hands, program)
    first = watch.showing.name
    await hands.do("new watchlist")
    await hands.find("watch_namer")
    await hands.keys("ctrl+a")
    await hands.type("Banks")
    await hands.keys("Return")
    await hands.until(lambda: watch.showing.name == "Banks", "the list has not its name")
    await hands.keys("slash")
    await hands.until(watch.search.hasFocus, "/ does not lead to the search")
    await hands.type("sbin")
    await hands.keys("Return")
    await hands.until(lambda: watch.showing.keys, "nothing is added")
    await hands.until(watch.table.hasFocus, "the list has not the keyboard")
    await hands.keys("ctrl+Prior")
    await hands.until(lambda: watch.showing.name == first, "Ctrl+PgUp does not go back")
    assert [each.name for each in program._settings.watchlists.lists["practice"]] == [first, "Banks"]


async def asks_what_an_instrument_is(hands: Hands, program: Any) -> None:
    watch = await _watchlist(hands, program, 1)
    await hands.keys("i")
    sheet = await hands.find("identity_sheet")
    await hands.until(lambda: watch.current().key in "\n".join(sheet._said), "nothing is told")
    await hands.until(lambda: sheet.report.text().startswith("Today's list"), "no report of the day")
    await hands.picture("identity")
    await hands.away("identity_sheet")


# -- ladder and options --------------------------------------------------------------------------------------------


async def buys_by_one_key_in_the_ladder(hands: Hands, program: Any) -> None:
    view, desk = program._window.view, program.desk
    await _infy(hands, program)
    ladder = view.market.ladder
    await hands.do("show depth")
    await hands.until(lambda: ladder.table.hasFocus() and ladder.model.rowCount() == 10, "no depth")
    await hands.do("arm or disarm one click")
    await hands.until(lambda: ladder.clicks.armed(ladder.instrument), "one click is not armed")
    await hands.picture("ladder")
    known = {order.order_id for order in desk.orders()}
    await hands.keys("ctrl+End", "b")
    await hands.until(lambda: {o.order_id for o in desk.orders()} - known, "B sends nothing")
    order = next(o for o in desk.orders() if o.order_id not in known)
    assert order.transaction_type == "BUY" and order.order_type == "LIMIT" and order.key == "NSE:INFY"
    await hands.do("cancel all orders of the ladder")
    await hands.until(lambda: not any(o.live for o in desk.orders()), "it works on")
    await hands.do("arm or disarm one click")
    await hands.until(lambda: not ladder.clicks.armed(ladder.instrument), "one click stays armed")


async def picks_an_option(hands: Hands, program: Any) -> None:
    view = program._window.view
    await hands.do("nifty 50")
    await hands.until(lambda: view.chart.instrument.tradingsymbol == "NIFTY 50", "NIFTY is not on the chart")
    chain = view.market.chain
    await hands.do("show options")
    await hands.until(lambda: chain.table.hasFocus() and chain.board and chain.board.lines, "no chain")
    await hands.until(lambda: any(ln.call and ln.call.vol for ln in chain.board.lines), "no volatility")
    await hands.picture("options")
    await hands.keys("ctrl+Home", *["Down"] * 8, "Return")
    await hands.until(lambda: view.chart.instrument.instrument_type == "CE", "the call is not charted")
    await hands.do("show options")
    await hands.keys("s")
    ticket = await hands.find("ticket")
    assert ticket.side == "SELL" and ticket.instrument.instrument_type == "CE"
    await hands.away("ticket")


# -- the chart -----------------------------------------------------------------------------------------------------


async def zooms_pans_and_scales(hands: Hands, program: Any) -> None:
    chart = await _infy(hands, program)
    plot = chart.plot
    await hands.keys("Home")
    wide = plot.window_shown.bars
    await hands.keys("plus", "plus")
    await hands.until(lambda: plot.window_shown.bars < wide, "+ does not zoom")
    await hands.keys("Left", "g")
    await hands.until(lambda: plot.scale.kind == "log", "G gives no logarithmic scale")
    await hands.keys("p")
    await hands.until(lambda: plot.scale.kind == "percent", "P gives no per cents")
    await hands.keys("p", "End")
    await hands.until(lambda: plot.scale.kind == "linear", "P does not go back")


async def adds_indicators_and_keeps_a_template(hands: Hands, program: Any) -> None:
    chart = await _infy(hands, program)
    await hands.keys("i")
    await hands.find("study_sheet")
    for words in ("rsi", "ema"):
        await hands.write("study_search", words, back=True)
        await hands.keys("Return")
    await hands.until(lambda: [s.name for s in chart.plot.studies.wanted] == ["RSI", "EMA"], "no indicators")
    field = await hands.find("study_template")
    await hands.tab_to(field.lineEdit())
    await hands.type("mine")
    await hands.press("study_save")
    await hands.picture("indicators")
    await hands.away("study_sheet")
    book = program._window.view.tools._book
    assert [study.name for study in book.template("mine")] == ["RSI", "EMA"]
    await hands.picture("chart")


async def changes_the_kind_of_candles(hands: Hands, program: Any) -> None:
    chart = await _infy(hands, program)
    for words, kind in (("heikin", "heikin"), ("renko", "renko"), ("chart candles", "candles")):
        await hands.do(words)
        await hands.until(lambda kind=kind: chart.candle_kind == kind, f"no {kind}")  # type: ignore[misc]


async def shows_a_second_time_frame_and_a_profile(hands: Hands, program: Any) -> None:
    chart = await _infy(hands, program)
    await hands.do("candles of 15m beneath")
    await hands.until(lambda: chart.below is not None and chart.longer is Interval.MINUTE_15, "nothing beneath")
    await hands.do("volume profile")
    await hands.until(lambda: chart.plot.profile.shown, "no volume profile")
    await hands.picture("second-time-frame")
    await hands.do("second time frame none")
    await hands.until(lambda: chart.below is None, "it stays")


async def draws_a_line_and_moves_it(hands: Hands, program: Any) -> None:
    chart = await _infy(hands, program)
    hand = chart.plot.hand
    await hands.do("horizontal line at the last")
    await hands.until(lambda: hand.drawings, "nothing is drawn")
    price = hand.drawings[0].points[0][1]
    await hands.keys("ctrl+0", "d", "Up", "Up")
    await hands.until(lambda: hand.drawings[0].points[0][1] > price, "the arrows do not move it")
    moved = hand.drawings[0].points[0][1] - price
    assert round(moved / chart.instrument.tick_size) == 2, moved
    assert program._window.view.tools._book.drawings("NSE:INFY") == list(hand.drawings)
    await hands.keys("Delete")
    await hands.until(lambda: not hand.drawings, "Del does not take it away")


async def keeps_a_layout(hands: Hands, program: Any) -> None:
    chart = await _infy(hands, program)
    await hands.do("keep or forget a layout")
    sheet = await hands.find("layout_sheet")
    await hands.type("morning")
    await hands.press("layout_keep")
    await hands.until(lambda: sheet._book.layout("morning"), "it is not kept")
    await hands.away("layout_sheet")
    await hands.do("candles of 5m beneath")
    await hands.until(lambda: chart.below is not None, "nothing beneath")
    await hands.do("layouts morning")
    await hands.until(lambda: chart.below is None, "the layout is not laid out")


async def saves_a_picture_of_the_chart(hands: Hands, program: Any) -> None:
    await _infy(hands, program)
    await hands.do("save a picture")
    folder = program._options.folder / "pictures"
    await hands.until(lambda: any(path.stat().st_size > 5_000 for path in folder.glob("*.png")), "no picture")


# -- alerts --------------------------------------------------------------------------------------------------------


async def sets_an_alert_that_fires(hands: Hands, program: Any) -> None:
    """A step away from the price as it is, above and below in turn, until it goes there."""
    book, market = program.alerts, program.market
    await _infy(hands, program)
    token = market.master.by_key("NSE:INFY").instrument_token
    for turn in range(MOST_ALERTS):
        await hands.keys("ctrl+shift+a")
        await hands.find("alert_sheet")
        await hands.write("alert_level", f"{market.latest(token).last_price + (0.1, -0.1)[turn % 2]:.2f}")
        if not turn:
            await hands.picture("alert")
        await hands.keys("Return")
        await hands.gone("alert_sheet")
        assert book.alerts[-1].rule.key == "NSE:INFY"
        with contextlib.suppress(Unseen):
            await hands.until(lambda: book.firings, "none fires", 4)
            break
    assert book.unseen >= 1, "none fires"
    await hands.picture("toast")


async def acknowledges_the_news(hands: Hands, program: Any) -> None:
    book, panel = program.alerts, program._window.view.alerts.panel
    await hands.do("show alerts")
    await hands.until(panel.table.hasFocus, "the alerts have not the keyboard")
    await hands.keys("shift+a")
    await hands.until(lambda: book.unseen == 0, "the news stays unseen")
    for left in reversed(range(len(book.alerts))):
        await hands.until(lambda left=left: panel.model.rowCount() == left + 1, "the panel shows others")  # type: ignore[misc]
        await hands.keys("ctrl+Home", "Delete")
        await hands.until(lambda left=left: len(book.alerts) == left, "Del does not remove it")  # type: ignore[misc]
    facts = await program.journal.alert_facts()
    assert [fact.fact for fact in facts][-1] == "removed", facts


CHAPTERS = (
    adds_an_instrument, takes_an_instrument_off, moves_a_row, filters_the_rows, groups_a_row,
    makes_a_list_and_goes_between, asks_what_an_instrument_is, buys_by_one_key_in_the_ladder, picks_an_option,
    zooms_pans_and_scales, adds_indicators_and_keeps_a_template, changes_the_kind_of_candles,
    shows_a_second_time_frame_and_a_profile, draws_a_line_and_moves_it, keeps_a_layout, saves_a_picture_of_the_chart,
    sets_an_alert_that_fires, acknowledges_the_news,
)  # fmt: skip
