from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.portfolio import GttOrder
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.trading.exits import Account, OfRun, Outcome, Stake, get_out
from tests.trading.desk_fakes import INFY, RESTING, TCS, FastClock, HeldBroker, Stage, a_desk, yields
from tests.trading.test_gtt_orders import Gtts, a_stop

PLACE = ("NSE", "INFY", "MIS")


async def _out(stage: Stage, owner: Any = None, wait_s: float = 60.0) -> Any:
    find = stage.market.master.by_key
    return await get_out(stage.desk, owner or Account(stage.desk), find, stage.desk.submit_sliced, wait_s=wait_s)


async def _hold(stage: Stage, eventually: Any, quantity: int = 10, **more: Any) -> None:
    before = stage.desk.books.held(*PLACE)
    await stage.desk.submit(stage.request("BUY", quantity, **more))
    await eventually(lambda: stage.desk.books.held(*PLACE) == before + quantity)
    await stage.desk.reconcile("test")


def test_everything_is_closed_by_its_own_product(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage, eventually)
            stage.tick(instrument=TCS)
            await stage.desk.submit(stage.request("SELL", 7, tradingsymbol="TCS", instrument_token=2953217))
            await stage.desk.reconcile("test")
            outcome = await _out(stage)
            assert (len(outcome.sent), outcome.problems) == (2, ())
            await eventually(lambda: Account(stage.desk).stakes() == [])

    arun(story())


