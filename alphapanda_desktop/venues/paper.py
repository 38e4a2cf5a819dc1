"""Paper trading: Zerodha's login and ticks, orders that stay in this process.

Nothing that is reachable from here can send an order: an import contract holds it to a reader of Kite.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Final

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.ports import Clock, Vault
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.kite.reader import KiteReader
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.venues.venue import API_SECRET, ZERODHA, Account, Needs, Roots, Venue

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def paper_venue(
    stack: AsyncExitStack, api_key: str, redirect_url: str, vault: Vault, roots: Roots = ZERODHA
) -> Venue:
    """Zerodha to look at. Raises Fatal where the api_secret is gone from the keyring."""
    api_secret = await vault.get(API_SECRET)
    if not api_secret:
        raise Fatal("The api_secret is not in the keyring. Enter it again on the first page.")
    clock = SystemClock()
    client = KiteReader(api_key, root=roots.rest, clock=clock)
    stack.push_async_callback(client.close)
    return Venue(
        mode="paper",
        clock=clock,
        client=client,
        login=KiteLogin(api_key, api_secret, redirect_url, client, login_root=roots.login),
        login_hosts=roots.hosts,
        feed_root=roots.feed,
        open_account=partial(_account, clock),
    )


async def _account(clock: Clock, needs: Needs) -> Account:
    market, paper = (
        needs.market,
        PaperBroker(needs.session, needs.market.latest, needs.master, clock, needs.opening_cash),
    )
    # All fills ever: a paper position outlives the day as a real one does.
    day = clock.now().astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
    fills = await needs.journal.fills(BEGINNING)
    paper.restore(await needs.journal.orders(day), [fill for fill, _ in fills])
    paper.on_order = market.take_order
    market.on_every_tick(paper.on_tick)
    return Account(paper)
