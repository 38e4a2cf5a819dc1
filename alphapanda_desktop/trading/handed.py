"""Positions that went from one run to another, or to a person, as the journal keeps them."""

from __future__ import annotations

from datetime import datetime
from typing import Final, NamedTuple

from alphapanda_desktop.domain.ports import Event, Journal

KIND: Final = "run handed over"
"""The journal's kind of event for a position that went from one run to another, or to a person (`to` is empty)."""


class HandedOver(NamedTuple):
    """What went from one run to another ("" for a person): `quantity` signed, at its average cost in rupees."""

    giver: str
    taker: str
    exchange: str
    tradingsymbol: str
    product: str
    quantity: int
    price: float

    def event(self, at: datetime) -> Event:
        """As it is journaled."""
        key = f"{self.exchange}:{self.tradingsymbol}"
        told = {"from": self.giver, "to": self.taker, "key": key, "product": self.product}
        return Event(KIND, at, {**told, "quantity": self.quantity, "price": self.price})

    def shares(self) -> tuple[tuple[str, int], tuple[str, int]]:
        """Each side's run with the sign of what it is more or less by."""
        return (self.giver, -1), (self.taker, 1)


async def handed_over(journal: Journal, since: datetime) -> list[tuple[datetime, HandedOver]]:
    """Everything that was handed over since then with its time, oldest first."""
    return [(event.at, _read(event)) for event in await journal.events(since, KIND)]


def _read(event: Event) -> HandedOver:
    told = event.detail
    exchange, _, tradingsymbol = str(told["key"]).partition(":")
    quantity, price = int(str(told["quantity"])), float(str(told["price"]))
    return HandedOver(
        str(told["from"]), str(told["to"]), exchange, tradingsymbol, str(told["product"]), quantity, price
    )
