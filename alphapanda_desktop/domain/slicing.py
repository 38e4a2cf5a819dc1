"""The most that one order may ask for, and how a larger one is cut into orders of its own.

No Kite call tells these figures (CONTRACT 6.4): they are a table with dates, and None where a figure is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from math import inf
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.risk import Refusal

CASH: Final = ("NSE", "BSE")


@dataclass(frozen=True, slots=True)
class FreezeTable:
    """Freeze quantities in units, by exchange and underlying, in force from `since`."""

    since: date
    source: str
    by_underlying: Mapping[tuple[str, str], int]


CASH_UNITS: Final = 100_000
CASH_VALUE: Final = 10_00_00_000.0
"""The most shares, and the most rupees of them, that one order may ask for.  Source: Zerodha support; CONTRACT 2.5."""

_BSE: Final = {("BFO", "SENSEX"): 1_000, ("BFO", "BANKEX"): 900}
"""Source: another broker's page of 2026; CONTRACT 6.4."""


def _table(
    since: date, source: str, nifty: int, banknifty: int, finnifty: int, midcap: int, next_50: int
) -> FreezeTable:
    units = {"NIFTY": nifty, "BANKNIFTY": banknifty, "FINNIFTY": finnifty, "MIDCPNIFTY": midcap, "NIFTYNXT50": next_50}
    return FreezeTable(since, source, {("NFO", name): most for name, most in units.items()} | _BSE)


FREEZE: Final[tuple[FreezeTable, ...]] = (
    _table(date(2024, 8, 1), "NSE circular for 1 Aug 2024, as a broker announced it", 1_800, 900, 1_800, 2_800, 600),
    _table(date(2025, 7, 1), "NSE circular of 30 Jun 2025", 1_800, 600, 1_800, 2_800, 600),
    _table(date(2025, 9, 1), "NSE circular of 29 Aug 2025", 1_800, 900, 1_800, 2_800, 600),
    _table(date(2025, 11, 3), "NSE circular of 31 Oct 2025", 1_800, 600, 1_800, 2_800, 600),
    _table(date(2025, 12, 1), "NSE circular for 1 Dec 2025, as a broker lists it", 1_800, 600, 1_200, 2_800, 600),
    _table(date(2026, 2, 1), "NSE circular of 30 Jan 2026", 1_800, 600, 1_800, 2_800, 600),
)


def freeze_table(on: date) -> FreezeTable:
    """The table in force on that day; for days before the first table, the first."""
    return next((table for table in reversed(FREEZE) if table.since <= on), FREEZE[0])


def freeze_quantity(instrument: Instrument, on: date) -> int | None:
    """The largest quantity of one order in whole lots, as orders count it; None where it is not known."""
    if instrument.exchange in CASH:
        return CASH_UNITS
    units = freeze_table(on).by_underlying.get((instrument.exchange, instrument.name))
    return units and max(instrument.lot, units // instrument.lot * instrument.lot)


def largest_order(instrument: Instrument, on: date, price: float | None) -> int | None:
    """The largest quantity of one order by number and, for shares at a known price, by value."""
    most = freeze_quantity(instrument, on)
    if most is None or instrument.exchange not in CASH or not price or not 0 < price < inf:
        return most
    by_value = int(CASH_VALUE / price) // instrument.lot * instrument.lot
    return max(instrument.lot, min(most, by_value))


def cut(quantity: int, most: int) -> list[int]:
    """The quantity in parts of at most `most`, the full ones first."""
    full, rest = divmod(quantity, most)
    return [most] * full + ([rest] if rest else [])


def slices(
    request: OrderRequest, most: int | None, allowed: int, new_tag: Callable[[], str]
) -> list[OrderRequest] | Refusal:
    """The orders that together ask for the same, each within `most` and with a tag of its own.

    One order comes back as it is. A Refusal when there would be more than `allowed`.
    """
    parts = cut(request.quantity, most) if most else [request.quantity]
    if len(parts) <= 1:
        return [request]
    if len(parts) > allowed:
        return Refusal(
            "slices", f"Slices: {request.quantity} in orders of {most} makes {len(parts)} orders, {allowed} allowed."
        )
    return [
        replace(request, quantity=part, disclosed_quantity=min(part, request.disclosed_quantity), tag=new_tag())
        for part in parts
    ]
