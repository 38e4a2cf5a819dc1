"""Instruments, and the day's master of all of them with its search."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Final

SEGMENT_INDICES: Final = 9
"""Low byte of an index's instrument_token; every other segment can be traded."""

PRICE_DIVISORS: Final[dict[int, int]] = {3: 10_000_000, 6: 10_000, 12: 10_000}
"""Wire price divisor by low token byte; 100 where a segment is absent.  Source: pykiteconnect 5.2.2."""


def segment_of(instrument_token: int) -> int:
    """Segment code in the low byte of a token."""
    return instrument_token & 0xFF


def price_divisor(instrument_token: int) -> int:
    """What a price on the wire is divided by to give rupees."""
    return PRICE_DIVISORS.get(instrument_token & 0xFF, 100)


@dataclass(frozen=True, slots=True)
class Instrument:
    """One row of Kite's instrument master; field names are the CSV's.

    `tick_size` and `strike` are rupees; `lot_size` is units (1 for MCX, whose quantity is in lots).
    Tokens are day-scoped: anything stored for longer is keyed by `key`.
    """

    instrument_token: int
    exchange_token: int
    tradingsymbol: str
    name: str
    last_price: float
    expiry: date | None
    strike: float
    tick_size: float
    lot_size: int
    instrument_type: str
    segment: str
    exchange: str

    @property
    def key(self) -> str:
        """Kite's quote key, "EXCHANGE:TRADINGSYMBOL"."""
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def tradable(self) -> bool:
        return self.segment != "INDICES"

    @property
    def decimals(self) -> int:
        """How many digits after the point its prices are shown with."""
        return 4 if self.exchange in ("CDS", "BCD") else 2

    @property
    def lot(self) -> int:
        """Smallest quantity an order may have, as orders count it: 1 on MCX, whose quantity is in lots."""
        return 1 if self.exchange == "MCX" else max(1, self.lot_size)

    @property
    def multiplier(self) -> int:
        """Units that a quantity of 1 stands for: a lot's on MCX, else 1."""
        return max(1, self.lot_size) if self.exchange == "MCX" else 1

    def ticks(self, price: float) -> int:
        """Price as a count of tick sizes, to the nearest."""
        return round(price / self.tick_size) if self.tick_size else 0

    def snap(self, price: float) -> float:
        """Nearest price that the exchange's tick size allows."""
        if not self.tick_size:
            return price
        return round(self.ticks(price) * self.tick_size, 4)

    def on_tick(self, price: float) -> bool:
        """Whether the price is a whole number of tick sizes."""
        return not self.tick_size or abs(price - self.snap(price)) < self.tick_size / 1000


class InstrumentMaster:
    """The day's instruments: by token, by key, and by words as they are typed.

    Built once a day and never changed; safe to share.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_token: dict[int, Instrument] = {}
        self._by_key: dict[str, Instrument] = {}
        for instrument in instruments:
            self._by_token[instrument.instrument_token] = instrument
            self._by_key[instrument.key] = instrument
        self._haystack: list[tuple[str, Instrument]] = [(_search_text(i), i) for i in self._by_key.values()]

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_key.values())

    def by_token(self, instrument_token: int) -> Instrument | None:
        return self._by_token.get(instrument_token)

    def by_key(self, key: str) -> Instrument | None:
        """Instrument of "EXCHANGE:TRADINGSYMBOL", or None when today's master has no such row."""
        return self._by_key.get(key)

    def search(self, text: str, limit: int = 50) -> list[Instrument]:
        """Instruments whose symbol or name holds every word, best first.

        Best is: the whole symbol, then a symbol that starts with the words, cash before derivatives, nearest expiry.
        """
        words = text.lower().split()
        if not words:
            return []
        found = [i for hay, i in self._haystack if all(word in hay for word in words)]
        found.sort(key=lambda i: _rank(i, words))
        return found[:limit]


def _search_text(i: Instrument) -> str:
    expiry = i.expiry.strftime("%d %b %Y") if i.expiry else ""
    strike = f"{i.strike:g}" if i.strike else ""
    spaced = re.sub(r"(?<=\D)(?=\d)|(?<=\d)(?=\D)", " ", i.tradingsymbol)
    return f"{i.tradingsymbol} {spaced} {i.name} {i.exchange} {i.instrument_type} {strike} {expiry}".lower()


def _rank(i: Instrument, words: list[str]) -> tuple[bool, bool, bool, date, float, str]:
    symbol, typed = i.tradingsymbol.lower(), " ".join(words)
    return (
        symbol != typed,
        not symbol.startswith(words[0]),
        i.expiry is not None,
        i.expiry or date.min,
        i.strike,
        i.key,
    )
