"""Tables of one venue's journal: facts that are added and never changed, each with its link in one hash chain.

`chain` numbers every row of every other table; a row's own `seq` is its number there. Times are integer epoch
nanoseconds UTC, booked money integer ten-thousandths of a rupee, prices rupees as Kite sent them. No secret, ever.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
)
from sqlalchemy.types import TypeEngine

REVISIONS: Final = ("0001", "0002", "0003", "0004")
"""Every schema this program can open or upgrade, oldest first; the last is the one it works with."""

HEAD: Final = REVISIONS[-1]

metadata: Final = MetaData()

chain: Final = Table(
    "chain",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("prev_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)

head: Final = Table(
    "head",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("seq", Integer, nullable=False),
    Column("hash", Text, nullable=False),
)
"""One row: the number and hash of the last row of the chain, kept by a trigger. Rows cut off at the end show here."""

Columns = Iterable[Column[Any]]
Kind = type[TypeEngine[Any]]


def _journal(name: str, *columns: Column[Any]) -> Table:
    number: Column[Any] = Column("seq", Integer, ForeignKey("chain.seq"), primary_key=True)
    return Table(name, metadata, number, Column("at_ns", Integer, nullable=False), *columns)


def _need(type_: Kind, *names: str) -> Columns:
    return [Column(name, type_, nullable=False) for name in names]


def _may(type_: Kind, *names: str) -> Columns:
    return [Column(name, type_) for name in names]


sessions: Final = _journal(
    "sessions",
    *_need(Text, "user_id"),
    *_need(Integer, "login_time_ns", "expires_at_ns"),
)

session_ends: Final = _journal(
    "session_ends",
    Column("session_seq", Integer, ForeignKey("sessions.seq"), nullable=False, index=True),
    *_need(Text, "how"),
)

intents: Final = _journal(
    "intents",
    Column("tag", Text, nullable=False, unique=True),
    *_need(Text, "exchange", "tradingsymbol", "transaction_type", "product", "order_type", "variety", "validity"),
    *_need(Integer, "quantity", "instrument_token", "disclosed_quantity"),
    *_need(Text, "strategy", "reason"),
    *_may(Float, "price", "trigger_price", "market_protection"),
    *_may(Integer, "validity_ttl", "iceberg_legs", "iceberg_quantity"),
)

intent_states: Final = _journal(
    "intent_states",
    Column("tag", Text, ForeignKey("intents.tag"), nullable=False, index=True),
    *_need(Text, "state", "order_id", "detail"),
)
Index("ix_intent_states_order_id", intent_states.c.order_id)

causes: Final = _journal(
    "causes",
    Column("tag", Text, ForeignKey("intents.tag"), nullable=False, unique=True),
    *_need(Text, "cause"),
)

orders: Final = _journal(
    "orders",
    *_need(Text, "order_id", "status", "exchange", "tradingsymbol", "transaction_type", "product", "order_type"),
    *_need(Text, "variety", "validity", "placed_by", "guid", "tags", "meta"),
    *_need(Integer, "quantity", "filled_quantity", "pending_quantity", "cancelled_quantity", "disclosed_quantity"),
    *_need(Integer, "instrument_token"),
    *_need(Float, "price", "trigger_price", "average_price", "market_protection"),
    *_need(Boolean, "modified"),
    *_may(Text, "exchange_order_id", "parent_order_id", "status_message", "status_message_raw", "tag"),
    *_may(Integer, "order_timestamp_ns", "exchange_timestamp_ns", "exchange_update_timestamp_ns"),
)
Index("ix_orders_order_id", orders.c.order_id)
Index("ix_orders_tag", orders.c.tag)

fills: Final = _journal(
    "fills",
    *_need(Text, "trade_id", "order_id", "exchange", "tradingsymbol", "transaction_type", "product"),
    *_need(Text, "exchange_order_id", "strategy"),
    *_need(Integer, "quantity", "instrument_token", "price_e4"),
    *_need(Float, "average_price"),
    *_may(Integer, "fill_timestamp_ns"),
)
Index("ux_fills_id", fills.c.exchange, fills.c.order_id, fills.c.trade_id, unique=True)
Index("ix_fills_order_id", fills.c.order_id)

runs: Final = _journal(
    "runs",
    Column("run_id", Text, nullable=False, unique=True),
    *_need(Text, "strategy", "instruments", "parameters"),
    *_need(Integer, "started_at_ns"),
)

run_ends: Final = _journal(
    "run_ends",
    Column("run_id", Text, ForeignKey("runs.run_id"), nullable=False, index=True),
    *_need(Text, "how"),
)

events: Final = _journal("events", *_need(Text, "kind", "detail"))

alert_facts: Final = _journal("alert_facts", *_need(Text, "alert_id", "fact", "detail"))

day_notes: Final = _journal("day_notes", *_need(Text, "day", "about", "text", "tags"))
"""What a person wrote of a day; the last row on each day and thing counts. Tags are JSON."""

JOURNAL: Final = {
    table.name: table
    for table in (
        sessions,
        session_ends,
        intents,
        intent_states,
        causes,
        orders,
        fills,
        runs,
        run_ends,
        events,
        alert_facts,
        day_notes,
    )
}
"""The tables whose rows the chain numbers, by the name that `chain.kind` has for them."""

for _table in JOURNAL.values():
    if _table is causes:  # never asked for by time, and every index more is a page more that an order waits for
        continue
    Index(f"ix_{_table.name}_at_ns", _table.c.at_ns)

stamp_metadata: Final = MetaData()

alembic_version: Final = Table(
    "alembic_version", stamp_metadata, Column("version_num", String(32), primary_key=True, nullable=False)
)
"""Alembic's own table, as Alembic makes it; kept out of `metadata` so that it is nobody's migration."""
alembic_version.primary_key.name = "alembic_version_pkc"


def guards(table: str) -> list[str]:
    """SQL of the triggers that let nobody change or delete a row of the table."""
    return [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb.upper()} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        for verb in ("update", "delete")
    ]


HEAD_TRIGGERS: Final = (
    "CREATE TRIGGER chain_head AFTER INSERT ON chain BEGIN UPDATE head SET seq = NEW.seq, hash = NEW.hash; END",
    "CREATE TRIGGER head_no_delete BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'head is one row'); END",
    "CREATE TRIGGER head_no_return BEFORE UPDATE ON head WHEN NEW.seq <= OLD.seq "
    "BEGIN SELECT RAISE(ABORT, 'head only moves on'); END",
)
"""The database itself keeps the last link: whoever adds to the chain cannot forget it."""


def _guard(table: Table, connection: Connection, **_: Any) -> None:
    for sql in guards(table.name):
        connection.exec_driver_sql(sql)


def _keep_head(_table: Table, connection: Connection, **_: Any) -> None:
    connection.exec_driver_sql("INSERT INTO head VALUES (1, 0, '')")
    for sql in HEAD_TRIGGERS:
        connection.exec_driver_sql(sql)


for _table in (chain, *JOURNAL.values()):
    event.listen(_table, "after_create", _guard)
event.listen(metadata, "after_create", _keep_head)
