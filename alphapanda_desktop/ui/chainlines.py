"""What an option chain shows, made from the market's latest ticks: prices, implied volatility and Greeks. No Qt."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

import numpy as np

from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.options import (
    INDEX_NAMES,
    Floats,
    Strike,
    greeks,
    implied_vol,
    parity_forward,
    years_left,
)

WIDEST_SPREAD: Final = 0.25
"""Of a bid and an ask further apart than this part of their middle, the middle is no price."""


class Quotes(Protocol):
    """What a chain asks of the market; trading.market.Market is one."""

    def latest(self, instrument_token: int) -> Tick | None: ...

    def stale(self, instrument_token: int) -> bool: ...


@dataclass(frozen=True, slots=True)
class OptionSide:
    """One option of a line; what cannot be known is None. `vol` and `delta` are fractions."""

    instrument: Instrument
    last: float | None
    oi: int | None
    volume: int | None
    stale: bool
    vol: float | None = None
    delta: float | None = None
    gamma: float | None = None
    theta: float | None = None
    vega: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A strike with its call and its put; `at_money` is the one nearest to the forward."""

    strike: float
    call: OptionSide | None
    put: OptionSide | None
    at_money: bool


@dataclass(frozen=True, slots=True)
class Board:
    """A chain at one moment. `basis` says where the forward is from; without a forward there are no Greeks."""

    lines: tuple[Line, ...]
    forward: float | None
    basis: str
    years: float
    vol_at_money: float | None
    put_call_ratio: float | None


def basis_of(master: InstrumentMaster, name: str, listed: Iterable[Instrument]) -> Instrument | None:
    """What tells where the money is: the index, the share, else the future that expires next."""
    index = next((symbol for symbol, called in INDEX_NAMES.items() if called == name), name)
    found = master.by_key(f"NSE:{index}") or master.by_key(f"BSE:{index}")
    futures = [i for i in listed if i.instrument_type == "FUT" and i.name == name and i.expiry is not None]
    return found or min(futures, key=lambda i: str(i.expiry), default=None)


def board_of(chain: Sequence[Strike], quotes: Quotes, spot: float | None, rate: float, now: datetime) -> Board:
    """The chain as the market stands. The forward is read off the chain by parity, else the spot stands for it."""
    some = next((i for line in chain for i in (line.call, line.put) if i is not None), None)
    if some is None or some.expiry is None:
        return Board((), None, "", 0.0, None, None)
    years = years_left(some.exchange, some.expiry, now)
    calls, puts = ([_seen(getattr(line, side), quotes) for line in chain] for side in ("call", "put"))
    strikes = np.array([line.strike for line in chain])
    forward, basis = parity_forward(strikes, _paid(calls), _paid(puts), years, rate), "put-call parity"
    if math.isnan(forward):
        forward, basis = (spot, "the underlying's last price") if spot else (math.nan, "")
    made = [_with_greeks(side, strikes, forward, years, rate) for side in ((1, calls), (-1, puts))]
    at = int(np.argmin(np.abs(strikes - forward))) if math.isfinite(forward) else -1
    lines = tuple(
        Line(line.strike, call, put, n == at) for n, (line, call, put) in enumerate(zip(chain, *made, strict=True))
    )
    known = forward if math.isfinite(forward) else None
    return Board(lines, known, basis, years, _vol_at(lines), _ratio(lines))


@dataclass(frozen=True, slots=True)
class _Seen:
    side: OptionSide
    paid: float
    """What the option is worth now: the middle of a sound book, else the last trade; not a number when old."""


def _seen(instrument: Instrument | None, quotes: Quotes) -> _Seen | None:
    if instrument is None:
        return None
    tick = quotes.latest(instrument.instrument_token)
    if tick is None:
        return _Seen(OptionSide(instrument, None, None, None, stale=True), math.nan)
    old = quotes.stale(instrument.instrument_token)
    last = tick.last_price or None
    side = OptionSide(instrument, last, tick.oi, tick.volume_traded, stale=old)
    return _Seen(side, math.nan if old else worth_of(tick))


def worth_of(tick: Tick) -> float:
    """The middle of a sound book, else the last trade if one could still have it; not a number where neither is."""
    depth = tick.depth
    bid, ask = (depth.buy[0].price, depth.sell[0].price) if depth is not None else (0.0, 0.0)
    if bid > 0 and ask > 0 and ask - bid <= WIDEST_SPREAD * (ask + bid) / 2:
        return (bid + ask) / 2
    # A trade outside what is bid and offered now is one of before: with it a volatility would be of no moment at all.
    outside = (bid > 0 and tick.last_price < bid) or (ask > 0 and tick.last_price > ask)
    return math.nan if outside else tick.last_price or math.nan


def _paid(sides: Sequence[_Seen | None]) -> Floats:
    return np.array([side.paid if side is not None else math.nan for side in sides])


def _with_greeks(
    side: tuple[int, Sequence[_Seen | None]], strikes: Floats, forward: float, years: float, rate: float
) -> list[OptionSide | None]:
    sign, seen = side
    plain = [each.side if each is not None else None for each in seen]
    if not math.isfinite(forward) or years <= 0:
        return plain
    vol = implied_vol(sign, _paid(seen), forward, strikes, years, rate)
    found = greeks(sign, forward, strikes, years, rate, vol)
    columns = [vol.tolist(), *(each.tolist() for each in found[:4])]
    return [
        each if each is None or math.isnan(values[0]) else _full(each, *values)
        for each, *values in zip(plain, *columns, strict=True)
    ]


def _full(side: OptionSide, vol: float, delta: float, gamma: float, theta: float, vega: float) -> OptionSide:
    i, last, oi, volume = side.instrument, side.last, side.oi, side.volume
    return OptionSide(i, last, oi, volume, side.stale, vol, delta, gamma, theta, vega)


def _vol_at(lines: Sequence[Line]) -> float | None:
    found = next((line for line in lines if line.at_money), None)
    vols = [side.vol for side in (found.call, found.put) if side is not None and side.vol] if found else []
    return sum(vols) / len(vols) if vols else None


def _ratio(lines: Sequence[Line]) -> float | None:
    """Open interest of the puts that are shown over that of the calls."""
    calls = sum(line.call.oi or 0 for line in lines if line.call is not None)
    puts = sum(line.put.oi or 0 for line in lines if line.put is not None)
    return puts / calls if calls else None
