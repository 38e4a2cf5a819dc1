"""What every Broker must do, whoever it is: paper, the fake, and Kite's client over the local Kite.

To add a broker, write an async context manager that yields a `Bench` and put it into `BENCHES`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import DepthLevel, Mode, Tick
from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.domain.orders import TERMINAL, Order, OrderBook, OrderChange, OrderRequest
from alphapanda_desktop.domain.ports import Broker, LinkReport
from alphapanda_desktop.domain.positions import fold_fills
from alphapanda_desktop.domain.session import Token, verify
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.contract import order_from_wire
from alphapanda_desktop.kite.ticker import Patience, Ticker
from alphapanda_desktop.trading.paper import PaperBroker
from tests.e2e.headless import exchange
from tests.fakes import NOON, FakeBroker, FakeClock, a_request, a_session, a_tick, an_instrument


@dataclass
class Bench:
    """A broker to be tried, with an instrument that trades now and prices that do what their names say.

    Prices are asked for anew before each order, because a live market moves. `updates` grows as the broker tells
    of order changes. `flood` is a quantity that a limit at `takes()` fills in part only.
    """

    broker: Broker
    instrument: Instrument
    updates: list[Order]
    takes: Callable[[], float]
    """A limit at which a purchase fills at once."""
    rests: Callable[[], float]
    """A limit far below the market, within its band."""
    flood: Callable[[], int]
    patience_s: float = 60.0

    def request(self, price: float, quantity: int = 1, tag: str = "c1", **more: Any) -> OrderRequest:
        lots = quantity * self.instrument.lot
        return a_request("BUY", lots, price=self.instrument.snap(price), instrument=self.instrument, tag=tag, **more)

    async def reaches(self, order_id: str, *statuses: str) -> Order:
        """The order once it is in one of these statuses."""
        return await self._until(order_id, lambda order: order.status in statuses)

    async def _until(self, order_id: str, good: Callable[[Order], bool]) -> Order:
        deadline = time.monotonic() + self.patience_s
        while True:
            rows = [o for o in await self.broker.orders() if o.order_id == order_id]
            if rows and good(rows[0]):
                return rows[0]
            assert time.monotonic() < deadline, f"order stayed {rows}"
            await asyncio.sleep(0.02)

    async def partly_filled(self, order_id: str) -> Order:
        return await self._until(order_id, lambda order: order.status == "OPEN" and order.filled_quantity > 0)


OpenBench = Callable[[], AbstractAsyncContextManager[Bench]]


@asynccontextmanager
async def paper() -> AsyncIterator[Bench]:
    """PaperBroker over one standing quote."""
    instrument = an_instrument()
    tick: Tick = a_tick(100, bids=[(99.95, 50)], asks=[(100.05, 50)])
    session, master = a_session(NOON - timedelta(hours=3)), InstrumentMaster([instrument])
    broker = PaperBroker(session, {instrument.instrument_token: tick}.get, master, FakeClock(), 1e7)
    updates: list[Order] = []
    broker.on_order = updates.append
    yield Bench(broker, instrument, updates, lambda: 100.05, lambda: 95.0, lambda: 80)


@asynccontextmanager
async def fake() -> AsyncIterator[Bench]:
    """The fake that other tests lean on."""
    broker = FakeBroker(Quote(100, (DepthLevel(99.95, 50, 1),), (DepthLevel(100.05, 50, 1),)))
    updates: list[Order] = []
    broker.on_order = updates.append
    yield Bench(broker, an_instrument(), updates, lambda: 100.05, lambda: 95.0, lambda: 80)


class _Heard:
    """A sink that keeps the last tick of each instrument and every order update."""

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.latest: dict[int, Tick] = {}

    def ticks(self, ticks: Sequence[Tick]) -> None:
        self.latest.update((tick.instrument_token, tick) for tick in ticks)

    def order(self, order: Order) -> None:
        self.orders.append(order)

    def link(self, report: LinkReport) -> None: ...

    def notice(self, kind: str, text: str) -> None: ...


@asynccontextmanager
async def kite_over_sim() -> AsyncIterator[Bench]:
    """The real client and feed against the practice exchange, over real sockets."""
    clock, heard = SystemClock(), _Heard()
    async with exchange("--speed", "0.02") as kite, asyncio.TaskGroup() as group:
        said = kite.said
        client = KiteClient(said["api_key"], root=said["rest"], clock=clock, timeout_s=60.0)
        session = await verify(
            client, Token(said["api_key"], said["access_token"], said["user_id"], clock.now()), clock.now()
        )
        client.use(session.token)
        # What the practice money buys of it is three times as much as may ever be offered at its two best prices.
        instrument = InstrumentMaster(await client.instruments()).by_key("NSE:ASIANPAINT")
        assert instrument is not None
        # A link that is given up is given up with the order updates on it, and nobody sends those again.
        patience = Patience(silence_s=60, connect_s=60)
        feed = Ticker(session, clock, said["ws"], order_of=order_from_wire, patience=patience)
        feed.watch([instrument.instrument_token], Mode.FULL)
        running = group.create_task(feed.run(heard))
        # The first may come between subscription and mode, and has no depth then.
        while (tick := heard.latest.get(instrument.instrument_token)) is None or tick.depth is None:
            await asyncio.sleep(0.02)
        await kite.control("clock", speed="0")  # or the next tick may fill what is filled in part
        seen = heard.latest

        def best_offer() -> DepthLevel:
            depth = seen[instrument.instrument_token].depth
            assert depth is not None
            return depth.sell[0]

        yield Bench(
            KiteBroker(session, client),
            instrument,
            heard.orders,
            lambda: best_offer().price + instrument.tick_size,
            lambda: seen[instrument.instrument_token].last_price * 0.97,
            lambda: int(900_000 / (best_offer().price * 0.21)),  # what the practice money buys
        )
        running.cancel()
        await client.close()


BENCHES: list[OpenBench] = [paper, fake, kite_over_sim]


@pytest.fixture(params=BENCHES, ids=lambda open_bench: open_bench.__name__)
def on_bench(request: pytest.FixtureRequest, arun: Callable[..., Any]) -> Callable[..., Any]:
    """Runs a story on a bench."""

    def drive(story: Callable[[Bench], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with request.param() as bench:
                await story(bench)

        arun(whole())

    return drive


Drive = Callable[[Callable[[Bench], Coroutine[Any, Any, None]]], None]


def test_a_placed_order_is_told_of_and_stands_in_the_book(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.rests()))
        order = await b.reaches(order_id, "OPEN")
        assert isinstance(order_id, str)
        assert order_id
        assert (order.key, order.transaction_type, order.quantity) == (b.instrument.key, "BUY", b.instrument.lot)
        assert (order.filled_quantity, order.open_quantity, order.tag) == (0, b.instrument.lot, "c1")
        assert order.price < b.takes()
        await _told(b, order_id, "OPEN")

    on_bench(story)


def test_an_order_that_meets_the_market_fills_and_makes_a_position(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.takes()))
        order = await b.reaches(order_id, "COMPLETE")
        fills = [fill for fill in await b.broker.fills() if fill.order_id == order_id]
        assert sum(fill.quantity for fill in fills) == order.filled_quantity == order.quantity
        assert all(0 < fill.average_price <= order.price for fill in fills)
        assert all(fill.fill_timestamp is not None and fill.fill_timestamp.tzinfo for fill in fills)
        assert await _held(b) == order.quantity
        await _told(b, order_id, "COMPLETE")

    on_bench(story)


def test_a_market_order_with_protection_fills(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        request = a_request("BUY", b.instrument.lot, instrument=b.instrument, tag="m1")
        order = await b.reaches(await b.broker.place(request), "COMPLETE")
        assert order.filled_quantity == b.instrument.lot

    on_bench(story)


def test_a_cancelled_order_stays_cancelled_and_holds_nothing_open(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.rests()))
        order = await b.reaches(order_id, "OPEN")
        assert await b.broker.cancel(order) == order_id
        order = await b.reaches(order_id, "CANCELLED")
        assert (order.filled_quantity, order.open_quantity, order.cancelled_quantity) == (0, 0, order.quantity)
        with pytest.raises(Rejected):
            await b.broker.cancel(order)
        await _told(b, order_id, "CANCELLED")

    on_bench(story)


def test_a_modified_price_can_make_an_order_fill(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.rests()))
        order = await b.reaches(order_id, "OPEN")
        price = b.instrument.snap(b.takes())
        assert await b.broker.modify(order, OrderChange(price=price)) == order_id
        assert (await b.reaches(order_id, "COMPLETE")).price == price

    on_bench(story)


def test_a_partly_filled_then_cancelled_order_owns_a_position(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.takes(), b.flood()))
        order = await b.partly_filled(order_id)
        assert 0 < order.filled_quantity < order.quantity
        await b.broker.cancel(order)
        order = await b.reaches(order_id, "CANCELLED")
        assert order.filled_quantity > 0
        assert order.open_quantity == 0
        assert await _held(b) == order.filled_quantity

    on_bench(story)


def test_what_is_wrong_is_rejected_before_it_has_an_id_and_leaves_no_row(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        request = replace(b.request(b.rests()), quantity=0)
        with pytest.raises(Rejected) as error:
            await b.broker.place(request)
        assert error.value.code == 400
        assert str(error.value)
        assert await b.broker.orders() == []

    on_bench(story)


def test_an_unknown_order_id_is_rejected_everywhere(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.rests()))
        stranger = replace(await b.reaches(order_id, "OPEN"), order_id="1000000000000000001")
        for work in (
            b.broker.cancel(stranger),
            b.broker.modify(stranger, OrderChange(quantity=2 * b.instrument.lot)),
            b.broker.order_history(stranger.order_id),
        ):
            with pytest.raises(Rejected):
                await work

    on_bench(story)


def test_reading_changes_nothing(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        first = await b.broker.place(b.request(b.rests(), tag="c1"))
        second = await b.broker.place(b.request(b.takes(), tag="c2"))
        await b.reaches(first, "OPEN")
        await b.reaches(second, "COMPLETE")
        orders, fills, funds = await b.broker.orders(), await b.broker.fills(), await b.broker.funds()
        assert [order.order_id for order in orders] == [first, second]
        assert await b.broker.orders() == orders
        assert await b.broker.fills() == fills
        assert [f.segment for f in await b.broker.funds()] == [f.segment for f in funds]
        assert {p.id: p.quantity for p in await b.broker.positions()} == {
            id_: p.quantity for id_, p in fold_fills(fills).items()
        }

    on_bench(story)


def test_history_begins_before_it_ends(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.takes()))
        order = await b.reaches(order_id, "COMPLETE")
        history = await b.broker.order_history(order_id)
        assert all(row.order_id == order_id for row in history)
        assert history[-1].status == order.status
        assert [row.filled_quantity for row in history] == sorted(row.filled_quantity for row in history)
        assert not any(row.status in TERMINAL for row in history[:-1])

    on_bench(story)


def test_updates_fold_into_the_same_book_in_any_order(on_bench: Drive) -> None:
    async def story(b: Bench) -> None:
        order_id = await b.broker.place(b.request(b.takes(), b.flood()))
        await b.broker.cancel(await b.partly_filled(order_id))
        final = await b.reaches(order_id, "CANCELLED")
        await _told(b, order_id, "CANCELLED")
        for updates in (b.updates, b.updates[::-1], b.updates + b.updates):
            book = OrderBook()
            for update in updates:
                book.apply(update)
            kept = book.get(order_id)
            assert kept is not None
            assert (kept.status, kept.filled_quantity) == (final.status, final.filled_quantity)

    on_bench(story)


async def _held(b: Bench) -> int:
    return sum(p.quantity for p in await b.broker.positions() if p.key == b.instrument.key)


async def _told(b: Bench, order_id: str, status: str) -> None:
    deadline = time.monotonic() + b.patience_s
    while not any(o.order_id == order_id and o.status == status for o in b.updates):
        assert time.monotonic() < deadline, f"no update says that {order_id} is {status}"
        await asyncio.sleep(0.02)
