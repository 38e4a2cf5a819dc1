"""Everything but the window, on a real practice exchange in its own process: sockets, SQLite, feed, desk, runner."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.domain.session import IST, Session
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.contract import order_from_wire
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.kite.ticker import Patience, Ticker
from alphapanda_desktop.sim.session import REDIRECT_URL
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.session import SessionGate


class MemoryVault:
    """A vault that lives as long as the test."""

    where = "the test's memory"
    lasting = True

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    async def get(self, name: str) -> str | None:
        return self.secrets.get(name)

    async def put(self, name: str, secret: str) -> None:
        self.secrets[name] = secret

    async def drop(self, name: str) -> None:
        self.secrets.pop(name, None)


@dataclass
class Exchange:
    """A practice exchange in a process of its own."""

    said: dict[str, str]
    process: asyncio.subprocess.Process

    async def control(self, path: str, **form: str) -> None:
        """Turn one of the simulator's own controls."""
        async with aiohttp.ClientSession(self.said["rest"]) as http, http.post(f"/sim/{path}", json=form) as reply:
            assert reply.status == 200, await reply.text()

    async def get(self, path: str) -> object:
        """A REST answer by the token that the exchange printed or was last given."""
        headers = {"X-Kite-Version": "3", "Authorization": f"token {self.said['api_key']}:{self.said['access_token']}"}
        async with aiohttp.ClientSession(self.said["rest"]) as http, http.get(path, headers=headers) as reply:
            return (await reply.json())["data"]


class MovedClock(SystemClock):
    """The machine's clock, so many seconds ahead."""

    def __init__(self, ahead_s: float) -> None:
        self._ahead_s = ahead_s

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self._ahead_s)

    def now_ns(self) -> int:
        return super().now_ns() + round(self._ahead_s * 1e9)


async def in_the_morning(kite: Exchange) -> MovedClock:
    """A clock with which the exchange's goes: at the first question both are set to 10:30 in India.

    At 06:00 tokens and books end; and an exchange that runs at 60 times the speed is there soon in the hour before.
    """
    if "ahead_s" not in kite.said:
        morning = datetime.now(IST).replace(hour=10, minute=30)
        await kite.control("clock", now=morning.isoformat())
        kite.said["ahead_s"] = str((morning - datetime.now(IST)).total_seconds())
    return MovedClock(float(kite.said["ahead_s"]))


@asynccontextmanager
async def exchange(*arguments: str) -> AsyncIterator[Exchange]:
    """Run `alphapanda sim` and end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "alphapanda_desktop", "sim", "--port", "0", "--parent", *arguments,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None and process.stdin is not None
    try:
        line = await asyncio.wait_for(process.stdout.readline(), 60)
        yield Exchange(json.loads(line), process)
    finally:
        process.stdin.close()
        await process.wait()


async def log_in(login_url: str) -> str:
    """Log in as a browser would; the address it lands on."""
    root = login_url.split("/connect/", maxsplit=1)[0]

    def shown(page: str, name: str) -> str:
        found = re.search(rf'id="demo-{name}">([^<]+)<', page)
        assert found, page
        return found[1]

    async with aiohttp.ClientSession() as http:
        page = await (await http.get(login_url)).text()
        form = {"userid": shown(page, "userid"), "password": shown(page, "password")}
        page = await (await http.post(f"{root}/connect/login", data=form)).text()
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)
        assert ticket, page
        code = {"ticket": ticket[1], "totp": shown(page, "totp")}
        reply = await http.post(f"{root}/connect/totp", data=code, allow_redirects=False)
        return reply.headers["Location"]


@dataclass
class House:
    """The program without its window."""

    exchange: Exchange
    session: Session
    gate: SessionGate
    client: KiteClient
    market: Market
    desk: Desk
    runner: Runner
    journal: SqlJournal
    feed: Ticker
    vault: MemoryVault
    broker: KiteBroker
    clock: MovedClock
    errors: list[str] = field(default_factory=list)

    def request(self, key: str = "NSE:INFY", quantity: int = 1, side: str = "BUY", **more: object) -> OrderRequest:
        """An order for an instrument of the master, at the market unless told otherwise."""
        instrument = self.market.master.by_key(key)
        assert instrument is not None, key
        values: dict[str, object] = {
            "exchange": instrument.exchange,
            "tradingsymbol": instrument.tradingsymbol,
            "instrument_token": instrument.instrument_token,
            "transaction_type": side,
            "quantity": quantity,
            "product": "MIS",
            "order_type": "MARKET",
            "tag": self.desk.new_tag(),
        }
        return OrderRequest(**(values | more))  # type: ignore[arg-type]


@asynccontextmanager
async def house(
    kite: Exchange,
    folder: Path,
    vault: MemoryVault | None = None,
    limits: Limits | None = None,
    open_desk: bool = True,
    timeout_s: float = 20.0,
) -> AsyncIterator[House]:
    """Log in (unless the vault holds a living token), connect, reconcile, and be ready."""
    errors: list[str] = []
    clock = await in_the_morning(kite)
    async with AsyncExitStack() as stack:
        scope = await stack.enter_async_context(Scope("test", lambda name, error: errors.append(f"{name}: {error!r}")))
        database = Database(folder / "practice.sqlite")
        await database.open()
        stack.push_async_callback(database.close)
        journal = SqlJournal(database)
        said = kite.said
        client = KiteClient(said["api_key"], root=said["rest"], clock=clock, timeout_s=timeout_s)
        stack.push_async_callback(client.close)
        login = KiteLogin(said["api_key"], said["api_secret"], REDIRECT_URL, client, login_root=said["login"])
        vault = vault or MemoryVault()
        gate = SessionGate(login, vault, journal, clock)
        await gate.restore()
        if gate.session is None:
            await gate.complete(await log_in(gate.login_url))
        session = await gate.wait_open()
        said["access_token"] = session.token.access_token
        client.use(session.token)
        master = InstrumentMaster(await client.instruments())
        patience = Patience(first_s=0.1, cap_s=0.5)
        feed = Ticker(session, clock, said["ws"], order_of=order_from_wire, patience=patience)
        market = Market(session, feed, client, master, clock)
        broker = KiteBroker(session, client)
        desk = Desk(session, broker, journal, market, clock, limits or Limits(), scope, Arming(clock, needed=False))
        runner = Runner(session, desk, market, journal, clock, SHIPPED, scope)
        stack.callback(runner.close)
        scope.spawn("feed", feed.run(MarketSink(market)))
        infy = master.by_key("NSE:INFY")
        assert infy is not None
        market.watch("test", [infy], Mode.FULL)
        if open_desk:
            await desk.open()
            await _until(lambda: market.latest(infy.instrument_token))
        stack.push_async_callback(runner.stop_all, "the test ends")
        yield House(kite, session, gate, client, market, desk, runner, journal, feed, vault, broker, clock, errors)
        assert not errors, errors


async def _until(condition: object, seconds: float = 60.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # type: ignore[operator]
            await asyncio.sleep(0.02)
