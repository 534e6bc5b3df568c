"""Tables of what is collected: events, figures, versions, and the leases of those who collect."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NAME = sa.String(255)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "happened",
        sa.Column("service", NAME, primary_key=True),
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("about", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("reason", NAME, nullable=False),
        sa.Column("subject", sa.String(320), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", TIME, nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Index("ix_happened_last_at", "last_at"),
        sa.Index("ix_happened_service_last_at", "service", "last_at"),
    )
    op.create_table(
        "used",
        sa.Column("service", NAME, primary_key=True),
        sa.Column("place", sa.Integer(), primary_key=True),
        sa.Column("slot", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
    )
    op.create_table(
        "versions",
        sa.Column("service", NAME, primary_key=True),
        sa.Column("seen", sa.JSON(), nullable=False),
    )
    op.create_table(
        "leases",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("holder", NAME, nullable=False),
        sa.Column("until", sa.Double(), nullable=False),
    )


def downgrade() -> None:
    """Drop the tables: all of it is collected anew."""
    for table in ("leases", "versions", "used", "happened"):
        op.drop_table(table)
