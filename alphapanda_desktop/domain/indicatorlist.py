"""Which of TA-Lib's functions are made of a bar alone, with what they are called, their parameters and the bounds."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Final, NamedTuple

from talib import abstract as talib_abstract

from alphapanda_desktop.domain.anyindicator import NAMES, indicator

_ABOUT: Final[Any] = talib_abstract
_BAR: Final = frozenset({"open", "high", "low", "close", "volume"})


class Parameter(NamedTuple):
    """One number that an indicator takes: TA-Lib's name, what it is unless said, and its bounds."""

    name: str
    default: float
    low: float
    high: float
    whole: bool


class Entry(NamedTuple):
    """One indicator that can be chosen; `over` draws it on the prices, else it has a pane of its own."""

    name: str
    title: str
    group: str
    parameters: tuple[Parameter, ...]
    over: bool


@cache
def catalogue() -> tuple[Entry, ...]:
    """All that are made of a bar alone, by name."""
    return tuple(made for made in map(_entry, NAMES) if made is not None)


def entry(name: str) -> Entry | None:
    """The one of that name, or None."""
    return next((one for one in catalogue() if one.name == name), None)


def judged(found: Entry, given: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    """Every parameter with its value: TA-Lib's own for those not given.

    Raises ValueError for a parameter that it does not have, or a number out of bounds.
    """
    unknown = set(given) - {one.name for one in found.parameters}
    if unknown:
        raise ValueError(f"{found.name} has no parameter {min(unknown)!r}")
    return tuple((one.name, _judged(found.name, one, given)) for one in found.parameters)


def _judged(name: str, one: Parameter, given: Mapping[str, float]) -> float:
    value = given.get(one.name, one.default)
    if not one.low <= value <= one.high:
        raise ValueError(f"{name}: {one.name} is {value:g}, {one.low:g} to {one.high:g} can be")
    return int(value) if one.whole else float(value)


def _entry(name: str) -> Entry | None:
    info = _ABOUT.Function(name).info
    if not set(indicator(name).columns) <= _BAR:
        return None
    parameters = tuple(_parameter(key, value) for key, value in info["parameters"].items())
    over = "Output scale same as input" in (info["function_flags"] or ()) and name not in ("AVGDEV",)
    return Entry(name, info["display_name"], info["group"], parameters, over)


def _parameter(name: str, default: float) -> Parameter:
    """Bounds within which TA-Lib takes any value for any of its functions."""
    if "matype" in name:
        return Parameter(name, default, 0, max(8, default), True)
    if isinstance(default, int):
        return Parameter(name, default, 2, 1_000, True)
    low, high = {"fastlimit": (0.01, 0.99), "slowlimit": (0.01, 0.99), "vfactor": (0.0, 1.0)}.get(name, (0.0, 100.0))
    return Parameter(name, default, low, high, False)
