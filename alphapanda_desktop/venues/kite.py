"""The venues whose orders go to a Kite: the practice exchange, and Zerodha in live mode."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from alphapanda_desktop.clock import SystemClock, VenueClock
from alphapanda_desktop.domain.ports import Clock, Vault
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.kite.portfolio import KiteCalculator, KiteGtts, KitePortfolio
from alphapanda_desktop.practice import PracticeExchange
from alphapanda_desktop.venues.venue import ZERODHA, Account, Needs, PracticeOptions, Roots, Venue, secret_of


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
    return Venue(
        mode="practice",
        clock=clock,
        client=client,
        login=KiteLogin(where.api_key, where.api_secret, REDIRECT_URL, client, login_root=where.login),
        login_hosts=frozenset({where.login.split("//", 1)[1].rstrip("/")}),
        feed_root=where.ws,
        open_account=partial(_account, client),
        hint=f"Practice login: user id {where.user_id}; the page shows the password and the code.",
        real_hours=False,
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


async def live_venue(
    stack: AsyncExitStack, api_key: str, redirect_url: str, vault: Vault, roots: Roots = ZERODHA
) -> Venue:
    """Zerodha itself, orders and all. Raises Fatal where the api_secret is gone from the keyring."""
    api_secret = await secret_of(vault)
    clock = SystemClock()
    client = KiteClient(api_key, root=roots.rest, clock=clock)
    stack.push_async_callback(client.close)
    return Venue(
        mode="live",
        clock=clock,
        client=client,
        login=KiteLogin(api_key, api_secret, redirect_url, client, login_root=roots.login),
        login_hosts=roots.hosts,
        feed_root=roots.feed,
        open_account=partial(_account, client),
    )


async def _account(client: KiteClient, needs: Needs) -> Account:
    broker = KiteBroker(needs.session, client)
    return Account(broker, KiteGtts(client), KitePortfolio(client), KiteCalculator(client))
