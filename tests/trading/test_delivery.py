"""Shares of earlier days: a sale of them is no short, nobody buys them back, and they can always be sold."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.portfolio import GttOrder, GttRequest, Holding
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.trading.coverage import StopCoverage
from alphapanda_desktop.trading.exits import Account, OfRun, get_out
from alphapanda_desktop.trading.kill import KillReport
from alphapanda_desktop.trading.runner import StartOrder
from tests.trading.desk_fakes import INFY, FaultyBroker, Stage, a_desk, yields
from tests.trading.test_gtts_under_kill import Gtts

DAY_S = 21 * 3600 + 1800
"""From noon to half past nine of the next morning."""


def _owns(stage: Stage, quantity: int = 50, mtf: int = 0) -> None:
    row = Holding(tradingsymbol="INFY", exchange="NSE", quantity=quantity, mtf_quantity=mtf)
    stage.desk.books.take_holdings([row])


async def _sold(stage: Stage, product: str = "CNC") -> None:
    """50 are held since earlier days in each product, and one was sold today."""
    _owns(stage, mtf=50)
    await stage.desk.submit(stage.request("SELL", 1, product=product))
    await stage.desk.reconcile("test")


def _sides(stage: Stage) -> list[tuple[str, int]]:
    return [(request.transaction_type, request.quantity) for request in stage.broker.placed]


@pytest.mark.parametrize("product", ["CNC", "MTF"])
def test_the_kill_switch_buys_back_no_shares_that_were_sold_from_the_demat_account(arun: Any, product: str) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _sold(stage, product)
            report: KillReport = await stage.desk.kill.press("test", flatten=True)
            assert (_sides(stage), report.flat, report.left) == ([("SELL", 1)], True, ())
            told = next(step.detail for step in report.steps if step.name == "close positions")
            assert f"sold from the demat account, not bought back: 1 NSE:INFY {product}" in told

    arun(story())


def test_exit_all_buys_back_no_shares_that_were_sold_from_the_demat_account(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _sold(stage)
            owner = Account(stage.desk)
            outcome = await get_out(stage.desk, owner, stage.market.master.by_key, stage.desk.submit_sliced)
            assert (owner.stakes(), outcome.problems, _sides(stage)) == ([], (), [("SELL", 1)])
            assert StopCoverage(stage.desk, stage.market, list).rows() == [], "and it needs no stop"

    arun(story())


@pytest.mark.parametrize("product", ["CNC", "MTF"])
def test_where_only_exits_pass_shares_of_earlier_days_are_sold_and_not_bought_back(arun: Any, product: str) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _sold(stage, product)
            await stage.desk.kill.reduce("limit")
            with pytest.raises(Refused, match="would not shrink the position of -1"):
                await stage.desk.submit(stage.request("BUY", 1, product=product))
            await stage.desk.submit(stage.request("SELL", 40, product=product))
            with pytest.raises(Refused, match="-41 and 50 in the holdings"):
                await stage.desk.submit(stage.request("SELL", 10, product=product))
            await stage.desk.submit(stage.request("SELL", 9, product=product))
            assert _sides(stage) == [("SELL", 1), ("SELL", 40), ("SELL", 9)]

    arun(story())


def test_working_sales_leave_less_of_the_holdings_to_be_sold(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            _owns(stage)
            await stage.desk.submit(stage.request("SELL", 45, product="CNC", order_type="LIMIT", price=120.0))
            await stage.desk.kill.reduce("limit")
            with pytest.raises(Refused, match="Reducing only"):
                await stage.desk.submit(stage.request("SELL", 6, product="CNC"))
            await stage.desk.submit(stage.request("SELL", 5, product="CNC"))

    arun(story())


def test_a_limit_of_one_order_does_not_hold_back_a_sale_of_holdings(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=Limits(price_band_pct=60.0, max_order_quantity=5)) as stage:
            _owns(stage)
            await stage.desk.submit(stage.request("SELL", 20, product="CNC"))
            with pytest.raises(Refused, match="Order quantity"):
                await stage.desk.submit(stage.request("BUY", 20, product="CNC"))

    arun(story())


def test_holdings_that_could_not_be_read_can_be_sold_for_the_broker_knows_them(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            assert stage.desk.books.in_holdings(("NSE", "INFY", "CNC")) is None
            await stage.desk.kill.reduce("limit")
            await stage.desk.submit(stage.request("SELL", 3, product="CNC"))
            with pytest.raises(Refused):
                await stage.desk.submit(stage.request("SELL", 3, product="MIS"))

    arun(story())


def test_a_second_exit_of_a_position_does_not_go_on_with_the_holdings(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            _owns(stage)
            await stage.desk.submit(stage.request("BUY", 10, product="CNC"))
            await stage.desk.submit(stage.request("SELL", 10, product="CNC", closes=True))
            with pytest.raises(Refused, match="Only closes"):
                await stage.desk.submit(stage.request("SELL", 10, product="CNC", closes=True))

    arun(story())


def _stop(product: Any, quantity: int = 10) -> GttRequest:
    leg = GttOrder(transaction_type="SELL", quantity=quantity, price=89.0, product=product)
    return GttRequest(exchange="NSE", tradingsymbol="INFY", trigger_values=(90.0,), last_price=100.0, orders=(leg,))


@pytest.mark.parametrize("product", ["CNC", "MTF"])
@pytest.mark.parametrize("how", ["kill", "reduce"])
def test_gtts_that_guard_holdings_stay_where_positions_stay(arun: Any, eventually: Any, how: str, product: str) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as stage:
            guarded = stage.desk.guard_gtts(gtts := Gtts())
            _owns(stage, mtf=50)
            await guarded.place(_stop(product, 30))
            if how == "kill":
                report = await stage.desk.kill.press("test", flatten=False)
                assert "1 that close a position stay" in str(report.steps)
            else:
                await stage.desk.kill.reduce("limit")
                await guarded.place(_stop(product, 20))
                with pytest.raises(Refused):
                    await guarded.place(_stop(product, 1))
            assert gtts.active() == [700, 701][: 1 if how == "kill" else 2]

    arun(story())


@pytest.mark.parametrize("product", ["CNC", "MTF"])
def test_a_stop_of_a_run_that_lives_over_night_guards_what_went_into_the_holdings(
    arun: Any, eventually: Any, product: Any
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _over_night(stage, product)
            for _ in range(4):
                stage.tick(99.0, after_s=4)
                await yields(40)
            assert any("stop" in name for name in run.variables), "it is watched still"
            assert [s.quantity for s in OfRun(stage.desk, run).stakes()] == [10]
            stage.tick(94.0, after_s=1)
            await eventually(lambda: _sides(stage) == [("BUY", 10), ("SELL", 10)])

    arun(story())


def test_exit_strategy_closes_what_its_run_has_in_the_holdings_once(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _over_night(stage, "CNC")
            for _ in range(2):
                await get_out(stage.desk, OfRun(stage.desk, run), stage.market.master.by_key, stage.desk.submit_sliced)
            assert _sides(stage) == [("BUY", 10), ("SELL", 10)]

    arun(story())


async def _over_night(stage: Stage, product: Any) -> Any:
    """A run that bought 10 yesterday and guards them; the broker's day is a new one."""
    run = await stage.runner.start(StartOrder("probe", (INFY,), product=product))
    stage.probe.ctx.buy(INFY, 10, reason="in")
    await yields(60)
    await stage.desk.reconcile("test")
    stage.probe.ctx.protect(INFY, 95.0, reason="stop")
    stage.tick(100.0, after_s=1)
    _to_morrow(stage)
    await stage.desk.reconcile("next day")
    return run


