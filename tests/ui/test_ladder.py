from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.trading.oneclick import GAP_S, OneClick
from alphapanda_desktop.ui.ladder import ASK, BID, MINE, OWNER, Ladder
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import FUTURE, INFY, NIFTY


class Stand:
    """A ladder over an open desk."""

    def __init__(self, stage: DeskStage) -> None:
        self.stage = stage
        self.clicks = OneClick(stage.desk, stage.market, stage.arming, stage.clock.monotonic_s)
        self.ladder = Ladder(stage.desk, stage.market, self.clicks, "practice", stage.edge)
        self.ladder.resize(420, 560)
        self.ladder.show()
        self.ladder.show_instrument(INFY)
        stage.price(INFY, 1500.0)
        stage.clock.advance(1)
        self.frame()

    def frame(self) -> None:
        self.stage.edge.frames.beat()

    def rows(self) -> list[tuple[str, ...]]:
        return [tuple(self.ladder.model.cell(row, column).text for column in (1, 2, 3, 5)) for row in self.places()]

    def places(self) -> range:
        return range(self.ladder.model.rowCount())

    def click(self, row: int, column: int) -> None:
        table = self.ladder.table
        at = table.visualRect(self.ladder.model.index(row, column)).center()
        QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=at)

    def arm(self) -> None:
        QTest.mouseClick(self.ladder.arm, Qt.MouseButton.LeftButton)

    def orders(self) -> list[tuple[str, int, float, str]]:
        return [(o.transaction_type, o.quantity, o.price, o.order_type) for o in self.stage.desk.orders()]


@asynccontextmanager
async def a_ladder(**more: Any) -> AsyncIterator[Stand]:
    async with a_desk(**more) as stage:
        stand = Stand(stage)
        try:
            yield stand
        finally:
            shiboken6.delete(stand.ladder)


def test_offers_stand_above_bids_with_their_sizes(run: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            assert s.rows() == [("", "1,500.05", "150", ""), ("75", "1,499.95", "", "")]
            assert [rung.share for rung in s.ladder.model.rows()] == [1.0, 0.5]

    run(story())


def test_a_click_that_is_not_armed_sends_nothing(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.click(0, BID)
            await eventually(lambda: "Not armed" in s.ladder.answer.text())
            assert s.orders() == []

    run(story())


def test_armed_a_click_sends_one_limit_order_at_that_price(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.arm()
            assert "ARMED" in s.ladder.state.text()
            s.ladder.quantity.setValue(3)
            s.click(1, BID)
            await eventually(lambda: s.orders() == [("BUY", 3, 1499.95, "LIMIT")])
            await eventually(lambda: "Sent BUY 3 INFY" in s.ladder.answer.text())

    run(story())


def test_a_double_click_is_one_order(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.arm()
            s.click(1, BID)
            s.click(1, BID)
            await eventually(lambda: "Sent BUY 1 INFY" in s.ladder.answer.text())
            assert s.orders() == [("BUY", 1, 1499.95, "LIMIT")]
            s.stage.clock.advance(GAP_S)
            s.click(0, ASK)
            await eventually(lambda: sorted(o[0] for o in s.orders()) == ["BUY", "SELL"])

    run(story())


def test_the_click_disarms_itself_after_its_time(run: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.arm()
            s.stage.clock.advance(299)
            s.frame()
            assert s.clicks.armed(INFY)
            s.stage.clock.advance(2)
            s.frame()
            assert not s.clicks.armed(INFY)
            assert "time is over" in s.ladder.state.text()

    run(story())


def test_another_instrument_is_not_armed(run: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.arm()
            s.ladder.show_instrument(FUTURE)
            assert not s.clicks.armed(FUTURE)
            s.ladder.show_instrument(INFY)
            assert not s.clicks.armed(INFY)
            assert s.ladder.quantity.value() == 1

    run(story())


def test_out_of_sight_it_is_neither_armed_nor_subscribed(run: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            assert s.stage.feed.wanted[INFY.instrument_token] is Mode.FULL
            s.arm()
            s.ladder.hide()
            assert not s.clicks.armed(INFY)
            assert OWNER not in s.stage.market._wishes

    run(story())


def test_the_kill_switch_disarms(run: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.arm()
            await s.stage.desk.kill.press("test", flatten=False)
            s.frame()
            assert not s.clicks.armed(INFY)
            with pytest.raises(Refused, match="kill switch"):
                s.clicks.arm(INFY, 5)

    run(story())


def test_live_trading_that_is_not_armed_arms_no_click(run: Any) -> None:
    async def story() -> None:
        async with a_ladder(live=True) as s:
            s.arm()
            assert not s.clicks.armed(INFY)
            assert "Live trading is not armed" in s.ladder.answer.text()

    run(story())


def test_an_old_price_carries_no_click(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.arm()
            s.stage.clock.advance(120)
            s.click(1, BID)
            await eventually(lambda: "is old" in s.ladder.answer.text())
            assert s.orders() == []

    run(story())


def test_own_orders_stand_in_the_ladder_and_a_click_cancels_them(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.stage.order("1", "OPEN", price=1499.95, pending_quantity=10)
            s.frame()
            assert s.rows()[1][3] == "+10"
            s.click(1, MINE)
            await eventually(lambda: "Asked to cancel 1 at 1,499.95" in s.ladder.answer.text())

    run(story())


def test_letters_send_at_the_selected_level_only_once_armed(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            wanted: list[str] = []
            s.ladder.order_wanted.connect(lambda _instrument, side: wanted.append(side))
            s.ladder.table.selectRow(1)
            QTest.keyClick(s.ladder.table, Qt.Key.Key_B)
            assert wanted == ["BUY"]
            s.arm()
            QTest.keyClick(s.ladder.table, Qt.Key.Key_S)
            await eventually(lambda: [o[:1] for o in s.orders()] == [("SELL",)])
            assert wanted == ["BUY"]

    run(story())


def test_an_index_has_no_book_and_cannot_be_armed(run: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.ladder.show_instrument(NIFTY)
            s.arm()
            assert not s.clicks.armed(NIFTY)
            assert "index" in s.ladder.answer.text()
            assert s.ladder.model.rowCount() == 0

    run(story())


def test_a_click_means_the_price_that_was_pressed_however_the_book_moves(run: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.arm()
            table = s.ladder.table
            at = table.visualRect(s.ladder.model.index(1, BID)).center()
            QTest.mousePress(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
            s.stage.price(INFY, 1510.0)
            s.frame()
            assert s.rows()[1][1] == "1,509.95"
            QTest.mouseRelease(table.viewport(), Qt.MouseButton.LeftButton, pos=at)
            await eventually(lambda: s.orders() == [("BUY", 1, 1499.95, "LIMIT")])

    run(story())


def test_what_was_sent_is_told_to_the_tick_and_another_day_s_contract_is_another_instrument(
    run: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_ladder() as s:
            s.stage.price(INFY, 25_900.05)
            s.stage.clock.advance(1)
            s.frame()
            s.arm()
            s.click(1, BID)
            await eventually(lambda: "order" in s.ladder.answer.text())
            assert "@ 25900.00:" in s.ladder.answer.text()
            s.ladder.show_instrument(replace(INFY, lot_size=5))
            assert (s.ladder.quantity.value(), s.clicks.armed(INFY)) == (5, False)

    run(story())
