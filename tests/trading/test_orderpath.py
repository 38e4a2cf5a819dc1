"""The one path: rules with their values, one governor, slices, changes and cancellations together."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from alphapanda_desktop.domain.compliance import LIMITS
from alphapanda_desktop.domain.errors import RateLimited, Refused, Rejected
from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.domain.risk import Limits, RiskLimits, StrategyLimits
from alphapanda_desktop.domain.why import Cause
from tests.trading.desk_fakes import RESTING, TCS, FastClock, FaultyBroker, a_desk, yields

WIDE = Limits(max_order_quantity=100_000, max_order_value=1e12, max_position_quantity=1_000_000, price_band_pct=60)


def test_what_an_order_was_held_against_is_journaled_with_it(arun):
    async def story():
        async with a_desk() as s:
            request = s.request(price=RESTING, reason="because")
            await s.desk.submit(request, Cause(values={"fast": 1.5}, reason="because"))
            cause = await s.journal.cause(request.tag)
            assert cause.values == {"fast": 1.5} and cause.reason == "because" and cause.market["last"] == 100.0
            rules = {rule.rule: rule for rule in cause.rules}
            assert rules["order quantity"].value == "10" and rules["order quantity"].limit == "5000"
            assert all(rule.passed for rule in cause.rules) and len(rules) > 8

    arun(story())


def test_an_order_at_the_market_leaves_with_kites_automatic_protection(arun):
    async def story():
        async with a_desk() as s:
            await s.desk.submit(s.request(market_protection=None))
            assert [request.market_protection for request in s.broker.placed] == [-1]

    arun(story())


def test_a_429_is_no_order_and_is_never_sent_again(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            s.broker.place_faults = ["429"]
            with pytest.raises(RateLimited):
                await s.desk.submit(request := s.request())
            assert s.broker.arrived == [] and s.journal.intent_rows[request.tag].state == "rejected"
            assert s.desk.governor.gauges().second is not None and s.desk.books.unanswered() == []

    arun(story())


def test_a_cancellation_that_was_not_accepted_for_haste_is_sent_again(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.broker.cancel_faults = ["429", "429"]
            await s.desk.cancel(order.order_id)
            assert not s.broker.live()

    arun(story())


def test_one_order_cancelled_by_several_is_asked_for_once(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            cancel = s.broker.cancel

            async def slow(order):
                await yields()
                return await cancel(order)

            monkeypatch.setattr(s.broker, "cancel", slow)
            await asyncio.gather(*(s.desk.cancel(order.order_id) for _ in range(5)), s.desk.cancel_all())
            assert s.broker.cancelled == [order.order_id]

    arun(story())


def test_cancellations_go_out_together_not_one_after_the_other(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            for _ in range(4):
                await s.desk.submit(s.request(price=RESTING))
            at_once, most, cancel = 0, 0, s.broker.cancel

            async def slow(order):
                nonlocal at_once, most
                at_once += 1
                most = max(most, at_once)
                await yields()
                at_once -= 1
                return await cancel(order)

            monkeypatch.setattr(s.broker, "cancel", slow)
            await s.desk.cancel_all()
            assert most == 4 and [o.status for o in s.desk.orders()] == ["CANCELLED"] * 4

    arun(story())


def test_orders_of_one_instrument_or_one_run_can_be_cancelled_alone(arun):
    async def story():
        async with a_desk(limits=WIDE) as s:
            s.tick(100.0, TCS)
            mine = await s.desk.submit(s.request(price=RESTING, strategy="run1"))
            hand = await s.desk.submit(s.request(price=RESTING))
            other = await s.desk.submit(
                s.request(price=RESTING, tradingsymbol="TCS", instrument_token=TCS.instrument_token)
            )
            await s.desk.cancel_all("NSE:TCS")
            assert s.broker.cancelled == [other.order_id]
            await s.desk.cancel_all(run_id="run1")
            assert s.broker.cancelled == [other.order_id, mine.order_id]
            await s.desk.cancel_all(run_id="")
            assert s.broker.cancelled[-1] == hand.order_id

    arun(story())


def test_a_quantity_above_the_freeze_is_sent_in_orders_with_tags_of_their_own(arun):
    async def story():
        async with a_desk(limits=WIDE, clock=FastClock()) as s:
            whole = s.request(quantity=250_000, price=RESTING)
            with pytest.raises(Refused, match="250000 asked, 100000 allowed"):
                await s.desk.submit(whole)
            orders = await s.desk.submit_sliced(whole)
            assert [order.quantity for order in orders] == [100_000, 100_000, 50_000]
            assert len({order.tag for order in orders}) == 3
            assert [row.state for row in s.journal.intent_rows.values()] == ["sent"] * 3

    arun(story())


def test_slices_stop_at_the_first_that_fails_and_say_how_many_had_left(arun):
    async def story():
        async with a_desk(limits=WIDE, clock=FastClock(), broker=FaultyBroker()) as s:
            s.broker.place_faults = ["", "rejected"]
            with pytest.raises(Rejected, match=r"1 of 3 orders, 100000 of 250000 units, had been sent"):
                await s.desk.submit_sliced(s.request(quantity=250_000, price=RESTING))
            assert len(s.journal.intent_rows) == 2 and len(s.broker.live()) == 1

    arun(story())


def test_the_kill_switch_ends_a_run_of_slices(arun):
    async def story():
        async with a_desk(limits=WIDE, clock=FastClock(), broker=FaultyBroker()) as s:
            s.broker.reply.clear()
            task = s.scope.spawn("slices", s.desk.submit_sliced(s.request(quantity=250_000, price=RESTING)))
            await yields()
            pressing = s.scope.spawn("press", s.desk.kill.press("test", flatten=False))
            s.broker.reply.set()
            await asyncio.wait({task, pressing})
            assert len(s.broker.arrived) == 1 and not s.broker.live()
            s.errors.clear()

    arun(story())


def test_one_modification_too_many_is_refused_and_known_after_a_restart(arun):
    async def story():
        async with a_desk(limits=WIDE, clock=FastClock()) as s:
            s.desk.governor.change(replace(LIMITS[-1], modifications_per_order=2))
            order = await s.desk.submit(s.request(price=RESTING))
            for price in (51.0, 52.0):
                await s.desk.modify(order.order_id, OrderChange(price=price))
            with pytest.raises(Refused, match="modified 2 times, 2 allowed"):
                await s.desk.modify(order.order_id, OrderChange(price=53.0))
            desk, runner = s.restart()
            await desk.open()
            assert desk.governor.modifications(order.order_id) >= 2
            runner.close()

    arun(story())


def test_a_change_of_a_strategys_order_is_held_against_its_own_limits_without_counting_the_order_twice(arun):
    async def story():
        limits = RiskLimits(desk=WIDE, strategy=StrategyLimits(max_position_quantity=15, max_working_orders=1))
        async with a_desk(limits=limits) as s:
            order = await s.desk.submit(s.request(price=RESTING, strategy="run1"))
            await s.desk.modify(order.order_id, OrderChange(quantity=15))
            with pytest.raises(Refused, match="15 allowed"):
                await s.desk.modify(order.order_id, OrderChange(quantity=16))

    arun(story())


def test_the_days_orders_keep_a_reserve_for_exits(arun):
    async def story():
        async with a_desk(limits=WIDE, clock=FastClock()) as s:
            s.desk.governor.change(replace(LIMITS[-1], per_day=3, day_reserve_for_exits=1))
            await s.desk.submit(s.request(quantity=10))
            await s.desk.submit(s.request(quantity=10))
            with pytest.raises(Refused, match="kept for exits"):
                await s.desk.submit(request := s.request(quantity=10))
            assert s.journal.intent_rows[request.tag].state == "refused"
            await s.desk.submit(s.request("SELL", quantity=10))
            assert [f.transaction_type for f in s.broker.trades] == ["BUY", "BUY", "SELL"]

    arun(story())


def test_a_strategys_count_of_the_day_spans_its_runs(arun):
    async def story():
        limits = RiskLimits(desk=WIDE, strategy=StrategyLimits(max_orders_per_day=1))
        async with a_desk(limits=limits) as s:
            s.desk.name_run("run1", "probe")
            s.desk.name_run("run2", "probe")
            await s.desk.submit(s.request(price=RESTING, strategy="run1"))
            with pytest.raises(Refused, match="1 sent, 1 allowed"):
                await s.desk.submit(s.request(price=RESTING, strategy="run2"))
            await s.desk.submit(s.request(price=RESTING))  # by hand

    arun(story())


def test_every_picture_of_an_order_reaches_the_journal_in_its_order(arun, eventually):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            for part in (2, 3, 5):
                s.broker.fill(order.order_id, part, RESTING)
            await eventually(lambda: s.journal.pictures and s.journal.pictures[-1][1].status == "COMPLETE")
            assert [row.filled_quantity for _, row in s.journal.pictures][-4:] == [0, 2, 5, 10]

    arun(story())
