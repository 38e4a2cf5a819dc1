"""What protects each position is told from the desk's books, the runs and the GTTs, and can be put to the broker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused, Rejected, Retry, Unknown
from alphapanda_desktop.domain.orders import UNKNOWN
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading import coverage as coverage_module
from alphapanda_desktop.trading.coverage import StopCoverage
from alphapanda_desktop.trading.run import Run
from tests.trading.desk_fakes import INFY, RESTING, Stage, a_desk, yields


class Gtts:
    """The broker's GTTs; `fails` is raised instead while it is set."""

    def __init__(self) -> None:
        self.rows: list[Gtt] = []
        self.fails: Exception | None = None
        self.reads = 0

    async def list(self) -> list[Gtt]:
        self.reads += 1
        if self.fails is not None:
            raise self.fails
        return self.rows


class Scene:
    """A desk on which a run holds 10 INFY, and its coverage."""

    def __init__(self, stage: Stage, run: Run, gtts: Gtts) -> None:
        self.s, self.run, self.gtts = stage, run, gtts
        self.coverage = StopCoverage(stage.desk, stage.market, lambda: stage.runner.runs, gtts)  # type: ignore[arg-type]
        self.told = 0
        self.coverage.changed.connect(self._count)
        self.ctx: Any = stage.probe.ctx

    def _count(self) -> None:
        self.told += 1

    async def counts(self) -> tuple[int, int, int]:
        await self.s.desk.reconcile("test")
        (row,) = self.coverage.rows()
        return row.at_broker, row.in_program, row.unprotected

    @property
    def position(self) -> Position:
        return self.coverage.rows()[0].position


@asynccontextmanager
async def a_scene() -> AsyncIterator[Scene]:
    async with a_desk() as s:
        run = await s.run()
        s.tick()
        s.probe.ctx.buy(INFY, 10, reason="entry")
        await yields()
        scene = Scene(s, run, Gtts())
        await s.desk.reconcile("test")
        yield scene
        scene.coverage.close()


def test_a_stop_moves_from_nowhere_to_the_program_to_the_broker(arun):
    async def story():
        async with a_scene() as c:
            assert await c.counts() == (0, 0, 10)
            c.ctx.protect(INFY, 95.0, reason="2 % under the entry")
            assert await c.counts() == (0, 10, 0)
            assert len(await c.coverage.convert(c.position)) == 1
            assert await c.counts() == (10, 0, 0)
            request = c.s.broker.placed[-1]
            assert (request.order_type, request.trigger_price, request.market_protection) == ("SL-M", 95.0, -1)
            assert (request.strategy, request.product, request.quantity) == (c.run.run_id, "MIS", 10)
            assert "2 % under the entry" in request.reason
            cause = await c.s.journal.cause(request.tag)
            assert cause is not None and cause.tick is not None and cause.rules
            assert c.coverage.app_only() == []

    arun(story())


