from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from alphapanda_desktop.domain.errors import Offline
from alphapanda_desktop.ui.gtt import GttPanel
from alphapanda_desktop.ui.tables import Cell
from tests.ui.fakes_account import FakeGtts, a_gtt
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import INFY


@pytest.fixture
def panel_on(qapp: Any) -> Iterator[Any]:
    made: list[Any] = []

    def make(stage: DeskStage, gtts: FakeGtts) -> GttPanel:
        panel = GttPanel(gtts, stage.desk, stage.market, stage.edge, "practice")
        made.append(panel)
        panel.resize(1240, 230)
        panel.show()
        stage.frame()
        return panel

    yield make
    for panel in made:
        shiboken6.delete(panel)


def _cell(panel: Any, row: int, title: str) -> Cell:
    return panel.model.cell(row, [column.title for column in panel.model.columns].index(title))


async def _read(panel: Any, stage: DeskStage, eventually: Any) -> None:
    await eventually(lambda: panel._read_at is not None and not panel._reading)
    stage.frame()


def test_a_gtt_shows_its_triggers_and_how_far_they_are(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = panel_on(stage, FakeGtts(a_gtt(101), a_gtt(102, (1440.0, 1560.0)), a_gtt(90, status="triggered")))
            await _read(panel, stage, eventually)
            stage.price(INFY, 1550.0)
            stage.frame()
            assert [_cell(panel, row, "GTT").text for row in range(3)] == ["102", "101", "90"]
            assert _cell(panel, 0, "Trigger").text == "1,440.00 / 1,560.00"
            assert _cell(panel, 0, "Limit").text == "1,439.50 / 1,559.50"
            assert _cell(panel, 0, "Away").text == "+0.65 %"
            assert _cell(panel, 1, "Away").text == "−6.45 %"
            assert _cell(panel, 2, "Away").text == "–"
            assert _cell(panel, 2, "Status").chip == "good"
            assert panel.words.text().startswith("2 GTTs waiting")

    run(story())


def test_deleting_asks_first_and_names_the_mode(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            gtts = FakeGtts(a_gtt(101))
            panel = panel_on(stage, gtts)
            await _read(panel, stage, eventually)
            panel.table.selectRow(0)
            for answer in ("question_back", "question_yes"):
                QTest.keyClick(panel.table, Qt.Key.Key_Delete)
                await eventually(lambda: panel._asker.open)
                question = panel._asker.open
                assert "What it protects is not protected" in question.words.text()
                question.findChild(QPushButton, answer).click()
                await eventually(lambda: panel._asker.open is None)
            await eventually(lambda: gtts.rows[101].status == "deleted")
            assert gtts.asked.count("delete") == 1
            await _read(panel, stage, eventually)
            stage.frame()
            assert _cell(panel, 0, "Status").text == "deleted"
            assert not panel.delete.isEnabled()

    run(story())


def test_change_and_new_are_asked_of_the_ticket(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            gtts = FakeGtts(a_gtt(101))
            panel = panel_on(stage, gtts)
            await _read(panel, stage, eventually)
            changes: list[Any] = []
            news: list[bool] = []
            panel.change_wanted.connect(changes.append)
            panel.new_wanted.connect(lambda: news.append(True))
            panel.table.selectRow(0)
            QTest.keyClick(panel.table, Qt.Key.Key_F2)
            QTest.keyClick(panel.table, Qt.Key.Key_N)
            assert changes == [gtts.rows[101]] and news == [True]

    run(story())


def test_news_of_orders_read_the_list_again_but_not_all_the_time(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            gtts = FakeGtts(a_gtt(101))
            panel = panel_on(stage, gtts)
            await _read(panel, stage, eventually)
            for number in range(3):
                stage.order(str(number), "OPEN")
                stage.frame()
            assert gtts.asked == ["list"]
            stage.clock.advance(6)
            stage.frame()
            await eventually(lambda: gtts.asked == ["list", "list"])
            await _read(panel, stage, eventually)

    run(story())


def test_a_list_that_cannot_be_read_says_why(run: Any, panel_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            gtts = FakeGtts()
            gtts.fails = Offline("Kite cannot be reached.")
            panel = panel_on(stage, gtts)
            await _read(panel, stage, eventually)
            assert panel.table.empty_text == "Kite cannot be reached."

    run(story())
