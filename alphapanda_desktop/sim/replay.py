"""A market that plays recorded ticks: what was recorded comes as it was, and nothing else moves.

A recording has neither depth nor, often, volume. So that orders can fill, five levels are laid around the last price,
the same for the same recording; where no volume was kept, every tick counts as one lot. An index cannot be traded, so
its future of the month is listed beside it and follows it tick for tick, without a basis.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import numpy as np

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument, price_divisor
from alphapanda_desktop.domain.market import Mode, Ohlc, Tick
from alphapanda_desktop.sim.candles import INTERVALS, clock_text
from alphapanda_desktop.sim.clock import SimClock
from alphapanda_desktop.sim.hours import DAY_S, IST_S, Hours, day_of
from alphapanda_desktop.sim.market import Listed, Listener
from alphapanda_desktop.sim.prices import Floats, Ints, share, stirred
from alphapanda_desktop.sim.recordings import Recording, first_day, read_recordings
from alphapanda_desktop.sim.roster import INDICES, Index
from alphapanda_desktop.sim.universe import build_universe, expiries, listed, month_code

OPEN_S: Final = 33_300
"""09:15, which Kite's candles are counted from."""
BAND: Final = 0.20
TUESDAYS_SINCE: Final = date(2025, 9, 1)
"""From here NSE's contracts expire on Tuesdays, before on Thursdays; BSE's the other way round."""


def open_replay(
    files: Sequence[Path], speed: float = 1.0, instruments: Path | None = None, hours: str = "always"
) -> ReplayMarket:
    """The market of these recordings, its clock at their first tick. Raises BadData for a file that is none."""
    if not files:
        raise BadData("a replay needs at least one file of ticks")
    universe = build_universe(first_day(files), None, instruments)
    return ReplayMarket(SimClock(speed=speed), read_recordings(files, universe), hours)


class _Track:
    """One instrument's recording with everything that a picture needs, summed up beforehand."""

    def __init__(self, recording: Recording) -> None:
        i = self.instrument = recording.instrument
        self.at_s, self.price = recording.at_s, recording.price
        self.ist = np.floor(self.at_s).astype(np.int64) + IST_S
        day = self.ist // DAY_S
        self.fresh = np.flatnonzero(np.diff(day, prepend=day[0] - 1))
        self.first = self.fresh[np.searchsorted(self.fresh, np.arange(len(day)), side="right") - 1]
        self.high, self.low = self._running(np.maximum), self._running(np.minimum)
        self.units = self._units(recording)
        self.volume = self._sums(self.units.astype(np.float64))
        self.value = self._sums(self.units * self.price)
        before = np.where(self.first > 0, self.price[self.first - 1], self.price[self.first])
        self.close = before
        self.key = np.full(1, zlib.crc32(i.key.encode()), np.uint64)
        self.told = -2

    def _units(self, recording: Recording) -> Ints:
        if recording.volume is None:
            return np.full(len(self.price), max(recording.instrument.lot_size, 1), np.int64)
        units = np.diff(recording.volume, prepend=0)
        units[self.fresh] = recording.volume[self.fresh]
        return units

    def _running(self, best: np.ufunc) -> Floats:
        return np.concatenate([best.accumulate(part) for part in np.split(self.price, self.fresh[1:])])

    def _sums(self, values: Floats) -> Floats:
        return np.concatenate([np.cumsum(part) for part in np.split(values, self.fresh[1:])])

    def index_at(self, at_s: float) -> int:
        """Number of the last tick told by then; the first one before there is any."""
        return max(int(np.searchsorted(self.at_s, at_s, side="right")) - 1, 0)

    def ohlc(self, n: int) -> Ohlc:
        values = (self.price[self.first[n]], self.high[n], self.low[n], self.close[n])
        return Ohlc(*(round(float(v), 4) for v in values))

    def tick(self, n: int) -> Tick:
        """Full-mode tick as of the nth row."""
        token, sent = self.instrument.instrument_token, int(self.at_s[n])
        last = round(float(self.price[n]), 4)
        if not self.instrument.tradable:
            return Tick(token, Mode.FULL, last, tradable=False, ohlc=self.ohlc(n), exchange_epoch_s=sent)
        volume = int(self.volume[n])
        depth = self._depth(n)
        return Tick(
            token, Mode.FULL, last,
            last_traded_quantity=int(self.units[n]),
            average_traded_price=round(float(self.value[n]) / volume, self.instrument.decimals) if volume else 0.0,
            volume_traded=volume,
            total_buy_quantity=sum(depth[0:15:3]) * 40,
            total_sell_quantity=sum(depth[15:30:3]) * 40,
            ohlc=self.ohlc(n), oi=0, oi_day_high=0, oi_day_low=0,
            exchange_epoch_s=sent, last_trade_epoch_s=sent, raw_depth=depth, divisor=price_divisor(token),
        )  # fmt: skip

    def _depth(self, n: int) -> tuple[int, ...]:
        """Levels a tick apart; the last price is the best bid or the best offer."""
        i = self.instrument
        last, step = i.ticks(float(self.price[n])), round((i.tick_size or 0.05) * price_divisor(i.instrument_token))
        words = stirred(self.key, np.arange(n * 16, n * 16 + 11))
        bid = last - int(words[10] & np.uint64(1))
        usual = 200 if i.expiry is None else 12
        lots = 1 + (share(words, 0) * usual).astype(np.int64)
        orders = 1 + (share(words, 16) * np.minimum(lots, 20)).astype(np.int64)
        prices = [bid - k for k in range(5)] + [bid + 1 + k for k in range(5)]
        depth: list[int] = []
        for k, price in enumerate(prices):
            depth += [int(lots[k]) * max(i.lot_size, 1), price * step, int(orders[k])] if price > 0 else [0, 0, 0]
        return tuple(depth)


