"""Making the books equal to the broker's: orders, fills, positions, funds, and the intents that got no answer.

Books follow the broker even where the journal takes nothing: what could not be written is owed, and written later.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from alphapanda_desktop.domain.errors import AlphaPandaError, Fatal, Retry
from alphapanda_desktop.domain.orders import INTENDED, Fill, Order
from alphapanda_desktop.domain.ports import Clock, Event, IntentRow, Journal
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.owed import OwedIntents
from alphapanda_desktop.trading.today import TellsBooks

GIVE_UP_AFTER_S: Final = 120.0
"""An intent that has been missing from the broker's book for this long was never accepted."""

READ_TRIES: Final = 3
"""How often one read is tried before reconciliation gives up."""

POSITION_TRIES: Final = 5
"""How often positions are read in one look while orders go on filling."""

UNANSWERED: Final = frozenset({"intended", "unknown"})
"""States of an intent in the journal of which nobody has told what became of it."""

_OPEN_STATES: Final = UNANSWERED | {"sent"}

T = TypeVar("T")


@dataclass(slots=True)
class Report:
    """What one reconciliation found, as far as it came. `notices` are for a person to read."""

    changed: list[Order] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    owners: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, Order] = field(default_factory=dict)
    """The broker's book as it was read, by order id."""
    executed: dict[tuple[str, str, str], Fill] = field(default_factory=dict)
    """The broker's executions as they were read, by id."""
    before: frozenset[str] = frozenset()
    """Ids of the orders that were known before the book was read."""
    complete: bool = False
    """Whether everything was read, positions included."""

    def owner_of(self, fill: Fill) -> str:
        """Run id of the strategy that a fill belongs to, or empty."""
        return self.owners.get(fill.order_id, "")


