"""Instruments, and the day's master of all of them with its search."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Final

from alphapanda_desktop.domain.units import multiplier_of

if TYPE_CHECKING:
    from alphapanda_desktop.domain.search import Among, SearchIndex

SEGMENT_INDICES: Final = 9
"""Low byte of an index's instrument_token; every other segment can be traded."""

PRICE_DIVISORS: Final[dict[int, int]] = {3: 10_000_000, 6: 10_000, 12: 10_000}
"""Wire price divisor by low token byte; 100 where a segment is absent.  Source: pykiteconnect 5.2.2."""


DERIVATIVES: Final = ("NFO", "BFO")
"""Exchanges whose contracts make a share one with derivatives."""

SMALL: Final = 5_000
"""Rows whose search index is made when it is first needed."""


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
        """Units of value that a quantity of 1 stands for, where nobody's position row tells another figure."""
        return multiplier_of(self)

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

    Built once a day and never changed; safe to share, between threads too.
    """

    def __init__(self, instruments: Iterable[Instrument]) -> None:
        self._by_token: dict[int, Instrument] = {}
        self._by_key: dict[str, Instrument] = {}
        underlyings = set[str]()
        for instrument in instruments:
            self._by_token[instrument.instrument_token] = instrument
            self._by_key[instrument.key] = instrument
            if instrument.exchange in DERIVATIVES:
                underlyings.add(instrument.name)
        self._underlyings = frozenset(underlyings)
        self._index: SearchIndex | None = None

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Instrument]:
        return iter(self._by_key.values())

    def key_of(self, instrument_token: int) -> str | None:
        """Exchange and symbol of a token, as "NSE:INFY", or None."""
        instrument = self.by_token(instrument_token)
        return instrument.key if instrument else None

    def by_token(self, instrument_token: int) -> Instrument | None:
        return self._by_token.get(instrument_token)

    def by_key(self, key: str) -> Instrument | None:
        """Instrument of "EXCHANGE:TRADINGSYMBOL", or None when today's master has no such row."""
        return self._by_key.get(key)

    def has_derivatives(self, instrument: Instrument) -> bool:
        """Whether futures or options of a share are traded: such shares have hours of their own. One look-up."""
        return instrument.tradingsymbol in self._underlyings

    def prepare(self) -> None:
        """Make the search index: a second of work for 150,000 rows, meant for another thread than the loop's."""
        from alphapanda_desktop.domain.search import SearchIndex  # numpy, which the first paint must not wait for

        self._index = SearchIndex(self)

    def search(self, text: str, limit: int = 50, among: Among | None = None) -> list[Instrument]:
        """Instruments whose symbol, name, type, strike or expiry hold every word, best first, narrowed to `among`.

        Best is: the whole symbol, then a symbol that starts with the words, cash before derivatives, nearest expiry.
        A large master that was not prepared yet is searched by whole symbols and their beginnings alone.
        """
        if self._index is None and len(self) > SMALL:
            words = text.upper().split()
            begins = [i for i in self._by_key.values() if i.tradingsymbol.startswith(words[0])] if words else []
            begins = [i for i in begins if among is None or among.takes(i)]
            return sorted(begins, key=lambda i: (len(i.tradingsymbol), i.key))[:limit]
        if self._index is None:
            self.prepare()
        assert self._index is not None
        return self._index.find(text, limit, among)

    def expiries(self, text: str, among: Among | None = None, limit: int = 6) -> list[date]:
        """Expiry days of what these words find, nearest first; none in a large master that was not prepared yet."""
        if self._index is None and len(self) > SMALL:
            return []
        if self._index is None:
            self.prepare()
        assert self._index is not None
        return self._index.expiries(text, among, limit)
