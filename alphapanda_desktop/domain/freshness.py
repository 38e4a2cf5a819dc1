"""How fresh a price is, judged by how often its instrument usually ticks.

A name that trades every two minutes is not silent after twenty seconds, and one that ticks twice a second is long
before. What a subscription sends first is what was known already: it says nothing of the market's pulse.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

UNTIL_LEARNT_S: Final = 20.0
"""Silence after which a price is old while the usual gap is not known."""

LEARNT_AFTER: Final = 8
"""Gaps that have to be seen before the usual one counts."""

LATE_TIMES: Final = 4.0
OLD_TIMES: Final = 10.0
"""Silence, in usual gaps, that is unusual, and that means that the price cannot be trusted."""

SHORTEST_OLD_S: Final = 5.0
LONGEST_OLD_S: Final = 300.0

_WEIGHT: Final = 1 / 16
_SETTLED: Final = 16
_SHORTEST_S: Final = 0.1
"""What counts as a gap at least: two ticks in one frame are no habit of ticking without end."""
_LONGEST_STEP: Final = 8.0
"""A single gap counts as at most so many usual ones: a lunch break or an outage is no new habit."""

_WEIGHTS: Final = np.array([*(1 / (seen + 1) for seen in range(_SETTLED)), _WEIGHT])
"""What the next gap weighs, by how many were seen."""

_GROWTH: Final = 1024

CLOCKS_DIFFER_S: Final = 60.0
"""How far the exchange's clock may be behind this computer's before its ticks look older than they are."""


class Grade(StrEnum):
    """What a price is worth now; the values are the words on screen."""

    NEVER = "no tick yet"
    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"
    CLOSED = "closed"
    """The last of a session that is over: nobody trades at it now, and nothing is amiss."""


GRADES: Final = (Grade.NEVER, Grade.FRESH, Grade.LATE, Grade.STALE, Grade.CLOSED)
"""Grades by the numbers that `Pulse.grades` gives."""

OLD: Final = frozenset((Grade.STALE, Grade.NEVER, Grade.CLOSED))
"""Grades of a price that must be shown as old, and must carry no entry."""

Rows = NDArray[np.intp]


class Pulse:
    """When instruments ticked last, and how often they usually do: columns by row of the latest-value table.

    Times are seconds of a clock that never steps.
    """

    def __init__(self) -> None:
        self._last_s = np.full(_GROWTH, -np.inf)
        self._usual_s = np.zeros(_GROWTH)
        self._seen = np.zeros(_GROWTH, np.intp)
        """How many gaps were seen, no more than are counted."""
        self._from_s = np.full(_GROWTH, -np.inf)
        """When each was subscribed last."""

    def reserve(self, size: int) -> None:
        """Have room for so many rows."""
        room = len(self._last_s)
        if size > room:
            more = max(size, 2 * room) - room
            self._last_s = np.concatenate((self._last_s, np.full(more, -np.inf)))
            self._usual_s = np.concatenate((self._usual_s, np.zeros(more)))
            self._seen = np.concatenate((self._seen, np.zeros(more, np.intp)))
            self._from_s = np.concatenate((self._from_s, np.full(more, -np.inf)))

    def subscribed(self, rows: Rows, now_s: float) -> None:
        """These are listened to from now on: what they said before is old, their silence until now no habit."""
        self._reserve_for(rows)
        self._from_s[rows] = now_s

    def beat(self, rows: Rows, now_s: float, *, since_s: float) -> None:
        """These ticked now; a silence that reaches back before `since_s` was the link's, not theirs."""
        last_s = self._last_s[rows]
        self._last_s[rows] = now_s
        known = (last_s >= np.maximum(self._from_s[rows], since_s)) & (last_s > -np.inf)
        if not known.all():
            rows, last_s = rows[known], last_s[known]
        gap_s, seen, usual_s = now_s - last_s, self._seen[rows], self._usual_s[rows]
        # The very first may have been a pause of the market: the second shows it.
        usual_s = np.where(seen == 1, np.minimum(usual_s, _LONGEST_STEP * np.maximum(gap_s, _SHORTEST_S)), usual_s)
        most_s = np.where(seen == 0, np.inf, _LONGEST_STEP * np.maximum(usual_s, _SHORTEST_S))
        self._usual_s[rows] = usual_s + (np.minimum(gap_s, most_s) - usual_s) * _WEIGHTS[seen]
        self._seen[rows] = np.minimum(seen + 1, _SETTLED)

    def last_s(self, row: int) -> float | None:
        """When it ticked last, or None."""
        last_s = self._last_s.item(row) if row < len(self._last_s) else -np.inf
        return last_s if last_s > -np.inf else None

    def ages_s(self, rows: Rows, now_s: float) -> NDArray[np.float64]:
        """Seconds since each ticked last; infinite where none came."""
        self._reserve_for(rows)
        ages_s: NDArray[np.float64] = np.maximum(now_s - self._last_s[rows], 0.0)
        return ages_s

    def usual_gap_s(self, row: int) -> float | None:
        """Seconds between its ticks, as far as learnt; None until enough were seen."""
        return self._usual_s.item(row) if self._seen.item(row) >= LEARNT_AFTER else None

    def limits_s(self, row: int) -> tuple[float, float]:
        """Silence after which its price is late, and after which it is stale."""
        old_s = self._old_s(np.array([row])).item()
        return old_s * self._late_share(np.array([row])).item(), old_s

    def grade(self, row: int, now_s: float, *, since_s: float) -> Grade:
        """How fresh its price is on a link that is up since `since_s`."""
        return GRADES[self.grades(np.array([row]), now_s, since_s=since_s).item()]

    def grades(self, rows: Rows, now_s: float, *, since_s: float) -> NDArray[np.intp]:
        """The same of each row, as places in GRADES."""
        self._reserve_for(rows)
        last_s, old_s = self._last_s[rows], self._old_s(rows)
        silence_s = now_s - last_s
        grades = 1 + (silence_s > old_s * self._late_share(rows)).astype(np.intp)
        grades[(silence_s > old_s) | (last_s < np.maximum(self._from_s[rows], since_s))] = GRADES.index(Grade.STALE)
        grades[last_s == -np.inf] = GRADES.index(Grade.NEVER)
        return grades

    def _reserve_for(self, rows: Rows) -> None:
        """Rows may be asked for before the first of them has ticked."""
        if len(rows):
            self.reserve(int(rows.max()) + 1)

    def _old_s(self, rows: Rows) -> NDArray[np.float64]:
        learnt = np.clip(OLD_TIMES * self._usual_s[rows], SHORTEST_OLD_S, LONGEST_OLD_S)
        return np.where(self._seen[rows] < LEARNT_AFTER, UNTIL_LEARNT_S, learnt)

    def _late_share(self, rows: Rows) -> NDArray[np.float64]:
        return np.where(self._seen[rows] < LEARNT_AFTER, 0.5, LATE_TIMES / OLD_TIMES)


