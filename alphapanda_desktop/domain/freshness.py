"""How fresh a price is, judged by how often its instrument usually ticks.

A name that trades every two minutes is not silent after twenty seconds, and one that ticks twice a second is long
before. What a subscription sends first is what was known already: it says nothing of the market's pulse.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

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


class Grade(StrEnum):
    """What a price is worth now; the values are the words on screen."""

    NEVER = "no tick yet"
    FRESH = "fresh"
    LATE = "late"
    STALE = "stale"


class Pulse:
    """When instruments ticked last, and how often they usually do. Times are seconds of a clock that never steps."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, list[float]] = {}
        """By token: when it ticked last, its usual gap, and how many gaps were seen (no more than are counted)."""

    def beat(self, tokens: set[int], now_s: float, *, since_s: float) -> None:
        """These ticked now; a silence that reaches back before `since_s` was the link's, not theirs."""
        known = self._known
        for token in tokens:
            row = known.get(token)
            if row is None:
                known[token] = [now_s, 0.0, 0]
                continue
            last_s, usual_s, seen = row
            row[0] = now_s
            if last_s < since_s:
                continue
            gap_s = now_s - last_s
            if seen < _SETTLED:
                row[2] = seen + 1
                if seen < LEARNT_AFTER:
                    row[1] = usual_s + (gap_s - usual_s) / (seen + 1)
                    continue
            gap_s = min(gap_s, _LONGEST_STEP * max(usual_s, _SHORTEST_S))
            row[1] = usual_s + (gap_s - usual_s) * (_WEIGHT if seen >= _SETTLED else 1 / (seen + 1))

    def last_s(self, token: int) -> float | None:
        """When it ticked last, or None."""
        row = self._known.get(token)
        return row[0] if row else None

    def usual_gap_s(self, token: int) -> float | None:
        """Seconds between its ticks, as far as learnt; None until enough were seen."""
        row = self._known.get(token)
        return row[1] if row and row[2] >= LEARNT_AFTER else None

    def limits_s(self, token: int) -> tuple[float, float]:
        """Silence after which its price is late, and after which it is stale."""
        usual_s = self.usual_gap_s(token)
        if usual_s is None:
            return UNTIL_LEARNT_S / 2, UNTIL_LEARNT_S
        old_s = min(max(OLD_TIMES * usual_s, SHORTEST_OLD_S), LONGEST_OLD_S)
        return old_s * LATE_TIMES / OLD_TIMES, old_s

    def grade(self, token: int, now_s: float, *, since_s: float) -> Grade:
        """How fresh its price is on a link that is up since `since_s`."""
        last_s = self.last_s(token)
        if last_s is None:
            return Grade.NEVER
        late_s, old_s = self.limits_s(token)
        silence_s = now_s - last_s
        if last_s < since_s or silence_s > old_s:
            return Grade.STALE
        return Grade.LATE if silence_s > late_s else Grade.FRESH
