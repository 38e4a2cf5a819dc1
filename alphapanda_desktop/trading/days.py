"""What the journal knows of the trading day when the program starts, and the turn to the next one while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import IntentRow
from alphapanda_desktop.domain.session import trading_day
from alphapanda_desktop.trading.carried import MEMORY, Brought, brought_into, with_handed
from alphapanda_desktop.trading.comparing import Comparing
from alphapanda_desktop.trading.handed import handed_over
from alphapanda_desktop.trading.kill import KillSwitch
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import UNANSWERED, Reconciler, Report
from alphapanda_desktop.trading.rules import Rules
from alphapanda_desktop.trading.standing import GTT_ANSWER

LAST_MINUTE: Final = timedelta(seconds=61)
REQUESTS: Final = ("modify", "gtt placed", "gtt modified", "gtt deleted", "conversion")
"""Kinds of journaled events that are requests which the governor counted, beside the orders themselves."""

LONGEST_NIGHT: Final = timedelta(days=10)
"""How long the exchanges may be closed in a row: an after-market order waits that long at most."""


class Days:
    """Owner of the day that the books are of. `name_run(run_id, strategy)` hears of the day's runs."""

    def __init__(
        self,
        parts: Parts,
        rules: Rules,
        reconciler: Reconciler,
        comparing: Comparing,
        kill: KillSwitch,
        name_run: Callable[[str, str], None],
    ) -> None:
        self._parts = parts
        self._rules = rules
        self._reconciler = reconciler
        self._comparing = comparing
        self._kill = kill
        self._name_run = name_run
        self._day: datetime | None = None
        self._overdue: list[Order] = []
        """What worked when the day turned; the new book tells which of it works still."""
        self.brought: list[Brought] = []
        """What runs hold that they did not trade in this day; the ledger carries it."""

    def start(self) -> datetime:
        """When the trading day of now began."""
        return trading_day(self._parts.clock.now())

    @property
    def over(self) -> bool:
        """Whether the day that the books are of has ended."""
        return self._day is not None and self.start() > self._day

    async def begin(self) -> None:
        """Read what the journal knows of the day, once; then turn it whenever another has begun."""
        if self._day is None:
            await self._recall(self.start())
        elif self.over:
            await self._turn(self.start())

    async def _recall(self, day: datetime) -> None:
        parts, journal = self._parts, self._parts.journal
        rows, runs = await journal.intents(day - LONGEST_NIGHT), await journal.runs(day - LONGEST_NIGHT)
        changes = await journal.events(day, "modify")
        await parts.risk.recall(day)
        await self._comparing.recall(day)
        await self._kill.recall(day)
        for row in rows:
            parts.books.remember(row.request)
        waiting = {row.request.strategy for row in rows if row.request.variety == "amo" or row.state in UNANSWERED}
        for run in (run for run in runs if run.started_at >= day or run.run_id in waiting):
            self._name_run(run.run_id, run.strategy)
        left = self._recount(rows, day)
        times = await self._left_since(parts.clock.now() - LAST_MINUTE)
        changed = Counter(str(event.detail.get("order_id")) for event in changes)
        for event in await journal.events(day - MEMORY, GTT_ANSWER):
            if isinstance(event.detail.get("answer"), int):
                parts.books.own_gtt(int(str(event.detail["answer"])))
        await self._carry(day)
        parts.governor.restore(left, changed, times)
        self._day = day

    async def _carry(self, day: datetime) -> None:
        """Tell the ledger what runs brought into the day, and what has gone from one to another since."""
        parts = self._parts
        carried = await brought_into(day, parts.journal)
        today = [one for _, one in await handed_over(parts.journal, day)]
        for brought in carried:
            parts.ledger.carry(*brought)
        for one in today:
            parts.ledger.hand_over(one)
        self.brought += with_handed(carried, today)

    async def _turn(self, day: datetime) -> None:
        """Begin the books of a new day: the counter, and the book, as Kite does."""
        parts = self._parts
        rows = await parts.journal.intents(day - LONGEST_NIGHT)
        self._overdue += [order for order in parts.books.book.working() if parts.books.ours(order)]
        parts.books.new_day()
        parts.books.positions_at = None  # those of yesterday stand until the new ones are read, but are no result
        parts.ledger.new_day()
        parts.governor.new_day()
        self._comparing.new_day()
        self._recount(rows, day)
        await parts.risk.recall(day)
        await self._comparing.recall(day)
        await self._kill.new_day()
        self._day = day
        parts.voice.tell(parts.voice.day_turned)

    def _recount(self, rows: list[IntentRow], day: datetime) -> int:
        """Count the intents of the day, and look for those of earlier ones that nobody has answered for."""
        self._reconciler.look_for([row for row in rows if row.at < day])
        left = [row.request for row in rows if row.at >= day and row.state != "refused"]
        self._rules.recount(left)
        return len(left)

    async def _left_since(self, moment: datetime) -> list[datetime]:
        """When the requests left that a former start of the program sent since then, as far as is known."""
        journal = self._parts.journal
        orders = [row.at for row in await journal.intents(moment) if row.state != "refused"]
        return orders + [event.at for kind in REQUESTS for event in await journal.events(moment, kind)]

    def settle(self, report: Report) -> None:
        """After the books of a new day were read: end what worked the day before and works no more.

        No broker tells of it; a run that waits for such an order to end would wait for ever.
        """
        if not report.complete:
            return
        lapsed = [order for order in self._overdue if order.order_id not in report.theirs]
        self._overdue.clear()
        for order in lapsed:
            words = "its day is over, and the broker's book has it no more"
            self._parts.voice.show(replace(order, status="LAPSED", pending_quantity=0, status_message=words))
