"""What an opening order or an open position ties up: stand-ins, for Kite's SPAN files are not public.

Paper trading and backtests use the same.
"""

from __future__ import annotations

from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side

SHARES: Final = {"MIS": 0.20, "MTF": 0.50}
"""Parts of their value that shares tie up: within the day the least by SEBI's peak-margin rule; as CNC all of it."""

CONTRACTS: Final = 0.15
"""Of a future's value, or of a written option's strike: about what index contracts cost."""


def margin(instrument: Instrument, product: str, side: Side, count: float, price: float) -> float:
    """Rupees that so many units of value tie up at this price; `count` is quantity times multiplier."""
    if instrument.instrument_type in ("CE", "PE"):
        return count * (price if side == "BUY" else instrument.strike * CONTRACTS)
    if instrument.exchange not in ("NSE", "BSE"):
        return count * price * CONTRACTS
    return count * price * SHARES.get(product, 1.0)
