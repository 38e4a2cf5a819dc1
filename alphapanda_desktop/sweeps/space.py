"""Which parameters are tried: axes of values, every combination of them, or some drawn by a seed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Final

import numpy as np

from alphapanda_desktop.domain.errors import BadData

MOST: Final = 1_000_000
"""Combinations in a grid."""

Value = bool | int | float | str
Point = Mapping[str, Value]
"""One value for each axis."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter and its values; without a step it is a stretch of numbers, of which a grid cannot be made."""

    name: str
    values: tuple[Value, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def of(cls, text: str) -> Axis:
        """From "fast=5:50:5", "fast=5:50", "stop_loss=0.5,1,2" or "both=true,false". Raises BadData naming the text."""
        name, equals, told = text.partition("=")
        if not equals or not name.isidentifier() or not told:
            raise BadData(f"{text!r}: NAME=LOW:HIGH:STEP or NAME=VALUE,VALUE is expected")
        if ":" not in told:
            return cls(name, _told_apart(text, tuple(_value(word) for word in told.split(","))))
        try:
            numbers = [_number(word) for word in told.split(":")]
        except ValueError:
            raise BadData(f"{text!r}: LOW:HIGH or LOW:HIGH:STEP are numbers") from None
        if len(numbers) == 2 and all(isinstance(number, int) for number in numbers):
            numbers.append(1)
        if len(numbers) not in (2, 3) or numbers[0] > numbers[1] or (len(numbers) == 3 and numbers[2] <= 0):
            raise BadData(f"{text!r}: LOW:HIGH:STEP goes up, by a step above 0")
        low, high = numbers[:2]
        return cls(name, _steps(text, low, high, numbers[2]) if len(numbers) == 3 else (), low, high)

    def drawn(self, dice: np.random.Generator) -> Value:
        """One value of it, all as likely."""
        if self.values:
            return self.values[int(dice.integers(len(self.values)))]
        return float(f"{dice.uniform(self.low, self.high):.6g}")


def _told_apart(text: str, values: tuple[Value, ...]) -> tuple[Value, ...]:
    if len(set(map(repr, values))) < len(values):
        raise BadData(f"{text!r}: a value stands there twice")
    return values


def _steps(text: str, low: float, high: float, step: float) -> tuple[Value, ...]:
    count = int((high - low) / step + 1e-9) + 1
    if count > MOST:
        raise BadData(f"{text!r} has {count:,} values, {MOST:,} allowed")
    if all(isinstance(number, int) for number in (low, high, step)):
        return tuple(int(low + number * step) for number in range(count))
    return tuple(round(low + number * step, 12) for number in range(count))


def _number(word: str) -> int | float:
    try:
        return int(word)
    except ValueError:
        number = float(word)
    if not np.isfinite(number):
        raise ValueError(word)
    return number


def _value(word: str) -> Value:
    if word.lower() in ("true", "false"):
        return word.lower() == "true"
    try:
        return _number(word)
    except ValueError:
        return word


def points_of(axes: Sequence[Axis]) -> Iterator[dict[str, Value]]:
    """Every combination, the last axis fastest. Raises BadData where there are too many, or an axis has no step."""
    for axis in axes:
        if not axis.values:
            raise BadData(f"a grid needs a step for {axis.name}={axis.low:g}:{axis.high:g}")
    if (count := prod(len(axis.values) for axis in axes)) > MOST:
        raise BadData(f"the grid has {count:,} combinations, {MOST:,} allowed; draw some with --random")
    names = [axis.name for axis in axes]
    return (dict(zip(names, values, strict=True)) for values in product(*(axis.values for axis in axes)))


def drawn(axes: Sequence[Axis], count: int, seed: int) -> list[dict[str, Value]]:
    """So many different combinations, the same for the same seed; all there are where that is fewer."""
    dice, found = np.random.default_rng(seed), dict[str, dict[str, Value]]()
    whole = prod(len(axis.values) for axis in axes) if all(axis.values for axis in axes) else None
    if whole is not None and whole <= 4 * count:
        every = list(points_of(axes))
        return [every[int(number)] for number in dice.permutation(len(every))[:count]]
    while len(found) < count:
        point = {axis.name: axis.drawn(dice) for axis in axes}
        found.setdefault(key_of(point), point)
    return list(found.values())


def key_of(point: Point) -> str:
    """The same text for the same values, whatever order they stand in."""
    return json.dumps(dict(point), sort_keys=True, separators=(",", ":"))


def shown(value: Value) -> str:
    """A value as a person reads it."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)
