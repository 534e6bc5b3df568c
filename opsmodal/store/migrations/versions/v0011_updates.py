"""The table of updates of containers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

ID = sa.String(64)
NAME = sa.String(255)
WORD = sa.String(16)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "updates",
        sa.Column("id", ID, primary_key=True),
        sa.Column("runtime", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("person", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("stage", WORD, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("old", ID, nullable=False),
        sa.Column("claim", ID, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("heard_at", TIME, nullable=False),
        sa.Index("ix_updates_runtime", "runtime"),
        sa.Index("ix_updates_stage", "stage"),
        sa.Index("ix_updates_started_at", "started_at"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("updates")
