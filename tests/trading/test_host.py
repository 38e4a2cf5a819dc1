"""A strategy in its host: it may fail anywhere and takes nothing with it, and it is never called after its end."""

from __future__ import annotations

import asyncio

import pytest

from alphapanda_desktop.domain.errors import Rejected, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import UNKNOWN
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.trading import host
from alphapanda_desktop.trading.run import RunState
from tests.fakes import an_instrument
from tests.trading.desk_fakes import INFY, RESTING, Probe, Seen, a_desk, yields


def boom(*_args):
    raise ValueError("no such thing")


class Exits(SystemExit):
    """What sys.exit() in a strategy raises."""


@pytest.mark.parametrize("hook", ["on_start", "on_tick", "on_bar", "on_order", "on_stop"])
@pytest.mark.parametrize("error", [ValueError("no such thing"), Exits(3), asyncio.CancelledError("mine")])
def test_a_hook_that_raises_fails_its_run_with_file_and_line_and_nothing_else(arun, hook, error):
    async def story():
        async with a_desk() as s:

            def fail(*_args):
                raise error

            Seen.acts[hook] = fail
            run = await s.run()
            if run.state is RunState.RUNNING:
                s.tick()
                s.tick(after_s=60)
                s.tick(after_s=60)
            if run.state is RunState.RUNNING:
                s.probe.ctx.buy(INFY, 1, reason="for on_order")
                await yields()
            await s.runner.stop(run.run_id)
            assert run.state is RunState.FAILED
            assert f"{hook} failed at " in run.detail and "desk_fakes.py line " in run.detail
            assert type(error).__name__ in run.detail
            calls = list(s.probe.calls)
            s.tick(after_s=60)
            assert s.probe.calls == calls and calls[-1] == hook
            assert s.journal.run_rows[run.run_id].how == f"failed: {run.detail}"
            assert s.market.latest(INFY.instrument_token) is not None
            s.errors.clear()

    arun(story())


def test_a_constructor_and_a_look_back_that_raise_fail_the_run_alone(arun):
    class NoBirth(Probe):
        def __init__(self, params):
            boom()

    class NoLookback(Probe):
        @property
        def lookback(self):
            boom()

    async def story(strategy):
        async with a_desk(strategies={"probe": strategy}) as s:
            run = await s.run()
            s.tick(after_s=60)
            s.tick(after_s=60)
            assert run.state is RunState.FAILED and "test_host.py line" in run.detail
            await yields()
            s.errors.clear()

    arun(story(NoBirth))
    arun(story(NoLookback))


