"""Limits of a strategy's day: over all its runs, watched while prices move, and kept until tomorrow."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.domain.risk import Limits, RiskLimits, StrategyLimits
from alphapanda_desktop.trading.run import Run, RunState
from tests.trading.desk_fakes import INFY, Stage, a_desk, yields

WIDE = replace(Limits(), price_band_pct=90.0)
LOSES_300 = RiskLimits(desk=WIDE, strategy=StrategyLimits(max_loss_per_day=300.0))
FALLS_300 = RiskLimits(desk=WIDE, strategy=StrategyLimits(max_drawdown=300.0))


async def held(s: Stage) -> dict[str, int]:
    return {p.key: p.quantity for p in await s.broker.positions() if p.quantity}


async def price(s: Stage, last: float) -> None:
    s.broker.quote = Quote(last)
    s.tick(last, after_s=2)
    await yields(50)
    await s.desk.reconcile("test")


async def enter(s: Stage) -> None:
    ctx: Any = s.probe.ctx
    ctx.buy(INFY, 10, reason="in")
    await yields(80)
    await s.desk.reconcile("test")


def said(run: Run) -> str:
    return " | ".join(line.text for line in run.log)


def test_a_new_run_does_not_begin_without_the_losses_of_the_one_before(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=LOSES_300) as s:
            run = await s.run()
            await enter(s)
            await price(s, 50.0)
            ctx: Any = s.probe.ctx
            ctx.exit(INFY, reason="out")
            await yields(80)
            await s.desk.reconcile("test")
            await s.runner.stop(run.run_id)
            again = await s.run()
            await enter(s)
            assert await held(s) == {} and "Strategy loss per day" in said(again)

    arun(story())


def test_a_drawdown_is_seen_while_prices_move_and_pauses_the_strategy_until_tomorrow(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=FALLS_300) as s:
            run = await s.run()
            await enter(s)
            for last in (120.0, 200.0, 110.0):
                await price(s, last)
            assert run.state is RunState.PAUSED and "Strategy drawdown" in said(run)
            assert any("may enter no more today" in text for text in s.notices)
            await price(s, 200.0)  # back at its peak: it was over all the same
            s.runner.resume(run.run_id)
            await enter(s)
            assert await held(s) == {"NSE:INFY": 10} and "No entry until tomorrow" in said(run)
            ctx: Any = s.probe.ctx
            ctx.exit(INFY, reason="out")
            await yields(80)
            assert await held(s) == {}, "exits pass"

    arun(story())


def test_a_strategy_that_is_over_its_limits_is_so_after_a_restart_and_not_the_next_day(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=FALLS_300) as s:
            run = await s.run()
            await enter(s)
            for last in (200.0, 110.0):
                await price(s, last)
            await s.runner.stop(run.run_id)
            desk, runner = s.restart()
            await desk.risk.change(replace(desk.risk.limits, strategy=StrategyLimits(max_drawdown=300.0)))
            await desk.open()
            request = s.request(strategy=run.run_id)
            failed = [r.rule for r in desk._rules.examine(request, INFY, desk._rules.exposure(request)) if not r.passed]
            assert "strategy's day" in failed
            s.clock.advance(86_400)
            await desk.risk.recall(desk.day_start())
            assert desk.risk.heed_strategies({"probe": 0.0}) == {}
            failed = [r.rule for r in desk._rules.examine(request, INFY, desk._rules.exposure(request)) if not r.passed]
            assert "strategy's day" not in failed
            runner.close()

    arun(story())


@pytest.mark.parametrize("by_hand", [False, True])
def test_a_run_that_its_limit_paused_may_enter_on_the_next_day_unless_a_person_paused_it(
    arun: Any, by_hand: bool
) -> None:
    async def story() -> None:
        async with a_desk(limits=FALLS_300) as s:
            run = await s.run()
            await enter(s)
            for last in (200.0, 110.0):
                await price(s, last)
            assert run.state is RunState.PAUSED
            if by_hand:
                s.runner.pause(run.run_id)
            s.clock.advance(86_400)
            await s.desk.reconcile("morning")
            assert run.state is (RunState.PAUSED if by_hand else RunState.RUNNING)
            told = [text for text in s.notices if "probe #1 may enter again" in text]
            assert len(told) == (0 if by_hand else 1)

    arun(story())
