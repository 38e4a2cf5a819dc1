"""Named moments of market time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from alphapanda_desktop.domain.session import IST

DAY: Final = timedelta(days=1)

SHORTEST_S: Final = 0.1
"""How often a timer may come: each is a call of its strategy."""

MOST: Final = 200
"""Timers that may wait at a time: the next one is looked for with each frame of ticks."""


@dataclass(slots=True)
class _Timer:
    due: datetime
    every: timedelta | None
    within: timedelta | None = None
    """How far ahead it can lie at most; None for one that was asked for at a time of its own."""


class Timers:
    """Named moments of market time; asking for a name again moves it. `due(now)` says which have come."""

    def __init__(self) -> None:
        self._timers: dict[str, _Timer] = {}

    def put(
        self,
        name: str,
        now: datetime,
        *,
        after: float | None = None,
        every: float | None = None,
        at: time | datetime | None = None,
    ) -> None:
        """As `Context.timer`. Raises ValueError unless exactly one of the three is given and can be."""
        if sum(each is not None for each in (after, every, at)) != 1:
            raise ValueError(f"timer {name!r} needs one of after=, every= or at=")
        if name not in self._timers and len(self._timers) >= MOST:
            raise ValueError(f"timer {name!r} would be one more than the {MOST} that may wait at a time")
        if after is not None:
            self.after(name, after, now)
        elif every is not None:
            self.every(name, every, now)
        elif isinstance(at, datetime):
            self.once(name, at)
        elif at is not None:
            self.at(name, at, now)

    def after(self, name: str, seconds: float, now: datetime) -> None:
        """Once, so many seconds from now."""
        span = _span(name, seconds)
        self._timers[name] = _Timer(now + span, None, span)

    def every(self, name: str, seconds: float, now: datetime) -> None:
        """Again and again, without drift; several that were missed come as one."""
        span = _span(name, seconds)
        self._timers[name] = _Timer(now + span, span, span)

    def at(self, name: str, local: time, now: datetime) -> None:
        """Each day at this Indian time, today if it is still to come."""
        if local.tzinfo is not None:
            raise ValueError(f"timer {name!r}: a time of day is Indian time and bears no zone")
        today = datetime.combine(now.astimezone(IST).date(), local, IST)
        self._timers[name] = _Timer(today if today > now else today + DAY, DAY)

    def once(self, name: str, moment: datetime) -> None:
        """Once, at that moment; one that is over comes at once."""
        if moment.tzinfo is None:
            raise ValueError(f"timer {name!r}: {moment} bears no zone")
        self._timers[name] = _Timer(moment, None)

    def stop(self, name: str) -> None:
        """Not any more; a name that is not there is no error."""
        self._timers.pop(name, None)

    def next(self, now: datetime) -> datetime | None:
        """When the next one comes; None without any. One that counts seconds counts anew where the clock went back."""
        for timer in self._timers.values():
            if timer.within is not None and timer.due - now > timer.within:
                timer.due = now + timer.within
        return min((timer.due for timer in self._timers.values()), default=None)

    def due(self, now: datetime) -> list[str]:
        """Names of those that have come since the last question, the earliest first."""
        come = sorted((timer.due, name) for name, timer in self._timers.items() if timer.due <= now)
        for _, name in come:
            timer = self._timers[name]
            if timer.every is None:
                del self._timers[name]
            else:
                timer.due += timer.every * ((now - timer.due) // timer.every + 1)
        return [name for _, name in come]


def _span(name: str, seconds: float) -> timedelta:
    if not SHORTEST_S <= seconds < 1e9:
        raise ValueError(f"timer {name!r} asked for every {seconds} s, {SHORTEST_S} or more can be")
    return timedelta(seconds=seconds)
