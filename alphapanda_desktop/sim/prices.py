"""The seeded market: every price is a fixed mix of a few random factors, and every trade a pure function of its second.

A factor is a path over all of Indian time. It is pinned every eight hours to a level that drifts over the years,
and refined between the pins by halving (a Brownian bridge), each halving drawn from its own counter-based stream.
So any second of any day can be read alone, twice, or coarsely, and always says the same.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.sim.hours import DAY_S

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

FACTORS: Final = 16
CELL_S: Final = 28_800
COARSE_S: Final = 128
STEPS: Final = (1, 16, 128)
"""Resolutions at which a factor can be read: seconds between its points."""

SIGMA_1S: Final = 0.01 / np.sqrt(22_500)
"""Unit factor: one per cent over a session of 375 minutes."""
PIN_SIGMA: Final = 0.0035
DRIFT_SIGMA: Final = 0.007
DRIFT_KEEP: Final = 0.994
"""What is left of a drift after a day: swings of some per cent that come back within half a year."""
FIRST_DAY: Final = 16_071  # 2014-01-01
DRIFT_DAYS: Final = 10_000

RATE: Final = 0.06
YEAR_S: Final = 365.0 * DAY_S


@cache
def _drift() -> Floats:
    """Level of every factor on every day since 2014, the same for all seeds: [factor, day]."""
    noise = np.random.Generator(np.random.Philox(key=7)).standard_normal((DRIFT_DAYS, FACTORS)) * DRIFT_SIGMA
    level = np.zeros(FACTORS)
    for row in noise:
        level *= DRIFT_KEEP
        level += row
        row[:] = level
    return np.ascontiguousarray(noise.T)


def drift_at(day: float) -> Floats:
    """Seed-free level of the factors at a (fractional) day count since 1970."""
    table = _drift()
    at = min(max(day - FIRST_DAY, 0.0), DRIFT_DAYS - 2.0)
    left = int(at)
    return np.asarray(table[:, left] + (table[:, left + 1] - table[:, left]) * (at - left))


class Factors:
    """Paths of the factors for one seed; cells that were read lately are kept."""

    def __init__(self, seed: int, volatility: float = 1.0) -> None:
        self._seed = seed & 0xFFFF_FFFF_FFFF_FFFF
        self._sigma = SIGMA_1S * volatility
        self._cells: dict[int, OrderedDict[int, Floats]] = {step: OrderedDict() for step in STEPS}
        self._room = {1: 9, 16: 80, 128: 8}
        self._joined: dict[tuple[int, int, int], Floats] = {}

    def read(self, start: int, end: int, step: int = 1) -> Floats:
        """Values at start, start + step … below end, in Indian seconds: [factor, point]."""
        block, first = self.block(start, end, step)
        return block[:, (start - first) // step : -(-(end - first) // step)]

    def block(self, start: int, end: int, step: int = 1) -> tuple[Floats, int]:
        """An array [factor, point] that holds at least start to end, and the Indian second of its first point."""
        first, last = start // CELL_S, (end - 1) // CELL_S
        if first == last:
            return self._cell(first, step), first * CELL_S
        name = first, last, step
        if name not in self._joined:
            if len(self._joined) > 2:
                self._joined.clear()
            self._joined[name] = np.concatenate([self._cell(n, step) for n in range(first, last + 1)], axis=1)
        return self._joined[name], first * CELL_S

    def _cell(self, index: int, step: int) -> Floats:
        kept = self._cells[step]
        if index in kept:
            kept.move_to_end(index)
        else:
            kept[index] = self._draw(index, step)
            if len(kept) > self._room[step]:
                kept.popitem(last=False)
        return kept[index]

    def _draw(self, index: int, step: int) -> Floats:
        count = CELL_S // COARSE_S
        walk = np.cumsum(self._normals(index, 0, count), axis=1) * (self._sigma * np.sqrt(COARSE_S))
        along = np.arange(1, count + 1) / count
        left, right = self._pin(index)[:, None], self._pin(index + 1)[:, None]
        path = np.concatenate([left, left + walk + (right - left - walk[:, -1:]) * along], axis=1)
        gap = COARSE_S
        while gap > step:
            path = self._halve(path, gap, index)
            gap //= 2
        return np.ascontiguousarray(path[:, :-1])

    def _halve(self, path: Floats, gap: int, index: int) -> Floats:
        finer = np.empty((FACTORS, path.shape[1] * 2 - 1))
        finer[:, ::2] = path
        noise = self._normals(index, gap, path.shape[1] - 1)
        finer[:, 1::2] = (path[:, :-1] + path[:, 1:]) * 0.5 + noise * (self._sigma * np.sqrt(gap) * 0.5)
        return finer

    def _pin(self, index: int) -> Floats:
        own = self._normals(index, 1, 1)[:, 0] * PIN_SIGMA
        return np.asarray(drift_at(index * CELL_S / DAY_S) + own)

    def _normals(self, index: int, level: int, count: int) -> Floats:
        stream = np.random.Philox(key=self._seed | (index << 64), counter=[0, 0, 0, level])
        return np.random.Generator(stream).standard_normal((FACTORS, count))


def mixed(words: Words) -> Words:
    """Well-stirred 64 bits for each input (the finaliser of splitmix64)."""
    z = words + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def stirred(keys: Words, counters: Ints) -> Words:
    """64 random bits for each pair of a key and a counter (broadcast)."""
    return mixed(keys ^ mixed(counters.astype(np.uint64)))


def share(words: Words, shift: int) -> Floats:
    """Sixteen of the bits as a number in [0, 1)."""
    return ((words >> np.uint64(shift)) & np.uint64(0xFFFF)).astype(np.float64) / 65536.0


def _normal_cdf(x: Floats) -> Floats:
    """Error below 1e-7: Abramowitz and Stegun 26.2.17."""
    t = 1.0 / (1.0 + 0.2316419 * np.abs(x))
    poly = t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
    upper = np.exp(-0.5 * x * x) * 0.3989422804014327 * poly
    return np.where(x >= 0, 1.0 - upper, upper)


def option_price(spot: Floats, strike: Floats, years: Floats, sigma: Floats, side: Floats) -> Floats:
    """Black's price of a European option on the forward, with a smile around `sigma`; side is +1 call, -1 put."""
    life = np.maximum(years, 1e-6)
    root = np.sqrt(life)
    forward = spot * np.exp(RATE * life)
    away = np.clip(np.log(strike / forward) / (sigma * root), -4.0, 4.0)
    width = sigma * (1.0 - 0.05 * away + 0.04 * away * away) * root
    d1 = np.log(forward / strike) / width + 0.5 * width
    undiscounted = side * (forward * _normal_cdf(side * d1) - strike * _normal_cdf(side * (d1 - width)))
    return np.asarray(np.exp(-RATE * life) * np.maximum(undiscounted, 0.0))


