"""Ticks and depth under Kite's ticker names, and the bars that ticks make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import repeat
from operator import truediv
from typing import Any, Final, NamedTuple

from alphapanda_desktop.domain.errors import WrongName

RENAMED: Final[dict[str, str]] = {
    "volume": "volume_traded",
    "average_price": "average_traded_price",
    "last_quantity": "last_traded_quantity",
    "buy_quantity": "total_buy_quantity",
    "sell_quantity": "total_sell_quantity",
    "timestamp": "exchange_timestamp",
    "last_traded_price": "last_price",
    "ltp": "last_price",
    "token": "instrument_token",
}
"""Names that REST, old clients and other systems use → the name that a tick carries here.  Source: CONTRACT 4.7."""


class Mode(StrEnum):
    """How much a subscription sends; the values are Kite's."""

    LTP = "ltp"
    QUOTE = "quote"
    FULL = "full"


class Ohlc(NamedTuple):
    """Day's open, high, low in rupees; `close` is the previous day's while the session runs."""

    open: float
    high: float
    low: float
    close: float


class DepthLevel(NamedTuple):
    """One price level; all zero where the book has no such level."""

    price: float
    quantity: int
    orders: int


_TEN_LEVELS: Final = (DepthLevel,) * 10


class Depth(NamedTuple):
    """Five best bids (`buy`) and offers (`sell`), best first."""

    buy: tuple[DepthLevel, ...]
    sell: tuple[DepthLevel, ...]


def depth_of(words: tuple[int, ...], divisor: int) -> Depth:
    """Levels of 30 words off the wire: quantity, price, orders of five bids, then of five offers."""
    prices = map(truediv, words[1::3], repeat(divisor))
    made = tuple(map(_NEW, _TEN_LEVELS, zip(prices, words[::3], words[2::3], strict=False)))
    depth: Depth = _NEW(Depth, (made[:5], made[5:]))  # a third of the time that the classes' constructors take
    return depth


_NEW: Final[Any] = tuple.__new__


@dataclass(slots=True, eq=True)
class Tick:
    """What the exchange last said of one instrument; fields are Kite's ticker names, prices rupees.

    What the mode does not carry is None (an index has no volume, quote mode no open interest and no time).
    `received_ns` is this machine's epoch time at which the frame was read.
    """

    instrument_token: int
    mode: Mode
    last_price: float
    received_ns: int = 0
    tradable: bool = True
    last_traded_quantity: int | None = None
    average_traded_price: float | None = None
    volume_traded: int | None = None
    total_buy_quantity: int | None = None
    total_sell_quantity: int | None = None
    ohlc: Ohlc | None = None
    oi: int | None = None
    oi_day_high: int | None = None
    oi_day_low: int | None = None
    exchange_epoch_s: int = 0
    last_trade_epoch_s: int = 0
    raw_depth: tuple[int, ...] | None = None
    """30 words off the wire: quantity, price, orders of five bids, then of five offers."""
    divisor: int = 100

    @property
    def change(self) -> float | None:
        """Per cent against the previous close; 0 when that is unknown to Kite, None in ltp mode."""
        if self.ohlc is None:
            return None
        close = self.ohlc.close
        return (self.last_price - close) * 100 / close if close else 0.0

    @property
    def depth(self) -> Depth | None:
        """Five levels each side, decoded when asked; None unless the mode is full and the instrument trades."""
        words = self.raw_depth
        return None if words is None else depth_of(words, self.divisor)

    @property
    def exchange_timestamp(self) -> datetime | None:
        """When the exchange sent it, aware UTC; None where the mode carries no time."""
        return datetime.fromtimestamp(self.exchange_epoch_s, UTC) if self.exchange_epoch_s else None

    @property
    def last_trade_time(self) -> datetime | None:
        """When it last traded, aware UTC; None if it has not, or in a mode without it."""
        return datetime.fromtimestamp(self.last_trade_epoch_s, UTC) if self.last_trade_epoch_s else None

    @property
    def at_ns(self) -> int:
        """Epoch nanoseconds that bars are built on: the exchange's time, else the receive time."""
        return self.exchange_epoch_s * 1_000_000_000 or self.received_ns

    def __getattr__(self, name: str) -> object:
        right = RENAMED.get(name)
        hint = f": ticks carry {right!r}" if right else ""
        raise WrongName(f"a tick has no field {name!r}{hint}")


