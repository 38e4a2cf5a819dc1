"""Executions paired into trades: from flat to flat, in one instrument and product, charges of both ends included."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from alphapanda_desktop.backtest.orders import Execution
from alphapanda_desktop.domain.positions import to_money


@dataclass(slots=True)
class Trade:
    """One position from its first fill to its last; `gross` and `charges` are booked money.

    `quantity` is the most that was held, signed; prices are averages. One that is still open has no `closed_s`, and
    its `gross` is what has been closed of it.
    """

    key: str
    product: str
    opened_s: int
    quantity: int = 0
    entry_price: float = 0.0
    exit_price: float = 0.0
    closed_s: int | None = None
    gross: int = 0
    charges: int = 0
    reason: str = ""
    exit_reason: str = ""
    _held: int = 0
    _entered: int = 0
    _left: int = 0

    @property
    def net(self) -> int:
        return self.gross - self.charges

    def enter(self, quantity: int, sign: int, price: float) -> None:
        """Take an enlarging fill."""
        self.entry_price = (self.entry_price * self._entered + price * quantity) / (self._entered + quantity)
        self._entered += quantity
        self._held += sign * quantity
        self.quantity = self._held if abs(self._held) > abs(self.quantity) else self.quantity

    def leave(self, quantity: int, price: float, units: int) -> None:
        """Take a closing fill."""
        sign = 1 if self._held > 0 else -1
        self.gross += sign * to_money(quantity * (price - self.entry_price) * units)
        self.exit_price = (self.exit_price * self._left + price * quantity) / (self._left + quantity)
        self._left += quantity
        self._held -= sign * quantity

    @property
    def held(self) -> int:
        return self._held


def trades_of(executions: Iterable[Execution], units: Mapping[str, int]) -> list[Trade]:
    """Trades in the order in which they were opened; a fill that turns a position ends one and begins another.

    `units` is what a quantity of one stands for, by key. The charges of a turning fill are shared by quantity.
    """
    done: list[Trade] = []
    open_: dict[tuple[str, str], Trade] = {}
    for fill in executions:
        where, left, charges = (fill.key, fill.product), fill.quantity, fill.charges
        trade = open_.get(where)
        if trade is not None and trade.held * fill.sign < 0:
            part = min(left, abs(trade.held))
            share = charges * part // fill.quantity
            trade.leave(part, fill.price, units[fill.key])
            trade.charges += share
            left, charges = left - part, charges - share
            if not trade.held:
                trade.closed_s, trade.exit_reason = fill.at_s, fill.reason
                del open_[where]
                trade = None
        if left:
            if trade is None:
                trade = open_[where] = Trade(fill.key, fill.product, fill.at_s, reason=fill.reason)
                done.append(trade)
            trade.enter(left, fill.sign, fill.price)
            trade.charges += charges
    return done
