"""Every function of TA-Lib by its name: over a history, one bar at a time, and for the bar that is still forming.

adx = indicator("ADX", timeperiod=14)
adx.over(ctx.bars(instrument, adx.window))[-1]     # of closed bars
stream = adx.stream()                              # bit for bit the same, one bar at a time
stream.add(*adx.row(bar))
stream.peek(*adx.row(forming))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import talib
from numpy.typing import ArrayLike
from talib import abstract as talib_abstract

from alphapanda_desktop.domain.indicators import Floats, settled
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.streams import Stream

PATH: Final = 500
"""Bars that a sum over all of the past (OBV, AD) is taken over: it has no beginning of its own."""

_TALIB: Final[Any] = talib
_ABOUT: Final[Any] = talib_abstract
NAMES: Final[tuple[str, ...]] = tuple(sorted(_TALIB.get_functions()))


@dataclass(frozen=True, slots=True)
class Indicator:
    """One function with its parameters. Call it with equally long columns, in the order of `columns`."""

    name: str
    columns: tuple[str, ...]
    """What it is made of, as a bar calls it: "high", "low", "close"; "periods" is no part of a bar."""
    lines: tuple[str, ...]
    """What it gives; a tuple of arrays where that is more than one."""
    lookback: int
    """Bars before the first value."""
    window: int
    """Bars to look back on, so that the value does not depend on where history begins."""
    function: Callable[..., Any]

    def __call__(self, *columns: ArrayLike) -> Floats | tuple[Floats, ...]:
        """Its lines as float64, as long as the columns, NaN where there are too few bars."""
        made = self.function(*(np.ascontiguousarray(column, np.float64) for column in columns))
        return tuple(map(_floats, made)) if isinstance(made, tuple) else _floats(made)

    def over(self, bars: Sequence[Bar]) -> Floats | tuple[Floats, ...]:
        """The same of bars, oldest first."""
        rows = np.array([self.row(bar) for bar in bars], np.float64).reshape(len(bars), len(self.columns))
        return self(*rows.T)

    def row(self, bar: Bar) -> tuple[float, ...]:
        """What of a bar it is made of, in order."""
        return tuple(float(getattr(bar, column)) for column in self.columns)

    def stream(self) -> Stream:
        """The same one bar at a time, over `window` bars each time."""
        return Stream(self, self.window, len(self.columns))


def indicator(name: str, window: int | None = None, **parameters: float) -> Indicator:
    """The function of that name (see `NAMES`), with TA-Lib's own parameters: "BBANDS", timeperiod=20, nbdevup=2.

    Raises ValueError for a name or a parameter that it does not have, with those that there are.
    """
    if name not in NAMES:
        raise ValueError(f"TA-Lib has no function {name!r}; there are: {', '.join(NAMES)}")
    about: Any = _ABOUT.Function(name)
    known = dict(about.info["parameters"])
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ValueError(f"{name} has no parameter {unknown[0]!r}; there are: {', '.join(known) or 'none'}")
    given = {key: type(known[key])(value) for key, value in parameters.items()}
    about.set_parameters(given)
    function, lookback, flags = getattr(talib, name), int(about.lookback), about.info["function_flags"]
    return Indicator(
        name,
        tuple(_columns(about.info["input_names"])),
        tuple(about.info["output_names"]),
        lookback,
        window or _window(name, lookback, flags or ()),
        lambda *columns: function(*columns, **given),
    )


def _columns(inputs: dict[str, str | list[str]]) -> list[str]:
    each = [[column] if isinstance(column, str) else column for column in inputs.values()]
    return [column for columns in each for column in columns]


def _window(name: str, lookback: int, flags: Sequence[str]) -> int:
    """TA-Lib marks RSI as remembering, and MACD not, which remembers as well: only patterns surely forget."""
    if "Output is path-dependent" in flags:
        return max(PATH, settled(lookback))
    forgets = "Output is a candlestick" in flags or not lookback
    if name == "HA":  # halves the past with each bar and claims to need none
        return settled(5)
    return lookback + 1 if forgets else settled(lookback + 1)


def _floats(line: ArrayLike) -> Floats:
    return np.ascontiguousarray(line, np.float64)
