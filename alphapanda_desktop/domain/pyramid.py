"""Bars in growing numpy columns, and halved copies above them, so that any zoom costs what the screen can show.

Whoever writes says from which row on something changed; whoever reads has the rows above it made anew first. So a tick
costs the same however long the series is, and a series that nobody draws has no rows above its bars at all.
Everything is exact: float64 prices, int64 volumes. Opens and closes are not copied, they are read off the bars.
"""

from __future__ import annotations

from typing import Final, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
T = TypeVar("T", bound=np.generic)

TOP_ROWS: Final = 512
"""Halving ends at a level of so many rows; what is left is worked out when asked."""

_FIRST_ROOM: Final = 128
_SPARE: Final = 3
"""Columns that are full grow by 1/2³: a row is copied some nine times in its life, and little room lies idle."""


class Window(NamedTuple):
    """Bars to draw, each of `factor` rows; the first begins at row `start_row`, a multiple of `factor`.

    The last may be of fewer rows. Views where factor is 1: read them before the next change, never write to them.
    """

    factor: int
    start_row: int
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Ints


class Columns:
    """Columns of one series, oldest row first, with room to grow: only the first `rows` of each mean anything."""

    def __init__(self) -> None:
        self.rows = 0
        self.version = 0
        self.stale_from = 0
        """First row that changed since a pyramid took note; `rows` or more when none did."""
        self.start_s: Ints = np.zeros(_FIRST_ROOM, np.int64)
        self.open: Floats = np.zeros(_FIRST_ROOM)
        self.high: Floats = np.zeros(_FIRST_ROOM)
        self.low: Floats = np.zeros(_FIRST_ROOM)
        self.close: Floats = np.zeros(_FIRST_ROOM)
        self.volume: Ints = np.zeros(_FIRST_ROOM, np.int64)
        self.oi: Ints = np.zeros(_FIRST_ROOM, np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes held, idle room included."""
        columns = (self.start_s, self.open, self.high, self.low, self.close, self.volume, self.oi)
        return sum(column.nbytes for column in columns)

    def touch(self, row: int) -> None:
        """Say that this row, and perhaps later ones, changed."""
        self.version += 1
        self.stale_from = min(self.stale_from, row)

    def append(self, start_s: int, price: float, volume: int) -> None:
        """Begin a row with one price."""
        row = self.rows
        self.make_room(row + 1)
        self.start_s[row], self.volume[row], self.oi[row] = start_s, volume, 0
        self.open[row] = self.high[row] = self.low[row] = self.close[row] = price
        self.rows = row + 1
        self.touch(row)

    def replace(
        self, first: int, start_s: Ints, opens: Floats, high: Floats, low: Floats, close: Floats, volume: Ints, oi: Ints
    ) -> None:
        """Put these rows in place of all from `first` on."""
        rows = first + len(start_s)
        self.make_room(rows)
        part = slice(first, rows)
        self.start_s[part], self.volume[part], self.oi[part] = start_s, volume, oi
        self.open[part], self.high[part], self.low[part], self.close[part] = opens, high, low, close
        self.rows = rows
        self.touch(first)

    def make_room(self, rows: int) -> None:
        """See that `rows` fit; views taken before keep the old columns."""
        if rows <= self.open.size:
            return
        self.start_s, self.volume, self.oi = (grown(c, self.rows, rows) for c in (self.start_s, self.volume, self.oi))
        self.open, self.high = grown(self.open, self.rows, rows), grown(self.high, self.rows, rows)
        self.low, self.close = grown(self.low, self.rows, rows), grown(self.close, self.rows, rows)


def grown(column: NDArray[T], used: int, rows: int) -> NDArray[T]:
    """A longer copy with room for `rows` and some to spare."""
    longer = np.zeros(rows + (rows >> _SPARE) + 1, column.dtype)
    longer[:used] = column[:used]
    return longer


class _Level:
    """Extremes and volume of pairs of the level below."""

    def __init__(self) -> None:
        self.rows = 0
        self.high: Floats = np.zeros(0)
        self.low: Floats = np.zeros(0)
        self.volume: Ints = np.zeros(0, np.int64)

    def make_room(self, rows: int) -> None:
        if rows > self.high.size:
            self.high, self.low = grown(self.high, self.rows, rows), grown(self.low, self.rows, rows)
            self.volume = grown(self.volume, self.rows, rows)


class Pyramid:
    """Levels of halves over one series' columns, made when asked. One for each `Columns`, read by whoever draws."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._levels: list[_Level] = []
        self.combined = 0
        """Rows made by joining pairs so far: the work done."""

    def __len__(self) -> int:
        return self._columns.rows

    @property
    def version(self) -> int:
        """Changes whenever any row does."""
        return self._columns.version

    @property
    def nbytes(self) -> int:
        """Bytes of the levels above the bars."""
        return sum(level.high.nbytes + level.low.nbytes + level.volume.nbytes for level in self._levels)

    def window(self, first: int, last: int, max_bars: int) -> Window:
        """Rows `first` to `last` - 1 as at most `max_bars` bars: the least factor, a power of two, that does it.

        Bars are counted from row 0, so that panning does not shimmer: those at the edges may begin before `first`
        and end after `last`.
        """
        columns, first, last = self._columns, max(0, first), min(last, self._columns.rows)
        if first >= last:
            first = last = max(0, min(first, columns.rows))
        shift = 0
        while (last - 1 >> shift) - (first >> shift) >= max(1, max_bars):
            shift += 1
        return self.joined(first, last, 1 << shift)

    def joined(self, first: int, last: int, factor: int) -> Window:
        """Rows `first` to `last` - 1 with every `factor` of them, a power of two, as one bar; as `window` else."""
        columns, shift = self._columns, factor.bit_length() - 1
        first, last = max(0, first), min(last, columns.rows)
        first = min(first, last)
        if not shift or first == last:
            rows = slice(first, last)
            prices = columns.open[rows], columns.high[rows], columns.low[rows], columns.close[rows]
            return Window(factor, first, *prices, columns.volume[rows])
        self._catch_up()
        start, end = first >> shift, (last - 1 >> shift) + 1
        opens, closes = self._ends(start, end, shift)
        high, low, volume = self._joined(start, end, shift)
        return Window(factor, start << shift, opens, high, low, closes, volume)

    def extent(self, first: int, last: int) -> tuple[float, float] | None:
        """Lowest low and highest high of rows `first` to `last` - 1, None where there are none; in O(log n)."""
        self._catch_up()
        first, last = max(0, first), min(last, self._columns.rows)
        if first >= last:
            return None
        low, high = float("inf"), float("-inf")
        level: Columns | _Level = self._columns
        for above in self._levels:
            if last - first <= 2:
                break
            if first & 1:
                low, high = min(low, level.low.item(first)), max(high, level.high.item(first))
                first += 1
            if last & 1:
                last -= 1
                low, high = min(low, level.low.item(last)), max(high, level.high.item(last))
            first, last, level = first >> 1, last >> 1, above
        if first < last:
            low, high = min(low, float(level.low[first:last].min())), max(high, float(level.high[first:last].max()))
        return low, high

    def _ends(self, start: int, end: int, shift: int) -> tuple[Floats, Floats]:
        """Opens and closes of these groups of 2**shift rows."""
        columns, step = self._columns, 1 << shift
        opens = columns.open[start << shift : columns.rows : step][: end - start]
        closes = np.empty(end - start)
        whole = columns.close[(start + 1 << shift) - 1 : min(end << shift, columns.rows) : step]
        closes[: whole.size] = whole
        closes[whole.size :] = columns.close[columns.rows - 1]
        return opens.copy(), closes

    def _joined(self, start: int, end: int, shift: int) -> tuple[Floats, Floats, Ints]:
        """High, low and volume of these groups of 2**shift rows: those of a level, joined further above the top."""
        depth = min(shift, len(self._levels))
        level = self._levels[depth - 1] if depth else self._columns
        more = shift - depth
        rows = slice(start << more, min(end << more, level.rows))
        if not more:
            return level.high[rows], level.low[rows], level.volume[rows]
        at = np.arange(end - start) << more
        high, low = np.maximum.reduceat(level.high[rows], at), np.minimum.reduceat(level.low[rows], at)
        return high, low, np.add.reduceat(level.volume[rows], at)

    def _catch_up(self) -> None:
        """Make the levels true again from the first changed row on."""
        first, rows = self._columns.stale_from, self._columns.rows
        if first >= rows:
            return
        self._columns.stale_from = rows
        below: Columns | _Level = self._columns
        depth = 0
        while rows > TOP_ROWS:
            if depth == len(self._levels):
                self._levels.append(_Level())
                first = 0
            level = self._levels[depth]
            first, rows, depth = first >> 1, rows + 1 >> 1, depth + 1
            level.make_room(rows)
            _join_pairs(below, level, first, rows)
            self.combined += rows - first
            level.rows, below = rows, level
        del self._levels[depth:]


def _join_pairs(below: Columns | _Level, level: _Level, first: int, end: int) -> None:
    """Write rows `first` to `end` - 1 of the level from the one below; the last may have one row to stand on."""
    pairs = min(end, below.rows >> 1)
    if pairs - first == 1:
        left, right = 2 * first, 2 * first + 1
        level.high[first] = max(below.high.item(left), below.high.item(right))
        level.low[first] = min(below.low.item(left), below.low.item(right))
        level.volume[first] = below.volume.item(left) + below.volume.item(right)
    elif pairs > first:
        rows, lefts, rights = slice(first, pairs), slice(2 * first, 2 * pairs, 2), slice(2 * first + 1, 2 * pairs, 2)
        np.maximum(below.high[lefts], below.high[rights], out=level.high[rows])
        np.minimum(below.low[lefts], below.low[rights], out=level.low[rows])
        np.add(below.volume[lefts], below.volume[rights], out=level.volume[rows])
    if pairs < end:
        alone = 2 * pairs
        level.high[pairs], level.low[pairs] = below.high[alone], below.low[alone]
        level.volume[pairs] = below.volume[alone]
