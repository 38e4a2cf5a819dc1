"""Which part of each position has a stop, and where: at the broker, in this program only, or nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final, cast

from psygnal import Signal

from alphapanda_desktop.domain.coverage import WAITING, AppStop, Coverage, covered
from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.domain.orders import AUTOMATIC, Order, OrderRequest, Product
from alphapanda_desktop.domain.portfolio import Gtt, Gtts
from alphapanda_desktop.domain.positions import DELIVERY, Position
from alphapanda_desktop.domain.why import Cause, tick_facts
from alphapanda_desktop.trading.books import Place, left_of, place_of
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.endings import stands
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.stops import KeptStop, kept_by

GAP_S: Final = 2.0
"""How long after one reading of the GTTs the next may follow."""


class StopCoverage:
    """Reads the desk's books, the runs' own stops and the GTTs as they were last read. Signal: `changed()`.

    `runs` gives the strategy runs of this venue. GTTs come in with `refresh`; until then, and where they cannot be
    read, `gtts_unread` says so in words, and what they protect counts as unprotected.
    """

    changed = Signal()

    def __init__(self, desk: Desk, market: Market, runs: Callable[[], Iterable[Run]], gtts: Gtts | None = None) -> None:
        self._desk = desk
        self._market = market
        self._runs = runs
        self._port = gtts
        self._gtts: list[Gtt] = []
        self._converting: set[Place] = set()
        self._left_over: set[str] = set()
        self._left_over_told: set[str] = set()
        self._wanted = asyncio.Event()
        self._wanted.set()
        self.gtts_unread = "" if gtts is None else "GTTs have not been read yet"
        desk.order_changed.connect(self._on_order)
        desk.positions_changed.connect(self._on_positions)
        desk.gtts_changed.connect(self._wanted.set)

    def close(self) -> None:
        """Hear no more from the desk."""
        self._desk.order_changed.disconnect(self._on_order)
        self._desk.positions_changed.disconnect(self._on_positions)
        self._desk.gtts_changed.disconnect(self._wanted.set)

    def rows(self) -> list[Coverage]:
        """One row for each open position, in the desk's order."""
        stops = [stop for kept in self._kept() for stop in kept.stops()]
        return covered(self._desk.positions(), self._desk.orders(), self._gtts, stops)

    def app_only(self) -> list[Coverage]:
        """Positions of which some is protected by this program alone: gone when it closes or the computer sleeps."""
        return [row for row in self.rows() if row.in_program]

    async def run(self) -> None:
        """Read the GTTs now, after every change of one and after every look at the books, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await self.refresh()
            self._tell_left_over()
            await asyncio.sleep(GAP_S)

    async def refresh(self) -> None:
        """Read the GTTs; a failure is told in `gtts_unread`, and what was read before is no longer counted."""
        if self._port is None:
            return
        try:
            self._gtts, self.gtts_unread = await self._port.list(), ""
        except AlphaPandaError as error:
            self._gtts, self.gtts_unread = [], f"GTTs could not be read: {error}"
        self.changed.emit()

    def _tell_left_over(self) -> None:
        """Tell of stops that rest although what they guarded was closed; of each once, when two looks found it."""
        found = {order.order_id: order for order in self._desk.books.book.working() if self._is_left_over(order)}
        for order_id in found.keys() & self._left_over - self._left_over_told:
            self._left_over_told.add(order_id)
            words = "rests still, and nothing is held there any more: filled, it would open a position"
            self._desk.notice(f"{_order_words(found[order_id])} {words}. Cancel it, unless that is wanted.")
        self._left_over = set(found)
        if found.keys() - self._left_over_told:
            self._wanted.set()  # whoever closed the position may be withdrawing it

    def _is_left_over(self, order: Order) -> bool:
        """Whether something else has closed what the stop was put to guard, and no entry is on its way for it."""
        books, where, at = self._desk.books, place_of(order), order.order_timestamp
        if not order.trigger_price or order.parent_order_id or where[2] in DELIVERY or books.held(*where) or at is None:
            return False
        buying, selling = books.working(*where)
        fills = [f for f in books.fills() if (f.exchange, f.tradingsymbol, f.product) == where]
        closed = any(f.sign == order.sign and f.fill_timestamp and f.fill_timestamp >= at for f in fills)
        return closed and not (selling if order.sign > 0 else buying)

    async def convert(self, position: Position) -> list[Order]:
        """Put what only this program protects of that position to the broker, as SL-M orders through the desk.

        A stop is watched here until the broker has taken its order; the order is its run's, so an exit withdraws it.
        Raises Refused where there is none, and what `Desk.submit` raises at the first that fails; after Unknown both
        may stand.
        """
        if position.id in self._converting:
            raise Refused(f"The stops of {position.key} are being put to the broker already.", "stop coverage")
        self._converting.add(position.id)
        try:
            return await self._convert(position)
        finally:
            self._converting.discard(position.id)
            self.changed.emit()

    async def _convert(self, position: Position) -> list[Order]:
        row = next((row for row in self.rows() if row.position.id == position.id), None)
        if row is None or not row.in_program:
            raise Refused(f"No stop of {position.key} is watched by this program only.", "stop coverage")
        placed: list[Order] = []
        # What the broker guards already, or may, must not be guarded twice: it could be sold twice.
        left = row.in_program - self._on_their_way(row)
        if left <= 0:
            raise Refused(f"Stops of {position.key} are on their way to the broker already.", "stop coverage")
        self._require_room(row, left)
        for stop in row.app_stops:
            if left:
                placed.append(await self._to_broker(replace(stop, quantity=min(left, stop.quantity)), position))
                left -= placed[-1].quantity
            self._hand_over(stop, [order.order_id for order in placed])
        return placed

    def _require_room(self, row: Coverage, units: int) -> None:
        """Refuse, with what to do, where targets are to close what the stops would: both could fill."""
        held, where = row.position.quantity, row.position.id
        rows = [*self._desk.books.unanswered(), *self._desk.books.book.working()]
        closing = [o for o in rows if place_of(o) == where and o.sign * held < 0]
        targets = [o for o in closing if not o.trigger_price]
        if targets and units + sum(map(left_of, closing)) > abs(held):
            names = "; ".join(
                f"{o.order_id or o.tag}, {o.transaction_type} {left_of(o)} at {o.price:.2f}" for o in targets
            )
            instead = "cancel it, or put stop and target to the broker as one GTT of two legs (OCO)"
            raise Refused(f"{names}, is to close {row.position.key} already: {instead}.", "stop coverage")

    def _on_their_way(self, row: Coverage) -> int:
        """Units in stops that were sent and of which nobody knows yet that they rest."""
        rows = [*self._desk.books.unanswered(), *self._desk.books.book.working()]
        stops = [o for o in rows if o.trigger_price > 0 and place_of(o) == row.position.id]
        closing = [o for o in stops if o.sign * row.position.quantity < 0]
        return sum(o.open_quantity for o in closing if o.status not in WAITING or not o.order_id)

    async def _to_broker(self, stop: AppStop, position: Position) -> Order:
        request, tick = self._request(stop, position), self._market.latest(position.instrument_token)
        return await self._desk.submit(request, Cause(tick=tick_facts(tick) if tick else None, reason=request.reason))

    def _request(self, stop: AppStop, position: Position) -> OrderRequest:
        instrument = self._market.master.by_key(stop.key)
        if instrument is None:
            raise Refused(f"{stop.key} is not in today's instrument master.", "instrument")
        return OrderRequest(
            exchange=position.exchange,
            tradingsymbol=position.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=stop.side,
            quantity=stop.quantity,
            product=cast(Product, stop.product),
            order_type="SL-M",
            trigger_price=instrument.snap(stop.trigger),
            market_protection=AUTOMATIC,
            tag=self._desk.new_tag(),
            strategy=stop.owner,
            reason=f"stop put to the broker: {stop.reason}" if stop.reason else "stop put to the broker",
            closes=True,
        )

    def _hand_over(self, stop: AppStop, order_ids: list[str]) -> None:
        """To orders at the broker, until one of them ends there without its fill."""
        books = self._desk.books
        for kept in self._kept():
            if (kept.run_id, kept.instrument.key, kept.side) == (stop.owner, stop.key, stop.side):
                kept.hand_over(stop.product, lambda: stands(books, order_ids), lambda: self._tell_back(stop, order_ids))

    def _tell_back(self, stop: AppStop, order_ids: list[str]) -> None:
        rows = [(order_id, self._desk.books.book.get(order_id)) for order_id in order_ids]
        ends = [f"{order_id} ({_end_words(row)})" for order_id, row in rows if row is None or not row.live]
        whose = self._desk.name_of_run(stop.owner)
        self._desk.notice(f"{whose}: the stop at the broker has ended, order {', '.join(ends)}. {stop}, again.")
        self.changed.emit()

    def _kept(self) -> list[KeptStop]:
        return kept_by(self._runs())

    def _on_order(self, order: Order) -> None:
        if order.meta.get("gtt"):
            self._wanted.set()
        self.changed.emit()

    def _on_positions(self) -> None:
        self._wanted.set()
        self.changed.emit()


def _end_words(order: Order | None) -> str:
    if order is None:
        return "lapsed with its day"
    return f"{order.status}: {order.status_message}" if order.status_message else order.status


def _order_words(order: Order) -> str:
    what = f"{order.transaction_type} {order.open_quantity} {order.tradingsymbol} {order.product}"
    return f"{what} stop at {order.trigger_price:.2f}, order {order.order_id}"
