"""What a recording knows of the time before a replay begins: candles, for a strategy's look-back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import final

from alphapanda_desktop.domain.bars import KITE_LAG_S, BarSeries, Hours
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.domain.ticklog import tokens_in
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.trading.liveseries import open_s


@final
class RecordedPast:
    """`domain.ports.History` over the frames before `until_ns`, which are read once for each interval."""

    def __init__(self, recording: Recording, instruments: Sequence[Instrument], until_ns: int, *, hours: bool) -> None:
        self._recording = recording
        self._instruments = {each.instrument_token: each for each in instruments}
        self._until_ns = until_ns
        self._hours = hours
        self._read: dict[Interval, dict[int, BarSeries]] = {}

    async def candles(self, instrument: Instrument, interval: Interval, start: datetime, end: datetime) -> list[Bar]:
        """Bars that begin from start to end, oldest first; the one that ran when the replay begins is not closed."""
        if interval not in self._read:
            self._read[interval] = self._fold(interval)
        series = self._read[interval].get(instrument.instrument_token)
        if series is None or not len(series):
            return []
        last = series.last()
        bars = [*series.closed(), *([last] if last is not None and not last.closed else [])]
        return [bar for bar in bars if start.timestamp() <= bar.start_s <= end.timestamp()]

    def _fold(self, interval: Interval) -> dict[int, BarSeries]:
        made = {token: self._series(each, interval) for token, each in self._instruments.items()}
        for at_ns, frame in self._recording.frames():
            if at_ns >= self._until_ns:
                break
            if not made.keys().isdisjoint(tokens_in(frame)):
                for tick in decode_frame(frame, at_ns):
                    if tick.instrument_token in made:
                        made[tick.instrument_token].add(tick)
        return made

    def _series(self, instrument: Instrument, interval: Interval) -> BarSeries:
        hours = Hours(instrument.exchange) if self._hours else None
        return BarSeries(interval, open_s(instrument), hours, KITE_LAG_S if self._hours else 0.0)
