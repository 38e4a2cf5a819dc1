"""What strategy runs brought into the day: their own fills of earlier days, folded at average cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.pnl import Lots
from alphapanda_desktop.domain.ports import Journal
from alphapanda_desktop.domain.positions import RUPEE, to_money

MEMORY: Final = timedelta(days=366)
"""How long before today a fill may lie to be carried; no contract that is traded lives longer unsettled."""

CARRIED: Final = frozenset({"CNC", "NRML", "MTF"})
"""Products that are held overnight; all others are squared off with their day."""


class Brought(NamedTuple):
    """What one run brought into the day of one position: `quantity` signed, `average_price` rupees."""

    run_id: str
    exchange: str
    tradingsymbol: str
    product: str
    quantity: int
    average_price: float

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"


async def brought_into(day: datetime, journal: Journal) -> list[Brought]:
    """What the runs of earlier days left open when the day began at `day`."""
    today = {fill.id for fill, _ in await journal.fills(day)}
    return _open([(fill, run_id) for fill, run_id in await journal.fills(day - MEMORY) if fill.id not in today])


def _open(fills: Iterable[tuple[Fill, str]]) -> list[Brought]:
    lots: dict[tuple[str, str, str, str], Lots] = {}
    for fill, run_id in fills:
        if run_id and fill.product in CARRIED:
            which = (run_id, fill.exchange, fill.tradingsymbol, fill.product)
            quantity = fill.sign * fill.quantity
            lots[which] = lots.get(which, Lots()).after(quantity, to_money(quantity * fill.average_price))
    return [
        Brought(*which, one.quantity, one.cost / one.quantity / RUPEE) for which, one in lots.items() if one.quantity
    ]
