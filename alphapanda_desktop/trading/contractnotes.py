"""Our charges against the broker's own calculation, order by order, in the quiet after executions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from psygnal import Signal

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.portfolio import Calculator, ChargeQuery
from alphapanda_desktop.domain.ports import Clock, Event, Journal
from alphapanda_desktop.domain.positions import RUPEE

QUIET_S: Final = 15.0
"""How long executions are gathered before the broker is asked about all of them at once."""

AT_ONCE: Final = 50
PAISA: Final = RUPEE // 100


class Charged(Protocol):
    """Who knows the day's orders and what we think they cost."""

    def orders(self) -> Sequence[Order]: ...

    def charges_of(self, order_id: str) -> Charges | None: ...


@dataclass(frozen=True, slots=True)
class Note:
    """What one executed order cost by our tables and by the broker's; booked money."""

    order_id: str
    ours: Charges
    told: Charges

    @property
    def difference(self) -> int:
        """Ours minus the broker's."""
        return self.ours.total - self.told.total

    @property
    def agrees(self) -> bool:
        """Whether they are the same to the paisa."""
        return abs(self.difference) < PAISA


class ContractNotes:
    """Asks once for each ended order, and says where the two differ. Signal: `changed()`."""

    changed = Signal()

    def __init__(
        self, desk: Charged, calculator: Calculator, journal: Journal, clock: Clock, told: Callable[[str], None]
    ) -> None:
        self._desk = desk
        self._calculator = calculator
        self._journal = journal
        self._clock = clock
        self._told = told
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._failed = ""
        self.notes: dict[str, Note] = {}

    def look(self) -> None:
        """There have been executions."""
        self._wanted.set()

    async def run(self) -> None:
        """Compare until cancelled; a broker that cannot be asked is asked again after the next executions."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            await asyncio.sleep(QUIET_S)
            await self.compare()

    async def compare(self) -> None:
        """Ask about every ended order that has not been compared."""
        ended = [o for o in self._desk.orders() if not o.live and o.filled_quantity and o.order_id not in self.notes]
        for first in range(0, len(ended), AT_ONCE):
            try:
                await self._ask(ended[first : first + AT_ONCE])
            except AlphaPandaError as error:
                if str(error) != self._failed:  # once, not after every execution
                    self._failed = str(error)
                    self._told(f"Charges could not be compared with Kite's own: {error}")
                return
        self._failed = ""

    async def _ask(self, orders: Sequence[Order]) -> None:
        ours = {order.order_id: self._desk.charges_of(order.order_id) for order in orders}
        asked = [order for order in orders if ours[order.order_id] is not None]
        if not asked:
            return
        told = await self._calculator.charges([ChargeQuery.of_order(order) for order in asked])
        for order, charges in zip(asked, told, strict=True):
            mine = ours[order.order_id]
            assert mine is not None
            await self._keep(order, Note(order.order_id, mine, charges))
        self.changed.emit()

    async def _keep(self, order: Order, note: Note) -> None:
        self.notes[order.order_id] = note
        if note.agrees:
            return
        mine, kites = note.ours.total / RUPEE, note.told.total / RUPEE
        detail = {"order_id": order.order_id, "order": order.key, "ours": mine, "kite": kites}
        self._told(
            f"Charges of {order.transaction_type} {order.filled_quantity} {order.key}: {mine:,.2f} by our tables, "
            f"{kites:,.2f} by Kite's. Kite's count."
        )
        await self._journal.note(Event("charges differ", self._clock.now(), detail))
