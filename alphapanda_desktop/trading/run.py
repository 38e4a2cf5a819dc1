"""One run of a strategy, from Start to Stop, as the panel shows it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from alphapanda_desktop.domain import runbook
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.ports import Now
from alphapanda_desktop.domain.strategy import Holding, Parameters, Strategy
from alphapanda_desktop.trading.pulse import Pulse

LOG_LINES: Final = 500


class RunState(StrEnum):
    """Where a run is between Load and its end; LOADED waits for Start, and nothing is asked of its strategy before."""

    LOADING = "loading"
    LOADED = "loaded"
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
    """Signed quantity and average price that it did not trade itself today, by instrument key and product.

    Brought into the day, or handed over by another run; what it has handed over itself counts against its orders.
    """
    units_of: Callable[[str], float] = lambda _key: 1
    """Units of value behind a quantity of one, by instrument key."""
    price_of: Callable[[str], float | None] = lambda _key: None
    """Latest price by instrument key; None where none is known."""
    pulse: Pulse = field(default_factory=Pulse)
    waiting_params: Parameters | None = None
    """Parameters that were changed while it runs, and are taken at its next bar."""
    lacks: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Closed bars that there are and that its strategy needs, of instruments where these are too few to decide."""
    hold_entries: bool = False
    """Whether entries were paused before it had begun: `on_start` enters nothing, and it goes on paused."""

    @property
    def asking(self) -> bool:
        """Whether its strategy may still ask for something."""
        return self.state in (RunState.STARTING, RunState.RUNNING, RunState.PAUSED)

    def note(self, level: str, text: str) -> None:
        """Add a line to the log."""
        self.log.append(LogLine(self.now(), level, text))

    def holding(self, key: str) -> Holding:
        """What this run's own orders have made it own of one instrument."""
        price = self.price_of(key)
        return runbook.holding_of(key, self.brought, self.orders.values(), price, self.units_of(key))

    def held_as(self, key: str) -> dict[Product, int]:
        """Signed quantity of one instrument by product, where there is any: each can be closed only as itself."""
        return runbook.held_as(key, self.brought, self.orders.values())

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
