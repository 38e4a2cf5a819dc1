from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.ui.chart.orderlines import OrderLine
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.chartorders import ChartOrders, change_for, gtt_for
from tests.fakes import a_request
from tests.ui.fakes_account import FakeGtts, a_gtt
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import FUTURE, INFY


class Stand:
    """A chart of INFY around 1,500 with its orders as lines."""

    def __init__(self, stage: DeskStage, gtts: FakeGtts) -> None:
        self.stage = stage
        self.gtts = gtts
        self.chart = ChartView(stage.edge, stage.market)
        self.plot = self.chart.plot
        self.orders = ChartOrders(self.chart, stage.desk, "practice", stage.edge, gtts)
        self.chart.resize(1000, 560)
        self.chart.show()

    def draw(self) -> None:
        """One frame, painted."""
        self.stage.frame()
        self.chart.grab()

    def line(self, name: str) -> OrderLine:
        found = self.plot.lines.line(name)
        assert found is not None, [line.name for line in self.plot.lines.lines]
        return found

    def pixel(self, price: float, x: int = 60) -> QPoint:
        """Where a price is in the widget, left of the labels."""
        place = self.plot.prices.mapViewToScene(QPointF(self.plot.window_shown.x0, price))
        return self.plot.mapFromScene(QPointF(self.plot.prices.sceneBoundingRect().left() + x, place.y()))

    def drag(self, start: float, end: float) -> None:
        view = self.plot.viewport()
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=self.pixel(start))
        for share in (0.3, 0.7, 1.0):
            QTest.mouseMove(view, self.pixel(start + (end - start) * share))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=self.pixel(end))

    def answer(self, name: str) -> None:
        """Press a button of the question."""
        assert self.orders._asker.open is not None
        self.orders._asker.open.findChild(QPushButton, name).click()

    def words(self) -> str:
        assert self.orders._asker.open is not None
        return self.orders._asker.open.words.text()


@asynccontextmanager
async def a_stand(*gtts: Any) -> AsyncIterator[Stand]:
    async with a_desk() as stage:
        stage.fill_history(INFY, Interval.MINUTE)
        stage.fill_history(FUTURE, Interval.MINUTE)
        stand = Stand(stage, FakeGtts(*gtts))
        try:
            stand.chart.show_instrument(INFY)
            assert stand.chart._stay.loading is not None
            await stand.chart._stay.loading
            stage.price(INFY, 1500.0)
            stand.draw()
            yield stand
        finally:
            if shiboken6.isValid(stand.chart):
                shiboken6.delete(stand.chart)


def _near(stand: Stand) -> float:
    """A price in the middle of what the chart shows, on a tick."""
    low, high = stand.plot.prices.viewRange()[1]
    return INFY.snap((low + high) / 2)


@pytest.fixture
def play(run: Any, eventually: Any) -> Callable[..., None]:
    def drive(story: Callable[[Stand, Any], Any], *gtts: Any) -> None:
        async def whole() -> None:
            async with a_stand(*gtts) as stand:
                await story(stand, eventually)

        run(whole())

    return drive


def test_working_orders_of_the_instrument_are_lines_and_ended_ones_are_not(play: Any) -> None:
    async def story(s: Stand, _eventually: Any) -> None:
        s.stage.order("7", "OPEN", price=1490.0)
        s.stage.order("8", "TRIGGER PENDING", transaction_type="SELL", order_type="SL", price=1479.0,
                      trigger_price=1480.0)  # fmt: skip
        s.stage.order("9", "COMPLETE", filled_quantity=10)
        s.stage.order("10", "OPEN", tradingsymbol=FUTURE.tradingsymbol, exchange="NFO")
        s.draw()
        assert {line.name for line in s.plot.lines.lines} == {"order 7 price", "order 8 price", "order 8 trigger"}
        assert s.line("order 8 trigger").text == "SELL 10 SL trigger · elsewhere"
        tag = s.plot.price_axis.tag("order 7 price")
        assert tag is not None and (tag.text, tag.role) == ("1,490.00", "buy")
        s.stage.order("7", "CANCELLED")
        s.draw()
        assert s.plot.lines.line("order 7 price") is None
        assert s.plot.price_axis.tag("order 7 price") is None

    play(story)