def test_an_error_that_cannot_even_be_shown_does_not_reach_the_feed(arun):
    class Unspeakable(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    async def story():
        async with a_desk() as s:
            run = await s.run()

            def fail(*_args):
                raise Unspeakable

            Seen.acts["on_tick"] = fail
            s.tick()
            assert run.state is RunState.FAILED and "Unspeakable" in run.detail
            await yields()
            s.errors.clear()

    arun(story())


def test_an_ended_strategy_can_send_nothing_more(arun):
    async def story():
        async with a_desk() as s:
            Seen.acts["on_stop"] = lambda ctx: ctx.buy(INFY, 1, reason="a last one")
            run = await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry")
            await yields()
            await s.runner.stop(run.run_id)
            s.probe.ctx.buy(INFY, 1, reason="from the grave")
            s.probe.ctx.exit(INFY, reason="from the grave")
            await yields()
            assert [request.reason for request in s.broker.placed] == ["entry"]
            assert sum("after the run's end" in line.text for line in run.log) == 3

    arun(story())


def test_pause_holds_entries_and_lets_exits_pass(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            ctx = s.probe.ctx
            ctx.buy(INFY, 10, reason="entry")
            await yields()
            s.runner.pause(run.run_id)
            ctx.buy(INFY, 10, reason="more")
            ctx.sell(INFY, 20, reason="turn round")
            await yields()
            assert len(s.broker.placed) == 1
            ctx.exit(INFY, reason="out")
            await yields()
            assert run.holding(INFY.key).quantity == 0
            s.runner.resume(run.run_id)
            ctx.buy(INFY, 1, reason="again")
            await yields()
            assert run.holding(INFY.key).quantity == 1

    arun(story())


def test_two_exits_of_one_position_do_not_make_an_entry_while_entries_are_held(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            ctx = s.probe.ctx
            ctx.buy(INFY, 10, reason="entry")
            await yields()
            s.runner.pause(run.run_id)
            ctx.sell(INFY, 10, reason="out", price=150.0)
            ctx.sell(INFY, 10, reason="out once more")
            await yields()
            assert [r.transaction_type for r in s.broker.placed] == ["BUY", "SELL"]

    arun(story())


@pytest.mark.parametrize("why", ["link", "age", "unseen since reconnect"])
def test_stale_data_holds_entries_only(arun, why):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            ctx = s.probe.ctx
            ctx.buy(INFY, 10, reason="entry")
            await yields()
            if why == "age":
                s.clock.advance(30)
            else:
                s.sink.link(LinkReport(LinkState.WAITING))
            if why == "unseen since reconnect":
                s.clock.advance(1)
                s.sink.link(LinkReport(LinkState.UP))
            ctx.buy(INFY, 10, reason="more")
            await yields()
            assert len(s.broker.placed) == 1 and "stale" in run.log[-1].text
            ctx.exit(INFY, reason="out")
            await yields()
            assert run.holding(INFY.key).quantity == 0

    arun(story())


def test_an_exit_closes_what_is_held_as_the_product_it_was_bought_as(arun):
    async def story():
        async with a_desk() as s:
            await s.run()
            ctx = s.probe.ctx
            ctx.buy(INFY, 10, reason="entry", product="CNC")
            await yields()
            ctx.exit(INFY, reason="out")
            await yields()
            assert [(r.transaction_type, r.product) for r in s.broker.placed] == [("BUY", "CNC"), ("SELL", "CNC")]

    arun(story())


def test_a_rejection_is_heard_once(arun):
    async def story():
        async with a_desk() as s:
            await s.run()
            heard = []
            Seen.acts["on_order"] = lambda ctx, order: heard.append(order.status)
            s.broker.refuse_next = Rejected("no margin")
            s.probe.ctx.buy(INFY, 1, reason="entry")
            await yields()
            assert heard.count("REJECTED") == 1

    arun(story())


def test_an_unanswered_order_is_not_a_rejection_to_the_strategy(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.broker.refuse_next = Unknown("no answer")
            s.probe.ctx.buy(INFY, 1, reason="entry")
            await yields()
            assert [o.status for o in run.working(INFY.key)] == [UNKNOWN]

    arun(story())


def test_a_fill_that_overtakes_the_reply_is_kept(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            s.broker.reply.clear()
            s.probe.ctx.buy(INFY, 10, reason="entry")
            await yields()
            assert run.holding(INFY.key).quantity == 10
            s.broker.reply.set()
            await yields()
            assert run.holding(INFY.key).quantity == 10 and not run.working(INFY.key)

    arun(story())


def test_a_partly_filled_cancelled_order_is_a_holding(arun):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            tag = s.probe.ctx.buy(INFY, 10, reason="entry", price=RESTING)
            await yields()
            s.broker.fill(run.orders[tag].order_id, 4, RESTING)
            s.probe.ctx.cancel(tag)
            await yields()
            assert run.holding(INFY.key).quantity == 4 and not run.working(INFY.key)

    arun(story())


def test_a_slow_hook_is_named_in_the_log(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            run = await s.run()
            monkeypatch.setattr(host, "CALL_BUDGET_S", -1.0)
            s.tick()
            assert "on_tick took" in run.log[-1].text

    arun(story())


def test_profit_counts_the_units_of_a_lot(arun):
    async def story():
        crude: Instrument = an_instrument("CRUDEOILFUT", token=9 << 8 | 7, exchange="MCX", kind="FUT", lot_size=100)
        async with a_desk(instruments=(crude,)) as s:
            run = await s.run()
            run.instruments = (crude,)
            filled = s.desk.books.intend(s.request(instrument=crude, quantity=2, product="NRML"), s.clock.now())
            from dataclasses import replace

            run.orders["x"] = replace(filled, status="COMPLETE", filled_quantity=2, average_price=100.0)
            assert run.pnl() is None  # no price of it is known, so neither is the profit
            run.price_of = {crude.key: 101.0}.get
            assert run.pnl() == 200.0

    arun(story())


def test_a_strategy_that_answers_every_refusal_with_another_order_is_ended(arun, eventually):
    async def story():
        async with a_desk() as s:
            run = await s.run()

            def again(ctx, *_):
                ctx.buy(INFY, 10**9, reason="more")

            Seen.acts["on_order"] = again
            Seen.acts["on_tick"] = again
            s.tick()
            await eventually(lambda: run.state is RunState.FAILED)
            assert "more than 20 orders were asked for within 1 s" in run.detail
            asked = len(run.orders)
            assert asked <= 21
            s.tick()
            await yields()
            assert len(run.orders) == asked
            assert s.broker.arrived == []

    arun(story())
