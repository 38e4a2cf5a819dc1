from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow, QMenu, QPushButton, QWidget

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.ui.positions import PositionsPanel
from alphapanda_desktop.ui.tables import Cell
from alphapanda_desktop.ui.ticket import Ticket
from alphapanda_desktop.ui.trades import TradesPanel
from tests.fakes import a_request
from tests.ui.fakes_account import FakePortfolio
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import FUTURE, INFY


@pytest.fixture
def panel_on(qapp: Any) -> Iterator[Any]:
    made: list[QWidget] = []

    def make(stage: DeskStage, portfolio: FakePortfolio | None = None) -> PositionsPanel:
        panel = PositionsPanel(
            stage.desk, stage.market, stage.edge,
            ledger=stage.desk.ledger, runner=stage.runner, portfolio=portfolio,
        )  # fmt: skip
        made.append(panel)
        panel.resize(1240, 230)
        panel.show()
        return panel

    yield make
    for panel in made:
        shiboken6.delete(panel)


def _cell(panel: Any, row: int, title: str) -> Cell:
    return panel.model.cell(row, [column.title for column in panel.model.columns].index(title))


async def _hold(stage: DeskStage, eventually: Any, tag: str = "q1", **more: Any) -> None:
    await stage.desk.submit(a_request("BUY", 10, tag=tag, **more))
    await eventually(lambda: sum(f.quantity for f in stage.desk.fills()) >= 10)
    await eventually(stage.desk.positions)
    stage.frame()


async def _answer(panel: PositionsPanel, name: str, eventually: Any) -> str:
    """Press a button of the open question; what it said."""
    await eventually(lambda: panel._asker.open)
    question = panel._asker.open
    assert question is not None
    words = str(question.words.text())  # type: ignore[attr-defined]
    question.findChild(QPushButton, name).click()
    await eventually(lambda: panel._asker.open is None)
    return words


def _run_of(stage: DeskStage, run_id: str) -> Run:
    run = Run(run_id, object, (INFY,), None, Interval.MINUTE, "MIS", stage.clock.now(), stage.clock.now)  # type: ignore[arg-type]
    run.orders.update({order.tag or "": order for order in stage.desk.books.of_run(run_id)})
    stage.desk.name_run(run_id, "momentum")
    stage.runner.runs.append(run)
    return run


