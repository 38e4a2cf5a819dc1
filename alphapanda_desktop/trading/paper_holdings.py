"""Shares that paper trading holds: what CNC purchases become overnight, and what CNC sales are made from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alphapanda_desktop.domain.positions import Position

Key = tuple[str, str]


@dataclass(slots=True)
class Line:
    """One line of the paper demat account: settled units, those of the last trading day, and their average cost."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    settled: int = 0
    t1: int = 0
    average_price: float = 0.0

    @property
    def held(self) -> int:
        return self.settled + self.t1


class PaperHoldings:
    """Lines by exchange and symbol. Owned by one PaperAccount."""

    def __init__(self) -> None:
        self._lines: dict[Key, Line] = {}

    def __iter__(self) -> Iterator[Line]:
        return iter(list(self._lines.values()))

    def held(self, exchange: str, tradingsymbol: str) -> int:
        """Units held, whether sold today or not."""
        line = self._lines.get((exchange, tradingsymbol))
        return line.held if line else 0

    def begin(self) -> None:
        """A day later, what was bought the day before is settled."""
        for line in self._lines.values():
            line.settled, line.t1 = line.held, 0

    def deliver(self, position: Position) -> None:
        """Book what a CNC position came to in the evening: bought units arrive, sold ones leave."""
        key = (position.exchange, position.tradingsymbol)
        line = self._lines.setdefault(key, Line(*key, position.instrument_token))
        if position.quantity > 0:
            cost = line.held * line.average_price + position.quantity * position.average_price
            line.average_price = cost / (line.held + position.quantity)
            line.t1 += position.quantity
        else:
            line.settled = max(0, line.settled + position.quantity)
        if not line.held:
            del self._lines[key]
