"""The table of jobs that run, and on which worker."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NAME = sa.String(255)
WORD = sa.String(16)
ID = sa.String(64)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "jobs",
        sa.Column("id", ID, primary_key=True),
        sa.Column("person", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("worker", ID, nullable=False),
        sa.Column("host", NAME, nullable=False),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("heard_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Index("ix_jobs_person_state", "person", "state"),
        sa.Index("ix_jobs_worker", "worker"),
        sa.Index("ix_jobs_heard_at", "heard_at"),
    )


def downgrade() -> None:
    """Drop it: what runs is not worth keeping."""
    op.drop_table("jobs")
