"""What stands beside every Broker: GTTs, holdings, conversion, margins and charges of paper, fake and Kite's client.

To add a venue, write an async context manager that yields a `Bench` and put it into the lists of benches below.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import Refused, Rejected
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.portfolio import (
    Calculator,
    ChargeQuery,
    Gtt,
    GttOrder,
    GttRequest,
    Gtts,
    Portfolio,
)
from alphapanda_desktop.domain.ports import Broker, Event
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import Token, verify
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.portfolio import KiteCalculator, KiteGtts, KitePortfolio
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.paper_gtt import PaperGtts
from alphapanda_desktop.trading.paper_portfolio import PaperCalculator, PaperPortfolio
from tests.e2e.headless import exchange
from tests.fakes import NOON, FakeBroker, FakeClock, a_request, a_session, a_tick, an_instrument
from tests.ui.fakes_account import FakeCalculator, FakeGtts, FakePortfolio


@dataclass
class Bench:
    """An account to be tried; `last` is the price of its instrument, `beat` lets its market say that once more."""

    broker: Broker
    gtts: Gtts
    portfolio: Portfolio
    calculator: Calculator
    instrument: Instrument
    last: Callable[[], Awaitable[float]]
    beat: Callable[[], None] = lambda: None

    async def request(self, *triggers: float, made_at: float = 1.0) -> GttRequest:
        """A GTT that buys below each trigger; triggers and the price it is made at are shares of the last price."""
        last, snap = await self.last(), self.instrument.snap
        side: Any = "SELL" if len(triggers) == 2 else "BUY"
        orders = [
            GttOrder(transaction_type=side, quantity=1, price=snap(last * share), product="CNC") for share in triggers
        ]
        return GttRequest(
            exchange=self.instrument.exchange,
            tradingsymbol=self.instrument.tradingsymbol,
            trigger_values=tuple(snap(last * share) for share in triggers),
            last_price=last * made_at,
            orders=tuple(orders),
        )

    async def gtt(self, id_: int) -> Gtt:
        return next(gtt for gtt in await self.gtts.list() if gtt.id == id_)

    async def position(self, product: str) -> Position | None:
        rows = await self.broker.positions()
        return next((row for row in rows if row.key == self.instrument.key and row.product == product), None)

    async def bought(self, quantity: int, product: Any) -> Position:
        """A position of so many units."""
        await self.broker.place(a_request("BUY", quantity, instrument=self.instrument, product=product, tag="b1"))
        return await self.until(lambda: self.position(product), lambda row: row and row.quantity == quantity)

    async def until(self, read: Callable[[], Awaitable[Any]], good: Callable[[Any], object]) -> Any:
        deadline = time.monotonic() + 60
        while not good(found := await read()):
            assert time.monotonic() < deadline, f"it stayed {found}"
            self.beat()
            await asyncio.sleep(0.02)
        return found


OpenBench = Callable[[], AbstractAsyncContextManager[Bench]]


@asynccontextmanager
async def paper() -> AsyncIterator[Bench]:
    """The paper account over one standing quote."""
    instrument, clock = an_instrument(), FakeClock()
    tick: Tick = a_tick(100, bids=[(99.95, 500)], asks=[(100.05, 500)])
    session, master = a_session(NOON - timedelta(hours=3)), InstrumentMaster([instrument])
    broker = PaperBroker(session, {instrument.instrument_token: tick}.get, master, clock, 1e7)
    gtts = PaperGtts(broker, clock, _forget)

    async def last() -> float:
        return tick.last_price

    yield Bench(
        broker,
        gtts,
        PaperPortfolio(broker, clock, _forget),
        PaperCalculator(broker, clock),
        instrument,
        last,
        lambda: gtts.on_tick(tick),
    )


async def _forget(_: Event) -> None:
    """A journal that keeps nothing."""


@asynccontextmanager
async def fake() -> AsyncIterator[Bench]:
    """The fakes that the panels' tests lean on."""

    async def last() -> float:
        return 1500.0

    yield Bench(FakeBroker(), FakeGtts(), FakePortfolio(), FakeCalculator(), an_instrument(), last)


