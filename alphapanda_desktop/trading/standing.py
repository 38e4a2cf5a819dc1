"""GTTs and conversions through the desk's one gate: judged, journaled, given a turn, and then sent, once.

A GTT waits at the broker and places its order there by itself, whatever happens here. So each of its orders is held
against the limits when it is made, and the kill switch asks for those that still wait (`Desk.guard`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from alphapanda_desktop.domain.errors import AlphaPandaError, RateLimited, Refused, Unknown
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest, Gtts, Holding, Portfolio
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import RuleResult, TradingState
from alphapanda_desktop.trading.books import Place, left_of, place_of
from alphapanda_desktop.trading.governor import Kind
from alphapanda_desktop.trading.gttdoubts import Doubt
from alphapanda_desktop.trading.gttfit import closes_alone, closes_beside
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.recall import Errand
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
        for id in self._parts.books.gtt_doubts.listed(rows):
            self._parts.books.own_gtt(id)
        for gtt in rows:
            for order in gtt.orders:
                if order.result is not None and order.result.order_id:
                    self._parts.books.gtt_fired(gtt.id, order.result.order_id)
        return rows

    async def place(self, request: GttRequest) -> int:
        others = await self._judge(request)
        await self._write_down("gtt placed", _told(request))
        kind = Kind.EXIT if self._shrinks(request, others) else Kind.ENTRY
        return await self._answer(self._send(request, 0, kind, others, lambda: self._gtts.place(request)))

    async def modify(self, id: int, request: GttRequest) -> int:
        others = await self._judge(request, id)
        await self._write_down("gtt modified", _told(request) | {"id": id})
        return await self._answer(self._send(request, id, Kind.MODIFY, others, lambda: self._gtts.modify(id, request)))

    async def _send(
        self, request: GttRequest, id: int, kind: Kind, others: Sequence[Gtt], sending: Callable[[], Awaitable[int]]
    ) -> int:
        """The id that the venue answers; without a clear answer it is in doubt whether the GTT will stand."""
        parts, doubts = self._parts, self._parts.books.gtt_doubts
        errand = Errand(
            f"GTT on {request.key}",
            lambda: parts.governor.turn(kind),
            lambda: parts.gate.why_shut(reduces=self._shrinks(request, others)),
        )
        doubt: Doubt | None = None

        async def leave() -> int:
            nonlocal doubt
            doubt = doubts.begin(request, parts.clock.now(), parts.clock.monotonic_s(), id)
            return await sending()

        clear, answer = True, 0
        try:
            answer = await parts.recall.send(parts.scope, errand, leave)
        except (Unknown, asyncio.CancelledError):
            clear = not errand.left
            raise
        finally:
            if doubt is not None and clear:
                doubts.answered(doubt, answer)
        return answer

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

    async def _judge(self, request: GttRequest, id: int = 0) -> Sequence[Gtt]:
        """Refuse what a rule forbids; the GTTs that wait already, where only what shrinks may come beside them."""
        self._parts.gate.require_open()
        problem = request.problem()
        if problem:
            raise Refused(f"GTT not sent: {problem}.", "gtt")
        others = await self._others(id) if self._parts.gate.latch is not TradingState.ACTIVE else []
        shrinks = self._shrinks(request, others)
        for order in request.orders:
            asked = self._as_request(request, order)
            # What shrinks may wait beside other exits: only one of them will find the position still there.
            await self._rules.enforce(asked, [] if shrinks else self._results(asked))
        if not shrinks and self._parts.gate.latch is not TradingState.ACTIVE:
            raise Refused(f"GTT not sent: trading is {self._parts.gate.latch}.", "kill switch")
        return others

    async def _others(self, id: int) -> Sequence[Gtt]:
        rows = [gtt for gtt in await self.list() if gtt.active and gtt.id != id]
        return sorted(rows, key=lambda gtt: gtt.id)

    def _shrinks(self, request: GttRequest, others: Sequence[Gtt]) -> bool:
        """Whether it only closes; while only exits pass, beside all that waits and works already."""
        if self._parts.gate.latch is TradingState.ACTIVE:
            return closes_alone(request, self._parts.books)
        return closes_beside(request, others, self._parts.books)

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


class GuardedPortfolio:
    """`domain.portfolio.Portfolio` behind the desk's gate; `guards` names the stops that a conversion would end."""

    def __init__(
        self, parts: Parts, portfolio: Portfolio, guards: Callable[[Place], list[str]] = lambda _where: []
    ) -> None:
        self._guards = guards
        self._parts = parts
        self._portfolio = portfolio

    async def holdings(self) -> list[Holding]:
        return await self._portfolio.holdings()

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        """Move that much to another product. Raises Refused for what is not held, or what an order is to close."""
        parts = self._parts
        parts.gate.require_open()
        why_not = self._why_not(position, quantity)
        if why_not:
            raise Refused(why_not, "conversion")
        asked = {"position": position.key, "from": position.product, "to": to_product, "quantity": quantity}
        await parts.journal.note(Event("conversion", parts.clock.now(), asked))
        guards = self._guards(position.id)
        errand = Errand(
            f"conversion of {position.key}",
            lambda: parts.governor.turn(Kind.MODIFY),
            lambda: parts.gate.why_shut(reduces=True) or self._why_not(position, quantity),
        )
        sent = parts.recall.send(parts.scope, errand, lambda: self._portfolio.convert(position, quantity, to_product))
        await _answered(parts, "conversion answer", sent)
        for words in guards:
            parts.voice.notice(f"{quantity} {position.key} became {to_product}, which this does not guard: {words}")

    def _why_not(self, position: Position, quantity: int) -> str:
        """An order that closes the former product would find nothing there, and open the other side."""
        books, name = self._parts.books, f"{position.key} {position.product}"
        held = books.held(*position.id)
        if not 0 < quantity <= abs(held):
            return f"{name}: {quantity} asked to be converted, 1 to {abs(held)} allowed."
        rows = [*books.unanswered(), *books.book.working()]
        closing = [order for order in rows if place_of(order) == position.id and order.sign * held < 0]
        free = max(0, abs(held) - sum(map(left_of, closing)))
        if quantity <= free:
            return ""
        orders = ", ".join(order.order_id or order.tag or "unanswered" for order in closing)
        words = f"{quantity} asked to be converted, {free} allowed"
        return f"{name}: {words}; cancel what is to close the rest first, order {orders}."


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
