"""A recorded day as its desk sees it: instruments, and history up to now, all from files.

In Kite's place stands this; nothing here knows an address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self, TypeVar, final

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.barbuilder import Grid, Hours
from alphapanda_desktop.domain.bars import KITE_LAG_S, combined
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.session import IST, Token, trading_day
from alphapanda_desktop.replaying.minutes import MINUTE_S, SECOND, Minutes, read_minutes, running_bar, snapshot
from alphapanda_desktop.replaying.source import Known, Recording
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.trading.liveseries import open_s

T = TypeVar("T")

_TRADES: Final = (calendar.Phase.OPEN, calendar.Phase.PRE_OPEN, calendar.Phase.UNKNOWN)


@final
class RecordedDay:
    """Files of one trading day, read through once: the day's `History` and instruments.

    `played` is for the loop; what is asked of the past is read by a thread from files of its own. `real_hours` says
    that the day lies in the exchange's hours, and not on an evening of the practice exchange.
    """

    def __init__(self, played: Recording, asked: Recording, minutes: Minutes) -> None:
        self.played = played
        self.minutes = minutes
        self._asked = asked
        self._turn = asyncio.Lock()
        self.real_hours = in_hours(played)
        self.lag_s = lag_of(played)
        self.clock: Clock | None = None
        """What time it is in the day; nothing later is told."""

    @classmethod
    async def open(
        cls,
        files: Sequence[Path],
        known: Known = lambda _key: None,
        told: Callable[[float], None] = lambda _part: None,
        *,
        keys: Mapping[Path, str] | None = None,
    ) -> Self:
        """Read the files; `told` hears, on the loop, which part of them has been read.

        `known` gives rows of the day's master, `keys` the instrument of a CSV whose name does not tell it.

        Raises BadData for what is no recording or holds more than a trading day, and OSError.
        """
        loop = asyncio.get_running_loop()

        def tell(part: float) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(told, part)

        def opened() -> Recording:
            return Recording.open(files, known=known, keys=keys)

        asked, minutes = await _in_thread(lambda: _read(opened(), tell))
        return cls(await _in_thread(opened), asked, minutes)

    @property
    def begin_ns(self) -> int:
        return self.played.begin_ns

    @property
    def end_ns(self) -> int:
        return self.played.end_ns

    def use(self, token: Token) -> None:
        """Nobody is asked in the name of a token here."""

    async def instruments(self) -> list[Instrument]:
        """What was recorded; all else there was on the day is not known."""
        return list(self.played.instruments)

    async def snapshot(self, at_ns: int) -> bytes:
        """The frame that tells the prices of that moment; empty at the day's beginning."""
        if at_ns <= self.begin_ns:
            return b""
        wanted = len(self.played.instruments)
        async with self._turn:
            return await _in_thread(lambda: snapshot(self._asked.frames, self.begin_ns, at_ns, wanted))

    async def candles(self, instrument: Instrument, interval: Interval, start: datetime, end: datetime) -> list[Bar]:
        """Bars of this day alone, oldest first, as far as the day has come; the running one is not closed."""
        assert self.clock is not None
        now_ns = min(self.clock.now_ns(), round(end.timestamp() * 1_000_000) * 1_000)
        token, minute_s = instrument.instrument_token, now_ns // SECOND // MINUTE_S * MINUTE_S
        bars = self.minutes.bars(token, int(start.timestamp()), minute_s)
        before = self.minutes.volume_before(token, minute_s)
        first_ns = minute_s * SECOND
        async with self._turn:
            last = await _in_thread(
                lambda: running_bar(self._asked.frames(first_ns), token, minute_s, now_ns, self.lag_s, before)
            )
        hours = self._hours_of(instrument)
        bars = list(_in_session([*bars, *([last] if last else [])], hours, open_s(instrument)))
        return bars if interval is Interval.MINUTE else combined(
            bars, Interval.MINUTE, interval, open_s(instrument), hours
        )  # fmt: skip

    def _hours_of(self, instrument: Instrument) -> Hours | None:
        return Hours(instrument.exchange) if self.real_hours else None

    def close(self) -> None:
        """Nothing is open afterwards."""
        self.played.close()
        self._asked.close()


def _read(recording: Recording, told: Callable[[float], None]) -> tuple[Recording, Minutes]:
    whole = False
    try:
        _check_day(recording)
        span = recording.begin_ns, recording.end_ns
        minutes = read_minutes(recording.frames(), span, lag_of(recording), told)
        whole = True
    finally:
        if not whole:
            recording.close()
    return recording, minutes


def _check_day(recording: Recording) -> None:
    first, last = (_moment(at_ns) for at_ns in (recording.begin_ns, recording.end_ns))
    if trading_day(first) != trading_day(last):
        days = f"{first.astimezone(IST):%d %b %Y} and {last.astimezone(IST):%d %b %Y}"
        raise BadData(f"A replay plays one trading day; this recording holds more, between {days}.")


def lag_of(recording: Recording) -> float:
    """Seconds from a trade to its tick, for ticks that do not say when they were traded."""
    return KITE_LAG_S if in_hours(recording) else 0.0


def in_hours(recording: Recording) -> bool:
    """Whether one of the recorded exchanges traded in the middle of the recording."""
    middle = _moment((recording.begin_ns + recording.end_ns) // 2)
    exchanges = {instrument.exchange for instrument in recording.instruments}
    return any(calendar.phase(exchange, middle) in _TRADES for exchange in exchanges)


def _in_session(bars: Iterable[Bar], hours: Hours | None, opened_s: int) -> Iterable[Bar]:
    """Kite's candles hold the trades of the sessions alone."""
    grid = Grid(Interval.MINUTE, opened_s, hours)
    return (bar for bar in bars if grid.bounds(bar.start_s) is not None)


def _moment(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / SECOND, UTC)


async def _in_thread(work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(in_daemon_thread("recording", work))
