"""Questions to the journal's tables, and their rows as domain values."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Select, Subquery, Table, case, func, or_, select

from alphapanda_desktop.domain.alerts import AlertFact
from alphapanda_desktop.domain.orders import Fill, OrderRequest
from alphapanda_desktop.domain.ports import Event, IntentRow, IntentState, RunRow, SessionRow
from alphapanda_desktop.store.rows import of_ns, thing_of
from alphapanda_desktop.store.schema import (
    events,
    fills,
    intent_states,
    intents,
    orders,
    run_ends,
    runs,
    session_ends,
    sessions,
)

INTENDED: Final = "intended"
"""State of an intent of which nothing more is known than that it was written."""


def rows(connection: Connection, query: Select[Any]) -> Iterator[RowMapping]:
    """The rows of a query by column name."""
    return iter(connection.execute(query).mappings())


def is_known(connection: Connection, fill: Fill) -> bool:
    """Whether the fill was written before."""
    exchange, order_id, trade_id = fill.id
    same = (fills.c.exchange == exchange, fills.c.order_id == order_id, fills.c.trade_id == trade_id)
    return connection.execute(select(fills.c.seq).where(*same)).first() is not None


def _first_end(table: Table, owner: str) -> Subquery:
    first = select(func.min(table.c.seq)).group_by(table.c[owner])
    return select(table).where(table.c.seq.in_(first)).subquery()


def _with_end(table: Table, key: str, ends: Table, owner: str) -> Select[Any]:
    end = _first_end(ends, owner)
    joined = table.outerjoin(end, end.c[owner] == table.c[key])
    return select(table, end.c.at_ns.label("ended_at_ns"), end.c.how).select_from(joined)


SESSIONS: Final = _with_end(sessions, "seq", session_ends, "session_seq").order_by(sessions.c.seq.desc())
RUNS: Final = _with_end(runs, "run_id", run_ends, "run_id").order_by(runs.c.seq)


def _last_seq(*conditions: Any) -> Any:
    return select(func.max(intent_states.c.seq)).where(intent_states.c.tag == intents.c.tag, *conditions)


def _intents() -> Select[Any]:
    state, named = intent_states.alias("state"), intent_states.alias("named")
    known = intents.outerjoin(state, state.c.seq == _last_seq().scalar_subquery())
    known = known.outerjoin(named, named.c.seq == _last_seq(intent_states.c.order_id != "").scalar_subquery())
    latest = (state.c.state, state.c.detail, named.c.order_id)
    return select(intents, *latest).select_from(known).order_by(intents.c.seq)


INTENTS: Final = _intents()


def latest_orders(since_ns: int) -> Select[Any]:
    """The last picture of each order seen since then, in the order of the first ones."""
    # Orders whose reply is awaited have no order_id yet: their tag tells them apart.
    unnamed = case((orders.c.order_id == "", orders.c.tag))
    spans = (
        select(func.min(orders.c.seq).label("first"), func.max(orders.c.seq).label("last"))
        .where(orders.c.at_ns >= since_ns)
        .group_by(orders.c.order_id, unnamed)
        .subquery()
    )
    return select(orders).join(spans, orders.c.seq == spans.c.last).order_by(spans.c.first)


def _end(row: RowMapping) -> tuple[datetime | None, str]:
    return (None, "") if row["ended_at_ns"] is None else (of_ns(row["ended_at_ns"]), row["how"])


def session_of(row: RowMapping) -> SessionRow:
    """A login as it is remembered."""
    login_time, expires_at = of_ns(row["login_time_ns"]), of_ns(row["expires_at_ns"])
    return SessionRow(row["seq"], row["user_id"], login_time, expires_at, *_end(row))


def intent_of(row: RowMapping) -> IntentRow:
    """An intent with its latest state."""
    request, at = thing_of(OrderRequest, row), of_ns(row["at_ns"])
    return IntentRow(request, row["state"] or INTENDED, row["order_id"] or "", at, row["detail"] or "")


def run_of(row: RowMapping) -> RunRow:
    """A run with its end, if it had one."""
    instruments, parameters = tuple(json.loads(row["instruments"])), json.loads(row["parameters"])
    return RunRow(row["run_id"], row["strategy"], instruments, parameters, of_ns(row["started_at_ns"]), *_end(row))


def event_of(row: RowMapping) -> Event:
    """An event as it was noted."""
    return Event(row["kind"], of_ns(row["at_ns"]), json.loads(row["detail"]))


def fact_of(row: RowMapping) -> AlertFact:
    """What became of an alert."""
    return AlertFact(row["alert_id"], row["fact"], of_ns(row["at_ns"]), json.loads(row["detail"]))


def state_of(row: RowMapping) -> IntentState:
    """One thing that became of an intent."""
    return IntentState(row["state"], of_ns(row["at_ns"]), row["order_id"], row["detail"])


def intent_named(name: str) -> Select[Any]:
    """The intent of that tag, or the one of which an order of that id came."""
    return INTENTS.where(or_(intents.c.tag == name, intents.c.tag.in_(_tags_of(name))))


def _tags_of(order_id: str) -> Any:
    said = select(intent_states.c.tag).where(intent_states.c.order_id == order_id, intent_states.c.order_id != "")
    seen = select(orders.c.tag).where(orders.c.order_id == order_id, orders.c.order_id != "", orders.c.tag.is_not(None))
    return said.union(seen)


def pictures(name: str) -> Select[Any]:
    """Every picture of the order of that tag or id; pictures need not carry the tag, so its order ids count too."""
    said = select(intent_states.c.order_id).where(intent_states.c.tag == name, intent_states.c.order_id != "")
    seen = select(orders.c.order_id).where(orders.c.tag == name, orders.c.order_id != "")
    ids = or_(orders.c.order_id == name, orders.c.order_id.in_(said.union(seen)))
    own = or_(orders.c.tag == name, orders.c.tag.in_(_tags_of(name)))
    return select(orders).where(or_(ids, own)).order_by(orders.c.seq)


def events_naming(name: str, since_ns: int) -> Select[Any]:
    """Events whose detail has the name for a value."""
    found = func.instr(events.c.detail, json.dumps(name, ensure_ascii=False)) > 0
    return select(events).where(events.c.at_ns >= since_ns, found).order_by(events.c.seq)