class Models(NamedTuple):
    """How each instrument is priced and traded: one row per instrument."""

    log_base: Floats
    mix: Floats  # [row, place]: weights of the factors that it follows, the rest zero
    follows: Ints  # [row, place]: which factors those are
    tick: Floats
    carry: Floats  # 1 where the price carries interest to its expiry, else 0
    expiry_s: Floats  # Indian second, 0 where it has none
    strike: Floats
    side: Floats  # +1 call, -1 put, 0 no option
    sigma: Floats  # of the underlying, a year
    spread: Ints  # ticks between bid and offer at the least
    lot: Ints
    rate: Floats  # units traded a second; 0 for an index
    period: Ints  # seconds per trade
    oi: Floats  # ordinary open interest
    key: Words

    def taken(self, rows: Ints) -> Models:
        """The models of some rows, in that order."""
        return Models._make(column[rows] for column in self)


class Prints(NamedTuple):
    """Trades: one per slot of an instrument, prices in ticks, times in Indian seconds. All [row, slot]."""

    second: Ints
    last: Ints
    bid: Ints
    ask: Ints
    quantity: Ints
    oi: Ints
    words: Words


def moments(slots: Ints, words: Words, period: int) -> Ints:
    """Indian seconds of the slots' trades, each somewhere within its slot."""
    return slots * period + (words % np.uint64(period)).astype(np.int64)


def prints(
    factors: Factors, models: Models, slots: Ints, period: int, step: int = 1, words: Words | None = None
) -> Prints:
    """The trades of the given slots (slot × period is where each begins) for all rows of `models`.

    `slots` is [1 or row, slot], ascending. With a coarse step the period must be a multiple of it. `words` are keys
    and slots stirred, where the caller has done that already.
    """
    words = stirred(models.key[:, None], slots) if words is None else words
    second = moments(slots, words, period) if step == 1 else slots * period + np.zeros_like(words, np.int64)
    block, first = factors.block(int(second.min()), int(second.max()) + 1, step)
    at = (second - first) // step
    swing = block[FACTORS - 1].take(at) if models.oi.any() else np.zeros(at.shape)
    return _trades(models, _middles(models, block, second, at), second, words, period, swing)


def _middles(models: Models, block: Floats, second: Ints, at: Ints) -> Floats:
    """Fair prices in ticks. Summed factor by factor: the same bits however many are asked for at once."""
    flat, width = block.ravel(), block.shape[1]
    total = np.zeros(at.shape) + models.log_base[:, None]
    for k in range(int(np.count_nonzero(models.mix, axis=1).max())):
        total += flat.take(at + models.follows[:, k : k + 1] * width) * models.mix[:, k : k + 1]
    price = np.exp(total)
    if models.expiry_s.any():
        price = _derived(models, price, np.maximum(models.expiry_s[:, None] - second, 0.0) / YEAR_S)
    return np.asarray(price / models.tick[:, None])


def _derived(models: Models, price: Floats, years: Floats) -> Floats:
    """Prices of contracts, where rows are contracts, from those of their underlyings."""
    price = np.where(models.carry[:, None] > 0, price * np.exp(RATE * years), price)
    chosen = np.flatnonzero(models.side)
    if len(chosen):
        m = models.taken(chosen)
        price[chosen] = option_price(price[chosen], m.strike[:, None], years[chosen], m.sigma[:, None], m.side[:, None])
    return price


def _trades(models: Models, middle: Floats, second: Ints, words: Words, period: int, swing: Floats) -> Prints:
    indices = (models.rate == 0)[:, None]
    width = models.spread[:, None] + (middle * np.where(models.side != 0, 0.002, 0.00005)[:, None]).astype(np.int64)
    bid = np.maximum(np.floor(middle - (width - 1) * 0.5).astype(np.int64), 0)
    lifted = ((words >> np.uint64(20)) & np.uint64(1)).astype(np.int64)
    last = np.where(indices, np.rint(middle).astype(np.int64), bid + lifted * width)
    burst = 0.2 + 3.2 * share(words, 24) ** 3
    lots = np.maximum(np.rint(models.rate[:, None] * period * burst / models.lot[:, None]), 1.0)
    quantity = np.where(indices, 0, lots.astype(np.int64) * models.lot[:, None])
    # In steps of a two-thousandth, as open interest is not counted anew at every trade.
    held = models.oi[:, None] * (1.0 + np.floor(swing * 8000.0) / 2000.0)
    oi = np.maximum(np.rint(held / models.lot[:, None]), 0.0).astype(np.int64) * models.lot[:, None]
    return Prints(second, np.maximum(last, 1), bid, bid + width, quantity, oi, words)
