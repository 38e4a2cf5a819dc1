"""Whether orders may leave at all: the desk's own state, the arming, and the kill switch's latch."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.arming import Arming


class DeskState(StrEnum):
    CLOSED = "closed"
    RECONCILING = "reconciling"
    READY = "ready"
    FROZEN = "frozen: login needed"


class Gate:
    """The one place that every order path asks. State only; the desk and the kill switch change it.

    `knows_held` says whether what is held is known though not all could be read: then whoever is in may get out.
    """

    def __init__(self, arming: Arming, knows_held: Callable[[], bool] = lambda: False) -> None:
        self.arming = arming
        self.knows_held = knows_held
        self.state = DeskState.CLOSED
        self.detail = ""
        self.latch = TradingState.ACTIVE
        self.why_latched = ""

    @property
    def only_exits(self) -> bool:
        """Whether the desk is not ready, and yet lets out what only closes: what is held is known."""
        return self.state in (DeskState.CLOSED, DeskState.RECONCILING) and self.knows_held()

    def require_open(self, *, closes: bool = False) -> None:
        """Raises Refused unless the desk is ready and, where that is needed, armed; `closes` for what only closes."""
        if not self._lets(closes=closes):
            raise Refused(f"The desk takes no orders: {self.state}. {self.detail}".strip(), "desk state")
        if self.arming.why_not():
            raise Refused(self.arming.why_not(), "arming")

    def why_shut(self, *, reduces: bool, closes: bool = False) -> str:
        """Why an order that passed every rule must not leave now, empty when it may; asked right before it does.

        `closes` says that it may only close, and was judged so in this step.
        """
        if self.latch is TradingState.HALTED:
            return "the kill switch is on"
        if self.latch is TradingState.REDUCING and not reduces:
            return "only orders that shrink a position pass"
        return self.arming.why_not() if self._lets(closes=closes) else str(self.state)

    def _lets(self, *, closes: bool) -> bool:
        return self.state is DeskState.READY or (closes and self.only_exits)

    def why_shut_for_exits(self) -> str:
        """The kill switch's own door: past the latch and the arming, for its exits alone."""
        lets = self.state in (DeskState.READY, DeskState.RECONCILING) or self.only_exits
        return "" if lets else f"{self.state}. {self.detail}".strip()
