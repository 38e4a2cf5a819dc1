"""When the simulated exchanges trade, in seconds of Indian time (epoch + 19800): all that the market counts in."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from alphapanda_desktop.domain.calendar import session_on

IST_S: Final = 19_800
DAY_S: Final = 86_400
EPOCH: Final = date(1970, 1, 1)
LAST_OLD_DAY: Final = date(2026, 7, 31)
"""The last day before the closing auction and the longer derivatives session."""


class Session(NamedTuple):
    """A stretch of trading, [start, end) in Indian seconds."""

    start: int
    end: int


def day_of(ist_s: float) -> date:
    """Indian calendar day of an Indian second."""
    return EPOCH + timedelta(days=int(ist_s // DAY_S))


def midnight(day: date) -> int:
    """Indian second at which a day begins."""
    return (day - EPOCH).days * DAY_S


@lru_cache(maxsize=20_000)
def _regular(exchange: str, day: date, auction: bool, rules_of: date) -> Session | None:
    today = session_on(exchange, day, has_derivatives=auction, rules_of=rules_of)
    if today is None:
        return None
    return Session(int(today.open.timestamp()) + IST_S, int(today.close.timestamp()) + IST_S)


class Hours:
    """Sessions per exchange: `always` makes the running Indian day one long session, past days keep their own.

    Breaks within a special day are traded through. `auction` marks a stock whose day ends in a closing auction; the
    auction itself is not played, its continuous trading just ends earlier, and only in real hours.
    """

    def __init__(self, hours: str = "always", calendar: str = "2026") -> None:
        self.always = hours == "always"
        self._old = calendar != "2026"

    def regular(self, exchange: str, day: date, auction: bool = False) -> Session | None:
        """The exchange's session of a day, None when it stays shut."""
        rules_of = min(day, LAST_OLD_DAY) if self._old else day
        return _regular(exchange, day, auction and not self.always, rules_of)

    def current(self, exchange: str, ist_s: float, auction: bool = False) -> Session:
        """The session that runs, or else the last one that ran."""
        day = day_of(ist_s)
        if self.always:
            return Session(midnight(day), midnight(day) + DAY_S)
        session = self.regular(exchange, day, auction)
        if session is None or ist_s < session.start:
            return self.before(exchange, day, auction)
        return session

    def before(self, exchange: str, day: date, auction: bool = False) -> Session:
        """The last regular session of an earlier day."""
        while True:
            day -= timedelta(days=1)
            session = self.regular(exchange, day, auction)
            if session is not None:
                return session

    def is_open(self, exchange: str, ist_s: float, auction: bool = False) -> bool:
        session = self.current(exchange, ist_s, auction)
        return session.start <= ist_s < session.end

    def spanning(self, exchange: str, start: float, end: float, now: float, auction: bool = False) -> Iterator[Session]:
        """Sessions that touch [start, end), oldest first, none that begins after `now`."""
        day, today = day_of(start), day_of(now)
        while day <= min(day_of(end), today):
            session = self.regular(exchange, day, auction)
            if self.always and day == today:
                session = Session(midnight(day), midnight(day) + DAY_S)
            if session is not None and session.start <= now and session.start < end and session.end > start:
                yield session
            day += timedelta(days=1)
