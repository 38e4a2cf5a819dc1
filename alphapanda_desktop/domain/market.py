"""Ticks and depth under Kite's ticker names, and the bars that ticks make."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

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


class Depth(NamedTuple):
    """Five best bids (`buy`) and offers (`sell`), best first."""

    buy: tuple[DepthLevel, ...]
    sell: tuple[DepthLevel, ...]


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
        if words is None:
            return None
        levels = tuple(DepthLevel(words[k + 1] / self.divisor, words[k], words[k + 2]) for k in range(0, len(words), 3))
        return Depth(levels[:5], levels[5:])

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
    """Candle lengths offered on screen and to strategies; the values are Kite's historical names."""

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
