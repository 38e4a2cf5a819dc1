"""GTTs and conversions through the desk's one gate: judged, journaled, given a turn, and then sent, once.

A GTT waits at the broker and places its order there by itself, whatever happens here. So each of its orders is held
against the limits when it is made, and the kill switch asks for those that still wait (`Desk.guard`).
"""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from alphapanda_desktop.domain.errors import AlphaPandaError, RateLimited, Refused
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest, Gtts, Holding, Portfolio
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import RuleResult, TradingState
from alphapanda_desktop.trading.governor import Kind
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import journaled
from alphapanda_desktop.trading.rules import Rules

T = TypeVar("T")

GTT_ANSWER: Final = "gtt answer"
"""The journal's kind of event for the venue's answer; its `answer` is the id of a GTT that is ours since."""

NOT_YET = frozenset({"price band", "orders per day", "working orders"})
"""Rules that an order is not held against while it waits behind its trigger."""


class GuardedGtts:
    """`domain.portfolio.Gtts` behind the desk's gate. Writing calls raise Refused beside what the venue raises."""

    def __init__(self, parts: Parts, rules: Rules, gtts: Gtts) -> None:
        self._parts = parts
        self._rules = rules
        self._gtts = gtts

    async def list(self) -> list[Gtt]:
        """Those that wait and those that fired; whose orders the latter placed is known from then on."""
        rows = await self._gtts.list()
        for gtt in rows:
            for order in gtt.orders:
                if order.result is not None and order.result.order_id:
                    self._parts.books.gtt_fired(gtt.id, order.result.order_id)
        return rows

    async def place(self, request: GttRequest) -> int:
        exits = await self._judge(request)
        await self._write_down("gtt placed", _told(request))
        await self._leave(Kind.EXIT if exits else Kind.ENTRY, exits=exits)
        return await self._answer(self._gtts.place(request))

    async def modify(self, id: int, request: GttRequest) -> int:
        exits = await self._judge(request)
        await self._write_down("gtt modified", _told(request) | {"id": id})
        await self._leave(Kind.MODIFY, exits=exits)
        return await self._answer(self._gtts.modify(id, request))

    async def delete(self, id: int) -> int:
        """Like a cancellation: let through whatever else is shut."""
        await self._write_down("gtt deleted", {"id": id})
        await self._parts.governor.turn(Kind.CANCEL)
        return await self._answer(self._gtts.delete(id))

    async def _answer(self, sent: Awaitable[int]) -> int:
        """The id that the venue answers: a GTT of ours. Listeners hear of it either way: it may exist unanswered."""
        try:
            id = await _answered(self._parts, GTT_ANSWER, sent)
        finally:
            self._parts.voice.tell(self._parts.voice.gtts_changed)
        self._parts.books.own_gtt(id)
        return id

    async def _judge(self, request: GttRequest) -> bool:
        """Refuse what a rule forbids; whether all of its orders only shrink a position."""
        self._parts.gate.require_open()
        problem = request.problem()
        if problem:
            raise Refused(f"GTT not sent: {problem}.", "gtt")
        shrinks = []
        for order in request.orders:
            asked = self._as_request(request, order)
            exposure = self._rules.exposure(asked)
            shrinks.append(exposure.position * order.sign < 0 and order.quantity <= abs(exposure.position))
            # What shrinks may wait beside other exits: only one of them will find the position still there.
            await self._rules.enforce(asked, [] if shrinks[-1] else self._results(asked))
        if not all(shrinks) and self._parts.gate.latch is not TradingState.ACTIVE:
            raise Refused(f"GTT not sent: trading is {self._parts.gate.latch}.", "kill switch")
        return all(shrinks)

    def _results(self, asked: OrderRequest) -> Sequence[RuleResult]:
        instrument = self._parts.market.master.by_key(asked.key)
        if instrument is None:
            raise Refused(f"{asked.key} is not in today's instrument master.", "instrument")
        exposure = replace(self._rules.exposure(asked), last_price=asked.price)
        results = self._parts.risk.examine(asked, instrument, exposure)
        return [result for result in results if result.rule not in NOT_YET]

    def _as_request(self, request: GttRequest, order: GttOrder) -> OrderRequest:
        instrument = self._parts.market.master.by_key(request.key)
        return OrderRequest(
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            instrument_token=instrument.instrument_token if instrument else 0,
            transaction_type=order.transaction_type,
            quantity=order.quantity,
            product=order.product,  # type: ignore[arg-type]  # checked by GttRequest.problem
            order_type="LIMIT",
            price=order.price,
            tag=self._parts.tags.new(),
        )

    async def _write_down(self, kind: str, detail: Mapping[str, object]) -> None:
        await self._parts.journal.note(Event(kind, self._parts.clock.now(), detail))

    async def _leave(self, kind: Kind, *, exits: bool) -> None:
        await self._parts.governor.turn(kind)
        shut = self._parts.gate.why_shut(reduces=exits)
        if shut:
            raise Refused(f"Not sent: {shut}", "kill switch")


class GuardedPortfolio:
    """`domain.portfolio.Portfolio` behind the desk's gate."""

    def __init__(self, parts: Parts, portfolio: Portfolio) -> None:
        self._parts = parts
        self._portfolio = portfolio

    async def holdings(self) -> list[Holding]:
        return await self._portfolio.holdings()

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        parts = self._parts
        parts.gate.require_open()
        asked = {"position": position.key, "from": position.product, "to": to_product, "quantity": quantity}
        await parts.journal.note(Event("conversion", parts.clock.now(), asked))
        await parts.governor.turn(Kind.MODIFY)
        shut = parts.gate.why_shut(reduces=True)
        if shut:
            raise Refused(f"Not converted: {shut}", "kill switch")
        await _answered(parts, "conversion answer", self._portfolio.convert(position, quantity, to_product))


async def _answered(parts: Parts, kind: str, sent: Awaitable[T]) -> T:
    """What the venue answers; journaled either way, an answer that never came among them."""
    try:
        answer = await sent
    except AlphaPandaError as error:
        if isinstance(error, RateLimited):
            parts.governor.back_off()
        told = {"error": type(error).__name__, "why": str(error)}
        parts.voice.report(await journaled(parts.journal.note(Event(kind, parts.clock.now(), told))), kind)
        parts.voice.heed(error)
        raise
    event = Event(kind, parts.clock.now(), {"answer": answer if isinstance(answer, int) else "done"})
    parts.voice.report(await journaled(parts.journal.note(event)), kind)
    return answer


def _told(request: GttRequest) -> dict[str, object]:
    return {
        "order": request.key,
        "type": request.type,
        "triggers": list(request.trigger_values),
        "last_price": request.last_price,
        "orders": [
            {"side": o.transaction_type, "quantity": o.quantity, "price": o.price, "product": o.product}
            for o in request.orders
        ],
    }
