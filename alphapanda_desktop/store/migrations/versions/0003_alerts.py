"""What became of alerts: set, armed, fired, acknowledged, removed."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0003"
down_revision: Final = "0002"


def upgrade() -> None:
    op.create_table(
        "alert_facts",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at_ns", sa.Integer, nullable=False),
        sa.Column("alert_id", sa.Text, nullable=False),
        sa.Column("fact", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["chain.seq"]),
    )
    op.create_index("ix_alert_facts_at_ns", "alert_facts", ["at_ns"])
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER alert_facts_no_{verb} BEFORE {verb.upper()} ON alert_facts "
            "BEGIN SELECT RAISE(ABORT, 'alert_facts is append-only'); END"
        )
