"""Live bar series: history behind them, ticks in front, and what was missed in between asked of history again.

A series knows which of its bars may lack trades (docs/decisions/0016): before the first tick of a bar joined midway,
while the link was lost, where a trade came late. Those bars are marked until history has told of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from alphapanda_desktop.domain.bars import KITE_LAG_S, BarSeries, Hours, combined
from alphapanda_desktop.domain.errors import AlphaPandaError, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, Interval, Period, Tick, history_of
from alphapanda_desktop.domain.ports import Clock, History

BACKFILL: Final = {
    Interval.MINUTE: timedelta(days=4),
    Interval.MINUTE_3: timedelta(days=8),
    Interval.MINUTE_5: timedelta(days=12),
    Interval.MINUTE_15: timedelta(days=30),
    Interval.MINUTE_60: timedelta(days=120),
    Interval.DAY: timedelta(days=730),
}
"""How far back a chart begins, by the candles it is made of."""

MEND_EVERY_S: Final = 30.0
MEND_TRIES: Final = 4
"""How often history is asked for one gap: it may have the candle a little later, or never."""

_CASH: Final = frozenset(("NSE", "BSE"))

Key = tuple[int, Period]
Closed = Callable[[int, Period, Bar], None]


class LiveSeries:
    """All series of one market. `hours` holds bars to the exchanges' sessions; `closed` hears of each bar that ends."""

    def __init__(
        self, history: History, master: InstrumentMaster, clock: Clock, closed: Closed, *, hours: bool = False
    ) -> None:
        self._history = history
        self._master = master
        self._clock = clock
        self._closed = closed
        self._real = hours
        self._hours: dict[tuple[str, bool], Hours] = {}
        self._series: dict[Key, BarSeries] = {}
        self._by_token: dict[int, list[tuple[Period, BarSeries]]] = {}
        self._filled: set[Key] = set()
        self._filling: dict[Key, asyncio.Event] = {}
        self._lost_at: datetime | None = None
        self._tried: dict[Key, tuple[object, int, float]] = {}
        """For which gaps history was asked, how often, and when last."""

    def live(self, instrument: Instrument, period: Period) -> BarSeries:
        """The series of this instrument and period, without waiting for history."""
        key = (instrument.instrument_token, period)
        series = self._series.get(key)
        if series is None:
            lag_s = KITE_LAG_S if self._real else 0.0
            series = self._series[key] = BarSeries(period, open_s(instrument), self._hours_of(instrument), lag_s)
            self._by_token.setdefault(instrument.instrument_token, []).append((period, series))
        return series

    def _hours_of(self, instrument: Instrument) -> Hours | None:
        if not self._real:
            return None
        exchange = instrument.exchange
        auction = exchange in _CASH and instrument.tradable and self._master.has_derivatives(instrument)
        return self._hours.setdefault((exchange, auction), Hours(exchange, has_derivatives=auction))

    # -- ticks and the clock -----------------------------------------------------------------------------------------

    def wants(self, instrument_token: int) -> bool:
        """Whether any series lives on this instrument's ticks."""
        return instrument_token in self._by_token

    def take(self, tick: Tick) -> None:
        """Fold a tick into every series of its instrument."""
        token = tick.instrument_token
        for period, series in self._by_token.get(token, ()):
            bar = series.add(tick)
            if bar is not None:
                self._closed(token, period, bar)

    def advance(self, now_s: float) -> None:
        """Close bars whose time is over at `now_s`."""
        for token, rows in list(self._by_token.items()):
            for period, series in rows:
                bar = series.advance(now_s)
                if bar is not None:
                    self._closed(token, period, bar)

    def lost(self, at: datetime) -> None:
        """Ticks may be missing from now on, until they come again."""
        self._lost_at = self._lost_at or at
        for series in self._series.values():
            series.lost(at.timestamp())

    # -- history -----------------------------------------------------------------------------------------------------

    async def filled(self, instrument: Instrument, period: Period) -> BarSeries:
        """The series, back-filled from history once. Raises what History raises; `live` still works then."""
        series = self.live(instrument, period)
        key = (instrument.instrument_token, period)
        while key not in self._filled:
            under_way = self._filling.get(key)
            if under_way is not None:
                await under_way.wait()  # whoever was first asks; where that fails, the next one does
                continue
            done = self._filling[key] = asyncio.Event()
            try:
                await self._ask(instrument, period, self._clock.now() - _span(period))
                self._filled.add(key)
            finally:
                del self._filling[key]
                done.set()
        return series

    async def _ask(self, instrument: Instrument, period: Period, start: datetime) -> None:
        source, end = history_of(period), self._clock.now()
        if source is None:
            return  # bars of ticks or volume, and those shorter than Kite's shortest, begin with the first tick
        bars: Sequence[Bar] = await self._history.candles(instrument, source, start, end)
        if source is not period:
            bars = combined(bars, source, period, open_s(instrument), self._hours_of(instrument))
        closed = self.live(instrument, period).backfill(bars, end.timestamp())
        if closed is not None:
            self._closed(instrument.instrument_token, period, closed)

    async def refill(self) -> None:
        """Close the gap that a lost link left in every filled series; raises the first failure after all were tried."""
        lost_at, self._lost_at = self._lost_at, None
        failures: list[AlphaPandaError] = []
        for token, period in list(self._filled):
            instrument = self._master.by_token(token)
            if instrument is not None and not any(isinstance(error, SessionEnded) for error in failures):
                try:
                    await self._ask(instrument, period, self._gap_start(token, period, lost_at))
                except AlphaPandaError as error:
                    failures.append(error)
        if failures:
            self._lost_at = lost_at or self._lost_at
            raise failures[0]

    def _gap_start(self, token: int, period: Period, lost_at: datetime | None) -> datetime:
        """A day before what may be missing: candles are made of whole sessions."""
        series = self._series[token, period]
        last, now = series.last(), self._clock.now()
        start = datetime.fromtimestamp(last.start_s, UTC) if last else now - _span(period)
        known = [start, *([lost_at] if lost_at else ()), *(datetime.fromtimestamp(g.start_s, UTC) for g in series.gaps)]
        first: datetime = min(known)
        return first - timedelta(days=1)  # the last bar may have begun after the gap

    def torn(self) -> list[Key]:
        """Series with bars that are over and may lack trades, whose turn it is to be mended."""
        now_s = self._clock.monotonic_s()
        return [key for key in self._filled if self._is_torn(key, now_s)]

    def _is_torn(self, key: Key, now_s: float) -> bool:
        series = self._series[key]
        if not series.gaps or history_of(key[1]) is None:
            return False
        if not any(first < series.closed_count for first, _ in series.gap_rows()):
            return False  # the forming bar is asked for once it is over
        gaps, tries, last_s = self._tried.get(key, (None, 0, -MEND_EVERY_S))
        if gaps == series.gaps and tries >= MEND_TRIES:
            return False
        return now_s - last_s >= MEND_EVERY_S

    async def mend(self, keys: Sequence[Key]) -> None:
        """Ask history for what these series lack; a failure leaves the marks, and the next turn asks again."""
        for key in keys:
            instrument, gaps = self._master.by_token(key[0]), self._series[key].gaps
            before, tries, _ = self._tried.get(key, (None, 0, 0.0))
            self._tried[key] = (gaps, tries + 1 if before == gaps else 1, self._clock.monotonic_s())
            if instrument is not None:
                await self._ask(instrument, key[1], self._gap_start(*key, None))


def _span(period: Period) -> timedelta:
    source = history_of(period)
    if source is None:
        return timedelta()
    return min(BACKFILL[source] * (period.seconds // source.seconds), BACKFILL[Interval.DAY])


def open_s(instrument: Instrument) -> int:
    """Session open in seconds after IST midnight, which candles are aligned to."""
    return 32_400 if instrument.exchange in ("CDS", "BCD", "MCX", "NCO") else 33_300
