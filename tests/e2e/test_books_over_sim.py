"""What is held and what may leave, over real sockets: fills during a look, cover orders, icebergs, the late latch."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.trading.exits import Account, get_out
from alphapanda_desktop.trading.kill import RELEASE
from tests.e2e.headless import exchange, house
from tests.e2e.test_kill_over_sim import truth

WIDE = replace(Limits(), price_band_pct=30.0)
INFY = ("NSE", "INFY", "MIS")


def last(h, pct=1.0):
    instrument = h.market.master.by_key("NSE:INFY")
    return instrument.snap(h.market.latest(instrument.instrument_token).last_price * pct)


def test_what_fills_during_a_look_is_held_once_and_a_cover_order_and_an_iceberg_count_whole(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path, limits=replace(WIDE, max_position_quantity=100)) as h:
            desk = h.desk
            for k in range(6):
                look = h.desk._parts.scope.spawn("look", desk.reconcile("regular look", quiet=True))
                await asyncio.sleep(0.002 * k)
                await desk.submit(h.request(quantity=10))
                await look
                assert desk.books.held(*INFY) in (10 * k, 10 * k + 10)
                await eventually(lambda k=k: desk.books.held(*INFY) == 10 * k + 10)
            await _cover(h, eventually)
            await _iceberg(h)

    arun(story())


async def _cover(h, eventually):
    """60 held in MIS; a cover order is a position of its own."""
    desk = h.desk
    await desk.submit(h.request(quantity=60, variety="co", trigger_price=last(h, 0.98)))
    await eventually(lambda: desk.books.held("NSE", "INFY", "CO") == 60)
    with pytest.raises(Refused, match="120 would be held, 100 allowed"):
        await desk.submit(h.request(quantity=60, variety="co", trigger_price=last(h, 0.98)))


async def _iceberg(h):
    desk = h.desk
    await desk.kill.reduce("test")
    with pytest.raises(Refused, match="Reducing only"):
        await desk.submit(h.request(quantity=2, side="SELL", variety="co", trigger_price=last(h, 1.02)))
    price = last(h, 1.05)
    legs = {"variety": "iceberg", "iceberg_legs": 6, "iceberg_quantity": 10}
    await desk.submit(h.request(quantity=60, side="SELL", order_type="LIMIT", price=price, **legs))
    await desk.reconcile("look", quiet=True)
    assert desk.books.working(*INFY) == (0, 60)
    with pytest.raises(Refused, match="Reducing only"):
        await desk.submit(h.request(quantity=10, side="SELL", order_type="LIMIT", price=price))


def test_kill_a_moment_after_exit_all_closes_everything_once(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path, limits=WIDE) as h:
            desk, keys = h.desk, ("NSE:INFY", "NSE:TCS", "NSE:RELIANCE", "NSE:SBIN", "NSE:HDFCBANK")
            instruments = [h.market.master.by_key(key) for key in keys]
            h.market.watch("exits", instruments, Mode.FULL)
            await eventually(lambda: all(h.market.latest(i.instrument_token) for i in instruments))
            for key in keys:
                await eventually(lambda key=key: not h.market.stale(h.market.master.by_key(key).instrument_token))
                await desk.submit(h.request(key))
            await eventually(lambda: sum(p.quantity for p in desk.positions()) == len(keys))
            await kite.control("faults", plan=[{"on": "place", "nth": 1, "fault": "slow_ms:400", "times": 3}])
            leaving = get_out(desk, Account(desk), h.market.master.by_key, desk.submit_sliced)
            asked = desk._parts.scope.spawn("exit all", leaving)
            await asyncio.sleep(0.1)
            report = await desk.kill.press("test", flatten=True)
            await asked
            assert report.flat is True and not report.unknown, report.text()
            assert (await truth(kite))[2] == {}

    arun(story())


def test_a_modification_behind_a_slow_call_does_not_leave_after_the_latch(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path, limits=WIDE, timeout_s=2.0) as h:
            desk, scope = h.desk, h.desk._parts.scope
            order = await desk.submit(h.request(order_type="LIMIT", price=last(h, 0.95)))
            await eventually(lambda: desk.books.book.get(order.order_id).status == "OPEN")
            plan = [{"on": "place", "nth": 1, "fault": "slow_ms:3000"}]
            await kite.control("faults", plan=[*plan, {"on": "cancel", "nth": 1, "fault": "429", "times": 2}])
            slow = scope.spawn("slow", _quiet(desk.submit(h.request(order_type="LIMIT", price=last(h, 0.94)))))
            await asyncio.sleep(0.2)
            change = OrderChange(quantity=50, price=last(h, 1.02))
            late = scope.spawn("modify", _quiet(desk.modify(order.order_id, change)))
            await asyncio.sleep(0.2)
            report = await desk.kill.press("test", flatten=False)
            await asyncio.gather(slow, late)
            orders, live, held = await truth(kite)
            assert not live and not held, report.text()
            assert {row["order_id"]: row["quantity"] for row in orders}[order.order_id] == 1
            await desk.kill.release(RELEASE)

    arun(story())


async def _quiet(asked):
    with suppress(AlphaPandaError):
        await asked