def test_a_position_shows_its_charges_and_what_is_left_after_them(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await _hold(stage, eventually)
            stage.price(INFY, 1510.0)
            stage.frame()
            (order_id,) = {fill.order_id for fill in stage.desk.fills()}
            cost = stage.desk.ledger.of_order(order_id).total / 10_000
            assert cost > 0
            assert _cell(panel, 0, "P&L") == Cell("+100.00", "up")
            assert _cell(panel, 0, "Charges").text == f"{cost:.2f}"
            assert _cell(panel, 0, "Net P&L") == Cell(f"+{100 - cost:.2f}", "up")
            assert f"net <b style='color:{stage.edge.theme.up}'>+₹ {100 - cost:.2f}</b>" in panel.sum.text()

    run(story())


def test_a_difference_to_kites_own_figure_is_shown(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await _hold(stage, eventually)
            assert _cell(panel, 0, "Off Kite") == Cell("–", "muted")
            (row,) = stage.desk.books.positions
            stage.desk.books.positions[0] = replace(row, told_pnl=row.pnl - 2.5)
            panel.mark()
            stage.frame()
            assert _cell(panel, 0, "Off Kite") == Cell("+2.50", "warn")
            assert "₹ 2.50 off Kite's" in panel.sum.text()
            stage.desk.books.positions[0] = replace(row, told_pnl=row.pnl)
            panel.mark()
            stage.frame()
            assert _cell(panel, 0, "Off Kite") == Cell("0.00", "muted")

    run(story())


def test_exit_of_a_row_opens_a_ticket_for_that_rows_product(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel, window = panel_on(stage), QMainWindow()
            ticket = Ticket(stage.desk, stage.market, stage.arming, "practice", stage.edge, window, ask_first=False)
            panel.order_wanted.connect(ticket.open_for)
            await _hold(stage, eventually)
            await stage.desk.submit(a_request("BUY", 50, tag="q2", product="CNC"))
            await eventually(lambda: sum(1 for p in stage.desk.positions() if p.quantity) == 2)
            stage.frame()
            opened = set()
            for row in range(2):
                panel.table.selectRow(row)
                panel.exit_selected()
                opened.add((ticket.side, ticket.fields.product.currentData(), ticket.fields.quantity.value()))
                ticket.dismiss()
            assert opened == {("SELL", "MIS", 10), ("SELL", "CNC", 50)}
            shiboken6.delete(window)

    run(story())


def test_exit_all_cancels_what_works_and_then_closes_everything(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await _hold(stage, eventually)
            stop = await stage.desk.submit(a_request("SELL", 10, price=1600.0, tag="q2"))
            assert stop.live
            QTest.keyClick(panel.table, Qt.Key.Key_Delete, Qt.KeyboardModifier.ShiftModifier)
            words = await _answer(panel, "question_yes", eventually)
            assert words == "1 working order cancelled first.\nSELL 10 INFY MIS at the market"
            await eventually(lambda: stage.desk.books.held("NSE", "INFY", "MIS") == 0)
            assert stage.broker.book[stop.order_id][-1].status == "CANCELLED"
            sent = stage.broker.placed[-1]
            assert (sent.transaction_type, sent.quantity, sent.order_type) == ("SELL", 10, "MARKET")
            await eventually(lambda: any("1 order sent" in text for text, _ in stage.notices))

    run(story())


def test_exit_of_a_row_beside_a_stop_cancels_the_stop_first(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel, tickets = panel_on(stage), list[Any]()
            panel.order_wanted.connect(lambda *words: tickets.append(words))
            await _hold(stage, eventually)
            stop = await stage.desk.submit(a_request("SELL", 10, order_type="SL-M", trigger_price=1400.0, tag="q2"))
            await stage.desk.kill.reduce("test")
            stage.frame()
            panel.table.selectRow(0)
            panel.exit_selected()
            words = await _answer(panel, "question_yes", eventually)
            assert words == "1 working order cancelled first.\nSELL 10 INFY MIS at the market"
            await eventually(lambda: stage.desk.books.held("NSE", "INFY", "MIS") == 0)
            assert (stage.broker.book[stop.order_id][-1].status, tickets) == ("CANCELLED", [])

    run(story())


def test_back_closes_nothing(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await _hold(stage, eventually)
            panel.exit_all.click()
            await _answer(panel, "question_back", eventually)
            assert len(stage.broker.placed) == 1

    run(story())


def test_what_filled_while_its_end_was_asked_for_is_not_sold_again(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await _hold(stage, eventually)
            order = stage.order("77", "OPEN", transaction_type="SELL", quantity=10, price=1600.0)

            async def refuse(_order: Any) -> str:
                stage.desk.take_update(replace(order, status="COMPLETE", filled_quantity=10))
                raise Rejected("Order cannot be cancelled as it is being processed")

            stage.broker.cancel = refuse  # type: ignore[method-assign]
            panel.exit_all.click()
            await _answer(panel, "question_yes", eventually)
            await eventually(lambda: any("could not be cancelled" in text for text, _ in stage.notices))
            assert len(stage.broker.placed) == 1

    run(story())


def test_exit_of_a_strategy_closes_its_share_and_leaves_the_rest(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await _hold(stage, eventually)
            await stage.desk.submit(a_request("BUY", 4, tag="q2", strategy="r1"))
            _run_of(stage, "r1")
            await eventually(lambda: stage.desk.books.held("NSE", "INFY", "MIS") == 14)
            panel.mark()
            stage.frame()
            menu: QMenu = panel.open_strategy_menu()
            assert [entry.text() for entry in menu.actions()] == ["momentum #1: SELL 4 INFY MIS"]
            menu.actions()[0].trigger()
            menu.close()
            words = await _answer(panel, "question_yes", eventually)
            assert "may enter again" in words
            await eventually(lambda: stage.desk.books.held("NSE", "INFY", "MIS") == 10)

    run(story())


def test_what_someone_else_closed_is_not_closed_again(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await stage.desk.submit(a_request("BUY", 4, tag="q2", strategy="r1"))
            _run_of(stage, "r1")
            await stage.desk.submit(a_request("SELL", 4, tag="q3"))
            await eventually(lambda: stage.desk.books.held("NSE", "INFY", "MIS") == 0)
            panel.mark()
            stage.frame()
            assert not panel.exit_strategy.isEnabled()

    run(story())


def test_a_conversion_asks_for_quantity_and_product(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            portfolio = FakePortfolio()
            panel = panel_on(stage, portfolio)
            await _hold(stage, eventually)
            panel.table.selectRow(0)
            QTest.keyClick(panel.table, Qt.Key.Key_C)
            await eventually(lambda: panel._asker.open)
            dialog = panel._asker.open
            assert [dialog.product.itemData(k) for k in range(dialog.product.count())] == ["CNC", "MTF"]
            dialog.quantity.setValue(6)
            dialog.yes.click()
            await eventually(lambda: portfolio.converted == [("NSE:INFY", 6, "CNC")])
            await eventually(lambda: ("Converted 6 INFY to CNC.", "info") in stage.notices)

    run(story())


def test_a_conversion_names_the_stop_that_will_not_guard_any_more(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage, FakePortfolio())
            stage.desk.guards = lambda where: [f"momentum #1: SELL 10 {where[1]} at 95.00"]
            await _hold(stage, eventually)
            panel.table.selectRow(0)
            panel.ask_convert()
            words = await _answer(panel, "question_back", eventually)
            assert words.endswith("What is converted is no longer guarded by momentum #1: SELL 10 INFY at 95.00.")

    run(story())


def test_exit_of_a_sale_of_holdings_opens_no_ticket_that_would_buy(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel, wanted = panel_on(stage), []
            panel.order_wanted.connect(lambda *order: wanted.append(order))
            await stage.desk.submit(a_request("SELL", 10, tag="q1", product="CNC"))
            await eventually(lambda: any(p.quantity == -10 for p in stage.desk.positions()))
            stage.frame()
            panel.table.selectRow(0)
            panel.exit_selected()
            assert wanted == []
            told = "10 INFY CNC were sold from the demat account: nothing is open there to be closed."
            assert (told, "warning") in stage.notices

    run(story())


def test_without_a_portfolio_nothing_is_converted(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage)
            await _hold(stage, eventually)
            panel.table.selectRow(0)
            assert panel.convert.isHidden()
            assert [a.text().partition("\t")[0] for a in panel.table.menu_for(panel.model.row(0))] == [
                "Show chart",
                "Exit position…",
            ]

    run(story())


def test_a_derivative_converts_between_its_own_products(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage, FakePortfolio())
            stage.price(FUTURE, 26_000.0)
            request = replace(
                a_request("BUY", 65, tag="q1"), exchange="NFO", tradingsymbol=FUTURE.tradingsymbol, product="NRML",
                instrument_token=FUTURE.instrument_token,
            )  # fmt: skip
            await stage.desk.submit(request)
            await eventually(stage.desk.positions)
            stage.frame()
            panel.table.selectRow(0)
            panel.ask_convert()
            await eventually(lambda: panel._asker.open)
            dialog = panel._asker.open
            assert [dialog.product.itemData(k) for k in range(dialog.product.count())] == ["MIS"]
            assert dialog.words.text() == "+65 NFO:NIFTY26DECFUT held as NRML."
            dialog.reject()
            await eventually(lambda: panel._asker.open is None)

    run(story())


# --- trades


def test_a_trade_carries_its_share_of_its_orders_charges(run: Any, qapp: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = TradesPanel(stage.desk, stage.market, stage.edge, ledger=stage.desk.ledger)
            panel.show()
            order = await stage.desk.submit(a_request("SELL", 10, price=1600.0, tag="q1"))
            for _ in range(2):
                stage.broker.fill(order.order_id, 5, 1600.0)
            await eventually(lambda: len(stage.desk.fills()) == 2)
            await eventually(lambda: stage.desk.ledger.of_order(order.order_id))
            stage.frame()
            whole = stage.desk.ledger.of_order(order.order_id).total / 10_000
            shares = [panel._share(fill) for fill in panel.model.rows()]
            assert shares == pytest.approx([whole / 2] * 2)
            tip = panel.model.columns[7].tooltip(panel.model.row(0))
            assert tip.startswith("The whole order: brokerage ₹ ")
            assert f"charges ₹ {whole:.2f}" in panel.sum.text()
            shiboken6.delete(panel)

    run(story())
