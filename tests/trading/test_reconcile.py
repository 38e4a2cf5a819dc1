"""Books, journal and broker are made equal; what cannot be told is Unknown, and differences are named."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from alphapanda_desktop.domain.errors import Offline, Refused, Retry
from alphapanda_desktop.domain.orders import UNKNOWN
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.reconcile import GIVE_UP_AFTER_S, POSITION_TRIES, Reconciler
from alphapanda_desktop.trading.turns import Turns
from tests.fakes import a_request
from tests.trading.desk_fakes import INFY, RESTING, FaultyBroker, a_desk, yields


def test_an_intent_found_by_its_tag_is_settled_and_said(arun):
    async def story():
        async with a_desk() as s:
            await s.journal.intend(request := a_request(tag="lost", strategy="run1"), s.clock.now())
            s.broker.on_order = None
            order_id = await s.broker.place(request)
            desk, runner = s.restart()
            said = []
            desk.noticed.connect(said.append)
            await desk.open()
            row = s.journal.intent_rows["lost"]
            assert (row.state, row.order_id) == ("sent", order_id)
            assert "was found in the book" in said[0]
            assert [owner for _, owner, _ in s.journal.fill_rows.values()] == ["run1"]
            runner.close()

    arun(story())


def test_an_intent_that_never_left_is_unknown_first_and_absent_later(arun):
    async def story():
        async with a_desk() as s:
            await s.journal.intend(a_request(tag="lost"), s.clock.now())
            await s.desk.reconcile("look")
            assert [(o.tag, o.status) for o in s.desk.orders()] == [("lost", UNKNOWN)]
            s.clock.advance(GIVE_UP_AFTER_S)
            await s.desk.reconcile("look")
            assert s.journal.intent_rows["lost"].state == "absent"
            assert "never accepted" in s.notices[-1]

    arun(story())


def test_an_order_that_was_given_up_and_turns_up_is_settled_after_all(arun):
    async def story():
        async with a_desk() as s:
            await s.journal.intend(request := a_request(tag="late", price=RESTING), s.clock.now())
            await s.desk.reconcile("look")
            s.clock.advance(GIVE_UP_AFTER_S)
            await s.desk.reconcile("look")
            order_id = await s.broker.place(request)
            await s.desk.reconcile("look")
            assert (s.journal.intent_rows["late"].state, s.journal.intent_rows["late"].order_id) == ("sent", order_id)
            assert [(o.order_id, o.status) for o in s.desk.orders()] == [(order_id, "OPEN")]

    arun(story())


def test_an_order_on_its_way_is_left_to_its_own_answer(arun):
    async def story():
        async with a_desk() as s:
            s.broker.door.clear()
            task = s.scope.spawn("submit", s.desk.submit(request := s.request()))
            await yields()
            s.clock.advance(10 * GIVE_UP_AFTER_S)
            await s.desk.reconcile("look")
            assert s.journal.intent_rows[request.tag].state == "intended"
            s.broker.door.set()
            await task

    arun(story())


def test_a_read_that_may_be_repeated_is(arun):
    async def story():
        async with a_desk() as s:
            s.broker.fails_once["orders"] = Offline("a hiccup", after_s=0.0)
            await s.desk.reconcile("look")
            s.broker.fails_reading["orders"] = Offline("down", after_s=0.0)
            with pytest.raises(Offline, match="down"):
                await s.desk.reconcile("look", quiet=True)
            s.broker.fails_reading.clear()

    arun(story())


def test_a_fill_is_journaled_with_its_owner_though_its_order_was_first_seen_with_it(arun):
    async def story():
        async with a_desk() as s:
            s.broker.on_order = None
            s.broker.reply.clear()
            run = await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry")
            await yields()
            await s.desk.reconcile("look")  # before the answer
            assert [owner for _, owner, _ in s.journal.fill_rows.values()] == [run.run_id]
            s.broker.reply.set()
            await yields()

    arun(story())


def test_an_unanswered_order_is_looked_for_until_it_may_be_given_up():
    assert sum(Reconciler.waits_s) > GIVE_UP_AFTER_S


def test_a_turn_that_began_before_the_question_is_no_answer_to_it(arun):
    async def story():
        turns, began, go = Turns(), [], asyncio.Event()

        async def work():
            began.append(1)
            await go.wait()

        first = asyncio.create_task(turns.run(work))
        await yields()
        rest = [asyncio.create_task(turns.run(work)) for _ in range(5)]
        rest[0].cancel()
        await yields()
        go.set()
        await asyncio.gather(first, *rest[1:])
        assert len(began) == 2

    arun(story())


def test_a_turn_that_fails_is_taken_again_by_the_next_in_line(arun):
    async def story():
        turns, failing = Turns(), [ValueError("first")]

        async def work():
            await asyncio.sleep(0)
            if failing:
                raise failing.pop()

        first, second = asyncio.create_task(turns.run(work)), asyncio.create_task(turns.run(work))
        await asyncio.wait({first, second})
        assert isinstance(first.exception(), ValueError) and second.exception() is None

    arun(story())


class BusyBroker(FaultyBroker):
    """A broker at which something fills while positions are read: `before` or `after` they are put together."""

    before: list[Callable[[], object]]
    after: list[Callable[[], object]]

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = [], []

    async def positions(self) -> list[Position]:
        if self.before:
            self.before.pop(0)()
        rows = await super().positions()
        if self.after:
            self.after.pop(0)()
        return rows


@pytest.mark.parametrize("heard", [True, False])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_fill_while_positions_are_read_is_held_once(arun, when, heard):
    async def story():
        broker = BusyBroker()
        async with a_desk(broker=broker) as s:
            order = await s.desk.submit(s.request("BUY", 10, order_type="LIMIT", price=RESTING))
            socket = broker.on_order
            broker.on_order = socket if heard else None
            getattr(broker, when).append(lambda: broker.fill(order.order_id, 10, 100.0))
            await s.desk.reconcile("look")
            if not heard:
                socket(broker.book[order.order_id][-1])  # late: after the positions were taken
            assert s.desk.books.held("NSE", "INFY", "MIS") == 10

    arun(story())


def test_positions_that_fill_at_every_read_are_not_taken_and_what_is_held_stays_exact(arun):
    async def story():
        broker = BusyBroker()
        async with a_desk(broker=broker) as s:
            order = await s.desk.submit(s.request("BUY", 10, order_type="LIMIT", price=RESTING))
            broker.after = [lambda: broker.fill(order.order_id, 1, 100.0)] * POSITION_TRIES
            with pytest.raises(Retry, match="each of the 5 times"):
                await s.desk.reconcile("look", quiet=True)
            assert s.desk.books.held("NSE", "INFY", "MIS") == POSITION_TRIES
            await s.desk.reconcile("look", quiet=True)
            assert [p.quantity for p in s.desk.positions()] == [POSITION_TRIES]

    arun(story())


def test_a_position_converted_elsewhere_is_taken_as_the_broker_tells_it(arun):
    async def story():
        async with a_desk() as s:
            await s.desk.submit(s.request("BUY", 10))
            moved = [Position(exchange="NSE", tradingsymbol="INFY", product="CNC", quantity=10, day_buy_quantity=10)]
            s.broker.positions = lambda: asyncio.sleep(0, moved)
            await s.desk.reconcile("look")
            held = s.desk.books.held
            assert (held("NSE", "INFY", "MIS"), held("NSE", "INFY", "CNC")) == (0, 10)

    arun(story())


def test_an_exit_is_sized_by_what_is_held_though_a_fill_came_between_the_reads(arun):
    async def story():
        broker = BusyBroker()
        async with a_desk(broker=broker) as s:
            order = await s.desk.submit(s.request("BUY", 10, order_type="LIMIT", price=RESTING))
            broker.cancel_faults = ["rejected"]
            broker.before.append(lambda: broker.fill(order.order_id, 10, 100.0))
            report = await s.desk.kill.press("look", flatten=True)
            assert report.flat is True
            assert [(r.transaction_type, r.quantity) for r in broker.placed] == [("BUY", 10), ("SELL", 10)]

    arun(story())


def test_while_positions_cannot_be_read_the_result_is_unknown_and_only_exits_pass(arun, eventually):
    async def story():
        broker = FaultyBroker()
        async with a_desk(broker=broker) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.reconcile("look")
            broker.fails_reading["positions"] = Offline("503", after_s=0.0)
            assert s.desk.net() is not None, "nothing has filled that they do not tell of"
            await s.desk.submit(s.request("BUY", 5))
            await eventually(lambda: s.desk.books.reading_failed)
            assert s.desk.net() is None and s.desk.pnl() is None
            with pytest.raises(Refused, match="5 units have filled since the positions were read"):
                await s.desk.submit(s.request("BUY", 1))
            await s.desk.submit(s.request("SELL", 15))
            broker.fails_reading.clear()
            await s.desk.reconcile("look", quiet=True)
            assert s.desk.net() is not None
            await s.desk.submit(s.request("BUY", 1))

    arun(story())
