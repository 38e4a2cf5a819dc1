"""Whose market is closed: a price that waits for the next session is no silent one."""

from __future__ import annotations

from typing import Final

import numpy as np

from alphapanda_desktop.domain.calendar import Phase, phase
from alphapanda_desktop.domain.freshness import GRADES, Grade, Rows
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.quotes import LatestTable

SHUT: Final = frozenset({Phase.POST_CLOSE, Phase.CLOSED, Phase.HOLIDAY, Phase.WEEKEND})
LOOK_EVERY_S: Final = 1.0
_OLD: Final = (GRADES.index(Grade.LATE), GRADES.index(Grade.STALE))
_CLOSED: Final = GRADES.index(Grade.CLOSED)


class ClosedHours:
    """Marks late and stale prices of exchanges that do not trade now; asks the calendar once a second at most.

    Without `hours` the venue never closes, and nothing is marked.
    """

    def __init__(self, table: LatestTable, master: InstrumentMaster, clock: Clock, *, hours: bool) -> None:
        self._table = table
        self._master = master
        self._clock = clock
        self._hours = hours
        self._numbers: dict[str, int] = {}
        self._exchange = np.full(1024, -1, np.int16)
        """By row: the exchange's number; -1 until it was asked for."""
        self._shut = np.zeros(0, np.bool_)
        """By the exchange's number."""
        self._looked_s = -np.inf

    def mark(self, rows: Rows, grades: Rows) -> None:
        """Put CLOSED in the place of an old price's grade, where its exchange is shut."""
        old = np.isin(grades, _OLD)
        if not self._hours or not old.any():
            return
        exchanges = self._exchanges(rows[old])
        self._look()
        known = exchanges >= 0
        shut = np.zeros(len(exchanges), np.bool_)
        shut[known] = self._shut[exchanges[known]]
        places = np.flatnonzero(old)[shut]
        grades[places] = _CLOSED

    def _exchanges(self, rows: Rows) -> Rows:
        room = int(rows.max()) + 1
        if room > len(self._exchange):
            more = max(room, 2 * len(self._exchange)) - len(self._exchange)
            self._exchange = np.concatenate((self._exchange, np.full(more, -1, np.int16)))
        new = rows[self._exchange[rows] < 0]
        for row, token in zip(new.tolist(), self._table.tokens(new.tolist()) if len(new) else (), strict=True):
            instrument = self._master.by_token(token)
            if instrument is not None:
                self._exchange[row] = self._numbers.setdefault(instrument.exchange, len(self._numbers))
        return self._exchange[rows].astype(np.intp)

    def _look(self) -> None:
        now_s = self._clock.monotonic_s()
        if len(self._shut) == len(self._numbers) and now_s - self._looked_s < LOOK_EVERY_S:
            return
        now = self._clock.now()
        plans = (False, True)  # shares with a closing auction end later than others: shut is what neither plan trades
        self._shut = np.array(
            [all(phase(name, now, has_derivatives=plan) in SHUT for plan in plans) for name in self._numbers], np.bool_
        )
        self._looked_s = now_s
