"""The audit log as it is stored. The database itself refuses to change or remove a row (triggers of the migration).

An action leaves two rows: its intent, and its outcome, which names the intent by `intent_id`. A refusal is one row.
`audit_head` holds one row: which of them is the last, signed, so that a cut end shows.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import HASH_CHARS, NAME_CHARS, BigId, Table
from opsmodal.store.tables.people import ADDRESS_CHARS

REQUEST_ID_CHARS = 64
SIGNATURE_CHARS = 88
"""An Ed25519 signature (64 bytes) in base64."""


class AuditRow(Table):
    """One row. `hash` covers the row and the hash of the one before it; `entry` is intent, outcome or refusal."""

    __tablename__ = "audit"
    __table_args__ = {"sqlite_autoincrement": True}  # noqa: RUF012  (a number is never given twice)

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=True)
    entry: Mapped[str] = mapped_column(String(16))
    intent_id: Mapped[int | None] = mapped_column(BigId, index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    actor: Mapped[str] = mapped_column(String(NAME_CHARS), index=True)
    via: Mapped[str] = mapped_column(String(NAME_CHARS), default="")
    address: Mapped[str] = mapped_column(String(ADDRESS_CHARS), default="")
    service: Mapped[str] = mapped_column(String(NAME_CHARS), default="", index=True)
    action: Mapped[str] = mapped_column(String(NAME_CHARS), index=True)
    target: Mapped[str] = mapped_column(Text, default="")
    verdict: Mapped[str] = mapped_column(String(32), default="", index=True)
    rule: Mapped[str] = mapped_column(String(NAME_CHARS), default="")
    outcome: Mapped[str] = mapped_column(String(32), default="")
    exit_code: Mapped[int | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    bytes_count: Mapped[int | None] = mapped_column("bytes", BigInteger)
    detail: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """What the actor gave as the reason."""
    request_id: Mapped[str] = mapped_column(String(REQUEST_ID_CHARS), default="", server_default="")
    """The same as in the request's answer and its line in the log."""
    hash: Mapped[str] = mapped_column(String(HASH_CHARS), unique=True)


class AuditHeadRow(Table):
    """The last row of the audit log; there is never more than one of these."""

    __tablename__ = "audit_head"

    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    row_id: Mapped[int] = mapped_column(BigId)
    hash: Mapped[str] = mapped_column(String(HASH_CHARS))
    at: Mapped[datetime]
    signature: Mapped[str] = mapped_column(String(SIGNATURE_CHARS))


class AuditForwardedRow(Table):
    """How far a target of forwarding has got: the last row that it has taken."""

    __tablename__ = "audit_forwarded"

    target: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    row_id: Mapped[int] = mapped_column(BigInteger)
    at: Mapped[datetime]
