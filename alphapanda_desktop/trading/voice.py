"""What a desk tells: its signals, and telling that no listener can break off."""

from __future__ import annotations

from psygnal import Signal, SignalInstance

from alphapanda_desktop.domain.errors import AlphaPandaError, Fatal, SessionEnded
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.trading.scope import Scope


class Voice:
    """Signals: `order_changed(Order)`, `filled(Fill, run_id)`, `positions_changed()`, `state_changed(DeskState)`,
    `halted_changed(TradingState)`, `gtts_changed()`, `foreign_seen(Order)`, `strategy_over(strategy, why)`,
    `day_turned()` once the books are of a new trading day and its limits in force,
    `policy_changed()` when another policy for foreign orders holds, `noticed(text)`, `session_ended(why)`.
    """

    order_changed = Signal(object)
    filled = Signal(object, str)
    positions_changed = Signal()
    state_changed = Signal(object)
    halted_changed = Signal(object)
    foreign_seen = Signal(object)
    strategy_over = Signal(str, str)
    day_turned = Signal()
    policy_changed = Signal()
    gtts_changed = Signal()
    noticed = Signal(str)
    session_ended = Signal(str)

    def __init__(self, scope: Scope) -> None:
        self._voice_scope = scope

    def tell(self, signal: SignalInstance, *values: object) -> None:
        """Tell listeners; one that fails is reported, and breaks off nothing in here."""
        self._voice_scope.call(signal.name, signal.emit, *values)

    def show(self, order: Order | None) -> None:
        """Tell of an order's picture, where there is one."""
        if order is not None:
            self.tell(self.order_changed, order)

    def notice(self, text: str) -> None:
        """Words for a person."""
        self.tell(self.noticed, text)

    def heed(self, error: AlphaPandaError) -> None:
        """Tell of the session's end, if that is what an error means."""
        if isinstance(error, SessionEnded):
            self.tell(self.session_ended, str(error))

    def report(self, error: Fatal | None, what: str) -> None:
        """Tell of a journal that did not take what had happened already."""
        if error is not None:
            self.notice(f"What became of {what} could not be journaled: {error}")
