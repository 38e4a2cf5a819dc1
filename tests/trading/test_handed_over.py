"""What goes from one run to another takes its cost and its result with it: now, after a restart, and the next day."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.trading.carried import Brought, brought_into
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import Runner, StartOrder
from tests.fakes import a_request, a_session
from tests.ui.fakes_desk import LIMITS, DeskStage, a_desk
from tests.ui.fakes_market import INFY


class Plain(Strategy):
    """Asks for nothing."""

    name = "plain"


async def _two_runs(stage: DeskStage, product: Product = "MIS") -> tuple[Run, Run]:
    """One that is over and left ten, and one that took them."""
    stage.give_history()
    old = await stage.runner.start(StartOrder("plain", (INFY,), product=product))
    await _trade(stage, old, "BUY", product)
    await stage.runner.stop(old.run_id)
    new = await stage.runner.start(StartOrder("plain", (INFY,), product=product))
    await stage.runner.hand_over(old.run_id, new.run_id)
    return old, new


async def _trade(stage: DeskStage, run: Run, side: Any, product: Product = "MIS") -> None:
    tag = f"{run.run_id[:4]}{side}"
    order = await stage.desk.submit(a_request(side, 10, tag=tag, strategy=run.run_id, product=product))
    await stage.desk.reconcile("the trades")
    filled = stage.desk.books.book.get(order.order_id)
    assert filled is not None and filled.filled_quantity == 10
    run.orders[tag] = filled


def _made(desk: Desk, run: Run, price: float) -> tuple[float | None, float | None]:
    made = desk.ledger.of_run(run.run_id, lambda _key: price)
    return made.realised, made.unrealised


def test_its_further_result_is_the_takers(run: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            old, new = await _two_runs(stage)
            assert _made(stage.desk, old, 1512.0) == (0.0, 0.0)
            assert _made(stage.desk, new, 1512.0) == (0.0, 120.0)
            assert stage.desk.ledger.of_run(old.run_id, lambda _key: 1512.0).charges > 0
            stage.price(INFY, 1512.0)
            await _trade(stage, new, "SELL")
            assert _made(stage.desk, new, 1600.0) == (120.0, 0.0)

    run(story())


def test_the_takers_sale_is_an_exit_while_only_exits_pass(run: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            _, new = await _two_runs(stage)
            await stage.desk.kill.reduce("a test")
            await _trade(stage, new, "SELL")
            assert new.holding("NSE:INFY").quantity == 0

    run(story())


@pytest.mark.parametrize("sold", [False, True])
def test_after_a_restart_both_runs_hold_and_made_what_they_did_before(run: Any, sold: bool) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            old, new = await _two_runs(stage)
            stage.price(INFY, 1512.0)
            if sold:
                await _trade(stage, new, "SELL")
            before = [_made(stage.desk, one, 1520.0) for one in (old, new)]
            await stage.runner.stop(new.run_id)
            desk, runner = await _restarted(stage)
            runs = [runner.run(one.run_id) for one in (old, new)]
            assert [_made(desk, one, 1520.0) for one in runs] == before
            assert [one.holding("NSE:INFY").quantity for one in runs] == [0, 0 if sold else 10]
            runner.close()

    run(story())


async def _restarted(stage: DeskStage) -> tuple[Desk, Runner]:
    session = a_session(stage.clock.now())
    desk = Desk(session, stage.broker, stage.journal, stage.market, stage.clock, LIMITS, stage.edge.scope, stage.arming)
    await desk.open()
    runner = Runner(session, desk, stage.market, stage.journal, stage.clock, {"plain": Plain}, stage.edge.scope)
    await runner.recall(desk.day_start())
    return desk, runner


def test_the_next_day_it_is_the_taker_who_brings_it(run: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            _, new = await _two_runs(stage, "CNC")
            tomorrow = stage.desk.day_start() + timedelta(days=1)
            carried = await brought_into(tomorrow, stage.journal)
            assert carried == [Brought(new.run_id, "NSE", "INFY", "CNC", 10, 1500.0)]

    run(story())


def test_what_a_person_took_is_no_runs_any_more(run: Any) -> None:
    async def story() -> None:
        async with a_desk(strategies={"plain": Plain}) as stage:
            stage.give_history()
            old = await stage.runner.start(StartOrder("plain", (INFY,), product="CNC"))
            await _trade(stage, old, "BUY", "CNC")
            await stage.runner.stop(old.run_id)
            await stage.runner.adopt(old.run_id)
            assert _made(stage.desk, old, 1512.0) == (0.0, 0.0)
            assert await brought_into(stage.desk.day_start() + timedelta(days=1), stage.journal) == []

    run(story())
