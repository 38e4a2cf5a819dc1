from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMainWindow

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.ui.ticket import Ticket
from tests.fakes import a_request
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import FUTURE, INFY, NIFTY


@pytest.fixture
def ticket_on(qapp: Any) -> Iterator[Callable[..., Ticket]]:
    windows: list[QMainWindow] = []

    def make(stage: DeskStage, mode: str = "practice", *, ask_first: bool = False, **more: Any) -> Ticket:
        window = QMainWindow()
        windows.append(window)
        window.resize(1000, 700)
        window.show()
        return Ticket(stage.desk, stage.market, stage.arming, mode, stage.edge, window, ask_first=ask_first, **more)

    yield make
    for window in windows:
        shiboken6.delete(window)


def _key(ticket: Ticket, key: Qt.Key) -> None:
    QTest.keyClick(ticket.focusWidget() or ticket, key)


def _figure(ticket: Ticket, name: str) -> str:
    return ticket.sums.figures[name].text()


def _choose(ticket: Ticket, kind: str) -> None:
    ticket.fields.kind.setCurrentIndex(ticket.fields.kind.findData(kind))


def test_enter_sends_one_order_and_the_ticket_goes_away(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY")
            assert ticket.send.text() == "BUY 1 INFY · PRACTICE"
            ticket.fields.quantity.setValue(10)
            assert ticket.send.text() == "BUY 10 INFY · PRACTICE"
            _key(ticket, Qt.Key.Key_Return)
            _key(ticket, Qt.Key.Key_Return)
            await eventually(ticket.isHidden)
            (sent,) = stage.broker.placed
            assert (sent.transaction_type, sent.quantity, sent.order_type, sent.product) == ("BUY", 10, "MARKET", "MIS")
            assert sent.market_protection == -1
            assert sent.price is None
            assert stage.notices[0][0].startswith("Sent BUY 10 INFY: order ")

    run(story())


def test_a_limit_price_starts_at_the_last_price_and_steps_by_ticks(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "SELL", 5)
            assert not ticket.fields.price.isEnabled()
            assert ticket.fields.price.text() == "–"
            _choose(ticket, "LIMIT")
            assert ticket.fields.price.isEnabled()
            assert ticket.fields.price.value() == 1500.0
            ticket.fields.price.setFocus()
            for _ in range(3):
                _key(ticket, Qt.Key.Key_Up)
            assert ticket.fields.price.value() == 1500.15
            _key(ticket, Qt.Key.Key_Return)
            await eventually(ticket.isHidden)
            assert (stage.broker.placed[0].price, stage.broker.placed[0].market_protection) == (1500.15, None)

    run(story())


def test_a_price_between_ticks_is_moved_and_shown_before_it_is_sent(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 1)
            _choose(ticket, "LIMIT")
            ticket.fields.price.setFocus()
            ticket.fields.price.selectAll()
            QTest.keyClicks(ticket.fields.price, "1450.03")
            _key(ticket, Qt.Key.Key_Return)
            assert ticket.fields.price.value() == 1450.05
            assert ticket.words.text() == (
                "1,450.03 is not a multiple of the tick of 0.05: now 1,450.05. Send again to confirm."
            )
            assert stage.broker.placed == []
            _key(ticket, Qt.Key.Key_Return)
            await eventually(ticket.isHidden)
            assert stage.broker.placed[0].price == 1450.05

    run(story())


def test_a_stop_has_a_trigger(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "SELL", 1)
            _choose(ticket, "SL-M")
            assert ticket.fields.trigger.isEnabled()
            assert not ticket.fields.price.isEnabled()
            ticket.fields.trigger.setValue(1480.0)
            ticket.send.click()
            await eventually(ticket.isHidden)
            sent = stage.broker.placed[0]
            assert (sent.order_type, sent.trigger_price) == ("SL-M", 1480.0)
            assert (sent.price, sent.market_protection) == (None, -1)

    run(story())


def test_quantity_goes_in_lots(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            stage.price(FUTURE, 26_000.0)
            ticket.open_for(FUTURE, "BUY")
            assert ticket.fields.quantity.value() == 65
            ticket.fields.quantity.stepUp()
            assert ticket.fields.quantity.value() == 130
            assert [ticket.fields.product.itemData(k) for k in range(ticket.fields.product.count())] == ["NRML", "MIS"]
            ticket.fields.quantity.setValue(100)
            assert not ticket.send.isEnabled()
            assert ticket.words.text() == "100 is not a multiple of the lot of 65."
            ticket.fields.quantity.setValue(130)
            assert ticket.send.isEnabled()
            assert ticket.words.isHidden()

    run(story())


def test_a_refusal_is_told_in_the_ticket_and_what_was_typed_stays(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            stage.broker.refuse_next = Rejected("Insufficient funds")
            ticket.send.click()
            await eventually(ticket.send.isEnabled)
            assert ticket.words.text() == "Insufficient funds"
            assert (ticket.isVisible(), ticket.fields.quantity.value()) == (True, 10)
            ticket.fields.quantity.setValue(9)
            assert ticket.words.isHidden()

    run(story())


def test_an_unanswered_order_cannot_be_sent_again_from_the_ticket(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            stage.broker.on_order, stage.broker.lose_next_reply = None, True
            ticket.open_for(INFY, "BUY", 10)
            ticket.send.click()
            await eventually(lambda: "it may exist" in ticket.words.text())
            ticket.fields.quantity.setValue(11)
            stage.frame()
            assert not ticket.send.isEnabled()
            assert "it may exist" in ticket.words.text()
            assert len(stage.broker.placed) == 1
            ticket.open_for(INFY, "BUY", 10)
            assert ticket.send.isEnabled()

    run(story())


def test_live_orders_wait_for_the_arming_and_say_so(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk(live=True) as stage:
            ticket = ticket_on(stage, "live")
            ticket.open_for(INFY, "BUY", 10)
            assert ticket.armed is False
            assert ticket.send.text() == "BUY 10 INFY · LIVE"
            assert not ticket.send.isEnabled()
            assert "not armed" in ticket.words.text()
            _key(ticket, Qt.Key.Key_Return)
            stage.arming.arm("LIVE", stage.clock.now().replace(year=2027))
            stage.frame()
            assert ticket.armed is True
            assert ticket.send.isEnabled()
            assert stage.broker.placed == []

    run(story())


def test_the_kill_switch_closes_the_ticket_to_orders(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            await stage.desk.halt("test")
            assert not ticket.send.isEnabled()
            assert "kill switch" in ticket.words.text()

    run(story())


def test_escape_closes_and_sends_nothing(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            assert INFY.instrument_token in stage.feed.wanted
            _key(ticket, Qt.Key.Key_Escape)
            assert ticket.isHidden()
            assert stage.broker.placed == []
            assert INFY.instrument_token not in stage.feed.wanted

    run(story())


def test_enter_on_the_other_side_turns_the_side_and_does_not_send(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            ticket.sides["SELL"].setFocus()
            _key(ticket, Qt.Key.Key_Return)
            assert ticket.side == "SELL"
            assert ticket.send.text() == "SELL 10 INFY · PRACTICE"
            assert ticket.send.property("order") == "SELL"
            assert stage.broker.placed == []

    run(story())


def test_an_index_gets_no_ticket(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(NIFTY, "BUY")
            assert ticket.isHidden()
            assert stage.notices == [("NSE:NIFTY 50 is an index and cannot be traded.", "warning")]

    run(story())


def test_an_exit_uses_the_product_of_what_is_held(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            await stage.desk.submit(a_request("BUY", 10, tag="q1", product="CNC"))
            await eventually(stage.desk.positions)
            ticket.open_for(INFY, "SELL", 10)
            assert ticket.fields.product.currentData() == "CNC"
            assert _figure(ticket, "value") == "₹ 15,000.00"
            assert _figure(ticket, "position") == "+10 → 0"
            ticket.open_for(INFY, "BUY", 10)
            assert ticket.fields.product.currentData() == "MIS"

    run(story())


def test_the_ticket_stays_in_the_corner_of_its_window(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY")
            window = ticket.parentWidget()
            for size in ((1000, 700), (1300, 800), (300, 200)):
                window.resize(*size)
                assert ticket.x() == max(0, window.width() - ticket.width() - 14)
                assert ticket.y() >= 0
            assert window.width() < ticket.width() or ticket.geometry().right() < window.width()

    run(story())


def test_a_working_order_is_changed_in_what_was_edited_only(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            order = stage.order("7", "OPEN", transaction_type="SELL", price=1600.0)
            ticket.open_to_change(order)
            assert ticket.send.text() == "CHANGE TO SELL 10 INFY · PRACTICE"
            assert ticket.words.text() == "Nothing is changed yet."
            assert not ticket.send.isEnabled()
            assert not ticket.fields.product.isEnabled()
            ticket.fields.price.setValue(1590.0)
            assert ticket.fields.change(order) == OrderChange(price=1590.0)
            ticket.send.click()
            await eventually(ticket.isHidden)
            assert stage.broker.book["7"][-1].price == 1590.0
            assert stage.broker.book["7"][-1].quantity == 10
            assert stage.broker.placed == []

    run(story())


def test_an_order_that_ended_meanwhile_is_not_changed(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_to_change(stage.order("7", "OPEN"))
            ticket.fields.quantity.setValue(20)
            assert ticket.send.isEnabled()
            stage.order("7", "COMPLETE", filled_quantity=10)
            stage.frame()
            assert not ticket.send.isEnabled()
            assert ticket.words.text() == "The order has ended: COMPLETE."
            ticket.open_for(INFY, "BUY", 1)
            assert ticket.sides["SELL"].isEnabled()
            assert ticket.fields.product.isEnabled()

    run(story())


def test_a_limit_order_can_be_turned_into_a_market_order(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            order = stage.order("7", "OPEN")
            ticket.open_to_change(order)
            _choose(ticket, "MARKET")
            assert ticket.fields.change(order) == OrderChange(order_type="MARKET", market_protection=-1)

    run(story())
