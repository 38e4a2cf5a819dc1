"""A run goes on with the newer version of its strategy, or with the old one where that is worse."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.strategy import Parameters, Strategy, number
from alphapanda_desktop.trading.reload import reload
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
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


def test_a_run_that_is_over_is_not_reloaded(run: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"mine": First}) as stage:
            old = await _started(stage)
            await stage.runner.stop(old)
            with pytest.raises(StrategyError, match="stopped: start the new version from the form"):
                await reload(stage.runner, old)

    run(story())
