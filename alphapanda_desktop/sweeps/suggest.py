"""Optuna's choice of what to try next (extra `[sweep]`): from what was found, where the best may lie."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps.space import Axis, Value
from alphapanda_desktop.sweeps.trial import Objective, Trial

BATCH: Final = 8
"""Points that are chosen together. Not the number of workers: choices must not depend on how many there are."""


class Suggested:
    """A chooser that is Optuna's TPE sampler. Raises BadData where Optuna is not installed."""

    def __init__(self, axes: Sequence[Axis], count: int, objective: Objective, seed: int) -> None:
        self._optuna = _optuna()
        sampler = self._optuna.samplers.TPESampler(seed=seed)
        direction = "minimize" if objective.least else "maximize"
        self._study = self._optuna.create_study(direction=direction, sampler=sampler)
        self._kinds = {axis.name: self._kind_of(axis) for axis in axes}
        self._left, self._objective = count, objective
        self._asked: list[Any] = []

    def ask(self) -> Sequence[dict[str, Value]]:
        count = min(BATCH, self._left)
        self._left -= count
        self._asked = [self._study.ask(self._kinds) for _ in range(count)]
        return [dict(asked.params) for asked in self._asked]

    def tell(self, trials: Sequence[Trial]) -> None:
        for asked, trial in zip(self._asked, trials, strict=True):
            value = self._objective.of(trial)
            state = self._optuna.trial.TrialState.FAIL if value is None else None
            self._study.tell(asked, value, state)

    def _kind_of(self, axis: Axis) -> Any:
        kinds, values = self._optuna.distributions, axis.values
        if not values:
            return kinds.FloatDistribution(axis.low, axis.high)
        numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
        if not axis.high > axis.low or len(numbers) < max(2, len(values)):
            return kinds.CategoricalDistribution(values)
        low, high, step = numbers[0], numbers[-1], numbers[1] - numbers[0]
        if all(isinstance(number, int) for number in numbers):
            return kinds.IntDistribution(low, high, step=step)
        return kinds.FloatDistribution(low, high, step=round(step, 12))


def _optuna() -> Any:
    try:
        optuna = import_module("optuna")
    except ModuleNotFoundError:
        raise BadData("--optuna needs Optuna: install the extra alphapanda-desktop[sweep]") from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
