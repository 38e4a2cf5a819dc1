"""Timers of a run: they come by the venue's clock though the market is silent, and end with the run."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from alphapanda_desktop.trading.run import RunState
from tests.trading.desk_fakes import INFY, FastClock, Probe, a_desk, yields


class Timed(Probe):
    """Writes down which timers came."""

    def on_timer(self, ctx: Any, name: str) -> None:
        self._act("on_timer", ctx, name)
        self.calls[-1] = name

    @property
    def rung(self) -> list[str]:
        return [call for call in self.calls if not call.startswith("on_")]


def timed(**more: Any) -> Any:
    return a_desk(strategies={"probe": Timed}, **more)


def test_timers_come_by_a_fast_clock_though_the_market_is_silent(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with timed(clock=FastClock()) as s:
            await s.run()
            s.probe.ctx.timer("soon", after=20)
            s.probe.ctx.timer("late", after=20_000)
            s.probe.ctx.timer("often", every=30)
            await eventually(lambda: s.probe.rung.count("often") >= 2)
            assert s.probe.rung[0] == "soon" and "late" not in s.probe.rung

    arun(story())


def test_a_timer_that_was_moved_or_taken_away_does_not_come(arun: Any) -> None:
    async def story() -> None:
        async with timed() as s:
            await s.run()
            ctx = s.probe.ctx
            ctx.timer("moved", after=10)
            ctx.timer("gone", after=10)
            ctx.timer("moved", after=30)
            ctx.cancel_timer("gone")
            ctx.cancel_timer("never there")
            s.tick(after_s=20)
            assert s.probe.rung == []
            s.tick(after_s=20)
            assert s.probe.rung == ["moved"]

    arun(story())


def test_a_run_that_is_over_hears_no_timer_and_leaves_none_running(arun: Any) -> None:
    async def story() -> None:
        async with timed() as s:
            run = await s.run()
            s.probe.ctx.timer("often", every=10)
            s.tick(after_s=11)
            await s.runner.stop(run.run_id)
            s.tick(after_s=11)
            await yields()
            assert s.probe.rung == ["often"]

    arun(story())


def test_entries_may_be_paused_and_timers_still_come(arun: Any) -> None:
    async def story() -> None:
        async with timed() as s:
            run = await s.run()
            s.probe.ctx.timer("out", at=s.clock.now() + timedelta(seconds=5))
            s.runner.pause(run.run_id)
            s.tick(after_s=6)
            assert (s.probe.rung, run.state) == (["out"], RunState.PAUSED)

    arun(story())


def test_a_timer_that_raises_ends_its_run_alone(arun: Any) -> None:
    class Bad(Timed):
        def on_timer(self, ctx: Any, name: str) -> None:
            raise ValueError(f"not {name}")

    async def story() -> None:
        async with a_desk(strategies={"probe": Bad}) as s:
            run = await s.run()
            s.probe.ctx.timer("now", after=1)
            s.tick(after_s=2)
            assert run.state is RunState.FAILED and "on_timer failed at test_bell.py line" in run.detail
            assert s.market.latest(INFY.instrument_token) is not None
            await yields()
            s.errors.clear()

    arun(story())
