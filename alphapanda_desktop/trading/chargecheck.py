"""Our charges held against the broker's own, order by order: the difference is shown, never hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.portfolio import Calculator, ChargeQuery
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.trading.ledger import Ledger

MOST_AT_ONCE: Final = 500
"""Orders in one virtual contract note.  Source: Zerodha support, "What is the virtual contract note"."""


@dataclass(frozen=True, slots=True)
class ChargeDifference:
    """One executed order as we charged it and as the broker does."""

    order_id: str
    ours: Charges
    theirs: Charges

    @property
    def rupees(self) -> float:
        """Ours less theirs, in rupees."""
        return (self.ours.total - self.theirs.total) / RUPEE


class ChargeCheck:
    """What the broker says the day's executed orders cost. Signals: `changed()` after each answer."""

    changed = Signal()

    def __init__(self, ledger: Ledger, calculator: Calculator) -> None:
        self._ledger = ledger
        self._calculator = calculator
        self._told: dict[str, tuple[ChargeQuery, Charges]] = {}

    async def ask(self) -> list[ChargeDifference]:
        """Ask of every order that has filled further since it was last asked of; then `differences`.

        The broker calls a share intraday only where purchase and sale are in one question, so all orders of an
        instrument go together. Raises what the calculator raises; what was told before stays.
        """
        executed = self._ledger.executed()
        stale = {q.key for order_id, q in executed.items() if self._asked(order_id) != q}
        queries = sorted((q for q in executed.values() if q.key in stale), key=lambda q: q.key)
        for start in range(0, len(queries), MOST_AT_ONCE):
            part = queries[start : start + MOST_AT_ONCE]
            for query, charges in zip(part, await self._calculator.charges(part), strict=True):
                self._told[query.order_id] = (query, charges)
        if queries:
            self.changed.emit()
        return self.differences()

    def of_order(self, order_id: str) -> Charges | None:
        """The broker's word on one order; None where it was not asked, or has filled further since."""
        query, charges = self._told.get(order_id, (None, None))
        return charges if query is not None and query == self._ledger.executed().get(order_id) else None

    def differences(self) -> list[ChargeDifference]:
        """Orders of which the broker's word is known and is another than ours."""
        executed = self._ledger.executed()
        told = [
            (order_id, charges) for order_id, (query, charges) in self._told.items() if executed.get(order_id) == query
        ]
        both = [ChargeDifference(id_, ours, theirs) for id_, theirs in told if (ours := self._ledger.of_order(id_))]
        return [one for one in both if one.ours != one.theirs]

    def _asked(self, order_id: str) -> ChargeQuery | None:
        query, _ = self._told.get(order_id, (None, None))
        return query
