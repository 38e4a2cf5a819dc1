"""Paper trading: Zerodha's login and ticks, orders that stay in this process.

Nothing that is reachable from here can send an order: an import contract holds it to a reader of Kite.
"""

from __future__ import annotations

from contextlib import AsyncExitStack
from functools import partial

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.ports import Vault
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.kite.reader import KiteReader
from alphapanda_desktop.venues.paperaccount import paper_account
from alphapanda_desktop.venues.venue import ZERODHA, Roots, Venue, secret_of


async def paper_venue(
    stack: AsyncExitStack, api_key: str, redirect_url: str, vault: Vault, roots: Roots = ZERODHA
) -> Venue:
    """Zerodha to look at. Raises Fatal where the api_secret is gone from the keyring."""
    api_secret = await secret_of(vault)
    clock = SystemClock()
    client = KiteReader(api_key, root=roots.rest, clock=clock)
    stack.push_async_callback(client.close)
    venue: Venue = Venue(
        mode="paper",
        clock=clock,
        client=client,
        login=KiteLogin(api_key, api_secret, redirect_url, client, login_root=roots.login),
        login_hosts=roots.hosts,
        feed_root=roots.feed,
        open_account=partial(paper_account, clock, lambda: venue.real_hours),
    )
    return venue
