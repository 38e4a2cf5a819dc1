"""The running day of every instrument: what its trades so far add up to.

Sums are whole ticks and units, so the day is the same however often, and in whatever strides, the board is brought up
to date; and the same as adding the trades up into candles.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.instruments import Instrument, price_divisor
from alphapanda_desktop.domain.market import Mode, Ohlc, Tick
from alphapanda_desktop.sim.hours import IST_S, Hours, Session, day_of
from alphapanda_desktop.sim.prices import Factors, Floats, Ints, Models, Prints, Words, moments, prints, share, stirred

Booleans = NDArray[np.bool_]

CHUNK: Final = 50_000
"""Trades computed at once: bounds the memory that a long catching-up takes."""
LEVELS: Final = 5
NEVER: Final = np.int64(2**62)


class Board:
    """State per row of `instruments`; only rows that were advanced are current."""

    def __init__(
        self, instruments: Sequence[Instrument], models: Models, factors: Factors, hours: Hours, auctions: set[int]
    ) -> None:
        count = len(instruments)
        self.instruments, self.models, self._factors, self._hours = instruments, models, factors, hours
        self._venues = sorted({(i.exchange, i.instrument_token in auctions) for i in instruments})
        at = {venue: n for n, venue in enumerate(self._venues)}
        self._venue = np.array([at[i.exchange, i.instrument_token in auctions] for i in instruments], np.int64)
        self._phase = (models.key >> np.uint64(20)).astype(np.int64) % 4 / 4.0
        self.start, self._end = np.full(count, -1, np.int64), np.zeros(count, np.int64)
        self.done = np.full(count, -1, np.int64)
        self._dawn = np.zeros(count, np.int64)
        self.open, self.high, self.low, self.last, self.close = (np.zeros(count, np.int64) for _ in range(5))
        self.bid, self.ask, self.volume, self.value, self.quantity = (np.zeros(count, np.int64) for _ in range(5))
        self.oi, self.oi_high, self.oi_low, self.second = (np.zeros(count, np.int64) for _ in range(4))
        self._words = np.zeros(count, np.uint64)
        divisors = np.array([price_divisor(i.instrument_token) for i in instruments])
        self._steps = np.rint(models.tick * divisors).astype(np.int64)
        self._latest = 0.0

    def venue_of(self, row: int) -> tuple[str, bool]:
        """Exchange, and whether its day ends in a closing auction."""
        return self._venues[int(self._venue[row])]

    def phase_of(self, row: int) -> float:
        """Fraction of a second by which its trades are told after they happened; keeps beats even."""
        return float(self._phase[row])

    def advance(self, rows: Ints, ist_s: float) -> None:
        """Bring these rows to an Indian second; going back in time starts their day over."""
        if ist_s < self._latest:
            self.start[:] = -1
        self._latest = ist_s
        for venue in np.unique(self._venue[rows]):
            session = self._hours.current(self._venues[venue][0], ist_s, self._venues[venue][1])
            there = rows[self._venue[rows] == venue]
            stale = there[self.start[there] != session.start]
            if len(stale):
                self._begin(stale, session, *self._venues[venue])
        behind = rows[self.done[rows] < np.minimum(int(ist_s), self._end[rows] - 1) // self.models.period[rows]]
        for period in np.unique(self.models.period[behind]):
            self._catch_up(behind[self.models.period[behind] == period], int(period), ist_s)

    def _begin(self, rows: Ints, session: Session, exchange: str, auction: bool) -> None:
        before = self._hours.before(exchange, day_of(session.start), auction)
        for period in np.unique(self.models.period[rows]):
            some = rows[self.models.period[rows] == period]
            slot = np.full((1, 1), (before.end - 1) // period, np.int64)
            out = prints(self._factors, self.models.taken(some), slot, int(period))
            self._show(some, np.zeros(len(some), np.int64), out)
            self.close[some] = out.last[:, 0]
        for column in (self.open, self.high, self.low):
            column[rows] = self.last[rows]
        self.volume[rows] = self.value[rows] = self.quantity[rows] = 0
        self.oi_high[rows] = self.oi_low[rows] = self.oi[rows]
        self.start[rows], self._end[rows] = session.start, session.end
        self.done[rows] = self._dawn[rows] = session.start // self.models.period[rows] - 1

    def _catch_up(self, rows: Ints, period: int, ist_s: float) -> None:
        first, last = int(self.done[rows].min()) + 1, int(ist_s) // period
        width = max(1, CHUNK // len(rows))
        for at in range(first, last + 1, width):
            self._fold(rows, np.arange(at, min(at + width, last + 1), dtype=np.int64)[None, :], period, ist_s)

    def _fold(self, rows: Ints, slots: Ints, period: int, ist_s: float) -> None:
        """Add the trades of these slots that have been told by now."""
        words = stirred(self.models.key[rows, None], slots)
        told = moments(slots, words, period) + self._phase[rows, None] <= ist_s
        told &= (slots > self.done[rows, None]) & (slots * period < self._end[rows, None])
        some = np.flatnonzero(told.any(axis=1))
        if not len(some):
            return
        rows, told = rows[some], told[some]
        out = prints(self._factors, self.models.taken(rows), slots, period, words=words[some])
        self._add(rows, told, out)
        newest = told.shape[1] - 1 - np.argmax(told[:, ::-1], axis=1)
        self._show(rows, newest, out)
        self.done[rows] = slots[0, newest]

    def _add(self, rows: Ints, told: Booleans, out: Prints) -> None:
        fresh = self.done[rows] == self._dawn[rows]
        oldest = out.last[np.arange(len(rows)), np.argmax(told, axis=1)]
        for column in (self.open, self.high, self.low):
            column[rows] = np.where(fresh, oldest, column[rows])
        self.high[rows] = np.maximum(self.high[rows], np.where(told, out.last, 0).max(axis=1))
        self.low[rows] = np.minimum(self.low[rows], np.where(told, out.last, NEVER).min(axis=1))
        units = np.where(told, out.quantity, 0)
        self.volume[rows] += units.sum(axis=1)
        self.value[rows] += (units * out.last).sum(axis=1)
        self.oi_high[rows] = np.maximum(self.oi_high[rows], np.where(told, out.oi, 0).max(axis=1))
        self.oi_low[rows] = np.minimum(self.oi_low[rows], np.where(told, out.oi, NEVER).min(axis=1))

    def _show(self, rows: Ints, column: Ints, out: Prints) -> None:
        at = np.arange(len(rows)), column
        self.last[rows], self.bid[rows], self.ask[rows] = out.last[at], out.bid[at], out.ask[at]
        self.second[rows], self.oi[rows], self._words[rows] = out.second[at], out.oi[at], out.words[at]
        # What is told as the last trade is one of those that the second is made of.
        lots = out.quantity[at] // self.models.lot[rows]
        part = 1 + (share(out.words[at], 44) * share(out.words[at], 4) * lots).astype(np.int64)
        self.quantity[rows] = np.minimum(part, lots) * self.models.lot[rows]

    # --- pictures -----------------------------------------------------------------------------------------------

    def ticks(self, rows: Ints) -> list[Tick]:
        """Full-mode ticks of rows, as they were last advanced."""
        depth, totals = self._depth(rows)
        return [
            self._index_tick(row) if self.models.rate[row] == 0 else self._tick(row, words, total)
            for row, words, total in zip(rows.tolist(), depth.tolist(), totals.tolist(), strict=True)
        ]

    def rupees(self, row: int, ticks: float) -> float:
        """A price in ticks of that row as rupees, without the dust of binary fractions."""
        return round(ticks * float(self.models.tick[row]), 4)

    def _ohlc(self, row: int) -> Ohlc:
        return Ohlc(*(self.rupees(row, float(c[row])) for c in (self.open, self.high, self.low, self.close)))

    def _index_tick(self, row: int) -> Tick:
        token, sent = self.instruments[row].instrument_token, int(self.second[row]) - IST_S
        last = self.rupees(row, float(self.last[row]))
        return Tick(token, Mode.FULL, last, tradable=False, ohlc=self._ohlc(row), exchange_epoch_s=sent)

    def _tick(self, row: int, depth: list[int], totals: list[int]) -> Tick:
        instrument, volume = self.instruments[row], int(self.volume[row])
        average = float(self.value[row]) / volume if volume else 0.0
        sent = int(self.second[row]) - IST_S
        return Tick(
            instrument.instrument_token,
            Mode.FULL,
            self.rupees(row, float(self.last[row])),
            last_traded_quantity=int(self.quantity[row]),
            average_traded_price=round(average * float(self.models.tick[row]), instrument.decimals),
            volume_traded=volume,
            total_buy_quantity=totals[0],
            total_sell_quantity=totals[1],
            ohlc=self._ohlc(row),
            oi=int(self.oi[row]),
            oi_day_high=int(self.oi_high[row]),
            oi_day_low=int(self.oi_low[row]),
            exchange_epoch_s=sent,
            last_trade_epoch_s=sent,
            raw_depth=tuple(depth),
            divisor=price_divisor(instrument.instrument_token),
        )

    def _depth(self, rows: Ints) -> tuple[Ints, Ints]:
        """Thirty words of depth per row, and the totals bid and offered."""
        side = np.array([-1] * LEVELS + [1] * LEVELS, np.int64)
        level = np.tile(np.arange(LEVELS, dtype=np.int64), 2)
        best = np.where(side < 0, self.bid[rows, None], self.ask[rows, None])
        price = best + side * level
        words = stirred(self._words[rows, None], level + 8 * (side + 1))
        usual = np.maximum(self.models.rate[rows] / self.models.lot[rows] * 4.0, 2.0)[:, None] * (0.7 + 0.2 * level)
        lots = 1 + (usual * (0.2 + 1.6 * share(words, 0))).astype(np.int64)
        real = price > 0
        quantity = np.where(real, lots * self.models.lot[rows, None], 0)
        orders = np.where(real, 1 + (np.minimum(lots, 60) * share(words, 16) * 0.5).astype(np.int64), 0)
        wire = np.where(real, price * self._steps[rows, None], 0)
        return np.stack([quantity, wire, orders], axis=2).reshape(len(rows), -1), self._totals(rows, quantity)

    def _totals(self, rows: Ints, quantity: Ints) -> Ints:
        shown = np.stack([quantity[:, :LEVELS].sum(axis=1), quantity[:, LEVELS:].sum(axis=1)], axis=1)
        words: Words = stirred(self.models.key[rows, None], self.second[rows, None] // 20 * 2 + np.arange(2))
        deeper: Floats = self.models.rate[rows, None] / self.models.lot[rows, None] * 900.0 * (0.6 + share(words, 0))
        return np.asarray(shown + deeper.astype(np.int64) * self.models.lot[rows, None])