@asynccontextmanager
async def kite_over_sim() -> AsyncIterator[Bench]:
    """The real client against the practice exchange, over real sockets."""
    clock = SystemClock()
    async with exchange("--switch", "rate_limits=off") as kite:
        said = kite.said
        client = KiteClient(said["api_key"], root=said["rest"], clock=clock, timeout_s=60.0)
        token = Token(said["api_key"], said["access_token"], said["user_id"], clock.now())
        session = await verify(client, token, clock.now())
        client.use(session.token)
        instrument = InstrumentMaster(await client.instruments()).by_key("NSE:SBIN")
        assert instrument is not None

        async def last() -> float:
            return (await client.ltp(["NSE:SBIN"]))["NSE:SBIN"].last_price

        yield Bench(
            KiteBroker(session, client),
            KiteGtts(client),
            KitePortfolio(client),
            KiteCalculator(client),
            instrument,
            last,
        )
        await client.close()


Story = Callable[[Bench], Coroutine[Any, Any, None]]


def _driven(request: pytest.FixtureRequest, arun: Callable[..., Any]) -> Callable[[Story], None]:
    def drive(story: Story) -> None:
        async def whole() -> None:
            async with request.param() as bench:
                await story(bench)

        arun(whole())

    return drive


@pytest.fixture(params=[paper, fake, kite_over_sim], ids=lambda open_bench: open_bench.__name__)
def on_any(request: pytest.FixtureRequest, arun: Callable[..., Any]) -> Callable[[Story], None]:
    """Runs a story on every bench."""
    return _driven(request, arun)


@pytest.fixture(params=[paper, kite_over_sim], ids=lambda open_bench: open_bench.__name__)
def on_venues(request: pytest.FixtureRequest, arun: Callable[..., Any]) -> Callable[[Story], None]:
    """Runs a story on the benches that have a market behind them."""
    return _driven(request, arun)


Drive = Callable[[Story], None]


def test_a_gtt_is_made_listed_changed_and_deleted(on_any: Drive) -> None:
    async def story(b: Bench) -> None:
        assert await b.gtts.list() == []
        single, both = await b.request(0.92), await b.request(0.92, 1.08)
        first, second = await b.gtts.place(single), await b.gtts.place(both)
        assert [gtt.id for gtt in await b.gtts.list()] == [first, second]
        gtt = await b.gtt(second)
        assert (gtt.type, gtt.active, gtt.key) == ("two-leg", True, b.instrument.key)
        assert gtt.trigger_values == pytest.approx(both.trigger_values)
        assert [(o.transaction_type, o.quantity, o.result) for o in gtt.orders] == [("SELL", 1, None)] * 2
        assert await b.gtts.modify(
            second, replace(single, trigger_values=(b.instrument.snap(single.last_price * 0.9),))
        )
        assert (await b.gtt(second)).type == "single"
        assert await b.gtts.delete(second) == second
        assert (await b.gtt(second)).status == "deleted"
        assert (await b.gtt(first)).active
        assert (await b.gtt(first)).as_request().orders == single.orders

    on_any(story)


def test_a_trigger_that_the_market_has_passed_fires_one_order_and_is_spent(on_venues: Drive) -> None:
    async def story(b: Bench) -> None:
        request = await b.request(1.01, made_at=1.05)
        id_ = await b.gtts.place(request)
        gtt = await b.until(lambda: b.gtt(id_), lambda found: found.status == "triggered")
        result = gtt.orders[0].result
        assert result is not None and result.status == "success"
        orders = [order for order in await b.broker.orders() if order.order_id == result.order_id]
        assert [(o.order_type, o.transaction_type, o.quantity, o.tag) for o in orders] == [("LIMIT", "BUY", 1, None)]
        for spent in (b.gtts.delete(id_), b.gtts.modify(id_, request)):
            with pytest.raises(Rejected):
                await spent
        assert len(await b.broker.orders()) == 1

    on_venues(story)


