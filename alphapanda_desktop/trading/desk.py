"""The one gate for orders: risk, journal, broker, in that order, and the books that follow.

Money could be lost twice in here, so the rules are these. An intent is on disk before its request leaves. A request
is sent once: an answer that does not come makes the order UNKNOWN, and it is looked up by its tag, never sent again.
What failed after a request has left never looks like a failure of the order. The kill switch is read again after
every wait, calls back what still waits for its turn, and cancels what turns up later. Socket updates are hints; the
broker's book, read after every connect, is the truth. A cancelled order may own a position.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from enum import StrEnum

from psygnal import Signal, SignalInstance

from alphapanda_desktop.domain.errors import AlphaPandaError, Fatal, Refused, Rejected, Retry, SessionEnded, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.ports import Broker, Clock, Event, Funds, Journal
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Exposure, Limits, Refusal, TradingState, check
from alphapanda_desktop.domain.session import IST, Session
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.changes import as_request, asked, without
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.placing import Placing
from alphapanda_desktop.trading.reconcile import Reconciler, Report, journaled
from alphapanda_desktop.trading.rounds import Need, Rounds
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.tags import Tags
from alphapanda_desktop.trading.turns import Turns


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
        self._session = session
        self._day: datetime | None = None
        self._intents_today = 0
        self._recalled = False
        self._listening = False
        self._turns = Turns()
        self._complained = False
        self._swept: set[str] = set()
        self._halts = 0
        self.limits = limits
        self.arming = arming
        self.books = Books()
        self.reconciler = Reconciler(broker, journal, self.books, clock)
        self._placing = Placing(broker, self.books, scope)
        self._rounds = Rounds(self._try_reconcile, self._need)
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
        if not self._listening:
            self._listening = True
            self._market.on_order(self.take_update)
            self._rounds.start(self._scope)
        await self.reconcile("start")

    async def _recall(self) -> None:
        """What the journal knows of today, once; nothing is accepted before the kill switch has been read."""
        day = self.day_start()
        intents, runs = await self._journal.intents(day), await self._journal.runs(day)
        latches = await self._journal.events(self._clock.now() - timedelta(days=3650), "kill switch")
        if self._recalled:
            return
        for row in intents:
            self.books.remember(row.request)
        for run in runs:
            self.name_run(run.run_id, run.strategy)
        self._day, self._intents_today, self._recalled = day, len(intents), True
        if latches and latches[-1].detail.get("state") == TradingState.HALTED:
            self._set_halted(str(latches[-1].detail.get("why", "")))

    async def _turn_day(self) -> None:
        """Begin the books of a new day once its sessions can begin: the counter, and the book, as Kite does."""
        day = self.day_start()
        if self._day is not None and day > self._day and self._clock.now() >= day + timedelta(hours=6):
            self._intents_today = len(await self._journal.intents(day))
            self._day = day
            self.books.new_day()

    def freeze(self, why: str) -> None:
        """Accept nothing more: the session is over, and with it the arming."""
        self.arming.disarm()
        self._set_state(DeskState.FROZEN, why)

    async def resume(self, session: Session) -> None:
        """Go on with a new session in place: reconcile first, then accept orders again."""
        if not isinstance(session, Session):
            raise TypeError("a Desk resumes only with a verified Session")
        self._session = session
        self._broker.renew(session)
        self._set_state(DeskState.RECONCILING, "new login")
        await self.reconcile("new login")

    def _set_state(self, state: DeskState, detail: str = "") -> None:
        self.state, self.state_detail = state, detail
        self._tell(self.state_changed, state)

    def _tell(self, signal: SignalInstance, *values: object) -> None:
        """Tell listeners; one that fails is reported, and breaks off nothing in here."""
        self._scope.call(signal.name, signal.emit, *values)

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
        Raises Unknown where the order may exist (no answer). All else that it raises means that no order came of it:
        Refused (our rule), Rejected (Kite's), Retry and SessionEnded (not accepted), Fatal (journal full: not sent).
        """
        instrument = self._require_ready(request)
        refusal = check(request, instrument, self.limits, self._exposure(request))
        if refusal is not None:
            await self._refuse(request, refusal)
        self._intents_today += 1
        row = self.books.intend(request, self._clock.now())
        written = False
        try:
            await self._journal.intend(request, self._clock.now())
            written = True
        finally:
            if not written:
                self._show(self.books.mark_rejected(request.tag, "not sent: the journal did not take it"))
        self._show(row)
        return await self._send(request)

    def _require_ready(self, request: OrderRequest) -> Instrument:
        self._require_open()
        instrument = self._market.master.by_key(request.key)
        if instrument is None:
            raise Refused(f"{request.key} is not in today's instrument master.", "instrument")
        if self.books.knows(request.tag):
            raise Refused(f"An order with tag {request.tag!r} was made before: each order has its own.", "tag")
        return instrument

    def _require_open(self) -> None:
        if self.state is not DeskState.READY:
            raise Refused(f"The desk takes no orders: {self.state}. {self.state_detail}".strip(), "desk state")
        if self.arming.why_not():
            raise Refused(self.arming.why_not(), "arming")

    def _exposure(self, request: OrderRequest) -> Exposure:
        where = (request.exchange, request.tradingsymbol, request.product)
        tick = self._market.latest(request.instrument_token)
        buying, selling = self.books.working(*where)
        return Exposure(
            position=self.books.held(*where),
            buying=buying,
            selling=selling,
            orders_today=self._intents_today,
            last_price=tick.last_price if tick else None,
            state=self.trading_state,
        )

    async def _refuse(self, request: OrderRequest, refusal: Refusal) -> None:
        detail = {"rule": refusal.rule, "text": refusal.text, "order": request.key, "tag": request.tag}
        event = Event("refused", self._clock.now(), detail | {"strategy": request.strategy})
        self._report(await journaled(self._journal.note(event)), "a refusal")
        raise Refused(refusal.text, refusal.rule)

    async def _send(self, request: OrderRequest) -> Order:
        tag, told, why = request.tag, False, "no answer came; looking for it in the book"
        try:
            # The journal write took time: the kill switch, the session or the arming may have ended meanwhile.
            if self._closed_words():
                raise Refused(f"Not sent: {self._closed_words()}", "kill switch")
            order_id = await self._placing.place(request)
            order = self.books.accepted(tag, order_id)
            told = True
        except Unknown as error:
            why = str(error)
            raise
        except (Refused, Rejected, Retry, SessionEnded) as error:
            told = True
            await self._not_sent(tag, str(error))
            self._heed(error)
            raise
        finally:
            if not told:  # no answer, a cancelled wait, or an error of ours: in all of them it may exist
                await self._unknown(tag, why)
        self._show(order)
        self._sweep(order)
        settled = self._journal.settle(tag, "sent", self._clock.now(), order_id=order_id)
        self._report(await journaled(settled), f"order {order_id}")
        return order

    def _closed_words(self) -> str:
        """Why nothing may leave now, empty when it may."""
        if self.trading_state is TradingState.HALTED:
            return "the kill switch is on"
        return self.arming.why_not() if self.state is DeskState.READY else str(self.state)

    async def _not_sent(self, tag: str, why: str) -> None:
        self._show(self.books.mark_rejected(tag, why))
        self._report(await journaled(self._journal.settle(tag, "rejected", self._clock.now(), detail=why)), tag)

    async def _unknown(self, tag: str, why: str) -> None:
        self._show(self.books.mark_unknown(tag, why))
        if not self._scope.closed:
            self._scope.spawn(f"resolve {tag}", self._resolve(tag))
        self._report(await journaled(self._journal.settle(tag, "unknown", self._clock.now(), detail=why)), tag)

    def _report(self, error: Fatal | None, what: str) -> None:
        if error is not None:
            self._tell(self.noticed, f"What became of {what} could not be journaled: {error}")

    async def _resolve(self, tag: str) -> None:
        """Look for an unanswered order in the book, a bounded and visible number of times."""
        for wait_s in self.reconciler.waits_s:
            await asyncio.sleep(wait_s)
            if not self.books.undecided(tag):
                return
            if self.state is DeskState.READY:
                await self._try_reconcile(f"looking for {tag}")
        if self.books.undecided(tag):
            text = f"Order {tag} is still unknown: it is not in Kite's book. Check Kite before trading on."
            self._tell(self.noticed, text)

    async def modify(self, order_id: str, change: OrderChange) -> None:
        """Check, journal and send a change. Raises Refused, Rejected, Unknown, SessionEnded, Fatal."""
        order = self._changeable(order_id)
        self._require_open()
        instrument = self._market.master.by_key(order.key)
        if instrument is None:
            raise Refused(f"{order.key} is not in today's instrument master.", "instrument")
        wanted = as_request(order, change)
        refusal = check(wanted, instrument, self.limits, without(order, self._exposure(wanted)))
        if refusal is not None:
            await self._refuse(wanted, refusal)
        await self._journal.note(Event("modify", self._clock.now(), asked(order_id, change)))
        if self._closed_words():
            raise Refused(f"Not sent: {self._closed_words()}", "kill switch")
        await self._change(f"modify {order_id}", lambda: self._broker.modify(self._changeable(order_id), change))

    async def cancel(self, order_id: str) -> None:
        """Ask the broker to cancel; it is done only when the book says CANCELLED."""
        order = self._changeable(order_id)
        await self._change(f"cancel {order_id}", lambda: self._broker.cancel(order))

    def _changeable(self, order_id: str) -> Order:
        order = self.books.book.get(order_id)
        if order is None:
            raise Refused(f"No order {order_id!r} is in the book.", "order")
        if not order.live:
            raise Refused(f"Order {order_id} has ended: {order.status}.", "order")
        if self.state is DeskState.FROZEN:
            raise Refused(f"The desk takes no orders: {self.state}.", "desk state")
        return order

    async def _change(self, what: str, request: Callable[[], Awaitable[str]]) -> None:
        try:
            await request()
        except Unknown:
            self._rounds.want()
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
                self._swept.discard(order.order_id)
        if failures:
            raise failures[0]

    # -- kill switch -----------------------------------------------------------------------------------------

    async def halt(self, why: str) -> None:
        """Latch the kill switch at once, journal it, cancel what works. It holds until `release`, restarts included.

        Everything is tried before the first failure is raised: a full disk keeps no order alive.
        """
        self._halts += 1
        self._set_halted(why)
        self._placing.call_back()
        self._swept.update(order.order_id for order in self.books.book.working())
        try:
            await self._latch(TradingState.HALTED, why)
        finally:
            await self.cancel_all()

    def _set_halted(self, why: str) -> None:
        self.trading_state, self.why_halted = TradingState.HALTED, why
        self._tell(self.halted_changed, self.trading_state)

    async def release(self) -> None:
        """Let orders pass again, once the journal has it. A halt that comes meanwhile holds."""
        halts = self._halts
        await self._latch(TradingState.ACTIVE, "")
        if halts == self._halts:
            self.trading_state, self.why_halted = TradingState.ACTIVE, ""
            self._swept.clear()
            self._tell(self.halted_changed, self.trading_state)

    async def _latch(self, state: TradingState, why: str) -> None:
        await self._journal.note(Event("kill switch", self._clock.now(), {"state": state.value, "why": why}))

    def _sweep(self, order: Order) -> None:
        """Cancel an order of ours that turns up, or is found still working, while trading is halted."""
        if self.trading_state is not TradingState.HALTED or order.order_id in self._swept:
            return
        if order.order_id and order.live and self.books.ours(order) and not self._scope.closed:
            self._swept.add(order.order_id)
            self._scope.spawn(f"kill {order.order_id}", self._cancel_found(order.order_id))

    async def _cancel_found(self, order_id: str) -> None:
        try:
            await self.cancel(order_id)
        except AlphaPandaError as error:
            self._swept.discard(order_id)  # the next look at the book tries again
            text = f"Trading is halted, and order {order_id} could not be cancelled: {error}"
            self._tell(self.noticed, text)

    # -- news from the broker --------------------------------------------------------------------------------

    def take_update(self, order: Order) -> None:
        """An order update from the feed: may repeat, overtake the reply, or be of another program."""
        if self._scope.closed:
            return  # the books are no longer kept; the next start reads them anew
        before = self.books.book.get(order.order_id)
        changed = self.books.apply(order)
        if changed is None:
            return
        self.reconciler.owe(changed)
        self._scope.spawn("journal update", self.reconciler.write_owed())
        if changed.filled_quantity != (before.filled_quantity if before else 0):
            self._rounds.want()
        self._show(changed)
        self._sweep(changed)

    def _show(self, order: Order | None) -> None:
        if order is not None:
            self._tell(self.order_changed, order)

    def _heed(self, error: AlphaPandaError) -> None:
        if isinstance(error, SessionEnded):
            self._tell(self.session_ended, str(error))

    async def reconcile(self, why: str, *, quiet: bool = False) -> None:
        """Make the books equal to the broker's; orders are accepted again afterwards.

        `quiet` leaves the state as it is meanwhile. One look at a time: calls that come during one share the next.
        Raises Retry or SessionEnded when the broker cannot be read, Fatal when the journal takes nothing.
        """
        await self._turns.run(lambda: self._look(why, quiet=quiet))

    async def _look(self, why: str, *, quiet: bool) -> None:
        session = self._session
        if not quiet and self.state is not DeskState.FROZEN:
            self._set_state(DeskState.RECONCILING, why)
        problem = "could not reconcile: broken off"
        try:
            await self._read_books(why)
            problem = ""
        except SessionEnded as error:
            if session is not self._session:  # the end of a former login is no news of this one
                raise Retry(f"asked with the former login: {error}", after_s=0.1) from error
            self._set_state(DeskState.FROZEN, str(error))
            self._tell(self.session_ended, str(error))
            raise
        except AlphaPandaError as error:
            problem = f"could not reconcile: {error}"
            raise
        finally:
            if problem:
                self._rounds.failed()
                if self.state is DeskState.RECONCILING:
                    self._set_state(DeskState.CLOSED, problem)
        self._complained = False
        if self.state is not DeskState.FROZEN:
            self._set_state(DeskState.READY)

    async def _read_books(self, why: str) -> None:
        if not self._recalled:
            await self._recall()
        await self._turn_day()
        report = Report()
        try:
            await self.reconciler.run(self.day_start(), why, report)
        finally:
            self._announce(report)  # what was found holds, however far it came

    def _announce(self, report: Report) -> None:
        for order in report.changed:
            self._show(order)
        for order in self.books.book.working():
            self._sweep(order)
        for fill in report.fills:
            self._tell(self.filled, fill, report.owner_of(fill))
        for text in report.notices:
            self._tell(self.noticed, text)
        self._tell(self.positions_changed)

    def _need(self) -> Need:
        if self.state is DeskState.CLOSED:
            return Need.ALL
        if self.books.lacks_fills():
            return Need.FILLS
        return Need.LIVE if self.books.book.working() or self.books.unanswered() else Need.NONE

    async def _try_reconcile(self, why: str) -> None:
        if self.state is DeskState.FROZEN:
            return
        try:
            await self.reconcile(why, quiet=self.state is DeskState.READY)
        except AlphaPandaError as error:
            if not self._complained:  # once until it works again, not with every try
                self._complained = True
                self._tell(self.noticed, f"Kite's books could not be read ({why}): {error}")
