"""What a run holds is what the account still holds of it: whatever closed it, its exits never open the other side."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.trading.exits import Account, get_out
from alphapanda_desktop.trading.stops import GONE_S, kept_by
from tests.trading.desk_fakes import INFY, HeldBroker, Seen, Stage, a_desk, yields

PLACE = ("NSE", "INFY", "MIS")


async def _enters(stage: Stage, quantity: int = 10, stop: float = 0.0) -> Any:
    """Start a run that buys, and perhaps watches a stop."""
    run = await stage.run()
    ctx = stage.probe.ctx
    enter = ctx.buy if quantity > 0 else ctx.sell
    enter(INFY, abs(quantity), reason="in")
    await yields(50)
    await stage.desk.reconcile("test")
    if stop:
        ctx.protect(INFY, stop, reason="stop")
    return run


async def _falls(stage: Stage, price: float = 94.0, after_s: int = 1) -> None:
    stage.broker.quote = Quote(price)
    stage.tick(price, after_s=after_s)
    await yields(80)
    await stage.desk.reconcile("see")


def _held(stage: Stage) -> int:
    return stage.desk.books.held(*PLACE)


@pytest.mark.parametrize(("by_hand", "exits"), [(10, []), (5, [5]), (0, [10])])
def test_a_stop_closes_what_the_account_still_holds_of_its_run(arun: Any, by_hand: int, exits: list[int]) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _enters(stage, stop=95.0)
            if by_hand:
                await stage.desk.submit(stage.request("SELL", by_hand))
            before = len(stage.broker.placed)
            await _falls(stage)
            assert ([r.quantity for r in stage.broker.placed[before:]], _held(stage)) == (exits, 0)
            assert all(request.closes for request in stage.broker.placed[before:])
            for _ in range(2):
                await _falls(stage, after_s=int(GONE_S) + 1)
            assert (_held(stage), kept_by([run])) == (0, [])
            if by_hand == 10:
                assert any("ends: the account holds nothing of it any more" in line.text for line in run.log)

    arun(story())


def test_after_exit_all_the_runs_exit_sends_nothing_and_says_why(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _enters(stage)
            await get_out(stage.desk, Account(stage.desk), stage.market.master.by_key, stage.desk.submit_sliced)
            sent = len(stage.broker.placed)
            assert stage.probe.ctx.exit(INFY, reason="signal") is None
            await yields(60)
            assert (len(stage.broker.placed), _held(stage)) == (sent, 0)
            assert "the account holds nothing of it any more" in run.log[-1].text

    arun(story())


def test_two_runs_that_count_on_the_same_units_sell_them_once_the_older_first(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _enters(stage)
            stage.clock.advance(1)
            await _enters(stage)
            await stage.desk.submit(stage.request("SELL", 14))
            older, newer = (probe.ctx for probe in Seen.probes)
            assert newer.exit(INFY, reason="out") is None
            assert older.exit(INFY, reason="out")
            await yields(60)
            assert [(r.transaction_type, r.quantity) for r in stage.broker.placed[3:]] == [("SELL", 6)]
            assert _held(stage) == 0

    arun(story())


def test_runs_that_hold_opposite_sides_close_each_its_own(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _enters(stage, 10)
            await _enters(stage, -4)
            long, short = (probe.ctx for probe in Seen.probes)
            assert _held(stage) == 6
            assert long.exit(INFY, reason="out")
            await yields(60)
            assert _held(stage) == -4
            assert short.exit(INFY, reason="out")
            await yields(60)
            assert _held(stage) == 0

    arun(story())


def test_an_exit_that_an_order_by_hand_stands_in_the_way_of_is_told_and_leaves_after_it(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _enters(stage, stop=95.0)
            target = await stage.desk.submit(stage.request("SELL", 10, order_type="SL-M", trigger_price=60.0))
            for _ in range(3):
                await _falls(stage, after_s=6)
            assert (_held(stage), len(stage.broker.placed)) == (10, 2)
            (told,) = [text for text in stage.notices if "waits" in text]
            assert told.startswith(
                f"probe #1: the exit of NSE:INFY MIS waits: {target.order_id} is to close it already"
            )
            await stage.desk.cancel(target.order_id)
            await _falls(stage)
            assert _held(stage) == 0

    arun(story())


class SlowToCancel(HeldBroker):
    """A broker that takes a cancellation, and ends the order when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.refuses_exits = False

    async def cancel(self, order: Order) -> str:
        self.cancelled.append(order.order_id)
        return order.order_id

    async def place(self, request: Any) -> str:
        if self.refuses_exits and request.closes:
            raise Rejected("the exchange said no", "OrderException", 400)
        return await super().place(request)

    async def end(self, order_id: str) -> None:
        await super().cancel(self.book[order_id][-1])


@pytest.mark.parametrize("refused", [False, True])
def test_stop_pressed_while_an_exit_withdraws_its_stop_leaves_the_exit_to_be_done(
    arun: Any, eventually: Any, refused: bool
) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := SlowToCancel())) as stage:
            run = await _enters(stage)
            stage.probe.ctx.sell(INFY, 10, reason="stop", trigger_price=90.0)
            await yields(50)
            (resting,) = stage.desk.books.book.working()
            stage.probe.ctx.exit(INFY, reason="signal")
            stopping = stage.scope.spawn("stop", stage.runner.stop(run.run_id))
            await eventually(lambda: broker.cancelled)
            broker.refuses_exits = refused
            await broker.end(resting.order_id)
            await stopping
            told = "Nothing guards a position of probe #1: its stop was withdrawn, and SELL 10"

            def unguarded() -> bool:
                return any(told in text for text in stage.notices)  # a look at the books may have told of more

            await eventually(lambda: (_held(stage), unguarded()) == ((10, True) if refused else (0, False)))

    arun(story())


@pytest.mark.parametrize("reducing", [True, False])
def test_the_larger_of_two_runs_that_net_gets_out_of_what_the_account_holds_where_entries_are_refused(
    arun: Any, reducing: bool
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _enters(stage, stop=95.0)
            await stage.run()
            short: Any = stage.probe.ctx
            short.sell(INFY, 4, reason="in")
            await yields(60)
            await stage.desk.reconcile("test")
            assert _held(stage) == 6
            if reducing:
                await stage.desk.kill.reduce("test")
            else:
                stage.desk.risk._over["probe"] = "Strategy loss per day: 1,000 lost, 500 allowed."
            for _ in range(3):
                await _falls(stage, after_s=6)
            assert _held(stage) == 0
            (told,) = [text for text in stage.notices if "was cut to" in text]
            assert told.startswith("probe #1: the exit SELL 10 NSE:INFY MIS was cut to 6, all that the account holds")

    arun(story())
