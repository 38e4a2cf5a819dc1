"""The first schema: sessions, intents, orders, fills, runs, events and the chain that numbers them.

A migration never imports the schema: it must make tomorrow what it made the day it was written.
"""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

INTEGER, TEXT, FLOAT, BOOLEAN = sa.Integer, sa.Text, sa.Float, sa.Boolean


def _need(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind, nullable=False) for name in names.split()]


def _may(kind: Any, names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, kind) for name in names.split()]


def _table(name: str, *parts: Any) -> None:
    link = [] if name == "chain" else [sa.ForeignKeyConstraint(["seq"], ["chain.seq"])]
    times = [] if name == "chain" else _need(INTEGER, "at_ns")
    op.create_table(name, sa.Column("seq", INTEGER, primary_key=True), *times, *parts, *link)
    if times:
        op.create_index(f"ix_{name}_at_ns", name, ["at_ns"])
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER {name}_no_{verb} BEFORE {verb.upper()} ON {name} "
            f"BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END"
        )


def upgrade() -> None:
    _table("chain", *_need(TEXT, "kind prev_hash hash"))
    _sessions()
    _intents()
    _orders()
    _fills()
    _runs()
    _table("events", *_need(TEXT, "kind detail"))


def _sessions() -> None:
    _table("sessions", *_need(TEXT, "user_id"), *_need(INTEGER, "login_time_ns expires_at_ns"))
    number = sa.Column("session_seq", INTEGER, sa.ForeignKey("sessions.seq"), nullable=False)
    _table("session_ends", number, *_need(TEXT, "how"))
    op.create_index("ix_session_ends_session_seq", "session_ends", ["session_seq"])


def _intents() -> None:
    _table(
        "intents",
        sa.Column("tag", TEXT, nullable=False, unique=True),
        *_need(TEXT, "exchange tradingsymbol transaction_type product order_type variety validity"),
        *_need(INTEGER, "quantity instrument_token disclosed_quantity"),
        *_need(TEXT, "strategy reason"),
        *_may(FLOAT, "price trigger_price market_protection"),
        *_may(INTEGER, "validity_ttl iceberg_legs iceberg_quantity"),
    )
    tag = sa.Column("tag", TEXT, sa.ForeignKey("intents.tag"), nullable=False)
    _table("intent_states", tag, *_need(TEXT, "state order_id detail"))
    op.create_index("ix_intent_states_tag", "intent_states", ["tag"])


def _orders() -> None:
    _table(
        "orders",
        *_need(TEXT, "order_id status exchange tradingsymbol transaction_type product order_type"),
        *_need(TEXT, "variety validity placed_by guid tags meta"),
        *_need(INTEGER, "quantity filled_quantity pending_quantity cancelled_quantity disclosed_quantity"),
        *_need(INTEGER, "instrument_token"),
        *_need(FLOAT, "price trigger_price average_price market_protection"),
        *_need(BOOLEAN, "modified"),
        *_may(TEXT, "exchange_order_id parent_order_id status_message status_message_raw tag"),
        *_may(INTEGER, "order_timestamp_ns exchange_timestamp_ns exchange_update_timestamp_ns"),
    )
    op.create_index("ix_orders_order_id", "orders", ["order_id"])


def _fills() -> None:
    _table(
        "fills",
        *_need(TEXT, "trade_id order_id exchange tradingsymbol transaction_type product"),
        *_need(TEXT, "exchange_order_id strategy"),
        *_need(INTEGER, "quantity instrument_token price_e4"),
        *_need(FLOAT, "average_price"),
        *_may(INTEGER, "fill_timestamp_ns"),
    )
    op.create_index("ux_fills_id", "fills", ["exchange", "order_id", "trade_id"], unique=True)


def _runs() -> None:
    _table(
        "runs",
        sa.Column("run_id", TEXT, nullable=False, unique=True),
        *_need(TEXT, "strategy instruments parameters"),
        *_need(INTEGER, "started_at_ns"),
    )
    run_id = sa.Column("run_id", TEXT, sa.ForeignKey("runs.run_id"), nullable=False)
    _table("run_ends", run_id, *_need(TEXT, "how"))
    op.create_index("ix_run_ends_run_id", "run_ends", ["run_id"])
