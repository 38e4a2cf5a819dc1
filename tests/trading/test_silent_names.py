"""Orders by hand in instruments that tick seldom: judged by a quote that is asked for, never in the way of exits."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Offline, Refused
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.orders import OrderChange
from alphapanda_desktop.domain.portfolio import Holding
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.trading.prices import QUOTE_HOLDS_S
from tests.fakes import a_tick
from tests.trading.desk_fakes import FaultyBroker, a_desk

BAND = replace(Limits(), price_band_pct=5.0)
LIMIT = {"order_type": "LIMIT", "market_protection": None}


class Quoting(FaultyBroker):
    """A broker that can be asked for quotes."""

    def __init__(self, tick: Tick | None) -> None:
        super().__init__()
        self.tick = tick
        self.asked: list[str] = []
        self.fails_quoting: Exception | None = None

    async def quotes(self, keys: Iterable[str]) -> dict[str, Tick]:
        asked = list(keys)
        self.asked += asked
        if self.fails_quoting is not None:
            raise self.fails_quoting
        return dict.fromkeys(asked, self.tick) if self.tick else {}


def test_a_limit_by_hand_is_held_against_the_quote_of_a_silent_name(arun: Any) -> None:
    async def story() -> None:
        broker = Quoting(a_tick(103.0))
        async with a_desk(broker=broker, limits=BAND) as s:
            await s.desk.submit(s.request(price=100.0, **LIMIT))
            assert broker.asked == [], "it ticks"
            s.clock.advance(25)
            with pytest.raises(Refused, match=r"Price band: price 97 is 5\.83 % from the last price 103"):
                await s.desk.submit(s.request(price=97.0, **LIMIT))
            await s.desk.submit(s.request(price=107.0, **LIMIT))
            assert broker.asked == ["NSE:INFY"], "one quote stands for a while"
            s.clock.advance(QUOTE_HOLDS_S + 1)
            await s.desk.submit(s.request(price=107.0, **LIMIT))
            assert len(broker.asked) == 2

    arun(story())


@pytest.mark.parametrize(
    ("last", "bids", "asks", "price"),
    [
        (80.0, [(99.0, 5)], [(101.0, 5)], 99.0),
        (120.0, [(99.0, 5)], [(101.0, 5)], 101.0),
        (0.0, [], [(101.0, 5)], 101.0),
    ],
)
def test_a_last_price_of_long_ago_gives_way_to_the_spread_of_now(
    arun: Any, last: float, bids: Any, asks: Any, price: float
) -> None:
    async def story() -> None:
        async with a_desk(broker=Quoting(a_tick(last, bids=bids, asks=asks)), limits=BAND) as s:
            s.clock.advance(25)
            with pytest.raises(Refused, match=f"from the last price {price:g}, 5 % allowed"):
                await s.desk.submit(s.request(price=last or 50.0, **LIMIT))
            await s.desk.submit(s.request(price=price, **LIMIT))

    arun(story())


@pytest.mark.parametrize("fails", [Offline("Kite cannot be reached", after_s=0.0), None])
def test_where_no_quote_can_be_had_the_refusal_says_what_to_do(arun: Any, fails: Exception | None) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := Quoting(None)), limits=BAND) as s:
            broker.fails_quoting = fails
            s.clock.advance(25)
            with pytest.raises(
                Refused, match=r"does not tick now, and its quote cannot be had.*wait for its next tick"
            ):
                await s.desk.submit(s.request(price=100.0, **LIMIT))
            assert broker.placed == []

    arun(story())


def test_an_order_at_the_market_and_a_strategys_order_wait_for_a_tick(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := Quoting(a_tick(100.0)))) as s:
            s.clock.advance(25)
            for more in ({}, {"price": 100.0, "strategy": "run1", **LIMIT}):
                with pytest.raises(Refused, match="no fresh price"):
                    await s.desk.submit(s.request(**more))
            assert broker.asked == []

    arun(story())


def test_a_stop_its_move_and_a_target_beside_it_need_no_quote(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := Quoting(None)), limits=BAND) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.reconcile("test")
            s.clock.advance(25)
            stop = await s.desk.submit(s.request("SELL", 10, order_type="SL-M", trigger_price=95.0))
            await s.desk.modify(stop.order_id, OrderChange(trigger_price=97.0))
            await s.desk.submit(s.request("SELL", 10, price=105.0, **LIMIT))
            assert broker.asked == []
            with pytest.raises(Refused, match="quote cannot be had"):
                await s.desk.submit(s.request("SELL", 11, price=105.0, **LIMIT))

    arun(story())


def test_a_resting_entry_is_moved_by_hand_though_its_name_is_silent(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := Quoting(a_tick(100.0))), limits=BAND) as s:
            order = await s.desk.submit(s.request(price=96.0, **LIMIT))
            s.clock.advance(25)
            await s.desk.modify(order.order_id, OrderChange(price=97.0))
            assert broker.asked == ["NSE:INFY"]
            with pytest.raises(Refused, match="Price band"):
                await s.desk.modify(order.order_id, OrderChange(price=90.0))

    arun(story())


@pytest.mark.parametrize("product", ["CNC", "MTF"])
def test_shares_in_the_demat_account_are_sold_at_a_price_though_their_name_is_silent(arun: Any, product: str) -> None:
    async def story() -> None:
        async with a_desk(broker=(broker := Quoting(None)), limits=BAND) as s:
            s.desk.books.take_holdings([Holding(tradingsymbol="INFY", exchange="NSE", quantity=50, mtf_quantity=50)])
            s.clock.advance(25)
            await s.desk.submit(s.request("SELL", 50, price=105.0, product=product, **LIMIT))
            assert broker.asked == []

    arun(story())
