"""Strategies, started and stopped by hand: one run each, fed from the market, speaking to the desk."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psygnal import Signal

from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval, Mode
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.ports import Clock, Journal, RunRow
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.host import Host
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.scope import Scope

__all__ = ["Run", "RunState", "Runner", "StartOrder"]


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
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a Runner needs a verified Session")
        self._desk = desk
        self._market = market
        self._journal = journal
        self._clock = clock
        self._scope = scope
        self._hosts: dict[str, Host] = {}
        self.available: Mapping[str, type[Strategy]] = strategies
        self.runs: list[Run] = []
        desk.order_changed.connect(self._on_order)
        desk.halted_changed.connect(self._on_halted)

    async def recall(self, since: datetime) -> None:
        """Show today's earlier runs; one that never ended was interrupted, and is journaled so."""
        for row in await self._journal.runs(since):
            strategy_type = self.available.get(row.strategy)
            if strategy_type is None or any(run.run_id == row.run_id for run in self.runs):
                continue
            how = row.how
            if row.stopped_at is None:
                how = "interrupted: the program ended without stopping it"
                await self._journal.run_ended(row.run_id, self._clock.now(), how)
            self.runs.insert(0, self._recalled(row, strategy_type, how))
            self.changed.emit(row.run_id)

    def _recalled(self, row: RunRow, strategy_type: type[Strategy], how: str) -> Run:
        by_key = self._market.master.by_key
        run = Run(
            run_id=row.run_id,
            strategy=strategy_type,
            instruments=tuple(i for i in map(by_key, row.instruments) if i is not None),
            params=strategy_type.Params.model_construct(None, **row.parameters),
            interval=strategy_type.interval,
            product="MIS",
            started_at=row.started_at,
            now=self._clock.now,
            state=RunState.STOPPED,
            detail=how,
        )
        run.orders.update({order.tag or "": order for order in self._desk.books.of_run(row.run_id)})
        run.note("info", how)
        return run

    def close(self) -> None:
        """Hear no more from the desk."""
        self._desk.order_changed.disconnect(self._on_order)
        self._desk.halted_changed.disconnect(self._on_halted)

    def run(self, run_id: str) -> Run:
        """The run of that id; raises StrategyError when there is none."""
        for run in self.runs:
            if run.run_id == run_id:
                return run
        raise StrategyError(f"no strategy run {run_id!r}")

    async def start(self, order: StartOrder) -> Run:
        """Start a strategy: parameters checked, journaled, history fetched, then fed.

        Raises StrategyError, and pydantic's ValidationError for parameters out of bounds.
        """
        strategy_type = self._strategy_type(order)
        params = strategy_type.Params.model_validate(dict(order.params))
        run = Run(
            run_id=secrets.token_hex(4),
            strategy=strategy_type,
            instruments=order.instruments,
            params=params,
            interval=order.interval,
            product=order.product,
            started_at=self._clock.now(),
            now=self._clock.now,
        )
        await self._journal.run_began(_row(run))
        self._desk.name_run(run.run_id, strategy_type.name)
        self.runs.insert(0, run)
        host = self._hosts[run.run_id] = Host(run, self._desk, self._market, self._clock, self._scope, self._tell)
        self._market.watch(_owner(run), run.instruments, Mode.FULL)
        self.changed.emit(run.run_id)
        await host.start()
        if run.state is RunState.FAILED:
            await self._end(run, run.detail)
        return run

    def _strategy_type(self, order: StartOrder) -> type[Strategy]:
        strategy_type = self.available.get(order.strategy)
        if strategy_type is None:
            raise StrategyError(f"no strategy named {order.strategy!r}; there are: {', '.join(sorted(self.available))}")
        if not order.instruments:
            raise StrategyError("choose at least one instrument")
        for instrument in order.instruments:
            if not instrument.tradable:
                raise StrategyError(f"{instrument.key} is an index and cannot be traded; choose its future or a stock")
        if self._desk.trading_state is TradingState.HALTED:
            raise StrategyError("the kill switch is on; release it before starting a strategy")
        return strategy_type

    async def stop(self, run_id: str) -> str:
        """Stop a run and cancel its working orders; what was done, in words. Its position stays open."""
        run = self.run(run_id)
        host = self._hosts.get(run_id)
        if host is None or run.state.over:
            return run.detail
        words = await host.stop()
        await self._end(run, words)
        return words

    async def stop_all(self, why: str) -> None:
        """Stop every run that is not over."""
        for run in list(self.runs):
            if not run.state.over:
                run.note("warning", why)
                await self.stop(run.run_id)

    async def _end(self, run: Run, how: str) -> None:
        self._hosts.pop(run.run_id, None)
        self._market.unwatch(_owner(run))
        run.detail = how
        await self._journal.run_ended(run.run_id, self._clock.now(), how)
        self.changed.emit(run.run_id)

    def pause(self, run_id: str) -> None:
        """Refuse new entries of a run; its exits still pass."""
        run = self.run(run_id)
        if run.state is RunState.RUNNING:
            run.state = RunState.PAUSED
            run.note("info", "entries paused; exits still pass")
            self.changed.emit(run_id)

    def resume(self, run_id: str) -> None:
        run = self.run(run_id)
        if run.state is RunState.PAUSED:
            run.state = RunState.RUNNING
            run.note("info", "entries allowed again")
            self.changed.emit(run_id)

    def _tell(self, run: Run) -> None:
        if run.state is RunState.FAILED and run.run_id in self._hosts:
            self._scope.spawn(f"end {run.run_id}", self._fail(run))
        self.changed.emit(run.run_id)

    async def _fail(self, run: Run) -> None:
        host = self._hosts.get(run.run_id)
        if host is not None:
            why = run.detail
            words = await host.abandon()
            await self._end(run, f"{why}. {words}")

    def _on_order(self, order: Order) -> None:
        host = self._hosts.get(self._desk.run_of(order))
        if host is not None:
            host.take_order(order)

    def _on_halted(self, state: TradingState) -> None:
        if state is TradingState.HALTED and any(not run.state.over for run in self.runs):
            self._scope.spawn("stop for kill switch", self.stop_all("kill switch"))


def _owner(run: Run) -> str:
    return f"run {run.run_id}"


def _row(run: Run) -> RunRow:
    params: dict[str, Any] = run.params.model_dump(mode="json")
    keys = tuple(i.key for i in run.instruments)
    return RunRow(run.run_id, run.strategy.name, keys, params, run.started_at)
