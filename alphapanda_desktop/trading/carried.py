"""What strategy runs brought into the day: their own fills of earlier days, folded at average cost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from alphapanda_desktop.domain.pnl import Lots
from alphapanda_desktop.domain.ports import Journal
from alphapanda_desktop.domain.positions import RUPEE, to_money
from alphapanda_desktop.trading.handed import HandedOver, handed_over

MEMORY: Final = timedelta(days=366)
"""How long before today a fill may lie to be carried; no contract that is traded lives longer unsettled."""

CARRIED: Final = frozenset({"CNC", "NRML", "MTF"})
"""Products that are held overnight; all others are squared off with their day."""


Which = tuple[str, str, str, str]
"""Run, exchange, tradingsymbol and product."""
Held = dict[Which, Lots]


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
    lots: Held = {}
    for fill, run_id in await journal.fills(day - MEMORY):
        if fill.product in CARRIED and fill.id not in today:
            which = (run_id, fill.exchange, fill.tradingsymbol, fill.product)
            _add(lots, which, fill.sign * fill.quantity, fill.average_price)
    before = [one for at, one in await handed_over(journal, day - MEMORY) if at < day and one.product in CARRIED]
    _hand_over(lots, before)
    return _open(lots)


def with_handed(brought: Iterable[Brought], today: Iterable[HandedOver]) -> list[Brought]:
    """What runs hold without having traded it today: brought into the day, or handed over since it began."""
    lots: Held = {}
    for one in brought:
        _add(lots, one[:4], one.quantity, one.average_price)
    _hand_over(lots, today)
    return _open(lots)


def _hand_over(lots: Held, handed: Iterable[HandedOver]) -> None:
    for one in handed:
        for run_id, sign in one.shares():
            which = (run_id, one.exchange, one.tradingsymbol, one.product)
            _add(lots, which, sign * one.quantity, one.price)


def _add(lots: Held, which: Which, quantity: int, price: float) -> None:
    lots[which] = lots.get(which, Lots()).after(quantity, to_money(quantity * price))


def _open(lots: Held) -> list[Brought]:
    """What is held still; a person's own, which no run holds, is left out."""
    return [
        Brought(*which, one.quantity, one.cost / one.quantity / RUPEE)
        for which, one in lots.items()
        if one.quantity and which[0]
    ]
