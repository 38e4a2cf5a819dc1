"""Positions by Kite's own arithmetic, and what a list of fills makes of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final

from alphapanda_desktop.domain.orders import Fill

RUPEE: Final = 10_000
"""Booked money is an integer count of ten-thousandths of a rupee."""

DELIVERY: Final = frozenset({"CNC", "MTF"})
"""Products that leave the positions for the holdings overnight, and of which the broker lets nobody sell too much."""


def to_money(rupees: float) -> int:
    """Rupees as booked money, rounded to the nearest ten-thousandth."""
    return round(rupees * RUPEE)


def to_close(product: str, quantity: int) -> int:
    """Signed units of a position that are open; a negative one of delivery is a sale of holdings, and no short."""
    return max(0, quantity) if product in DELIVERY else quantity


def closable(product: str, sign: int, held: int, in_holdings: int | None) -> int | None:
    """Units that orders of that sign can only close, all together; None where only the broker knows how many.

    `held` is the day's signed position, `in_holdings` what lay in the demat account before it, None where unread.
    """
    if product in DELIVERY and sign < 0:
        return None if in_holdings is None else max(0, held + in_holdings)
    return max(0, -sign * to_close(product, held))


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One row of Kite's positions: key is (exchange, tradingsymbol, product); prices and values rupees.

    `quantity` is negative when short; values include `multiplier`. Rows with quantity 0 stay for the day.
    `told_pnl` is the `pnl` that came with the row, None where nobody told one: it is compared, never shown as ours.
    Source: CONTRACT 2.9, the 29 wire fields that are not derivable from these are kept as they came.
    """

    exchange: str
    tradingsymbol: str
    product: str
    quantity: int = 0
    instrument_token: int = 0
    overnight_quantity: int = 0
    multiplier: float = 1.0
    close_price: float = 0.0
    last_price: float = 0.0
    buy_quantity: int = 0
    buy_value: float = 0.0
    sell_quantity: int = 0
    sell_value: float = 0.0
    day_buy_quantity: int = 0
    day_buy_value: float = 0.0
    day_sell_quantity: int = 0
    day_sell_value: float = 0.0
    told_pnl: float | None = None

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"

    @property
    def id(self) -> tuple[str, str, str]:
        return (self.exchange, self.tradingsymbol, self.product)

    @property
    def buy_price(self) -> float:
        """Average price bought at, 0 when nothing was."""
        return self.buy_value / (self.buy_quantity * self.multiplier) if self.buy_quantity else 0.0

    @property
    def sell_price(self) -> float:
        """Average price sold at, 0 when nothing was."""
        return self.sell_value / (self.sell_quantity * self.multiplier) if self.sell_quantity else 0.0

    @property
    def average_price(self) -> float:
        """Average of the open side, 0 when flat."""
        if self.quantity == 0:
            return 0.0
        return self.buy_price if self.quantity > 0 else self.sell_price

    @property
    def value(self) -> float:
        return self.sell_value - self.buy_value

    def pnl_at(self, last_price: float) -> float:
        """Profit and loss in rupees if the open quantity were worth `last_price`."""
        return self.value + self.quantity * last_price * self.multiplier

    @property
    def pnl(self) -> float:
        """Profit and loss in rupees at the row's own `last_price`."""
        return self.pnl_at(self.last_price)

    @property
    def realised(self) -> float:
        """What has been closed brought, in rupees, each side at its average; Kite's own rows put all in `unrealised`.

        A later trade on the open side moves that average, so this may change without anything being closed.
        """
        return self.value + self.quantity * self.average_price * self.multiplier

    @property
    def overnight_value(self) -> float:
        """What the quantity that was carried into the day had come to, in rupees, negative for a short."""
        if self.overnight_quantity > 0:
            return self.buy_value - self.day_buy_value
        if self.overnight_quantity < 0:
            return self.day_sell_value - self.sell_value
        return 0.0

    @property
    def m2m(self) -> float:
        """Today's share of the profit and loss, in rupees."""
        carried = self.overnight_quantity * self.close_price * self.multiplier
        buy = self.day_buy_value + max(carried, 0.0)
        sell = self.day_sell_value + max(-carried, 0.0)
        return sell - buy + self.quantity * self.last_price * self.multiplier


def add_fill(position: Position, fill: Fill) -> Position:
    """The position after one more fill of the same instrument and product."""
    value = fill.quantity * fill.average_price * position.multiplier
    if fill.transaction_type == "BUY":
        return replace(
            position,
            quantity=position.quantity + fill.quantity,
            buy_quantity=position.buy_quantity + fill.quantity,
            buy_value=position.buy_value + value,
            day_buy_quantity=position.day_buy_quantity + fill.quantity,
            day_buy_value=position.day_buy_value + value,
        )
    return replace(
        position,
        quantity=position.quantity - fill.quantity,
        sell_quantity=position.sell_quantity + fill.quantity,
        sell_value=position.sell_value + value,
        day_sell_quantity=position.day_sell_quantity + fill.quantity,
        day_sell_value=position.day_sell_value + value,
    )


def fold_fills(fills: Iterable[Fill], multiplier: float = 1.0) -> dict[tuple[str, str, str], Position]:
    """Positions that fills alone make, by (exchange, tradingsymbol, product)."""
    positions: dict[tuple[str, str, str], Position] = {}
    for fill in fills:
        id_ = (fill.exchange, fill.tradingsymbol, fill.product)
        start = Position(
            exchange=fill.exchange,
            tradingsymbol=fill.tradingsymbol,
            product=fill.product,
            instrument_token=fill.instrument_token,
            multiplier=multiplier,
        )
        positions[id_] = add_fill(positions.get(id_, start), fill)
    return positions
