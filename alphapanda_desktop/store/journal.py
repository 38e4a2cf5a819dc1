"""The journal of one venue in SQLite: rows are added, never changed, and each is linked to the one before it.

A later fact about an intent, a session or a run is a row of its own; reading puts the two together.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, cast, final

from sqlalchemy import Connection, Table, insert, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import IntegrityError

from alphapanda_desktop.domain.alerts import AlertFact
from alphapanda_desktop.domain.daynotes import DayNote
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import Event, IntentRow, IntentState, RunRow, SessionRow
from alphapanda_desktop.domain.positions import to_money
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.proof import BadRow, prove
from alphapanda_desktop.store.queries import (
    INTENTS,
    RUNS,
    SESSIONS,
    event_of,
    events_naming,
    fact_of,
    intent_named,
    intent_of,
    is_known,
    latest_orders,
    pictures,
    rows,
    run_of,
    session_of,
    state_of,
)
from alphapanda_desktop.store.rows import FIRST_HASH, checked, link, of_ns, row_of, text_of, thing_of, to_ns
from alphapanda_desktop.store.schema import (
    alert_facts,
    causes,
    chain,
    day_notes,
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

_LAST_LINK: Final = "SELECT seq, hash FROM chain ORDER BY seq DESC LIMIT 1"


@final
class SqlJournal:
    """domain.ports.Journal over one Database; whoever opened the database closes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def waiting(self) -> int:
        """Writes and reads that the disk has not begun yet."""
        return self._database.waiting

    @property
    def trouble(self) -> str:
        """Why nothing is written now, in words; "" while all is well."""
        return self._database.trouble

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
        return await self._database.run(lambda c: [session_of(row) for row in rows(c, SESSIONS.limit(limit))])

    # --- intents --------------------------------------------------------------------------------------------------

    async def intend(self, request: OrderRequest, at: datetime, cause: Cause | None = None) -> None:
        """On the disk when this returns. Raises Fatal where the disk does not take it, Refused for a used tag."""
        row = row_of(request)
        reason = None if cause is None else {"tag": request.tag, "cause": _said(cause)}

        def work(connection: Connection) -> None:
            try:
                _append(connection, intents, at, row)
                if reason is not None:
                    _append(connection, causes, at, reason)
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
        query = INTENTS.where(intents.c.at_ns >= to_ns(since))
        return await self._database.run(lambda c: [intent_of(row) for row in rows(c, query)])

    async def intent_of(self, name: str) -> IntentRow | None:
        """The intent behind a tag or an order id; None for an order that was made elsewhere."""
        found = await self._database.run(lambda c: [intent_of(row) for row in rows(c, intent_named(name))])
        return found[0] if found else None

    async def intent_states(self, tag: str) -> list[IntentState]:
        """All that became of one intent, oldest first."""
        query = select(intent_states).where(intent_states.c.tag == tag).order_by(intent_states.c.seq)
        return await self._database.run(lambda c: [state_of(row) for row in rows(c, query)])

    async def cause(self, tag: str) -> Cause | None:
        """What an intent was decided on; None where nothing was written of it."""
        query = select(causes.c.cause).where(causes.c.tag == tag)
        text = await self._database.run(lambda c: c.execute(query).scalar())
        return None if text is None else Cause.of_json(json.loads(text))

    # --- orders and fills -----------------------------------------------------------------------------------------

    async def order_seen(self, order: Order, at: datetime) -> None:
        row = row_of(order)
        await self._database.run(lambda c: _append(c, orders, at, row))

    async def orders(self, since: datetime) -> list[Order]:
        """Latest picture of each order seen since then, in the order in which they were first seen."""
        query = latest_orders(to_ns(since))
        return await self._database.run(lambda c: [thing_of(Order, row) for row in rows(c, query)])

    async def history(self, name: str) -> list[tuple[datetime, Order]]:
        """Every picture of one order, by its tag or its order id, with when it was seen, oldest first."""
        query = pictures(name)
        return await self._database.run(lambda c: [(of_ns(r["at_ns"]), thing_of(Order, r)) for r in rows(c, query)])

    async def fill_seen(self, fill: Fill, at: datetime, strategy: str = "") -> bool:
        """False if this fill was known already."""
        row = {**row_of(fill), "strategy": strategy, "price_e4": to_money(fill.average_price)}

        def work(connection: Connection) -> bool:
            if is_known(connection, fill):
                return False
            _append(connection, fills, at, row)
            return True

        return await self._database.run(work)

    async def fills(self, since: datetime) -> list[tuple[Fill, str]]:
        """Fills with the run id of the strategy that owns them, oldest first."""
        query = select(fills).where(fills.c.at_ns >= to_ns(since)).order_by(fills.c.seq)
        return await self._database.run(lambda c: [(thing_of(Fill, row), row["strategy"]) for row in rows(c, query)])

    async def fills_of(self, order_id: str) -> list[Fill]:
        """Executions of one order, oldest first."""
        query = select(fills).where(fills.c.order_id == order_id).order_by(fills.c.seq)
        return await self._database.run(lambda c: [thing_of(Fill, row) for row in rows(c, query)])

    async def fills_in(self, exchange: str, tradingsymbol: str, product: str, strategy: str) -> list[Fill]:
        """All executions that one run ("" for no run) has made of one position, of every day, oldest first."""
        where = {"exchange": exchange, "tradingsymbol": tradingsymbol, "product": product, "strategy": strategy}
        query = select(fills).filter_by(**where).order_by(fills.c.seq)
        return await self._database.run(lambda c: [thing_of(Fill, row) for row in rows(c, query)])

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
        query = RUNS.where(runs.c.at_ns >= to_ns(since))
        return await self._database.run(lambda c: [run_of(row) for row in rows(c, query)])

    async def note(self, event: Event) -> None:
        row = {"kind": event.kind, "detail": text_of(event.detail)}
        await self._database.run(lambda c: _append(c, events, event.at, row))

    async def events(self, since: datetime, kind: str = "") -> list[Event]:
        """Oldest first."""
        query = select(events).where(events.c.at_ns >= to_ns(since)).order_by(events.c.seq)
        if kind:
            query = query.where(events.c.kind == kind)
        return await self._database.run(lambda c: [event_of(row) for row in rows(c, query)])

    async def events_about(self, name: str, since: datetime) -> list[Event]:
        """Events since then whose detail has this very text for a value, oldest first."""
        query = events_naming(name, to_ns(since))
        return await self._database.run(lambda c: [event_of(row) for row in rows(c, query)])

    async def alert_fact(self, fact: AlertFact) -> None:
        row = {"alert_id": fact.alert_id, "fact": fact.fact, "detail": text_of(fact.detail)}
        await self._database.run(lambda c: _append(c, alert_facts, fact.at, row))

    async def alert_facts(self) -> list[AlertFact]:
        """All that was ever written, oldest first."""
        query = select(alert_facts).order_by(alert_facts.c.seq)
        return await self._database.run(lambda c: [fact_of(row) for row in rows(c, query)])

    async def note_day(self, note: DayNote, at: datetime) -> None:
        """What a person says of a day from now on; what was said before stays in the chain."""
        row = {"day": note.day.isoformat(), "about": note.about, "text": note.text, "tags": text_of(note.tags)}
        await self._database.run(lambda c: _append(c, day_notes, at, row))

    # --- proof ----------------------------------------------------------------------------------------------------

    async def verify(self) -> BadRow | None:
        """The first row that is not as it was written, or None. Reads everything and holds up writes meanwhile."""
        return await self._database.run(lambda c: prove(cast(sqlite3.Connection, c.connection.dbapi_connection)).bad)


def _said(cause: Cause) -> str:
    # It is plain already, and `text_of` takes four times as long while an order waits.
    return json.dumps(cause.as_json(), separators=(",", ":"), default=str)


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
