"""Stops of runs that are over: watched on while the run's position is held, told, and carried out."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.trading.restored import KIND
from alphapanda_desktop.trading.run import RunState
from tests.trading.desk_fakes import INFY, RESTING, Seen, Stage, a_desk, yields

PLACE = ("NSE", "INFY", "MIS")


async def _enters(stage: Stage) -> Any:
    run = await stage.run()
    stage.probe.ctx.buy(INFY, 10, reason="in")
    await yields(50)
    await stage.desk.reconcile("test")
    stage.probe.ctx.protect(INFY, 95.0, reason="stop")
    return run


async def _ends(stage: Stage, run: Any, how: str) -> None:
    if how == "stopped":
        await stage.runner.stop(run.run_id)
        return

    def boom(*_args: Any) -> None:
        raise ZeroDivisionError("bug")

    Seen.acts["on_tick"] = boom
    stage.tick(99.0, after_s=1)
    await yields(50)
    assert run.state is RunState.FAILED
    stage.errors.clear()


@pytest.mark.parametrize("how", ["stopped", "failed"])
def test_a_run_that_is_over_leaves_its_stop_watched_and_says_so(arun: Any, eventually: Any, how: str) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _enters(stage)
            await _ends(stage, run, how)
            told = (
                f"probe #1: the run {'was ' * (how == 'stopped')}{how}. 10 NSE:INFY MIS, SELL at 95.00, is guarded on"
            )
            (notice,) = [text for text in stage.notices if text.startswith(told)]
            assert notice.endswith("Stop coverage can put the stop at the broker.")
            stage.tick(96.0, after_s=1)
            stage.tick(0.0, after_s=1)
            await yields(50)
            assert len(stage.broker.placed) == 1
            stage.broker.quote = Quote(94.0)
            stage.tick(94.0, after_s=1)
            await eventually(lambda: stage.desk.books.held(*PLACE) == 0)
            exit_ = stage.broker.placed[-1]
            assert (exit_.quantity, exit_.strategy, exit_.closes) == (10, run.run_id, True)
            stage.tick(93.0, after_s=6)
            await yields(50)
            assert len(stage.broker.placed) == 2
            assert (await stage.journal.events(stage.desk.day_start(), KIND))[-1].detail["watched"] is False

    arun(story())


def test_what_a_person_closed_meanwhile_is_not_sold_by_the_stop_of_a_run_that_is_over(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _enters(stage)
            await _ends(stage, run, "stopped")
            await stage.desk.submit(stage.request("SELL", 10))
            sent = len(stage.broker.placed)
            for after_s in (1, 6):
                stage.tick(90.0, after_s=after_s)
                await yields(50)
            assert (len(stage.broker.placed), stage.desk.books.held(*PLACE)) == (sent, 0)
            assert any("ends: the account holds nothing of it any more" in line.text for line in run.log)

    arun(story())


def test_a_stop_of_a_run_that_holds_nothing_ends_with_it_without_a_word(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await stage.run()
            stage.probe.ctx.buy(INFY, 10, reason="in", price=RESTING)
            stage.probe.ctx.protect(INFY, 45.0, reason="stop")
            await yields(50)
            await stage.runner.stop(run.run_id)
            stage.tick(99.0, after_s=1)
            await yields(50)
            assert run.variables == {}
            assert (await stage.journal.events(stage.desk.day_start(), KIND))[-1].detail["watched"] is False

    arun(story())


@pytest.mark.parametrize("over", [False, True])
def test_a_target_by_hand_is_withdrawn_for_the_stop_of_a_run(arun: Any, eventually: Any, over: bool) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _enters(stage)
            target = await stage.desk.submit(stage.request("SELL", 10, order_type="LIMIT", price=110.0))
            if over:
                await _ends(stage, run, "stopped")
            for after_s in (1, 1):
                stage.tick(94.0, after_s=after_s)
                await yields(80)
            await eventually(lambda: stage.desk.books.held(*PLACE) == 0)
            row = stage.desk.books.book.get(target.order_id)
            assert row is not None and row.status == "CANCELLED"
            assert (stage.broker.placed[-1].quantity, stage.broker.placed[-1].order_type) == (10, "MARKET")
            assert over or any(f"withdraws {target.order_id}" in text for text in stage.notices)

    arun(story())


def test_an_exit_of_a_person_that_is_being_filled_is_not_withdrawn_for_a_stop(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _enters(stage)
            stage.broker.quote = Quote(94.0)
            sale = await stage.desk.submit(stage.request("SELL", 10, order_type="LIMIT", price=94.5))
            stage.tick(94.6, after_s=1)
            for after_s in (1, 6):
                stage.tick(94.6, after_s=after_s)
                await yields(80)
            row = stage.desk.books.book.get(sale.order_id)
            assert row is not None and row.status == "OPEN"
            assert len(stage.broker.placed) == 2

    arun(story())
