"""What the executed orders of one day cost, worked out once for each: brokerage has its cap per order.

The same figures as the running desk's ledger, for days that are over. A cost that no table tells is None.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from fractions import Fraction
from typing import Final

from alphapanda_desktop.domain.charges import (
    Charges,
    charges_of_part_netted,
    exact_charges,
    instrument_type_of,
    turnover_of,
)
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.units import multiplier_of, units_of

Find = Callable[[str], Instrument | None]
"""The instrument of a key ("NSE:INFY") in today's master; None where it is traded no more."""

UNTOLD: Final = ("CDS", "BCD")
"""Exchanges whose lot sizes only the master tells."""

CASH: Final = ("NSE", "BSE")


def units_behind(exchange: str, tradingsymbol: str, find: Find) -> int | None:
    """Units of value behind a quantity of one; None where neither the master nor a table knows."""
    instrument = find(f"{exchange}:{tradingsymbol}")
    if instrument is not None:
        return multiplier_of(instrument)
    return None if exchange in UNTOLD else units_of(exchange, tradingsymbol)


def costs_of(fills: Iterable[Fill], on: date, find: Find, varieties: Mapping[str, str]) -> dict[str, Charges | None]:
    """What each executed order of that day cost, by order id; `varieties` names those that are not regular."""
    orders: dict[str, list[Fill]] = defaultdict(list)
    for fill in fills:
        orders[fill.order_id].append(fill)
    netted = _netted(orders, varieties)
    return {
        order_id: _cost(parts, on, find, varieties.get(order_id, "regular"), netted.get(order_id, 0))
        for order_id, parts in orders.items()
    }


def _netted(orders: Mapping[str, list[Fill]], varieties: Mapping[str, str]) -> dict[str, int]:
    """Units of each CNC order that were traded the other way on the same day: the earlier orders first."""
    delivered = [id_ for id_, parts in orders.items() if _delivers(parts[0]) and varieties.get(id_) != "co"]
    units: dict[tuple[str, str], int] = defaultdict(int)
    for id_ in delivered:
        units[_side(orders[id_])] += _quantity(orders[id_])
    left = {(key, side): min(units[key, "BUY"], units[key, "SELL"]) for key, side in list(units)}
    netted = {}
    for id_ in delivered:
        mine = _side(orders[id_])
        netted[id_] = min(left[mine], _quantity(orders[id_]))
        left[mine] -= netted[id_]
    return netted


def _cost(parts: list[Fill], on: date, find: Find, variety: str, netted: int) -> Charges | None:
    one = parts[0]
    units = units_behind(one.exchange, one.tradingsymbol, find)
    if units is None:
        return None
    turnover = sum((turnover_of(p.quantity, p.average_price, units) for p in parts), Fraction(0))
    if netted:
        return charges_of_part_netted(
            exchange=one.exchange,
            transaction_type=one.transaction_type,
            turnover=turnover,
            netted=turnover * netted / _quantity(parts),
            on=on,
        ).booked()
    try:
        return exact_charges(
            exchange=one.exchange,
            instrument_type=_type_of(one, find),
            product=one.product,
            transaction_type=one.transaction_type,
            turnover=turnover,
            on=on,
            variety=variety,
            tradingsymbol=one.tradingsymbol,
        ).booked()
    except BadData:  # an exchange or a symbol that no table knows: unknown, and shown as that
        return None


def _type_of(fill: Fill, find: Find) -> str:
    instrument = find(fill.key)
    return instrument.instrument_type if instrument else instrument_type_of(fill.exchange, fill.tradingsymbol)


def _delivers(fill: Fill) -> bool:
    return fill.product == "CNC" and fill.exchange in CASH


def _side(parts: list[Fill]) -> tuple[str, str]:
    return parts[0].key, parts[0].transaction_type


def _quantity(parts: list[Fill]) -> int:
    return sum(part.quantity for part in parts)
