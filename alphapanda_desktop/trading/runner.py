"""Strategies, started and stopped by hand: one run each, fed from the market, speaking to the desk."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psygnal import Signal

from alphapanda_desktop.domain.errors import AlphaPandaError, StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval, Mode
from alphapanda_desktop.domain.orders import Order, OrderRequest, Product
from alphapanda_desktop.domain.ports import Clock, Event, Journal
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.trading.books import Place
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.differences import ForeignPolicy
from alphapanda_desktop.trading.host import Host
from alphapanda_desktop.trading.inprocess import InProcessSeat
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.orphans import Orphan, Orphans
from alphapanda_desktop.trading.recalling import CHANGED, Recalling, end_of, row_of
from alphapanda_desktop.trading.restored import RestoredStops
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.seat import SeatMaker
from alphapanda_desktop.trading.stops import kept_by
from alphapanda_desktop.trading.tags import new_run_id

__all__ = ["Orphan", "Run", "RunState", "Runner", "StartOrder"]


@dataclass(frozen=True, slots=True)
class StartOrder:
    """What a person asks for when pressing Start."""

    strategy: str
    instruments: tuple[Instrument, ...]
    params: Mapping[str, object] = field(default_factory=dict)
    interval: Interval = Interval.MINUTE
    product: Product = "MIS"


class Runner:
    """Owner of the strategy runs of one venue. Built with a verified session.

    `seats` says where strategies sit: in this process, or each in a child of its own.

    Signals: `changed(run_id)` after any change of a run.
    """

    changed = Signal(str)

    def __init__(
        self,
        session: Session,
        desk: Desk,
        market: Market,
        journal: Journal,
        clock: Clock,
        strategies: Mapping[str, type[Strategy]],
        scope: Scope,
        seats: SeatMaker = InProcessSeat,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a Runner needs a verified Session")
        self._desk = desk
        self._market = market
        self._journal = journal
        self._clock = clock
        self._scope = scope
        self._seats = seats
        self._hosts: dict[str, Host] = {}
        """Kept after the end of a run: its orders may still fill, and that is still its position."""
        self._ending: dict[str, asyncio.Event] = {}
        self._ended: set[str] = set()
        self._over_today: set[str] = set()
        """Runs that a limit of the day has paused; a person's own pause is none of them."""
        self._begun: dict[str, asyncio.Event] = {}
        """Set when the beginning of a run is in the journal, or will never be: its end must not come before it."""
        self._restored = RestoredStops(desk, market, journal, clock, scope)
        self.available: Mapping[str, type[Strategy]] = strategies
        self.runs: list[Run] = []
        self._recalling = Recalling(desk, market, journal, clock)
        self._orphans = Orphans(self, desk, market, journal, clock, self._restored)
        desk.order_changed.connect(self._on_order)
        desk.halted_changed.connect(self._on_halted)
        desk.foreign_seen.connect(self._on_foreign)
        desk.strategy_over.connect(self._on_over)
        desk.day_turned.connect(self._on_day)
        desk.kill.on_stop(self.stop_all)
        desk.guards = self._guards
        desk.holds = self._holds

    async def recall(self, since: datetime) -> None:
        """Show today's earlier runs, and those of earlier days that hold something still.

        One that never ended was interrupted, and is journaled so.
        """
        known = {run.run_id for run in self.runs}
        for run in await self._recalling.earlier(since, self.available, known):
            self.runs.insert(0, run)
            self._say(run.run_id)
        await self._restored.recall(since, [run for run in self.runs if run.run_id not in self._hosts])

    def close(self) -> None:
        """Hear no more from the desk."""
        self._restored.close()
        self._desk.order_changed.disconnect(self._on_order)
        self._desk.halted_changed.disconnect(self._on_halted)
        self._desk.foreign_seen.disconnect(self._on_foreign)
        self._desk.strategy_over.disconnect(self._on_over)
        self._desk.day_turned.disconnect(self._on_day)
        self._desk.kill.on_stop(None)

    def _guards(self, where: Place) -> list[str]:
        """Stops that only this program watches on one position, in words, with their runs."""
        stops = [stop for kept in kept_by(self.runs) for stop in kept.stops()]
        mine = [stop for stop in stops if (stop.key, stop.product) == (f"{where[0]}:{where[1]}", where[2])]
        return [f"{self._desk.name_of_run(stop.owner)}: {stop}" for stop in mine]

    def _holds(self, request: OrderRequest) -> str:
        """Why an order of a run must not leave: while it waited for its turn the run was paused, or ended."""
        host = self._hosts.get(request.strategy)
        return host.why_held(request) if host is not None else ""

    def run(self, run_id: str) -> Run:
        """The run of that id; raises StrategyError when there is none."""
        for run in self.runs:
            if run.run_id == run_id:
                return run
        raise StrategyError(f"no strategy run {run_id!r}")

    async def load(self, order: StartOrder) -> Run:
        """Bring a strategy up: journaled, history fetched, its file executed, its parameters judged; `begin` starts it.

        Raises StrategyError, and pydantic's ValidationError for parameters out of bounds.
        """
        return await self._up(order, RunState.LOADING)

    async def begin(self, run_id: str, *, paused: bool = False, heir_of: str = "") -> Run:
        """Start a loaded run: `on_start`, then its bars; `paused` with its entries held.

        As `heir_of` a run that is over it holds what that one left before its strategy is asked anything. Raises
        StrategyError for one that does not wait for its start, and where it cannot be the heir: then it waits on.
        """
        run = self.run(run_id)
        if run.state is not RunState.LOADED:
            raise StrategyError(f"{run.strategy.name} cannot be started: it is {run.state}")
        self._require_unlocked()
        run.state, run.hold_entries = RunState.STARTING, paused
        self._say(run_id)
        if heir_of and self.orphans(heir_of):
            await self._inherit(run, heir_of)
        if run.state is RunState.STARTING:  # else it was stopped meanwhile
            host = self._hosts[run_id]
            await self._unbroken(run, host, host.begin())
        return run

    async def _inherit(self, run: Run, heir_of: str) -> None:
        taken = False
        try:
            await self.hand_over(heir_of, run.run_id)
            taken = True
        finally:
            if not taken and run.state is RunState.STARTING:
                run.state = RunState.LOADED
                self._say(run.run_id)

    async def start(self, order: StartOrder) -> Run:
        """`load` and `begin` in one. Raises as `load`."""
        return await self._up(order, RunState.STARTING)

    async def _up(self, order: StartOrder, state: RunState) -> Run:
        run = self._new_run(order, state)
        self.runs.insert(0, run)  # before the first wait: the kill switch must find it
        host = self._hosts[run.run_id] = Host(run, self._desk, self._market, self._clock, self._scope, self._tell,
            self._restored.keep, lambda: self.runs, self._seats)  # fmt: skip
        await self._unbroken(run, host, self._bring_up(run, host))
        return run

    def _new_run(self, order: StartOrder, state: RunState) -> Run:
        strategy_type = self._strategy_type(order)
        return Run(
            run_id=new_run_id(self._clock),
            strategy=strategy_type,
            instruments=tuple(dict.fromkeys(order.instruments)),
            params=strategy_type.Params.model_validate(dict(order.params)),
            interval=order.interval,
            product=order.product,
            started_at=self._clock.now(),
            now=self._clock.now,
            price_of=self._desk.last_price,
            units_of=self._desk.ledger.units,
            state=state,
        )

    async def _bring_up(self, run: Run, host: Host) -> None:
        await self._journal_start(run)
        self._desk.name_run(run.run_id, run.strategy.name)
        if run.state in (RunState.LOADING, RunState.STARTING):
            self._market.watch(_owner(run), run.instruments, Mode.FULL)
        self._say(run.run_id)
        up = await host.load()  # does nothing for a run that was stopped meanwhile
        if up and run.state is RunState.LOADING:
            run.state = RunState.LOADED
            self._say(run.run_id)
        elif up:
            await host.begin()

    async def _unbroken(self, run: Run, host: Host, work: Coroutine[Any, Any, None]) -> None:
        """Carry a start out; one that is broken off, or fails, ends the run."""
        done = False
        try:
            await work
            done = True
        finally:
            if not done and not run.state.over:
                self._give_up(run, host)
        if run.state is RunState.FAILED:
            await self._end(run, host)

    async def _journal_start(self, run: Run) -> None:
        done = self._begun[run.run_id] = asyncio.Event()
        try:
            await self._journal.run_began(row_of(run))
        finally:
            done.set()

    def _give_up(self, run: Run, host: Host) -> None:
        """A start that was broken off leaves no run behind that looks alive."""
        host.failed("the start was broken off")
        if self._scope.closed:
            self._market.unwatch(_owner(run))
        else:
            self._scope.spawn(f"end {run.run_id}", self._end_quietly(run, host))
        self._say(run.run_id)

    def _strategy_type(self, order: StartOrder) -> type[Strategy]:
        strategy_type = self.available.get(order.strategy)
        if strategy_type is None:
            raise StrategyError(f"no strategy named {order.strategy!r}; there are: {', '.join(sorted(self.available))}")
        if not order.instruments:
            raise StrategyError("choose at least one instrument")
        for instrument in order.instruments:
            if not instrument.tradable:
                raise StrategyError(f"{instrument.key} is an index and cannot be traded; choose its future or a stock")
        self._require_unlocked()
        return strategy_type

    def _require_unlocked(self) -> None:
        """Raises StrategyError while not all orders pass, or a difference with the broker waits for a decision."""
        desk = self._desk
        if desk.trading_state is TradingState.HALTED:
            raise StrategyError("the kill switch is on; release it before starting a strategy")
        if desk.trading_state is TradingState.REDUCING:
            raise StrategyError(f"only orders that shrink a position pass: {desk.why_halted}; no strategy can start")
        if desk.differences.why_locked():
            raise StrategyError(f"strategies are locked: {desk.differences.why_locked()}")

    async def stop(self, run_id: str) -> str:
        """Stop a run and cancel its working orders; what was done, in words. Its position stays open."""
        run = self.run(run_id)
        host = self._hosts.get(run_id)
        if host is not None:
            host.silence()
            self._restored.keep_on(run, "the run was stopped")
            await self._end(run, host)
        return run.detail

    async def close_all(self, why: str) -> None:
        """`stop_all` for the end of the program: stops that only it watches are watched again at the next start."""
        await self.stop_all(why, stops=False)

    async def stop_all(self, why: str, *, stops: bool = True) -> None:
        """Stop every run that is not over: all are silenced at once, then wound up; `stops` gives its own up too.

        Raises the first failure after all were tried.
        """
        for run in self._alive() if stops else ():
            self._restored.give_up(run, why)
        for run in self._alive():
            run.note("warning", why)
            self._hosts[run.run_id].silence()
        # One that has failed may still be on its way out: its process and its orders are waited for as well.
        left = [run for run in self.runs if run.run_id in self._hosts and run.run_id not in self._ended]
        ends = await asyncio.gather(*(self._end(run, self._hosts[run.run_id]) for run in left), return_exceptions=True)
        failures = [error for error in ends if isinstance(error, BaseException)]
        if failures:
            raise failures[0]

    async def _end(self, run: Run, host: Host) -> None:
        """Wind a silenced or failed run up, once, however many ask; return when that is done."""
        while run.run_id not in self._ended:
            under_way = self._ending.get(run.run_id)
            if under_way is not None:
                await under_way.wait()
                continue
            done = self._ending[run.run_id] = asyncio.Event()
            try:
                await self._wind_up(run, host)
            finally:
                del self._ending[run.run_id]
                done.set()

    async def _wind_up(self, run: Run, host: Host) -> None:
        self._market.unwatch(_owner(run))
        words = await host.wind_up()
        run.detail = f"{run.detail}; {words}" if run.state is RunState.FAILED else words
        self._ended.add(run.run_id)
        self._say(run.run_id)
        if run.state is RunState.FAILED:  # its card may be out of sight, and who trades must learn of it
            self._desk.notice(f"{run.strategy.title} failed: {run.detail}")
        await self._begun[run.run_id].wait()
        await self._journal.run_ended(run.run_id, self._clock.now(), end_of(run))

    async def _end_quietly(self, run: Run, host: Host) -> None:
        try:
            await self._end(run, host)
        except AlphaPandaError as error:
            run.note("error", f"its end could not be journaled: {error}")
            self._say(run.run_id)

    def pause(self, run_id: str) -> None:
        """Refuse new entries of a run; its exits still pass."""
        run = self.run(run_id)
        self._over_today.discard(run_id)
        if run.state is RunState.STARTING:  # what `on_start` asks for is an entry as well
            run.hold_entries = True
        elif run.state is not RunState.RUNNING:
            return
        else:
            run.state = RunState.PAUSED
        run.note("info", "entries paused; exits still pass")
        self._say(run_id)

    def resume(self, run_id: str) -> None:
        run = self.run(run_id)
        self._over_today.discard(run_id)
        run.hold_entries = False
        if run.state is RunState.PAUSED:
            run.state = RunState.RUNNING
            run.note("info", "entries allowed again")
            self._say(run_id)

    async def begin_all(self) -> None:
        """Start every loaded run."""
        for run in self._alive():
            if run.state is RunState.LOADED:
                await self.begin(run.run_id)

    def pause_all(self) -> None:
        """Refuse new entries of every run."""
        for run in self._alive():
            self.pause(run.run_id)

    def resume_all(self) -> None:
        """Allow entries of every paused run again."""
        for run in self._alive():
            self.resume(run.run_id)

    async def change(self, run_id: str, params: Mapping[str, object]) -> None:
        """Other parameters for a run that goes on: journaled, and taken at its next bar (`run.waiting_params`).

        What is left out stays. Raises StrategyError, and pydantic's ValidationError for values out of bounds.
        """
        run, host = self.run(run_id), self._hosts.get(run_id)
        if host is None or not (run.asking or run.state is RunState.LOADED):
            raise StrategyError(f"{run.strategy.name} takes no parameters any more: it is {run.state}")
        whole = (run.waiting_params or run.params).model_dump() | dict(params)
        new = run.strategy.Params.model_validate(whole)
        await host.judge(new)
        if not (run.asking or run.state is RunState.LOADED):
            raise StrategyError(f"{run.strategy.name} takes no parameters any more: it is {run.state}")
        told = {"run": run_id, "parameters": new.model_dump(mode="json")}
        await self._journal.note(Event(CHANGED, self._clock.now(), told))
        run.waiting_params = new
        self._say(run_id)

    def what_stop_does(self, run_id: str) -> str:
        """What Stop would do now with the run's orders and position, in words."""
        run, host = self.run(run_id), self._hosts.get(run_id)
        return run.detail if host is None or run.state.over else host.what_stop_does()

    def orphans(self, run_id: str) -> list[Orphan]:
        """What a run that is over has left behind: positions, and orders that still work. Empty while it runs."""
        return self._orphans.of(self.run(run_id))

    async def hand_over(self, from_id: str, to_id: str) -> str:
        """Give what a run left behind to another run of the same strategy; what was done, in words.

        Its working orders are cancelled first. Raises StrategyError where the other run cannot take it.
        """
        return await self._orphans.hand_over(self.run(from_id), self.run(to_id))

    async def adopt(self, run_id: str) -> str:
        """A person takes what a run left behind: it is the account's own from now on; what was done, in words."""
        return await self._orphans.adopt(self.run(run_id))

    async def flatten(self, run_id: str) -> str:
        """Cancel what a run left working and close its position; what was done, in words."""
        return await self._orphans.flatten(self.run(run_id))

    def host_of(self, run_id: str) -> Host | None:
        """The keeper of a run that was started in this program."""
        return self._hosts.get(run_id)

    def changed_run(self, run_id: str) -> None:
        """Tell listeners that something of a run is another."""
        self._say(run_id)

    def _tell(self, run: Run) -> None:
        host = self._hosts[run.run_id]
        known = run.run_id in self._ended or run.run_id in self._ending
        if run.state is RunState.FAILED and not known and not self._scope.closed:
            self._restored.keep_on(run, "the run failed")
            self._scope.spawn(f"end {run.run_id}", self._end_quietly(run, host))
        self._say(run.run_id)

    def _say(self, run_id: str) -> None:
        """Tell listeners; one that fails must not reach the strategy or the tick that led here."""
        self._scope.call("run changed", self.changed.emit, run_id)

    def _on_order(self, order: Order) -> None:
        run_id = self._desk.run_of(order)
        host = self._hosts.get(run_id)
        if host is not None:
            host.take_order(order)
            return
        for run in self.runs:  # one of an earlier start of the program: nobody runs it, but its position may change
            if run.run_id == run_id and order.tag:
                run.orders[order.tag] = order
                self._say(run_id)

    def _on_halted(self, state: TradingState) -> None:
        """Halted: nothing is asked of a strategy any more; the kill switch then has all of them stopped."""
        for run in self._alive():
            if state is TradingState.HALTED:
                self._hosts[run.run_id].silence()
            elif state is TradingState.REDUCING:
                run.note("warning", f"only exits pass: {self._desk.why_halted}")
                self._say(run.run_id)

    def _on_foreign(self, order: Order) -> None:
        """An order was made elsewhere: where that is the policy, no run enters before someone has looked."""
        matters = order.live or order.filled_quantity > 0
        if self._desk.foreign_policy is not ForeignPolicy.PAUSE or not matters:
            return
        for run in self._alive():
            run.note("warning", f"{order.transaction_type} {order.quantity} {order.key} was ordered elsewhere")
            self.pause(run.run_id)

    def _on_over(self, strategy: str, why: str) -> None:
        """A strategy's own limit of the day is broken: none of its runs enters before tomorrow."""
        for run in self._alive():
            if run.strategy.name == strategy:
                running = run.state is RunState.RUNNING or (run.state is RunState.STARTING and not run.hold_entries)
                run.note("warning", why)
                self.pause(run.run_id)
                self._over_today |= {run.run_id} if running else set()

    def _on_day(self) -> None:
        """Limits of the day begin anew: what one of them alone had paused may enter again, and a person is told."""
        resumed = [run for run in self._alive() if run.run_id in self._over_today]
        for run in resumed:
            self.resume(run.run_id)
        if resumed:
            names = ", ".join(self._desk.name_of_run(run.run_id) for run in resumed)
            self._desk.notice(f"A new trading day: its limits begin anew, and {names} may enter again.")

    def _alive(self) -> list[Run]:
        return [run for run in self.runs if not run.state.over and run.run_id in self._hosts]


def _owner(run: Run) -> str:
    return f"run {run.run_id}"
