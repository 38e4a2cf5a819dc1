"""One run of a strategy, from Start to Stop, as the panel shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, cast

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.ports import Now
from alphapanda_desktop.domain.strategy import Holding, Parameters, Strategy

LOG_LINES: Final = 500


class RunState(StrEnum):
    STARTING = "starting"
    RUNNING = "running"
    PAUSED = "entries paused"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"

    @property
    def over(self) -> bool:
        return self in (RunState.STOPPED, RunState.FAILED)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a run's log. `level` is "info", "warning" or "error"."""

    at: datetime
    level: str
    text: str


@dataclass(slots=True)
class Run:
    """State of one run; changed only by its host and the runner."""

    run_id: str
    strategy: type[Strategy]
    instruments: tuple[Instrument, ...]
    params: Parameters
    interval: Interval
    product: Product
    started_at: datetime
    now: Now
    state: RunState = RunState.STARTING
    detail: str = ""
    last_reason: str = ""
    log: deque[LogLine] = field(default_factory=lambda: deque(maxlen=LOG_LINES))
    variables: dict[str, object] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    """This run's orders by tag, as last seen."""
    brought: Mapping[tuple[str, Product], tuple[int, float]] = field(default_factory=dict)
    """Signed quantity and average price that it brought into the day, by instrument key and product."""
    units_of: Callable[[str], float] = lambda _key: 1
    """Units of value behind a quantity of one, by instrument key."""
    price_of: Callable[[str], float | None] = lambda _key: None
    """Latest price by instrument key; None where none is known."""

    @property
    def asking(self) -> bool:
        """Whether its strategy may still ask for something."""
        return self.state in (RunState.STARTING, RunState.RUNNING, RunState.PAUSED)

    def note(self, level: str, text: str) -> None:
        """Add a line to the log."""
        self.log.append(LogLine(self.now(), level, text))

    def holding(self, key: str) -> Holding:
        """What this run's own orders have made it own of one instrument."""
        brought = [lots for (where, _), lots in self.brought.items() if where == key]
        quantity, cost, realised = sum(q for q, _ in brought), sum(q * price for q, price in brought), 0.0
        for order in self.orders.values():
            if order.key == key and order.filled_quantity:
                quantity, cost, realised = _fold(quantity, cost, realised, order)
        average = cost / quantity if quantity else 0.0
        known = self.price_of(key)
        last = average if known is None else known
        return Holding(quantity, average, (realised + quantity * (last - average)) * self.units_of(key))

    def held_as(self, key: str) -> dict[Product, int]:
        """Signed quantity of one instrument by product, where there is any: each can be closed only as itself."""
        held: dict[Product, int] = {
            product: count for (where, product), (count, _) in self.brought.items() if where == key
        }
        for order in self.orders.values():
            if order.key == key and order.filled_quantity:
                product = cast(Product, order.product)
                held[product] = held.get(product, 0) + order.sign * order.filled_quantity
        return {product: quantity for product, quantity in held.items() if quantity}

    def holdings(self) -> dict[str, Holding]:
        """`holding` of each instrument of the run."""
        return {i.key: self.holding(i.key) for i in self.instruments}

    def pnl(self) -> float | None:
        """Realised and unrealised profit and loss in rupees, before charges; None while a held price is unknown."""
        holdings = self.holdings()
        if any(h.quantity and self.price_of(key) is None for key, h in holdings.items()):
            return None
        return sum(h.pnl for h in holdings.values())

    def working(self, key: str) -> list[Order]:
        """This run's orders in one instrument that may still fill."""
        return [o for o in self.orders.values() if o.key == key and o.live]


def _fold(quantity: int, cost: float, realised: float, order: Order) -> tuple[int, float, float]:
    """Average-cost book after one more order; `cost` is quantity × average price, signed."""
    signed, price = order.sign * order.filled_quantity, order.average_price
    if quantity * signed >= 0:
        return quantity + signed, cost + signed * price, realised
    average = cost / quantity
    closing = min(abs(signed), abs(quantity)) * (1 if quantity > 0 else -1)
    realised += closing * (price - average)
    left = quantity + signed
    if left * quantity > 0:
        return left, left * average, realised
    return left, left * price, realised
