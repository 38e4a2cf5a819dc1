"""The one gate for orders: risk, journal, broker, in that order, and the books that follow.

Money could be lost twice in here, so the rules are these. An intent is on disk before its request leaves. A request
is sent once: an answer that does not come makes the order UNKNOWN, and it is looked up by its tag, never sent again.
The kill switch is read again after every wait, immediately before the request. Socket updates are hints; the
broker's book, read after every connect, is the truth. A cancelled order may own a position.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.errors import AlphaPandaError, Fatal, Refused, Rejected, Retry, SessionEnded, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.ports import Broker, Clock, Event, Funds, Journal
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Exposure, Limits, Refusal, TradingState, check
from alphapanda_desktop.domain.session import IST, Session
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.reconcile import Reconciler
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.tags import Tags

POLL_LIVE_S: Final = 30.0
"""How often the book is read anyway while an order is live.  Source: CONTRACT 7, lesson 8."""

POLL_CLOSED_S: Final = 5.0
"""How often a desk that could not reconcile tries again."""

SETTLE_S: Final = 0.15
"""How long news of fills is gathered before trades and positions are read once for all of them."""


class DeskState(StrEnum):
    CLOSED = "closed"
    RECONCILING = "reconciling"
    READY = "ready"
    FROZEN = "frozen: login needed"


class Desk:
    """Owner of the order path and the books of one venue. Built with a verified session.

    Signals: `order_changed(Order)`, `filled(Fill, run_id)`, `positions_changed()`, `state_changed(DeskState)`,
    `halted_changed(TradingState)`, `noticed(text)`, `session_ended(why)`.
    """

    order_changed = Signal(object)
    filled = Signal(object, str)
    positions_changed = Signal()
    state_changed = Signal(object)
    halted_changed = Signal(object)
    noticed = Signal(str)
    session_ended = Signal(str)

    def __init__(
        self,
        session: Session,
        broker: Broker,
        journal: Journal,
        market: Market,
        clock: Clock,
        limits: Limits,
        scope: Scope,
        arming: Arming,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a Desk needs a verified Session")
        self._broker = broker
        self._journal = journal
        self._market = market
        self._clock = clock
        self._scope = scope
        self._tags = Tags(clock)
        self._intents_today = 0
        self._refresh_wanted = asyncio.Event()
        self.limits = limits
        self.arming = arming
        self.books = Books()
        self.reconciler = Reconciler(broker, journal, self.books, clock)
        self.state = DeskState.CLOSED
        self.state_detail = ""
        self.trading_state = TradingState.ACTIVE
        self.why_halted = ""
        self._run_names: dict[str, str] = {}

    # -- life ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the journal, reconcile with the broker, then accept orders.

        Raises what the broker raises; the desk then stays closed and `open` may be called again.
        """
        await self._recall()
        self._market.on_order(self.take_update)
        self._scope.spawn("refresh", self._refresh_on_demand())
        self._scope.spawn("poll", self._poll())
        await self.reconcile("start")

    async def _recall(self) -> None:
        day = self.day_start()
        for row in await self._journal.intents(day):
            self.books.remember(row.request)
            self._intents_today += 1
        for run in await self._journal.runs(day):
            self.name_run(run.run_id, run.strategy)
        latches = await self._journal.events(self._clock.now() - timedelta(days=3650), "kill switch")
        if latches and latches[-1].detail.get("state") == TradingState.HALTED:
            self.trading_state = TradingState.HALTED
            self.why_halted = str(latches[-1].detail.get("why", ""))
            self.halted_changed.emit(self.trading_state)

    def freeze(self, why: str) -> None:
        """Accept nothing more: the session is over, and with it the arming."""
        self.arming.disarm()
        self._set_state(DeskState.FROZEN, why)

    async def resume(self, session: Session) -> None:
        """Go on with a new session in place: reconcile first, then accept orders again."""
        if not isinstance(session, Session):
            raise TypeError("a Desk resumes only with a verified Session")
        self._broker.renew(session)
        await self.reconcile("new login")

    def _set_state(self, state: DeskState, detail: str = "") -> None:
        self.state, self.state_detail = state, detail
        self.state_changed.emit(state)

    @property
    def ready(self) -> bool:
        """Whether orders are accepted, as far as the desk's own state goes."""
        return self.state is DeskState.READY

    # -- what others read ------------------------------------------------------------------------------------

    def orders(self) -> list[Order]:
        return self.books.orders()

    def fills(self) -> list[Fill]:
        return self.books.fills()

    def positions(self) -> list[Position]:
        return list(self.books.positions)

    def funds(self) -> list[Funds]:
        return list(self.books.funds)

    def run_of(self, order: Order) -> str:
        return self.books.run_of(order)

    def name_run(self, run_id: str, strategy: str) -> None:
        """Give a run the name that the screen shows."""
        count = sum(1 for name in self._run_names.values() if name.startswith(f"{strategy} #"))
        self._run_names.setdefault(run_id, f"{strategy} #{count + 1}")

    def name_of_run(self, run_id: str) -> str:
        return self._run_names.get(run_id, run_id) if run_id else "by hand"

    def by_whom(self, order: Order) -> str:
        """Whose order it is, in words: a strategy's run, by hand, or placed elsewhere."""
        return self.name_of_run(self.run_of(order)) if self.books.ours(order) else "elsewhere"

    def price_of(self, position: Position) -> float:
        """The freshest price of a position's instrument; the broker's own where no tick came."""
        tick = self._market.latest(position.instrument_token)
        return tick.last_price if tick else position.last_price

    def pnl(self) -> float | None:
        """Day's profit and loss in rupees before charges; None while positions have never been read."""
        if self.books.positions_at is None:
            return None
        return sum(p.pnl_at(self.price_of(p)) for p in self.books.positions)

    def day_start(self) -> datetime:
        """Midnight IST of today: the book is per day."""
        return self._clock.now().astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)

    def new_tag(self) -> str:
        """A tag that no other order carries, 20 characters at most."""
        return self._tags.new()

    # -- the order path --------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest) -> Order:
        """Check, journal and send one order.

        Cancelling before the journal write sends nothing; after it the order may exist: reconciliation finds it.
        Raises Refused (our rule), Rejected (Kite's), Unknown (no answer), SessionEnded, Fatal (journal full).
        """
        instrument = self._require_ready(request)
        refusal = check(request, instrument, self.limits, self._exposure(request))
        if refusal is not None:
            await self._refuse(request, refusal)
        self._intents_today += 1
        row = self.books.intend(request, self._clock.now())
        try:
            await self._journal.intend(request, self._clock.now())
        except Fatal as error:
            self._show(self.books.mark_rejected(request.tag, f"not sent: {error}"))
            raise
        self._show(row)
        return await self._send(request)

    def _require_ready(self, request: OrderRequest) -> Instrument:
        if self.state is not DeskState.READY:
            raise Refused(f"The desk takes no orders: {self.state}. {self.state_detail}".strip(), "desk state")
        if self.arming.why_not():
            raise Refused(self.arming.why_not(), "arming")
        instrument = self._market.master.by_key(request.key)
        if instrument is None:
            raise Refused(f"{request.key} is not in today's instrument master.", "instrument")
        return instrument

    def _exposure(self, request: OrderRequest) -> Exposure:
        where = (request.exchange, request.tradingsymbol, request.product)
        tick = self._market.latest(request.instrument_token)
        return Exposure(
            position=self.books.held(*where),
            working=self.books.working(*where),
            orders_today=self._intents_today,
            last_price=tick.last_price if tick else None,
            state=self.trading_state,
        )

    async def _refuse(self, request: OrderRequest, refusal: Refusal) -> None:
        detail = {"rule": refusal.rule, "text": refusal.text, "order": request.key, "tag": request.tag}
        await self._journal.note(Event("refused", self._clock.now(), detail | {"strategy": request.strategy}))
        raise Refused(refusal.text, refusal.rule)

    async def _send(self, request: OrderRequest) -> Order:
        # The journal write took time: the kill switch or the session may have closed meanwhile.
        if self.state is not DeskState.READY or self.trading_state is TradingState.HALTED:
            await self._not_sent(request.tag, f"stopped before sending: {self._closed_words()}")
            raise Refused(f"Not sent: {self._closed_words()}", "kill switch")
        try:
            order_id = await self._broker.place(request)
        except Unknown as error:
            told = self.books.book.by_tag(request.tag)
            if told is None:
                await self._unknown(request.tag, str(error))
                raise
            order_id = told.order_id  # the socket was faster than the answer that never came
        except (Rejected, Retry, SessionEnded) as error:
            await self._not_sent(request.tag, str(error))
            self._heed(error)
            raise
        except asyncio.CancelledError:
            self.books.mark_unknown(request.tag, "the program stopped waiting for the answer")
            raise
        order = self.books.accepted(request.tag, order_id)
        self._show(order)
        await self._journal.settle(request.tag, "sent", self._clock.now(), order_id=order_id)
        return order

    def _closed_words(self) -> str:
        return "the kill switch is on" if self.trading_state is TradingState.HALTED else str(self.state)

    async def _not_sent(self, tag: str, why: str) -> None:
        self._show(self.books.mark_rejected(tag, why))
        await self._journal.settle(tag, "rejected", self._clock.now(), detail=why)

    async def _unknown(self, tag: str, why: str) -> None:
        self._show(self.books.mark_unknown(tag, why))
        await self._journal.settle(tag, "unknown", self._clock.now(), detail=why)
        self._scope.spawn(f"resolve {tag}", self._resolve(tag))

    async def _resolve(self, tag: str) -> None:
        """Look for an unanswered order in the book, a bounded and visible number of times."""
        for wait_s in self.reconciler.waits_s:
            await asyncio.sleep(wait_s)
            if self.books.pending(tag) is None:
                return
            if self.state is DeskState.READY:
                await self.reconcile(f"looking for {tag}", quiet=True)
        if self.books.pending(tag) is not None:
            self.noticed.emit(f"Order {tag} is still unknown: it is not in Kite's book. Check Kite before trading on.")

    async def modify(self, order_id: str, change: OrderChange) -> None:
        """Ask the broker for a change. Raises Refused, Rejected, Unknown, SessionEnded."""
        order = self._changeable(order_id)
        if self.trading_state is TradingState.HALTED:
            raise Refused("Kill switch: trading is halted; orders can only be cancelled.", "kill switch")
        await self._change(f"modify {order_id}", self._broker.modify(order, change))

    async def cancel(self, order_id: str) -> None:
        """Ask the broker to cancel; it is done only when the book says CANCELLED."""
        await self._change(f"cancel {order_id}", self._broker.cancel(self._changeable(order_id)))

    def _changeable(self, order_id: str) -> Order:
        order = self.books.book.get(order_id)
        if order is None:
            raise Refused(f"No order {order_id!r} is in the book.", "order")
        if not order.live:
            raise Refused(f"Order {order_id} has ended: {order.status}.", "order")
        if self.state is DeskState.FROZEN:
            raise Refused(f"The desk takes no orders: {self.state}.", "desk state")
        return order

    async def _change(self, what: str, request: object) -> None:
        try:
            await request  # type: ignore[misc]
        except Unknown:
            self._scope.spawn(f"after {what}", self.reconcile(f"unanswered {what}"))
            raise
        except (Rejected, Retry, SessionEnded) as error:
            self._heed(error)
            raise

    async def cancel_all(self) -> None:
        """Cancel every order that may still fill; raises the first failure after all were tried."""
        failures: list[AlphaPandaError] = []
        for order in self.books.book.working():
            try:
                await self.cancel(order.order_id)
            except AlphaPandaError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    # -- kill switch -----------------------------------------------------------------------------------------

    async def halt(self, why: str) -> None:
        """Latch the kill switch at once, journal it, cancel what works. It holds until `release`, restarts included."""
        self.trading_state, self.why_halted = TradingState.HALTED, why
        self.halted_changed.emit(self.trading_state)
        await self._latch()
        await self.cancel_all()

    async def release(self) -> None:
        self.trading_state, self.why_halted = TradingState.ACTIVE, ""
        await self._latch()
        self.halted_changed.emit(self.trading_state)

    async def _latch(self) -> None:
        detail = {"state": self.trading_state.value, "why": self.why_halted}
        await self._journal.note(Event("kill switch", self._clock.now(), detail))

    # -- news from the broker --------------------------------------------------------------------------------

    def take_update(self, order: Order) -> None:
        """An order update from the feed: may repeat, overtake the reply, or be of another program."""
        before = self.books.book.get(order.order_id)
        changed = self.books.apply(order)
        if changed is None:
            return
        self._scope.spawn("journal update", self._journal.order_seen(changed, self._clock.now()))
        self.order_changed.emit(changed)
        if changed.filled_quantity != (before.filled_quantity if before else 0):
            self._refresh_wanted.set()

    def _show(self, order: Order | None) -> None:
        if order is not None:
            self.order_changed.emit(order)

    def _heed(self, error: AlphaPandaError) -> None:
        if isinstance(error, SessionEnded):
            self.session_ended.emit(str(error))

    async def reconcile(self, why: str, *, quiet: bool = False) -> None:
        """Make the books equal to the broker's; orders are accepted again afterwards.

        `quiet` leaves the state as it is meanwhile. Raises Retry or SessionEnded when the broker cannot be read.
        """
        if not quiet:
            self._set_state(DeskState.RECONCILING, why)
        try:
            report = await self.reconciler.run(self.day_start(), why)
        except SessionEnded as error:
            self._set_state(DeskState.FROZEN, str(error))
            self.session_ended.emit(str(error))
            raise
        except AlphaPandaError as error:
            if not quiet:
                self._set_state(DeskState.CLOSED, f"could not reconcile: {error}")
            raise
        for order in report.changed:
            self.order_changed.emit(order)
        for fill in report.fills:
            self.filled.emit(fill, report.owner_of(fill))
        for text in report.notices:
            self.noticed.emit(text)
        self.positions_changed.emit()
        if self.state is not DeskState.FROZEN:
            self._set_state(DeskState.READY)

    async def _refresh_on_demand(self) -> None:
        """After news of fills: read trades, positions and funds once."""
        while True:
            await self._refresh_wanted.wait()
            await asyncio.sleep(SETTLE_S)
            self._refresh_wanted.clear()
            await self._try_reconcile("fills")

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_CLOSED_S if self.state is DeskState.CLOSED else POLL_LIVE_S)
            if self.state is DeskState.CLOSED or self.books.book.working() or self.books.unanswered():
                await self._try_reconcile("regular look")

    async def _try_reconcile(self, why: str) -> None:
        if self.state is DeskState.FROZEN:
            return
        try:
            await self.reconcile(why, quiet=self.state is DeskState.READY)
        except AlphaPandaError as error:
            self.noticed.emit(f"Kite's books could not be read ({why}): {error}")
