"""Orders that Kite places by itself: those of our GTTs are ours, a square-off is the broker's, the rest is foreign."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest, GttResult
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.coverage import StopCoverage
from alphapanda_desktop.trading.differences import ForeignPolicy
from alphapanda_desktop.trading.run import RunState
from tests.trading.desk_fakes import INFY, Stage, a_desk, yields


class Gtts:
    """The broker's GTTs."""

    def __init__(self) -> None:
        self.rows: dict[int, Gtt] = {}
        self.lists = 0

    async def list(self) -> list[Gtt]:
        self.lists += 1
        return list(self.rows.values())

    async def place(self, request: GttRequest) -> int:
        id = 700 + len(self.rows)
        self.rows[id] = Gtt(
            id=id, type="single", status="active", exchange=request.exchange, tradingsymbol=request.tradingsymbol,
            trigger_values=request.trigger_values, last_price=request.last_price, orders=request.orders,
        )  # fmt: skip
        return id

    async def modify(self, id: int, request: GttRequest) -> int:
        return id

    async def delete(self, id: int) -> int:
        self.rows[id] = replace(self.rows[id], status="deleted")
        return id


def a_stop() -> GttRequest:
    order = GttOrder(transaction_type="SELL", quantity=10, price=94.0, product="CNC")
    return GttRequest(
        exchange="NSE", tradingsymbol="INFY", trigger_values=(95.0,), last_price=100.0, orders=(order,)
    )  # fmt: skip


def an_order(order_id: str, **more: Any) -> Order:
    values: dict[str, Any] = {
        "order_id": order_id, "status": "OPEN", "exchange": "NSE", "tradingsymbol": "INFY", "quantity": 10,
        "transaction_type": "SELL", "product": "CNC", "order_type": "LIMIT", "price": 94.0,
        "instrument_token": INFY.instrument_token, "pending_quantity": 10,
    }  # fmt: skip
    return Order(**(values | more))


def arrives(s: Stage, order: Order) -> None:
    """The broker has it, and its update comes."""
    s.broker.book[order.order_id] = [order]
    s.desk.take_update(order)


def kinds(s: Stage) -> list[str]:
    return [row.id for row in s.desk.differences.rows()]


async def buys(s: Stage) -> None:
    await s.desk.submit(s.request(product="CNC"))
    await s.desk.reconcile("test")


def test_what_our_gtt_places_is_ours_and_pauses_nobody_and_so_after_a_restart(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            s.desk.foreign_policy = ForeignPolicy.PAUSE
            run = await s.run()
            await buys(s)
            id = await s.desk.guard_gtts(Gtts()).place(a_stop())
            fired = an_order("90", meta={"gtt": id})
            arrives(s, fired)
            await s.desk.reconcile("test")
            assert kinds(s) == [] and run.state is RunState.RUNNING
            assert s.desk.books.ours(fired) and s.desk.by_whom(fired) == f"GTT {id}"
            arrives(s, an_order("91", meta={"gtt": id + 1}))
            assert kinds(s) == ["foreign order:91"] and run.state is RunState.PAUSED
            desk, runner = s.restart()
            await desk.open()
            assert desk.by_whom(fired) == f"GTT {id}"
            assert [row.id for row in desk.differences.rows()] == ["foreign order:91"]
            runner.close()

    arun(story())


def test_an_order_without_meta_is_known_by_its_gtts_own_result(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            await buys(s)
            gtts = Gtts()
            guarded = s.desk.guard_gtts(gtts)
            id = await guarded.place(a_stop())
            arrives(s, an_order("90"))
            assert kinds(s) == ["foreign order:90"]
            result = GttResult(status="success", order_id="90")
            orders = (replace(gtts.rows[id].orders[0], result=result),)
            gtts.rows[id] = replace(gtts.rows[id], status="triggered", orders=orders)
            await guarded.list()
            await s.desk.reconcile("test")
            assert kinds(s) == [] and s.desk.by_whom(an_order("90")) == f"GTT {id}"

    arun(story())


def test_a_square_off_is_the_brokers_and_no_difference(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            s.desk.foreign_policy = ForeignPolicy.PAUSE
            run = await s.run()
            order = an_order("95", product="MIS", meta={"square_off": True})
            arrives(s, order)
            await s.desk.reconcile("test")
            assert kinds(s) == [] and run.state is RunState.RUNNING
            assert s.desk.by_whom(order) == "the broker's square-off" and not s.desk.books.ours(order)

    arun(story())


def test_under_the_kill_switch_a_gtt_that_closes_may_and_one_that_opens_may_not(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            await buys(s)
            guarded = s.desk.guard_gtts(Gtts())
            id = await guarded.place(a_stop())
            await s.desk.kill.press("test", flatten=False)
            assert s.desk.trading_state is TradingState.HALTED
            arrives(s, an_order("90", meta={"gtt": id}))
            arrives(s, an_order("91", meta={"gtt": id}, transaction_type="BUY"))
            await eventually(lambda: "91" in s.broker.cancelled)
            assert "90" not in s.broker.cancelled and s.broker.book["90"][-1].live

    arun(story())


def test_coverage_reads_the_gtts_after_each_change_and_each_look_at_the_books(
    arun: Any, eventually: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr("alphapanda_desktop.trading.coverage.GAP_S", 0.0)
    monkeypatch.setattr("alphapanda_desktop.trading.rounds.SETTLE_S", 600.0)  # the only look is the one asked for

    async def story() -> None:
        async with a_desk() as s:
            await buys(s)
            gtts = Gtts()
            guarded = s.desk.guard_gtts(gtts)
            coverage = StopCoverage(s.desk, s.market, lambda: s.runner.runs, guarded)
            s.scope.spawn("coverage", coverage.run())
            await yields()
            assert (gtts.lists, coverage.rows()[0].at_broker) == (1, 0)
            id = await guarded.place(a_stop())
            await eventually(lambda: coverage.rows()[0].at_broker == 10)
            await guarded.delete(id)
            await eventually(lambda: coverage.rows()[0].at_broker == 0)
            before = gtts.lists
            await s.desk.reconcile("test")
            await eventually(lambda: gtts.lists > before)
            coverage.close()

    arun(story())
