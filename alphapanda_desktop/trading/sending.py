"""Orders that a strategy wishes, on their way to the desk: cut to what the exchange takes, sent once, called back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Unknown
from alphapanda_desktop.domain.orders import INTENDED, Order, OrderRequest
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.trading.context import RunContext
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.scope import Scope

MOST_WISHES: Final = 20
WISHES_SPAN_S: Final = 1.0
"""A run that asks for more orders than this in so short a time is out of control, and is ended.

Exits are counted for each position by itself: getting out of thirty at once is no frenzy.
"""


class Sender:
    """The orders of one run. Its host gives it the run's `context`, and takes what became of an order, or of the run.

    `take_order` hears what the desk does not tell, `end_run` that the run is out of control.
    """

    context: RunContext

    def __init__(
        self,
        run: Run,
        desk: Desk,
        clock: Clock,
        scope: Scope,
        take_order: Callable[[Order], None],
        tell: Callable[[Run], None],
        end_run: Callable[[str], None],
    ) -> None:
        self._run = run
        self._desk = desk
        self._clock = clock
        self._scope = scope
        self._take_order = take_order
        self._tell = tell
        self._end_run = end_run
        self._cancelling: set[str] = set()
        self._taken_back: set[str] = set()
        """Tags of orders that were cancelled before they had a number to be cancelled by."""
        self._begun: set[str] = set()
        self._cuts_told: set[tuple[str, str]] = set()
        self._slices: dict[str, tuple[str, ...]] = {}
        """Tags of the orders that one wish was cut into, by the tag that the strategy was told."""
        self._wishes: dict[tuple[str, str], deque[float]] = {}
        """When something was asked for; exits by position, all else together."""

    def cancel_straggler(self, order: Order) -> None:
        """Cancel an order that was still on its way when the run was stopped: nobody looks after it any more."""
        waits = order.tag and order.order_id and order.live and order.tag not in self._cancelling
        if waits and not self.context.guards(order):
            self.cancel(order.tag or "")

    def submit(self, request: OrderRequest, cause: Cause) -> None:
        """Send what the strategy asks for, unless it asks too often or its run is over."""
        run = self._run
        if not run.asking and not self.context.finishes(request.tag):
            run.note("warning", f"refused: {request.transaction_type} {request.key} was asked for after the run's end")
            return
        if self._too_many(request):
            return
        run.last_reason = request.reason
        run.note("info", f"{request.transaction_type} {request.quantity} {request.key}: {request.reason}")
        parts = self._sliced(request)
        for part in parts:
            run.orders[part.tag] = _awaited(part, self._clock)
        self._scope.spawn(f"submit {request.tag}", self._send_all(parts, cause))

    def _sliced(self, request: OrderRequest) -> list[OrderRequest]:
        """The orders within the exchange's freeze quantity that come to it; the first bears the tag that was told."""
        try:
            parts = self._desk.sliced(request)
        except Refused:
            return [request]  # and the desk refuses it as every order, in the journal too
        if len(parts) > 1:
            parts[0] = replace(parts[0], tag=request.tag)
            self._slices[request.tag] = tuple(part.tag for part in parts)
            self.context.note_slices(request, self._slices[request.tag])
        return parts

    async def _send_all(self, parts: list[OrderRequest], cause: Cause) -> None:
        """Send one after the other; after one that was not taken the rest is not sent."""
        for sent, part in enumerate(parts):
            if not self._run.orders[part.tag].live:
                return  # called back
            self._begun.add(part.tag)
            await self._send(part, cause)
            known = self._run.orders[part.tag]
            if known.status == "REJECTED" or not known.order_id:
                self._drop([rest.tag for rest in parts[sent + 1 :]], "an order of the same whole was not taken")
                return

    def _drop(self, tags: Iterable[str], why: str) -> None:
        """Take back orders of a whole that have not begun to be sent."""
        for tag in tags:
            waiting = self._run.orders[tag]
            if waiting.live and tag not in self._begun:
                words = f"not sent: {why}"
                self._take_order(replace(waiting, status="REJECTED", status_message=words, pending_quantity=0))

    def _too_many(self, request: OrderRequest) -> bool:
        """Whether the run is asking in a frenzy, as one that answers each refusal with another order does."""
        now = self._clock.monotonic_s()
        of = (request.key, request.product) if self.context.finishes(request.tag) else ("", "")
        wishes = self._wishes.setdefault(of, deque(maxlen=MOST_WISHES + 1))
        wishes.append(now)
        if len(wishes) <= MOST_WISHES or now - wishes[0] > WISHES_SPAN_S:
            return False
        asked = f"more than {MOST_WISHES} orders were asked for within {WISHES_SPAN_S:g} s"
        self._end_run(f"{asked}; the run was ended before the exchange did it")
        return True

    async def _send(self, request: OrderRequest, cause: Cause) -> None:
        held = self.why_held(request)
        try:
            if held:
                raise AlphaPandaError(held)
            order = await self._submitted(request, cause)
        except Unknown as error:
            self._run.note("warning", f"no answer to {request.transaction_type} {request.key}: {error}")
        except AlphaPandaError as error:
            self._run.note("warning", f"refused: {error}")
            self._tell_bare(request, error)
            waiting = self._run.orders[request.tag]
            if waiting.live:  # else the desk has told already, and a strategy must not hear it twice
                self._take_order(replace(waiting, status="REJECTED", status_message=str(error), pending_quantity=0))
        else:
            known = self._run.orders.get(request.tag)
            if known is None or not known.order_id:
                self._take_order(order)

    async def _submitted(self, request: OrderRequest, cause: Cause) -> Order:
        """Submit; an exit that is refused as more than the account holds is cut to that, which a person is told."""
        try:
            return await self._desk.submit(request, cause)
        except Refused as error:
            cut = self.context.cut(request)
            if cut is None or self._desk.books.knows(request.tag):
                raise
            order = await self._desk.submit(cut, cause)
            if (cut.key, cut.product) not in self._cuts_told:
                self._cuts_told.add((cut.key, cut.product))
                self._tell_cut(request, cut, error)
            return order

    def _tell_cut(self, request: OrderRequest, cut: OrderRequest, error: Refused) -> None:
        whose, what = self._desk.name_of_run(self._run.run_id), f"{request.transaction_type} {request.quantity}"
        less = f"was cut to {cut.quantity}, all that the account holds, for another run holds the opposite"
        self._desk.notice(f"{whose}: the exit {what} {request.key} {request.product} {less}. {error}")

    def _tell_bare(self, request: OrderRequest, error: AlphaPandaError) -> None:
        """Tell a person of an exit that failed after the run's end: its stop was withdrawn for it."""
        if not self._run.asking and self.context.finishes(request.tag):
            what = f"{request.transaction_type} {request.quantity} {request.key} {request.product}"
            whose = self._desk.name_of_run(self._run.run_id)
            self._desk.notice(
                f"Nothing guards a position of {whose}: its stop was withdrawn, and {what} failed: {error}"
            )

    def why_held(self, request: OrderRequest) -> str:
        """Why it must not leave now: it was taken back while it waited for its turn, or its run may not enter."""
        taken_back = "it was taken back before it left" if request.tag in self._taken_back else ""
        return taken_back or self.context.why_held(request)

    def heard(self, order: Order) -> None:
        """Cancel what was to be cancelled, now that it has a number."""
        tag = order.tag or ""
        if tag in self._taken_back and (order.order_id or not order.live):
            self._taken_back.discard(tag)
            if order.live:
                self.cancel(tag)

    def cancel(self, tag: str) -> None:
        """Ask for the end of an order, and of all that it was cut into."""
        parts = self._slices.get(tag, (tag,))
        self._drop(parts[1:], "the whole was cancelled")
        for part in parts:
            self._scope.spawn(f"cancel {part}", self.cancel_one(part))

    async def cancel_one(self, tag: str) -> None:
        """The same of one, to the broker's answer; a refusal is written into the log."""
        order = self._run.orders.get(tag)
        if order is None or not order.live:
            return
        if not order.order_id:
            self._taken_back.add(tag)
            return
        self._cancelling.add(tag)
        try:
            await self._desk.cancel(order.order_id)
        except AlphaPandaError as error:
            self._run.note("warning", f"{order.key} order {order.order_id} was not cancelled: {error}")
            self._tell(self._run)

    def withdraw(self, order: Order) -> None:
        """Cancel an order by hand that is in the way of the run's exit."""
        self._scope.spawn(f"cancel {order.order_id}", self._withdraw_one(order))

    async def _withdraw_one(self, order: Order) -> None:
        try:
            await self._desk.cancel(order.order_id)
        except AlphaPandaError as error:
            self._run.note("warning", f"{order.key} order {order.order_id} was not cancelled: {error}")


def _awaited(request: OrderRequest, clock: Clock) -> Order:
    return Order(
        order_id="",
        status=INTENDED,
        exchange=request.exchange,
        tradingsymbol=request.tradingsymbol,
        transaction_type=request.transaction_type,
        quantity=request.quantity,
        product=request.product,
        order_type=request.order_type,
        instrument_token=request.instrument_token,
        pending_quantity=request.quantity,
        order_timestamp=clock.now(),
        tag=request.tag,
    )
