"""Instruments of a recording that no master tells of: made from what their name says and their prices show."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final

import numpy as np

from alphapanda_desktop.domain.charges import EXCHANGES, instrument_type_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import SEGMENT_INDICES, Instrument

SEGMENTS: Final = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "NCO": 12}
"""Low byte of a token by exchange.  Source: CONTRACT 4.5."""

TICK_SIZES: Final = (0.05, 0.01, 0.0025)
"""From the coarsest: one that all prices keep to is taken, and never a coarser one than shares have for long had."""


def instrument_named(key: str, token: int = 0, prices: Sequence[float] = (), lot: int = 1) -> Instrument:
    """The instrument that "EXCHANGE:SYMBOL" names, on the tick that its prices keep to; an index by its token.

    What a name does not tell is left open: no expiry, no strike. Raises BadData for a name that is none.
    """
    exchange, _, symbol = key.partition(":")
    if exchange not in EXCHANGES or not symbol:
        raise BadData(f"{key!r} names no instrument: EXCHANGE:SYMBOL is expected, one of {' '.join(EXCHANGES)}")
    token = token or _token_of(key, exchange)
    if token & 0xFF == SEGMENT_INDICES:
        return Instrument(token, token >> 8, symbol, symbol, 0.0, None, 0.0, 0.0, 0, "EQ", "INDICES", exchange)
    kind = instrument_type_of(exchange, symbol)
    segment = exchange if kind == "EQ" else f"{exchange}-{'FUT' if kind == 'FUT' else 'OPT'}"
    size = tick_of(prices)
    return Instrument(token, token >> 8, symbol, symbol, 0.0, None, 0.0, size, lot, kind, segment, exchange)


def tick_of(prices: Sequence[float]) -> float:
    """The coarsest usual tick size that all these prices are on."""
    values = np.asarray(prices, np.float64)
    for size in TICK_SIZES:
        counts = values / size
        if np.all(np.abs(counts - np.rint(counts)) < 1e-6 * np.maximum(counts, 1.0)):
            return size
    return 0.01


def _token_of(key: str, exchange: str) -> int:
    """A token of that exchange, the same for the same key in every run."""
    return (zlib.crc32(key.encode()) & 0xFF_FFFF) << 8 | SEGMENTS[exchange]
