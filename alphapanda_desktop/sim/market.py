"""The simulated market as the exchange and the stream see it: pictures, steps, candles, limits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

import numpy as np

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.sim.board import Board
from alphapanda_desktop.sim.candles import INTERVALS, Asked, Candles
from alphapanda_desktop.sim.characters import models_of
from alphapanda_desktop.sim.clock import SimClock
from alphapanda_desktop.sim.hours import IST_S, Hours, day_of
from alphapanda_desktop.sim.prices import Factors, Ints

Listener = Callable[[Sequence[Tick]], None]


class Market(Protocol):
    """What a market of the local Kite can be asked, whether it is made up or a recording.

    `watched` is filled by whoever needs steps (the exchange), `streamed` belongs to the stream; `step` tells both
    to the listeners. Raises KeyError for a token that is not listed.
    """

    clock: SimClock
    instruments: list[Instrument]
    watched: set[int]
    streamed: set[int]
    listeners: list[Listener]

    def by_token(self, instrument_token: int) -> Instrument | None: ...

    def by_key(self, key: str) -> Instrument | None: ...

    def picture(self, instrument_token: int, at_s: float | None = None) -> Tick:
        """Full-mode tick as of now, or of an epoch second."""
        ...

    def pictures(self, instrument_tokens: Sequence[int]) -> list[Tick]:
        """Full-mode ticks of many instruments now, in that order."""
        ...

    def circuit(self, instrument_token: int) -> tuple[float, float]:
        """Lower and upper price limit in rupees; zeros for an index."""
        ...

    def candles(
        self, instrument_token: int, interval: str, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[list[object]]:
        """Kite's rows [time+0530, open, high, low, close, volume, oi] starting from `start` to `end`, both included."""
        ...

    def step(self) -> list[Tick]:
        """Advance to the clock's now; ticks of watched instruments whose picture changed, told to the listeners."""
        ...

    def is_open(self, instrument: Instrument) -> bool: ...


class Listed:
    """The instruments of a market by token and by key."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        self.instruments = list(instruments)
        self.row_of = {i.instrument_token: n for n, i in enumerate(self.instruments)}
        self._by_key = {i.key: i for i in self.instruments}

    def by_token(self, instrument_token: int) -> Instrument | None:
        row = self.row_of.get(instrument_token)
        return None if row is None else self.instruments[row]

    def by_key(self, key: str) -> Instrument | None:
        return self._by_key.get(key)


class SimMarket(Listed):
    """A made-up market: for one seed the same trades at the same seconds, whoever asks and however often."""

    def __init__(
        self,
        clock: SimClock,
        seed: int,
        instruments: Sequence[Instrument],
        hours: str = "always",
        calendar: str = "2026",
        volatility: float = 1.0,
    ) -> None:
        super().__init__(instruments)
        self.clock = clock
        self.watched: set[int] = set()
        self.streamed: set[int] = set()
        self.listeners: list[Listener] = []
        self._hours = Hours(hours, calendar)
        self._factors = Factors(seed, volatility)
        models = models_of(self.instruments, day_of(clock.now_s() + IST_S), always=self._hours.always)
        self._leveraged = _with_derivatives(self.instruments)
        self._board = Board(self.instruments, models, self._factors, self._hours, self._leveraged)
        self._candles = Candles(self._board, self._factors, self._hours)
        self._told = np.full((2, len(self.instruments)), -2, np.int64)
        self._rows: Ints = np.zeros(0, np.int64)
        self._rows_for: set[int] = set()

    def picture(self, instrument_token: int, at_s: float | None = None) -> Tick:
        """Full-mode tick as of now, or of an epoch second."""
        row = self.row_of[instrument_token]
        if at_s is None:
            return self.pictures([instrument_token])[0]
        alone, only = np.array([row]), np.zeros(1, np.int64)
        models = self._board.models.taken(alone)
        board = Board([self.instruments[row]], models, self._factors, self._hours, self._leveraged)
        board.advance(only, at_s + IST_S)
        return board.ticks(only)[0]

    def pictures(self, instrument_tokens: Sequence[int]) -> list[Tick]:
        """Full-mode ticks of many instruments now, in that order."""
        rows = np.array([self.row_of[token] for token in instrument_tokens], np.int64)
        self._board.advance(rows, self.clock.now_s() + IST_S)
        return self._board.ticks(rows)

    def circuit(self, instrument_token: int) -> tuple[float, float]:
        """Lower and upper price limit in rupees; zeros for an index.

        Stocks with derivatives and futures have a band of 10 % that makes room in steps of 5 % as prices near it.
        """
        instrument, ohlc = self.instruments[self.row_of[instrument_token]], self.picture(instrument_token).ohlc
        assert ohlc is not None
        if not instrument.tradable:
            return 0.0, 0.0
        if instrument.instrument_type in ("CE", "PE"):
            return instrument.tick_size, instrument.snap(ohlc.close * 3 + ohlc.high + instrument.strike * 0.03)
        moving = instrument.instrument_type == "FUT" or instrument_token in self._leveraged
        gone = max(ohlc.high / ohlc.close - 1, 1 - ohlc.low / ohlc.close)
        band = 0.10 if moving else 0.20
        while gone > band - 0.01:
            band += 0.05
        return instrument.snap(ohlc.close * (1 - band)), instrument.snap(ohlc.close * (1 + band))

    def candles(
        self, instrument_token: int, interval: str, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[list[object]]:
        """Kite's rows [time+0530, open, high, low, close, volume, oi] starting from `start` to `end`, both included.

        `continuous` tells a future's series back beyond its own listing. Raises KeyError for an interval unknown.
        """
        row = self.row_of[instrument_token]
        if interval not in INTERVALS:
            raise KeyError(interval)
        first, last, now = (s + IST_S for s in (start.timestamp(), end.timestamp(), self.clock.now_s()))
        return self._candles.rows(Asked(row, interval, first, last, now, continuous))

    def step(self) -> list[Tick]:
        """Advance to the clock's now; ticks of watched instruments whose picture changed, told to the listeners."""
        rows = self._watched_rows()
        if len(rows):
            self._board.advance(rows, self.clock.now_s() + IST_S)
        state = np.stack([self._board.start[rows], self._board.done[rows]])
        changed = rows[(state != self._told[:, rows]).any(axis=0)]
        self._told[:, rows] = state
        ticks = self._board.ticks(changed) if len(changed) else []
        for listener in list(self.listeners):
            listener(ticks)
        return ticks

    def is_open(self, instrument: Instrument) -> bool:
        """Whether it trades now."""
        auction = instrument.instrument_token in self._leveraged
        return self._hours.is_open(instrument.exchange, self.clock.now_s() + IST_S, auction)

    def _watched_rows(self) -> Ints:
        wanted = self.watched | self.streamed
        if wanted != self._rows_for:
            known = sorted(self.row_of[token] for token in wanted if token in self.row_of)
            self._rows, self._rows_for = np.array(known, np.int64), wanted
        return self._rows


def _with_derivatives(instruments: Sequence[Instrument]) -> set[int]:
    """Tokens of shares on which derivatives are listed."""
    names = {i.name for i in instruments if i.instrument_type != "EQ"}
    shares = (i for i in instruments if i.instrument_type == "EQ" and i.tradable)
    return {i.instrument_token for i in shares if i.tradingsymbol in names}
