"""When Zerodha closes what was bought or sold for the day only, and what it asks for that.

Source: CONTRACT 6.3 (a support page older than the closing auction of August 2026). The times of stocks with an
auction and of the longer derivatives session were not published: what is assumed for them says so.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, NamedTuple

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.positions import RUPEE

FEE: Final = 59 * RUPEE
"""₹50 and GST for each order of a square-off, as booked money."""

MAX_EQUITY_QUANTITY: Final = 30_000
"""Shares in one square-off order."""

PRODUCTS: Final = frozenset({"MIS", "CO"})
"""Products that are closed the same day."""


class Rule(NamedTuple):
    """So long before continuous trading ends, positions are closed; `source` says how sure that is."""

    before_close: timedelta
    source: str


_SHARES: Final = Rule(timedelta(minutes=10), "CONTRACT 6.3: 15:20 for a 15:30 close")
_AUCTION: Final = Rule(timedelta(minutes=10), "assumed, not published: as for other shares, before the 15:15 end")
_DERIVATIVES: Final = Rule(timedelta(minutes=5), "CONTRACT 6.3: 15:25 for a 15:30 close; the longer session assumed")
_CURRENCY: Final = Rule(timedelta(minutes=15), "CONTRACT 6.3: 16:45 for a 17:00 close")
_COMMODITY: Final = Rule(timedelta(minutes=25), "CONTRACT 6.3: 25 minutes before the close")

_RULES: Final = {
    "NSE": _SHARES,
    "BSE": _SHARES,
    "NFO": _DERIVATIVES,
    "BFO": _DERIVATIVES,
    "CDS": _CURRENCY,
    "BCD": _CURRENCY,
    "MCX": _COMMODITY,
    "NCO": _COMMODITY,
}


def rule_of(exchange: str, *, has_derivatives: bool = False) -> Rule | None:
    """The rule of an exchange, None where none is known; `has_derivatives` asks for a stock with a closing auction."""
    return _AUCTION if has_derivatives and exchange in ("NSE", "BSE") else _RULES.get(exchange)


def square_off_at(exchange: str, day: date, *, has_derivatives: bool = False) -> datetime | None:
    """When the day's positions are closed, aware UTC; None on a day without trading or where no rule is known."""
    rule = rule_of(exchange, has_derivatives=has_derivatives)
    session = calendar.session_on(exchange, day, has_derivatives=has_derivatives)
    return session.close - rule.before_close if rule and session else None
