"""Why this order: from its tag or id back to what it was decided on, and on to what became of it and what it cost.

Read from the journal, so that it holds for any order of any day; the ledger adds today's result of the run.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.pnl import Pnl
from alphapanda_desktop.domain.ports import Event, IntentRow, IntentState, Journal, RunRow
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.trading.ledger import Ledger, PriceOf
from alphapanda_desktop.trading.whytext import paragraphs

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

LONGEST_RUN: Final = timedelta(days=40)
"""How long before its order a run may have begun to be found."""

Find = Callable[[str], Instrument | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """All that is known of one order. Empty parts are unknown: an order from elsewhere has no intent and no cause.

    `realised` is what this order's own fills have realised, rupees before charges; `pnl` is today's of its whole run.
    """

    name: str
    intent: IntentRow | None = None
    run: RunRow | None = None
    """The run that asked, with its parameters; None for an order by hand."""
    cause: Cause | None = None
    states: tuple[IntentState, ...] = ()
    pictures: tuple[tuple[datetime, Order], ...] = ()
    events: tuple[Event, ...] = ()
    fills: tuple[Fill, ...] = ()
    charges: tuple[tuple[str, Charges], ...] = ()
    """By order id: an intent that was cut into several orders pays for each."""
    realised: float | None = None
    pnl: Pnl | None = None

    @property
    def known(self) -> bool:
        """Whether the journal knows anything of it."""
        return bool(self.intent or self.pictures or self.events or self.fills)

    @property
    def order(self) -> Order | None:
        """The last picture, None where the broker never told of one."""
        return self.pictures[-1][1] if self.pictures else None

    def text(self) -> str:
        """The whole trail for a person to read, times in IST."""
        return "\n".join(paragraphs(self)) + "\n"

    def json(self) -> str:
        """The whole trail as one JSON object: times ISO text in UTC, charges in rupees."""
        return json.dumps(self.facts(), indent=2, ensure_ascii=False)

    def facts(self) -> dict[str, Any]:
        """What `json` says, as plain values."""
        told = {field.name: _plain(getattr(self, field.name)) for field in fields(self)}
        told["cause"] = self.cause.as_json() if self.cause else None
        return told


def _plain(value: object) -> Any:
    if isinstance(value, Charges):
        parts = {field.name: getattr(value, field.name) for field in fields(value)} | {"total": value.total}
        return {name: part / RUPEE if isinstance(part, int) else part for name, part in parts.items()}
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | None) else str(value)


async def why(
    journal: Journal,
    ledger: Ledger | None,
    name: str,
    *,
    price_of: PriceOf = lambda _key: None,
    find: Find = lambda _key: None,
) -> Trail:
    """The trail of the order of that tag or order id; empty where the journal knows nothing of it.

    `price_of` and `find` (instrument by key) make today's result of the run complete. Raises Fatal.
    """
    intent = await journal.intent_of(name)
    pictures = await journal.history(name)
    fills = [fill for order_id in _order_ids(name, intent, pictures) for fill in await journal.fills_of(order_id)]
    tag = intent.request.tag if intent else name
    run_id = intent.request.strategy if intent else ""
    own = await _money(journal, fills, run_id, find, {order.order_id: order for _, order in pictures})
    return Trail(
        name=name,
        intent=intent,
        run=await _run(journal, intent),
        cause=await journal.cause(tag),
        states=tuple(await journal.intent_states(tag)),
        pictures=tuple(pictures),
        events=tuple(await _events(journal, {tag, name, *(fill.order_id for fill in fills)}, intent, pictures)),
        fills=tuple(fills),
        charges=tuple(own.charges),
        realised=own.realised,
        pnl=ledger.of_run(run_id, price_of) if ledger and run_id else None,
    )


def _order_ids(name: str, intent: IntentRow | None, pictures: Iterable[tuple[datetime, Order]]) -> list[str]:
    told = [order.order_id for _, order in pictures] + [intent.order_id if intent else name]
    return [order_id for order_id in dict.fromkeys(told) if order_id]


async def _run(journal: Journal, intent: IntentRow | None) -> RunRow | None:
    if intent is None or not intent.request.strategy:
        return None
    runs = await journal.runs(intent.at - LONGEST_RUN)
    return next((run for run in runs if run.run_id == intent.request.strategy), None)


async def _events(
    journal: Journal, names: set[str], intent: IntentRow | None, pictures: list[tuple[datetime, Order]]
) -> list[Event]:
    names |= {order.order_id for _, order in pictures} | ({intent.order_id} if intent else set())
    since = intent.at if intent else LONG_AGO
    found = [event for name in sorted(names - {""}) for event in await journal.events_about(name, since)]
    unlike = {(event.at, event.kind, str(event.detail)): event for event in found}
    return sorted(unlike.values(), key=lambda event: event.at)


@dataclass(frozen=True, slots=True)
class _Money:
    charges: list[tuple[str, Charges]]
    realised: float | None


async def _money(journal: Journal, fills: list[Fill], run_id: str, find: Find, orders: Mapping[str, Order]) -> _Money:
    """What the order's own fills cost and realised, by all the fills that its run has made of that position."""
    if not fills:
        return _Money([], None)
    first, ids = fills[0], {fill.order_id for fill in fills}
    book, realised, held, known = Ledger(find, lambda: _day(first)), 0.0, 0, True
    for fill in await journal.fills_in(first.exchange, first.tradingsymbol, first.product, run_id):
        before = _realised(book, run_id)
        book.take(fill, run_id, orders.get(fill.order_id))
        held += fill.sign * fill.quantity
        # Shares that are sold without having been bought here came from elsewhere, at a cost that is not known.
        known = known and (held >= 0 or fill.product not in ("CNC", "MTF"))
        if fill.order_id in ids:
            realised += _realised(book, run_id) - before
    charges = [(order_id, cost) for order_id in sorted(ids) if (cost := book.of_order(order_id)) is not None]
    return _Money(charges, round(realised, 4) if known else None)


def _realised(book: Ledger, run_id: str) -> float:
    return book.of_run(run_id, lambda _key: None).realised or 0.0


def _day(fill: Fill) -> date:
    return (fill.fill_timestamp or LONG_AGO).astimezone(IST).date()
