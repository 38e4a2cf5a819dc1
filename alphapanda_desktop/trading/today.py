"""The broker's books of the trading day alone: around 06:00, and at night, it still tells those of the day before.

What an earlier day earned or lost must not count again, and an order of it can come to nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.ports import Funds
from alphapanda_desktop.domain.positions import Position


class TellsBooks(Protocol):
    """Whoever can be asked for an account's books."""

    async def orders(self) -> list[Order]: ...

    async def fills(self) -> list[Fill]: ...

    async def positions(self) -> list[Position]: ...

    async def funds(self) -> list[Funds]: ...


class Today:
    """A broker's books without the rows of earlier days. `begins()` is when the trading day began.

    An after-market order of last evening is of this day, and so is whatever was touched in it. `hours` says that no
    other order outlives its day, as at the exchanges.
    """

    def __init__(self, broker: TellsBooks, begins: Callable[[], datetime], *, hours: bool) -> None:
        self._broker = broker
        self._begins = begins
        self._hours = hours
        self._old_orders = self._old_fills = False
        self._outlived: set[str] = set()

    @property
    def behind(self) -> bool:
        """Whether the broker told executions of an earlier day last: then its positions are that day's too."""
        return self._old_orders or self._old_fills

    async def orders(self) -> list[Order]:
        """Those of today, in the broker's order."""
        rows, begins = await self._broker.orders(), self._begins()
        old = {order.order_id for order in rows if untouched(order, begins)}
        self._outlived = {o.order_id for o in rows if o.order_id in old and self._outlives(o)}
        gone = old - self._outlived
        self._old_orders = any(order.filled_quantity for order in rows if order.order_id in gone)
        return [order for order in rows if order.order_id not in gone]

    async def fills(self) -> list[Fill]:
        """Those of today, and those of orders that have outlived their day."""
        rows, begins = await self._broker.fills(), self._begins()
        kept = [f for f in rows if not _before(f.fill_timestamp, begins) or f.order_id in self._outlived]
        self._old_fills = len(kept) < len(rows)
        return kept

    async def positions(self) -> list[Position]:
        """As the broker tells them; `behind` says whether they are of today."""
        return await self._broker.positions()

    async def funds(self) -> list[Funds]:
        return await self._broker.funds()

    def _outlives(self, order: Order) -> bool:
        return order.live and (order.variety == "amo" or not self._hours)


def untouched(order: Order, begins: datetime) -> bool:
    """Whether nothing has happened to an order since then; one without a time is taken for new."""
    times = (order.order_timestamp, order.exchange_timestamp, order.exchange_update_timestamp)
    known = [at for at in times if at is not None]
    return bool(known) and max(known) < begins


def _before(at: datetime | None, begins: datetime) -> bool:
    return at is not None and at < begins
