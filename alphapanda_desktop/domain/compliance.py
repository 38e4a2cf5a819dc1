"""How many orders an account may send: the regulator's, the exchanges' and Zerodha's figures, each with its date."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLimits:
    """What may leave in a second, a minute and a day, of all order paths together.

    Placements, modifications and cancellations count for the second and the minute, placements alone for the day.
    The reserves are kept back from entries and modifications (`minute_`) and from entries (`day_`), so that whoever
    is in can get out; the headroom is never used, for the network bunches what leaves evenly.
    """

    since: date
    source: str
    per_second: int = 10
    per_minute: int = 400
    per_day: int = 5_000
    modifications_per_order: int = 25
    autoslice_max: int = 10
    day_reserve_for_exits: int = 250
    minute_reserve_for_exits: int = 60
    headroom_per_second: int = 1
    headroom_per_minute: int = 10

    @property
    def second(self) -> int:
        """How many leave in any second."""
        return max(1, self.per_second - self.headroom_per_second)

    def minute(self, *, for_exits: bool) -> int:
        """How many may have left in any minute when one more of this kind would leave."""
        kept = 0 if for_exits else self.minute_reserve_for_exits
        return max(1, self.per_minute - self.headroom_per_minute - kept)

    def day(self, *, for_exits: bool) -> int:
        """How many placements a day holds."""
        return max(1, self.per_day - (0 if for_exits else self.day_reserve_for_exits))


LIMITS: Final[tuple[OrderLimits, ...]] = (
    OrderLimits(
        since=date(2020, 1, 1),
        source="Kite Connect's older pages: 200 a minute, 3,000 a day; CONTRACT 3.2",
        per_minute=200,
        per_day=3_000,
    ),
    OrderLimits(
        since=date(2026, 4, 1),
        source="SEBI circular of 4 Feb 2025, NSE/INVG/67858: 10 a second without registration, in force; CONTRACT 3.4",
        per_minute=200,
        per_day=3_000,
    ),
    OrderLimits(
        since=date(2026, 7, 14),
        source="Kite Connect documentation as read on 14 Jul 2026: 10 a second, 400 a minute, 5,000 a day, "
        "25 modifications an order; CONTRACT 3.2",
    ),
)

_CAPS: Final = ("per_second", "per_minute", "per_day", "modifications_per_order", "autoslice_max")


def limits_on(day: date) -> OrderLimits:
    """The figures in force on that day."""
    return next((row for row in reversed(LIMITS) if row.since <= day), LIMITS[0])


def beyond(limits: OrderLimits, day: date) -> str:
    """Which figure lies outside what is allowed on that day, with value and limit; empty when none does."""
    legal = limits_on(day)
    for name in _CAPS:
        value, limit = getattr(limits, name), getattr(legal, name)
        if not 1 <= value <= limit:
            return f"Order limits: {name.replace('_', ' ')} of {value} asked, 1 to {limit} allowed ({legal.source})."
    for field in fields(limits):
        if field.name not in _CAPS and isinstance(value := getattr(limits, field.name), int) and value < 0:
            return f"Order limits: {field.name.replace('_', ' ')} of {value} asked, 0 or more allowed."
    return ""
