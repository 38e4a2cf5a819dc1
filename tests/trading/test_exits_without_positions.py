"""Positions cannot be read, orders can: whoever is in gets out, and nobody gets in."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.errors import AlphaPandaError, Offline, Refused, Retry
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.exits import Account, get_out
from alphapanda_desktop.trading.gate import DeskState
from alphapanda_desktop.trading.reconcile import POSITION_TRIES
from tests.fakes import FakeBroker, a_session
from tests.trading.desk_fakes import INFY, RESTING, TCS, FaultyBroker, a_desk, give_up_soon

DOWN = Offline("503 at /portfolio/positions", after_s=0.0)


async def blind(s: Any, *endpoints: str) -> None:
    """10 held and read, then endpoints that fail, and a reconnect."""
    await s.desk.submit(s.request("BUY", 10))
    await s.desk.reconcile("test")
    s.broker.fails_reading.update(dict.fromkeys(endpoints or ("positions",), DOWN))
    with pytest.raises(AlphaPandaError):
        await s.desk.reconcile("reconnect")


async def held(s: Any) -> list[tuple[str, int]]:
    """What the broker has, though it does not tell."""
    return [(p.key, p.quantity) for p in await FakeBroker.positions(s.broker) if p.quantity]


def sides(s: Any) -> list[tuple[str, int]]:
    return [(r.transaction_type, r.quantity) for r in s.broker.placed]


def test_after_a_reconnect_without_positions_an_exit_passes_and_an_entry_does_not(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await blind(s)
            assert s.desk.state is DeskState.CLOSED and s.desk.takes_exits and "Exits pass" in s.desk.state_detail
            for side, quantity in (("BUY", 1), ("SELL", 11)):
                with pytest.raises(Refused, match="takes no orders: closed"):
                    await s.desk.submit(s.request(side, quantity))
            await s.desk.submit(s.request("SELL", 4))
            with pytest.raises(Refused, match="6 left"):
                await s.desk.submit(s.request("SELL", 7, closes=True))
            out = await get_out(s.desk, Account(s.desk), s.market.master.by_key, s.desk.submit_sliced)
            assert len(out.sent) == 1 and not out.problems
            assert sides(s) == [("BUY", 10), ("SELL", 4), ("SELL", 6)] and not await held(s)

    arun(story())


def test_the_kill_switch_closes_by_what_was_held_and_has_filled_since(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await blind(s)
            report = await s.desk.kill.press("test", flatten=True)
            assert not await held(s) and report.left == ()
            assert report.flat is None, "it cannot be known until they are read"
            words = {step.name: step.detail for step in report.steps}["close positions"]
            assert "by what filled since" in words and "could not be read" in words

    arun(story())


def test_the_kill_switch_closes_what_only_a_fill_tells_of(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.reconcile("test")
            s.broker.fails_reading["positions"] = DOWN
            await s.desk.submit(s.request("BUY", 10))
            assert s.desk.positions() == []
            report = await s.desk.kill.press("test", flatten=True)
            assert sides(s) == [("BUY", 10), ("SELL", 10)] and report.left == ()

    arun(story())


@pytest.mark.parametrize("endpoint", ["orders", "fills"])
def test_without_orders_and_executions_after_a_reconnect_nothing_leaves(arun: Any, endpoint: str) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await blind(s, "positions", endpoint)
            assert not s.desk.takes_exits
            with pytest.raises(Refused, match="takes no orders"):
                await s.desk.submit(s.request("SELL", 10, closes=True))
            give_up_soon(s.desk)
            report = await s.desk.kill.press("test", flatten=True)
            assert sides(s) == [("BUY", 10)] and report.flat is None

    arun(story())


def test_positions_that_were_never_read_today_let_nothing_out(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker(), opened=False) as s:
            s.broker.fails_reading["positions"] = DOWN
            with pytest.raises(Offline):
                await s.desk.open()
            assert not s.desk.takes_exits and "Exits pass" not in s.desk.state_detail

    arun(story())


def test_a_new_login_without_positions_lets_exits_out_too(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.reconcile("test")
            s.desk.freeze("the session ended")
            assert not s.desk.takes_exits
            s.broker.fails_reading["positions"] = DOWN
            with pytest.raises(Offline):
                await s.desk.resume(a_session(s.clock.now()))
            await s.desk.submit(s.request("SELL", 10))
            assert not await held(s)

    arun(story())


def test_the_desk_opens_for_all_once_positions_are_read_again(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await blind(s)
            s.broker.fails_reading.clear()
            await s.desk._try_reconcile("regular look")
            assert s.desk.state is DeskState.READY
            await s.desk.submit(s.request("BUY", 1))

    arun(story())


class Filling(FaultyBroker):
    """A unit of `order_id` fills with each reading of the positions."""

    order_id = ""

    async def positions(self) -> list[Position]:
        rows = await super().positions()
        if self.order_id:
            self.fill(self.order_id, 1, RESTING)
        return rows


def test_an_order_that_fills_at_each_reading_does_not_lock_in_other_positions(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := Filling())) as s:
            s.tick(100.0, TCS)
            await s.desk.submit(s.request("BUY", 10, instrument=TCS))
            order = await s.desk.submit(s.request("BUY", 500, order_type="LIMIT", price=RESTING))
            await s.desk.reconcile("test")
            broker.order_id = order.order_id
            with pytest.raises(Retry):
                await s.desk.reconcile("reconnect")
            assert s.desk.books.held("NSE", "INFY", "MIS") == POSITION_TRIES
            await s.desk.submit(s.request("SELL", 10, instrument=TCS, closes=True))
            with pytest.raises(Refused, match="takes no orders"):
                await s.desk.submit(s.request("BUY", 1))
            broker.order_id = ""
            assert s.desk.books.held("NSE", "TCS", "MIS") == 0

    arun(story())


def test_a_runs_stop_gets_out_while_positions_cannot_be_read(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await s.run()
            ctx: Any = s.probe.ctx
            ctx.buy(INFY, 10, reason="in")
            await eventually(lambda: s.desk.books.held("NSE", "INFY", "MIS") == 10)
            await s.desk.reconcile("test")
            ctx.protect(INFY, 95.0, reason="stop")
            s.broker.fails_reading["positions"] = DOWN
            with pytest.raises(Offline):
                await s.desk.reconcile("reconnect")
            s.tick(94.0, after_s=1)
            await eventually(lambda: sides(s) == [("BUY", 10), ("SELL", 10)])
            assert s.desk.state is DeskState.CLOSED and not await held(s)

    arun(story())
