"""Candles of the simulated market: the same trades that the ticks tell, added up.

The last week is told second by second, what is older only every sixteen seconds or two minutes: fewer trades of the
same paths, because nobody compares them with ticks any more and years must be told quickly.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

import numpy as np

from alphapanda_desktop.sim.board import Board
from alphapanda_desktop.sim.hours import DAY_S, EPOCH, Hours, Session, day_of
from alphapanda_desktop.sim.prices import Factors, Ints, Prints, prints

INTERVALS: Final = {
    "minute": 60, "3minute": 180, "5minute": 300, "10minute": 600, "15minute": 900, "30minute": 1800,
    "60minute": 3600, "day": DAY_S,
}  # fmt: skip
FIRST_DAY: Final = date(2015, 2, 2)
EXACT_DAYS: Final = 7
MEDIUM_DAYS: Final = 100
MONTH_S: Final = 30 * DAY_S
FUTURE_LIFE: Final = timedelta(days=95)
OPTION_LIFE: Final = timedelta(days=45)

Row = list[object]


class Asked(NamedTuple):
    """A request for candles of one row of the board; times are Indian seconds."""

    row: int
    interval: str
    start: float
    end: float
    now: float
    continuous: bool


def clock_text(ist_s: int) -> str:
    """An Indian second as Kite writes candle times."""
    return f"{datetime.fromtimestamp(ist_s, UTC):%Y-%m-%dT%H:%M:%S}+0530"


class Candles:
    """Answers requests from the board's models; days that are over are remembered, a bounded number of them."""

    def __init__(self, board: Board, factors: Factors, hours: Hours) -> None:
        self._board, self._factors, self._hours = board, factors, hours
        self._past: dict[tuple[int, int, str, int], list[Row]] = {}

    def rows(self, asked: Asked) -> list[Row]:
        """Kite's rows [time, open, high, low, close, volume, oi] whose start lies in [start, end]."""
        exchange, auction = self._board.venue_of(asked.row)
        start = max(asked.start, (self._listed_on(asked) - EPOCH).days * DAY_S)
        if asked.interval == "day":
            start = start // DAY_S * DAY_S
        found: list[Row] = []
        for session in self._hours.spanning(exchange, start, asked.end + 1, asked.now, auction):
            found += self._session(asked, session)
        first, last = clock_text(int(start)), clock_text(int(asked.end))
        return [row for row in found if first <= str(row[0]) <= last]

    def _listed_on(self, asked: Asked) -> date:
        instrument = self._board.instruments[asked.row]
        if instrument.expiry is None or asked.continuous:
            return FIRST_DAY
        return instrument.expiry - (FUTURE_LIFE if instrument.instrument_type == "FUT" else OPTION_LIFE)

    def _session(self, asked: Asked, session: Session) -> list[Row]:
        if session.end + 1 > asked.now:
            return self._told(asked, session, 1)
        age = (day_of(asked.now) - day_of(session.start)).days
        step = 1 if age <= EXACT_DAYS else 16 if age <= MEDIUM_DAYS else 128
        name = (asked.row, session.start, asked.interval + "+" * asked.continuous, step)
        if name not in self._past:
            if len(self._past) > 5_000:
                self._past.clear()
            self._past[name] = self._told(asked, session, step)
        return self._past[name]

    def _told(self, asked: Asked, session: Session, step: int) -> list[Row]:
        period = int(self._board.models.period[asked.row])
        period = -(-period // step) * step
        end = min(session.end, int(asked.now) + 1)
        slots = np.arange(-(-session.start // period), -(-end // period), dtype=np.int64)
        if not len(slots):
            return []
        model = self._board.models.taken(np.array([asked.row]))
        if asked.continuous:
            # The contract that was near then: its expiry is a whole number of months before this one's.
            model = model._replace(expiry_s=session.start + (model.expiry_s - session.start) % MONTH_S)
        out = prints(self._factors, model, slots[None, :], period, step)
        told = np.flatnonzero(out.second[0] + self._board.phase_of(asked.row) <= asked.now)
        return list(self._added_up(asked, session, out, told)) if len(told) else []

    def _added_up(self, asked: Asked, session: Session, out: Prints, told: Ints) -> Iterator[Row]:
        seconds, last = out.second[0, told], out.last[0, told]
        width = INTERVALS[asked.interval]
        number = (seconds - session.start) // width
        starts = np.flatnonzero(np.diff(number, prepend=-1))
        ends = np.append(starts[1:], len(told)) - 1
        highs, lows = np.maximum.reduceat(last, starts).tolist(), np.minimum.reduceat(last, starts).tolist()
        volumes = np.add.reduceat(out.quantity[0, told], starts).tolist()
        tick = float(self._board.models.tick[asked.row])
        held = out.oi[0, told][ends].tolist()
        for n, first, final, high, low, volume, oi in zip(
            number[starts].tolist(), last[starts].tolist(), last[ends].tolist(), highs, lows, volumes, held, strict=True
        ):
            at = session.start // DAY_S * DAY_S if width == DAY_S else session.start + n * width
            yield [clock_text(at), *(round(p * tick, 4) for p in (first, high, low, final)), volume, oi]