def test_what_filled_since_the_positions_were_read_is_closed_too(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            stage.broker.reads.clear()  # no look at the books comes through
            stage.scope.spawn("in", stage.desk.submit(stage.request("BUY", 10)))
            await eventually(lambda: stage.desk.books.held(*PLACE) == 10)
            assert stage.desk.positions() == []
            assert Account(stage.desk).stakes() == [Stake(PLACE, 10)]
            stage.broker.reads.set()

    arun(story())


def test_an_order_that_will_not_end_keeps_its_position_from_being_closed(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage, eventually)
            resting = await stage.desk.submit(stage.request("BUY", 5, price=RESTING))
            stage.broker.fails_cancelling = Rejected("it is being processed")
            sent_before = len(stage.broker.placed)
            outcome = await _out(stage, wait_s=0.05)
            assert outcome.sent == ()
            assert outcome.problems == (
                f"Order {resting.order_id} could not be cancelled: it is being processed",
                "SELL 10 INFY MIS: not sent, for an order in it still works",
            )
            assert len(stage.broker.placed) == sent_before
            assert stage.desk.books.held(*PLACE) == 10

    arun(story())


def test_a_refused_exit_is_told_and_the_others_go_on(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage, eventually)
            await stage.desk.kill.press("test", flatten=False)
            outcome = await _out(stage)
            assert outcome.sent == ()
            assert outcome.problems[0].startswith("SELL 10 INFY MIS: ")

    arun(story())


def test_a_runs_share_is_what_the_account_still_holds_of_it(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await stage.run()
            await _hold(stage, eventually, 10, strategy=run.run_id)
            owner = OfRun(stage.desk, run)
            await eventually(lambda: owner.stakes() == [Stake(PLACE, 10, run.run_id)])
            await stage.desk.submit(stage.request("SELL", 6))
            await eventually(lambda: owner.stakes() == [Stake(PLACE, 4, run.run_id)])
            await stage.desk.submit(stage.request("SELL", 6))
            await eventually(lambda: owner.stakes() == [])
            await stage.runner.stop_all("test")

    arun(story())


def test_only_the_runs_own_orders_are_cancelled_for_it(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await stage.run()
            await _hold(stage, eventually, 10, strategy=run.run_id)
            mine = await stage.desk.submit(stage.request("BUY", 1, price=RESTING, strategy=run.run_id))
            hand = await stage.desk.submit(stage.request("BUY", 2, price=RESTING))
            owner = OfRun(stage.desk, run)
            assert "stop it first" in owner.note
            outcome = await _out(stage, owner)
            assert (len(outcome.sent), outcome.problems) == (1, ())
            assert stage.broker.cancelled == [mine.order_id]
            assert stage.desk.books.book.get(hand.order_id).live
            await stage.runner.stop_all("test")

    arun(story())


def test_a_cover_position_is_not_closed_by_an_opposite_order(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage, eventually)
            (row,) = stage.desk.books.positions
            stage.desk.books.positions[0] = replace(row, product="CO")
            outcome = await _out(stage)
            assert outcome.problems == ("SELL 10 INFY CO: product CO is closed by cancelling its second leg",)

    arun(story())


def test_what_an_order_by_hand_is_to_close_is_left_to_it(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await stage.run()
            await _hold(stage, eventually, 10, strategy=run.run_id)
            target = {"price": 150.0, "order_type": "LIMIT", "market_protection": None}
            await stage.desk.submit(stage.request("SELL", 4, **target))
            outcome = await _out(stage, OfRun(stage.desk, run))
            assert (len(outcome.sent), outcome.problems) == (1, ())
            assert (stage.broker.placed[-1].quantity, stage.desk.books.held(*PLACE)) == (6, 4)
            await stage.runner.stop_all("test")

    arun(story())


class Unwilling(HeldBroker):
    """A broker at which nothing fills from some moment on."""

    fills_nothing = False

    def _match(self, order: Order) -> None:
        if not self.fills_nothing:
            super()._match(order)


class SlowToCancel(HeldBroker):
    """A broker that takes its time with a cancellation."""

    async def cancel(self, order: Order) -> str:
        await asyncio.sleep(0.1)
        return await super().cancel(order)


async def _hold_with_a_stop(stage: Stage, eventually: Any) -> None:
    await _hold(stage, eventually)
    await stage.desk.submit(stage.request("SELL", order_type="SL-M", trigger_price=90.0))


@pytest.mark.parametrize("later_s", [0.0, 0.05])
def test_asked_for_twice_it_closes_once(arun: Any, eventually: Any, later_s: float) -> None:
    async def story() -> None:
        async with a_desk(broker=SlowToCancel()) as stage:
            await _hold_with_a_stop(stage, eventually)
            find, submit = stage.market.master.by_key, stage.desk.submit_sliced

            async def out(after_s: float) -> Outcome:
                await asyncio.sleep(after_s)
                return await get_out(stage.desk, Account(stage.desk), find, submit)

            first, second = await asyncio.gather(out(0.0), out(later_s))
            assert len(first.sent) + len(second.sent) == 1
            await stage.desk.reconcile("see")
            assert (stage.desk.books.held(*PLACE), stage.desk.books.book.working()) == (0, [])

    arun(story())


def test_a_runs_exit_is_its_own_order_and_the_run_knows_of_it(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await stage.run()
            stage.probe.ctx.buy(INFY, 10, reason="in")
            await eventually(lambda: stage.desk.books.held(*PLACE) == 10)
            stage.probe.ctx.protect(INFY, 95.0, reason="stop")
            await _out(stage, OfRun(stage.desk, run))
            assert stage.broker.placed[-1].strategy == run.run_id
            assert stage.probe.ctx.position(INFY).quantity == 0
            stage.tick(94.0, after_s=1)
            assert stage.probe.ctx.exit(INFY, reason="signal") is None
            await yields(60)
            assert stage.desk.books.held(*PLACE) == 0

    arun(story())


def test_the_exit_of_a_stopped_run_is_not_cancelled_as_its_straggler(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := Unwilling())) as stage:
            run = await stage.run()
            stage.probe.ctx.buy(INFY, 10, reason="in")
            await eventually(lambda: stage.desk.books.held(*PLACE) == 10)
            await stage.runner.stop(run.run_id)
            broker.fills_nothing = True
            outcome = await _out(stage, OfRun(stage.desk, run))
            await yields(60)
            (order,) = stage.desk.books.book.working()
            assert outcome.sent == (order.order_id,)
            assert stage.broker.cancelled == []

    arun(story())


@pytest.mark.parametrize("all_of_it", [True, False])
def test_a_gtt_of_what_is_closed_goes_with_it_and_others_stay(arun: Any, eventually: Any, all_of_it: bool) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await stage.run()
            await stage.desk.submit(stage.request("BUY", 10, product="CNC", strategy=run.run_id))
            await stage.desk.submit(stage.request("BUY", 5, product="CNC"))
            await stage.desk.reconcile("test")
            gtts = stage.desk.guard_gtts(Gtts())
            order = GttOrder(transaction_type="SELL", quantity=15, price=94.0, product="CNC")
            other = replace(order, product="MTF")
            stop = await gtts.place(replace(a_stop(), orders=(order,)))
            elsewhere = await gtts.place(replace(a_stop(), orders=(other,)))
            outcome = await _out(stage, Account(stage.desk) if all_of_it else OfRun(stage.desk, run))
            states = {gtt.id: gtt.active for gtt in await gtts.list()}
            assert states == {stop: not all_of_it, elsewhere: True}
            assert outcome.deleted == ((stop,) if all_of_it else ())
            told = f"GTT {stop}, SELL 15 INFY CNC, still waits, and only 5 are left to be closed: change or delete it"
            assert outcome.problems == (() if all_of_it else (told,))
            await stage.runner.stop_all("test")

    arun(story())


def test_a_position_of_many_freeze_quantities_is_closed_whole(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        wide = replace(Limits(), price_band_pct=60.0)
        async with a_desk(limits=wide, clock=FastClock()) as stage:
            much = Fill(
                trade_id="1",
                order_id="elsewhere",
                exchange="NSE",
                tradingsymbol="INFY",
                transaction_type="BUY",
                quantity=1_250_000,
                average_price=100.0,
                product="MIS",
                instrument_token=INFY.instrument_token,
            )
            stage.broker.trades.append(much)
            await stage.desk.reconcile("test")
            outcome = await _out(stage)
            assert (len(outcome.sent), outcome.problems) == (13, ())
            await eventually(lambda: stage.desk.books.held(*PLACE) == 0)

    arun(story())
