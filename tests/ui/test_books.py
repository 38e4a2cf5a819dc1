from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractSlider, QWidget

from alphapanda_desktop.domain.errors import Rejected, Unknown
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.logs import RECENT
from alphapanda_desktop.ui.books import OrdersPanel
from alphapanda_desktop.ui.logpanel import LINES_KEPT, LogPanel
from alphapanda_desktop.ui.positions import PositionsPanel
from alphapanda_desktop.ui.tables import Cell
from alphapanda_desktop.ui.trades import TradesPanel
from tests.fakes import a_request
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import INFY

Panel = Any


@pytest.fixture
def shown(qapp: Any) -> Iterator[Callable[[QWidget], Panel]]:
    made: list[QWidget] = []

    def show(panel: QWidget) -> Panel:
        made.append(panel)
        panel.resize(1200, 230)
        panel.show()
        return panel

    yield show
    for panel in made:
        shiboken6.delete(panel)


def _cell(panel: Panel, row: int, title: str) -> Cell:
    return panel.model.cell(row, [column.title for column in panel.model.columns].index(title))


def _tip(panel: Panel, row: int, title: str) -> str:
    column = next(column for column in panel.model.columns if column.title == title)
    return column.tooltip(panel.model.row(row))


def _row(panel: Panel, order_id: str) -> int:
    return next(n for n, order in enumerate(panel.model.rows()) if order.order_id == order_id)


# --- orders


