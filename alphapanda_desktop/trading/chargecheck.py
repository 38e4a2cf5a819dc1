"""Our charges held against the broker's own, in the quiet after executions; what differs stands in the ledger.

It reads, and nothing waits for it: an order is neither delayed nor refused for what is found here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.portfolio import Calculator
from alphapanda_desktop.domain.ports import Clock, Event, Journal
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.trading.ledger import ChargeDifference, Ledger
from alphapanda_desktop.trading.reconcile import journaled

MOST_AT_ONCE: Final = 500
"""Orders in one virtual contract note.  Source: Zerodha support, "What is the virtual contract note"."""

QUIET_S: Final = 15.0
"""How long executions are gathered before the broker is asked about all of them at once."""

GAP_S: Final = 180.0
"""How long after one question the next may follow."""

DIFFER: Final = "charges differ"
"""The journal's kind of event for an order that the broker charges otherwise."""


class ChargeCheck:
    """Asks the broker what the day's executed orders cost. `told` takes words for a person."""

    def __init__(
        self,
        ledger: Ledger,
        calculator: Calculator,
        journal: Journal,
        clock: Clock,
        told: Callable[[str], None],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._ledger = ledger
        self._calculator = calculator
        self._journal = journal
        self._clock = clock
        self._tell = told
        self._sleep = sleep
        self._failed = ""
        self._said: dict[str, ChargeDifference] = {}
        self._wanted = asyncio.Event()
        self._wanted.set()  # for what filled before this program began

    def look(self) -> None:
        """There have been executions."""
        self._wanted.set()

    async def run(self) -> None:
        """Compare until cancelled; a broker that cannot be asked now is asked again after the gap."""
        while True:
            await self._wanted.wait()
            await self._sleep(QUIET_S)
            self._wanted.clear()
            if not await self.compare():
                self._wanted.set()
            await self._sleep(GAP_S)

    async def compare(self) -> bool:
        """Ask, and journal and tell of what differs; False where the broker could not be asked."""
        try:
            found = await self.ask()
        except AlphaPandaError as error:
            if str(error) != self._failed:  # once, not with every try
                self._failed = str(error)
                self._tell(f"Charges could not be compared with Kite's own: {error}")
            return False
        self._failed = ""
        await self._keep([one for one in found if self._said.get(one.order_id) != one])
        return True

    async def ask(self) -> list[ChargeDifference]:
        """Ask of every order that has filled further since it was last asked of; then the ledger's differences.

        The broker calls a share intraday only where purchase and sale are in one question, so all orders of an
        instrument go together. Raises what the calculator raises; what was told before stays.
        """
        executed, ledger = self._ledger.executed(), self._ledger
        stale = {q.key for order_id, q in executed.items() if ledger.asked(order_id) != q}
        queries = sorted((q for q in executed.values() if q.key in stale), key=lambda q: q.key)
        for start in range(0, len(queries), MOST_AT_ONCE):
            part = queries[start : start + MOST_AT_ONCE]
            ledger.tell_charges(zip(part, await self._calculator.charges(part), strict=True))
        return ledger.charge_differences()

    async def _keep(self, new: list[ChargeDifference]) -> None:
        for one in new:
            self._said[one.order_id] = one
            detail = {"order_id": one.order_id, "ours": one.ours.total / RUPEE, "kite": one.theirs.total / RUPEE}
            await journaled(self._journal.note(Event(DIFFER, self._clock.now(), detail)))
        if new:
            of = f"order {new[0].order_id}" if len(new) == 1 else f"{len(new)} orders, first {new[0].order_id}"
            self._tell(f"Charges of {of}: {new[0].text}. Kite's count.")
