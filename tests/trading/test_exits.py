from __future__ import annotations

from dataclasses import replace
from typing import Any

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.trading.exits import Account, OfRun, Stake, get_out
from tests.trading.desk_fakes import RESTING, TCS, Stage, a_desk

PLACE = ("NSE", "INFY", "MIS")


async def _out(stage: Stage, owner: Any = None) -> Any:
    find = stage.market.master.by_key
    return await get_out(stage.desk, owner or Account(stage.desk), find, stage.desk.submit_sliced, wait_s=0.05)


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


def test_an_order_that_will_not_end_keeps_its_position_from_being_closed(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage, eventually)
            resting = await stage.desk.submit(stage.request("BUY", 5, price=RESTING))
            stage.broker.fails_cancelling = Rejected("it is being processed")
            sent_before = len(stage.broker.placed)
            outcome = await _out(stage)
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
            await stage.desk.halt("test")
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
            await eventually(lambda: owner.stakes() == [Stake(PLACE, 10)])
            await stage.desk.submit(stage.request("SELL", 6))
            await eventually(lambda: owner.stakes() == [Stake(PLACE, 4)])
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
