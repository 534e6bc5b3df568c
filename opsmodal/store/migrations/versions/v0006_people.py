"""Who changed an entry, how a session began, why something was done and in which request; identities of providers.

Columns are only added: what the hashes of older audit rows cover stays as it was written.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NAME = sa.String(255)
ENTRIES = ("vpn_profiles", "runtimes", "services", "groups", "grants")
ADDED = (
    *((table, "updated_by", NAME) for table in ENTRIES),
    ("sessions", "how", sa.String(16)),
    ("audit", "reason", sa.Text()),
    ("audit", "request_id", sa.String(64)),
)


def upgrade() -> None:
    """Add the columns and the tables."""
    for table, name, kind in ADDED:
        op.add_column(table, sa.Column(name, kind, nullable=False, server_default=""))
    op.add_column("sessions", sa.Column("groups", sa.JSON(none_as_null=True), nullable=True))
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(500), primary_key=True),
        sa.Column("subject", NAME, primary_key=True),
        sa.Column(
            "user",
            NAME,
            sa.ForeignKey("users.name", name="fk_identities_user", ondelete="CASCADE"),
            nullable=False,
            index=True,
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    )
    op.create_table(
        "audit_forwarded",
        sa.Column("target", NAME, primary_key=True),
        sa.Column("row_id", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    )


def downgrade() -> None:
    """Take them away again."""
    op.drop_table("audit_forwarded")
    op.drop_table("identities")
    op.drop_column("sessions", "groups")
    for table, name, _ in reversed(ADDED):
        op.drop_column(table, name)
