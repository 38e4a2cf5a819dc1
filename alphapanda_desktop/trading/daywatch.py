"""The day's own limits, looked at with fills, positions and ticks: when one is broken, only exits pass."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Final

from alphapanda_desktop.domain.pnl import Pnl
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.parts import Parts

TICKS_S: Final = 1.0
"""How often ticks alone make it look."""

Reduce = Callable[[str], Coroutine[Any, Any, None]]


class DayWatch:
    """Holds the account's net result against the limits; `reduce(why)` lets only exits pass from then on."""

    def __init__(self, parts: Parts, net: Callable[[], Pnl | None], reduce: Reduce) -> None:
        self._parts = parts
        self._net = net
        self._reduce = reduce
        self._looked_s = float("-inf")

    def after_frame(self) -> None:
        """Prices have moved."""
        if self._parts.clock.monotonic_s() - self._looked_s >= TICKS_S:
            self.look()

    def why(self) -> str:
        """Which limit is broken now, with value and limit; empty when none is."""
        self._looked_s = self._parts.clock.monotonic_s()
        net = self._net()
        return self._parts.risk.heed(net.net if net is not None else None)

    def look(self) -> None:
        """Let only exits pass if a limit is broken."""
        why, parts = self.why(), self._parts
        if why and parts.gate.latch is TradingState.ACTIVE and not parts.scope.closed:
            parts.scope.spawn("reduce", self._reduce(why))
