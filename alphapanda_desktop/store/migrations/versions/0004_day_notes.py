"""What a person wrote of a trading day, with tags."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0004"
down_revision: Final = "0003"


def upgrade() -> None:
    op.create_table(
        "day_notes",
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("at_ns", sa.Integer, nullable=False),
        sa.Column("day", sa.Text, nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("tags", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["seq"], ["chain.seq"]),
    )
    op.create_index("ix_day_notes_at_ns", "day_notes", ["at_ns"])
    for verb in ("update", "delete"):
        op.execute(
            f"CREATE TRIGGER day_notes_no_{verb} BEFORE {verb.upper()} ON day_notes "
            "BEGIN SELECT RAISE(ABORT, 'day_notes is append-only'); END"
        )
