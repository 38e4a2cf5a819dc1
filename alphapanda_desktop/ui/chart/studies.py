"""Indicators on a chart: which there are, and their values bar by bar as a strategy sees them; no Qt.

A value is TA-Lib's over the last `window` bars (domain.anyindicator), so the line on the chart, a stream and a strategy
say the same number, bit for bit, and the forming bar's is what it would be if it closed now. Only what is asked for is
worked out, and kept until a closed bar changes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol

import numpy as np
from talib import abstract as talib_abstract

from alphapanda_desktop.domain.anyindicator import PATH, Indicator, indicator
from alphapanda_desktop.domain.indicatorlist import Entry, Parameter, catalogue, entry, judged
from alphapanda_desktop.domain.pyramid import Columns, Floats
from alphapanda_desktop.domain.streams import last_of

if TYPE_CHECKING:
    from alphapanda_desktop.ui.theme import Role

__all__ = ["Curve", "Entry", "Parameter", "Study", "a_study", "catalogue", "entry", "made_of"]

Shape = Literal["line", "columns", "dots"]

ROLES: Final[tuple[Role, ...]] = ("accent", "warn", "unknown", "practice", "sell", "replay", "good", "danger")
"""Colours of lines; those of one indicator follow one another from its own."""

GUIDES: Final[dict[str, tuple[float, ...]]] = {
    "RSI": (30.0, 70.0),
    "STOCH": (20.0, 80.0),
    "STOCHF": (20.0, 80.0),
    "STOCHRSI": (20.0, 80.0),
    "MFI": (20.0, 80.0),
    "WILLR": (-80.0, -20.0),
    "CCI": (-100.0, 100.0),
    "ADX": (25.0,),
    "CMO": (-50.0, 50.0),
    "ULTOSC": (30.0, 70.0),
}
"""Levels that the pane of an indicator marks."""

_ABOUT: Final[Any] = talib_abstract
_DOTS: Final = frozenset({"SAR", "SAREXT"})
_DIRECTION: Final = "trend"
"""SUPERTREND's second line, which is +1 or -1: no price."""


@dataclass(frozen=True, slots=True)
class Study:
    """One indicator on one chart. `role` is the colour of its first line."""

    name: str
    parameters: tuple[tuple[str, float], ...] = ()
    over: bool = True
    role: Role = "accent"

    @property
    def title(self) -> str:
        """ "BBANDS 20 2 2"; a sum over all of the past says over how many bars it is taken."""
        made = made_of(self)
        said = " ".join(f"{value:g}" for key, value in self.parameters if "matype" not in key)
        path = f"over {made.window} bars" if made.window >= PATH and "timeperiod" not in dict(self.parameters) else ""
        return " ".join(word for word in (self.name, said, path) if word)


class Charted(Protocol):
    """Bars that an indicator is worked out over; domain.bars.BarSeries is one."""

    @property
    def history_version(self) -> int: ...

    @property
    def columns(self) -> Columns: ...

    @property
    def version(self) -> int: ...

    @property
    def closed_count(self) -> int: ...


def a_study(name: str, role: Role = "accent", **parameters: float) -> Study:
    """The indicator of that name where it belongs, with TA-Lib's own numbers for those not given.

    Raises ValueError for a name that is not in the catalogue, or a number out of bounds.
    """
    found = entry(name)
    if found is None:
        raise ValueError(f"there is no indicator {name!r} to draw")
    return Study(name, judged(found, parameters), found.over, role)


@lru_cache(256)
def made_of(study: Study) -> Indicator:
    """The function behind it."""
    return indicator(study.name, None, **dict(study.parameters))


class Drawn(NamedTuple):
    """Places in bar numbers, and the values there of each line: shape (lines, places); NaN where there is none."""

    x: Floats
    y: Floats


