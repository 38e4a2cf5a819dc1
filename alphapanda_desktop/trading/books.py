"""The desk's picture of the account: orders, intents on their way, fills, positions, funds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from alphapanda_desktop.domain.orders import INTENDED, UNKNOWN, Fill, Order, OrderBook, OrderRequest
from alphapanda_desktop.domain.ports import Funds
from alphapanda_desktop.domain.positions import Position


class Books:
    """State only: what the broker has said, and what we have asked without an answer yet."""

    def __init__(self) -> None:
        self.book = OrderBook()
        self.positions: list[Position] = []
        self.positions_at: datetime | None = None
        self.funds: list[Funds] = []
        self._pending: dict[str, Order] = {}
        self._fills: dict[tuple[str, str, str], Fill] = {}
        self._runs: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._asked_at: dict[str, datetime] = {}

    def orders(self) -> list[Order]:
        """Newest first; intents without an order id before the book's rows of the same moment."""
        rows = [*self._pending.values(), *self.book]
        return sorted(rows, key=self._moment, reverse=True)

    def fills(self) -> list[Fill]:
        """Newest first."""
        return sorted(self._fills.values(), key=lambda f: (str(f.fill_timestamp), f.trade_id), reverse=True)

    def run_of(self, order: Order) -> str:
        """Run id of the strategy that asked for it, empty for an order by hand or from elsewhere."""
        return self._runs.get(order.tag or "", "")

    def reason_of(self, order: Order) -> str:
        return self._reasons.get(order.tag or "", "")

    def ours(self, order: Order) -> bool:
        """Whether this program asked for it, in this or an earlier run of today."""
        return (order.tag or "") in self._runs

    def of_run(self, run_id: str) -> list[Order]:
        """Orders of one strategy run, intents included, oldest first."""
        return [order for order in reversed(self.orders()) if self._runs.get(order.tag or "") == run_id]

    def remember(self, request: OrderRequest) -> None:
        """Know whose order a tag is."""
        self._runs[request.tag] = request.strategy
        self._reasons[request.tag] = request.reason

    def intend(self, request: OrderRequest, at: datetime) -> Order:
        """A row for an order that is on its way."""
        self.remember(request)
        self._asked_at[request.tag] = at
        order = Order(
            order_id="",
            status=INTENDED,
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            transaction_type=request.transaction_type,
            quantity=request.quantity,
            product=request.product,
            order_type=request.order_type,
            variety=request.variety,
            validity=request.validity,
            instrument_token=request.instrument_token,
            price=request.price or 0.0,
            trigger_price=request.trigger_price or 0.0,
            pending_quantity=request.quantity,
            order_timestamp=at,
            tag=request.tag,
            tags=(request.tag,),
        )
        self._pending[request.tag] = order
        return order

    def unanswered(self) -> list[Order]:
        """Intents of which the broker has not told yet."""
        return list(self._pending.values())

    def pending(self, tag: str) -> Order | None:
        return self._pending.get(tag)

    def mark_unknown(self, tag: str, why: str) -> Order | None:
        return self._mark(tag, UNKNOWN, why)

    def mark_rejected(self, tag: str, why: str) -> Order | None:
        """The row of an intent that did not become an order; it stays to be read."""
        return self._mark(tag, "REJECTED", why)

    def _mark(self, tag: str, status: str, why: str) -> Order | None:
        order = self._pending.get(tag)
        if order is None:
            return None
        ended = status == "REJECTED"
        self._pending[tag] = replace(
            order, status=status, status_message=why, pending_quantity=0 if ended else order.quantity
        )
        return self._pending[tag]

    def accepted(self, tag: str, order_id: str) -> Order:
        """The broker gave an order id: the row enters the book unless an update was there first."""
        pending = self._pending.pop(tag, None)
        known = self.book.get(order_id)
        if known is not None:
            return known
        if pending is None:
            raise KeyError(f"no intent with tag {tag!r}")
        # Without a time: ours must not be compared with Kite's, which tells only seconds of another clock.
        row = replace(pending, order_id=order_id, status="PUT ORDER REQ RECEIVED", order_timestamp=None)
        return self.book.apply(row) or row

    def apply(self, order: Order) -> Order | None:
        """Take what the broker says of an order; the row as it now stands if that was news."""
        changed = self.book.apply(order)
        for tag in (order.tag, *order.tags):
            if tag:
                self._pending.pop(tag, None)
        return changed

    def take_fills(self, fills: Iterable[Fill]) -> list[Fill]:
        """Remember fills; those that were new, oldest first."""
        new = [fill for fill in fills if fill.id not in self._fills]
        for fill in new:
            self._fills[fill.id] = fill
        return new

    def take_positions(self, positions: Sequence[Position], at: datetime) -> None:
        self.positions, self.positions_at = list(positions), at

    def held(self, exchange: str, tradingsymbol: str, product: str) -> int:
        """Signed quantity of one position."""
        return sum(p.quantity for p in self.positions if p.id == (exchange, tradingsymbol, product))

    def working(self, exchange: str, tradingsymbol: str, product: str) -> int:
        """Signed quantity of live orders of one instrument and product, those on their way included."""
        rows = [o for o in (*self._pending.values(), *self.book.working()) if o.live]
        same = [o for o in rows if (o.exchange, o.tradingsymbol, o.product) == (exchange, tradingsymbol, product)]
        return sum(o.sign * o.open_quantity for o in same)

    def _moment(self, order: Order) -> tuple[float, str]:
        at = order.order_timestamp or self._asked_at.get(order.tag or "")
        return (at.timestamp() if at else 0.0, order.order_id or "~")
