"""A running strategy's keeper: feeds its seat, takes its wishes to the desk, ends it, and outlives all it may do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.orders import Order, OrderRequest
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.strategy import Parameters
from alphapanda_desktop.trading.askedcontext import AskedContext
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.seat import SeatMaker
from alphapanda_desktop.trading.sending import Sender
from alphapanda_desktop.trading.shares import Shares
from alphapanda_desktop.trading.stops import KeptStop

CALL_BUDGET_S: Final = 0.05
"""A call that takes longer than this keeps the strategy from hearing what comes next; its log says so, once a hook."""

STOP_DEADLINE_S: Final = 5.0
"""How long Stop waits for the broker to confirm cancellations."""


class Host:
    """Keeps one strategy's run. The runner owns it; `tell(run)` is called after any change.

    `runs` gives all runs of the venue: they share one account. `seats` makes the place where the strategy sits.
    """

    def __init__(
        self,
        run: Run,
        desk: Desk,
        market: Market,
        clock: Clock,
        scope: Scope,
        tell: Callable[[Run], None],
        keep: Callable[[KeptStop], None],
        runs: Callable[[], Iterable[Run]],
        seats: SeatMaker,
    ) -> None:
        self.run = run
        self.market = market
        self.clock = clock
        self.scope = scope
        self._tell = tell
        self._ends: list[Callable[[], None]] = []
        self._news = asyncio.Event()
        self._slow: set[str] = set()
        self._owes_stop = False
        self._counted_for = 0
        """The look-back for which `run.lacks` was counted."""
        self._sender = sender = Sender(run, desk, clock, scope, self.take_order, tell, self.failed)
        shares = Shares(run, desk.books, runs)
        self.context = AskedContext(run, market, clock, sender.submit, sender.cancel, self.changed, shares, keep,
            lambda text: desk.notice(f"{desk.name_of_run(run.run_id)}: {text}"), sender.withdraw,
            lambda name: self._seat.timer(name), scope.spawn)  # noqa: PLW0108  # its seat comes last  # fmt: skip
        sender.context = self.context
        self._seat = seats(self)

    @property
    def idle(self) -> bool:
        """Whether the strategy has dealt with all that it was told."""
        return not self._seat.busy

    async def load(self) -> bool:
        """Fetch history and bring the strategy up; whether it waits for `begin` now."""
        for instrument in self.run.instruments:
            await self._fill_history(instrument)
        if self.run.state not in (RunState.LOADING, RunState.STARTING):
            return False  # stopped while it waited for history
        up = await self._seat.load()
        self._count_bars()
        return up and self.run.state in (RunState.LOADING, RunState.STARTING)

    async def begin(self) -> None:
        """Call `on_start` and feed the strategy from then on, after `load`."""
        run = self.run
        self._take_params()
        for instrument in run.instruments:
            self._listen(instrument)
        if await self._seat.start() and run.state is RunState.STARTING:
            run.state = RunState.PAUSED if run.hold_entries else RunState.RUNNING
            run.note("info", f"started on {', '.join(i.key for i in run.instruments)}, {run.interval.label} bars")
        self._tell(run)

    def _count_bars(self) -> None:
        """Know where the strategy cannot decide yet: it is not asked before its look-back is there."""
        run, needs = self.run, self._seat.lookback
        self._counted_for = needs
        counts = {i.key: self.market.live_series(i, run.interval).closed_count for i in run.instruments}
        before, run.lacks = run.lacks, {key: (count, needs) for key, count in counts.items() if count < needs}
        for key in run.lacks.keys() - before.keys():
            run.note("warning", f"it looks back on {needs:,} bars of {key} and {counts[key]:,} are there: it decides "
                     f"nothing on {key} before {needs - counts[key]:,} more have closed")  # fmt: skip

    async def _fill_history(self, instrument: Instrument) -> None:
        try:
            await self.market.series(instrument, self.run.interval)
        except AlphaPandaError as error:
            self.run.note("warning", f"no history of {instrument.key}, live bars only: {error}")

    def _listen(self, instrument: Instrument) -> None:
        self._ends.append(self.market.on_bar(instrument, self.run.interval, self._on_bar))
        if self._seat.hears_ticks:  # an object for each tick is dear
            token = instrument.instrument_token
            self._ends.append(self.market.on_tick(token, lambda tick: self._on_tick(instrument, tick)))

    # -- feeding ---------------------------------------------------------------------------------------------

    def _on_bar(self, instrument: Instrument, _interval: Interval, bar: Bar) -> None:
        self._take_params()
        self._seat.bar(instrument, bar)
        if self.run.lacks or self._seat.lookback != self._counted_for:
            self._count_bars()
        self._tell(self.run)

    def _on_tick(self, instrument: Instrument, tick: Tick) -> None:
        self._seat.tick(instrument, tick)

    def _take_params(self) -> None:
        run, new = self.run, self.run.waiting_params
        if new is not None:
            before, run.params, run.waiting_params = run.params.model_dump(), new, None
            self._seat.change(new)
            told = [f"{name} {before.get(name)} → {value}" for name, value in new if before.get(name) != value]
            run.note("info", f"parameters from now on: {', '.join(told)}")

    def take_order(self, order: Order) -> None:
        """Something became of one of this run's orders; heard after the run's end too."""
        if order.tag:
            self.run.orders[order.tag] = order
        self._news.set()
        self.context.heard(order)
        self._sender.heard(order)
        if self.run.asking:
            self._seat.order(order)
        else:
            self._sender.cancel_straggler(order)
        self._tell(self.run)

    def why_held(self, request: OrderRequest) -> str:
        """Why an order of the run must not leave now though it was asked for; empty where it may."""
        return self._sender.why_held(request)

    async def judge(self, params: Parameters) -> None:
        """Raises StrategyError where the strategy itself says no to parameters whose single values are in bounds."""
        wrong = await self._seat.judge(params)
        if wrong:
            raise StrategyError("; ".join(wrong))

    # -- what the seat tells ---------------------------------------------------------------------------------

    def took(self, hook: str, seconds: float) -> None:
        """A call came back after so long in the strategy's code."""
        self.run.pulse.called(seconds, self.clock.now())
        if seconds > CALL_BUDGET_S and hook not in self._slow:
            self._slow.add(hook)
            self.run.note("warning", f"{hook} took {seconds * 1000:.0f} ms; {CALL_BUDGET_S * 1000:.0f} ms allowed")

    def changed(self) -> None:
        """Something to be seen of the run is another."""
        self._tell(self.run)

    def failed(self, why: str) -> None:
        """The strategy cannot go on: nothing is asked of it any more, and its process is ended."""
        if self.run.state.over:
            return
        self.run.state = RunState.FAILED
        self.run.detail = why
        self.run.note("error", why)
        self._deafen()
        self._seat.end()
        self._tell(self.run)

    def _deafen(self) -> None:
        for end in self._ends:
            end()
        self._ends.clear()

    # -- stopping --------------------------------------------------------------------------------------------

    def silence(self) -> None:
        """Feed the strategy no more and take no more orders from it; at once, and without asking it."""
        self._deafen()
        if not self.run.state.over and self.run.state is not RunState.STOPPING:
            self._owes_stop = self.run.state in (RunState.RUNNING, RunState.PAUSED)
            self.run.state = RunState.STOPPING
            self._tell(self.run)

    async def wind_up(self) -> str:
        """Call `on_stop`, the strategy's last, and cancel what works, after `silence` or a failure; in words.

        Cancelling waits for no strategy: one that does not come back is ended at its deadline.
        """
        if self._owes_stop:
            self._owes_stop = False
            self._seat.ask_stop()
        else:
            self._seat.end()
        live = dict.fromkeys(o.tag for o in self.run.orders.values() if o.live and not self.context.guards(o))
        for tag in live:
            await self._sender.cancel_one(tag or "")
        await self._until_quiet()
        wrong = await self._seat.stopped()
        await self._seat.gone()
        if self.run.state is RunState.STOPPING:
            self.run.state = RunState.STOPPED
        words = self._words([order for order in self.run.orders.values() if order.tag in live])
        words = f"{wrong}; {words}" if wrong else words
        self.run.note("info", words)
        return words

    def what_stop_does(self) -> str:
        """What `silence` and `wind_up` would do now with orders and position, in words."""
        run = self.run
        ending = sum(1 for order in run.orders.values() if order.live and not self.context.guards(order))
        many = "1 working order" if ending == 1 else f"{ending} working orders"
        parts = [f"Stop cancels {many}" if ending else "Stop has no working order to cancel"]
        parts += self.context.left_behind()
        parts += [f"{stop}" for stop in run.variables.values() if isinstance(stop, KeptStop) and stop.active]
        return "; ".join([*parts, self._stays()])

    def _stays(self) -> str:
        held = [f"{h.quantity} {key}" for key, h in self.run.holdings().items() if h.quantity]
        return f"position stays open: {', '.join(held)}" if held else "no position left"

    def _words(self, orders: list[Order]) -> str:
        still = [order for order in orders if order.live]
        filled = sum(1 for order in orders if not order.live and order.status == "COMPLETE")
        gone = len(orders) - len(still) - filled
        parts = [f"{gone} working orders cancelled" if orders else "no working orders"]
        if filled:
            parts.append(f"{filled} filled meanwhile")
        if still:
            parts.append(
                f"{len(still)} orders not yet confirmed: {', '.join(o.order_id or 'unanswered' for o in still)}"
            )
        return "; ".join([*parts, *self.context.left_behind(), self._stays()])

    async def _until_quiet(self) -> None:
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                while any(o.live and not self.context.guards(o) for o in self.run.orders.values()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            self.run.note("warning", f"the broker did not confirm within {STOP_DEADLINE_S:g} s")
