"""The journal of one venue in SQLite: rows are added, never changed, and each is linked to the one before it.

A later fact about an intent, a session or a run is a row of its own; reading puts the two together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Final, final

from sqlalchemy import Connection, RowMapping, Select, Subquery, Table, case, func, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import Event, IntentRow, RunRow, SessionRow
from alphapanda_desktop.domain.positions import to_money
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.rows import FIRST_HASH, checked, link, of_ns, row_of, text_of, thing_of, to_ns
from alphapanda_desktop.store.schema import (
    JOURNAL,
    chain,
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

_LAST_LINK: Final = "SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1"


@dataclass(frozen=True, slots=True)
class BadRow:
    """Where a journal stops being what was written: the row's number, its table, and what is wrong."""

    seq: int
    kind: str
    why: str


@final
class SqlJournal:
    """domain.ports.Journal over one Database; whoever opened the database closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- sessions -------------------------------------------------------------------------------------------------

    async def session_began(self, user_id: str, login_time: datetime, expires_at: datetime) -> int:
        """Row id of the session."""
        row = {"user_id": user_id, "login_time_ns": to_ns(login_time), "expires_at_ns": to_ns(expires_at)}
        return await self._database.run(lambda c: _append(c, sessions, login_time, row))

    async def session_ended(self, row_id: int, at: datetime, how: str) -> None:
        """Only the first end of a session counts."""
        row = {"session_seq": row_id, "how": how}
        await self._database.run(lambda c: _append(c, session_ends, at, row))

    async def sessions(self, limit: int = 50) -> list[SessionRow]:
        """Newest first."""
        return await self._database.run(lambda c: [_session(row) for row in _rows(c, _SESSIONS.limit(limit))])

    # --- intents --------------------------------------------------------------------------------------------------

    async def intend(self, request: OrderRequest, at: datetime) -> None:
        """On the disk when this returns. Raises Fatal where the disk does not take it, Refused for a used tag."""
        row = row_of(request)

        def work(connection: Connection) -> None:
            try:
                _append(connection, intents, at, row)
            except IntegrityError as error:
                if "UNIQUE" not in str(error.orig):
                    raise
                raise Refused(f"the journal has an order with tag {request.tag!r} already", rule="tag") from error

        await self._database.run(work)

    async def settle(self, tag: str, state: str, at: datetime, order_id: str = "", detail: str = "") -> None:
        """What became of an intent. Raises BadData for a tag that was never intended."""
        row = {"tag": tag, "state": state, "order_id": order_id, "detail": detail}
        await self._database.run(lambda c: _append(c, intent_states, at, row))

    async def intents(self, since: datetime) -> list[IntentRow]:
        """Intents since then with their latest state, oldest first; `at` is when the order was meant."""
        query = _INTENTS.where(intents.c.at_ns >= to_ns(since))
        return await self._database.run(lambda c: [_intent(row) for row in _rows(c, query)])

    # --- orders and fills -----------------------------------------------------------------------------------------

    async def order_seen(self, order: Order, at: datetime) -> None:
        row = row_of(order)
        await self._database.run(lambda c: _append(c, orders, at, row))

    async def orders(self, since: datetime) -> list[Order]:
        """Latest picture of each order seen since then, in the order in which they were first seen."""
        query = _latest_orders(to_ns(since))
        return await self._database.run(lambda c: [thing_of(Order, row) for row in _rows(c, query)])

    async def fill_seen(self, fill: Fill, at: datetime, strategy: str = "") -> bool:
        """False if this fill was known already."""
        row = {**row_of(fill), "strategy": strategy, "price_e4": to_money(fill.average_price)}

        def work(connection: Connection) -> bool:
            if _known(connection, fill):
                return False
            _append(connection, fills, at, row)
            return True

        return await self._database.run(work)

    async def fills(self, since: datetime) -> list[tuple[Fill, str]]:
        """Fills with the run id of the strategy that owns them, oldest first."""
        query = select(fills).where(fills.c.at_ns >= to_ns(since)).order_by(fills.c.seq)
        return await self._database.run(lambda c: [(thing_of(Fill, row), row["strategy"]) for row in _rows(c, query)])

    # --- runs and events ------------------------------------------------------------------------------------------

    async def run_began(self, run: RunRow) -> None:
        row = {
            "run_id": run.run_id,
            "strategy": run.strategy,
            "instruments": text_of(run.instruments),
            "parameters": text_of(run.parameters),
            "started_at_ns": to_ns(run.started_at),
        }
        await self._database.run(lambda c: _append(c, runs, run.started_at, row))

    async def run_ended(self, run_id: str, at: datetime, how: str) -> None:
        """Only the first end of a run counts. Raises BadData for a run that never began."""
        row = {"run_id": run_id, "how": how}
        await self._database.run(lambda c: _append(c, run_ends, at, row))

    async def runs(self, since: datetime) -> list[RunRow]:
        """Runs that began since then, oldest first."""
        query = _RUNS.where(runs.c.at_ns >= to_ns(since))
        return await self._database.run(lambda c: [_run(row) for row in _rows(c, query)])

    async def note(self, event: Event) -> None:
        row = {"kind": event.kind, "detail": text_of(event.detail)}
        await self._database.run(lambda c: _append(c, events, event.at, row))

    async def events(self, since: datetime, kind: str = "") -> list[Event]:
        """Oldest first."""
        query = select(events).where(events.c.at_ns >= to_ns(since)).order_by(events.c.seq)
        if kind:
            query = query.where(events.c.kind == kind)
        return await self._database.run(lambda c: [_event(row) for row in _rows(c, query)])

    # --- proof ----------------------------------------------------------------------------------------------------

    async def verify(self) -> BadRow | None:
        """The first row that is not as it was written, or None.

        Reads everything and holds up writes meanwhile. Rows cut off at the very end leave no trace here: who must
        know compares the last hash with one kept elsewhere.
        """
        return await self._database.run(_first_bad_row)


def _append(connection: Connection, table: Table, at: datetime, row: Mapping[str, Any]) -> int:
    """Add one row and its link; its number."""
    last = connection.exec_driver_sql(_LAST_LINK).first()
    seq, prev_hash = (last.seq + 1, last.hash) if last else (1, FIRST_HASH)
    content = checked(table, {**row, "at_ns": to_ns(at)})
    _insert(connection, chain, (seq, table.name, prev_hash, link(prev_hash, seq, table.name, content)))
    _insert(connection, table, (seq, *(content[column.name] for column in table.columns if column.name != "seq")))
    return seq


def _insert(connection: Connection, table: Table, values: tuple[Any, ...]) -> None:
    # Text made once for the driver: an order waits for this, and SQLAlchemy's way there takes three times as long.
    connection.exec_driver_sql(_insert_sql(table), values)


@cache
def _insert_sql(table: Table) -> str:
    return str(insert(table).compile(dialect=sqlite.dialect()))


def _known(connection: Connection, fill: Fill) -> bool:
    exchange, order_id, trade_id = fill.id
    same = (fills.c.exchange == exchange, fills.c.order_id == order_id, fills.c.trade_id == trade_id)
    return connection.execute(select(fills.c.seq).where(*same)).first() is not None


def _rows(connection: Connection, query: Select[Any]) -> Iterator[RowMapping]:
    return iter(connection.execute(query).mappings())


# --- reading ---------------------------------------------------------------------------------------------------------


def _first_end(table: Table, owner: str) -> Subquery:
    first = select(func.min(table.c.seq)).group_by(table.c[owner])
    return select(table).where(table.c.seq.in_(first)).subquery()


def _with_end(table: Table, key: str, ends: Table, owner: str) -> Select[Any]:
    end = _first_end(ends, owner)
    joined = table.outerjoin(end, end.c[owner] == table.c[key])
    return select(table, end.c.at_ns.label("ended_at_ns"), end.c.how).select_from(joined)


_SESSIONS: Final = _with_end(sessions, "seq", session_ends, "session_seq").order_by(sessions.c.seq.desc())
_RUNS: Final = _with_end(runs, "run_id", run_ends, "run_id").order_by(runs.c.seq)


def _last_seq(*conditions: Any) -> Any:
    return select(func.max(intent_states.c.seq)).where(intent_states.c.tag == intents.c.tag, *conditions)


def _intents() -> Select[Any]:
    state, named = intent_states.alias("state"), intent_states.alias("named")
    known = intents.outerjoin(state, state.c.seq == _last_seq().scalar_subquery())
    known = known.outerjoin(named, named.c.seq == _last_seq(intent_states.c.order_id != "").scalar_subquery())
    latest = (state.c.state, state.c.detail, named.c.order_id)
    return select(intents, *latest).select_from(known).order_by(intents.c.seq)


_INTENTS: Final = _intents()


def _latest_orders(since_ns: int) -> Select[Any]:
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


def _session(row: RowMapping) -> SessionRow:
    login_time, expires_at = of_ns(row["login_time_ns"]), of_ns(row["expires_at_ns"])
    return SessionRow(row["seq"], row["user_id"], login_time, expires_at, *_end(row))


def _intent(row: RowMapping) -> IntentRow:
    request, at = thing_of(OrderRequest, row), of_ns(row["at_ns"])
    return IntentRow(request, row["state"] or INTENDED, row["order_id"] or "", at, row["detail"] or "")


def _run(row: RowMapping) -> RunRow:
    instruments, parameters = tuple(json.loads(row["instruments"])), json.loads(row["parameters"])
    return RunRow(row["run_id"], row["strategy"], instruments, parameters, of_ns(row["started_at_ns"]), *_end(row))


def _event(row: RowMapping) -> Event:
    return Event(row["kind"], of_ns(row["at_ns"]), json.loads(row["detail"]))


# --- proof -----------------------------------------------------------------------------------------------------------


def _first_bad_row(connection: Connection) -> BadRow | None:
    contents = {name: _rows(connection, select(table).order_by(table.c.seq)) for name, table in JOURNAL.items()}
    prev_hash, expected = FIRST_HASH, 1
    for entry in _rows(connection, select(chain).order_by(chain.c.seq)):
        why = _fault(entry, contents, prev_hash, expected)
        if why:
            return BadRow(entry["seq"], entry["kind"], why)
        prev_hash, expected = entry["hash"], expected + 1
    return _unnumbered(contents)


def _fault(entry: RowMapping, contents: Mapping[str, Iterator[RowMapping]], prev_hash: str, expected: int) -> str:
    """What is wrong with the row of this link, empty if nothing is."""
    if entry["seq"] != expected:
        return f"row {expected} is missing before it"
    if entry["prev_hash"] != prev_hash:
        return "it does not follow the row before it"
    row = next(contents.get(entry["kind"], iter(())), None)
    if row is None or row["seq"] != expected:
        return "its content is missing"
    content = {str(name): value for name, value in row.items() if name != "seq"}
    return "" if link(prev_hash, expected, entry["kind"], content) == entry["hash"] else "its content was changed"


def _unnumbered(contents: Mapping[str, Iterator[RowMapping]]) -> BadRow | None:
    for kind, rows in contents.items():
        row = next(rows, None)
        if row is not None:
            return BadRow(row["seq"], kind, "it was never numbered")
    return None
