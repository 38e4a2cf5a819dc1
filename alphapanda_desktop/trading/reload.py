"""A run goes on with the newer version of its strategy: the new one is loaded before the old one is touched."""

from __future__ import annotations

from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import Runner, StartOrder


async def reload(runner: Runner, run_id: str) -> Run:
    """The new run, which has the old one's instruments, parameters and position; the old one is stopped.

    Parameters that the new version does not know are left out. Raises StrategyError, and pydantic's ValidationError
    for values that it does not take; whatever is wrong with the new version, the old one then goes on untouched.
    """
    old = runner.run(run_id)
    if not old.asking:
        raise StrategyError(f"{old.strategy.name} is {old.state}: start the new version from the form")
    new = await runner.load(_order(runner, old))
    if new.state is not RunState.LOADED:
        raise StrategyError(f"the new version could not be loaded, the old one goes on: {new.detail}")
    now = runner.run(run_id)
    if not now.asking:  # it failed, was stopped, or another reload was quicker: two would trade the same
        await runner.stop(new.run_id)
        raise StrategyError(f"{now.strategy.name} is {now.state} meanwhile: start the new version from the form")
    paused = now.state is RunState.PAUSED or now.hold_entries
    await runner.stop(run_id)
    try:
        return await runner.begin(new.run_id, paused=paused, heir_of=run_id)
    except StrategyError as error:
        waits = f"; the new one is {new.state}" if runner.run(new.run_id).state is RunState.LOADED else ""
        raise StrategyError(f"the old version was stopped{waits}. {error}") from error


def _order(runner: Runner, old: Run) -> StartOrder:
    kind = runner.available.get(old.strategy.name)
    if kind is None:
        raise StrategyError(f"no strategy named {old.strategy.name!r} can be started now")
    params = (old.waiting_params or old.params).model_dump()
    known = {name: value for name, value in params.items() if name in kind.Params.model_fields}
    return StartOrder(old.strategy.name, old.instruments, known, old.interval, old.product)
