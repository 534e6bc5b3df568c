"""The tables of typed lines and of what is kept of their output."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

NAME = sa.String(255)
WORD = sa.String(16)
ID = sa.String(64)
TIME = sa.DateTime(timezone=True)
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "commands",
        sa.Column("id", ID, primary_key=True),
        sa.Column("person", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("runtime", NAME, nullable=False),
        sa.Column("mode", WORD, nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("instance", NAME, nullable=False),
        sa.Column("verdict", WORD, nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("exit_code", sa.Integer(), nullable=True),
        sa.Column("reason", WORD, nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("duration_ms", sa.BigInteger(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("truncated", sa.Boolean(), nullable=False),
        sa.Column("connection", NAME, nullable=False),
        sa.Column("identity", NAME, nullable=False),
        sa.Column("audit_id", NUMBER, nullable=True),
        sa.Index("ix_commands_service_started_at", "service", "started_at"),
        sa.Index("ix_commands_person_service_started_at", "person", "service", "started_at"),
        sa.Index("ix_commands_state", "state"),
        sa.Index("ix_commands_started_at", "started_at"),
    )
    op.create_table(
        "command_outputs",
        sa.Column("id", ID, primary_key=True),
        sa.Column("service", NAME, nullable=False),
        sa.Column("kept_at", TIME, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Index("ix_command_outputs_service_kept_at", "service", "kept_at"),
        sa.Index("ix_command_outputs_kept_at", "kept_at"),
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("command_outputs")
    op.drop_table("commands")
