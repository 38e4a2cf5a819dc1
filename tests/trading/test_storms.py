"""Much at once: getting out of thirty positions is no frenzy, and what is asked for again and again costs nothing."""

from __future__ import annotations

import asyncio

import pytest

from alphapanda_desktop.domain.errors import Refused, StrategyError
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.stops import kept_by
from tests.fakes import an_instrument
from tests.trading.desk_fakes import INFY, RESTING, Seen, a_desk, yields

MANY = tuple(an_instrument(f"S{n}", token=5_000_000 + n * 256) for n in range(30))


async def in_all(s):
    """A run that holds one of each."""
    run = await s.run(*MANY)
    for instrument in MANY:
        s.tick(instrument=instrument)
        s.probe.ctx.buy(instrument, 1, reason="entry")
        s.clock.advance(0.2)
        await yields()
    assert len([held for held in run.holdings().values() if held.quantity]) == len(MANY)
    for instrument in MANY:
        s.tick(instrument=instrument)
    return run


async def out(s, eventually, run):
    """All that it holds is closed, at the pace that the desk keeps, or the run is over."""

    def closed():
        s.clock.advance(0.2)
        return run.state.over or not any(held.quantity for held in run.holdings().values())

    await eventually(closed)


def test_thirty_exits_at_once_all_leave_and_the_run_goes_on(arun, eventually):
    async def story():
        async with a_desk(instruments=MANY) as s:
            run = await in_all(s)
            for instrument in MANY:
                s.probe.ctx.exit(instrument, reason="square off")
            await out(s, eventually, run)
            assert run.state is RunState.RUNNING, run.detail
            assert not [key for key, held in run.holdings().items() if held.quantity]

    arun(story())


def test_thirty_stops_that_fire_at_once_all_leave(arun, eventually):
    async def story():
        async with a_desk(instruments=MANY) as s:
            run = await in_all(s)
            for instrument in MANY:
                s.probe.ctx.protect(instrument, 95.0, reason="no deeper")
            for instrument in MANY:
                s.tick(94.0, instrument)
            await out(s, eventually, run)
            assert run.state is RunState.RUNNING, run.detail
            assert not [key for key, held in run.holdings().items() if held.quantity]

    arun(story())


def test_exits_of_one_position_asked_for_in_a_frenzy_still_end_the_run(arun, eventually, monkeypatch):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            told: list[str] = []
            s.desk.noticed.connect(lambda text: told.append(text) if " failed: " in text else None)
            s.probe.ctx.buy(INFY, 10, reason="entry")
            await yields()
            Seen.acts["on_order"] = lambda ctx, order: ctx.exit(INFY, reason="again") if order.sign < 0 else None

            async def refuses(*_request):
                raise Refused("not now", "a rule")

            monkeypatch.setattr(s.desk, "submit", refuses)
            s.probe.ctx.exit(INFY, reason="out")
            await eventually(lambda: run.state is not RunState.RUNNING)
            assert run.state is RunState.FAILED and "more than 20 orders were asked for" in run.detail
            await eventually(lambda: len(told) == 1)  # said where it is seen though the run's card is not
            assert told[0].startswith(f"{run.strategy.title} failed: more than 20 orders were asked for")

    arun(story())


def test_a_stop_that_is_put_again_as_it_is_is_journaled_once(arun):
    async def story():
        async with a_desk() as s:
            await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry")
            await yields()
            for _ in range(200):
                s.probe.ctx.protect(INFY, 90.0, reason="the same")
            await yields()
            assert len([event for event in s.journal.event_rows if event.kind == "app stop"]) == 1

    arun(story())


def test_of_a_stop_that_moves_faster_than_the_disk_the_newest_is_journaled(arun, eventually):
    async def story():
        async with a_desk() as s:
            await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry")
            await yields()
            for n in range(200):
                s.probe.ctx.protect(INFY, 50 + n * 0.05, reason="trails")
            await yields()
            events = [event for event in s.journal.event_rows if event.kind == "app stop"]
            assert len(events) < 5
            assert events[-1].detail["trigger"] == kept_by(s.runner.runs)[0].trigger == 59.95

    arun(story())


def fails(s, run):
    s.runner.host_of(run.run_id).failed("its process ended by itself")


