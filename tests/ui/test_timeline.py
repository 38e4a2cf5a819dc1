from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.ui.books import OrdersPanel
from alphapanda_desktop.ui.timeline import Picture, Pictures, Timeline, steps_of
from tests.fakes import NOON, a_request
from tests.ui.fakes_desk import a_desk


def an_order(status: str, **more: Any) -> Order:
    words: dict[str, Any] = {
        "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 10, "product": "MIS",
        "order_type": "LIMIT", "price": 1500.0, "tag": "q1",
    }  # fmt: skip
    return Order(order_id=more.pop("order_id", "7"), status=status, **{**words, **more})


def seen(*orders: Order) -> list[Picture]:
    return [(NOON + timedelta(seconds=k), order) for k, order in enumerate(orders)]


@pytest.fixture
def shown(qapp: Any) -> Iterator[Callable[[QWidget], Any]]:
    made: list[QWidget] = []

    def show(panel: QWidget) -> Any:
        made.append(panel)
        panel.resize(1200, 260)
        panel.show()
        return panel

    yield show
    for panel in made:
        shiboken6.delete(panel)


def test_kites_time_in_whole_seconds_does_not_hide_the_answer_to_an_intent() -> None:
    asked = NOON + timedelta(microseconds=595_000)
    intent = replace(an_order("INTENDED", order_id=""), order_timestamp=asked)
    answers = [replace(an_order(status), order_timestamp=NOON) for status in ("VALIDATION PENDING", "OPEN")]
    assert [row.order.status for row in steps_of(seen(intent, *answers))] == ["INTENDED", "VALIDATION PENDING", "OPEN"]


def test_each_step_says_what_was_new_and_why() -> None:
    rows = steps_of(
        seen(
            an_order("INTENDED", order_id=""),
            an_order("OPEN", exchange_order_id="1100000001"),
            an_order("OPEN", exchange_order_id="1100000001", price=1490.0, modified=True),
            an_order("OPEN", exchange_order_id="1100000001", price=1490.0, modified=True, filled_quantity=4,
                     average_price=1490.0),
            an_order("CANCELLED", exchange_order_id="1100000001", price=1490.0, modified=True, filled_quantity=4,
                     average_price=1490.0, status_message="cancelled by user"),
        )
    )  # fmt: skip
    assert [(step.order.status, step.words) for step in rows] == [
        ("INTENDED", "BUY 10 LIMIT MIS at 1,500.00"),
        ("OPEN", "order id 7; exchange id 1100000001"),
        ("OPEN", "price 1,500.00 → 1,490.00"),
        ("OPEN", "4 filled, average 1,490.00"),
        ("CANCELLED", "6 cancelled; cancelled by user"),
    ]


def test_repeats_and_stragglers_are_no_steps() -> None:
    opened, done = an_order("OPEN"), an_order("COMPLETE", filled_quantity=10, average_price=1500.0)
    rows = steps_of(seen(opened, opened, done, opened, done))
    assert [step.order.status for step in rows] == ["OPEN", "COMPLETE"]


def test_a_rejection_shows_kites_words_and_the_exchanges() -> None:
    rows = steps_of(
        seen(an_order("OPEN"), an_order("REJECTED", status_message="Margin is short", status_message_raw="RMS:0042"))
    )
    assert rows[-1].words == "Margin is short; RMS:0042"


def test_the_timeline_of_the_selected_order_grows_as_it_lives(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            panel = shown(OrdersPanel(stage.desk, stage.edge, stage.market.now))
            order = await stage.desk.submit(a_request("BUY", 10, price=1400.0, tag="q1"))
            stage.frame()
            QTest.keyClick(panel.table, Qt.Key.Key_T)
            panel.table.selectRow(0)
            assert panel.timeline.isVisible()
            states = [step.order.status for step in panel.timeline.model.rows()]
            assert states[0] == "INTENDED" and states[-1] == "OPEN"
            await stage.desk.cancel(order.order_id)
            assert [step.order.status for step in panel.timeline.model.rows()][-1] == "CANCELLED"
            assert panel.timeline.title.text() == "Timeline of BUY 10 NSE:INFY"

    run(story())


def test_the_journal_adds_what_earlier_programs_saw(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:

            async def history(name: str) -> list[Picture]:
                assert name == "q1"
                return [(NOON - timedelta(hours=1), an_order("OPEN PENDING"))]

            timeline = shown(Timeline(stage.desk, stage.edge, stage.market.now, history=history))
            order = stage.order("7", "OPEN", tag="q1", quantity=10)
            timeline.show_order(order)
            await eventually(lambda: timeline.model.rowCount() == 2)
            assert [step.order.status for step in timeline.model.rows()] == ["OPEN PENDING", "OPEN"]

    run(story())


def test_a_journal_that_cannot_be_read_is_said_and_this_start_stays(run: Any, shown: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:

            async def history(_name: str) -> list[Picture]:
                raise Fatal("disk is gone")

            timeline = shown(Timeline(stage.desk, stage.edge, stage.market.now, history=history))
            timeline.show_order(stage.order("7", "OPEN", tag="q1"))
            await eventually(lambda: "disk is gone" in timeline.title.text())
            assert timeline.model.rowCount() == 1

    run(story())


def test_another_orders_news_leaves_the_shown_timeline_alone(run: Any, shown: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            timeline = shown(Timeline(stage.desk, stage.edge, stage.market.now))
            mine = stage.order("7", "OPEN", tag="q1")
            timeline.show_order(mine)
            stage.desk.take_update(replace(mine, order_id="8", tag="q2", status="REJECTED"))
            assert [step.order.order_id for step in timeline.model.rows()] == ["7"]

    run(story())


def test_pictures_of_orders_long_ended_are_left_to_the_journal(run: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            pictures = Pictures(stage.desk, stage.clock.now, most=3)
            for number, status in enumerate(("OPEN", "COMPLETE", "OPEN", "REJECTED", "COMPLETE")):
                pictures.take(an_order(status, order_id=str(number), tag=f"q{number}"))
            kept = [name for name in ("q0", "q1", "q2", "q3", "q4") if pictures._seen.get(name)]
            assert kept == ["q0", "q2", "q4"]  # what lives stays, whatever its age
            for number in range(5, 9):
                pictures.take(an_order("OPEN", order_id=str(number), tag=f"q{number}"))
            assert {"q0", "q2", "q5", "q6", "q7", "q8"} <= set(pictures._seen)

    run(story())