def test_a_gtt_that_makes_no_sense_is_refused_in_words_and_leaves_nothing(on_venues: Drive) -> None:
    async def story(b: Bench) -> None:
        good = await b.request(0.92)
        for wrong in (
            replace(good, trigger_values=(good.last_price,)),
            replace(good, orders=()),
            replace(good, orders=(replace(good.orders[0], quantity=0),)),
        ):
            with pytest.raises(Refused) as refused:
                await b.gtts.place(wrong)
            assert (refused.value.rule, len(str(refused.value)) > 20) == ("gtt", True)
        with pytest.raises(Rejected):
            await b.gtts.place(replace(good, tradingsymbol="NOSUCHTHING"))
        with pytest.raises(Rejected):
            await b.gtts.delete(99)
        assert await b.gtts.list() == []

    on_venues(story)


def test_part_of_a_position_is_converted_and_the_whole_stays_the_same(on_venues: Drive) -> None:
    async def story(b: Bench) -> None:
        row = await b.bought(5, "MIS")
        await b.portfolio.convert(row, 2, "CNC")
        old, new = await b.position("MIS"), await b.position("CNC")
        assert old is not None and new is not None
        assert (old.quantity, new.quantity) == (3, 2)
        assert new.average_price == pytest.approx(row.average_price)
        assert old.value + new.value == pytest.approx(row.value)
        with pytest.raises(Refused, match="4 asked to be converted, 3 held"):
            await b.portfolio.convert(old, 4, "CNC")
        with pytest.raises(Refused, match="not NRML"):
            await b.portfolio.convert(old, 1, "NRML")
        with pytest.raises(Rejected):
            await b.portfolio.convert(row, 5, "CNC")  # the row of before: no more than 3 are left

    on_venues(story)


def test_holdings_add_up(on_venues: Drive) -> None:
    async def story(b: Bench) -> None:
        for holding in await b.portfolio.holdings():
            assert holding.held >= holding.sellable >= 0
            assert holding.pnl == pytest.approx(holding.pnl_at(holding.last_price), abs=0.01)
            assert holding.value_at(holding.last_price) - holding.invested() == pytest.approx(holding.pnl, abs=0.01)

    on_venues(story)


def test_a_margin_names_what_is_asked_and_what_is_there(on_any: Drive) -> None:
    async def story(b: Bench) -> None:
        price = b.instrument.snap(await b.last())
        one = a_request("BUY", 10, price=price, instrument=b.instrument, tag="m1", product="MIS")
        margin = await b.calculator.margin([one])
        assert margin.required == pytest.approx(10 * price * 0.2)
        assert margin.available is not None and margin.available > margin.required
        assert margin.short_by == 0
        assert margin.leverage == pytest.approx(5)
        two = await b.calculator.margin([one, replace(one, tag="m2")])
        assert two.required == pytest.approx(2 * margin.required)
        assert await b.broker.orders() == [], "asking places nothing"

    on_any(story)


def test_charges_come_for_each_order_in_its_turn(on_any: Drive) -> None:
    async def story(b: Bench) -> None:
        buy = a_request("BUY", 100, price=1000.0, instrument=b.instrument, product="MIS")
        sell = a_request("SELL", 100, price=1000.0, instrument=b.instrument, product="MIS")
        delivery = replace(buy, product="CNC")
        queries = [ChargeQuery.of_request(request, 1000.0) for request in (buy, sell, delivery)]
        bought, sold, delivered = await b.calculator.charges(queries)
        assert (bought.transaction_tax, sold.stamp_duty, delivered.brokerage) == (0, 0, 0)
        assert (bought.brokerage, sold.brokerage) == (200_000, 200_000)
        assert (sold.transaction_tax, delivered.transaction_tax) == (250_000, 1_000_000)
        assert all(row.total > 0 and row.gst > 0 for row in (bought, sold, delivered))

    on_any(story)
