"""What an order blocks: cash for delivery, a share of the value for intraday, span-like shares for derivatives.

The shares are round figures of the right size, not an exchange's risk files: enough that funds run out where a
trader would expect it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side

CASH: Final = ("NSE", "BSE")
COMMODITY: Final = ("MCX", "NCO")
INTRADAY_SHARE: Final = 0.20
FUNDED_SHARE: Final = 0.25

_SPAN: Final = {"NFO": 0.10, "BFO": 0.10, "CDS": 0.022, "BCD": 0.022, "MCX": 0.08, "NCO": 0.08}
_EXPOSURE: Final = {"NFO": 0.02, "BFO": 0.02, "CDS": 0.01, "BCD": 0.01, "MCX": 0.02, "NCO": 0.02}
_STOCK_EXTRA: Final = 0.06
_INDICES: Final = frozenset({"NIFTY", "BANKNIFTY", "FINNIFTY", "MIDCPNIFTY", "NIFTYNXT50", "SENSEX", "BANKEX"})

_UNITS_PER_LOT: Final = {
    "CRUDEOIL": 100, "CRUDEOILM": 10, "NATURALGAS": 1250, "NATGASMINI": 250, "GOLD": 100, "GOLDM": 10,
    "GOLDGUINEA": 1, "GOLDPETAL": 1, "SILVER": 30, "SILVERM": 5, "SILVERMIC": 1, "COPPER": 2500, "ZINC": 5000,
    "ALUMINIUM": 5000, "LEAD": 5000,
}  # fmt: skip
"""Rupees of value per rupee of price and lot; a contract that is not listed counts once."""


class Need(NamedTuple):
    """Rupees that a position or order of one instrument asks for, by kind."""

    span: float = 0.0
    exposure: float = 0.0
    premium: float = 0.0
    var: float = 0.0

    @property
    def total(self) -> float:
        return self.span + self.exposure + self.premium + self.var


def segment_of(exchange: str) -> str:
    """The fund segment that pays for trades on an exchange."""
    return "commodity" if exchange in COMMODITY else "equity"


def multiplier_of(instrument: Instrument) -> int:
    """Rupees of value per unit of quantity and rupee of price: quantities on MCX, CDS and BCD are lots."""
    if instrument.exchange in ("CDS", "BCD"):
        return 1000 if instrument.lot_size == 1 else 1
    return _UNITS_PER_LOT.get(instrument.name, 1) if instrument.exchange in COMMODITY else 1


def need_of(instrument: Instrument, side: Side, product: str, quantity: int, price: float) -> Need:
    """What opening `quantity` at `price` asks for."""
    value = quantity * price * multiplier_of(instrument)
    if instrument.exchange in CASH:
        share = {"MIS": INTRADAY_SHARE, "CO": INTRADAY_SHARE, "MTF": FUNDED_SHARE}.get(product)
        if share is None:
            share = 1.0 if side == "BUY" else 0.0
        return Need(var=value * share)
    option = instrument.instrument_type in ("CE", "PE")
    if option and side == "BUY":
        return Need(premium=value)
    if option:
        value = quantity * instrument.strike * multiplier_of(instrument)
    extra = _STOCK_EXTRA if instrument.exchange in ("NFO", "BFO") and instrument.name not in _INDICES else 0.0
    return Need(
        span=value * (_SPAN.get(instrument.exchange, 0.1) + extra),
        exposure=value * _EXPOSURE.get(instrument.exchange, 0.02),
    )


def pays_at_once(instrument: Instrument, product: str) -> bool:
    """Whether cash moves with the trade itself (delivery and premiums), not by mark to market."""
    return product == "CNC" or instrument.instrument_type in ("CE", "PE")
