"""Host keys of SSH servers that an administrator trusts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NAME = sa.String(255)


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "host_keys",
        sa.Column("host", NAME, primary_key=True),
        sa.Column("port", sa.Integer(), primary_key=True),
        sa.Column("algorithm", sa.String(64), primary_key=True),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("trusted_by", NAME, nullable=False),
        sa.Column("trusted_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("host_keys")
