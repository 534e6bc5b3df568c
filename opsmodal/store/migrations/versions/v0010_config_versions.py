"""The table of the versions of ConfigMaps and Secrets that opsmodal has saved."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NAME = sa.String(255)
WORD = sa.String(16)
TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "config_versions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("runtime", NAME, nullable=False),
        sa.Column("namespace", NAME, nullable=False),
        sa.Column("holder", WORD, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("person", NAME, nullable=False),
        sa.Column("action", WORD, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("type", NAME, nullable=False),
        sa.Column("immutable", sa.Boolean(), nullable=False),
        sa.Column("key_names", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sealed_bytes", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Index("ix_config_versions_place", "runtime", "namespace", "holder", "name", "at"),
        sa.Index("ix_config_versions_at", "at"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("config_versions")
