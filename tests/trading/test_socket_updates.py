"""What the order socket leaves out: the state of an UPDATE, the tag of an order whose reply is still on its way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.trading.coverage import StopCoverage
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
