"""Paper trading: Zerodha's login and ticks, orders that stay in this process.

Nothing that is reachable from here can send an order: an import contract holds it to a reader of Kite.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.ports import Clock, Vault
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.kite.reader import KiteReader
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.paper_gtt import EVENT as GTTS
from alphapanda_desktop.trading.paper_gtt import PaperGtts
from alphapanda_desktop.trading.paper_portfolio import EVENT as CONVERSIONS
from alphapanda_desktop.trading.paper_portfolio import PaperCalculator, PaperPortfolio, conversions_of
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
    venue: Venue = Venue(
        mode="paper",
        clock=clock,
        client=client,
        login=KiteLogin(api_key, api_secret, redirect_url, client, login_root=roots.login),
        login_hosts=roots.hosts,
        feed_root=roots.feed,
        open_account=partial(_account, clock, lambda: venue.real_hours),
    )
    return venue


async def _account(clock: Clock, hours: Callable[[], bool], needs: Needs) -> Account:
    market, journal = needs.market, needs.journal
    paper = PaperBroker(needs.session, market.latest, needs.master, clock, needs.opening_cash, hours=hours())
    # All fills ever: a paper position outlives the day as a real one does. A week of orders: last evening's AMOs too.
    orders = await journal.orders(clock.now() - timedelta(days=7))
    fills = [fill for fill, _ in await journal.fills(BEGINNING)]
    paper.restore(orders, fills, conversions_of(await journal.events(BEGINNING, CONVERSIONS)))
    gtts = PaperGtts(paper, clock, journal.note, lambda found: market.watch("paper gtt", found, Mode.FULL))
    gtts.restore(await journal.events(BEGINNING, GTTS), orders)
    paper.on_order = market.take_order
    market.on_every_tick(paper.on_tick, paper.waits_for)
    market.on_every_tick(gtts.on_tick, gtts.waits_for)
    market.after_frame(paper.look)
    calculator = PaperCalculator(paper, clock)
    return Account(paper, gtts, PaperPortfolio(paper, clock, journal.note), calculator, chores=[gtts.run])
