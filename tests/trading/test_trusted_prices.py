"""Prices that money hangs on: neither a zero nor a tick from before the link trips a limit or makes a result."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.freshness import Grade
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.risk import Limits, TradingState
from tests.trading.desk_fakes import INFY, TCS, Stage, a_desk, yields

LOSES_500 = replace(Limits(), price_band_pct=60.0, max_loss_per_day=500.0)
FAR = {"order_type": "LIMIT", "market_protection": None}


def cached(s: Stage, price: float, hours: float) -> None:
    """A new link, and the first tick of it: what was kept from so long ago."""
    s.sink.link(LinkReport(LinkState.WAITING))
    s.clock.advance(5)
    s.sink.link(LinkReport(LinkState.UP))
    s.sink.ticks(
        [Tick(INFY.instrument_token, "full", price, exchange_epoch_s=int(s.clock.now().timestamp() - hours * 3600))]
    )


def test_a_price_of_zero_is_no_price(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=LOSES_500) as s:
            run = await s.run()
            ctx: Any = s.probe.ctx
            ctx.buy(INFY, 10, reason="in")
            await yields(50)
            await s.desk.reconcile("test")
            s.tick(0.0, after_s=2)
            await yields(50)
            net = s.desk.net()
            assert net is not None and net.gross == 0.0
            assert (s.desk.trading_state, s.desk.pnl(), run.pnl()) == (TradingState.ACTIVE, 0.0, 0.0)

    arun(story())


def test_a_tick_that_was_kept_from_yesterday_trips_no_limit(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=LOSES_500) as s:
            await s.desk.submit(s.request("BUY", 100))
            await s.desk.reconcile("test")
            cached(s, 90.0, hours=20)
            await yields(50)
            net = s.desk.net()
            assert net is not None and net.gross == 0.0, "the broker's own price stands"
            assert s.desk.trading_state is TradingState.ACTIVE
            s.clock.advance(2)
            cached(s, 90.0, hours=0)
            await yields(50)
            assert s.desk.trading_state is TradingState.REDUCING, "a price of now does"

    arun(story())


def test_the_first_tick_after_a_subscription_during_the_day_is_old_news_too(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=LOSES_500) as s:
            s.clock.advance(4 * 3600)
            token, now_s = TCS.instrument_token, int(s.clock.now().timestamp())
            for _ in range(2):  # Kite tells it in quote mode first, then in the mode that was asked for
                s.market.watch("a chart", [TCS], Mode.FULL)
                s.sink.ticks([Tick(token, Mode.FULL, 90.0, exchange_epoch_s=now_s - 3600)])
                assert s.market.trusted(token) is None
                assert s.market.grade(token) is Grade.STALE
            s.sink.ticks([Tick(token, Mode.FULL, 91.0, exchange_epoch_s=now_s)])
            assert s.market.trusted(token) is not None
            assert s.market.grade(token) is Grade.FRESH

    arun(story())


def test_a_shorter_packet_without_a_time_is_not_held_against_the_time_of_an_older_one(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            token, now_s = TCS.instrument_token, int(s.clock.now().timestamp())
            s.market.watch("a chart", [TCS], Mode.FULL)
            s.sink.ticks([Tick(token, Mode.FULL, 90.0, exchange_epoch_s=now_s - 3600)])
            s.sink.ticks([Tick(token, Mode.LTP, 91.0)])
            assert s.market.grade(token) is Grade.FRESH

    arun(story())


def test_where_the_computers_clock_is_ahead_the_second_tick_is_trusted(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=LOSES_500) as s:
            await s.desk.submit(s.request("BUY", 100))
            await s.desk.reconcile("test")
            cached(s, 90.0, hours=1)
            token = INFY.instrument_token
            assert s.market.trusted(token) is None
            at_s = int(s.clock.now().timestamp()) - 3600
            s.sink.ticks([Tick(token, "full", 90.0, exchange_epoch_s=at_s)])
            assert s.market.trusted(token) is None, "the same again"
            s.clock.advance(2)
            s.sink.ticks([Tick(token, "full", 90.0, exchange_epoch_s=at_s + 1)])
            await yields(50)
            assert s.market.trusted(token) is not None
            assert s.desk.trading_state is TradingState.REDUCING

    arun(story())


@pytest.mark.parametrize("down", [True, False])
def test_an_entry_is_held_against_a_fresh_price_only_and_an_exit_against_none(arun: Any, down: bool) -> None:
    async def story() -> None:
        async with a_desk(limits=replace(Limits(), price_band_pct=5.0)) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.reconcile("test")
            if down:
                s.sink.link(LinkReport(LinkState.WAITING))
            s.clock.advance(3 * 3600)
            with pytest.raises(Refused, match="Price band: no fresh price of NSE:INFY is known to hold 102 against"):
                await s.desk.submit(s.request("BUY", 10, price=102.0, **FAR))
            await s.desk.submit(s.request("SELL", 10, price=98.0, **FAR))

    arun(story())


def test_an_after_market_order_is_held_against_the_last_price_there_was(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(limits=replace(Limits(), price_band_pct=5.0)) as s:
            s.clock.advance(3 * 3600)
            with pytest.raises(Refused, match=r"Price band: price 90 is 10\.00 % from the last price 100"):
                await s.desk.submit(s.request("BUY", 10, price=90.0, variety="amo", **FAR))
            await s.desk.submit(s.request("BUY", 10, price=97.0, variety="amo", **FAR))

    arun(story())
