from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from alphapanda_desktop.domain.errors import Offline
from alphapanda_desktop.ui.funds import FundsPanel
from alphapanda_desktop.ui.holdings import HoldingsPanel
from alphapanda_desktop.ui.tables import Cell
from tests.ui.fakes_account import FakePortfolio, a_holding
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import INFY


@pytest.fixture
def panel_on(qapp: Any) -> Iterator[Any]:
    made: list[Any] = []

    def make(stage: DeskStage, portfolio: FakePortfolio) -> HoldingsPanel:
        panel = HoldingsPanel(portfolio, stage.market, stage.edge)
        made.append(panel)
        panel.resize(1240, 230)
        panel.show()
        return panel

    yield make
    for panel in made:
        shiboken6.delete(panel)


def _cell(panel: Any, row: int, title: str) -> Cell:
    return panel.model.cell(row, [column.title for column in panel.model.columns].index(title))


async def _read(panel: Any, stage: DeskStage, eventually: Any) -> None:
    await eventually(lambda: panel._read_at is not None)
    stage.frame()


def test_holdings_are_valued_at_the_latest_price(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage, FakePortfolio(a_holding(t1_quantity=10, used_quantity=5)))
            await _read(panel, stage, eventually)
            stage.price(INFY, 1510.0)
            stage.frame()
            assert [_cell(panel, 0, t).text for t in ("Qty", "T1", "Sellable", "Value")] == [
                "50",
                "10",
                "45",
                "75,500.00",
            ]
            assert _cell(panel, 0, "P&L") == Cell("+5,500.00", "up")
            assert _cell(panel, 0, "Today") == Cell("+1,000.00", "up")
            assert INFY.instrument_token in stage.feed.wanted
            assert "cost ₹ 70,000.00 · value ₹ 75,500.00" in panel.sum.text()

    run(story())


def test_a_holding_without_a_price_has_an_unknown_result(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            row = a_holding("GHOST", instrument_token=99, last_price=0.0, close_price=0.0)
            panel = panel_on(stage, FakePortfolio(a_holding(), row))
            await _read(panel, stage, eventually)
            assert _cell(panel, 1, "P&L") == Cell("unknown", "muted")
            assert "value unknown" in panel.sum.text()

    run(story())


def test_selling_asks_for_what_is_sellable(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage, FakePortfolio(a_holding(used_quantity=15)))
            wanted: list[Any] = []
            panel.order_wanted.connect(lambda *words: wanted.append(words))
            await _read(panel, stage, eventually)
            assert not panel.sell.isEnabled()
            panel.table.selectRow(0)
            QTest.mouseClick(panel.sell, Qt.MouseButton.LeftButton)
            QTest.keyClick(panel.table, Qt.Key.Key_B)
            assert wanted == [(INFY, "SELL", 25), (INFY, "BUY", 1)]

    run(story())


def test_a_failed_reading_is_said_and_what_was_read_stays(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            portfolio = FakePortfolio(a_holding())
            panel = panel_on(stage, portfolio)
            await _read(panel, stage, eventually)
            portfolio.fails = Offline("Kite cannot be reached.")
            panel.read.click()
            panel.read.click()
            await eventually(lambda: panel._problem)
            stage.frame()
            assert "Kite cannot be reached." in panel.sum.text()
            assert panel.model.rowCount() == 1
            assert portfolio.reads == 2

    run(story())


def test_funds_show_each_segment_with_the_time_they_were_read(run: Any, qapp: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = FundsPanel(stage.desk, stage.edge)
            panel.resize(900, 200)
            panel.show()
            stage.frame()
            assert _cell(panel, 0, "Available").text == "₹ 10,00,000.00"
            assert panel.words.text() == "as of 12:00:00"
            shiboken6.delete(panel)

    run(story())
