"""The first tables: registry, credentials, people, audit.

Self-contained on purpose: a step says what the tables were then, not what the code says now.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.util import CommandError

revision = "0001"
down_revision = None

NAME = sa.String(255)
HASH = sa.String(64)
TIME = sa.DateTime(timezone=True)
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENTRY_TABLES = ("vpn_profiles", "runtimes", "services", "groups", "grants")


def upgrade() -> None:
    """Make the tables."""
    _registry()
    _people()
    _secrets_of_people()
    _likings()
    _audit()
    _append_only()


def downgrade() -> None:
    """Refuse: there is nothing before the first tables."""
    raise CommandError("there is nothing before the first tables")


def _registry() -> None:
    for table in ENTRY_TABLES:
        op.create_table(
            table,
            sa.Column("name", sa.String(765), primary_key=True),
            sa.Column("spec", sa.JSON(), nullable=False),
            sa.Column("position", sa.Integer(), nullable=False),
            sa.Column("updated_at", TIME, nullable=False),
        )
    op.create_table(
        "credentials",
        sa.Column("owner_kind", sa.String(32), primary_key=True),
        sa.Column("owner", NAME, primary_key=True),
        sa.Column("field", NAME, primary_key=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("file_name", sa.String(1024), nullable=False),
        sa.Column("fingerprint", HASH, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
    )
    op.create_table(
        "marks",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("value", sa.String(4096), nullable=False),
    )


def _people() -> None:
    op.create_table(
        "users",
        sa.Column("name", NAME, primary_key=True),
        sa.Column("password_hash", NAME),
        sa.Column("admin", sa.Boolean(), nullable=False),
        sa.Column("auditor", sa.Boolean(), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("id", BIG_ID, primary_key=True),
        sa.Column("subject", HASH, nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Index("ix_sign_in_failures_at", "at"),
        sa.Index("ix_sign_in_failures_subject_at", "subject", "at"),
    )


def _secrets_of_people() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("secret_hash", HASH, nullable=False, unique=True),
        _user("tokens"),
        sa.Column("label", NAME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME),
        sa.Column("last_used_at", TIME),
        sa.Column("services", sa.JSON(none_as_null=True)),
        sa.Column("permissions", sa.JSON(none_as_null=True)),
        sa.Index("ix_tokens_user", "user"),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("secret_hash", HASH, nullable=False, unique=True),
        _user("sessions"),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.Column("address", HASH, nullable=False),
        sa.Column("agent", sa.String(300), nullable=False),
        sa.Index("ix_sessions_user", "user"),
    )
    op.create_table(
        "tickets",
        sa.Column("secret_hash", HASH, primary_key=True),
        _user("tickets"),
        sa.Column("purpose", NAME, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Index("ix_tickets_user", "user"),
    )


def _likings() -> None:
    op.create_table("favorites", _user("favorites", key=True), sa.Column("service", NAME, primary_key=True))
    op.create_table(
        "choices",
        _user("choices", key=True),
        sa.Column("service", NAME, primary_key=True),
        sa.Column("connection", NAME, nullable=False),
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", BIG_ID, primary_key=True, autoincrement=True),
        sa.Column("entry", sa.String(16), nullable=False),
        sa.Column("intent_id", BIG_ID),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("via", NAME, nullable=False),
        sa.Column("address", HASH, nullable=False),
        sa.Column("service", NAME, nullable=False),
        sa.Column("action", NAME, nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("verdict", sa.String(32), nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("exit_code", sa.Integer()),
        sa.Column("duration_ms", sa.BigInteger()),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("hash", HASH, nullable=False, unique=True),
        sa.Index("ix_audit_intent_id", "intent_id"),
        sa.Index("ix_audit_at", "at"),
        sa.Index("ix_audit_actor", "actor"),
        sa.Index("ix_audit_service", "service"),
        sqlite_autoincrement=True,
    )


def _append_only() -> None:
    """Let the database itself refuse what would rewrite history."""
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER audit_no_{verb.lower()} BEFORE {verb} ON audit "
                "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    op.execute(
        "CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only()"
    )


def _user(table: str, *, key: bool = False) -> sa.Column[str]:
    return sa.Column(
        "user",
        NAME,
        sa.ForeignKey("users.name", name=f"fk_{table}_user", ondelete="CASCADE"),
        primary_key=key,
        nullable=False,
    )
