"""The table of what goes on in the background."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

NAME = sa.String(255)
WORD = sa.String(16)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("target", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("person", NAME, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("heard_at", TIME, nullable=False),
        sa.Column("stop_by", NAME, nullable=False),
        sa.Index("ix_tasks_service_started_at", "service", "started_at"),
        sa.Index("ix_tasks_state", "state"),
        sa.Index("ix_tasks_started_at", "started_at"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("tasks")
