"""Where a strategy runs: feeds it, answers its questions, carries its wishes to the desk, survives its errors."""

from __future__ import annotations

import asyncio
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.orders import INTENDED, Order, OrderRequest
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.trading.context import RunContext
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.shares import Shares
from alphapanda_desktop.trading.stops import KeptStop

CALL_BUDGET_S: Final = 0.05
"""A hook that takes longer than this holds the window; the run's log says so."""

MOST_WISHES: Final = 20
WISHES_SPAN_S: Final = 1.0
"""A run that asks for more orders than this in so short a time is out of control, and is ended."""

STOP_DEADLINE_S: Final = 5.0
"""How long Stop waits for the broker to confirm cancellations."""


class Host:
    """Runs one strategy in this process. The runner owns it; `tell(run)` is called after any change.

    `runs` gives all runs of the venue: they share one account.
    """

    def __init__(
        self,
        run: Run,
        desk: Desk,
        market: Market,
        clock: Clock,
        scope: Scope,
        tell: Callable[[Run], None],
        keep: Callable[[KeptStop], None] = lambda _kept: None,
        runs: Callable[[], Iterable[Run]] = tuple,
    ) -> None:
        self._run = run
        self._desk = desk
        self._market = market
        self._clock = clock
        self._scope = scope
        self._tell = tell
        self._strategy: Strategy | None = None
        self._ends: list[Callable[[], None]] = []
        self._changed = asyncio.Event()
        self._cancelling: set[str] = set()
        self._begun: set[str] = set()
        self._cuts_told: set[tuple[str, str]] = set()
        self._slices: dict[str, tuple[str, ...]] = {}
        """Tags of the orders that one wish was cut into, by the tag that the strategy was told."""
        self._owes_stop = False
        self._wishes: deque[float] = deque(maxlen=MOST_WISHES + 1)
        shares = Shares(run, desk.books, runs)
        self._context = RunContext(run, market, clock, self._submit, self._cancel, lambda: tell(run), shares, keep,
            lambda text: desk.notice(f"{desk.name_of_run(run.run_id)}: {text}"), self._withdraw)  # fmt: skip

    async def start(self) -> None:
        """Fetch history, build the strategy, begin to feed it."""
        run = self._run
        for instrument in run.instruments:
            await self._fill_history(instrument)
        if run.state is not RunState.STARTING:
            return  # stopped while it waited for history
        if self._guard("build", self._build) and self._guard("on_start", self._hook("on_start")):
            run.state = RunState.RUNNING
            for instrument in run.instruments:
                self._listen(instrument)
            run.note("info", f"started on {', '.join(i.key for i in run.instruments)}, {run.interval.label} bars")
        self._tell(run)

    def _build(self) -> None:
        self._strategy = self._run.strategy(self._run.params)

    async def _fill_history(self, instrument: Instrument) -> None:
        try:
            await self._market.series(instrument, self._run.interval)
        except AlphaPandaError as error:
            self._run.note("warning", f"no history of {instrument.key}, live bars only: {error}")

    def _listen(self, instrument: Instrument) -> None:
        self._ends.append(self._market.on_bar(instrument, self._run.interval, self._on_bar))
        self._ends.append(
            self._market.on_tick(instrument.instrument_token, lambda tick: self._on_tick(instrument, tick))
        )

    # -- feeding ---------------------------------------------------------------------------------------------

    def _on_bar(self, instrument: Instrument, _interval: Interval, bar: Bar) -> None:
        self._guard("on_bar", self._bar, instrument, bar)
        self._tell(self._run)

    def _bar(self, instrument: Instrument, bar: Bar) -> None:
        # The look-back is the author's code too.
        series, strategy = self._market.live_series(instrument, self._run.interval), self._strategy
        if strategy is not None and series.closed_count >= strategy.lookback:
            strategy.on_bar(self._context, instrument, bar)

    def _on_tick(self, instrument: Instrument, tick: Tick) -> None:
        self._guard("on_tick", self._hook("on_tick"), instrument, tick)

    def take_order(self, order: Order) -> None:
        """Something became of one of this run's orders; heard after the run's end too."""
        if order.tag:
            self._run.orders[order.tag] = order
        self._changed.set()
        self._context.heard(order)
        if self._run.state in (RunState.RUNNING, RunState.PAUSED):
            self._guard("on_order", self._hook("on_order"), order)
        elif not self._run.asking:
            self._cancel_straggler(order)
        self._tell(self._run)

    def _cancel_straggler(self, order: Order) -> None:
        """Cancel an order that was still on its way when the run was stopped: nobody looks after it any more."""
        waits = order.tag and order.order_id and order.live and order.tag not in self._cancelling
        if waits and not self._context.guards(order):
            self._cancel(order.tag or "")

    def _hook(self, name: str) -> Callable[..., None]:
        def call(*args: object) -> None:
            getattr(self._strategy, name)(self._context, *args)

        return call

    def _guard(self, name: str, work: Callable[..., None], *args: object) -> bool:
        """Call the strategy; a failure ends the run, slowness is written into its log."""
        if self._run.state.over:
            return False  # an ended strategy is never called again
        began = time.perf_counter()
        error = self._scope.call(f"{self._run.strategy.name}.{name}", work, *args)
        took = time.perf_counter() - began
        if error is not None:
            self._fail(name, error)
        elif took > CALL_BUDGET_S:
            self._run.note("warning", f"{name} took {took * 1000:.0f} ms; {CALL_BUDGET_S * 1000:.0f} ms allowed")
        return error is None

    def _fail(self, name: str, error: BaseException) -> None:
        what = "".join(traceback.format_exception_only(error)).strip()  # copes with a str() that fails itself
        self._end(f"{name} failed at {_where(error, self._run.strategy)}: {what}")

    def _end(self, why: str) -> None:
        self._run.state = RunState.FAILED
        self._run.detail = why
        self._run.note("error", why)
        self._deafen()
        self._tell(self._run)

    def _deafen(self) -> None:
        for end in self._ends:
            end()
        self._ends.clear()

    # -- wishes ----------------------------------------------------------------------------------------------

    def _submit(self, request: OrderRequest, cause: Cause) -> None:
        run = self._run
        if not run.asking and not self._context.finishes(request.tag):
            run.note("warning", f"refused: {request.transaction_type} {request.key} was asked for after the run's end")
            return
        if self._too_many():
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
            self._context.note_slices(request, self._slices[request.tag])
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
                self.take_order(replace(waiting, status="REJECTED", status_message=words, pending_quantity=0))

    def _too_many(self) -> bool:
        """Whether the run is asking in a frenzy, as one that answers each refusal with another order does."""
        now = self._clock.monotonic_s()
        self._wishes.append(now)
        if len(self._wishes) <= MOST_WISHES or now - self._wishes[0] > WISHES_SPAN_S:
            return False
        asked = f"more than {MOST_WISHES} orders were asked for within {WISHES_SPAN_S:g} s"
        self._end(f"{asked}; the run was ended before the exchange did it")
        return True

    async def _send(self, request: OrderRequest, cause: Cause) -> None:
        held = self._context.why_held(request)
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
                self.take_order(replace(waiting, status="REJECTED", status_message=str(error), pending_quantity=0))
        else:
            known = self._run.orders.get(request.tag)
            if known is None or not known.order_id:
                self.take_order(order)

    async def _submitted(self, request: OrderRequest, cause: Cause) -> Order:
        """Submit; an exit that is refused as more than the account holds is cut to that, which a person is told."""
        try:
            return await self._desk.submit(request, cause)
        except Refused as error:
            cut = self._context.cut(request)
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
        if not self._run.asking and self._context.finishes(request.tag):
            what = f"{request.transaction_type} {request.quantity} {request.key} {request.product}"
            whose = self._desk.name_of_run(self._run.run_id)
            self._desk.notice(
                f"Nothing guards a position of {whose}: its stop was withdrawn, and {what} failed: {error}"
            )

    def _cancel(self, tag: str) -> None:
        parts = self._slices.get(tag, (tag,))
        self._drop(parts[1:], "the whole was cancelled")
        for part in parts:
            self._scope.spawn(f"cancel {part}", self._cancel_one(part))

    async def _cancel_one(self, tag: str) -> None:
        order = self._run.orders.get(tag)
        if order is None or not order.order_id or not order.live:
            return
        self._cancelling.add(tag)
        try:
            await self._desk.cancel(order.order_id)
        except AlphaPandaError as error:
            self._run.note("warning", f"{order.key} order {order.order_id} was not cancelled: {error}")
            self._tell(self._run)

    def _withdraw(self, order: Order) -> None:
        """Cancel an order by hand that is in the way of the run's exit."""
        self._scope.spawn(f"cancel {order.order_id}", self._withdraw_one(order))

    async def _withdraw_one(self, order: Order) -> None:
        try:
            await self._desk.cancel(order.order_id)
        except AlphaPandaError as error:
            self._run.note("warning", f"{order.key} order {order.order_id} was not cancelled: {error}")

    # -- stopping --------------------------------------------------------------------------------------------

    def silence(self) -> None:
        """Feed the strategy no more and take no more orders from it; at once, and without asking it."""
        self._deafen()
        if self._run.asking:
            self._owes_stop = self._run.state is not RunState.STARTING
            self._run.state = RunState.STOPPING
            self._tell(self._run)

    async def wind_up(self) -> str:
        """Call `on_stop`, the strategy's last, and cancel what works, after `silence` or a failure; in words."""
        if self._owes_stop:
            self._owes_stop = False
            self._guard("on_stop", self._hook("on_stop"))
        live = {o.tag for o in self._run.orders.values() if o.live and not self._context.guards(o)}
        for tag in live:
            await self._cancel_one(tag or "")
        await self._until_quiet()
        if self._run.state is RunState.STOPPING:
            self._run.state = RunState.STOPPED
        words = self._words([order for order in self._run.orders.values() if order.tag in live])
        self._run.note("info", words)
        return words

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
        parts += self._context.left_behind()
        held = [f"{h.quantity} {key}" for key, h in self._run.holdings().items() if h.quantity]
        parts.append(f"position stays open: {', '.join(held)}" if held else "no position left")
        return "; ".join(parts)

    async def _until_quiet(self) -> None:
        try:
            async with asyncio.timeout(STOP_DEADLINE_S):
                while any(o.live and not self._context.guards(o) for o in self._run.orders.values()):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._run.note("warning", f"the broker did not confirm within {STOP_DEADLINE_S:g} s")


def _where(error: BaseException, strategy: type[Strategy]) -> str:
    """File and line in the author's own code, else the innermost one."""
    theirs = {getattr(sys.modules.get(kind.__module__), "__file__", None) for kind in strategy.__mro__[:-1]}
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if frame.filename in theirs), frames[-1])
    return f"{Path(last.filename).name} line {last.lineno}"


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
