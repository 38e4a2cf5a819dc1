"""Where a strategy sits: in this process (backtests, tests) or in a child of its own (practice, paper, live, replay).

A host feeds its seat with what happens, in the order in which it happens; the strategy's wishes come back as calls of
the run's context. Nothing of a strategy's code is reached but through its seat.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.strategy import Parameters
from alphapanda_desktop.trading.askedcontext import AskedContext
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.scope import Scope


@dataclass(frozen=True, slots=True)
class Budgets:
    """What a strategy may use before its process is ended; seconds, and bytes of memory."""

    call_s: float = 2.0
    load_s: float = 20.0
    stop_s: float = 2.0
    memory: int = 1 << 30


class Sitting(Protocol):
    """What a seat has of its host."""

    run: Run
    market: Market
    clock: Clock
    scope: Scope

    @property
    def context(self) -> AskedContext:
        """Takes the strategy's wishes."""
        ...

    def took(self, hook: str, seconds: float) -> None:
        """A call came back after so long in the strategy's code."""
        ...

    def failed(self, why: str) -> None:
        """The strategy cannot go on: its run ends, in these words."""
        ...

    def changed(self) -> None:
        """Something to be seen of the run is another."""
        ...


class Seat(Protocol):
    """One strategy, wherever it sits. Every call but the coroutines returns at once.

    What a strategy is told comes to it in this order; what a failing one was still to be told is dropped.
    """

    @property
    def hears_ticks(self) -> bool:
        """Whether it overrides `on_tick`; known once it is loaded."""
        ...

    @property
    def lookback(self) -> int:
        """How many closed bars it needs before it decides anything; known once it is loaded."""
        ...

    @property
    def busy(self) -> bool:
        """Whether it has not dealt yet with all that it was told."""
        ...

    async def load(self) -> bool:
        """Bring it up as far as a strategy with judged parameters; a failure was told to the host."""
        ...

    async def start(self) -> bool:
        """Call `on_start`; whether it came back well."""
        ...

    def bar(self, instrument: Instrument, bar: Bar) -> None: ...

    def tick(self, instrument: Instrument, tick: Tick) -> None: ...

    def order(self, order: Order) -> None: ...

    def timer(self, name: str) -> None: ...

    async def judge(self, params: Parameters) -> Sequence[str]:
        """What the strategy's own rules say against these parameters, in words."""
        ...

    def change(self, params: Parameters) -> None:
        """Go on with these parameters, already judged, from the next call on."""
        ...

    def ask_stop(self) -> None:
        """Call `on_stop`, its last."""
        ...

    async def stopped(self) -> str:
        """When `on_stop` is over, or its deadline is: what was wrong with it, in words; empty when nothing."""
        ...

    def end(self) -> None:
        """Call nothing any more; its process is ended."""
        ...

    async def gone(self) -> None:
        """When nothing of it is left."""
        ...


SeatMaker = Callable[[Sitting], Seat]
