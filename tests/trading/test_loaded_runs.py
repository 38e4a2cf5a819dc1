"""Load and Start apart, all runs at once, parameters that change, and what Stop says that it will do."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.strategy import Parameters, number
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from tests.trading.desk_fakes import INFY, RESTING, Probe, Seen, a_desk, yields


class Tuned(Probe):
    name = "tuned"

    class Params(Parameters):
        lots: int = number(1, "how many", ge=1, le=10)
        pause: int = number(3, "bars", ge=0, le=10)


class Deaf(Probe):
    name = "deaf"
    on_tick = Probe.__mro__[1].on_tick


def test_a_loaded_run_hears_nothing_until_it_is_started(arun):
    async def story():
        async with a_desk() as s:
            run = await s.runner.load(StartOrder("probe", (INFY,)))
            assert run.state is RunState.LOADED and not s.probe.calls and INFY.instrument_token in s.feed.wanted
            s.tick()
            assert not s.probe.calls
            await s.runner.begin(run.run_id)
            s.tick()
            assert run.state is RunState.RUNNING and s.probe.calls == ["on_start", "on_tick"]
            with pytest.raises(StrategyError, match="cannot be started: it is running"):
                await s.runner.begin(run.run_id)

    arun(story())


def test_a_loaded_run_is_stopped_without_a_word_to_it_by_hand_or_by_the_kill_switch(arun, eventually):
    async def story():
        async with a_desk() as s:
            first, second = [await s.runner.load(StartOrder("probe", (INFY,))) for _ in range(2)]
            await s.runner.stop(first.run_id)
            await s.desk.kill.press("enough", flatten=False)
            await eventually(lambda: second.state is RunState.STOPPED)
            assert first.state is RunState.STOPPED and not any(probe.calls for probe in Seen.probes)
            assert all(s.journal.run_rows[run.run_id].stopped_at for run in (first, second))
            with pytest.raises(StrategyError):
                await s.runner.begin(first.run_id)

    arun(story())


def test_all_are_started_paused_resumed_and_stopped_at_once(arun):
    async def story():
        async with a_desk() as s:
            runs = [await s.runner.load(StartOrder("probe", (INFY,))) for _ in range(3)]
            await s.runner.begin_all()
            assert {run.state for run in runs} == {RunState.RUNNING}
            s.runner.pause_all()
            assert {run.state for run in runs} == {RunState.PAUSED}
            s.runner.resume_all()
            assert {run.state for run in runs} == {RunState.RUNNING}
            await s.runner.stop_all("enough")
            assert {run.state for run in runs} == {RunState.STOPPED}

    arun(story())


def test_a_change_waits_for_the_next_bar_is_journaled_and_comes_back_after_a_restart(arun):
    async def story():
        async with a_desk(strategies={"tuned": Tuned}) as s:
            run = await s.runner.start(StartOrder("tuned", (INFY,), {"lots": 2}))
            s.tick(after_s=60)
            await s.runner.change(run.run_id, {"lots": 5})
            await s.runner.change(run.run_id, {"pause": 0})
            assert s.probe.params.lots == 2 and run.params.lots == 2
            s.tick(after_s=60)
            assert (s.probe.params.lots, s.probe.params.pause) == (5, 0) and run.waiting_params is None
            assert "parameters from now on: lots 2 → 5, pause 3 → 0" in [line.text for line in run.log]
            with pytest.raises(ValidationError):
                await s.runner.change(run.run_id, {"lots": 11})
            await s.runner.stop(run.run_id)
            with pytest.raises(StrategyError, match="takes no parameters any more: it is stopped"):
                await s.runner.change(run.run_id, {"lots": 3})
            desk, again = s.restart()
            await desk.open()
            await again.recall(desk.day_start())
            assert (again.runs[0].params.lots, again.runs[0].params.pause) == (5, 0)
            again.close()

    arun(story())


def test_a_loaded_run_begins_with_what_was_changed_since(arun):
    async def story():
        async with a_desk(strategies={"tuned": Tuned}) as s:
            run = await s.runner.load(StartOrder("tuned", (INFY,), {"lots": 2}))
            await s.runner.change(run.run_id, {"lots": 5})
            Seen.acts["on_start"] = lambda ctx: ctx.show(lots=s.probe.params.lots)
            await s.runner.begin(run.run_id)
            assert run.variables["lots"] == 5 and run.waiting_params is None

    arun(story())


def test_what_stop_will_do_is_what_it_then_does(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            assert s.runner.what_stop_does(run.run_id) == "Stop has no working order to cancel; no position left"
            ctx = s.probe.ctx
            ctx.buy(INFY, 10, reason="entry")
            await yields()
            ctx.sell(INFY, 4, reason="target", price=150.0)
            ctx.buy(INFY, 1, reason="more", price=RESTING)
            ctx.protect(INFY, 90.0, reason="no deeper")
            await yields()
            words = s.runner.what_stop_does(run.run_id)
            assert words == (
                "Stop cancels 2 working orders; SELL at 90.00 or lower, watched by this program only; "
                "position stays open: 10 NSE:INFY"
            )
            done = await s.runner.stop(run.run_id)
            assert "2 working orders cancelled" in done and "position stays open: 10 NSE:INFY" in done
            assert s.runner.what_stop_does(run.run_id) == run.detail

    arun(story())


def test_ticks_are_not_even_made_for_a_strategy_that_does_not_hear_them(arun):
    async def story():
        async with a_desk(strategies={"deaf": Deaf, "probe": Probe}) as s:
            listeners = s.market._tick_listeners.get(INFY.instrument_token, [])
            before = len(listeners)
            await s.runner.start(StartOrder("deaf", (INFY,)))
            assert len(s.market._tick_listeners.get(INFY.instrument_token, [])) == before
            await s.runner.start(StartOrder("probe", (INFY,)))
            assert len(s.market._tick_listeners[INFY.instrument_token]) == before + 1

    arun(story())


def test_calls_are_measured(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            for _ in range(9):
                s.tick()
            pulse = run.pulse
            assert pulse.calls == 10 and pulse.pid is None  # on_start is one
            assert 0 < pulse.p50_ms <= pulse.p99_ms <= pulse.slowest_ms and pulse.last_call_at == s.clock.now()

    arun(story())
