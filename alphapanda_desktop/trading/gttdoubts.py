"""GTTs that were asked for and not answered: each may stand at the broker now, or may yet come to stand there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.session import IST

WRITES: Final = ("gtt placed", "gtt modified", "gtt deleted")
"""The journal's kinds of event for what was asked for."""


@dataclass(eq=False, slots=True)
class Doubt:
    """One GTT asked for, or changed where `id` is given; `before` are the ids that were known when it left."""

    request: GttRequest
    at: datetime
    since_s: float
    before: frozenset[int]
    id: int = 0

    @property
    def words(self) -> str:
        legs = " or ".join(f"{o.transaction_type} {o.quantity} {o.product}" for o in self.request.orders)
        what = f"the change of GTT {self.id}" if self.id else "the GTT"
        at = " and ".join(f"{value:g}" for value in self.request.trigger_values)
        return f"{what} to {legs} {self.request.key} at {at}, asked for at {self.at.astimezone(IST):%H:%M:%S}"

    def is_row(self, gtt: Gtt) -> bool:
        """Whether that GTT is what was asked for."""
        asked = self.request
        same = (gtt.key, gtt.trigger_values) == (asked.key, asked.trigger_values) and _legs(gtt) == _legs(asked)
        return (gtt.id == self.id and (same or not gtt.active)) if self.id else (same and gtt.id not in self.before)


class GttDoubts:
    """State only: what was asked for without an answer yet, and which GTTs were ever listed."""

    def __init__(self) -> None:
        self._open: list[Doubt] = []
        self._known: set[int] = set()

    def begin(self, request: GttRequest, at: datetime, since_s: float, id: int = 0) -> Doubt:
        """A request leaves now; without a clear answer it stays in doubt."""
        doubt = Doubt(request, at, since_s, frozenset(self._known), id)
        self._open.append(doubt)
        return doubt

    def answered(self, doubt: Doubt, id: int = 0) -> None:
        """A clear answer came: the id of the GTT, 0 for a no."""
        if doubt in self._open:
            self._open.remove(doubt)
        if id:
            self._known.add(id)

    def listed(self, rows: Iterable[Gtt]) -> list[int]:
        """The broker has these GTTs: ids of those that were in doubt until now."""
        found: list[int] = []
        for gtt in rows:
            doubt = next((one for one in self._open if one.is_row(gtt)), None)
            if doubt is not None:
                self.answered(doubt)
                found.append(gtt.id)
            self._known.add(gtt.id)
        return found

    def still(self, now_s: float, patience_s: float) -> list[Doubt]:
        """What may yet come; what did not come within that time never will."""
        self._open = [doubt for doubt in self._open if now_s - doubt.since_s < patience_s]
        return list(self._open)


def _legs(gtt: Gtt | GttRequest) -> list[tuple[str, int, float, str]]:
    return [(o.transaction_type, o.quantity, o.price, o.product) for o in gtt.orders]


def unanswered_in(asked: Iterable[Event], answers: Iterable[Event]) -> list[tuple[GttRequest, datetime, int]]:
    """Of journaled requests about GTTs, those without a clear answer: what was asked for, when, and the id changed.

    An answer does not say what it answers; with several under way none of them is taken for answered.
    """
    waiting: list[Event] = []
    for event in sorted([*asked, *answers], key=lambda event: event.at):
        if event.kind in WRITES:
            waiting.append(event)
        elif len(waiting) == 1 and event.detail.get("error") != "Unknown":
            waiting.clear()
    return [(_request_of(e.detail), e.at, int(str(e.detail.get("id", 0)))) for e in waiting if "orders" in e.detail]


def _request_of(detail: Mapping[str, Any]) -> GttRequest:
    exchange, _, tradingsymbol = str(detail["order"]).partition(":")
    return GttRequest(
        exchange=exchange,
        tradingsymbol=tradingsymbol,
        trigger_values=tuple(detail["triggers"]),
        last_price=detail["last_price"],
        orders=tuple(
            GttOrder(transaction_type=o["side"], quantity=o["quantity"], price=o["price"], product=o["product"])
            for o in detail["orders"]
        ),
    )
