"""When and at what price an order fills: one set of rules for practice, paper and backtest.

An arriving order takes the other side's levels up to its limit, each at the level's own price. A resting order
fills at its own limit, and only once the market has come through it: touching is not enough, others were first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import DepthLevel, Tick
from alphapanda_desktop.domain.orders import Side

AUTOMATIC_PROTECTION_PCT: Final = 2.0
"""What market_protection -1 stands for here.  Source: CONTRACT 2.6: 2 % fits Kite's equity mock, the rest is open."""


class Execution(NamedTuple):
    """One fill: rupees and units."""

    price: float
    quantity: int


@dataclass(frozen=True, slots=True)
class Quote:
    """What a matcher looks at: last price, and the levels that show, best first, zero levels left out."""

    last_price: float
    bids: tuple[DepthLevel, ...] = ()
    asks: tuple[DepthLevel, ...] = ()


def quote_of(tick: Tick) -> Quote:
    """The quote a tick carries; without depth only its last price."""
    depth = tick.depth
    if depth is None:
        return Quote(tick.last_price)
    return Quote(
        tick.last_price,
        tuple(level for level in depth.buy if level.quantity),
        tuple(level for level in depth.sell if level.quantity),
    )


def protection_price(side: Side, last_price: float, protection_pct: float, instrument: Instrument) -> float:
    """Limit at which Kite caps a market order, on the instrument's tick and no further than the percentage.

    `protection_pct` below 0 asks for the automatic figure.
    """
    pct = AUTOMATIC_PROTECTION_PCT if protection_pct < 0 else protection_pct
    raw = last_price * (1 + pct / 100) if side == "BUY" else last_price * (1 - pct / 100)
    tick = instrument.tick_size or 0.01
    count = math.floor(raw / tick + 1e-9) if side == "BUY" else math.ceil(raw / tick - 1e-9)
    return round(count * tick, 4)


def triggered(side: Side, trigger_price: float, last_price: float) -> bool:
    """Whether the last price has reached a stop's trigger."""
    return last_price >= trigger_price if side == "BUY" else last_price <= trigger_price


def reached(trigger_values: Sequence[float], made_at: float, last_price: float) -> int | None:
    """Which trigger of a GTT a price has reached or passed, gaps included; None where none was.

    `made_at` is the last price when it was made: it tells on which side of the market a single trigger lies.
    Source: CONTRACT 2.13.
    """
    if len(trigger_values) == 2:
        return 0 if last_price <= trigger_values[0] else 1 if last_price >= trigger_values[1] else None
    trigger = trigger_values[0]
    return 0 if (last_price >= trigger if trigger > made_at else last_price <= trigger) else None


def arriving(side: Side, limit: float | None, quantity: int, quote: Quote) -> list[Execution]:
    """Fills of an order at the moment it reaches the market; `limit` None takes any price.

    Where no depth is known it fills whole at the last price, if its limit allows.
    """
    levels = quote.asks if side == "BUY" else quote.bids
    if not levels and not (quote.bids or quote.asks):
        levels = (DepthLevel(quote.last_price, quantity, 1),)
    fills: list[Execution] = []
    for level in levels:
        if quantity <= 0 or not _within(side, limit, level.price):
            break
        part = min(quantity, level.quantity)
        if part:
            fills.append(Execution(level.price, part))
            quantity -= part
    return fills


def resting(side: Side, limit: float, quantity: int, quote: Quote) -> list[Execution]:
    """Fills of an order that was already waiting, at its own limit, when the market has come through it."""
    levels = quote.asks if side == "BUY" else quote.bids
    crossing = sum(level.quantity for level in levels if _within(side, limit, level.price))
    if crossing:
        return [Execution(limit, min(quantity, crossing))]
    through = quote.last_price < limit if side == "BUY" else quote.last_price > limit
    return [Execution(limit, quantity)] if through else []


def taken(quote: Quote, side: Side, quantity: int) -> Quote:
    """The quote after `quantity` was taken from the levels opposite `side`; emptied levels stay, as empty."""
    levels = quote.asks if side == "BUY" else quote.bids
    left: list[DepthLevel] = []
    for level in levels:
        part = min(quantity, level.quantity)
        quantity -= part
        left.append(level._replace(quantity=level.quantity - part))
    return replace(quote, asks=tuple(left)) if side == "BUY" else replace(quote, bids=tuple(left))


def average(executions: Sequence[Execution]) -> float:
    """Quantity-weighted price of executions, 0.0 of none."""
    total = sum(e.quantity for e in executions)
    return sum(e.price * e.quantity for e in executions) / total if total else 0.0


def _within(side: Side, limit: float | None, price: float) -> bool:
    if limit is None:
        return True
    return price <= limit if side == "BUY" else price >= limit
