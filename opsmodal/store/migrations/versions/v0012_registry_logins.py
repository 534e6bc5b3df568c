"""Logins for image registries, by runtime."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

NAME = sa.String(255)


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "registry_logins",
        sa.Column("runtime", NAME, primary_key=True),
        sa.Column("host", NAME, primary_key=True),
        sa.Column("user", NAME, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("given_by", NAME, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Take it away again."""
    op.drop_table("registry_logins")
