"""A desk that is started again, the same minute or the next day, on the journal that the first one left on the disk."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.trading.coverage import StopCoverage
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from tests.fakes import FakeClock, an_instrument
from tests.trading.desk_fakes import RESTING, HeldBroker, Stage, a_desk, yields

FUT = an_instrument(
    "INFY26DECFUT", token=10_000_130, exchange="NFO", kind="FUT", expiry=date(2026, 12, 31), name="INFY"
)
WIDE = replace(Limits(), price_band_pct=60.0)


@asynccontextmanager
async def a_start(folder: Path, clock: FakeClock, broker: HeldBroker | None = None) -> AsyncIterator[Stage]:
    """One start of the program on the journal in that folder, as abruptly ended as begun."""
    database = Database(folder / "practice.sqlite")
    await database.open()
    try:
        async with a_desk(
            journal=SqlJournal(database), clock=clock, broker=broker, limits=WIDE, instruments=(FUT,)
        ) as stage:
            stage.at_s = int(clock.now().timestamp())
            yield stage
    finally:
        await database.close()


class Overnight(HeldBroker):
    """The next day's broker: an empty book, and what was carried into the day."""

    def __init__(self, *rows: Position) -> None:
        super().__init__()
        self.rows = rows

    async def positions(self) -> list[Position]:
        today = {p.id: p for p in await super().positions()}
        return [*self.rows, *(p for id_, p in today.items() if id_ not in {row.id for row in self.rows})]


def carried(product: str, quantity: int, price: float) -> Position:
    return Position(
        exchange="NFO", tradingsymbol="INFY26DECFUT", product=product, quantity=quantity, overnight_quantity=quantity,
        instrument_token=FUT.instrument_token, buy_quantity=quantity, buy_value=quantity * price, last_price=price,
    )  # fmt: skip


def test_what_left_in_the_minute_before_a_restart_still_counts_in_the_minute(
    arun: Any, eventually: Any, tmp_path: Path
) -> None:
    async def story() -> None:
        clock = FakeClock()
        async with a_start(tmp_path, clock) as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.tick(after_s=50)
            await s.desk.submit(s.request(price=RESTING))
            await s.desk.modify(order.order_id, OrderChange(price=RESTING + 1))
            assert s.desk.governor.gauges().minute[0] == 3
            broker = s.broker
        clock.advance(5)
        async with a_start(tmp_path, clock, broker) as s:
            assert s.desk.governor.gauges().minute[0] == 3
            assert s.desk.governor.gauges().day[0] == 2
            clock.advance(10)
            assert s.desk.governor.gauges().minute[0] == 2
            clock.advance(60)
            assert s.desk.governor.gauges().minute[0] == 0

    arun(story())


def test_what_a_run_carries_overnight_is_in_its_result_after_a_restart(
    arun: Any, eventually: Any, tmp_path: Path
) -> None:
    async def story() -> None:
        clock = FakeClock()
        async with a_start(tmp_path, clock) as s:
            run = await s.runner.start(StartOrder("probe", (FUT,), product="NRML"))
            s.tick(100.0, FUT)
            s.probe.ctx.buy(FUT, 10, reason="entry")
            s.probe.ctx.buy(FUT, 7, reason="for the day", product="MIS")
            await eventually(lambda: run.holding(FUT.key).quantity == 17)
            await s.desk.reconcile("test")
            s.probe.ctx.sell(FUT, 4, reason="some of it")
            await eventually(lambda: run.holding(FUT.key).quantity == 13)
            await s.desk.reconcile("test")
            paid = (await s.journal.fills(s.desk.day_start()))[0][0].average_price
        clock.advance(timedelta(days=1).total_seconds())
        async with a_start(tmp_path, clock, Overnight(carried("NRML", 6, paid))) as s:
            await s.runner.recall(s.desk.day_start())
            s.tick(paid + 5, FUT)
            (old,) = s.runner.runs
            assert old.run_id == run.run_id and old.state is RunState.STOPPED and "interrupted" in old.detail
            assert old.held_as(FUT.key) == {"NRML": 6}
            assert old.pnl() == 30.0
            told = s.desk.ledger.of_run(run.run_id, lambda _key: paid + 5)
            assert (told.realised, told.unrealised, told.charges) == (0.0, 30.0, 0.0)
            assert s.desk.books.orders() == []

    arun(story())