def test_a_dragged_line_asks_and_yes_changes_the_order_to_the_tick(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        start = _near(s)
        s.stage.order("7", "OPEN", price=start, transaction_type="SELL")
        s.draw()
        low, high = s.plot.prices.viewRange()[1]
        s.drag(start, start + (high - low) / 4)
        await eventually(lambda: s.orders._asker.open)
        assert s.plot.lines.ghost is not None
        wanted = s.plot.lines.ghost[1]
        assert INFY.on_tick(wanted) and wanted > start
        assert s.words() == f"SELL 10 NSE:INFY, LIMIT\nPrice {start:,.2f} → {wanted:,.2f}"
        assert s.stage.broker.book["7"][-1].price == start
        s.answer("question_yes")
        await eventually(lambda: s.stage.broker.book["7"][-1].price == wanted)
        await eventually(lambda: s.plot.lines.ghost is None)

    play(story)


def test_back_leaves_the_order_where_it_was(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        start = _near(s)
        s.stage.order("7", "OPEN", price=start)
        s.draw()
        s.drag(start, s.plot.prices.viewRange()[1][0])
        await eventually(lambda: s.orders._asker.open)
        s.answer("question_back")
        await eventually(lambda: s.plot.lines.ghost is None)
        assert [order.price for order in s.stage.broker.book["7"]] == [start]

    play(story)


def test_a_drag_beside_the_lines_still_pans_the_chart(play: Any) -> None:
    async def story(s: Stand, _eventually: Any) -> None:
        start = _near(s)
        s.stage.order("7", "OPEN", price=start)
        s.draw()
        before = s.plot.window_shown.x0
        view, low = s.plot.viewport(), s.plot.prices.viewRange()[1][0]
        away = s.pixel((start + low) / 2, 300)
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=away)
        QTest.mouseMove(view, away + QPoint(60, 0))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=away + QPoint(60, 0))
        assert s.plot.window_shown.x0 < before
        assert s.plot.lines.chosen == ""

    play(story)


