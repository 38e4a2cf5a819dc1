"""The account whose orders stay in this process: in paper mode, and in a replay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.paper_gtt import EVENT as GTTS
from alphapanda_desktop.trading.paper_gtt import PaperGtts
from alphapanda_desktop.trading.paper_portfolio import EVENT as CONVERSIONS
from alphapanda_desktop.trading.paper_portfolio import PaperCalculator, PaperPortfolio, conversions_of
from alphapanda_desktop.venues.venue import Account, Needs

BEGINNING: Final = datetime(2000, 1, 1, tzinfo=UTC)


async def paper_account(clock: Clock, hours: Callable[[], bool], needs: Needs) -> Account:
    """An account over the market's ticks, as the journal left it; `hours` is asked when it is opened."""
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
