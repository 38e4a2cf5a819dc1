from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QMainWindow

from alphapanda_desktop.domain.errors import Rejected, Unknown
from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.ui.ticket import Ticket
from tests.fakes import a_request
from tests.ui.fakes_account import FakeCalculator, FakeGtts, a_gtt
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
            stage.arming.arm("LIVE", stage.clock.now() + timedelta(hours=8))
            stage.frame()
            assert ticket.armed is True
            assert ticket.send.isEnabled()
            assert ticket.send.text() == "⬤ BUY LIVE 10 INFY"
            assert [button.text() for button in ticket.sides.values()] == ["BUY LIVE", "SELL LIVE"]
            assert ticket.sides["SELL"].shortcut().toString() == "Alt+S"
            assert stage.broker.placed == []
            stage.clock.advance(8 * 3600)  # 06:00 has come
            stage.frame()
            assert ticket.send.text() == "BUY 10 INFY · LIVE" and not ticket.send.isEnabled()
            assert [button.text() for button in ticket.sides.values()] == ["BUY", "SELL"]

    run(story())


def test_the_kill_switch_closes_the_ticket_to_orders(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            await stage.desk.kill.press("test", flatten=False)
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


# --- the last look


def test_enter_shows_the_order_and_its_mode_before_the_second_enter_sends_it(
    run: Any, ticket_on: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, ask_first=True)
            ticket.open_for(INFY, "BUY", 10)
            _choose(ticket, "LIMIT")
            _key(ticket, Qt.Key.Key_Return)
            assert ticket.asking and stage.broker.placed == []
            assert ticket.card.mode.text() == "◇ PRACTICE · the practice exchange on this machine"
            lines = ticket.card.words.text().splitlines()
            assert lines[:2] == ["BUY 10 NSE:INFY", "LIMIT at 1,500.00 · MIS · DAY"]
            assert ticket.send.text() == "CONFIRM BUY · PRACTICE"
            _key(ticket, Qt.Key.Key_Return)
            await eventually(ticket.isHidden)
            (sent,) = stage.broker.placed
            assert lines[2] == f"Tag {sent.tag}"

    run(story())


@pytest.mark.parametrize(
    ("mode", "mark"), [("live", "⬤ LIVE · real orders to Zerodha with real money"), ("paper", "▢ PAPER · filled by")]
)
def test_the_last_look_names_the_mode(mode: str, mark: str, run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, mode, ask_first=True)
            ticket.open_for(INFY, "SELL", 1)
            ticket.send.click()
            assert ticket.card.mode.text().startswith(mark)
            assert ticket.send.text() == f"CONFIRM SELL · {mode.upper()}"

    run(story())


def test_the_keyboard_goes_back_to_where_it_was_before_the_ticket(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            before = QLineEdit(ticket.parentWidget())
            before.show()
            before.setFocus()
            ticket.open_for(INFY, "BUY", 10)
            assert ticket.window().focusWidget() is ticket.fields.quantity
            _key(ticket, Qt.Key.Key_Escape)
            assert before.window().focusWidget() is before

    run(story())


@pytest.mark.parametrize("key", [Qt.Key.Key_Tab, Qt.Key.Key_Backtab])
def test_tab_goes_round_within_the_ticket(key: Qt.Key, run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            outside = QLineEdit(ticket.parentWidget())
            outside.show()
            ticket.open_for(INFY, "BUY", 10)
            seen = []
            for _ in range(40):
                QTest.keyClick(ticket.window().focusWidget(), key)
                seen.append(ticket.window().focusWidget())
                assert ticket.isAncestorOf(seen[-1])
            assert {ticket.send, ticket.ask_first, ticket.fields.kind, ticket.fields.quantity} <= set(seen)
            assert ticket.fields.price not in seen  # a MARKET order has none

    run(story())


def test_a_double_click_does_not_answer_its_own_question(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, ask_first=True)
            ticket.open_for(INFY, "BUY", 10)
            QTest.mouseClick(ticket.send, Qt.MouseButton.LeftButton)
            QTest.mouseDClick(ticket.send, Qt.MouseButton.LeftButton)
            assert ticket.asking and stage.broker.placed == []

    run(story())


def test_escape_goes_back_to_the_fields_and_then_away(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, ask_first=True)
            ticket.open_for(INFY, "BUY", 10)
            ticket.send.click()
            assert ticket.fields.isHidden()
            _key(ticket, Qt.Key.Key_Escape)
            assert ticket.isVisible() and ticket.fields.isVisible() and not ticket.asking
            assert ticket.fields.quantity.value() == 10
            _key(ticket, Qt.Key.Key_Escape)
            assert ticket.isHidden() and stage.broker.placed == []

    run(story())


# --- keys, varieties


def test_b_and_s_turn_the_side_from_within_a_field(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            for field in (ticket.fields.quantity, ticket.fields.kind, ticket.send):
                field.setFocus()
                QTest.keyClick(field, Qt.Key.Key_S)
                assert ticket.side == "SELL"
                QTest.keyClick(field, Qt.Key.Key_B)
                assert ticket.side == "BUY"
            assert ticket.fields.quantity.value() == 10
            ticket.open_to_change(stage.order("7", "OPEN"))
            QTest.keyClick(ticket.fields.quantity, Qt.Key.Key_S)
            assert ticket.side == "BUY"

    run(story())


def test_arrows_step_by_the_lot_and_the_tick(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            stage.price(FUTURE, 26_000.0)
            ticket.open_for(FUTURE, "BUY")
            _choose(ticket, "LIMIT")
            QTest.keyClick(ticket.fields.quantity, Qt.Key.Key_Up)
            QTest.keyClick(ticket.fields.price, Qt.Key.Key_Down)
            assert (ticket.fields.quantity.value(), ticket.fields.price.value()) == (130, 25_999.9)

    run(story())


VARIETIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("amo", {"kind": "LIMIT"}, {"variety": "amo", "order_type": "LIMIT", "price": 1500.0}),
    ("co", {"kind": "MARKET", "trigger": 1480.0},
     {"variety": "co", "product": "MIS", "trigger_price": 1480.0, "price": None, "market_protection": -1}),
    ("iceberg", {"kind": "LIMIT", "legs": 4},
     {"variety": "iceberg", "iceberg_legs": 4, "iceberg_quantity": 3, "quantity": 10}),
    ("regular", {"kind": "LIMIT", "validity": "TTL", "minutes": 15}, {"validity": "TTL", "validity_ttl": 15}),
    ("regular", {"kind": "LIMIT", "validity": "IOC"}, {"validity": "IOC", "validity_ttl": None}),
    ("regular", {"kind": "LIMIT", "disclosed": 4}, {"disclosed_quantity": 4}),
    ("regular", {"kind": "MARKET", "protection": 2.5}, {"order_type": "MARKET", "market_protection": 2.5}),
]  # fmt: skip


@pytest.mark.parametrize(("variety", "filled", "wanted"), VARIETIES)
def test_every_variety_and_validity_reaches_the_broker_as_it_was_asked(
    variety: str, filled: dict[str, Any], wanted: dict[str, Any], run: Any, ticket_on: Any
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            QTest.mouseClick(ticket.varieties[variety], Qt.MouseButton.LeftButton)
            for name, value in filled.items():
                field = getattr(ticket.fields, name)
                field.setCurrentIndex(field.findData(value)) if isinstance(value, str) else field.setValue(value)
            assert ticket.send.isEnabled(), ticket.words.text()
            request = ticket.fields.request(INFY, "BUY", "t")
            assert {name: getattr(request, name) for name in wanted} == wanted

    run(story())


def test_a_stop_on_the_wrong_side_is_told_before_it_is_sent(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "SELL", 10)
            _choose(ticket, "SL")
            ticket.fields.trigger.setValue(1510.0)
            assert ticket.words.text() == "The trigger 1,510.00 of this SELL must be below the last price 1,500.00."
            ticket.fields.trigger.setValue(1480.0)
            assert ticket.fields.price.value() == 1480.0 and ticket.send.isEnabled()  # it stood at the trigger
            ticket.fields.price.setValue(1481.0)
            assert ticket.words.text() == "The price 1,481.00 of a SELL stop must not be above its trigger 1,480.00."
            ticket.fields.price.setValue(1479.0)
            assert ticket.send.isEnabled()
            assert ticket.fields.cells[ticket.fields.trigger].label.text() == "Trigger · −1.33 %"

    run(story())


def test_a_change_of_variety_keeps_what_was_typed(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY", 10)
            _choose(ticket, "LIMIT")
            ticket.fields.price.setValue(1490.0)
            ticket.varieties["iceberg"].click()
            assert (ticket.fields.quantity.value(), ticket.fields.price.value()) == (10, 1490.0)
            assert ticket.send.text() == "ICEBERG BUY 10 INFY · PRACTICE"
            ticket.fields.legs.setValue(11)
            assert ticket.words.text() == "10 cannot be parted into 11 legs of whole lots."

    run(story())


def test_a_quantity_over_the_freeze_leaves_in_several_orders_with_tags_of_their_own(
    run: Any, ticket_on: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, ask_first=True)
            ticket._parts = lambda _instrument: [6, 4]  # type: ignore[method-assign]
            ticket.open_for(INFY, "BUY", 10)
            ticket.send.click()
            assert "In 2 orders, for the exchange takes 6 in one" in ticket.card.words.text()
            ticket.send.click()
            await eventually(ticket.isHidden)
            assert sum(request.quantity for request in stage.broker.placed) == 10

    run(story())


# --- GTT


def test_the_limit_of_a_waiting_order_begins_at_its_trigger_and_goes_along_with_it(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, gtts=FakeGtts())
            ticket.open_for(INFY, "SELL", 10)
            _choose(ticket, "LIMIT")
            ticket.fields.price.setValue(1520.0)
            ticket.varieties["gtt"].click()
            fields = ticket.fields
            assert (fields.trigger.value(), fields.price.value()) == (1500.0, 1500.0)
            fields.trigger.setValue(1450.0)
            assert fields.price.value() == 1450.0 and not ticket.words.text()
            fields.price.setValue(1460.0)
            assert ticket.words.text() == "The stop-loss may never fill: its price lies above its trigger."
            assert ticket.send.isEnabled()  # Kite takes it
            fields.trigger.setValue(1470.0)
            assert fields.price.value() == 1460.0  # what was typed stays

    run(story())


def test_selling_what_is_held_for_delivery_has_no_break_even(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, calculator=FakeCalculator())
            ticket.open_for(INFY, "SELL", 10)
            ticket.fields.product.setCurrentIndex(ticket.fields.product.findData("CNC"))
            await _answered(ticket, eventually)
            assert _figure(ticket, "break_even") == "sells what is held"

    run(story())


def test_a_venue_without_gtts_offers_none(run: Any, ticket_on: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage)
            ticket.open_for(INFY, "BUY")
            shown = [name for name, button in ticket.varieties.items() if button.isVisible()]
            assert shown == ["regular", "amo", "co", "iceberg"]

    run(story())


def test_an_oco_sends_stop_loss_and_target_lower_first(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            gtts = FakeGtts()
            ticket = ticket_on(stage, gtts=gtts, ask_first=True)
            ticket.open_for(INFY, "SELL", 10, variety="oco")
            assert [ticket.fields.product.itemData(k) for k in range(ticket.fields.product.count())] == ["CNC", "MTF"]
            assert ticket.words.text().startswith("The last price 1500 must lie between the two triggers")
            for name, value in (("trigger", 1450), ("price", 1449), ("upper_trigger", 1560), ("upper_price", 1559)):
                getattr(ticket.fields, name).setValue(value)
            names = [ticket.fields.cells[f].label.text() for f in (ticket.fields.trigger, ticket.fields.upper_trigger)]
            assert names == ["Stop-loss trigger · −3.33 %", "Target trigger · +4.00 %"]
            ticket.send.click()
            assert "last ≤ 1,450.00: LIMIT at 1,449.00" in ticket.card.words.text()
            ticket.send.click()
            await eventually(ticket.isHidden)
            (made,) = gtts.rows.values()
            assert made.trigger_values == (1450.0, 1560.0)
            assert [(o.transaction_type, o.price, o.quantity, o.product) for o in made.orders] == [
                ("SELL", 1449.0, 10, "CNC"),
                ("SELL", 1559.0, 10, "CNC"),
            ]
            assert stage.broker.placed == []

    run(story())


def test_a_gtt_is_changed_whole_and_in_place(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            gtts = FakeGtts(a_gtt(101, (1450.0,)))
            ticket = ticket_on(stage, gtts=gtts)
            ticket.open_to_change_gtt(gtts.rows[101])
            assert (ticket.fields.trigger.value(), ticket.fields.price.value()) == (1450.0, 1449.5)
            assert ticket.send.text() == "CHANGE GTT TO SELL 10 INFY · PRACTICE"
            assert not ticket.varieties["regular"].isEnabled()
            ticket.fields.trigger.setValue(1460.0)
            ticket.send.click()
            await eventually(ticket.isHidden)
            assert gtts.rows[101].trigger_values == (1460.0,)
            assert gtts.asked == ["modify"]

    run(story())


def test_an_unanswered_gtt_is_not_sent_again_from_the_ticket(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            gtts = FakeGtts()
            gtts.fails = Unknown("no answer came")
            ticket = ticket_on(stage, gtts=gtts)
            ticket.open_for(INFY, "SELL", 10, variety="gtt")
            ticket.fields.trigger.setValue(1450.0)
            ticket.send.click()
            await eventually(lambda: "Look at GTT before sending again" in ticket.words.text())
            ticket.fields.price.setValue(1400.0)
            assert not ticket.send.isEnabled()
            assert gtts.asked == ["place"]

    run(story())


# --- sums


async def _answered(ticket: Ticket, eventually: Any) -> None:
    await eventually(lambda: ticket.sums.estimate is not None)


def test_margin_charges_and_break_even_are_there_before_sending(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, calculator=FakeCalculator())
            ticket.open_for(INFY, "BUY", 100)
            assert _figure(ticket, "margin") == "…"
            await _answered(ticket, eventually)
            assert _figure(ticket, "value") == "₹ 1,50,000.00"
            assert _figure(ticket, "margin") == "₹ 30,000.00"
            assert _figure(ticket, "available") == "₹ 1,00,000.00"
            assert ticket.sums.estimate is not None and ticket.sums.estimate.charges is not None
            assert _figure(ticket, "charges") == f"₹ {ticket.sums.estimate.cost:.2f}"
            assert "brokerage ₹ 20.00" in ticket.sums.figures["charges"].toolTip()
            level = ticket.sums.estimate.break_even
            assert level is not None and 1500.5 < level < 1502.0 and INFY.on_tick(level)

    run(story())


def test_the_break_even_of_an_order_at_the_market_goes_with_the_market(
    run: Any, ticket_on: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            calculator = FakeCalculator()
            ticket = ticket_on(stage, calculator=calculator)
            ticket.open_for(INFY, "BUY", 100)
            await _answered(ticket, eventually)
            before = float(_figure(ticket, "break_even").split(" ")[0].replace(",", ""))
            stage.price(INFY, 1503.0)
            stage.frame(3)
            after = float(_figure(ticket, "break_even").split(" ")[0].replace(",", ""))
            assert after - before == pytest.approx(3.0, abs=0.051)
            assert len(calculator.asked) == 1

    run(story())


def test_typing_asks_once_and_an_old_answer_is_not_shown(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            calculator = FakeCalculator()
            ticket = ticket_on(stage, calculator=calculator)
            ticket.open_for(INFY, "BUY", 1)
            for quantity in (12, 123, 1234):
                ticket.fields.quantity.setValue(quantity)
            stage.price(INFY, 1500.5)
            stage.frame(3)
            await _answered(ticket, eventually)
            assert [request.quantity for request in calculator.asked] == [1234]

    run(story())


def test_what_nobody_answers_is_unknown_and_not_zero(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            calculator = FakeCalculator()
            calculator.fails = Rejected("The calculator is down")
            ticket = ticket_on(stage, calculator=calculator)
            ticket.open_for(INFY, "BUY", 10)
            await _answered(ticket, eventually)
            assert _figure(ticket, "margin") == "unknown"
            assert ticket.sums.figures["margin"].toolTip() == "The calculator is down"
            assert _figure(ticket, "charges").startswith("₹ ")
            alone = ticket_on(stage)
            alone.open_for(INFY, "BUY", 10)
            assert [_figure(alone, name) for name in ("margin", "charges", "break_even")] == ["unknown"] * 3

    run(story())


def test_money_that_does_not_reach_is_told_with_what_is_missing(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, calculator=FakeCalculator(available=2_500.0))
            ticket.open_for(INFY, "BUY", 10)
            await _answered(ticket, eventually)
            assert _figure(ticket, "available") == "₹ 2,500.00, short by ₹ 500.00"
            assert stage.edge.theme.danger in ticket.sums.figures["available"].styleSheet()

    run(story())


def test_an_order_that_closes_has_no_break_even(run: Any, ticket_on: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            ticket = ticket_on(stage, calculator=FakeCalculator())
            await stage.desk.submit(a_request("BUY", 10, tag="q1"))
            await eventually(stage.desk.positions)
            ticket.open_for(INFY, "SELL", 10)
            await _answered(ticket, eventually)
            assert _figure(ticket, "break_even") == "closes a position"
            assert _figure(ticket, "position") == "+10 → 0"

    run(story())
