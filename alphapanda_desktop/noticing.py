"""Alerts of an open desk: the book that watches them, and how news gets out of the program."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alphapanda_desktop.store.journal import SqlJournal
    from alphapanda_desktop.trading.alerts import AlertBook
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.scope import Scope
    from alphapanda_desktop.trading.session import SessionGate
    from alphapanda_desktop.venues.venue import Venue


async def open_alerts(
    stack: AsyncExitStack,
    scope: Scope,
    venue: Venue,
    gate: SessionGate,
    market: Market,
    desk: Desk,
    journal: SqlJournal,
) -> AlertBook:
    """The alerts as they were left, watched until the stack ends. Raises Fatal where the journal cannot be read."""
    from alphapanda_desktop.trading.alerts import AlertBook
    from alphapanda_desktop.ui.formats import grouped

    book = AlertBook(journal, market, desk, gate, venue.market_clock, scope, figure=grouped, hours=venue.real_hours)
    stack.callback(book.close)
    await book.open()
    scope.spawn("alerts", book.run())
    return book
