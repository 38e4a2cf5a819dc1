"""What the panels ask of the desk's ledger, and its charges in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.positions import RUPEE, Position
from alphapanda_desktop.ui import formats

PriceOf = Callable[[Position], float | None]


class Result(Protocol):
    """A profit and loss in rupees with what it cost; None is what cannot be known."""

    @property
    def gross(self) -> float | None: ...

    @property
    def charges(self) -> float: ...

    @property
    def net(self) -> float | None: ...

    @property
    def realised(self) -> float | None: ...

    @property
    def unrealised(self) -> float | None: ...


class Accounts(Protocol):
    """Charges and results of the day; trading.ledger.Ledger is one."""

    def of_order(self, order_id: str) -> Charges | None: ...

    def of_position(self, position: Position, price_of: PriceOf) -> Result: ...

    def account(self, positions: Iterable[Position], price_of: PriceOf) -> Result: ...

    def difference(self, position: Position) -> float | None: ...


def charge_words(charges: Charges) -> str:
    """Every part of what an order costs, in one line."""
    parts = (
        ("brokerage", charges.brokerage),
        (charges.transaction_tax_type.upper(), charges.transaction_tax),
        ("exchange", charges.exchange_turnover_charge),
        ("SEBI", charges.sebi_turnover_charge),
        ("stamp", charges.stamp_duty),
        ("GST", charges.gst),
        ("total", charges.total),
    )
    return ", ".join(f"{name} {formats.rupees(value / RUPEE)}" for name, value in parts)
