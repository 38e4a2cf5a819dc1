"""What a sweep found: ranked, laid out over two parameters, and held against what luck alone would have found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import e
from statistics import NormalDist
from typing import Final

import numpy as np

from alphapanda_desktop.sweeps.forward import Forward
from alphapanda_desktop.sweeps.job import Job, Outcome
from alphapanda_desktop.sweeps.space import Axis, Value
from alphapanda_desktop.sweeps.trial import Objective, Trial

_EULER: Final = 0.5772156649015329


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """A whole sweep. With a walk forward, `trials` are those of its steps one after another."""

    job: Job
    title: str
    method: str
    axes: tuple[Axis, ...]
    objective: Objective
    trials: tuple[Trial, ...]
    forward: Forward | None = None
    best: Outcome | None = None
    """The best candidate played once more, with its account from bar to bar."""

    @property
    def ranked(self) -> list[Trial]:
        """The candidates, best first; none over the steps of a walk forward, which are not one search."""
        return self.objective.ranked(self.trials) if self.forward is None else []

    def count(self, status: str) -> int:
        return sum(trial.status == status for trial in self.trials)

    @property
    def by_luck(self) -> float | None:
        """The Sharpe ratio that the best of so many trials would have if none had any skill.

        Expected highest of n normal draws with the spread that was found; Bailey and López de Prado, The Deflated
        Sharpe Ratio (2014), equation 1. Trials that resemble one another make it too high.
        """
        found = [value for trial in self.trials if (value := trial.statistics.get("sharpe")) is not None]
        if self.forward is not None or len(found) < 2:
            return None
        count, normal = len(found), NormalDist()
        highest = (1 - _EULER) * normal.inv_cdf(1 - 1 / count) + _EULER * normal.inv_cdf(1 - 1 / (count * e))
        return float(np.std(found, ddof=1)) * highest


@dataclass(frozen=True, slots=True)
class HeatMap:
    """The objective over two parameters: `cells[row][column]`, the best over all others, None where nothing is."""

    across: str
    down: str
    columns: tuple[Value, ...]
    rows: tuple[Value, ...]
    cells: tuple[tuple[float | None, ...], ...]
    others: tuple[str, ...]
    """Parameters that the best was taken over."""


def heat_map(axes: Sequence[Axis], trials: Sequence[Trial], objective: Objective) -> HeatMap | None:
    """Over the two axes with most values; None where fewer than two have two values that were tried."""
    tried = {axis.name: _in_order({trial.params[axis.name] for trial in trials}) for axis in axes}
    wide = sorted((name for name in tried if len(tried[name]) > 1), key=lambda name: -len(tried[name]))[:2]
    if len(wide) < 2:
        return None
    across, down = wide
    best: dict[tuple[Value, Value], float] = {}
    for trial in objective.ranked(trials):
        value = objective.of(trial)
        if value is not None:
            best.setdefault((trial.params[down], trial.params[across]), value)
    cells = tuple(tuple(best.get((row, column)) for column in tried[across]) for row in tried[down])
    others = tuple(name for name in tried if name not in wide)
    return HeatMap(across, down, tried[across], tried[down], cells, others)


def _in_order(values: set[Value]) -> tuple[Value, ...]:
    return tuple(sorted(values, key=lambda value: (isinstance(value, str), value)))
