"""The signed head of the audit log, and what its page filters by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0002"

FILTERED = ("action", "verdict")


def upgrade() -> None:
    """Make the table and the indexes."""
    op.create_table(
        "audit_head",
        sa.Column("place", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("row_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("signature", sa.String(88), nullable=False),
    )
    for column in FILTERED:
        op.create_index(f"ix_audit_{column}", "audit", [column])


def downgrade() -> None:
    """Drop them."""
    for column in FILTERED:
        op.drop_index(f"ix_audit_{column}", "audit")
    op.drop_table("audit_head")
