"""What waits for its turn, here or in the broker's client, when the gate shuts is called back and never leaves."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest

from alphapanda_desktop.domain.errors import NOT_BEGUN, Refused, Unknown
from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.domain.risk import TradingState
from tests.trading.desk_fakes import INFY, RESTING, TCS, FaultyBroker, a_desk, give_up_soon, yields


class LaneBroker(FaultyBroker):
    """A broker whose client sends one request at a time and tells of a cancelled one whether it had begun."""

    def __init__(self) -> None:
        super().__init__()
        self.line, self.slow = asyncio.Lock(), asyncio.Event()
        self.slow.set()
        self.modified: list[str] = []

    async def _enter(self) -> None:
        try:
            await self.line.acquire()
        except asyncio.CancelledError:
            raise asyncio.CancelledError(NOT_BEGUN) from None

    async def place(self, request):
        await self._enter()
        try:
            await self.slow.wait()
            return await super().place(request)
        finally:
            self.line.release()

    async def modify(self, order, change):
        await self._enter()
        try:
            self.modified.append(order.order_id)
            return await super().modify(order, change)
        finally:
            self.line.release()


def test_exits_wait_in_a_queue_of_ours_and_are_called_back_for_certain(arun):
    async def story():
        broker = LaneBroker()
        async with a_desk(broker=broker) as s:
            s.tick(instrument=TCS)
            for instrument in (INFY, TCS):
                await s.desk.submit(s.request(tradingsymbol=instrument.tradingsymbol,
                                              instrument_token=instrument.instrument_token))  # fmt: skip
            await s.desk.reconcile("look")
            async with broker.line:  # a call that takes long
                requests = [s.request("SELL", tradingsymbol=name) for name in ("INFY", "TCS")]
                exits = [s.scope.spawn("exit", _heard(s.desk.submit(request))) for request in requests]
                await yields()
                press = s.scope.spawn("press", s.desk.kill.press("now", flatten=True))
                answers = await asyncio.gather(*exits)
            report = await press
            assert all(isinstance(answer, Refused) and "never left" in str(answer) for answer in answers)
            assert report.flat is True and not report.unknown
            assert [r.transaction_type for r in broker.placed] == ["BUY", "BUY", "SELL", "SELL"]

    arun(story())


def test_a_modification_that_waits_in_the_client_does_not_leave_after_the_latch(arun):
    async def story():
        broker = LaneBroker()
        async with a_desk(broker=broker) as s:
            order = await s.desk.submit(s.request(price=RESTING, order_type="LIMIT"))
            broker.cancel_faults = ["rejected"] * 20
            give_up_soon(s.desk)
            async with broker.line:
                change = s.scope.spawn("modify", _heard(s.desk.modify(order.order_id, OrderChange(quantity=50))))
                await yields()
                press = s.scope.spawn("press", s.desk.kill.press("now", flatten=False))
                answer = await change
            await press
            assert isinstance(answer, Refused) and "never left" in str(answer)
            assert not broker.modified

    arun(story())


def test_a_modification_that_had_begun_is_not_known_when_it_is_called_back(arun):
    async def story():
        broker = FaultyBroker()
        async with a_desk(broker=broker) as s:
            order = await s.desk.submit(s.request(price=RESTING, order_type="LIMIT"))
            never = asyncio.Event()
            broker.modify = lambda order, change: never.wait()
            change = s.scope.spawn("modify", _heard(s.desk.modify(order.order_id, OrderChange(price=51.0))))
            await yields()
            await s.desk.kill.press("now", flatten=False)
            assert isinstance(await change, Unknown)

    arun(story())


def test_two_enlargements_at_once_are_held_to_what_is_held_together(arun):
    async def story():
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.submit(s.request("BUY", 20))
            await s.desk.reconcile("look")
            await s.desk.kill.reduce("limit")
            one, two = [await s.desk.submit(s.request("SELL", 5, order_type="LIMIT", price=120.0 + k)) for k in (0, 1)]
            changes = (s.desk.modify(o.order_id, OrderChange(quantity=15)) for o in (one, two))
            answers = await asyncio.gather(*changes, return_exceptions=True)
            assert [type(answer) for answer in answers] == [type(None), Refused]
            assert sum(o.open_quantity for o in s.desk.books.book.working()) == 20

    arun(story())


@pytest.mark.parametrize("closed", [True, False])
def test_an_enlarged_exit_is_judged_anew_in_the_step_in_which_it_leaves(arun, closed):
    async def story():
        broker = FaultyBroker()
        async with a_desk(broker=broker) as s:
            await s.desk.submit(s.request("BUY", 20))
            order = await s.desk.submit(s.request("SELL", 5, order_type="LIMIT", price=120.0))
            await s.desk.reconcile("look")
            await s.desk.kill.reduce("limit")
            s.desk.governor.back_off()
            change = s.scope.spawn("modify", _heard(s.desk.modify(order.order_id, OrderChange(quantity=15))))
            await yields()
            if closed:
                s.desk.take_update(broker.book[(await _elsewhere(s, broker)).order_id][-1])
            s.clock.advance(5)
            answer = await change
            assert isinstance(answer, Refused) is closed
            assert s.desk.trading_state is TradingState.REDUCING

    arun(story())


async def _elsewhere(s, broker):
    """The position is closed by another program."""
    order_id = await FaultyBroker.place(broker, s.request("SELL", 15, tag="web"))
    return broker.book[order_id][-1]


async def _heard(asked):
    try:
        return await asked
    except (Refused, Unknown) as error:
        return error
    finally:
        with suppress(RuntimeError):
            asked.close()