class Reconciler:
    """Compares the broker with the journal; the broker is the truth, differences are named."""

    waits_s: tuple[float, ...] = (0.05, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 5.0)
    """When an unanswered order is looked for, in seconds after one another; together longer than GIVE_UP_AFTER_S."""

    def __init__(self, broker: TellsBooks, journal: Journal, books: Books, clock: Clock, owed: OwedIntents) -> None:
        self._broker = broker
        self._journal = journal
        self._books = books
        self._clock = clock
        self._owed_intents = owed
        self._owed_orders: deque[Order] = deque()
        self._owed_fills: dict[tuple[str, str, str], tuple[Fill, str]] = {}
        self._earlier: dict[str, IntentRow] = {}
        """Intents of earlier days of which it is not known yet what became of them, by tag."""

    def look_for(self, rows: Iterable[IntentRow]) -> None:
        """Settle those of these intents of earlier days that nobody has answered for, beside the day's own."""
        self._earlier |= {row.request.tag: row for row in rows if row.state in UNANSWERED}

    async def run(self, day: datetime, why: str, report: Report) -> None:
        """Read everything from the broker and settle what can be settled; what was found is in `report` at any time.

        Raises what the broker raises, and the journal's Fatal after the books were made equal all the same.
        """
        refusal = await self._read_account(report)
        report.complete = True
        self._books.funds = await _patiently(self._broker.funds)
        if refusal is not None:
            raise refusal
        await self._intents(day, report)
        if report.notices:
            await self._journal.note(Event("reconciled", self._clock.now(), {"why": why, "found": report.notices}))

    async def _read_account(self, report: Report) -> Fatal | None:
        """Executions, orders and positions; the journal's refusal to take them. The books know if they are not read."""
        try:
            # Executions before orders: then each one's order is among the orders, and with it whose it is.
            fills = await _patiently(self._broker.fills)
            report.before = frozenset(order.order_id for order in self._books.book)
            self._take_orders(await _patiently(self._broker.orders), report)
            self._take_fills(fills, report)
            self._books.orders_read += 1
            refusal = await journaled(self.write_owed())
            await self._read_positions(report)
        except AlphaPandaError as error:
            self._books.reading_failed = str(error)
            raise
        self._books.reading_failed = ""
        return refusal

    async def _read_positions(self, report: Report) -> None:
        """Take positions of which it is certain which fills are in them; till then the former ones are kept.

        A fill that comes between orders and positions would count twice, or not at all. Where the rows' own sums of
        the day do not tell that none did, the orders are read once more: the same fills before and after are proof.
        """
        for _ in range(POSITION_TRIES):
            read_at = self._books.filled_so_far()
            positions = await _patiently(self._broker.positions)
            if self._books.filled_so_far() != read_at or not self._books.explain(positions):
                self._take_orders(await _patiently(self._broker.orders), report)
            if self._books.filled_so_far() == read_at:
                self._books.take_positions(positions, self._clock.now(), read_at)
                return
        raise Retry(f"orders filled each of the {POSITION_TRIES} times that the positions were read", after_s=0.5)

    def owe(self, order: Order) -> None:
        """Remember that this picture of an order has to be journaled."""
        self._owed_orders.append(order)

    async def write_owed(self) -> None:
        """Journal what is owed. Raises Fatal where the disk does not take it; it stays owed then."""
        await self._owed_intents.write(self._journal)
        while self._owed_orders:
            order = self._owed_orders.popleft()
            written = False
            try:
                await self._journal.order_seen(order, self._clock.now())
                written = True
            finally:
                if not written:
                    self._owed_orders.appendleft(order)
        await self._write_fills()

    async def _write_fills(self) -> None:
        while self._owed_fills:
            fill, owner = self._owed_fills.pop(next(iter(self._owed_fills)))
            written = False
            try:
                await self._journal.fill_seen(fill, self._clock.now(), owner)
                written = True
            finally:
                if not written:
                    self._owed_fills[fill.id] = (fill, owner)

    def _take_orders(self, orders: list[Order], report: Report) -> None:
        for order in orders:
            report.theirs[order.order_id] = order
            changed = self._books.apply(order)
            self._books.looked_at(order)
            if changed is not None:
                report.changed.append(changed)
                self.owe(changed)

    def _take_fills(self, fills: list[Fill], report: Report) -> None:
        report.executed = {fill.id: fill for fill in fills}
        for fill in self._books.take_fills(fills):
            order = self._books.book.get(fill.order_id)
            owner = self._books.run_of(order) if order else ""
            report.owners[fill.order_id] = owner
            report.fills.append(fill)
            self._owed_fills[fill.id] = (fill, owner)

    async def _intents(self, day: datetime, report: Report) -> None:
        for row in [*self._earlier.values(), *await self._journal.intents(day)]:
            # One that was written off and turned up after all is settled too.
            if row.state in _OPEN_STATES or self._books.book.by_tag(row.request.tag) is not None:
                await self._settle(row, report)

    async def _settle(self, row: IntentRow, report: Report) -> None:
        tag = row.request.tag
        found = self._books.book.by_tag(tag)
        if found is None:
            if not (row.order_id and self._books.book.get(row.order_id)):
                await self._missing(row, report)
            return
        self._books.missing_since_s.pop(tag, None)
        if row.order_id == found.order_id:
            return
        if row.state != "sent":
            report.notices.append(f"{_words(row)} was found in the book as {found.order_id}: {found.status}.")
        await self._journal.settle(tag, "sent", self._clock.now(), order_id=found.order_id, detail="found by tag")
        self._earlier.pop(tag, None)

    async def _missing(self, row: IntentRow, report: Report) -> None:
        tag, pending = row.request.tag, self._books.pending(row.request.tag)
        if pending is not None and pending.status == INTENDED:
            return  # on its way right now: its own coroutine will say what became of it
        if pending is None:
            self._books.intend(row.request, row.at)
            self._change(self._books.mark_unknown(tag, "no answer was recorded; looking for it in the book"), report)
        if not self._missed_for_good(tag):
            return
        why = "not in the broker's book: it was never accepted"
        if tag in self._earlier and row.request.variety != "amo":
            why = "of an earlier day, of which the broker's book tells no more: look at Kite"
        elif row.order_id:
            why = f"no longer in the broker's book, where it was {row.order_id}: look at Kite"
        if self._books.undecided(tag):
            self._change(self._books.mark_rejected(tag, why), report)
        report.notices.append(f"{_words(row)} is {why}.")
        await self._journal.settle(tag, "absent", self._clock.now(), detail=why)
        self._earlier.pop(tag, None)

    def _missed_for_good(self, tag: str) -> bool:
        """Whether we have looked in vain for long enough, by a clock that nobody sets."""
        now_s = self._clock.monotonic_s()
        return now_s - self._books.missing_since_s.setdefault(tag, now_s) >= GIVE_UP_AFTER_S

    def _change(self, order: Order | None, report: Report) -> None:
        if order is not None:
            report.changed.append(order)


async def journaled(write: Awaitable[None]) -> Fatal | None:
    """The journal's refusal, or None: for what has happened already and must not look as if it had not."""
    try:
        await write
    except Fatal as error:
        return error
    return None


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