class ReplayMarket(Listed):
    """The recorded instruments, played at the clock's speed from their first tick; see Market.

    The first day's previous close is its first price, as nothing earlier is known. With hours "real" orders are taken
    while the recording runs, else always.
    """

    def __init__(self, clock: SimClock, recordings: Sequence[Recording], hours: str = "always") -> None:
        everything = [*recordings, *_futures(recordings)]
        super().__init__([r.instrument for r in everything])
        self._tracks = [_Track(r) for r in everything]
        self._hours = Hours(hours)
        self.first_s = min(float(t.at_s[0]) for t in self._tracks)
        self.last_s = max(float(t.at_s[-1]) for t in self._tracks)
        self.clock = clock
        clock.jump_to(datetime.fromtimestamp(self.first_s, UTC))
        self.watched: set[int] = set()
        self.streamed: set[int] = set()
        self.listeners: list[Listener] = []

    def picture(self, instrument_token: int, at_s: float | None = None) -> Tick:
        """Full-mode tick as of now, or of an epoch second."""
        track = self._tracks[self.row_of[instrument_token]]
        return track.tick(track.index_at(self.clock.now_s() if at_s is None else at_s))

    def pictures(self, instrument_tokens: Sequence[int]) -> list[Tick]:
        """Full-mode ticks of many instruments now, in that order."""
        return [self.picture(token) for token in instrument_tokens]

    def circuit(self, instrument_token: int) -> tuple[float, float]:
        """Twenty per cent about the previous close, more where the recording went further; zeros for an index."""
        track = self._tracks[self.row_of[instrument_token]]
        i = track.instrument
        if not i.tradable:
            return 0.0, 0.0
        ohlc = track.ohlc(track.index_at(self.clock.now_s()))
        band = max(BAND, ohlc.high / ohlc.close - 0.95, 1.05 - ohlc.low / ohlc.close)
        return i.snap(ohlc.close * (1 - band)), i.snap(ohlc.close * (1 + band))

    def candles(
        self, instrument_token: int, interval: str, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[list[object]]:
        """Candles of what has been played so far; `continuous` changes nothing, there is no other contract."""
        track, width = self._tracks[self.row_of[instrument_token]], INTERVALS[interval]
        count = int(np.searchsorted(track.at_s, self.clock.now_s(), side="right"))
        rows = _added_up(track, width, count) if count else []
        first = start.timestamp() + IST_S
        if width == DAY_S:
            first = first // DAY_S * DAY_S
        low, high = clock_text(int(first)), clock_text(int(end.timestamp() + IST_S))
        return [row for row in rows if low <= str(row[0]) <= high]

    def step(self) -> list[Tick]:
        """Advance to the clock's now; ticks of watched instruments that were told anew, told to the listeners."""
        now_s, ticks = self.clock.now_s(), []
        for token in sorted((self.watched | self.streamed) & self.row_of.keys()):
            track = self._tracks[self.row_of[token]]
            n = track.index_at(now_s)
            if n != track.told:
                track.told = n
                ticks.append(track.tick(n))
        for listener in list(self.listeners):
            listener(ticks)
        return ticks

    def is_open(self, instrument: Instrument) -> bool:
        """Whether orders are taken now."""
        return self._hours.always or self.first_s <= self.clock.now_s() <= self.last_s


def _added_up(track: _Track, width: int, count: int) -> list[list[object]]:
    seconds, price = track.ist[:count], track.price[:count]
    # Counted from 09:15 of each day, backwards too, so that the pre-open has candles of its own.
    day = seconds // DAY_S
    number = (seconds % DAY_S - OPEN_S) // width if width < DAY_S else np.zeros(count, np.int64)
    starts = np.flatnonzero(np.diff(day * 10_000 + number, prepend=-1))
    ends = np.append(starts[1:], count) - 1
    highs, lows = np.maximum.reduceat(price, starts), np.minimum.reduceat(price, starts)
    volumes = np.add.reduceat(track.units[:count], starts) * int(track.instrument.tradable)
    rows: list[list[object]] = []
    for n, (a, z) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        offset = OPEN_S + int(number[a]) * width if width < DAY_S else 0
        prices = (float(price[a]), float(highs[n]), float(lows[n]), float(price[z]))
        rows.append([clock_text(int(day[a]) * DAY_S + offset), *(round(p, 4) for p in prices), int(volumes[n]), 0])
    return rows


def _futures(recordings: Iterable[Recording]) -> Iterable[Recording]:
    """For each recorded index the future of its month, at the index's own prices on the future's tick."""
    for recording in recordings:
        index = next((i for i in INDICES if i.symbol == recording.instrument.tradingsymbol), None)
        if index is not None and not recording.instrument.tradable:
            future = _near_month(index, day_of(float(recording.at_s[0]) + IST_S), float(recording.price[0]))
            price = np.array([future.snap(p) for p in recording.price.tolist()])
            yield replace(recording, instrument=future, price=price, volume=None)


def _near_month(index: Index, day: date, price: float) -> Instrument:
    weekday = 1 if (index.venue == "NFO") == (day >= TUESDAYS_SINCE) else 3
    expiry = next(expiries(index.venue, day, weekday, monthly=True))
    symbol = f"{index.root}{month_code(expiry)}FUT"
    number = 58_000 if index.venue == "NFO" else 820_000
    number += 10 * INDICES.index(index)
    return listed(index.venue, number, symbol, index.root, price, index.tick, "FUT", expiry, lot=index.lot)
