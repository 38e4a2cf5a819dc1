"""The way of the price within a bar, and what a market order pays for being in a hurry.

A bar tells four prices and not their order. Assumed is: from the open to the nearer of high and low, from there to
the other one, then to the close; where both are equally near, the way to the low is first in a bar that closes at or
above its open. Prices between them are passed one by one, so orders meet the market in the order of their prices.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar


@dataclass(frozen=True, slots=True)
class Slippage:
    """How much worse than the price that was shown an order is filled that takes it: ticks, and per cent of it."""

    ticks: float = 1.0
    pct: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.ticks <= 10_000 and 0 <= self.pct <= 100):
            raise BadData(f"slippage of {self.ticks:g} ticks and {self.pct:g} %: 0 to 10000 and 0 to 100 can be")

    @classmethod
    def of(cls, text: str) -> Slippage:
        """From "2 ticks", "2t", "0.05%", or "0". Raises BadData naming the text."""
        words = text.strip().lower().replace(" ", "")
        try:
            if words.endswith("%"):
                return cls(0.0, float(words[:-1]))
            number = words.removesuffix("ticks").removesuffix("tick").removesuffix("t")
            return cls(float(number), 0.0)
        except ValueError:
            raise BadData(f"slippage {text!r}: so many ticks (2t) or per cent (0.05%) is expected") from None

    def __str__(self) -> str:
        return f"{self.pct:g} %" if self.pct else f"{self.ticks:g} tick{'' if self.ticks == 1 else 's'}"

    def paid(self, price: float, sign: int, instrument: Instrument) -> float:
        """What is paid, on a tick, where `price` was shown; a sale gets no less than one tick."""
        if not (self.ticks or self.pct):
            return price
        size = instrument.tick_size or 0.01
        worse = price + sign * (self.ticks * size + price * self.pct / 100)
        count = ceil(worse / size - 1e-6) if sign > 0 else max(1, floor(worse / size + 1e-6))
        return round(count * size, 4)


def turns(bar: Bar) -> tuple[float, float, float]:
    """Where the price goes after the open, one after the other; the last is the close."""
    up, down = bar.high - bar.open, bar.open - bar.low
    low_first = down < up or (down == up and bar.close >= bar.open)
    return (bar.low, bar.high, bar.close) if low_first else (bar.high, bar.low, bar.close)
