"""A run goes on with the newer version of its strategy, or with the old one where that is worse."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import ValidationError

from alphapanda_desktop.domain.errors import Rejected, StrategyError
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy, number
from alphapanda_desktop.trading import host, orphans
from alphapanda_desktop.trading.reload import reload
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.trading.stops import kept_by
from tests.trading.desk_fakes import INFY as STOCK
from tests.trading.desk_fakes import RESTING, Probe, Seen, yields
from tests.trading.desk_fakes import a_desk as hosted_desk
from tests.ui.fakes_desk import DeskStage, a_desk
from tests.ui.fakes_market import INFY


class First(Strategy):
    name = "mine"

    class Params(Parameters):
        old: int = number(1, "Gone in the next version", ge=1, le=9)
        lots: int = number(1, "Lots", ge=1, le=9)


class Second(Strategy):
    name = "mine"

    class Params(Parameters):
        lots: int = number(1, "Lots", ge=1, le=9)
        new: int = number(7, "Not in the version before", ge=1, le=9)


class Narrow(Strategy):
    name = "mine"

    class Params(Parameters):
        lots: int = number(1, "Lots", ge=1, le=2)


class Failing(Second):
    def __init__(self, params: Parameters) -> None:
        raise ValueError("no such thing")


Available = dict[str, type[Strategy]]


async def _started(stage: DeskStage, **params: object) -> str:
    stage.give_history()
    return (await stage.runner.start(StartOrder("mine", (INFY,), params))).run_id


def test_it_has_the_old_values_that_it_knows_and_stays_paused(run: Any) -> None:
    async def story() -> None:
        available: Available = {"mine": First}
        async with a_desk(strategies=available) as stage:
            old = await _started(stage, lots=5, old=3)
            stage.runner.pause(old)
            available["mine"] = Second
            new = await reload(stage.runner, old)
            assert (new.params.model_dump(), new.state) == ({"lots": 5, "new": 7}, RunState.PAUSED)
            assert (new.instruments, stage.runner.run(old).state) == ((INFY,), RunState.STOPPED)

    run(story())


@pytest.mark.parametrize(
    ("worse", "error"), [(Failing, StrategyError), (Narrow, ValidationError), (None, StrategyError)]
)
def test_whatever_is_wrong_with_it_the_old_one_goes_on(
    run: Any, worse: type[Strategy] | None, error: type[Exception]
) -> None:
    async def story() -> None:
        available: Available = {"mine": First}
        async with a_desk(strategies=available) as stage:
            old = await _started(stage, lots=5)
            available.clear()
            if worse is not None:
                available["mine"] = worse
            with pytest.raises(error):
                await reload(stage.runner, old)
            assert stage.runner.run(old).state is RunState.RUNNING
            stage.errors.clear()

    run(story())


def test_it_knows_what_it_holds_before_it_is_asked_anything_and_enters_nothing_twice(arun: Any) -> None:
    class EntersWhereFlat(Probe):
        def on_start(self, ctx: Context) -> None:
            ctx.show(held=ctx.position(STOCK).quantity)
            if not ctx.position(STOCK).quantity:
                ctx.buy(STOCK, 10, reason="flat, so in")

    async def story() -> None:
        async with hosted_desk() as stage:
            old = await stage.run()
            stage.probe.ctx.buy(STOCK, 10, reason="entry")
            await yields()
            stage.probe.ctx.protect(STOCK, 90.0, reason="no deeper")
            stage.runner.available = {"probe": EntersWhereFlat}
            new = await reload(stage.runner, old.run_id)
            await yields()
            assert (new.variables["held"], new.holding(STOCK.key).quantity, new.state) == (10, 10, RunState.RUNNING)
            assert [(stop.trigger, stop.run_id) for stop in kept_by(stage.runner.runs)] == [(90.0, new.run_id)]
            assert len(stage.broker.placed) == 1

    arun(story())


def test_a_paused_run_is_reloaded_paused_and_its_start_enters_nothing(arun: Any) -> None:
    class Enters(Probe):
        def on_start(self, ctx: Context) -> None:
            ctx.buy(STOCK, 10, reason="at once")

    async def story() -> None:
        async with hosted_desk() as stage:
            old = await stage.run()
            stage.runner.pause(old.run_id)
            stage.runner.available = {"probe": Enters}
            new = await reload(stage.runner, old.run_id)
            await yields()
            assert new.state is RunState.PAUSED and not stage.broker.placed

    arun(story())


def test_two_reloads_of_one_run_leave_one_run(arun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        async with hosted_desk() as stage:
            old, load = await stage.run(), stage.runner.load

            async def slow(order: StartOrder) -> Run:
                new = await load(order)
                await yields()
                return new

            monkeypatch.setattr(stage.runner, "load", slow)
            both = (reload(stage.runner, old.run_id) for _ in range(2))
            _, second = await asyncio.gather(*both, return_exceptions=True)
            assert isinstance(second, StrategyError) and "meanwhile: start the new version from the form" in str(second)
            assert len([each for each in stage.runner.runs if each.asking]) == 1

    arun(story())


def test_where_the_position_cannot_be_handed_over_the_new_one_waits_and_asks_nothing(
    arun: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans, "CANCEL_WAIT_S", 0.05)
    monkeypatch.setattr(host, "STOP_DEADLINE_S", 0.05)

    async def story() -> None:
        async with hosted_desk() as stage:
            old = await stage.run()
            stage.probe.ctx.buy(STOCK, 10, reason="entry")
            stage.probe.ctx.buy(STOCK, 5, reason="more", price=RESTING)
            await yields()
            stage.broker.fails_cancelling = Rejected("not now")
            with pytest.raises(StrategyError, match=r"old version was stopped; the new one is loaded. not handed over"):
                await reload(stage.runner, old.run_id)
            new = stage.runner.runs[0]
            assert new.state is RunState.LOADED and "on_start" not in Seen.probes[-1].calls
            assert stage.runner.orphans(old.run_id)[0].quantity == 10

    arun(story())


def test_a_run_that_is_over_is_not_reloaded(run: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"mine": First}) as stage:
            old = await _started(stage)
            await stage.runner.stop(old)
            with pytest.raises(StrategyError, match="stopped: start the new version from the form"):
                await reload(stage.runner, old)

    run(story())
