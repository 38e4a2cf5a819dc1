"""Whether orders may leave at all: the desk's own state, the arming, and the kill switch's latch."""

from __future__ import annotations

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
    """The one place that every order path asks. State only; the desk and the kill switch change it."""

    def __init__(self, arming: Arming) -> None:
        self.arming = arming
        self.state = DeskState.CLOSED
        self.detail = ""
        self.latch = TradingState.ACTIVE
        self.why_latched = ""

    def require_open(self) -> None:
        """Raises Refused unless the desk is ready and, where that is needed, armed."""
        if self.state is not DeskState.READY:
            raise Refused(f"The desk takes no orders: {self.state}. {self.detail}".strip(), "desk state")
        if self.arming.why_not():
            raise Refused(self.arming.why_not(), "arming")

    def why_shut(self, *, reduces: bool) -> str:
        """Why an order that passed every rule must not leave now, empty when it may; asked right before it does."""
        if self.latch is TradingState.HALTED:
            return "the kill switch is on"
        if self.latch is TradingState.REDUCING and not reduces:
            return "only orders that shrink a position pass"
        return self.arming.why_not() if self.state is DeskState.READY else str(self.state)

    def why_shut_for_exits(self) -> str:
        """The kill switch's own door: past the latch and the arming, for its exits alone."""
        reading = self.state in (DeskState.READY, DeskState.RECONCILING)
        return "" if reading else f"{self.state}. {self.detail}".strip()
