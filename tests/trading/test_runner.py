"""Runs from Start to Stop: Stop in any moment, once, with everything it owes; and what a restart shows."""

from __future__ import annotations

import asyncio

import pytest

from alphapanda_desktop.domain.errors import Fatal, StrategyError
from alphapanda_desktop.domain.ports import RunRow
from alphapanda_desktop.trading import host
from alphapanda_desktop.trading.runner import RunState, StartOrder
from tests.fakes import a_tick
from tests.trading.desk_fakes import FULL_DISK, INFY, RESTING, TCS, Seen, a_desk, yields


@pytest.fixture
def little_patience(monkeypatch):
    """What never comes is waited for only shortly."""
    monkeypatch.setattr(host, "STOP_DEADLINE_S", 0.05)


def held_history(stage, monkeypatch):
    """History that comes when the test says so."""
    come = asyncio.Event()

    async def candles(instrument, interval, start, end):
        await come.wait()
        return []

    monkeypatch.setattr(stage.history, "candles", candles)
    return come


def test_stop_during_start_starts_nothing(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            come = held_history(s, monkeypatch)
            starting = s.scope.spawn("start", s.run())
            await yields()
            run = s.runner.runs[0]
            await s.runner.stop(run.run_id)
            come.set()
            await starting
            s.tick()
            assert run.state is RunState.STOPPED and not Seen.probes
            assert s.journal.run_rows[run.run_id].stopped_at is not None

    arun(story())


def test_the_kill_switch_during_start_starts_nothing(arun, eventually, monkeypatch):
    async def story():
        async with a_desk() as s:
            begin = s.journal.run_began

            async def slow(row):
                s.scope.spawn("kill", s.desk.kill.press("pressed while Start was being journaled", flatten=False))
                await yields()
                await begin(row)

            monkeypatch.setattr(s.journal, "run_began", slow)
            run = await s.run()
            await eventually(lambda: run.state is RunState.STOPPED and not s.desk.kill.at_work)
            assert not Seen.probes and s.journal.run_rows[run.run_id].stopped_at is not None
            assert INFY.instrument_token not in s.feed.wanted
            with pytest.raises(StrategyError, match="kill switch is on"):
                await s.run()

    arun(story())


def test_a_feed_that_drops_during_start_holds_entries_until_it_is_back(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            come = held_history(s, monkeypatch)
            Seen.acts["on_start"] = lambda ctx: ctx.buy(INFY, 1, reason="at once")
            starting = s.scope.spawn("start", s.run())
            await yields()
            s.sink.link(host_link("WAITING"))
            come.set()
            run = await starting
            await yields()
            assert run.state is RunState.RUNNING and not s.broker.placed
            assert any("stale" in line.text for line in run.log)
            s.sink.link(host_link("UP"))
            s.tick()
            s.probe.ctx.buy(INFY, 1, reason="now")
            await yields()
            assert len(s.broker.placed) == 1

    arun(story())


def host_link(state):
    from alphapanda_desktop.domain.ports import LinkReport, LinkState

    return LinkReport(LinkState[state])


def test_a_start_that_is_broken_off_leaves_no_run_that_looks_alive(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            held_history(s, monkeypatch)
            starting = s.scope.spawn("start", s.run())
            await yields()
            starting.cancel()
            await asyncio.wait({starting})
            await yields()
            run = s.runner.runs[0]
            assert run.state is RunState.FAILED and "broken off" in run.detail
            assert INFY.instrument_token not in s.feed.wanted

    arun(story())


def test_stop_pressed_twice_stops_once(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            words = await asyncio.gather(s.runner.stop(run.run_id), s.runner.stop(run.run_id))
            assert words[0] == words[1] == await s.runner.stop(run.run_id)
            assert s.probe.calls.count("on_stop") == 1 and len([x for x in run.log if x.text == words[0]]) == 1

    arun(story())


def test_an_order_still_on_its_way_at_stop_is_cancelled_when_it_arrives(arun, eventually, little_patience):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.broker.door.clear()
            s.probe.ctx.buy(INFY, 10, reason="entry", price=RESTING)
            await yields()
            assert "1 orders not yet confirmed: unanswered" in await s.runner.stop(run.run_id)
            s.broker.door.set()
            await eventually(lambda: [o.status for o in s.desk.orders()] == ["CANCELLED"])

    arun(story())


def test_what_fills_after_the_end_is_still_the_runs_position(arun, eventually, little_patience):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry", price=RESTING)
            await yields()
            s.broker.fails_cancelling = StrategyError("the cancellation is refused")
            await s.runner.stop(run.run_id)
            s.broker.fill(s.desk.orders()[0].order_id, 10, RESTING)
            assert run.holding(INFY.key).quantity == 10

    arun(story())


def test_an_order_that_filled_during_stop_is_not_called_cancelled(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry", price=RESTING)
            await yields()

            async def too_late(order):
                s.broker.fill(order.order_id, 10, RESTING)
                raise StrategyError("too late to cancel")

            s.broker.cancel = too_late
            words = await s.runner.stop(run.run_id)
            assert words == "0 working orders cancelled; 1 filled meanwhile; position stays open: 10 NSE:INFY"

    arun(story())


def test_one_run_that_cannot_be_journaled_does_not_keep_the_others_running(arun):
    async def story():
        async with a_desk() as s:
            runs = [await s.run(), await s.run(TCS)]
            s.journal.fails = FULL_DISK
            with pytest.raises(Fatal):
                await s.runner.stop_all("test")
            assert [run.state for run in runs] == [RunState.STOPPED] * 2
            assert not s.feed.wanted
            s.journal.fails = None

    arun(story())


def test_the_kill_switch_stops_every_run(arun, eventually):
    async def story():
        async with a_desk() as s:
            runs = [await s.run(), await s.run(TCS)]
            await s.desk.kill.press("test", flatten=False)
            await eventually(lambda: all(run.state is RunState.STOPPED for run in runs))
            calls = len(Seen.probes[0].calls)
            s.tick()
            assert len(Seen.probes[0].calls) == calls

    arun(story())


def test_an_instrument_named_twice_is_fed_once(arun):
    async def story():
        async with a_desk() as s:
            await s.run(INFY, INFY)
            s.tick()
            assert s.probe.calls == ["on_start", "on_tick"]

    arun(story())


def test_a_restart_shows_the_interrupted_run_with_its_holding_and_hears_of_its_orders(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry")
            s.probe.ctx.buy(INFY, 5, reason="rest", price=RESTING)
            await yields()
            s.runner.close()
            desk, runner = s.restart()
            await desk.open()
            s.market.on_order(desk.take_update)
            await runner.recall(desk.day_start())
            again = runner.run(run.run_id)
            assert again.state is RunState.STOPPED and "interrupted" in again.detail
            assert again.holding(INFY.key).quantity == 10
            s.broker.fill(next(o.order_id for o in desk.orders() if o.live), 5, RESTING)
            assert again.holding(INFY.key).quantity == 15
            runner.close()

    arun(story())


def test_a_run_of_a_strategy_that_is_gone_is_shown_all_the_same(arun):
    async def story():
        async with a_desk() as s:
            await s.journal.run_began(RunRow("r1", "removed", (INFY.key,), {}, s.clock.now()))
            await s.runner.recall(s.desk.day_start())
            run = s.runner.run("r1")
            assert "not installed" in run.strategy.title and "interrupted" in run.detail
            with pytest.raises(StrategyError, match="no strategy named 'removed'"):
                await s.runner.start(StartOrder("removed", (INFY,)))

    arun(story())


def test_a_listener_that_fails_reaches_neither_strategy_nor_feed(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.runner.changed.connect(lambda run_id: 1 / 0)
            s.probe.ctx.log("hello")
            s.sink.ticks([a_tick(101.0)])
            assert run.state is RunState.RUNNING
            assert s.errors and all("ZeroDivisionError" in text for text in s.errors)
            await s.runner.stop(run.run_id)
            s.errors.clear()

    arun(story())
