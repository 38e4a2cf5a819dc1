"""A trail as text for a person: what was known, the rules, the request, what became of it, the money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.grouping import grouped
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import RunRow
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.why import Cause

if TYPE_CHECKING:
    from alphapanda_desktop.trading.why import Trail

WIDTH: Final = 18
"""Of the left column, in characters."""

NOT_ASKED: Final = frozenset({"tag", "strategy", "reason", "instrument_token"})
"""Fields of a request that the head of the trail says already."""

_DEFAULTS: Final = {"variety": "regular", "validity": "DAY", "disclosed_quantity": 0}


def paragraphs(trail: Trail) -> Iterator[str]:
    """The lines of the whole trail."""
    if not trail.known:
        yield f"The journal knows nothing of {trail.name!r}."
        return
    yield from _head(trail)
    yield from _part("Reason", [_reason(trail)])
    yield from _part("What was known", [*_known(trail.cause), *_parameters(trail.run)])
    yield from _part("Rules", _rules(trail.cause))
    yield from _part("Request", _request(trail.intent.request) if trail.intent else ["not made by this program"])
    yield from _part("What became of it", [f"{_ist(at)}  {what}" for at, what in moments(trail)])
    yield from _part("Money", _money(trail))


def moments(trail: Trail) -> list[tuple[datetime, str]]:
    """All that happened to the order, oldest first, in words."""
    told: list[tuple[datetime, str]] = []
    if trail.intent:
        told.append((trail.intent.at, "written in the journal, before it was sent"))
    told += [(s.at, _state(s.state, s.order_id, s.detail)) for s in trail.states]
    told += [(at, _picture(order)) for at, order in trail.pictures]
    told += [(event.at, _event(event.kind, event.detail)) for event in trail.events]
    told += [(fill.fill_timestamp, _fill(fill)) for fill in trail.fills if fill.fill_timestamp]
    return sorted(told, key=lambda moment: moment[0])


def _part(title: str, lines: list[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}" for line in lines)


def _head(trail: Trail) -> Iterator[str]:
    order, asked = trail.order, trail.intent.request if trail.intent else None
    thing = asked or order or (trail.fills[0] if trail.fills else None)
    if thing is None:
        yield f"{trail.name}: refused before it became an order"
        return
    yield f"{thing.transaction_type} {thing.quantity} {thing.key} as {thing.product}"
    ids = dict.fromkeys(
        [o.order_id for _, o in trail.pictures if o.order_id] + [trail.intent.order_id if trail.intent else ""]
    )
    yield f"order {', '.join(filter(None, ids)) or 'never got a number'} · {_asker(asked, trail.run)}"


def _asker(asked: OrderRequest | None, run: RunRow | None) -> str:
    if asked is None:
        return "made elsewhere"
    strategy = f"strategy {run.strategy}, run {asked.strategy}" if run else f"strategy run {asked.strategy}"
    return f"tag {asked.tag} · {strategy if asked.strategy else 'by hand'}"


def _reason(trail: Trail) -> str:
    told = (trail.intent and trail.intent.request.reason) or (trail.cause and trail.cause.reason)
    return told or "none was given"


def _known(cause: Cause | None) -> list[str]:
    if cause is None:
        return ["nothing was written down of it"]
    rows = (("tick", cause.tick), ("bar", cause.bar), ("shown", cause.values))
    told = [_row(name, _facts(facts) if facts else "none") for name, facts in rows]
    return [*told, _row("market", _market(cause.market or {}))]


def _market(market: Mapping[str, Any]) -> str:
    age_s = market.get("age_s")
    age = "of unknown age" if age_s is None else f"{age_s:.1f} s old"
    prices = ", ".join(f"{name} {_value(market.get(name))}" for name in ("last", "bid", "ask"))
    return f"{prices}, {age}" if market.get("last") is not None else "no price was known"


def _parameters(run: RunRow | None) -> list[str]:
    return [_row("parameters", _facts(run.parameters))] if run else []


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_value(value)}" for name, value in facts.items())


def _value(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".")
    if isinstance(value, list):
        return "/".join(map(_value, value))
    return _moment(value) if isinstance(value, str) else str(value)


def _moment(text: str) -> str:
    """ISO times in IST, all other text as it is."""
    if not (len(text) >= 19 and text[4] == "-" and text[10] == "T"):
        return text
    return _ist(datetime.fromisoformat(text))


def _rules(cause: Cause | None) -> list[str]:
    if cause is None or not cause.rules:
        return ["not written down"]
    return [f"{'passed' if r.passed else 'FAILED'}  {r.rule}: {r.value}, limit {r.limit}" for r in cause.rules]


def _request(request: OrderRequest) -> list[str]:
    asked = [(field.name, getattr(request, field.name)) for field in fields(request) if field.name not in NOT_ASKED]
    return [
        _row(name.replace("_", " "), _value(value)) for name, value in asked if value not in (None, _DEFAULTS.get(name))
    ]


def _state(state: str, order_id: str, detail: str) -> str:
    words = f"{state}, order {order_id}" if order_id else state
    return f"{words}: {detail}" if detail else words


def _picture(order: Order) -> str:
    filled = f", {order.filled_quantity} of {order.quantity} filled"
    at = f" at {order.average_price:.2f}" if order.filled_quantity else ""
    price = f", price {order.price:.2f}" if order.price else ""
    trigger = f", trigger {order.trigger_price:.2f}" if order.trigger_price else ""
    said = f": {order.status_message}" if order.status_message else ""
    return f"{order.status}{filled}{at}{price}{trigger}{said}"


def _event(kind: str, detail: Mapping[str, object]) -> str:
    return f"{kind}: {_facts(detail)}"


def _fill(fill: Fill) -> str:
    return f"filled {fill.quantity} at {fill.average_price:.2f}, trade {fill.trade_id}"


def _money(trail: Trail) -> list[str]:
    if not trail.fills:
        return ["nothing was filled"]
    lines = [_row("charges", _charges(charges)) for _, charges in trail.charges] or [_row("charges", "unknown")]
    lines.append(_row("realised", _rupees(trail.realised) + " by this order, before charges"))
    if trail.pnl is not None:
        net = f"{_rupees(trail.pnl.net)} net of {_rupees(trail.pnl.charges)} charges"
        lines.append(_row("run today", f"{net}, {_rupees(trail.pnl.unrealised)} of it open"))
    return lines


def _charges(charges: Charges) -> str:
    parts = [(f.name, getattr(charges, f.name)) for f in fields(charges)]
    told = [f"{name.replace('_', ' ')} {part / RUPEE:.2f}" for name, part in parts if isinstance(part, int) and part]
    return f"₹{charges.total / RUPEE:.2f} ({', '.join(told)})"


def _rupees(value: float | None) -> str:
    return "unknown" if value is None else f"{'−' if value < 0 else ''}₹{grouped(abs(value), 2)}"


def _row(name: str, text: str) -> str:
    return f"{name:<{WIDTH}} {text}"


def _ist(at: datetime) -> str:
    return at.astimezone(IST).strftime("%d %b %Y %H:%M:%S.%f")[:-3]
