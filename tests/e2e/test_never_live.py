"""Ten thousand random actions in paper and practice: a stand-in for Zerodha counts, and not one order reaches it."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest

from alphapanda_desktop.commands.torture_clock import Pace, PacedLoop, StoryClock, until
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import OrderChange, OrderRequest
from alphapanda_desktop.domain.portfolio import GttOrder, GttRequest
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.contract import order_from_wire
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.kite.portfolio import KiteCalculator, KiteGtts, KitePortfolio
from alphapanda_desktop.kite.reader import KiteReader
from alphapanda_desktop.kite.ticker import Patience, Ticker
from alphapanda_desktop.sim.session import REDIRECT_URL
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.kill import RELEASE
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.session import SessionGate
from alphapanda_desktop.venues.paper import paper_venue
from alphapanda_desktop.venues.venue import Account, Needs, Roots
from tests.e2e.headless import Exchange, MemoryVault, exchange, log_in
from tests.fakes import FakeJournal

pytestmark = pytest.mark.timeout(300)  # half a minute alone; they are nothing but work

NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
NAMES = ("NSE:INFY", "NSE:SBIN", "NSE:TCS", "NSE:RELIANCE")
QUIET = ("--switch", "rate_limits=off", "--count", "80")
LIMITS = Limits(max_orders_per_day=100_000, max_order_value=1e9, max_position_quantity=10**6)
SITTING = 250
"""Actions of one desk; then another takes over, with a governor that has the whole day before it."""

ORDERS_AND_MORE = ("place", "modify", "cancel", "convert", "gtt_place", "gtt_modify", "gtt_delete")


@dataclass
class Seat:
    """A desk, its account, and a person who does anything at random."""

    desk: Desk
    account: Account
    market: Market
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)

    async def act(self, count: int) -> None:
        for _ in range(count):
            name = self.rng.choices(list(ACTIONS), list(ACTIONS.values()))[0]
            self.refresh()
            try:
                await getattr(self, name)()
                self.done[name] += 1
            except AlphaPandaError as error:
                self.done[f"{name}: {type(error).__name__}"] += 1

    def refresh(self) -> None:
        """Tell the last prices anew as of now: the story's clock runs faster than the feed ticks."""
        at_ns, table = int(self.market.now().timestamp()) * 10**9, self.market.table
        heard = map(self.market.latest, table.tokens(range(len(table))))
        self.market.take([replace(tick, received_ns=at_ns, exchange_epoch_s=at_ns // 10**9) for tick in heard if tick])

    def instrument(self):
        found = self.market.master.by_key(self.rng.choice(NAMES))
        assert found is not None
        return found

    def request(self) -> OrderRequest:
        instrument, rng = self.instrument(), self.rng
        tick = self.market.latest(instrument.instrument_token)
        last = tick.last_price if tick else instrument.last_price
        kind = rng.choice(("MARKET", "LIMIT", "LIMIT", "SL", "SL-M"))
        price = instrument.snap(last * rng.uniform(0.97, 1.03)) if kind in ("LIMIT", "SL") else None
        trigger = instrument.snap(last * rng.uniform(0.98, 1.02)) if kind in ("SL", "SL-M") else None
        return OrderRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=rng.choice(("BUY", "SELL")),
            quantity=rng.choice((1, 2, 10, 50)),
            product=rng.choice(("MIS", "MIS", "MIS", "CNC")),
            order_type=kind,  # type: ignore[arg-type]
            price=price,
            trigger_price=trigger,
            variety=rng.choice(("regular",) * 8 + ("amo", "iceberg", "co")),
            market_protection=-1 if kind in ("MARKET", "SL-M") else None,
            tag=self.desk.new_tag(),
        )

    def order_id(self) -> str:
        known = [order.order_id for order in self.desk.orders()[:20] if order.order_id]
        return self.rng.choice(known or ["nothing"])

    def gtt(self) -> GttRequest:
        instrument = self.instrument()
        last = self.market.latest(instrument.instrument_token).last_price  # type: ignore[union-attr]
        price = instrument.snap(last * 0.95)
        order = GttOrder(transaction_type="BUY", quantity=1, price=price, product="CNC")
        return GttRequest(
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            last_price=last,
            trigger_values=(price,),
            orders=(order,),
        )

    async def submit(self) -> None:
        await self.desk.submit(self.request())

    async def sliced(self) -> None:
        await self.desk.submit_sliced(self.request())

    async def modify(self) -> None:
        await self.desk.modify(self.order_id(), OrderChange(quantity=self.rng.randint(1, 90)))

    async def cancel(self) -> None:
        await self.desk.cancel(self.order_id())

    async def cancel_all(self) -> None:
        await self.desk.cancel_all(self.rng.choice(("", *NAMES)))

    async def reconcile(self) -> None:
        await self.desk.reconcile("by hand", quiet=True)

    async def kill(self) -> None:
        await self.desk.kill.press("a random press", flatten=self.rng.random() < 0.5)
        await self.desk.kill.release(RELEASE)

    async def place_gtt(self) -> None:
        if self.account.gtts is not None:
            await self.account.gtts.place(self.gtt())

    async def change_gtts(self) -> None:
        if self.account.gtts is not None:
            for gtt in (await self.account.gtts.list())[:2]:
                await self.account.gtts.modify(gtt.id, self.gtt())
                await self.account.gtts.delete(gtt.id)

    async def convert(self) -> None:
        for position in self.desk.positions()[:1]:
            if self.account.portfolio is not None and position.quantity:
                await self.account.portfolio.convert(position, 1, self.rng.choice(("CNC", "MIS")))

    async def sums(self) -> None:
        if self.account.calculator is not None:
            await self.account.calculator.margin([self.request()])


ACTIONS = {
    "submit": 50, "sliced": 3, "modify": 18, "cancel": 15, "cancel_all": 2, "reconcile": 2, "kill": 1, "place_gtt": 4,
    "change_gtts": 2, "convert": 2, "sums": 2,
}  # fmt: skip


class Sockets:
    """Every port that this process connects to while it is watched."""

    def __init__(self, monkeypatch: Any) -> None:
        self.to: Counter[Any] = Counter()
        connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

        def seen(real: Any) -> Any:
            def wrapped(sock: socket.socket, address: Any) -> Any:
                if sock.family in (socket.AF_INET, socket.AF_INET6):
                    self.to[address[0], address[1]] += 1
                return real(sock, address)

            return wrapped

        monkeypatch.setattr(socket.socket, "connect", seen(connect))
        monkeypatch.setattr(socket.socket, "connect_ex", seen(connect_ex))


async def told(kite: Exchange) -> dict[str, Any]:
    async with aiohttp.ClientSession(kite.said["rest"]) as http, http.get("/sim/truth") as reply:
        return await reply.json()


Opening = Callable[[FakeJournal, Market], Awaitable[Account]]


async def sittings(
    pace: Pace, session: Any, fresh: Opening, parts: tuple[Market, Relay], feed: Any, count: int
) -> Counter[str]:
    """Desk after desk, each on a fresh account and market, until so many actions were done; what they came to."""
    done: Counter[str] = Counter()
    rng = random.Random(count)
    for first in range(0, count, SITTING):
        pace.run_at(1.0)
        journal = FakeJournal()
        clock = StoryClock(pace, NOON)
        first_market, relay = parts
        market = Market(session, feed, first_market, first_market.master, clock)  # type: ignore[arg-type]
        relay.turn_to(market)
        account = await fresh(journal, market)
        pace.run_at(200.0)
        async with Scope(f"sitting {first}", lambda name, error: done.update([f"broke {name}: {error!r}"])) as sitting:
            desk = Desk(session, account.broker, journal, market, clock, LIMITS, sitting, Arming(clock, needed=False))
            await desk.open()
            seat = Seat(desk, account, market, rng)
            await seat.act(min(SITTING, count - first))
            done.update(seat.done)
    pace.run_at(1.0)
    return done


class Relay(MarketSink):
    """The sink of a feed that outlives its markets: each new one hears at once what was heard last."""

    def turn_to(self, market: Market) -> None:
        table = self._market.table
        heard = [tick for token in table.tokens(range(len(table))) if (tick := self._market.latest(token)) is not None]
        market.take_link(LinkReport(LinkState.UP))
        market.take(heard)
        self._market = market


@asynccontextmanager
async def a_market(
    scope: Scope, session: Any, client: KiteReader, feed: Any, clock: Any
) -> AsyncIterator[tuple[Market, Relay]]:
    master = InstrumentMaster(await client.instruments())
    market = Market(session, feed, client, master, clock, scope)
    relay = Relay(market)
    scope.spawn("feed", feed.run(relay))
    market.watch("test", [i for name in NAMES if (i := master.by_key(name))], Mode.FULL)
    async with asyncio.timeout(60):
        await until(lambda: all(market.latest(i.instrument_token) for i in map(master.by_key, NAMES) if i), 0.05)
    yield market, relay


def played(pace: Pace, story: Any) -> Any:
    with asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner:
        return runner.run(story)


def test_nine_thousand_paper_actions_send_zerodha_no_order(monkeypatch):
    pace, sockets = Pace(1.0), Sockets(monkeypatch)
    clock = StoryClock(pace, NOON)
    monkeypatch.setattr("alphapanda_desktop.venues.paper.SystemClock", lambda: clock)

    async def story() -> tuple[Counter[str], dict[str, Any], str]:
        errors: list[str] = []
        vault = MemoryVault()
        async with AsyncExitStack() as stack:
            zerodha = await stack.enter_async_context(exchange(*QUIET))
            said = zerodha.said
            await zerodha.control("clock", now=NOON.isoformat())
            scope = await stack.enter_async_context(
                Scope("test", lambda name, error: errors.append(f"{name} {error!r}"))
            )
            await vault.put("api_secret", said["api_secret"])
            roots = Roots(said["rest"], said["ws"], said["login"])
            venue = await paper_venue(stack, said["api_key"], REDIRECT_URL, vault, roots)
            journal = FakeJournal()
            gate = SessionGate(venue.login, vault, journal, venue.clock)
            await gate.complete(await log_in(gate.login_url))
            session = await gate.wait_open()
            venue.client.use(session.token)
            feed = venue.feed(session)
            async with a_market(scope, session, venue.client, feed, venue.clock) as parts:

                async def fresh(journal: FakeJournal, market: Market) -> Account:
                    return await venue.open_account(Needs(session, market, market.master, journal, 1e9))

                done = await sittings(pace, session, fresh, parts, feed, 9_000)
            return done, await told(zerodha), said["rest"]

    done, truth, rest = played(pace, story())
    assert sum(done.values()) == 9_000 and done["submit"] > 500 and done["cancel"] > 50, done
    assert not any(name.startswith("broke") for name in done), done
    assert not any(truth["seen"].get(kind) for kind in ORDERS_AND_MORE), truth["seen"]
    assert truth["orders"] == truth["gtts"] == truth["trades"] == truth["log"] == []
    assert {f"http://{host}:{port}" for host, port in sockets.to} == {rest}


def test_a_thousand_practice_actions_send_zerodha_nothing_at_all(monkeypatch):
    pace, sockets = Pace(1.0), Sockets(monkeypatch)

    async def story() -> tuple[Counter[str], dict[str, Any], dict[str, Any], str, str]:
        errors: list[str] = []
        async with AsyncExitStack() as stack:
            zerodha = await stack.enter_async_context(exchange(*QUIET))
            practice = await stack.enter_async_context(exchange(*QUIET))
            # Whoever forgets to say where, speaks to Zerodha.
            monkeypatch.setitem(KiteReader.__init__.__kwdefaults__, "root", zerodha.said["rest"])
            monkeypatch.setattr(Ticker.__init__, "__defaults__", (zerodha.said["ws"],))
            scope = await stack.enter_async_context(
                Scope("test", lambda name, error: errors.append(f"{name} {error!r}"))
            )
            said, clock, journal = practice.said, StoryClock(pace, NOON), FakeJournal()
            await practice.control("clock", now=NOON.isoformat())
            client = KiteClient(said["api_key"], root=said["rest"], clock=clock, timeout_s=20.0)
            stack.push_async_callback(client.close)
            login = KiteLogin(said["api_key"], said["api_secret"], REDIRECT_URL, client, login_root=said["login"])
            gate = SessionGate(login, MemoryVault(), journal, clock)
            await gate.complete(await log_in(gate.login_url))
            session = await gate.wait_open()
            client.use(session.token)
            patience = Patience(silence_s=1e4, connect_s=1e4)
            feed = Ticker(session, clock, said["ws"], order_of=order_from_wire, patience=patience)
            async with a_market(scope, session, client, feed, clock) as parts:
                account = Account(
                    KiteBroker(session, client), KiteGtts(client), KitePortfolio(client), KiteCalculator(client)
                )

                async def fresh(journal: FakeJournal, market: Market) -> Account:
                    await practice.control("reset")
                    return account

                done = await sittings(pace, session, fresh, parts, feed, 1_000)
            return done, await told(zerodha), await told(practice), zerodha.said["rest"], said["rest"]

    done, truth, at_practice, rest, practice_rest = played(pace, story())
    assert sum(done.values()) == 1_000 and done["submit"] > 100, done
    assert not any(name.startswith("broke") for name in done), done
    assert at_practice["seen"]["place"] > 10
    assert truth["seen"] == {} and truth["orders"] == []
    reached = {f"http://{host}:{port}": count for (host, port), count in sockets.to.items()}
    assert set(reached) == {rest, practice_rest}
    assert reached[rest] == 1, "only this test itself has asked the stand-in, for its counts"
