"""Making the books equal to the broker's: orders, fills, positions, funds, and the intents that got no answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, TypeVar

from alphapanda_desktop.domain.errors import Retry
from alphapanda_desktop.domain.orders import INTENDED, UNKNOWN, Fill, Order
from alphapanda_desktop.domain.ports import Broker, Clock, Event, IntentRow, Journal
from alphapanda_desktop.trading.books import Books

GIVE_UP_AFTER: Final = timedelta(minutes=2)
"""An intent that the broker's book does not hold this long after it was made was never accepted."""

READ_TRIES: Final = 3
"""How often one read is tried before reconciliation gives up."""

_OPEN_STATES: Final = frozenset({"intended", "sent", "unknown"})

T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What one reconciliation found. `notices` are for a person to read."""

    changed: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)

    def owner_of(self, fill: Fill) -> str:
        """Run id of the strategy that a fill belongs to, or empty."""
        return self.owners.get(fill.order_id, "")


class Reconciler:
    """Compares the broker with the journal; the broker is the truth, differences are named."""

    waits_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
    """When an unanswered order is looked for, in seconds after one another."""

    def __init__(self, broker: Broker, journal: Journal, books: Books, clock: Clock) -> None:
        self._broker = broker
        self._journal = journal
        self._books = books
        self._clock = clock

    async def run(self, day: datetime, why: str) -> Report:
        """Read everything from the broker and settle what can be settled. Raises what the broker raises."""
        report = Report()
        await self._orders(report)
        await self._intents(day, report)
        await self._fills(report)
        self._books.take_positions(await _patiently(self._broker.positions), self._clock.now())
        self._books.funds = await _patiently(self._broker.funds)
        if report.notices:
            await self._journal.note(Event("reconciled", self._clock.now(), {"why": why, "found": report.notices}))
        return report

    async def _orders(self, report: Report) -> None:
        for order in await _patiently(self._broker.orders):
            changed = self._books.apply(order)
            if changed is not None:
                report.changed.append(changed)
                await self._journal.order_seen(changed, self._clock.now())

    async def _fills(self, report: Report) -> None:
        for fill in self._books.take_fills(await _patiently(self._broker.fills)):
            order = self._books.book.get(fill.order_id)
            owner = self._books.run_of(order) if order else ""
            report.owners[fill.order_id] = owner
            if await self._journal.fill_seen(fill, self._clock.now(), owner):
                report.fills.append(fill)

    async def _intents(self, day: datetime, report: Report) -> None:
        for row in await self._journal.intents(day):
            if row.state in _OPEN_STATES:
                await self._settle(row, report)

    async def _settle(self, row: IntentRow, report: Report) -> None:
        tag = row.request.tag
        found = self._books.book.by_tag(tag)
        if found is not None:
            if row.order_id != found.order_id:
                await self._journal.settle(
                    tag, "sent", self._clock.now(), order_id=found.order_id, detail="found by tag"
                )
                if row.state != "sent":
                    report.notices.append(f"{_words(row)} was found in the book as {found.order_id}: {found.status}.")
            return
        if row.order_id and self._books.book.get(row.order_id):
            return
        await self._missing(row, report)

    async def _missing(self, row: IntentRow, report: Report) -> None:
        tag, pending = row.request.tag, self._books.pending(row.request.tag)
        if pending is not None and pending.status == INTENDED:
            return  # on its way right now: its own coroutine will say what became of it
        if self._clock.now() - row.at < GIVE_UP_AFTER:
            if pending is None:
                self._books.intend(row.request, row.at)
                shown = self._books.mark_unknown(tag, "no answer was recorded; looking for it in the book")
                report.changed.extend([shown] if shown else [])
            return
        why = "not in the broker's book: it was never accepted"
        await self._journal.settle(tag, "absent", self._clock.now(), detail=why)
        if pending is not None and pending.status == UNKNOWN:
            shown = self._books.mark_rejected(tag, why)
            report.changed.extend([shown] if shown else [])
        report.notices.append(f"{_words(row)} is {why}.")


async def _patiently(read: Callable[[], Awaitable[T]]) -> T:
    """A read, repeated a few times where the broker says that it may be."""
    for _ in range(READ_TRIES - 1):
        try:
            return await read()
        except Retry as error:
            await asyncio.sleep(error.after_s)
    return await read()


def _words(row: IntentRow) -> str:
    r = row.request
    return f"{r.transaction_type} {r.quantity} {r.key} of {row.at.astimezone():%H:%M:%S}"