def test_an_order_shows_what_was_filled_and_whose_it_is(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            stage.desk.name_run("r1", "momentum")
            await stage.desk.submit(a_request("BUY", 10, tag="q1", strategy="r1", reason="return above 1 %"))
            stage.order("7", "OPEN", transaction_type="SELL")
            stage.frame()
            ours = next(n for n, order in enumerate(panel.model.rows()) if order.tag == "q1")
            assert _cell(panel, ours, "Qty").text == "10/10"
            assert _cell(panel, ours, "By").text == "momentum #1"
            assert _tip(panel, ours, "By") == "return above 1 %"
            assert _cell(panel, _row(panel, "7"), "By").text == "elsewhere"
            assert _cell(panel, _row(panel, "7"), "Side") == Cell("SELL", "sell")

    run(story())


def test_a_rejection_is_told_in_words(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            stage.broker.refuse_next = Rejected("Insufficient funds")
            with pytest.raises(Rejected):
                await stage.desk.submit(a_request(tag="q1"))
            stage.frame()
            assert _cell(panel, 0, "Status") == Cell("REJECTED", "danger", "danger")
            assert _cell(panel, 0, "Message").text == "Insufficient funds"
            assert _tip(panel, 0, "Status") == "Insufficient funds"

    run(story())


def test_an_unanswered_order_is_violet_and_says_that_it_may_exist(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            stage.broker.on_order, stage.broker.lose_next_reply = None, True
            with pytest.raises(Unknown):
                await stage.desk.submit(a_request("BUY", 5, price=1400.0, tag="q1"))
            stage.frame()
            assert _cell(panel, 0, "Status") == Cell("UNKNOWN", "unknown", "unknown")
            assert "may exist at Kite" in _tip(panel, 0, "Status")
            assert panel.summary.text() == "1 order, 1 working, 1 unanswered"
            panel.table.selectRow(0)
            assert not panel.cancel.isEnabled()

    run(story())


def test_an_order_on_its_way_says_that_it_is_being_sent(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.desk.books.intend(a_request(tag="q1"), stage.clock.now())
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            stage.frame()
            assert _cell(panel, 0, "Status").text == "sending…"

    run(story())


def test_the_delete_key_cancels_the_selected_order_only(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            stage.order("7", "OPEN")
            stage.order("8", "OPEN")
            stage.frame()
            panel.table.selectRow(_row(panel, "7"))
            QTest.keyClick(panel.table, Qt.Key.Key_Delete)
            await eventually(lambda: stage.desk.books.book.get("7").status == "CANCELLED")
            assert stage.desk.books.book.get("8").status == "OPEN"
            stage.frame()
            assert not panel.cancel.isEnabled()
            assert _cell(panel, _row(panel, "7"), "Status").text == "CANCELLED"

    run(story())


def test_cancel_all_cancels_what_may_still_fill(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            for number in ("7", "8"):
                stage.order(number, "OPEN")
            stage.order("9", "COMPLETE", filled_quantity=10)
            stage.frame()
            QTest.mouseClick(panel.cancel_all, Qt.MouseButton.LeftButton)
            await eventually(lambda: not stage.desk.books.book.working())
            stage.frame()
            assert not panel.cancel_all.isEnabled()

    run(story())


def test_a_failed_cancellation_becomes_a_notice(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            stage.order("7", "OPEN")
            del stage.broker.book["7"]
            stage.frame()
            panel.table.selectRow(0)
            panel.cancel_selected()
            await eventually(lambda: stage.notices)
            assert stage.notices[0][1] == "danger"
            assert "7" in stage.notices[0][0]

    run(story())


def test_the_menu_of_an_ended_order_offers_no_cancellation(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            live, ended = stage.order("7", "OPEN"), stage.order("8", "CANCELLED")
            texts = [[a.text().partition("\t")[0] for a in panel.table.menu_for(o)] for o in (live, ended)]
            assert "Cancel order" in texts[0]
            assert "Cancel order" not in texts[1]

    run(story())


def test_changes_are_offered_only_where_a_ticket_is_there_for_them(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            live, ended = stage.order("7", "OPEN"), stage.order("8", "CANCELLED")
            stage.frame()
            assert panel.change.isHidden()
            opened: list[Any] = []
            panel.offer_changes(opened.append)
            for order in (live, ended):
                panel.table.selectRow(_row(panel, order.order_id))
                QTest.keyClick(panel.table, Qt.Key.Key_F2)
            assert opened == [live]
            assert not panel.change.isEnabled()

    run(story())


def test_a_double_click_wants_the_chart(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            wanted: list[str] = []
            panel.chart_wanted.connect(wanted.append)
            stage.order("7", "OPEN")
            stage.frame()
            panel.table.selectRow(0)
            QTest.keyClick(panel.table, Qt.Key.Key_Return)
            assert wanted == ["NSE:INFY"]

    run(story())


# --- trades


def test_trades_sum_up_what_was_bought_and_sold(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(TradesPanel(stage.desk, stage.market, stage.edge))
            await stage.desk.submit(a_request("BUY", 10, tag="q1"))
            await stage.desk.submit(a_request("SELL", 4, tag="q2"))
            await eventually(lambda: len(stage.desk.fills()) == 2)
            stage.frame()
            assert panel.sum.text() == (
                "2 trades · bought ₹ 15,000.00 · sold ₹ 6,000.00 · sold less bought −₹ 9,000.00 · charges unknown"
            )
            assert {_cell(panel, row, "By").text for row in (0, 1)} == {"by hand"}
            assert {_cell(panel, row, "Value").text for row in (0, 1)} == {"15,000.00", "6,000.00"}

    run(story())


def test_charges_that_are_not_kites_are_shown_beside_ours(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ledger = stage.desk.ledger
            panel = shown(TradesPanel(stage.desk, stage.market, stage.edge, ledger=ledger))
            await stage.desk.submit(a_request("BUY", 10, tag="q1"))
            await eventually(lambda: len(stage.desk.fills()) == 1)
            (query,) = ledger.executed().values()
            ours = ledger.of_order(query.order_id)
            assert ours is not None
            stage.frame()
            assert _cell(panel, 0, "Off Kite").text == "–" and "off Kite" not in panel.sum.text()
            ledger.tell_charges([(query, ours)])
            stage.frame()
            assert _cell(panel, 0, "Off Kite").text == "0.00" and "off Kite" not in panel.sum.text()
            ledger.tell_charges([(query, replace(ours, brokerage=ours.brokerage - RUPEE))])
            stage.frame()
            cell = _cell(panel, 0, "Off Kite")
            assert (cell.text, cell.colour) == ("+1.00", "warn")
            assert "₹ 1.00 off Kite's" in panel.sum.text()

    run(story())


# --- positions


async def _hold(stage: DeskStage, eventually: Any) -> None:
    stage.price(INFY, 1500.0)
    await stage.desk.submit(a_request("BUY", 10, tag="q1"))
    await eventually(stage.desk.positions)


def test_a_positions_result_follows_the_price(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(PositionsPanel(stage.desk, stage.market, stage.edge))
            await _hold(stage, eventually)
            stage.frame()
            assert _cell(panel, 0, "P&L") == Cell("0.00", "unchanged")
            stage.price(INFY, 1490.0)
            stage.frame()
            assert _cell(panel, 0, "P&L") == Cell("−100.00", "down")
            assert "−₹ 100.00" in panel.sum.text()
            assert _cell(panel, 0, "Qty").text == "+10"

    run(story())


def test_a_position_at_an_old_price_is_shown_muted(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(PositionsPanel(stage.desk, stage.market, stage.edge))
            await _hold(stage, eventually)
            stage.price(INFY, 1510.0)
            stage.clock.advance(120)
            stage.frame(31)
            assert _cell(panel, 0, "P&L") == Cell("+100.00", "muted")
            assert _tip(panel, 0, "Last").startswith("This price is old")

    run(story())


def test_what_is_held_is_subscribed(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(PositionsPanel(stage.desk, stage.market, stage.edge))
            assert INFY.instrument_token not in stage.feed.wanted
            await _hold(stage, eventually)
            await eventually(lambda: INFY.instrument_token in stage.feed.wanted)
            assert panel.exit.isEnabled() is False

    run(story())


def test_exit_asks_for_the_opposite_order_of_the_whole_position(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(PositionsPanel(stage.desk, stage.market, stage.edge))
            wanted: list[tuple[Any, str, int, str]] = []
            panel.order_wanted.connect(lambda *words: wanted.append(words))
            await _hold(stage, eventually)
            stage.frame()
            panel.table.selectRow(0)
            QTest.mouseClick(panel.exit, Qt.MouseButton.LeftButton)
            assert wanted == [(INFY, "SELL", 10, "MIS")]

    run(story())


def test_positions_that_were_never_read_are_unknown_not_zero(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.desk.books.positions_at = None
            panel = shown(PositionsPanel(stage.desk, stage.market, stage.edge))
            stage.frame()
            assert panel.sum.text() == "P&L unknown: positions have not been read yet"

    run(story())


def test_a_hidden_panel_draws_nothing(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            stage.frame()
            panel.hide()
            stage.order("7", "OPEN")
            stage.frame()
            assert panel.model.rowCount() == 0
            panel.show()
            stage.frame()
            assert panel.model.rowCount() == 1

    run(story())


# --- log


def _log(stage: DeskStage, shown: Any) -> LogPanel:
    panel: LogPanel = shown(LogPanel(stage.edge, stage.market.now))
    return panel


def test_the_log_has_the_newest_line_last_with_its_level_in_words(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            log = _log(stage, shown)
            log.add("feed is up", "info")
            log.add("500 asked, <100> allowed", "warning")
            lines = log.lines.toPlainText().replace("\xa0", " ").splitlines()
            assert lines == ["12:00:00  feed is up", "12:00:00  warning: 500 asked, <100> allowed"]

    run(story())


def test_the_log_keeps_the_last_thousand_lines(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            log = _log(stage, shown)
            for number in range(LINES_KEPT + 5):
                log.add(f"line {number}", "info")
            assert len(log.entries()) == LINES_KEPT
            assert log.entries()[0].text == "line 5"
            assert log.lines.blockCount() <= LINES_KEPT

    run(story())


def test_a_search_shows_only_what_holds_every_word(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            log = _log(stage, shown)
            log.add("order 7 rejected", "danger")
            log.add("order 8 sent", "info")
            log.search.setText("error order")
            log.add("order 9 rejected", "danger")
            assert [line.split(": ")[1] for line in log.lines.toPlainText().splitlines()] == [
                "order 7 rejected",
                "order 9 rejected",
            ]
            assert log.found.text() == "2 of 3"
            log.search.clear()
            assert len(log.lines.toPlainText().splitlines()) == 3

    run(story())


def test_the_log_can_be_cut_down_to_what_went_wrong(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            log = _log(stage, shown)
            for text, level in (("feed is up", "info"), ("price is late", "warning"), ("rejected", "danger")):
                log.add(text, level)
            log.level.setCurrentText("Warnings and errors")
            assert log.lines.blockCount() == 2 and log.found.text() == "2 of 3"
            log.level.setCurrentText("Errors")
            log.add("desk ready", "info")
            assert log.lines.toPlainText().endswith("error: rejected") and log.found.text() == "1 of 4"
            log.level.setCurrentText("Everything")
            assert log.lines.blockCount() == 4 and log.found.text() == ""

    run(story())


def test_who_scrolls_back_in_the_log_stays_there_until_he_follows_again(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            log = _log(stage, shown)
            bar = log.lines.verticalScrollBar()
            for number in range(400):
                log.add(f"line {number}", "info")
            assert log.follow.isChecked() and bar.value() == bar.maximum() > 0
            bar.triggerAction(QAbstractSlider.SliderAction.SliderToMinimum)
            log.add("one more", "info")
            assert not log.follow.isChecked() and bar.value() == 0
            log.follow.click()
            assert bar.value() == bar.maximum()
            log.follow.click()
            at = bar.value()
            log.add("and another", "info")
            assert bar.value() == at < bar.maximum()
            log.search.setText("one more")
            log.copy.click()
            assert QGuiApplication.clipboard().text().endswith("one more")

    run(story())


def test_the_programs_own_log_is_shown_by_level_as_it_grows_in_any_thread(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            log, logger = _log(stage, shown), logging.getLogger("alphapanda.somewhere")
            logger.addHandler(RECENT)
            try:
                log.add("a notice", "info")
                logger.warning("before it was looked at")
                log.source.setCurrentText("The program's log")
                assert "warning: alphapanda.somewhere: before it was looked at" in log.lines.toPlainText()
                assert "a notice" not in log.lines.toPlainText()
                thread = threading.Thread(target=logger.error, args=("from a thread",))
                thread.start()
                thread.join()
                stage.frame()
                stage.frame()
                assert log.lines.toPlainText().count("error: alphapanda.somewhere: from a thread") == 1
                log.level.setCurrentText("Errors")
                assert "before it" not in log.lines.toPlainText() and "from a thread" in log.lines.toPlainText()
                log.source.setCurrentText("Notices")
                log.level.setCurrentText("Everything")
                assert log.lines.toPlainText().endswith("a notice")
            finally:
                logger.removeHandler(RECENT)

    run(story())
