"""Venues: where ticks come from and orders go in each mode. Practice differs from Zerodha by addresses alone."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from alphapanda_desktop.clock import SystemClock, VenueClock
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.ports import Clock, Feed, History, Vault
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.practice import PracticeExchange

KITE_HOSTS: Final = frozenset({"kite.zerodha.com", "kite.trade", "zerodha.com"})
"""Hosts, with their subdomains, that the login view may show."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Where a Kite is served; other addresses than Zerodha's own are for tests."""

    rest: str = "https://api.kite.trade"
    feed: str = "wss://ws.kite.trade"
    login: str = "https://kite.zerodha.com"
    hosts: frozenset[str] = KITE_HOSTS


ZERODHA: Final = Roots()

API_SECRET: Final = "api_secret"
"""Name of the secret in the vault."""


@dataclass(frozen=True, slots=True)
class PracticeOptions:
    """How the practice exchange is started; `ticks` replays recordings instead of the made-up market."""

    seed: int = 7
    scenario: str = "calm"
    speed: float = 1.0
    ticks: tuple[Path, ...] = ()
    clock: str = ""
    switches: tuple[str, ...] = ()

    def arguments(self, state: Path) -> list[str]:
        arguments = ["--seed", str(self.seed), "--scenario", self.scenario, "--speed", str(self.speed)]
        arguments += ["--state", str(state)]
        for path in self.ticks:
            arguments += ["--ticks", str(path)]
        for switch in self.switches:
            arguments += ["--switch", switch]
        return arguments


@dataclass(slots=True)
class Venue:
    """One place to trade, before anybody has logged in: only its login works without a session."""

    mode: str
    clock: Clock
    client: KiteClient
    login: KiteLogin
    login_hosts: frozenset[str]
    feed_root: str
    hint: str = ""
    watch_keys: tuple[str, ...] = ()
    chores: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    """Coroutines that run as long as the venue does."""

    def feed(self, session: Session, on_frame: Callable[[int, bytes], None] | None = None) -> Feed:
        """Live ticks of a session; `on_frame` hears each frame as it came."""
        from alphapanda_desktop.kite.contract import order_from_wire
        from alphapanda_desktop.kite.ticker import Ticker

        return Ticker(session, self.clock, self.feed_root, order_of=order_from_wire, on_frame=on_frame)

    def history(self) -> History:
        return self.client

    async def instruments(self, session: Session) -> list[Instrument]:
        """The day's master."""
        return await self.client.instruments()


WATCHED: Final = ("NSE:NIFTY 50", "NSE:INFY", "NSE:RELIANCE", "NSE:SBIN", "NSE:HDFCBANK", "NSE:TCS", "NSE:ICICIBANK")
"""What a first watchlist shows."""


async def practice_venue(
    stack: AsyncExitStack, folder: Path, options: PracticeOptions, told: Callable[[str], None]
) -> Venue:
    """Start the practice exchange and speak to it as to Zerodha. Raises Fatal where it does not start."""
    from alphapanda_desktop.sim.session import REDIRECT_URL

    state = folder / ("practice-replay.state" if options.ticks else "practice.state")
    exchange = PracticeExchange(options.arguments(state), folder / "logs" / "practice.log", told)
    stack.push_async_callback(exchange.stop)
    where = await exchange.start()
    clock = await _venue_clock(where.rest, options)
    client = KiteClient(where.api_key, root=where.rest, clock=clock)
    stack.push_async_callback(client.close)
    login = KiteLogin(where.api_key, where.api_secret, REDIRECT_URL, client, login_root=where.login)
    return Venue(
        mode="practice",
        clock=clock,
        client=client,
        login=login,
        login_hosts=frozenset({where.login.split("//", 1)[1].rstrip("/")}),
        feed_root=where.ws,
        hint=f"Practice login: user id {where.user_id}; the page shows the password and the code.",
        watch_keys=WATCHED,
        chores=[exchange.watch],
    )


async def _venue_clock(rest: str, options: PracticeOptions) -> Clock:
    """The exchange's clock where it is not ours: a replay lives on the day of its recording."""
    if options.speed == 1.0 and not options.ticks and not options.clock:
        return SystemClock()
    import aiohttp

    async with aiohttp.ClientSession(rest) as http:
        if options.clock:
            await http.post("/sim/clock", json={"now": options.clock})
        async with http.get("/sim/clock") as reply:
            said = await reply.json()
    return VenueClock(datetime.fromisoformat(said["now"]), float(said["speed"]))


async def zerodha_venue(
    stack: AsyncExitStack, mode: str, api_key: str, redirect_url: str, vault: Vault, roots: Roots = ZERODHA
) -> Venue:
    """Zerodha itself. Raises Fatal where the api_secret is gone from the keyring."""
    from alphapanda_desktop.domain.errors import Fatal

    api_secret = await vault.get(API_SECRET)
    if not api_secret:
        raise Fatal("The api_secret is not in the keyring. Enter it again on the first page.")
    clock = SystemClock()
    client = KiteClient(api_key, root=roots.rest, clock=clock, trades=mode == "live")
    stack.push_async_callback(client.close)
    return Venue(
        mode=mode,
        clock=clock,
        client=client,
        login=KiteLogin(api_key, api_secret, redirect_url, client, login_root=roots.login),
        login_hosts=roots.hosts,
        feed_root=roots.feed,
        watch_keys=WATCHED,
    )
