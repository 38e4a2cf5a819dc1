"""Where a strategy runs: feeds it, answers its questions, carries its wishes to the desk, survives its errors."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.orders import INTENDED, Order, OrderRequest
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.trading.context import RunContext
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.scope import Scope

CALL_BUDGET_S: Final = 0.05
"""A hook that takes longer than this holds the window; the run's log says so."""

STOP_DEADLINE_S: Final = 5.0
"""How long Stop waits for the broker to confirm cancellations."""


class Host:
    """Runs one strategy in this process. The runner owns it; `tell(run)` is called after any change."""

    def __init__(
        self, run: Run, desk: Desk, market: Market, clock: Clock, scope: Scope, tell: Callable[[Run], None]
    ) -> None:
        self._run = run
        self._desk = desk
        self._market = market
        self._clock = clock
        self._scope = scope
        self._tell = tell
        self._strategy: Strategy | None = None
        self._ends: list[Callable[[], None]] = []
        self._quiet = asyncio.Event()
        self._context = RunContext(run, market, clock, self._submit, self._cancel, lambda: tell(run))

    async def start(self) -> None:
        """Fetch history, build the strategy, begin to feed it."""
        run = self._run
        for instrument in run.instruments:
            await self._fill_history(instrument)
        if self._guard("build", self._build) and self._guard("on_start", self._hook("on_start")):
            for instrument in run.instruments:
                self._listen(instrument)
            run.state = RunState.RUNNING
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
        series = self._market.live_series(instrument, self._run.interval)
        if self._strategy is not None and series.closed_count >= self._strategy.lookback:
            self._guard("on_bar", self._hook("on_bar"), instrument, bar)
            self._tell(self._run)

    def _on_tick(self, instrument: Instrument, tick: Tick) -> None:
        self._run.prices[instrument.key] = tick.last_price
        self._guard("on_tick", self._hook("on_tick"), instrument, tick)

    def take_order(self, order: Order) -> None:
        """Something became of one of this run's orders."""
        if order.tag:
            self._run.orders[order.tag] = order
        if not any(o.live for o in self._run.orders.values()):
            self._quiet.set()
        if self._run.state in (RunState.RUNNING, RunState.PAUSED):
            self._guard("on_order", self._hook("on_order"), order)
        self._tell(self._run)

    def _hook(self, name: str) -> Callable[..., None]:
        def call(*args: object) -> None:
            getattr(self._strategy, name)(self._context, *args)

        return call

    def _guard(self, name: str, work: Callable[..., None], *args: object) -> bool:
        """Call the strategy; a failure ends the run, slowness is written into its log."""
        if self._run.state.over:
            return False
        began = time.perf_counter()
        error = self._scope.call(f"{self._run.strategy.name}.{name}", work, *args)
        took = time.perf_counter() - began
        if error is not None:
            self._fail(name, error)
        elif took > CALL_BUDGET_S:
            self._run.note("warning", f"{name} took {took * 1000:.0f} ms; {CALL_BUDGET_S * 1000:.0f} ms allowed")
        return error is None

    def _fail(self, name: str, error: Exception) -> None:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename.rsplit('/', 1)[-1]} line {last.lineno}"
        self._run.state = RunState.FAILED
        self._run.detail = f"{name} failed at {where}: {type(error).__name__}: {error}"
        self._run.note("error", self._run.detail)
        self._deafen()
        self._tell(self._run)

    def _deafen(self) -> None:
        for end in self._ends:
            end()
        self._ends.clear()

    # -- wishes ----------------------------------------------------------------------------------------------

    def _submit(self, request: OrderRequest) -> None:
        run = self._run
        run.last_reason = request.reason
        run.orders[request.tag] = _awaited(request, self._clock)
        self._quiet.clear()
        run.note("info", f"{request.transaction_type} {request.quantity} {request.key}: {request.reason}")
        self._scope.spawn(f"submit {request.tag}", self._send(request))

    async def _send(self, request: OrderRequest) -> None:
        held = self._context.why_held(request)
        try:
            if held:
                raise AlphaPandaError(held)
            order = await self._desk.submit(request)
        except Unknown as error:
            self._run.note("warning", f"no answer to {request.transaction_type} {request.key}: {error}")
        except AlphaPandaError as error:
            self._run.note("warning", f"refused: {error}")
            waiting = self._run.orders[request.tag]
            self.take_order(replace(waiting, status="REJECTED", status_message=str(error), pending_quantity=0))
        else:
            known = self._run.orders.get(request.tag)
            if known is None or not known.order_id:
                self.take_order(order)

    def _cancel(self, tag: str) -> None:
        self._scope.spawn(f"cancel {tag}", self._cancel_one(tag))

    async def _cancel_one(self, tag: str) -> None:
        order = self._run.orders.get(tag)
        if order is None or not order.order_id or not order.live:
            return
        try:
            await self._desk.cancel(order.order_id)
        except AlphaPandaError as error:
            self._run.note("warning", f"{order.key} order {order.order_id} was not cancelled: {error}")
            self._tell(self._run)

    # -- stopping --------------------------------------------------------------------------------------------

    async def stop(self) -> str:
        """End the run: no more feeding, working orders cancelled; what was done, in words."""
        self._deafen()
        self._guard("on_stop", self._hook("on_stop"))
        if not self._run.state.over:
            self._run.state = RunState.STOPPING
        self._tell(self._run)
        words = await self._wind_up()
        if self._run.state is RunState.STOPPING:
            self._run.state = RunState.STOPPED
        self._run.note("info", words)
        return words

    async def abandon(self) -> str:
        """Wind up after a failure: the strategy is not asked anything more."""
        self._deafen()
        words = await self._wind_up()
        self._run.note("warning", words)
        return words

    async def _wind_up(self) -> str:
        live = [order for order in self._run.orders.values() if order.live]
        for order in live:
            await self._cancel_one(order.tag or "")
        still = await self._until_quiet() if live else []
        parts = [f"{len(live) - len(still)} working orders cancelled" if live else "no working orders"]
        if still:
            parts.append(
                f"{len(still)} orders not yet confirmed: {', '.join(o.order_id or 'unanswered' for o in still)}"
            )
        held = [f"{h.quantity} {key}" for key, h in self._run.holdings().items() if h.quantity]
        parts.append(f"position stays open: {', '.join(held)}" if held else "no position left")
        return "; ".join(parts)

    async def _until_quiet(self) -> list[Order]:
        if any(order.live for order in self._run.orders.values()):
            try:
                async with asyncio.timeout(STOP_DEADLINE_S):
                    await self._quiet.wait()
            except TimeoutError:
                self._run.note("warning", f"the broker did not confirm within {STOP_DEADLINE_S:g} s")
        return [order for order in self._run.orders.values() if order.live]


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