def _to_morrow(stage: Stage) -> None:
    stage.clock.advance(DAY_S)
    stage.at_s += DAY_S
    stage.broker.clock = type(stage.broker.clock)(stage.clock.at)
    stage.broker.trades.clear()
    stage.broker.book.clear()


@pytest.mark.parametrize("product", ["CNC", "MTF"])
@pytest.mark.parametrize("reducing", [False, True])
def test_a_restored_stop_sells_what_lies_in_the_holdings(
    arun: Any, eventually: Any, product: Any, reducing: bool
) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await stage.runner.start(StartOrder("probe", (INFY,), product=product))
            stage.probe.ctx.buy(INFY, 10, reason="in")
            await yields(60)
            await stage.desk.reconcile("test")
            stage.probe.ctx.protect(INFY, 95.0, reason="stop")
            await stage.runner.close_all("end")
            stage.runner.close()
            await yields(50)
            _to_morrow(stage)
            desk, runner = stage.restart()
            await desk.open()
            await runner.recall(desk.day_start())
            assert [(r.run_id, r.held_as(INFY.key)) for r in runner.runs] == [(run.run_id, {product: 10})]
            if reducing:
                await desk.kill.reduce("limit")
            for price in (100.0, 94.0, 94.0):
                stage.tick(price, after_s=6)
                await yields(80)
            await eventually(lambda: _sides(stage) == [("BUY", 10), ("SELL", 10)])
            runner.close()

    arun(story())


def test_where_the_broker_carries_mtf_as_a_position_that_tells_what_is_left(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _over_night(stage, "MTF")
            row = Position(exchange="NSE", tradingsymbol="INFY", product="MTF", quantity=4, overnight_quantity=10)
            stage.desk.books.take_positions([row], stage.clock.now(), {})
            assert [s.quantity for s in OfRun(stage.desk, run).stakes()] == [4]
            stage.desk.books.take_positions([replace(row, quantity=0)], stage.clock.now(), {})
            assert OfRun(stage.desk, run).stakes() == []

    arun(story())


def test_exit_strategy_sells_no_more_than_the_demat_account_has(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            run = await _over_night(stage, "CNC")
            _owns(stage, 6)
            assert [s.quantity for s in OfRun(stage.desk, run).stakes()] == [6]
            _owns(stage, 0)
            assert OfRun(stage.desk, run).stakes() == []

    arun(story())
