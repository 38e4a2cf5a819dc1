"""Runs of earlier starts of the program, as journal and desk know them: over, but some of them hold something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, cast

from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.ports import Clock, Journal, RunRow
from alphapanda_desktop.domain.positions import DELIVERY
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.trading.carried import MEMORY, Brought
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run, RunState

BARS: Final = "bar length"
PRODUCT: Final = "order product"
"""Journaled beside a run's own parameters; no parameter can bear such a name."""

CHANGED: Final = "run parameters"
"""The journal's kind of event for parameters that were changed while the run went on."""

FAILURE: Final = "failed: "
"""How the journaled end of a run that failed begins."""


def row_of(run: Run) -> RunRow:
    """A run as the journal keeps it."""
    params: dict[str, Any] = run.params.model_dump(mode="json")
    params |= {BARS: run.interval.value, PRODUCT: run.product}
    keys = tuple(i.key for i in run.instruments)
    return RunRow(run.run_id, run.strategy.name, keys, params, run.started_at)


def end_of(run: Run) -> str:
    """How a run ended, as the journal keeps it."""
    return f"{FAILURE if run.state is RunState.FAILED else ''}{run.detail}"


class Recalling:
    """Makes runs of what one venue's journal tells of them."""

    def __init__(self, desk: Desk, market: Market, journal: Journal, clock: Clock) -> None:
        self._desk = desk
        self._market = market
        self._journal = journal
        self._clock = clock

    async def earlier(self, since: datetime, available: Mapping[str, type[Strategy]], known: set[str]) -> list[Run]:
        """Today's runs that are not known, and those of earlier days that hold something still, oldest first.

        One that never ended was interrupted, and is journaled so.
        """
        holding = {one.run_id for one in self._desk.brought if self._still_held(one)}
        first = since - MEMORY if holding else since
        changed = {str(event.detail["run"]): event.detail for event in await self._journal.events(first, CHANGED)}
        runs: list[Run] = []
        for row in await self._journal.runs(first):
            if row.run_id in known or (row.started_at < since and row.run_id not in holding):
                continue
            # A strategy that is no longer installed still has its orders and its position.
            strategy_type = available.get(row.strategy) or _absent(row.strategy)
            later = cast(Mapping[str, object], changed.get(row.run_id, {}).get("parameters", {}))
            whole = replace(row, parameters={**row.parameters, **later})
            runs.append(self._recalled(whole, strategy_type, await self._how(row)))
        return runs

    async def _how(self, row: RunRow) -> str:
        if row.stopped_at is not None:
            return row.how
        how = "interrupted: the program ended without stopping it"
        await self._journal.run_ended(row.run_id, self._clock.now(), how)
        return how

    def _still_held(self, one: Brought) -> bool:
        """Whether the account holds such a position still; shares of earlier days are no position any more."""
        account = self._desk.books.held(one.exchange, one.tradingsymbol, one.product)
        return one.product in DELIVERY or account * one.quantity > 0

    def _recalled(self, row: RunRow, strategy_type: type[Strategy], how: str) -> Run:
        by_key = self._market.master.by_key
        own = {name: value for name, value in row.parameters.items() if name not in (BARS, PRODUCT)}
        run = Run(
            run_id=row.run_id,
            strategy=strategy_type,
            instruments=tuple(i for i in map(by_key, row.instruments) if i is not None),
            params=strategy_type.Params.model_construct(None, **own),
            interval=Interval(str(row.parameters.get(BARS, strategy_type.interval))),
            product=cast(Product, row.parameters.get(PRODUCT, "MIS")),
            started_at=row.started_at,
            now=self._clock.now,
            price_of=self._desk.last_price,
            units_of=self._desk.ledger.units,
            state=RunState.FAILED if how.startswith(FAILURE) else RunState.STOPPED,
            detail=how.removeprefix(FAILURE),
            brought=self._brought(row.run_id),
        )
        self._desk.name_run(run.run_id, strategy_type.name)
        run.orders.update({order.tag or "": order for order in self._desk.books.of_run(row.run_id)})
        run.note("info", run.detail)
        return run

    def _brought(self, run_id: str) -> dict[tuple[str, Product], tuple[int, float]]:
        own = [one for one in self._desk.brought if one.run_id == run_id]
        return {(one.key, cast(Product, one.product)): (one.quantity, one.average_price) for one in own}


def _absent(name: str) -> type[Strategy]:
    """Stands for a strategy that is not installed any more; it cannot be started."""
    return type("Absent", (Strategy,), {"name": name, "title": f"{name} (not installed)"})
