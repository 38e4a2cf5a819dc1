"""Where an axis puts its marks, and what it writes there; no Qt."""

from __future__ import annotations

import math
from bisect import bisect_left
from datetime import datetime
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.bars import IST_OFFSET_S
from alphapanda_desktop.domain.session import IST

Floats = NDArray[np.float64]

LABEL_PX: Final = 76.0
"""Room that a time label takes, with air."""

_DAY_S: Final = 86_400
_STEPS_S: Final = (10_800, 3_600, 1_800, 900, 300, 60, 15, 5, 1)
_SAMPLES: Final = 4_000


class TimeMark(NamedTuple):
    """A mark of the time axis; a major one stands where a day, month or year begins."""

    x: float
    text: str
    major: bool


def price_marks(low: float, high: float, count: int, finest: float) -> Floats:
    """About `count` round prices between two prices, no closer than `finest`."""
    if not (math.isfinite(low) and math.isfinite(high)) or high <= low or count < 1:
        return np.empty(0)
    rough = max((high - low) / count, finest)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 2.5, 5, 10) if power * factor >= rough * (1 - 1e-9))
    marks = np.arange(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1) * step
    return np.round(marks, 10)


def log_marks(low: float, high: float, count: int, finest: float) -> Floats:
    """About `count` round prices, evenly strewn over a logarithmic scale."""
    if not (math.isfinite(low) and math.isfinite(high)) or low <= 0 or high < 2.5 * low:
        return price_marks(low, high, count, finest)
    decades = math.log10(high / low)
    found: Floats = np.empty(0)
    for factors in _LOG_FACTORS:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        marks = np.array([round(10.0**power * factor, 10) for power in powers for factor in factors], np.float64)
        marks = marks[(marks >= max(low, finest)) & (marks <= high)]
        closest = float(np.diff(np.log10((*factors, 10.0))).min())
        if found.size and decades / closest > 1.6 * count:
            break
        found = marks
    return found


_LOG_FACTORS: Final[tuple[tuple[float, ...], ...]] = (
    (1.0,),
    (1.0, 3.0),
    (1.0, 2.0, 5.0),
    (1.0, 1.5, 2.0, 3.0, 5.0, 7.0),
    (1.0, 1.2, 1.4, 1.6, 1.8, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0),
)


def percent_marks(low: float, high: float, count: int, base: float) -> Floats:
    """About `count` prices that are a round per cent away from `base`."""
    if base <= 0:
        return np.empty(0)
    return base * (1 + price_marks((low / base - 1) * 100, (high / base - 1) * 100, count, 0.01) / 100)


def stride_of(rows: int) -> int:
    """Of so many rows every such one is looked at for marks."""
    return max(1, rows // _SAMPLES)


def time_marks(times: Floats, first: int, px_per_row: float, stride: int = 1) -> list[TimeMark]:
    """Marks for rows at these epoch seconds: row `first` and every `stride`th after it.

    Years, months and days come first; hours and minutes only as fine as they fit evenly.
    """
    local = times.astype(np.int64) + IST_OFFSET_S
    if local.size < 2:
        return []
    px_per_sample, placed = px_per_row * stride, _Places()
    for level in _levels(local, is_intraday=bool(np.diff(times[:50]).min() < _DAY_S)):
        starts = np.flatnonzero(np.diff(level.unit)) + 1
        if level.step_s and starts.size * LABEL_PX > local.size * px_per_sample:
            break
        for k in starts.tolist():
            placed.add(k * px_per_sample, k, level)
    return [TimeMark(first + k * stride, _label(times, k, level), level.major) for k, level in placed.found()]


class _Level(NamedTuple):
    """Numbers that change where a year, month, day or stretch of the clock begins."""

    unit: NDArray[np.int64]
    major: bool
    step_s: int
    """Length of the stretch; 0 for the calendar's."""
    is_intraday: bool


def _levels(local: NDArray[np.int64], *, is_intraday: bool) -> list[_Level]:
    day = local // _DAY_S
    months = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    calendar = [(months // 12, True), (months, True), (day, is_intraday)]
    levels = [_Level(unit, major, 0, is_intraday) for unit, major in calendar]
    return levels + [_Level(local // step, False, step, True) for step in _STEPS_S if is_intraday]


class _Places:
    """Labels that are placed, each with its room; who comes first stays."""

    def __init__(self) -> None:
        self._px: list[float] = []
        self._marks: list[tuple[int, _Level]] = []

    def add(self, px: float, row: int, level: _Level) -> None:
        at = bisect_left(self._px, px)
        for neighbour in self._px[max(0, at - 1) : at + 1]:
            if abs(neighbour - px) < LABEL_PX:
                return
        self._px.insert(at, px)
        self._marks.insert(at, (row, level))

    def found(self) -> list[tuple[int, _Level]]:
        return self._marks


def _label(times: Floats, row: int, level: _Level) -> str:
    at_s = float(times[row])
    if level.step_s:
        late_s = (at_s + IST_OFFSET_S) % level.step_s
        # The first tick of 12:45 may be a second late; the first bar after a gap is another time altogether.
        here = datetime.fromtimestamp(at_s - late_s if late_s < 60 else at_s, IST)
        return f"{here:%H:%M:%S}" if here.second else f"{here:%H:%M}"
    here = datetime.fromtimestamp(at_s, IST)
    before = datetime.fromtimestamp(float(times[max(0, row - 1)]), IST)
    if here.year != before.year:
        return f"{here:%Y}"
    if level.is_intraday:
        return f"{here.day} {here:%b}"
    return f"{here:%b}" if here.month != before.month else f"{here.day}"