@pytest.mark.parametrize(
    "end",
    [
        lambda s, run: s.runner.pause(run.run_id),
        lambda s, run: s.scope.spawn("stop", s.runner.stop(run.run_id)),
        fails,
        lambda s, _run: s.clock.advance(600.0),
    ],
    ids=["paused", "stopped", "failed", "stale"],
)
def test_entries_that_wait_for_their_turn_do_not_leave_once_the_run_is_held(arun, eventually, end):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            for _ in range(15):
                s.probe.ctx.buy(INFY, 1, reason="entry")
            await yields()
            left = len(s.broker.placed)
            assert 0 < left < 15
            end(s, run)

            def answered():
                s.clock.advance(0.2)
                return not any(order.live for order in run.orders.values())

            await eventually(answered)
            assert len(s.broker.placed) == left == run.holding(INFY.key).quantity
            words = [order.status_message for order in run.orders.values() if order.status == "REJECTED"]
            assert len(words) == 15 - left and all("entries are held" in text or "taken back" in text for text in words)

    arun(story())


def test_what_is_cancelled_before_it_has_left_never_leaves(arun, eventually):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            tags = [s.probe.ctx.buy(INFY, 1, reason="entry", price=RESTING) for _ in range(15)]
            s.probe.ctx.cancel(tags[0])
            await yields()
            left = len(s.broker.placed)
            assert left < 15 and tags[0] not in [request.tag for request in s.broker.placed]
            s.probe.ctx.cancel(tags[-1])

            def answered():
                s.clock.advance(0.2)
                return all(order.order_id or not order.live for order in run.orders.values())

            await eventually(answered)
            assert tags[-1] not in [request.tag for request in s.broker.placed]
            assert [run.orders[tag].status for tag in (tags[0], tags[1], tags[-1])] == ["REJECTED", "OPEN", "REJECTED"]
            assert "taken back" in run.orders[tags[-1]].status_message

    arun(story())


def test_what_is_cancelled_while_it_is_on_its_way_is_cancelled_when_it_arrives(arun, eventually):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.broker.reply.clear()
            tag = s.probe.ctx.buy(INFY, 1, reason="entry", price=RESTING)
            s.broker.on_order = None  # no update is faster than the answer
            await yields()
            s.probe.ctx.cancel(tag)
            await yields()
            s.broker.reply.set()
            await eventually(lambda: s.broker.cancelled)
            assert s.broker.cancelled == [run.orders[tag].order_id]

    arun(story())


def test_an_exit_that_waits_for_its_turn_leaves_though_the_run_was_stopped(arun, eventually):
    async def story():
        async with a_desk(instruments=MANY) as s:
            run = await in_all(s)
            for instrument in MANY:
                s.probe.ctx.exit(instrument, reason="square off")
            await yields()
            stopping = s.scope.spawn("stop", s.runner.stop(run.run_id))
            await eventually(stopping.done)

            def closed():
                s.clock.advance(0.2)
                return not any(held.quantity for held in run.holdings().values())

            await eventually(closed)
            assert not [key for key, held in run.holdings().items() if held.quantity]

    arun(story())


def test_entries_that_are_paused_while_a_run_starts_do_not_leave(arun):
    async def story():
        async with a_desk() as s:

            def start(ctx):
                s.runner.pause_all()
                ctx.buy(INFY, 10, reason="at once")

            Seen.acts["on_start"] = start
            run = await s.run()
            await yields()
            assert run.state is RunState.PAUSED and not s.broker.placed
            s.runner.resume(run.run_id)
            s.probe.ctx.buy(INFY, 10, reason="now")
            await yields()
            assert len(s.broker.placed) == 1

    arun(story())


def test_parameters_for_a_run_that_ended_while_they_were_judged_are_refused(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            host, judged = s.runner.host_of(run.run_id), asyncio.Event()

            async def judge(_params):
                await judged.wait()

            host.judge = judge
            changing = s.scope.spawn("change", s.runner.change(run.run_id, {}))
            await yields()
            await s.runner.stop(run.run_id)
            judged.set()
            await asyncio.wait({changing})
            with pytest.raises(StrategyError, match="takes no parameters any more: it is stopped"):
                changing.result()
            assert run.waiting_params is None
            s.errors.clear()

    arun(story())
