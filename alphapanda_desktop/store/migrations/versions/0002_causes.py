"""Causes of intents, the last link of the chain as a row of its own, and the ways to all rows of one order."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0002"
down_revision: Final = "0001"


def upgrade() -> None:
    _causes()
    _head()
    op.create_index("ix_intent_states_order_id", "intent_states", ["order_id"])
    op.create_index("ix_orders_tag", "orders", ["tag"])
    op.create_index("ix_fills_order_id", "fills", ["order_id"])


def _causes() -> None:
    op.create_table(
        "causes",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at_ns", sa.Integer, nullable=False),
        sa.Column("tag", sa.Text, sa.ForeignKey("intents.tag"), nullable=False, unique=True),
        sa.Column("cause", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["chain.seq"]),
    )
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER causes_no_{verb} BEFORE {verb.upper()} ON causes "
            "BEGIN SELECT RAISE(ABORT, 'causes is append-only'); END"
        )


def _head() -> None:
    op.create_table(
        "head",
        sa.Column("one", sa.Integer, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    )
    op.execute("INSERT INTO head VALUES (1, 0, '')")
    op.execute("INSERT OR REPLACE INTO head SELECT 1, seq, hash FROM chain ORDER BY seq DESC LIMIT 1")
    op.execute(
        "CREATE TRIGGER chain_head AFTER INSERT ON chain BEGIN UPDATE head SET seq = NEW.seq, hash = NEW.hash; END"
    )
    op.execute("CREATE TRIGGER head_no_delete BEFORE DELETE ON head BEGIN SELECT RAISE(ABORT, 'head is one row'); END")
    op.execute(
        "CREATE TRIGGER head_no_return BEFORE UPDATE ON head WHEN NEW.seq <= OLD.seq "
        "BEGIN SELECT RAISE(ABORT, 'head only moves on'); END"
    )
