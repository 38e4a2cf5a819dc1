"""Units of value behind a quantity of one, where Kite counts in lots.

The master's lot size is not it: lead is quoted per kilogram and its lot size reads 5 (tonnes), a guinea of gold is
quoted per guinea and reads 8 (grams). Kite's own positions carry the right figure as `multiplier`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from alphapanda_desktop.domain.instruments import Instrument

SINCE: Final = date(2024, 1, 1)
SOURCE: Final = "MCX contract specifications; Kite's sample positions (LEADMINI 1,000, GOLDGUINEA 1)"

MCX_UNITS: Final[Mapping[str, int]] = {
    "ALUMINI": 1_000,
    "ALUMINIUM": 5_000,
    "CARDAMOM": 100,
    "COPPER": 2_500,
    "COTTON": 25,
    "COTTONCNDY": 48,
    "COTTONOIL": 500,
    "CRUDEOIL": 100,
    "CRUDEOILM": 10,
    "ELECTRCITY": 50,
    "GOLD": 100,
    "GOLDGUINEA": 1,
    "GOLDM": 10,
    "GOLDPETAL": 1,
    "GOLDTEN": 1,
    "KAPAS": 200,
    "LEAD": 5_000,
    "LEADMINI": 1_000,
    "MCXBULLDEX": 30,
    "MCXMETLDEX": 40,
    "MENTHAOIL": 360,
    "NATGASMINI": 250,
    "NATURALGAS": 1_250,
    "NICKEL": 250,
    "SILVER": 30,
    "SILVERM": 5,
    "SILVERMIC": 1,
    "STEELREBAR": 5,
    "ZINC": 5_000,
    "ZINCMINI": 1_000,
}
"""Rupees of value per rupee of price and lot, by the letters the symbol begins with."""

CURRENCY_LOT: Final = 1_000
"""Units of foreign money in a lot of currency, where the master's lot size is 1.  Source: NSE and BSE contracts."""


def root_of(tradingsymbol: str) -> str:
    """The letters that a derivative's symbol begins with: "CRUDEOIL" of "CRUDEOIL26DECFUT"."""
    return re.split(r"\d", tradingsymbol, maxsplit=1)[0]


def units_of(exchange: str, tradingsymbol: str) -> int | None:
    """Units behind a quantity of one by the symbol alone; None for a commodity that is not in the table."""
    return MCX_UNITS.get(root_of(tradingsymbol)) if exchange == "MCX" else 1


def multiplier_of(instrument: Instrument) -> int:
    """Units behind a quantity of one of an instrument in the master; its lot size where the table has none."""
    if instrument.exchange in ("CDS", "BCD"):
        return CURRENCY_LOT if instrument.lot_size == 1 else 1
    return units_of(instrument.exchange, instrument.tradingsymbol) or max(1, instrument.lot_size)
