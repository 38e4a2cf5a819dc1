"""Profit and loss of lots at average cost, realised and open apart, in whole ten-thousandths of a rupee.

Nothing is lost between the two: what was paid and received is always cost and realised together, to the last unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alphapanda_desktop.domain.positions import RUPEE, to_money


@dataclass(frozen=True, slots=True)
class Pnl:
    """A result in rupees. None where it cannot be known, for want of a price; `net` is `gross` less `charges`."""

    realised: float | None
    unrealised: float | None
    gross: float | None
    charges: float
    net: float | None

    def less(self, charges: int) -> Pnl:
        """The same result with further booked charges taken off."""
        gross, due = self.gross, to_money(self.charges) + charges
        net = None if gross is None else to_money(gross) - due
        return Pnl(self.realised, self.unrealised, gross, due / RUPEE, _rupees(net))


@dataclass(frozen=True, slots=True)
class Lots:
    """What is held of one thing, at average cost. `cost` and `realised` are booked money, `quantity` units.

    `cost` has the sign of `quantity`: what was paid for a long, less than nothing for a short.
    """

    quantity: int = 0
    cost: int = 0
    realised: int = 0

    def after(self, quantity: int, value: int) -> Lots:
        """The lots after one more trade: `quantity` signed, `value` what it came to, with the same sign.

        What closes is taken at average cost; what passes through zero opens the other side at its own price.
        """
        if self.quantity * quantity >= 0:
            return Lots(self.quantity + quantity, self.cost + value, self.realised)
        closing = min(abs(self.quantity), abs(quantity))
        cost_out = _share(self.cost, closing, abs(self.quantity))
        value_in = _share(value, closing, abs(quantity))
        return Lots(
            self.quantity + quantity,
            self.cost - cost_out + value - value_in,
            self.realised - cost_out - value_in,
        )

    def unrealised(self, worth: int) -> int:
        """What the open quantity would bring beyond its cost if all of it came to `worth`, signed like it."""
        return worth - self.cost


def lots_of(trades: Iterable[tuple[int, int]], start: Lots | None = None) -> Lots:
    """The lots that signed (quantity, value) trades make, one after the other."""
    lots = start or Lots()
    for quantity, value in trades:
        lots = lots.after(quantity, value)
    return lots


def pnl_of(realised: int | None, unrealised: int | None, charges: int) -> Pnl:
    """Booked money as a result in rupees; what is unknown makes unknown what is made of it."""
    gross = None if realised is None or unrealised is None else realised + unrealised
    net = None if gross is None else gross - charges
    return Pnl(_rupees(realised), _rupees(unrealised), _rupees(gross), charges / RUPEE, _rupees(net))


def sum_of(pnls: Iterable[Pnl]) -> Pnl:
    """Several results together, added as whole counts; one that is unknown makes the sum unknown."""
    parts = list(pnls)
    realised, unrealised = _total([p.realised for p in parts]), _total([p.unrealised for p in parts])
    gross, charges = _total([p.gross for p in parts]), sum(to_money(p.charges) for p in parts)
    net = None if gross is None else gross - charges
    return Pnl(_rupees(realised), _rupees(unrealised), _rupees(gross), charges / RUPEE, _rupees(net))


def _total(parts: list[float | None]) -> int | None:
    known = [to_money(part) for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def _rupees(money: int | None) -> float | None:
    return None if money is None else money / RUPEE


def _share(money: int, part: int, whole: int) -> int:
    """`part` of `whole` of an amount, to the nearest count; all of it where part is whole."""
    if money < 0:
        return -_share(-money, part, whole)
    return (2 * money * part + whole) // (2 * whole)
