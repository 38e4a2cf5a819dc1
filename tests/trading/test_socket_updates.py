"""What the order socket leaves out: the state of an UPDATE, the tag of an order whose reply is still on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.trading.coverage import StopCoverage
from alphapanda_desktop.trading.differences import ForeignPolicy
from alphapanda_desktop.trading.run import RunState
from tests.fakes import FakeBroker, a_request
from tests.trading.desk_fakes import INFY, HeldBroker, a_desk, yields


def test_a_stop_of_which_the_socket_says_update_protects_and_stays_when_its_run_is_stopped(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := HeldBroker())) as s:
            run = await s.run()
            ctx: Any = s.probe.ctx
            ctx.buy(INFY, 10, reason="in")
            await yields(50)
            ctx.sell(INFY, 10, reason="stop", trigger_price=90.0)
            await yields(50)
            await s.desk.reconcile("test")
            (stop,) = s.desk.books.book.working()
            hear: Any = broker.on_order
            broker.on_order = lambda order: hear(replace(order, status="UPDATE"))
            await s.desk.modify(stop.order_id, OrderChange(trigger_price=91.0))
            broker.on_order = hear
            (row,) = StopCoverage(s.desk, s.market, lambda: s.runner.runs).rows()
            assert (row.at_broker, row.unprotected) == (10, 0)
            (stop,) = s.desk.books.book.working()
            assert (stop.status, stop.trigger_price, stop.changeable) == ("TRIGGER PENDING", 91.0, True)
            assert "1 stop stays at the broker" in await s.runner.stop(run.run_id)
            assert [o.status for o in await broker.orders()] == ["COMPLETE", "TRIGGER PENDING"]

    arun(story())


def test_an_update_of_a_part_gives_way_to_the_book_of_the_same_moment(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := HeldBroker())) as s:
            order = await s.desk.submit(s.request(price=50.0))
            hear: Any = broker.on_order
            broker.on_order = lambda told: hear(replace(told, status="UPDATE"))
            broker.fill(order.order_id, 4, 50.0)
            broker.on_order = hear
            await s.desk.reconcile("test")
            seen = s.desk.books.book.get(order.order_id)
            assert seen is not None and (seen.status, seen.filled_quantity, seen.changeable) == ("OPEN", 4, True)

    arun(story())


def untagged(broker: HeldBroker) -> Any:
    """Let the socket leave out the tag; returns how it was."""
    hear: Any = broker.on_order
    broker.on_order = lambda order: hear(replace(order, tag=None, tags=()))
    return hear


def test_an_own_order_told_without_its_tag_before_the_reply_is_no_order_of_another(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := HeldBroker())) as s:
            s.desk.foreign_policy = ForeignPolicy.PAUSE
            run = await s.run()
            hear = untagged(broker)
            broker.reply.clear()
            placing = s.scope.spawn("submit", s.desk.submit(s.request("BUY", 10)))
            await yields(40)
            assert [o.filled_quantity for o in s.desk.books.book] == [10], "the socket has told of it"
            assert (s.desk.differences.rows(), run.state) == ([], RunState.RUNNING)
            broker.reply.set()
            order = await placing
            broker.on_order = hear
            await s.desk.reconcile("test")
            assert (s.desk.differences.rows(), run.state) == ([], RunState.RUNNING)
            assert s.desk.by_whom(order) == "by hand"

    arun(story())


def test_an_order_of_another_is_told_of_once_the_awaited_one_has_its_answer(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := HeldBroker())) as s:
            broker.door.clear()
            placing = s.scope.spawn("submit", s.desk.submit(s.request("BUY", 10)))
            await yields(20)
            await FakeBroker.place(broker, a_request("BUY", 10, tag=""))
            await s.desk.reconcile("test")
            assert s.desk.differences.rows() == [], "it looks like the one that is on its way"
            broker.door.set()
            await placing
            await s.desk.reconcile("test")
            assert [row.kind for row in s.desk.differences.rows()] == ["foreign order"]
            await FakeBroker.place(broker, a_request("SELL", 10, tag=""))
            assert len(s.desk.differences.rows()) == 2, "at once where nothing like it is awaited"

    arun(story())
