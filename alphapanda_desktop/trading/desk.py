"""The one gate for orders and the books that follow: what the window, the runner and the program hold in their hands.

Money could be lost twice in here, so the rules are these. An intent is on disk before its request leaves. A request
is sent once: an answer that does not come makes the order UNKNOWN, and it is looked up by its tag, never sent again.
What failed after a request has left never looks like a failure of the order. The kill switch is read again after
every wait, calls back what still waits for its turn, and cancels what turns up later. Socket updates are hints; the
broker's book, read after every connect, is the truth. A cancelled order may own a position. Where broker and journal
disagree a person decides, and strategies wait.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Rejected, Retry, SessionEnded
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.pnl import Pnl
from alphapanda_desktop.domain.portfolio import Gtts, Portfolio
from alphapanda_desktop.domain.ports import Broker, Clock, Funds, Journal
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Limits, RiskLimits, TradingState
from alphapanda_desktop.domain.session import Session, trading_day
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.books import Books, Place
from alphapanda_desktop.trading.carried import Brought
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.comparing import Comparing
from alphapanda_desktop.trading.days import Days
from alphapanda_desktop.trading.daywatch import DayWatch
from alphapanda_desktop.trading.deciding import Deciding
from alphapanda_desktop.trading.differences import Choice, Difference, Differences, ForeignPolicy
from alphapanda_desktop.trading.flatten import Flattening
from alphapanda_desktop.trading.gate import DeskState, Gate
from alphapanda_desktop.trading.governor import Governor
from alphapanda_desktop.trading.heldup import why_held_up
from alphapanda_desktop.trading.kill import KillSwitch
from alphapanda_desktop.trading.ledger import Ledger
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.news import News
from alphapanda_desktop.trading.orderpath import OrderPath
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.placing import Placing
from alphapanda_desktop.trading.reconcile import Reconciler, Report, journaled
from alphapanda_desktop.trading.riskkeeper import RiskKeeper
from alphapanda_desktop.trading.rounds import Need, Rounds
from alphapanda_desktop.trading.rules import Rules
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.standing import GuardedGtts, GuardedPortfolio
from alphapanda_desktop.trading.sweep import Sweep
from alphapanda_desktop.trading.tags import Tags
from alphapanda_desktop.trading.today import Today
from alphapanda_desktop.trading.turns import Turns
from alphapanda_desktop.trading.unanswered import Unanswered
from alphapanda_desktop.trading.voice import Voice

__all__ = ["Desk", "DeskState"]

EXITS_PASS: Final = ". Exits pass, by the positions read last and what has filled since"


class Desk(Voice):
    """Owner of the order path and the books of one venue. Built with a verified session; signals are Voice's.

    `risk`, `governor` and `ledger` are its own unless given. `hours` holds orders to the exchanges' hours: the
    practice exchange never closes. `portfolio` lets it compare holdings too.
    """

    def __init__(
        self,
        session: Session,
        broker: Broker,
        journal: Journal,
        market: Market,
        clock: Clock,
        limits: Limits | RiskLimits,
        scope: Scope,
        arming: Arming,
        *,
        risk: RiskKeeper | None = None,
        governor: Governor | None = None,
        hours: bool = False,
        portfolio: Portfolio | None = None,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a Desk needs a verified Session")
        super().__init__(scope)
        self._session = session
        self._clock = clock
        self._portfolio = portfolio
        self._listening = False
        self._complained = False
        self._turns = Turns()
        self._run_names: dict[str, str] = {}
        self.arming = arming
        self.books = Books()
        self.risk = risk or RiskKeeper(journal, clock, _whole(limits))
        self.governor = governor or Governor(clock)
        self.ledger = Ledger(market.master.by_key, lambda: self.day_start().date())
        self._foreign_policy = ForeignPolicy.IGNORE
        self.guards: Callable[[Place], list[str]] = lambda _where: []
        """Stops that only this program watches on one position, in words."""
        self.holds: Callable[[OrderRequest], str] = lambda _request: ""
        """Why an order of a run is not to leave any more, though it was asked for: it was paused or stopped since."""
        self.gtts: Gtts | None = None
        """The venue's GTTs behind the gate, once they are guarded."""
        self._parts = parts = Parts(
            broker, journal, market, clock, scope, self.books, Gate(arming, self._knows_held), self,
            self.governor, self.risk, self.ledger, Tags(clock), hours,
        )  # fmt: skip
        self._build(parts)

    def _build(self, parts: Parts) -> None:
        self._today = Today(parts.broker, self.day_start, hours=parts.hours)
        self.reconciler = Reconciler(self._today, parts.journal, self.books, parts.clock, parts.owed)
        self.differences = Differences(parts.journal, parts.clock, self._decide, self.tell)
        self._rounds = Rounds(self._try_reconcile, self._need)
        self._rules = Rules(parts, self.differences.why_locked)
        placing = Placing(parts.broker, self.books, parts.scope, self.governor)
        self._changing = changing = Changing(parts, self._rules, self._rounds.want)
        sweep = Sweep(parts, changing)
        unanswered = Unanswered(parts, self.reconciler, self._try_reconcile)
        self._path = path = OrderPath(parts, self._rules, placing, unanswered, sweep.take, self._held_back)
        self._watch = DayWatch(parts, self.net, self._results, lambda why: self.kill.reduce(why, by="by limit"))
        flattening = Flattening(parts, path, changing, sweep)
        self.kill = KillSwitch(
            parts, placing, changing, flattening, sweep, look=self._look_for_kill, heed=self._watch.why
        )
        self._news = News(parts, self.reconciler, sweep, self._rounds.want)
        self._comparing = Comparing(parts, self.differences, lambda: self.foreign_policy, lambda: self._today.behind)
        self._days = Days(parts, self._rules, self.reconciler, self._comparing, self.kill, self.name_run)
        self._deciding = Deciding(parts, path, changing)
        self.order_changed.connect(self._comparing.see)

    # -- life ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the journal, reconcile with the broker, then accept orders.

        Raises what the broker raises; the desk then stays closed and `open` may be called again.
        """
        if not self._listening:
            self._listening = True
            self._parts.market.on_order(self.take_update)
            self._parts.market.after_frame(self._watch.after_frame)
            self._rounds.start(self._parts.scope)
        await self.reconcile("start")

    def freeze(self, why: str) -> None:
        """Accept nothing more: the session is over, and with it the arming."""
        self.arming.disarm()
        self._set_state(DeskState.FROZEN, why)

    async def resume(self, session: Session) -> None:
        """Go on with a new session in place: reconcile first, then accept orders again."""
        if not isinstance(session, Session):
            raise TypeError("a Desk resumes only with a verified Session")
        self._session = session
        self._parts.broker.renew(session)
        self._set_state(DeskState.RECONCILING, "new login")
        await self.reconcile("new login")

    def _set_state(self, state: DeskState, detail: str = "") -> None:
        gate = self._parts.gate
        gate.state, gate.detail = state, detail
        self.tell(self.state_changed, state)

    # -- what others read ------------------------------------------------------------------------------------

    @property
    def state(self) -> DeskState:
        return self._parts.gate.state

    @property
    def state_detail(self) -> str:
        return self._parts.gate.detail

    @property
    def ready(self) -> bool:
        """Whether orders are accepted, as far as the desk's own state goes."""
        return self.state is DeskState.READY

    @property
    def takes_exits(self) -> bool:
        """Whether orders that only close are accepted: when ready, and while what is held is known all the same."""
        return self.ready or self._parts.gate.only_exits

    @property
    def trading_state(self) -> TradingState:
        """Which orders pass: all, only those that shrink a position, or none."""
        return self._parts.gate.latch

    @property
    def why_halted(self) -> str:
        """Why not all orders pass."""
        return self._parts.gate.why_latched

    @property
    def limits(self) -> Limits:
        """The desk's own limits in force."""
        return self.risk.limits.desk

    @property
    def foreign_policy(self) -> ForeignPolicy:
        """What follows from an order that was made elsewhere."""
        return self._foreign_policy

    @foreign_policy.setter
    def foreign_policy(self, policy: ForeignPolicy) -> None:
        changed, self._foreign_policy = policy is not self._foreign_policy, policy
        if changed:
            self.tell(self.policy_changed)

    @property
    def news_waits(self) -> bool:
        """Whether the broker has told something for which its books are to be read again."""
        return self._rounds.wanted

    def orders(self) -> list[Order]:
        return self.books.orders()

    def fills(self) -> list[Fill]:
        return self.books.fills()

    def positions(self) -> list[Position]:
        return list(self.books.positions)

    def funds(self) -> list[Funds]:
        return list(self.books.funds)

    def why_held_up(self, where: Place) -> str:
        """Which order in a position nobody answered for, so that no other may close it now; empty for none."""
        return why_held_up(self.books, where, self._clock.monotonic_s())

    def run_of(self, order: Order) -> str:
        return self.books.run_of(order)

    def name_run(self, run_id: str, strategy: str) -> None:
        """Give a run the name that the screen shows."""
        count = sum(1 for name in self._run_names.values() if name.startswith(f"{strategy} #"))
        self._run_names.setdefault(run_id, f"{strategy} #{count + 1}")
        self._rules.name(run_id, strategy)

    def name_of_run(self, run_id: str) -> str:
        return self._run_names.get(run_id, run_id) if run_id else "by hand"

    def by_whom(self, order: Order) -> str:
        """Whose order it is, in words: a strategy's run, by hand, adopted, or placed elsewhere."""
        if self.books.adopted(order):
            return "adopted"
        if self.books.squares_off(order):
            return "the broker's square-off"
        if self.books.of_gtt(order):
            return f"GTT {self.books.gtt_of(order)}"
        return self.name_of_run(self.run_of(order)) if self.books.ours(order) else "elsewhere"

    def price_of(self, position: Position) -> float:
        """The freshest price of a position's instrument; the broker's own where no tick came."""
        return self.last_price(position.key) or position.last_price

    def last_price(self, key: str) -> float | None:
        """What a unit of an instrument is worth, by its key; None where that is not known."""
        return self._rules.last_price(key)

    @property
    def brought(self) -> list[Brought]:
        """What runs of earlier days held when this day began; the ledger carries it."""
        return self._days.brought

    def _of_today(self) -> bool:
        """Whether the positions were read, are of this day, and nothing has filled since that they cannot tell."""
        read = self.books.positions_at is not None and not self.books.why_behind()
        return read and not self._today.behind and not self._days.over

    def _knows_held(self) -> bool:
        """Whether positions of this day were read once, and since the last interruption what has filled."""
        read = self.books.positions_at is not None and self.books.orders_read > 0
        return read and not self._today.behind and not self._days.over

    def pnl(self) -> float | None:
        """Day's profit and loss in rupees before charges; None while today's positions have not been read."""
        if not self._of_today():
            return None
        return sum(p.pnl_at(self.price_of(p)) for p in self.books.positions)

    def net(self) -> Pnl | None:
        """The account's profit and loss with charges taken off; None while today's positions have not been read."""
        if not self._of_today():
            return None
        return self.ledger.account(self.books.positions, self._rules.last_price)

    def _results(self) -> dict[str, float | None]:
        return self._rules.results() if self._of_today() else {}

    def day_start(self) -> datetime:
        """When the trading day began, 06:00 IST: the book is per day."""
        return trading_day(self._clock.now())

    def new_tag(self) -> str:
        """A tag that no other order carries, 20 characters at most."""
        return self._parts.tags.new()

    # -- the order path --------------------------------------------------------------------------------------

    async def submit(self, request: OrderRequest, cause: Cause | None = None) -> Order:
        """Check, journal and send one order; `cause` says what it was decided on.

        Cancelling before the journal write sends nothing; after it the order may exist: reconciliation finds it.
        Raises Unknown where the order may exist (no answer). All else that it raises means that no order came of it:
        Refused (our rule), Rejected (Kite's), Retry and SessionEnded (not accepted), Fatal (journal full: not sent).
        """
        return await self._path.submit(request, cause)

    async def submit_sliced(self, request: OrderRequest, cause: Cause | None = None) -> list[Order]:
        """`submit` in as many orders as the exchange's freeze quantity asks for, each with a tag of its own.

        Stops at the first that fails and raises what it raised, saying how many had left.
        """
        return await self._path.submit_sliced(request, cause)

    def sliced(self, request: OrderRequest) -> list[OrderRequest]:
        """The orders that `submit_sliced` would send for it. Raises Refused where they would be too many."""
        return self._path.sliced(request)

    async def modify(self, order_id: str, change: OrderChange) -> None:
        """Check, journal and send a change. Raises Refused, Rejected, Unknown, SessionEnded, Fatal."""
        await self._changing.modify(order_id, change)

    async def cancel(self, order_id: str) -> None:
        """Ask the broker to cancel; it is done only when the book says CANCELLED."""
        await self._changing.cancel(order_id)

    async def cancel_all(self, key: str = "", run_id: str | None = None) -> None:
        """Cancel every order that may still fill, of one instrument or run where given ("" is by hand); all at once.

        Raises the first failure after all were tried.
        """
        await self._changing.cancel_all(key, run_id)

    def guard_gtts(self, gtts: Gtts) -> Gtts:
        """The venue's GTTs behind this desk's gate; the kill switch then looks after them too."""
        guarded = self.gtts = GuardedGtts(self._parts, self._rules, gtts)
        self.kill.watch_gtts(guarded)
        return guarded

    def guard_portfolio(self, portfolio: Portfolio) -> Portfolio:
        """The venue's holdings and conversions behind this desk's gate; holdings are then compared as well."""
        self._portfolio = portfolio
        return GuardedPortfolio(self._parts, portfolio, self._guarded_by)

    def _guarded_by(self, where: Place) -> list[str]:
        return self.guards(where)  # asked as it is then: the runner comes after the desk

    def _held_back(self, request: OrderRequest) -> str:
        return self.holds(request)  # likewise

    # -- for its parts ---------------------------------------------------------------------------------------

    async def _look_for_kill(self, why: str) -> None:
        await self.reconcile(why, quiet=True)

    async def _decide(self, row: Difference, choice: Choice) -> None:
        await self._deciding.carry(row, choice)

    # -- news from the broker --------------------------------------------------------------------------------

    def take_update(self, order: Order) -> None:
        """An order update from the feed: may repeat, overtake the reply, or be of another program."""
        self._news.take_update(order)

    async def reconcile(self, why: str, *, quiet: bool = False) -> None:
        """Make the books equal to the broker's; orders are accepted again afterwards.

        `quiet` leaves the state as it is meanwhile. One look at a time: calls that come during one share the next.
        Raises Retry or SessionEnded when the broker cannot be read, Fatal when the journal takes nothing.
        """
        await self._turns.run(lambda: self._look(why, quiet=quiet))

    async def _look(self, why: str, *, quiet: bool) -> None:
        session = self._session
        if not quiet and self.state is not DeskState.FROZEN:
            self.books.orders_read = 0  # there may have been news that nobody heard
            self._set_state(DeskState.RECONCILING, why)
        problem = "could not reconcile: broken off"
        try:
            await self._read_books(why, quiet=quiet)
            problem = ""
        except SessionEnded as error:
            if session is not self._session:  # the end of a former login is no news of this one
                raise Retry(f"asked with the former login: {error}", after_s=0.1) from error
            self._set_state(DeskState.FROZEN, str(error))
            self.tell(self.session_ended, str(error))
            raise
        except AlphaPandaError as error:
            problem = f"could not reconcile: {error}"
            raise
        finally:
            if problem:
                self._rounds.failed()
                if self.state is DeskState.RECONCILING:
                    self._set_state(DeskState.CLOSED, f"{problem}{EXITS_PASS if self._knows_held() else ''}")
        self._complained = False
        if self.state is not DeskState.FROZEN:
            self._set_state(DeskState.READY)
            self.kill.carry_on()

    async def _read_books(self, why: str, *, quiet: bool) -> None:
        await self._days.begin()
        report = Report()
        try:
            await self.reconciler.run(self.day_start(), why, report)
        finally:
            self._news.announce(report)  # what was found holds, however far it came
            self._days.settle(report)
        if not quiet or not self.ready:
            await self._read_holdings()
        if await self._comparing.compare(report):
            self._rounds.want()
        self._watch.look()
        self.report(await journaled(self.risk.keep_peak()), "the day's peak")

    async def _read_holdings(self) -> None:
        if self._portfolio is None:
            return
        try:
            rows = await self._portfolio.holdings()
            self.books.take_holdings(rows)
            self._comparing.holdings(rows)
        except (Retry, Rejected) as error:
            self.notice(f"Holdings could not be read, and were not compared: {error}")

    def _need(self) -> Need:
        if self.state is DeskState.CLOSED:
            return Need.ALL
        if self.books.lacks_fills():
            return Need.FILLS
        waits = self.books.book.working() or self.books.unanswered() or self._today.behind or self._days.over
        return Need.LIVE if waits else Need.NONE

    async def _try_reconcile(self, why: str) -> None:
        if self.state is DeskState.FROZEN:
            return
        try:
            await self.reconcile(why, quiet=self.takes_exits)
        except AlphaPandaError as error:
            if not self._complained:  # once until it works again, not with every try
                self._complained = True
                self.notice(f"Kite's books could not be read ({why}): {error}")


def _whole(limits: Limits | RiskLimits) -> RiskLimits:
    return limits if isinstance(limits, RiskLimits) else RiskLimits(desk=limits)
