"""What an opening order or an open position ties up: the stand-ins that paper trading uses too.

Kite's SPAN files are not public. The tests hold these figures against the paper account's.
"""

from __future__ import annotations

from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side

SHARES: Final = {"MIS": 0.20, "MTF": 0.50}
"""Parts of their value that shares tie up within the day, and on margin; bought as CNC they cost all of it."""

CONTRACTS: Final = 0.15
"""Of a future's value, or of a written option's strike."""


def margin(instrument: Instrument, product: str, side: Side, count: float, price: float) -> float:
    """Rupees that so many units of value tie up at this price; `count` is quantity times multiplier."""
    if instrument.instrument_type in ("CE", "PE"):
        return count * (price if side == "BUY" else instrument.strike * CONTRACTS)
    if instrument.exchange not in ("NSE", "BSE"):
        return count * price * CONTRACTS
    return count * price * SHARES.get(product, 1.0)
