"""Who each instrument is in the simulated market: what it follows, how often it trades, how much."""

from __future__ import annotations

import math
import zlib
from collections.abc import Iterable, Sequence
from datetime import date
from functools import cache
from statistics import median
from typing import Final, NamedTuple

import numpy as np

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.sim.hours import DAY_S, EPOCH, midnight
from alphapanda_desktop.sim.prices import FACTORS, Floats, Models, drift_at, share, stirred
from alphapanda_desktop.sim.roster import FUTURES, INDICES, SECTORS, STOCKS, Index

SESSION_S: Final = 22_500
PERIODS: Final = (5, 10, 20, 20, 30, 60, 60, 60)
"""Seconds per trade of a company that nobody named, one of these. All periods divide five minutes."""


class Nature(NamedTuple):
    """An underlying: price when every factor is at rest, how it mixes the factors, units traded a day."""

    price: float
    mix: Floats
    daily: float

    @property
    def sigma(self) -> float:
        """Volatility over a year that option sellers would ask for."""
        return max(float(np.linalg.norm(self.mix)) * 0.0088 * math.sqrt(252.0), 0.03)


def _own_way(name: str) -> Floats:
    """A direction of its own among the factors that belong to no sector; length 1."""
    key = np.full(1, zlib.crc32(name.encode()), np.uint64)
    words = stirred(key, np.arange(FACTORS - len(SECTORS)))
    way = share(words, 0) + share(words, 16) + share(words, 32) - 1.5
    return np.concatenate([np.zeros(len(SECTORS)), way / np.linalg.norm(way)])


def _follower(name: str, sector: str, length: float = 1.5) -> Floats:
    """A company's mix: the market, its sector, and itself."""
    mix = _own_way(name) * length
    mix[0] += 0.8 + 0.4 * (zlib.crc32(name.encode()) % 100) / 100
    mix[SECTORS.index(sector)] += 0.7 if sector != "market" else 0.0
    return mix


@cache
def _named() -> dict[str, Nature]:
    """Natures of everything in the roster, indices by their derivatives' name and by their own."""
    found = {
        stock.symbol: Nature(stock.price, _follower(stock.symbol, stock.sector), stock.millions * 1e6)
        for stock in STOCKS
    }
    for index in INDICES:
        mix = sum((found[symbol].mix * w for symbol, w in weights_of(index).items()), np.zeros(FACTORS))
        found[index.root] = found[index.symbol] = Nature(index.level, mix, 5e6)
    for future in FUTURES:
        length = future.volatility / math.sqrt(252.0) / 0.0088
        found.setdefault(future.root, Nature(future.price, _own_way(future.root) * length, future.daily))
    return found


def weights_of(index: Index) -> dict[str, float]:
    """Shares, adding up to 1, with which an index follows its stocks' relative moves."""
    weights = {stock.symbol: float(getattr(stock, index.weight)) for stock in STOCKS}
    return {symbol: w / sum(weights.values()) for symbol, w in weights.items() if w}


def level_on(name: str, day: date) -> float:
    """Where a named underlying stands at the start of a day, but for what one seed adds; rupees."""
    nature = _named()[name]
    return nature.price * math.exp(float(nature.mix @ drift_at((day - EPOCH).days)))


def plausible_price(symbol: str) -> float:
    """A price for a company that nobody has named, between 40 and 4,000 rupees."""
    spread = zlib.crc32(symbol.encode("utf-8")) / 2**32
    return round(40.0 * math.exp(math.log(100.0) * spread), 2)


def underlying_of(instrument: Instrument) -> str:
    """What its price follows: itself, or the name that its contract is written on."""
    if instrument.instrument_type == "EQ":
        return instrument.tradingsymbol
    return instrument.name.replace(" ", "") or instrument.tradingsymbol


def natures(instruments: Sequence[Instrument], day: date) -> dict[str, Nature]:
    """Natures of all underlyings of these instruments; prices that the master tells win over ours.

    Where it tells none but lists options, the underlying stands in the middle of the nearest chain.
    """
    found: dict[str, Nature] = {}
    priced: set[str] = set()
    for i in instruments:
        name = underlying_of(i)
        if name not in found:
            found[name] = _named().get(name) or (_stranger(name) if i.tradable else _strange_index(name))
        if i.instrument_type == "EQ" and i.last_price > 0:
            found[name] = _priced(found[name], i.last_price, day)
            priced.add(name)
    for name, middle in _middles_of_chains(instruments).items():
        if name not in priced:
            found[name] = _priced(found[name], middle, day)
    for index in INDICES:
        if index.root in found and index.symbol not in priced:
            found[index.symbol] = found[index.root]
    return found


def _middles_of_chains(instruments: Iterable[Instrument]) -> dict[str, float]:
    chains: dict[str, dict[date, set[float]]] = {}
    for i in instruments:
        if i.strike > 0 and i.expiry is not None:
            chains.setdefault(underlying_of(i), {}).setdefault(i.expiry, set()).add(i.strike)
    return {name: median(chain[min(chain)]) for name, chain in chains.items()}