class Bar(NamedTuple):
    """Open, high, low, close of one interval in rupees; `start_s` is its first epoch second.

    `volume` is what traded within the bar (0 for an index); `closed` tells a final bar from a forming one.
    """

    start_s: int
    open: float
    high: float
    low: float
    close: float
    volume: int
    oi: int = 0
    closed: bool = True


class Interval(StrEnum):
    """Candle lengths that Kite keeps history of; the values are its names. `BarSize` is any other."""

    MINUTE = "minute"
    MINUTE_3 = "3minute"
    MINUTE_5 = "5minute"
    MINUTE_15 = "15minute"
    MINUTE_60 = "60minute"
    DAY = "day"

    @property
    def seconds(self) -> int:
        return _SECONDS[self]

    @property
    def label(self) -> str:
        """What the screen says: "1m", "1h", "1D"."""
        return _LABELS[self]


_SECONDS: Final = {
    Interval.MINUTE: 60,
    Interval.MINUTE_3: 180,
    Interval.MINUTE_5: 300,
    Interval.MINUTE_15: 900,
    Interval.MINUTE_60: 3600,
    Interval.DAY: 86400,
}
_LABELS: Final = {
    Interval.MINUTE: "1m",
    Interval.MINUTE_3: "3m",
    Interval.MINUTE_5: "5m",
    Interval.MINUTE_15: "15m",
    Interval.MINUTE_60: "1h",
    Interval.DAY: "1D",
}


class Unit(StrEnum):
    """What a bar is measured by; the values end a size's name."""

    SECONDS = "s"
    TICKS = "t"
    VOLUME = "v"


@dataclass(frozen=True, slots=True)
class BarSize:
    """Bars of any length: so many seconds, trades told by ticks, or units traded. Raises ValueError below 1.

    `value`, `seconds` and `label` read as an `Interval`'s; a bar of ticks or volume has 0 seconds.
    """

    size: int
    unit: Unit = Unit.SECONDS

    def __post_init__(self) -> None:
        most = 86_400 if self.unit is Unit.SECONDS else 1 << 40
        if not 1 <= self.size <= most:
            raise ValueError(f"{self.size} {self.unit.name.lower()} asked for one bar: 1 to {most} can be")

    @property
    def value(self) -> str:
        """Its name in settings, which `period_of` reads: "15s", "233t", "50000v"."""
        return f"{self.size}{self.unit.value}"

    @property
    def seconds(self) -> int:
        return self.size if self.unit is Unit.SECONDS else 0

    @property
    def label(self) -> str:
        """What the screen says: "15s", "2m", "233 ticks", "50,000 vol"."""
        if self.unit is not Unit.SECONDS:
            return f"{self.size:,} {'ticks' if self.unit is Unit.TICKS else 'vol'}"
        by, letter = next(((n, x) for n, x in ((3600, "h"), (60, "m")) if self.size % n == 0), (1, "s"))
        return f"{self.size // by}{letter}"


Period = Interval | BarSize
"""How a series' bars are cut."""

_UNITS: Final = {
    "s": (1, Unit.SECONDS),
    "m": (60, Unit.SECONDS),
    "h": (3600, Unit.SECONDS),
    "d": (86_400, Unit.SECONDS),
    "t": (1, Unit.TICKS),
    "v": (1, Unit.VOLUME),
}


def period_of(text: str) -> Period:
    """The period of this name: Kite's ("5minute"), or a number with s, m, h, d, t (ticks) or v (volume).

    Where Kite has the length, its `Interval`: "300s" is "5m" is "5minute". Raises ValueError naming the text.
    """
    name = text.strip().lower()
    if name in set(Interval):
        return Interval(name)
    count, letter = name[:-1], name[-1:]
    if letter not in _UNITS or not (count.isascii() and count.isdigit()):
        raise ValueError(f"{text!r} names no bar: a number and s, m, h, d, t (ticks) or v (volume) does")
    by, unit = _UNITS[letter]
    size = BarSize(int(count) * by, unit)
    return next((interval for interval in Interval if interval.seconds == size.seconds), size)


def history_of(period: Period) -> Interval | None:
    """Whose candles from Kite make this period's: the longest that fit in it whole; None where none do."""
    fits = [interval for interval in Interval if period.seconds and period.seconds % interval.seconds == 0]
    return max(fits, key=lambda interval: interval.seconds, default=None)