class Curve:
    """One study over one series. Rows are worked out as they are asked for."""

    def __init__(self, study: Study, series: Charted) -> None:
        self.study = study
        self._made = made_of(study)
        self._series = series
        self.shown = [number for number, line in enumerate(self._made.lines) if line != _DIRECTION]
        flags = _ABOUT.Function(study.name).info["output_flags"]
        self.shapes: list[Shape] = [self._shape(flags[self._made.lines[number]]) for number in self.shown]
        self._values: Floats = np.empty((len(self._made.lines), 0))
        self._known = np.zeros(0, np.bool_)
        self._history = -1
        self._kept: tuple[int, list[Floats]] = (0, [])
        self._forming: tuple[int, Floats] = (-1, np.empty(0))

    def _shape(self, flags: Sequence[str]) -> Shape:
        if "Histogram" in flags or self.study.name.startswith("CDL"):
            return "columns"
        return "dots" if self.study.name in _DOTS else "line"

    @property
    def names(self) -> list[str]:
        """What TA-Lib calls the lines drawn."""
        return [self._made.lines[number] for number in self.shown]

    def at(self, row: int) -> Floats:
        """Its values at one bar, one for each line drawn."""
        return self._of(np.array([row]))[self.shown, 0]

    def between(self, first: int, end: int, factor: int) -> Drawn:
        """Of rows `first` to `end` - 1 joined as candles are: each group's value is that at its last bar."""
        first = max(0, first // factor * factor)
        starts = np.arange(first, min(end, self._series.columns.rows), factor)
        if not starts.size:
            return Drawn(np.empty(0), np.empty((len(self.shown), 0)))
        rows = np.minimum(starts + factor - 1, self._series.columns.rows - 1)
        return Drawn(starts.astype(np.float64) + (factor - 1) / 2, self._of(rows)[self.shown])

    def _of(self, rows: Any) -> Floats:
        self._catch_up()
        closed = self._series.closed_count
        unknown = rows[(rows < closed)][~self._known[rows[rows < closed]]]
        if unknown.size:
            self._learn(unknown)
        found = self._values[:, np.minimum(rows, max(0, self._values.shape[1] - 1))]
        if rows[-1] >= closed:
            found[:, -1] = self._of_forming(int(rows[-1]))
        return found

    def _of_forming(self, row: int) -> Floats:
        version = self._series.version
        if self._forming[0] != version:
            self._forming = (version, np.atleast_1d(np.array(self._value(row))))
        return self._forming[1]

    def _value(self, row: int) -> Any:
        columns, first = self._series.columns, max(0, row + 1 - self._made.window)
        return last_of(self._made(*(getattr(columns, name)[first : row + 1] for name in self._made.columns)))

    def _learn(self, rows: Any) -> None:
        for row in rows.tolist():
            self._values[:, row] = self._value(row)
        self._known[rows] = True
        first, columns = max(0, int(rows.min()) - self._made.window), self._kept[1]
        if not columns or first < self._kept[0]:
            self._keep(first)

    # -- whether what is known still holds

    def _catch_up(self) -> None:
        series = self._series
        if series.history_version == self._history and self._known.size >= series.columns.rows:
            return
        first, kept = self._kept
        pairs = zip(self._now(first), kept, strict=True) if kept else ()
        if any(not np.array_equal(now[: old.size], old) for now, old in pairs):
            self._known[:] = False
            self._kept = (0, [])
        self._history = series.history_version
        self._make_room(series.columns.rows)
        if self._kept[1]:
            self._keep(first)

    def _now(self, first: int) -> list[Floats]:
        columns, closed = self._series.columns, self._series.closed_count
        return [getattr(columns, name)[first:closed] for name in self._made.columns]

    def _keep(self, first: int) -> None:
        """Remember what the values were made of: when history changes, only another one makes them anew."""
        self._kept = (first, [column.copy() for column in self._now(first)])

    def _make_room(self, rows: int) -> None:
        missing = rows - self._known.size
        if missing > 0:
            missing += rows >> 3
            self._known = np.concatenate((self._known, np.zeros(missing, np.bool_)))
            self._values = np.concatenate((self._values, np.full((len(self._values), missing), np.nan)), axis=1)
