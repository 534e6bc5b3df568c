"""The table of revisions of containers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

ID = sa.String(64)
NAME = sa.String(255)


def upgrade() -> None:
    """Make it."""
    op.create_table(
        "container_revisions",
        sa.Column("id", ID, primary_key=True),
        sa.Column("runtime", NAME, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("name", NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("container", ID, nullable=False),
        sa.Column("person", NAME, nullable=False),
        sa.Column("cause", NAME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("image", sa.Text(), nullable=False),
        sa.Column("image_id", NAME, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("unshown", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Index("ux_container_revisions_number", "runtime", "service", "name", "number", unique=True),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("container_revisions")
