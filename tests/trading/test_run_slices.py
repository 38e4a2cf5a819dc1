"""A run that asks for more than one order may: cut by the exchange's freeze quantity, and called back as a whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from typing import Any

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import StartOrder
from tests.fakes import an_instrument
from tests.trading.desk_fakes import Stage, a_desk, yields

NIFTY = an_instrument(
    "NIFTY26DECFUT", token=10_000_130, exchange="NFO", kind="FUT", lot_size=75, name="NIFTY", expiry=date(2026, 12, 31)
)
"""Its freeze quantity of 1,800 is 24 lots."""

WIDE = replace(Limits(), price_band_pct=60.0, max_order_quantity=100_000, max_position_quantity=100_000)


@asynccontextmanager
async def a_run() -> AsyncIterator[tuple[Stage, Run]]:
    async with a_desk(instruments=(NIFTY,), limits=WIDE) as s:
        run = await s.runner.start(StartOrder("probe", (NIFTY,), product="NRML"))
        s.tick(100.0, NIFTY)
        yield s, run


def sent(s: Stage) -> list[int]:
    return [request.quantity for request in s.broker.placed]


def test_a_large_order_leaves_in_parts_and_the_run_holds_the_whole(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_run() as (s, run):
            tag = s.probe.ctx.buy(NIFTY, 3_750, reason="large")
            await eventually(lambda: run.holding(NIFTY.key).quantity == 3_750)
            assert sent(s) == [1_800, 1_800, 150] and s.broker.placed[0].tag == tag
            assert len({request.tag for request in s.broker.placed}) == 3
            assert {request.strategy for request in s.broker.placed} == {run.run_id}
            s.probe.ctx.exit(NIFTY, reason="out")
            await eventually(lambda: run.holding(NIFTY.key).quantity == 0)
            assert sent(s)[3:] == [1_800, 1_800, 150] and not run.working(NIFTY.key)

    arun(story())


def test_too_many_parts_are_refused_by_the_rule_that_names_the_freeze_quantity(arun: Any) -> None:
    async def story() -> None:
        async with a_run() as (s, run):
            s.probe.ctx.buy(NIFTY, 75 * 24 * 11, reason="too large")
            await yields()
            assert sent(s) == []
            assert any("refused: " in line.text and "1,800" in line.text.replace("1800", "1,800") for line in run.log)
            assert not run.working(NIFTY.key)

    arun(story())


def test_after_a_part_that_is_not_taken_the_rest_is_not_sent(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_run() as (s, run):
            s.broker.refuse_next = Rejected("no margin", "MarginException", 400)
            s.probe.ctx.buy(NIFTY, 3_750, reason="large")
            await eventually(lambda: not run.working(NIFTY.key))
            assert sent(s) == [1_800] and run.holding(NIFTY.key).quantity == 0
            assert sum("not sent" in (o.status_message or "") for o in run.orders.values()) == 2

    arun(story())


def test_cancelling_the_tag_that_was_told_calls_the_whole_back(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_run() as (s, run):
            s.broker.reply.clear()
            tag = s.probe.ctx.buy(NIFTY, 3_750, reason="large", price=50.0)
            await eventually(lambda: sent(s) == [1_800])
            s.probe.ctx.cancel(tag)
            s.broker.reply.set()
            await eventually(lambda: len(run.working(NIFTY.key)) == 1)
            s.probe.ctx.cancel(tag)
            await eventually(lambda: not run.working(NIFTY.key))
            assert sent(s) == [1_800]

    arun(story())


def test_a_rule_is_named_once_in_what_an_order_was_held_against(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            order = await s.desk.submit(s.request())
            cause = await s.journal.cause(order.tag)
            names = [result.rule for result in cause.rules]
            assert len(names) == len(set(names)) and {"tag", "lot size", "freeze quantity"} <= set(names)

    arun(story())


def test_entries_that_are_held_for_the_one_before_them_are_shown_as_waiting(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            s.broker.door.clear()
            asked = [s.scope.spawn(f"ask {n}", s.desk.submit(s.request(price=50.0))) for n in range(3)]
            await yields()
            gauges = s.desk.governor.gauges()
            assert (gauges.waiting, gauges.why_waiting) == (2, "the entry before it")
            s.broker.door.set()
            await asyncio.wait(asked)
            assert s.desk.governor.gauges().waiting == 0

    arun(story())
