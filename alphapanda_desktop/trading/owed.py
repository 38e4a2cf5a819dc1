"""Intents of the kill switch's exits that the disk did not take: they leave all the same, and are written later."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.ports import Journal
from alphapanda_desktop.domain.why import Cause


@dataclass(slots=True)
class _Owed:
    """An intent with its cause, and what became of it: state, time, order id, detail; None where nobody told yet."""

    request: OrderRequest
    at: datetime
    cause: Cause
    became: tuple[str, datetime, str, str] | None = None


class OwedIntents:
    """In the order in which they were made, in memory alone: a crash before they are written loses them."""

    def __init__(self) -> None:
        self._rows: dict[str, _Owed] = {}

    def add(self, request: OrderRequest, at: datetime, cause: Cause) -> None:
        """Remember an intent that was to be journaled."""
        self._rows[request.tag] = _Owed(request, at, cause)

    def tags(self) -> frozenset[str]:
        """Tags of the intents that are not written yet."""
        return frozenset(self._rows)

    async def settle(
        self, journal: Journal, tag: str, state: str, at: datetime, order_id: str = "", detail: str = ""
    ) -> None:
        """Journal what became of an intent, after the intent itself. Raises as `Journal.settle`."""
        owed = self._rows.get(tag)
        if owed is None:
            return await journal.settle(tag, state, at, order_id=order_id, detail=detail)
        owed.became = (state, at, order_id, detail)

    async def write(self, journal: Journal) -> None:
        """Journal what is owed. Raises Fatal where the disk does not take it; it stays owed then."""
        while self._rows:
            tag = next(iter(self._rows))
            owed, written = self._rows.pop(tag), False
            try:
                await journal.intend(owed.request, owed.at, owed.cause)
                written = True
            finally:
                if not written:
                    self._rows[tag] = owed
            if owed.became is not None:
                state, at, order_id, detail = owed.became
                await journal.settle(tag, state, at, order_id=order_id, detail=detail)
