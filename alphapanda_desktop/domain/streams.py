"""Indicators one bar at a time, the forming bar included: bit for bit what a batch over the same bars gives.

TA-Lib has no state to carry on from, and its own arithmetic cannot be repeated outside it: the compiler of its wheels
fuses multiplications with additions, so that a recurrence written out here differs in the last bit (measured). So a
value is always TA-Lib's over the last `window` bars: about 2 µs, and the same wherever a series began. That is what
`rsi(ctx.closes(instrument, window), 14)[-1]` says in a strategy, and what `rolled` says for a whole history.

    stream = Stream(lambda closes: rsi(closes, 14), settled(14))
    stream.add(bar.close)          # a closed bar
    stream.peek(tick.last_price)   # what it would be if the forming bar closed now
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from alphapanda_desktop.domain.indicators import Floats

Function = Callable[..., Floats | tuple[Floats, ...]]
"""An indicator of one or more equally long columns; several lines come as a tuple."""

Value = float | tuple[float, ...]

SPARE: Final = 4
"""How many windows fit into the memory of a stream before its bars are moved to the front again."""


class Stream:
    """One indicator of one instrument; `columns` is how many values a bar brings: 1 for closes, 3 for an ATR."""

    __slots__ = ("_count", "_function", "_memory", "window")

    def __init__(self, function: Function, window: int, columns: int = 1) -> None:
        if window < 1 or columns < 1:
            raise ValueError(f"a window of {window} bars of {columns} values asked for, 1 or more can be")
        self.window = window
        self._function = function
        self._memory = np.empty((columns, window * SPARE), np.float64)
        self._count = 0

    def peek(self, *values: float) -> Value:
        """The value if a bar closed with these; NaN while there are too few bars."""
        if self._count == self._memory.shape[1]:
            self._make_room()
        self._memory[:, self._count] = values
        end = self._count + 1
        return last_of(self._function(*self._memory[:, max(0, end - self.window) : end]))

    def add(self, *values: float) -> Value:
        """The value after one more closed bar."""
        value = self.peek(*values)
        self._count += 1
        return value

    def _make_room(self) -> None:
        kept = self.window - 1
        self._memory[:, :kept] = self._memory[:, self._count - kept : self._count].copy()
        self._count = kept


def rolled(function: Function, window: int, *columns: ArrayLike) -> Floats:
    """An indicator for each bar of a history, as a stream says it: shape (n,), or (lines, n) where it has several."""
    given = [np.ascontiguousarray(column, np.float64) for column in columns]
    ends = range(1, len(given[0]) + 1)
    values = [last_of(function(*(column[max(0, end - window) : end] for column in given))) for end in ends]
    return np.asarray(values, np.float64).T


def last_of(lines: Floats | tuple[Floats, ...]) -> Value:
    """The newest value of an indicator, of each line where it has several."""
    return tuple(float(line[-1]) for line in lines) if isinstance(lines, tuple) else float(lines[-1])