def test_an_earlier_run_whose_position_is_gone_is_not_shown_again(arun: Any, eventually: Any, tmp_path: Path) -> None:
    async def story() -> None:
        clock = FakeClock()
        async with a_start(tmp_path, clock) as s:
            run = await s.runner.start(StartOrder("probe", (FUT,), product="NRML"))
            s.tick(100.0, FUT)
            s.probe.ctx.buy(FUT, 10, reason="entry")
            await eventually(lambda: run.holding(FUT.key).quantity == 10)
            await s.desk.reconcile("test")
        clock.advance(timedelta(days=1).total_seconds())
        async with a_start(tmp_path, clock, Overnight()) as s:
            await s.runner.recall(s.desk.day_start())
            assert s.runner.runs == []

    arun(story())


async def guarded(s: Stage, eventually: Any) -> Any:
    """A run that holds 10 and watches a stop at 95."""
    run = await s.runner.start(StartOrder("probe", (FUT,), product="NRML"))
    s.tick(100.0, FUT)
    s.probe.ctx.buy(FUT, 10, reason="entry")
    await eventually(lambda: run.holding(FUT.key).quantity == 10)
    await s.desk.reconcile("test")
    s.probe.ctx.protect(FUT, 95.0, reason="5 % under")

    async def written() -> bool:
        return bool(await s.journal.events(s.desk.day_start(), "app stop"))

    await eventually(written)
    return run


def test_a_stop_of_this_program_is_watched_again_after_a_crash_and_fires(
    arun: Any, eventually: Any, tmp_path: Path
) -> None:
    async def story() -> None:
        clock = FakeClock()
        async with a_start(tmp_path, clock) as s:
            run = await guarded(s, eventually)
            broker = s.broker
        async with a_start(tmp_path, clock, broker) as s:
            await s.runner.recall(s.desk.day_start())
            coverage = StopCoverage(s.desk, s.market, lambda: s.runner.runs)
            (row,) = coverage.app_only()
            assert (row.in_program, row.app_stops[0].trigger) == (10, 95.0)
            s.tick(96.0, FUT)
            assert len(broker.placed) == 1
            s.tick(94.0, FUT)
            await eventually(lambda: len(broker.placed) == 2)
            request = broker.placed[-1]
            assert (request.transaction_type, request.quantity, request.strategy) == ("SELL", 10, run.run_id)
            await eventually(lambda: s.desk.books.held("NFO", FUT.tradingsymbol, "NRML") == 0)
            await s.desk.reconcile("test")
            s.tick(93.0, FUT, after_s=10)
            assert coverage.app_only() == [] and len(broker.placed) == 2
            coverage.close()

            async def ended() -> bool:
                events = await s.journal.events(s.desk.day_start(), "app stop")
                return not events[-1].detail["watched"]

            await eventually(ended)

    arun(story())


def test_what_was_closed_elsewhere_meanwhile_is_not_closed_again(arun: Any, eventually: Any, tmp_path: Path) -> None:
    async def story() -> None:
        clock = FakeClock()
        async with a_start(tmp_path, clock) as s:
            await guarded(s, eventually)
        async with a_start(tmp_path, clock, Overnight()) as s:
            await s.runner.recall(s.desk.day_start())
            s.tick(90.0, FUT)
            await yields()
            assert s.broker.placed == []

    arun(story())


@pytest.mark.parametrize(("how", "left"), [("stop", 1), ("close", 1), ("kill", 0)])
def test_a_stop_outlives_the_end_of_its_run_and_of_the_program_but_not_the_kill_switch(
    arun: Any, eventually: Any, tmp_path: Path, how: str, left: int
) -> None:
    async def story() -> int:
        clock = FakeClock()
        async with a_start(tmp_path, clock) as s:
            run = await guarded(s, eventually)
            if how == "stop":
                await s.runner.stop(run.run_id)
            else:
                await (s.runner.close_all("closing") if how == "close" else s.runner.stop_all("kill switch"))

            async def written() -> bool:
                events = await s.journal.events(s.desk.day_start(), "app stop")
                return events[-1].detail["watched"] is bool(left)

            await eventually(written)
            broker = s.broker
        async with a_start(tmp_path, clock, broker) as s:
            await s.runner.recall(s.desk.day_start())
            return len(StopCoverage(s.desk, s.market, lambda: s.runner.runs).app_only())

    assert arun(story()) == left