def test_with_the_keys_alone_a_line_is_chosen_moved_by_ticks_and_asked(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        s.stage.order("7", "OPEN", price=1490.0)
        s.draw()
        for key in (Qt.Key.Key_L, Qt.Key.Key_Up, Qt.Key.Key_Up, Qt.Key.Key_Down):
            QTest.keyClick(s.chart, key)
        assert s.plot.lines.ghost == (s.line("order 7 price"), 1490.05)
        QTest.keyClick(s.chart, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClick(s.chart, Qt.Key.Key_Return)
        await eventually(lambda: s.orders._asker.open)
        s.answer("question_yes")
        await eventually(lambda: s.stage.broker.book["7"][-1].price == 1490.55)

    play(story)


def test_a_chart_may_be_closed_while_its_change_is_on_its_way(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        s.stage.order("7", "OPEN", price=1490.0)
        s.draw()
        for key in (Qt.Key.Key_L, Qt.Key.Key_Up, Qt.Key.Key_Return):
            QTest.keyClick(s.chart, key)
        await eventually(lambda: s.orders._asker.open)
        s.answer("question_yes")
        while s.orders._asker.open is not None:
            await asyncio.sleep(0)
        shiboken6.delete(s.chart)
        await eventually(lambda: s.stage.broker.book["7"][-1].price == 1490.05)
        await eventually(lambda: not [name for name in s.stage.edge.scope.names() if "move order" in name])

    play(story)


def test_delete_cancels_only_the_chosen_line(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        for number, price in (("7", 1490.0), ("8", 1495.0)):
            s.stage.order(number, "OPEN", price=price)
        s.draw()
        QTest.keyClick(s.chart, Qt.Key.Key_Delete)
        QTest.keyClick(s.chart, Qt.Key.Key_L)
        chosen = s.line(s.plot.lines.chosen).ref
        QTest.keyClick(s.chart, Qt.Key.Key_Delete)
        await eventually(lambda: s.stage.desk.books.book.get(chosen).status == "CANCELLED")
        assert len(s.stage.desk.books.book.working()) == 1

    play(story)


def test_escape_drops_what_was_moved(play: Any) -> None:
    async def story(s: Stand, _eventually: Any) -> None:
        s.stage.order("7", "OPEN", price=1490.0)
        s.draw()
        for key in (Qt.Key.Key_L, Qt.Key.Key_Up, Qt.Key.Key_Escape, Qt.Key.Key_Return):
            QTest.keyClick(s.chart, key)
        assert (s.plot.lines.ghost, s.plot.lines.chosen, s.orders._asker.open) == (None, "", None)

    play(story)


def test_the_limit_of_a_stop_goes_along_with_its_trigger(play: Any) -> None:
    async def story(s: Stand, _eventually: Any) -> None:
        order = s.stage.order("8", "TRIGGER PENDING", transaction_type="SELL", order_type="SL", price=1479.0,
                              trigger_price=1480.0)  # fmt: skip
        s.draw()
        change = change_for(order, s.line("order 8 trigger"), 1475.0, INFY)
        assert (change.trigger_price, change.price) == (1475.0, 1474.0)
        change = change_for(order, s.line("order 8 price"), 1478.0, INFY)
        assert (change.trigger_price, change.price) == (None, 1478.0)

    play(story)


def test_an_order_that_ended_while_it_was_dragged_is_not_changed(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        s.stage.order("7", "OPEN", price=1490.0)
        s.draw()
        for key in (Qt.Key.Key_L, Qt.Key.Key_Up):
            QTest.keyClick(s.chart, key)
        s.stage.order("7", "COMPLETE", filled_quantity=10, price=1490.0)
        QTest.keyClick(s.chart, Qt.Key.Key_Return)
        await eventually(lambda: s.stage.notices)
        assert s.stage.notices[-1] == ("Order 7 cannot be changed any more.", "warning")
        assert s.plot.lines.ghost is None

    play(story)


def test_a_line_that_is_pulled_while_its_order_is_being_changed_says_why_nothing_comes_of_it(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        start = _near(s)
        s.stage.order("7", "MODIFY PENDING", price=start, transaction_type="SELL")
        s.draw()
        s.drag(start, s.plot.prices.viewRange()[1][1])
        await eventually(lambda: s.stage.notices)
        assert s.stage.notices[-1] == ("Order 7 cannot be changed while it is MODIFY PENDING.", "warning")
        assert s.plot.lines.ghost is None

    play(story)


def test_a_line_that_was_clicked_and_is_pulled_at_once_is_pulled(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        start = _near(s)
        s.stage.order("7", "OPEN", price=start, transaction_type="SELL")
        s.draw()
        before, view = s.plot.window_shown.bars, s.plot.viewport()
        QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=s.pixel(start))
        assert s.plot.window_shown.bars == before
        QTest.mouseDClick(view, Qt.MouseButton.LeftButton, pos=s.pixel(start, 300) + QPoint(0, 40))
        assert s.plot.window_shown.bars > before
        s.plot.zoom(0.5)
        press = QMouseEvent(
            QEvent.Type.MouseButtonDblClick, QPointF(s.pixel(start)), view.mapToGlobal(QPointF(s.pixel(start))),
            Qt.MouseButton.LeftButton, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
        )  # fmt: skip
        QApplication.sendEvent(view, press)
        assert s.plot.grip.holding
        QTest.mouseMove(view, s.pixel(s.plot.prices.viewRange()[1][1]))
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=s.pixel(s.plot.prices.viewRange()[1][1]))
        await eventually(lambda: s.orders._asker.open)
        s.answer("question_back")
        await eventually(lambda: s.orders._asker.open is None)

    play(story)


def test_a_position_is_a_line_that_nobody_can_move(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        await s.stage.desk.submit(a_request("BUY", 10, tag="q1"))
        await eventually(s.stage.desk.positions)
        s.draw()
        line = s.line("position MIS average")
        assert (line.text, line.price, line.movable) == ("+10 MIS average", 1500.0, False)
        QTest.keyClick(s.chart, Qt.Key.Key_L)
        assert s.plot.lines.chosen == ""

    play(story)


def test_a_gtts_trigger_is_moved_with_its_limit_after_a_question(play: Any) -> None:
    async def story(s: Stand, eventually: Any) -> None:
        s.orders.take_gtts(s.gtts.rows.values())
        s.draw()
        for key in (Qt.Key.Key_L, Qt.Key.Key_Down, Qt.Key.Key_Return):
            QTest.keyClick(s.chart, key)
        await eventually(lambda: s.orders._asker.open)
        assert "Trigger 1,450.00 → 1,449.95" in s.words()
        s.answer("question_yes")
        await eventually(lambda: s.gtts.rows[101].trigger_values == (1449.95,))
        assert s.gtts.rows[101].orders[0].price == 1449.45
        s.draw()
        assert s.line("gtt 101 lower").price == 1449.95

    play(story, a_gtt(101))


def test_an_oco_keeps_its_other_leg() -> None:
    gtt = a_gtt(102, (1440.0, 1560.0))
    line = OrderLine("gtt", "102", "upper", 1560.0, "SELL", "")
    request = gtt_for(gtt, line, 1570.0, INFY, 1500.0)
    assert request.trigger_values == (1440.0, 1570.0)
    assert [order.price for order in request.orders] == [1439.5, 1569.5]


def test_a_price_out_of_sight_is_told_at_the_edge(play: Any) -> None:
    async def story(s: Stand, _eventually: Any) -> None:
        s.stage.order("7", "OPEN", price=2500.0)
        s.draw()
        (placed,) = s.plot.lines._placed
        assert placed.y is None
        assert placed.text.startswith("▲ BUY 10 LIMIT")

    play(story)


def test_another_instrument_has_none_of_the_lines(play: Any) -> None:
    async def story(s: Stand, _eventually: Any) -> None:
        s.stage.order("7", "OPEN", price=1490.0)
        s.draw()
        s.chart.show_instrument(FUTURE)
        assert s.plot.lines.lines == ()
        assert s.chart._stay.loading is not None
        await s.chart._stay.loading
        s.draw()
        assert s.plot.lines.lines == ()

    play(story)
