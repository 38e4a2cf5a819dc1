"""The square-off of the practice account: positions of the day are closed at Zerodha's time, in real hours only.

Its fee is not booked: the practice account counts no charges.
"""

from __future__ import annotations

from collections.abc import Callable

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import RESTING
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.squareoff import MAX_EQUITY_QUANTITY, square_off_at
from alphapanda_desktop.sim.answers import ist
from alphapanda_desktop.sim.checks import freeze_quantity
from alphapanda_desktop.sim.exchange import Exchange
from alphapanda_desktop.sim.margins import CASH
from alphapanda_desktop.sim.market import Market
from alphapanda_desktop.sim.orders import SimOrder
from alphapanda_desktop.sim.switches import Switches


class SquareOff:
    """Looks at each step of the market whether a position's hour has come."""

    def __init__(self, market: Market, exchange: Exchange, now_s: Callable[[], float], switches: Switches) -> None:
        self._market = market
        self._exchange = exchange
        self._now_s = now_s
        self._switches = switches
        names = {i.name for i in market.instruments if i.instrument_type != "EQ"}
        self._leveraged = {i.instrument_token for i in market.instruments if i.tradingsymbol in names}

    def on_step(self) -> None:
        """Close what is due."""
        for position in list(self._exchange.book.accounts.positions.values()):
            instrument = self._market.by_token(position.instrument_token)
            if position.product in ("MIS", "CO") and position.quantity and instrument is not None:
                self._look_at(position, instrument)

    def _look_at(self, position: Position, instrument: Instrument) -> None:
        if not self._market.is_open(instrument) or not self.is_past(instrument):
            return
        working = [o for o in self._exchange.book.working() if (o.key, o.product) == (position.key, position.product)]
        closing = "SELL" if position.quantity > 0 else "BUY"
        if any(order.meta.get("square_off") for order in working):
            return
        for order in working:
            self._take_out(order)
        if position.product == "MIS":
            self._close(position, closing, instrument)

    def is_past(self, instrument: Instrument) -> bool:
        """Whether the day's square-off of an instrument has been; never on an exchange that is always open."""
        if self._switches.hours != "real":
            return False
        at = ist(self._now_s())
        due = square_off_at(instrument.exchange, at.date(), has_derivatives=self._auction(instrument))
        return due is not None and at >= due

    def _auction(self, instrument: Instrument) -> bool:
        return self._switches.calendar == "2026" and instrument.instrument_token in self._leveraged

    def _take_out(self, order: SimOrder) -> None:
        """Cancel a resting order; a cover order's stop leaves through the market, and closes its position."""
        if order.status in RESTING:
            self._exchange.cancel(order.variety, order.order_id, order.parent_order_id or "")

    def _close(self, position: Position, side: str, instrument: Instrument) -> None:
        left = abs(position.quantity)
        most = MAX_EQUITY_QUANTITY if position.exchange in CASH else freeze_quantity(instrument)
        for start in range(0, left, most):
            form = {
                "exchange": position.exchange, "tradingsymbol": position.tradingsymbol, "transaction_type": side,
                "quantity": str(min(most, left - start)), "product": "MIS", "order_type": "MARKET",
                "market_protection": "-1", "validity": "DAY",
            }  # fmt: skip
            self._exchange.square_off(form)