class Kept:
    """Which exchange times are of before an instrument was listened to: by row, in epoch seconds of the wall's clock.

    What a subscription tells first was kept, and may be of an hour ago or of yesterday. Where this computer's clock is
    ahead all times look old: a later one than the first that did has ticked since.
    """

    def __init__(self) -> None:
        self._linked_s = 0.0
        self._from_s = np.zeros(_GROWTH)
        self._first_s = np.zeros(_GROWTH, np.int64)

    def linked(self, at_s: float) -> None:
        """A new link: all that it tells first was kept."""
        self._linked_s = at_s
        self._first_s[:] = 0

    def subscribed(self, rows: Rows, at_s: float) -> None:
        """What is told first of these was kept."""
        self._reserve_for(rows)
        self._from_s[rows] = at_s
        self._first_s[rows] = 0

    def was(self, row: int, sent_s: int) -> bool:
        """Whether a tick of that exchange time was kept; one without a time is taken for one of now."""
        from_s = self._from_s.item(row) if row < len(self._from_s) else 0.0
        if not sent_s or sent_s >= max(self._linked_s, from_s) - CLOCKS_DIFFER_S:
            return False
        return self.were(np.array((row,)), np.array((sent_s,))).item()

    def were(self, rows: Rows, sent_s: NDArray[np.int64]) -> NDArray[np.bool_]:
        """The same of many, each once."""
        self._reserve_for(rows)
        old: NDArray[np.bool_] = sent_s < np.maximum(self._from_s[rows], self._linked_s) - CLOCKS_DIFFER_S
        old &= sent_s > 0
        if old.any():
            where, sent_s = rows[old], sent_s[old]
            self._first_s[where] = np.where(self._first_s[where] > 0, self._first_s[where], sent_s)
            old[old] = sent_s <= self._first_s[where]
        return old

    def _reserve_for(self, rows: Rows) -> None:
        room = len(self._from_s)
        size = int(rows.max()) + 1 if len(rows) else 0
        if size > room:
            more = max(size, 2 * room) - room
            self._from_s = np.concatenate((self._from_s, np.zeros(more)))
            self._first_s = np.concatenate((self._first_s, np.zeros(more, np.int64)))
