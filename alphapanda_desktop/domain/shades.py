"""How good or bad a figure among others is painted: no loss ever looks like a gain, however it compares."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

EVEN: Final = {"profit_factor": 1.0}
"""Figures that part gains from losses elsewhere than at 0."""

_FAINTEST: Final = 0.2


class Shades:
    """From −1, the worst, to 1, the best. Gains and losses are each compared among themselves; of what should be
    little (`least`) nothing is gain or loss, and the middle is none of both.
    """

    def __init__(self, values: Sequence[float], figure: str = "", *, least: bool) -> None:
        self._least = least
        self._even = EVEN.get(figure, 0.0)
        self._all = _span(values)
        self._gains = _span([value for value in values if value > self._even])
        self._losses = _span([value for value in values if value <= self._even])

    def of(self, value: float) -> float:
        """The shade of one of the values."""
        if self._least:
            return 1 - 2 * _place(value, self._all)
        if value > self._even:
            return _FAINTEST + (1 - _FAINTEST) * _place(value, self._gains)
        return -_FAINTEST - (1 - _FAINTEST) * (1 - _place(value, self._losses))


def _span(values: Sequence[float]) -> tuple[float, float]:
    return min(values, default=0.0), max(values, default=0.0)


def _place(value: float, span: tuple[float, float]) -> float:
    """Where it lies between the two, 0 to 1."""
    low, high = span
    return (value - low) / (high - low) if high > low else 0.5
