"""What a recording knows of the past: candles of all that has been played or lies before, and nothing later."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from alphapanda_desktop.domain.bars import KITE_LAG_S, BarSeries, Hours
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.domain.ticklog import tokens_in
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.trading.liveseries import open_s


@dataclass(slots=True)
class _Read:
    """Bars of one length, and up to when the recording has been folded into them."""

    series: dict[int, BarSeries]
    until_ns: int = -1


@final
class RecordedPast:
    """`domain.ports.History` over the frames up to `heard_ns()`; each is read once for each interval."""

    def __init__(
        self, recording: Recording, instruments: Sequence[Instrument], heard_ns: Callable[[], int], *, hours: bool
    ) -> None:
        self._recording = recording
        self._instruments = {each.instrument_token: each for each in instruments}
        self._heard_ns = heard_ns
        self._hours = hours
        self._read: dict[Interval, _Read] = {}

    async def candles(self, instrument: Instrument, interval: Interval, start: datetime, end: datetime) -> list[Bar]:
        """Bars that begin from start to end, oldest first; the running one is not closed."""
        series = self._up_to_now(interval).get(instrument.instrument_token)
        last = series.last() if series is not None else None
        if series is None or last is None:
            return []
        bars = [*series.closed(), *([] if last.closed else [last])]
        return [bar for bar in bars if start.timestamp() <= bar.start_s <= end.timestamp()]

    def _up_to_now(self, interval: Interval) -> dict[int, BarSeries]:
        read, heard_ns = self._read.get(interval), self._heard_ns()
        if read is None:
            made = {token: self._series(each, interval) for token, each in self._instruments.items()}
            read = self._read[interval] = _Read(made)
        for at_ns, frame in self._recording.frames(read.until_ns + 1):
            if at_ns > heard_ns:
                break
            if not read.series.keys().isdisjoint(tokens_in(frame)):
                for tick in decode_frame(frame, at_ns):
                    if tick.instrument_token in read.series:
                        read.series[tick.instrument_token].add(tick)
        read.until_ns = heard_ns
        return read.series

    def _series(self, instrument: Instrument, interval: Interval) -> BarSeries:
        hours = Hours(instrument.exchange) if self._hours else None
        return BarSeries(interval, open_s(instrument), hours, KITE_LAG_S if self._hours else 0.0)