def _stranger(name: str) -> Nature:
    sector = SECTORS[zlib.crc32(name.encode()) % len(SECTORS)]
    # Two factors of its own at most: thousands of strangers must be cheap to price.
    mix = _follower(name, sector, 0.0)
    for salt, weight in ((b"a", 1.3), (b"b", -0.9)):
        mix[len(SECTORS) + zlib.crc32(salt + name.encode()) % (FACTORS - len(SECTORS))] += weight
    return Nature(plausible_price(name), mix, 10.0 ** (4.5 + 2.0 * (zlib.crc32(b"v" + name.encode()) / 2**32)))


def _strange_index(name: str) -> Nature:
    """An index that is followed by nobody here: in the tens of thousands, and calmer than a stock."""
    nature = _stranger(name)
    return nature._replace(price=4_000.0 + 10.0 * nature.price, mix=nature.mix * 0.6)


def _priced(nature: Nature, price: float, day: date) -> Nature:
    """The nature moved so that it stands at that price on that day, unless it is there already."""
    drift = math.exp(float(nature.mix @ drift_at((day - EPOCH).days)))
    if abs(price / (nature.price * drift) - 1.0) < 0.03:
        return nature
    return nature._replace(price=price / drift)


class Habits(NamedTuple):
    """How one instrument trades: seconds per trade, ticks of spread, units a second, ordinary open interest."""

    period: int
    spread: int
    rate: float
    oi: float


def _habits(i: Instrument, nature: Nature, spot: float, day: date) -> Habits:
    lot = max(i.lot_size, 1)
    if not i.tradable:
        return Habits(1, 0, 0.0, 0.0)
    if i.instrument_type == "EQ":
        return _cash_habits(i, nature)
    months = max(((i.expiry or day) - day).days // 30, 0)
    if i.instrument_type == "FUT":
        busy = nature.daily / SESSION_S * (0.4 if i.exchange in ("NFO", "BFO") else 1.0) / (1 + 4 * months)
        return Habits(1 if months == 0 else 3, 1 + months, busy, max(nature.daily * 2.0 / (1 + 2 * months), 50 * lot))
    away = abs(i.strike / spot - 1.0) * 100.0
    period = next((p for reach, p in ((0.5, 1), (1.0, 2), (2.0, 3), (4.0, 10), (8.0, 30)) if away < reach), 60)
    thin = math.exp(-away) / (1 + 4 * months)
    return Habits(60 if months > 1 else period, 1 + int(away), max(5000.0 * thin, lot / 60), max(4e6 * thin, 20 * lot))


def _cash_habits(i: Instrument, nature: Nature) -> Habits:
    rate = nature.daily / SESSION_S
    if i.exchange == "BSE":
        return Habits(2 if i.tradingsymbol in _named() else 30, 2, max(rate * 0.06, 0.05), 0.0)
    if i.tradingsymbol in _named():
        return Habits(1, 1, rate, 0.0)
    period = PERIODS[i.instrument_token // 256 % len(PERIODS)]
    return Habits(period, 1 + period // 10, max(rate, 0.05), 0.0)


def models_of(instruments: Sequence[Instrument], day: date, *, always: bool) -> Models:
    """One row of pricing per instrument; `always` lets contracts live to the end of their last day."""
    known = natures(instruments, day)
    drift = drift_at((day - EPOCH).days)
    own = [known[underlying_of(i)] for i in instruments]
    spots = {name: n.price * math.exp(float(n.mix @ drift)) for name, n in known.items()}
    habits = [_habits(i, n, spots[underlying_of(i)], day) for i, n in zip(instruments, own, strict=True)]
    mix = np.array([n.mix for n in own]).reshape(-1, FACTORS)
    follows = np.argsort(mix == 0.0, axis=1, kind="stable")
    last_second = DAY_S if always else 55_800
    return Models(
        log_base=np.log([n.price for n in own]),
        mix=np.take_along_axis(mix, follows, axis=1),
        follows=follows,
        tick=np.array([i.tick_size or 0.05 for i in instruments]),
        carry=np.array([1.0 if i.instrument_type == "FUT" else 0.0 for i in instruments]),
        expiry_s=np.array([midnight(i.expiry) + last_second if i.expiry else 0.0 for i in instruments]),
        strike=np.array([i.strike or 1.0 for i in instruments]),
        side=np.array([{"CE": 1.0, "PE": -1.0}.get(i.instrument_type, 0.0) for i in instruments]),
        sigma=np.array([n.sigma for n in own]),
        spread=np.array([h.spread for h in habits], np.int64),
        lot=np.array([max(i.lot_size, 1) for i in instruments], np.int64),
        rate=np.array([h.rate for h in habits]),
        period=np.array([h.period for h in habits], np.int64),
        oi=np.array([h.oi for h in habits]),
        key=np.array([zlib.crc32(i.key.encode()) for i in instruments], np.uint64) << np.uint64(20),
    )
