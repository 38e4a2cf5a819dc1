"""The day's own limits, looked at with fills, positions and ticks: when one is broken, only exits pass."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

from alphapanda_desktop.domain.pnl import Pnl
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import journaled

TICKS_S: Final = 1.0
"""How often ticks alone make it look."""

Reduce = Callable[[str], Coroutine[Any, Any, None]]


class DayWatch:
    """Holds net results against the limits: the account's `net`, and those of the strategies, `results` by name.

    `reduce(why)` lets only exits pass on the whole desk from then on; a strategy that is over enters no more.
    """

    def __init__(
        self,
        parts: Parts,
        net: Callable[[], Pnl | None],
        results: Callable[[], Mapping[str, float | None]],
        reduce: Reduce,
    ) -> None:
        self._parts = parts
        self._net = net
        self._results = results
        self._reduce = reduce
        self._looked_s = float("-inf")

    def after_frame(self) -> None:
        """Ticks came, of whatever instruments."""
        if self._parts.clock.monotonic_s() - self._looked_s >= TICKS_S:
            self.look()

    def why(self) -> str:
        """Which limit of the account is broken now, with value and limit; empty when none is."""
        self._looked_s = self._parts.clock.monotonic_s()
        net = self._net()
        return self._parts.risk.heed(net.net if net is not None else None)

    def look(self) -> None:
        """Let only exits pass where a limit is broken."""
        why, parts = self.why(), self._parts
        if parts.scope.closed:
            return
        if why and parts.gate.latch is TradingState.ACTIVE:
            parts.scope.spawn("reduce", self._reduce(why))
        over = parts.risk.heed_strategies(self._results())
        if over:
            parts.scope.spawn("strategies over their limits", self._keep(over))
        for strategy, told in over.items():
            parts.voice.notice(f"{strategy} may enter no more today. {told}")
            parts.voice.tell(parts.voice.strategy_over, strategy, told)

    async def _keep(self, over: Mapping[str, str]) -> None:
        kept = self._parts.risk.keep_day(f"over their limits: {', '.join(over)}")
        self._parts.voice.report(await journaled(kept), "a strategy over its limits")