def test_an_exit_withdraws_the_converted_stop_before_it_leaves(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            (order,) = await c.coverage.convert(c.position)
            c.ctx.exit(INFY, reason="out")
            await yields()
            assert c.s.broker.cancelled == [order.order_id]
            assert c.run.holding(INFY.key).quantity == 0
            assert [r.order_type for r in c.s.broker.placed] == ["MARKET", "SL-M", "MARKET"]

    arun(story())


def test_what_the_broker_guards_already_is_not_guarded_twice(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.sell(INFY, 7, reason="stop at the broker", trigger_price=94.0)
            await yields()
            c.ctx.protect(INFY, 95.0, reason="stop")
            assert await c.counts() == (7, 3, 0)
            (order,) = await c.coverage.convert(c.position)
            assert order.quantity == 3
            assert await c.counts() == (10, 0, 0)

    arun(story())


@pytest.mark.parametrize("error", [Rejected("trigger above the price", "InputException", 400), Retry("busy")])
def test_a_stop_that_the_broker_does_not_take_is_still_watched(arun, error):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            c.s.broker.refuse_next = error
            with pytest.raises(type(error)):
                await c.coverage.convert(c.position)
            assert await c.counts() == (0, 10, 0)

    arun(story())


def test_a_stop_whose_answer_was_lost_is_watched_here_too_and_not_counted_there(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            c.s.broker.refuse_next = Unknown("no answer")
            with pytest.raises(Unknown):
                await c.coverage.convert(c.position)
            assert [o.status for o in c.run.working(INFY.key)] == [UNKNOWN]
            (row,) = c.coverage.rows()
            assert (row.at_broker, row.in_program) == (0, 10)

    arun(story())


def test_stops_put_to_the_broker_twice_at_once_rest_there_once(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            answers = await asyncio.gather(*(c.coverage.convert(c.position) for _ in range(2)), return_exceptions=True)
            assert [type(answer).__name__ for answer in answers] == ["list", "Refused"]
            assert "are being put to the broker already" in str(answers[1])
            assert [(o.sign, o.quantity) for o in c.s.desk.books.book.working()] == [(-1, 10)]
            assert await c.counts() == (10, 0, 0)

    arun(story())


def test_a_stop_of_which_no_answer_came_is_not_sent_again(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            c.s.broker.refuse_next = Unknown("no answer")
            with pytest.raises(Unknown):
                await c.coverage.convert(c.position)
            sent = len(c.s.broker.placed)
            with pytest.raises(Refused, match="on their way to the broker already"):
                await c.coverage.convert(c.position)
            assert len(c.s.broker.placed) == sent

    arun(story())


def test_what_nobody_watches_here_cannot_be_converted(arun):
    async def story():
        async with a_scene() as c:
            with pytest.raises(Refused, match="watched by this program only"):
                await c.coverage.convert(c.position)
            assert len(c.s.broker.placed) == 1

    arun(story())


def test_a_stop_outlives_its_run_and_can_still_be_put_to_the_broker(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            await c.s.runner.stop(c.run.run_id)
            assert await c.counts() == (0, 10, 0)
            assert len(await c.coverage.convert(c.position)) == 1
            await yields()
            assert await c.counts() == (10, 0, 0) and c.s.broker.cancelled == []

    arun(story())


def test_the_kill_switch_ends_the_stops_of_this_program_and_the_position_is_told_as_bare(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            assert len(c.coverage.app_only()) == 1
            await c.s.desk.kill.press("enough", flatten=False)
            assert await c.counts() == (0, 0, 10)
            assert "Nothing here guards any more: 10 NSE:INFY MIS, SELL at 95.00." in " ".join(c.s.notices)

    arun(story())


def test_a_stop_that_was_put_to_the_broker_outlives_the_stop_of_its_run(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            (stop,) = await c.coverage.convert(c.position)
            c.ctx.sell(INFY, 10, reason="target", price=RESTING * 3)
            await yields()
            words = await c.s.runner.stop(c.run.run_id)
            assert words == "1 working orders cancelled; 1 stop stays at the broker; position stays open: 10 NSE:INFY"
            assert c.s.broker.book[stop.order_id][-1].status == "TRIGGER PENDING"
            assert len(c.s.broker.cancelled) == 1 and stop.order_id not in c.s.broker.cancelled
            assert await c.counts() == (10, 0, 0)

    arun(story())


def test_closing_the_program_leaves_every_stop_at_the_broker_and_cancels_the_rest(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.sell(INFY, 6, reason="stop", trigger_price=95.0)
            c.ctx.sell(INFY, 4, reason="stop", trigger_price=94.0)
            c.ctx.buy(INFY, 5, reason="more", price=RESTING)
            c.ctx.buy(INFY, 5, reason="more on a break", trigger_price=120.0)
            await yields()
            await c.s.runner.stop_all("the program is closing")
            assert "2 working orders cancelled; 2 stops stay at the broker" in c.run.detail
            assert await c.counts() == (10, 0, 0)

    arun(story())


def test_a_stop_kept_by_a_run_goes_the_way_of_every_order_when_it_fires(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="2 % under the entry")
            c.s.tick(96.0)
            await yields()
            assert len(c.s.broker.placed) == 1
            c.s.tick(94.5)
            await yields()
            request = c.s.broker.placed[-1]
            assert (request.transaction_type, request.quantity, request.order_type) == ("SELL", 10, "MARKET")
            cause = await c.s.journal.cause(request.tag)
            assert cause is not None and cause.tick is not None and cause.tick["last_price"] == 94.5
            assert "crossed the stop at 95.00" in cause.reason
            assert str(cause.values["stop NSE:INFY"]).startswith("SELL at 95.00")
            await c.s.desk.reconcile("test")
            assert c.coverage.rows() == []

    arun(story())


def test_gtts_count_once_they_are_read_and_no_more_when_they_cannot_be(arun):
    async def story():
        async with a_scene() as c:
            order = GttOrder(transaction_type="SELL", quantity=10, price=94.0, product="MIS")
            words: Any = {"id": 7, "type": "single", "status": "active", "exchange": "NSE", "tradingsymbol": "INFY"}
            c.gtts.rows = [Gtt(**words, trigger_values=(95.0,), last_price=100.0, orders=(order,))]
            assert await c.counts() == (0, 0, 10) and "not been read" in c.coverage.gtts_unread
            before = c.told
            await c.coverage.refresh()
            assert await c.counts() == (10, 0, 0) and c.coverage.gtts_unread == "" and c.told > before
            c.gtts.fails = Retry("Kite is away")
            await c.coverage.refresh()
            assert await c.counts() == (0, 0, 10) and "Kite is away" in c.coverage.gtts_unread

    arun(story())


def test_changes_are_told_while_it_is_open(arun):
    async def story():
        async with a_scene() as c:
            before = c.told
            c.ctx.sell(INFY, 10, reason="stop", trigger_price=95.0)
            await yields()
            assert c.told > before
            c.coverage.close()
            before = c.told
            await c.s.desk.reconcile("test")
            assert c.told == before

    arun(story())


@pytest.mark.parametrize("status", ["REJECTED", "CANCELLED"])
def test_a_stop_that_ends_at_the_broker_unfilled_is_watched_here_again_and_that_is_told(arun, status):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            (order,) = await c.coverage.convert(c.position)
            c.s.tick(100.0, after_s=1)
            assert await c.counts() == (10, 0, 0)
            c.s.broker._say(replace(order, status=status, status_message="RMS", pending_quantity=0))
            await yields()
            assert await c.counts() == (0, 10, 0)
            c.s.tick(99.0, after_s=1)
            c.s.tick(94.0, after_s=6)
            await yields(60)
            assert await c.s.broker.positions() == [] or (await c.s.broker.positions())[0].quantity == 0
            (told,) = [text for text in c.s.notices if "the stop at the broker has ended" in text]
            assert f"{order.order_id} ({status}: RMS)" in told

    arun(story())


def test_a_stop_at_the_broker_that_lapses_is_watched_here_again_after_the_end_of_its_run_too(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            (order,) = await c.coverage.convert(c.position)
            await c.s.runner.stop(c.run.run_id)
            c.s.tick(100.0, after_s=1)
            assert await c.counts() == (10, 0, 0)
            assert order.order_id in c.s.broker.book
            c.s.broker.book.clear()
            c.s.tick(100.0, after_s=22 * 3600)
            await c.s.desk.reconcile("morning")
            c.s.tick(94.0, after_s=6)
            await yields(60)
            c.s.tick(93.0, after_s=6)
            await yields(60)
            assert (c.s.broker.placed[-1].transaction_type, c.s.broker.placed[-1].order_type) == ("SELL", "MARKET")
            assert any("lapsed with its day" in text for text in c.s.notices)

    arun(story())


def test_an_exit_that_withdraws_the_stop_at_the_broker_is_not_told_as_its_end(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            await c.coverage.convert(c.position)
            c.s.tick(100.0, after_s=1)
            c.ctx.exit(INFY, reason="enough")
            await yields(60)
            c.s.tick(100.0, after_s=1)
            assert (await c.s.broker.positions())[0].quantity == 0
            assert not any("the stop at the broker has ended" in text for text in c.s.notices)

    arun(story())


def test_a_target_that_leaves_no_room_for_a_stop_at_the_broker_is_named_with_what_to_do(arun):
    async def story():
        async with a_scene() as c:
            c.ctx.protect(INFY, 95.0, reason="stop")
            c.ctx.sell(INFY, 10, reason="target", price=110.0)
            await yields(50)
            (target,) = c.s.desk.books.book.working()
            with pytest.raises(Refused) as refused:
                await c.coverage.convert(c.position)
            assert str(refused.value).startswith(f"{target.order_id}, SELL 10 at 110.00, is to close NSE:INFY already")
            assert "cancel it, or put stop and target to the broker as one GTT of two legs (OCO)" in str(refused.value)
            assert await c.counts() == (0, 10, 0)

    arun(story())


@pytest.mark.parametrize("withdrawn", [False, True])
def test_a_stop_that_rests_when_what_it_guarded_is_closed_is_told_once(arun, eventually, monkeypatch, withdrawn):
    async def story():
        monkeypatch.setattr(coverage_module, "GAP_S", 0.001)
        async with a_scene() as c:
            looks = c.s.scope.spawn("stop coverage", c.coverage.run())
            stop = await c.s.desk.submit(c.s.request("SELL", 10, order_type="SL-M", trigger_price=95.0))
            assert c.s.desk.books.held("NSE", "INFY", "MIS") == 10
            await c.s.desk.submit(c.s.request("SELL", 10))
            if withdrawn:
                await c.s.desk.cancel(stop.order_id)
            await c.s.desk.reconcile("test")
            await eventually(lambda: withdrawn or any("rests still" in text for text in c.s.notices))
            for _ in range(3):
                c.gtts.reads = 0
                c.s.desk.positions_changed.emit()
                await eventually(lambda: c.gtts.reads)
            told = [text for text in c.s.notices if "rests still" in text]
            assert len(told) == (0 if withdrawn else 1)
            assert withdrawn or told[0].startswith(f"SELL 10 INFY MIS stop at 95.00, order {stop.order_id} rests still")
            looks.cancel()

    arun(story())
