"""The way of every order: rules, journal, governor, the gate once more, broker; and what comes of it.

An intent is on disk before its request leaves. A request is sent once: an answer that does not come makes the order
UNKNOWN, and it is looked up by its tag, never sent again. What failed after a request has left never looks like a
failure of the order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from alphapanda_desktop.domain.errors import (
    AlphaPandaError,
    Fatal,
    RateLimited,
    Refused,
    Rejected,
    Retry,
    SessionEnded,
    Unknown,
)
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import AUTOMATIC, Order, OrderRequest
from alphapanda_desktop.domain.risk import Exposure, RuleResult, TradingState, reduces
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.slicing import largest_order, slices
from alphapanda_desktop.domain.why import Cause, market_facts
from alphapanda_desktop.trading.exposures import beside
from alphapanda_desktop.trading.governor import Kind
from alphapanda_desktop.trading.onlycloses import only_closes
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.placing import Leaving, Placing
from alphapanda_desktop.trading.reconcile import journaled
from alphapanda_desktop.trading.rules import Rules
from alphapanda_desktop.trading.unanswered import Unanswered

MOST_SLICES: Final = 200
"""How many orders an exit may be cut into: whoever could send only a part of it would not get out."""


class OrderPath:
    """Places orders. `sweep(order)` hears of each that the broker accepted, for the kill switch.

    `holds(request)` says why whoever asked for it does not want it any more; empty while it does.
    """

    def __init__(
        self,
        parts: Parts,
        rules: Rules,
        placing: Placing,
        unanswered: Unanswered,
        sweep: Callable[[Order], None],
        holds: Callable[[OrderRequest], str] = lambda _request: "",
    ) -> None:
        self._holds = holds
        self._parts = parts
        self._rules = rules
        self._placing = placing
        self._unanswered = unanswered
        self._sweep = sweep

    async def submit(self, request: OrderRequest, cause: Cause | None = None) -> Order:
        """Check, journal and send one order. Raises as `Desk.submit`."""
        request = self._let_in(protected(request))
        await self._rules.ask_price(request, self._rules.exposure(request))
        request = self._let_in(request)  # the gate may have closed meanwhile
        instrument = self._new(request)
        exposure = self._rules.exposure(request)
        results = (*only_closes(request, exposure), *self._rules.examine(request, instrument, exposure))
        kind = Kind.EXIT if reduces(request, exposure) else Kind.ENTRY
        return await self._carry(request, cause, results, Leaving(request, kind, lambda: self._why_shut(request)))

    async def exit_for_kill(self, request: OrderRequest) -> Order:
        """The kill switch's private door: past the latch and the arming, and only for what shrinks a position."""
        shut = self._parts.gate.why_shut_for_exits()
        if shut:
            raise Refused(f"No exit can leave: {shut}", "desk state")
        request, instrument = replace(request, closes=True), self._new(request)
        exposure = replace(self._rules.exposure(request), state=TradingState.REDUCING)
        results = self._rules.examine(request, instrument, exposure)
        door = Leaving(request, Kind.EXIT, lambda: self._why_shut_for_kill(request), called_back=False, unwritten=True)
        return await self._carry(request, Cause(reason=request.reason), results, door)

    async def submit_sliced(self, request: OrderRequest, cause: Cause | None = None) -> list[Order]:
        """`submit`, in as many orders as the exchange's freeze quantity asks for.

        Stops at the first that fails and raises what it raised, saying how many had left.
        """
        children, sent = self.sliced(request), list[Order]()
        for child in children:
            try:
                sent.append(await self.submit(child, cause))
            except AlphaPandaError as error:
                raise _after(error, sent, children) from None
        return sent

    def sliced(self, request: OrderRequest, allowed: int | None = None) -> list[OrderRequest]:
        """The orders within the exchange's freeze quantity that together ask for the same, a tag each."""
        parts, instrument = self._parts, self._known(request)
        tick = parts.market.latest(request.instrument_token)
        price = request.price or (tick.last_price if tick else None)
        most = largest_order(instrument, parts.clock.now().astimezone(IST).date(), price)
        allowed = allowed or (MOST_SLICES if request.closes else parts.governor.limits.autoslice_max)
        children = slices(request, most, allowed, parts.tags.new)
        if not isinstance(children, list):
            raise Refused(children.text, children.rule)
        return children

    def _known(self, request: OrderRequest) -> Instrument:
        instrument = self._parts.market.master.by_key(request.key)
        if instrument is None:
            raise Refused(f"{request.key} is not in today's instrument master.", "instrument")
        return instrument

    def _new(self, request: OrderRequest) -> Instrument:
        instrument = self._known(request)
        if self._parts.books.knows(request.tag):
            raise Refused(f"An order with tag {request.tag!r} was made before: each order has its own.", "tag")
        return instrument

    def _let_in(self, request: OrderRequest) -> OrderRequest:
        """The request where the gate is open for it; where only exits pass, one by hand that closes must only close."""
        gate = self._parts.gate
        closes = request.closes or (gate.only_exits and reduces(request, self._rules.exposure(request)))
        gate.require_open(closes=closes)
        return replace(request, closes=closes)

    def _why_shut(self, request: OrderRequest) -> str:
        """Why it must not leave in this very step. A back-off may have lasted: what it was to close can be gone."""
        exposure = self._as_it_leaves(request)
        shut = self._parts.gate.why_shut(reduces=reduces(request, exposure), closes=request.closes)
        return shut or _too_much(request, exposure) or ("" if request.closes else self._holds(request))

    def _why_shut_for_kill(self, request: OrderRequest) -> str:
        return self._parts.gate.why_shut_for_exits() or _too_much(request, self._as_it_leaves(request))

    def _as_it_leaves(self, request: OrderRequest) -> Exposure:
        """What is known now, the request itself not counted among what is on its way."""
        exposure, own = self._rules.exposure(request), self._parts.books.pending(request.tag)
        return exposure if own is None else beside(own, exposure)

    async def _carry(
        self, request: OrderRequest, cause: Cause | None, results: Sequence[RuleResult], leaving: Leaving
    ) -> Order:
        await self._rules.enforce(request, results)
        tick = self._parts.market.latest(request.instrument_token)
        known = cause or Cause(reason=request.reason)
        facts = known.market or market_facts(tick, self._parts.clock.now_ns())
        await self._write_down(request, replace(known, rules=tuple(results), market=facts), leaving)
        return await self._send(leaving)

    async def _write_down(self, request: OrderRequest, cause: Cause, leaving: Leaving) -> None:
        """On the disk when this returns; one that may leave unwritten is owed where the disk does not take it."""
        parts = self._parts
        self._rules.count(request)
        row = parts.books.intend(request, parts.clock.now())
        written = False
        try:
            await parts.journal.intend(request, parts.clock.now(), cause)
            written = True
        except Fatal:
            written = leaving.unwritten
            if not written:
                raise
            parts.owed.add(request, parts.clock.now(), cause)
        finally:
            if not written:
                parts.voice.show(parts.books.mark_rejected(request.tag, "not sent: the journal did not take it"))
        parts.voice.show(row)

    async def _send(self, leaving: Leaving) -> Order:
        tag, told, why = leaving.request.tag, False, "no answer came; looking for it in the book"
        try:
            order_id = await self._placing.place(leaving)
            order = self._parts.books.accepted(tag, order_id)
            told = True
        except Unknown as error:
            why = str(error)
            raise
        except (Refused, Rejected, Retry, SessionEnded) as error:
            told = True
            await self._not_sent(tag, error)
            raise
        finally:
            if not told:  # no answer, a cancelled wait, or an error of ours
                await self._untold(tag, why)
        await self._sent(order)
        return order

    async def _sent(self, order: Order) -> None:
        parts, tag = self._parts, order.tag or ""
        parts.voice.show(order)
        self._sweep(order)
        settled = parts.owed.settle(parts.journal, tag, "sent", parts.clock.now(), order_id=order.order_id)
        parts.voice.report(await journaled(settled), f"order {order.order_id}")

    async def _untold(self, tag: str, why: str) -> None:
        """What became of an order that nobody answered for: it may exist, unless it is certain that it never left."""
        if self._placing.has_left(tag):
            await self._unanswered.mark(tag, why)
        else:
            await self._ended(tag, "refused", "called back before it left")

    async def _not_sent(self, tag: str, error: AlphaPandaError) -> None:
        if isinstance(error, RateLimited):
            self._parts.governor.back_off()
        await self._ended(tag, "refused" if isinstance(error, Refused) else "rejected", str(error))
        self._parts.voice.heed(error)

    async def _ended(self, tag: str, state: str, why: str) -> None:
        parts = self._parts
        parts.voice.show(parts.books.mark_rejected(tag, why))
        settled = parts.owed.settle(parts.journal, tag, state, parts.clock.now(), detail=why)
        parts.voice.report(await journaled(settled), tag)


def protected(request: OrderRequest) -> OrderRequest:
    """The request as Kite takes it: at the market with its automatic protection, where none was asked for."""
    if request.order_type not in ("MARKET", "SL-M") or request.market_protection is not None:
        return request
    return replace(request, market_protection=AUTOMATIC)


def _too_much(request: OrderRequest, exposure: Exposure) -> str:
    """Why an order that may only close would not, empty when it would or may do more."""
    return next((result.text.rstrip(".") for result in only_closes(request, exposure) if not result.passed), "")


def _after(error: AlphaPandaError, sent: Sequence[Order], children: Sequence[OrderRequest]) -> AlphaPandaError:
    """The same failure, saying what of the whole had left before it."""
    units = sum(order.quantity for order in sent)
    whole = sum(child.quantity for child in children)
    error.args = (f"{error} ({len(sent)} of {len(children)} orders, {units} of {whole} units, had been sent.)",)
    return error
