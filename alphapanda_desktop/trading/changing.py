"""Orders that exist, changed or cancelled: through the same governor and gate as new ones.

A cancellation is no risk and may be repeated: the kill switch, a stopping run and a person may all ask for the same
one, and it is sent once at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from alphapanda_desktop.domain.errors import (
    AlphaPandaError,
    RateLimited,
    Refused,
    Rejected,
    Retry,
    SessionEnded,
    Unknown,
)
from alphapanda_desktop.domain.orders import Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.risk import Exposure, reduces
from alphapanda_desktop.trading.changes import as_request, asked
from alphapanda_desktop.trading.exposures import beside
from alphapanda_desktop.trading.gate import DeskState
from alphapanda_desktop.trading.governor import Kind
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.recall import Errand
from alphapanda_desktop.trading.rules import Rules

CANCEL_TRIES: Final = 3
"""How often a cancellation that the broker did not accept for haste is sent."""


@dataclass(slots=True)
class _Asking:
    """A cancellation under way, for whoever else asks for the same."""

    over: asyncio.Event = field(default_factory=asyncio.Event)
    error: AlphaPandaError | None = None


class Changing:
    """Modifies and cancels. `want()` is called where only the broker's book can tell what became of it."""

    def __init__(self, parts: Parts, rules: Rules, want: Callable[[], None]) -> None:
        self._parts = parts
        self._rules = rules
        self._want = want
        self._asking: dict[str, _Asking] = {}

    async def modify(self, order_id: str, change: OrderChange) -> None:
        """Check, journal and send a change. Raises as `Desk.modify`."""
        parts = self._parts
        parts.gate.require_open()
        await self._rules.ask_price(*self._as_changed(self._changeable(order_id), change))
        parts.gate.require_open()
        order = self._changeable(order_id)  # it may have filled meanwhile
        await self._judge(order, change)
        with parts.books.changing(order, as_request(order, change).quantity) as grows:
            await parts.journal.note(Event("modify", parts.clock.now(), asked(order_id, change)))
            try:
                await self._leave(order_id, change)
            except AlphaPandaError as error:
                self._heed(error)
                raise
        if grows:
            self._want()  # only its next picture tells how much of it works now

    async def _leave(self, order_id: str, change: OrderChange) -> None:
        parts = self._parts
        errand = Errand(
            f"modification of {order_id}",
            lambda: parts.governor.turn(Kind.MODIFY, order_id),
            lambda: parts.gate.why_shut(reduces=self._reduces(order_id, change)),
        )
        await parts.recall.send(parts.scope, errand, lambda: parts.broker.modify(self._changeable(order_id), change))

    def _reduces(self, order_id: str, change: OrderChange) -> bool:
        """Whether the order, as it is now and would be after the change, can only shrink a position."""
        order = self._parts.books.book.get(order_id)
        return order is not None and reduces(*self._as_changed(order, change))

    def _as_changed(self, order: Order, change: OrderChange) -> tuple[OrderRequest, Exposure]:
        books = self._parts.books
        wanted = replace(as_request(order, change), strategy=books.run_of(order))
        return wanted, beside(order, self._rules.exposure(wanted), books.counted(order))

    async def _judge(self, order: Order, change: OrderChange) -> None:
        """Refuse what a rule forbids."""
        instrument = self._parts.market.master.by_key(order.key)
        if instrument is None:
            raise Refused(f"{order.key} is not in today's instrument master.", "instrument")
        wanted, exposure = self._as_changed(order, change)
        await self._rules.enforce(wanted, self._rules.examine(wanted, instrument, exposure, changing=True))

    async def cancel(self, order_id: str) -> None:
        """Ask the broker to cancel; it is done only when the book says CANCELLED."""
        order = self._changeable(order_id)
        under_way = self._asking.get(order_id)
        if under_way is None:
            return await self._cancel(order)
        await under_way.over.wait()
        if under_way.error is not None:
            raise under_way.error

    async def _cancel(self, order: Order) -> None:
        mine = self._asking[order.order_id] = _Asking(error=Unknown(f"cancelling {order.order_id} was broken off"))
        try:
            await self._ask(order)
            mine.error = None
        except AlphaPandaError as error:
            mine.error = error
            self._heed(error)
            raise
        finally:
            del self._asking[order.order_id]
            mine.over.set()

    async def _ask(self, order: Order) -> None:
        for _ in range(CANCEL_TRIES - 1):
            await self._parts.governor.turn(Kind.CANCEL, order.order_id)
            try:
                await self._parts.broker.cancel(order)
            except RateLimited:
                self._parts.governor.back_off()  # not accepted: the next turn comes after it
            else:
                return
        await self._parts.governor.turn(Kind.CANCEL, order.order_id)
        await self._parts.broker.cancel(order)

    async def cancel_all(self, key: str = "", run_id: str | None = None) -> None:
        """Cancel every order that may still fill, of one instrument or run where given; all at once.

        Raises the first failure after all were tried.
        """
        books = self._parts.books
        orders = [order for order in books.book.working() if not key or order.key == key]
        failures = await self.cancel_these([o for o in orders if run_id is None or books.run_of(o) == run_id])
        if failures:
            raise next(iter(failures.values()))

    async def cancel_these(self, orders: list[Order]) -> dict[str, AlphaPandaError]:
        """Cancel these at once; what was raised, by order id, for those that still work."""
        answers = await asyncio.gather(*(self.cancel(o.order_id) for o in orders), return_exceptions=True)
        failures: dict[str, AlphaPandaError] = {}
        for order, answer in zip(orders, answers, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, AlphaPandaError):
                raise answer
            now = self._parts.books.book.get(order.order_id)
            if isinstance(answer, AlphaPandaError) and now is not None and now.live:
                failures[order.order_id] = answer
        return failures

    def _changeable(self, order_id: str) -> Order:
        order = self._parts.books.book.get(order_id)
        if order is None:
            raise Refused(f"No order {order_id!r} is in the book.", "order")
        if not order.live:
            raise Refused(f"Order {order_id} has ended: {order.status}.", "order")
        if self._parts.gate.state is DeskState.FROZEN:
            raise Refused(f"The desk takes no orders: {self._parts.gate.state}.", "desk state")
        return order

    def _heed(self, error: AlphaPandaError) -> None:
        if isinstance(error, Unknown):
            self._want()
        elif isinstance(error, RateLimited):
            self._parts.governor.back_off()
        if isinstance(error, Rejected | Retry | SessionEnded):
            self._parts.voice.heed(error)
