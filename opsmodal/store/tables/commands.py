"""Lines that people typed: one row each, allowed or refused, and apart from it what is kept of its output.

The line is masked before it comes here, and the output masked, packed and sealed: see `opsmodal.commands.records`.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import NAME_CHARS, BigId, Table
from opsmodal.store.tables.jobs import ID_CHARS, WORD_CHARS


class CommandRow(Table):
    """One line. `state`: running, done, failed, stopped, lost, refused. A streaming one has the id of its job."""

    __tablename__ = "commands"
    __table_args__ = (
        Index("ix_commands_service_started_at", "service", "started_at"),
        Index("ix_commands_person_service_started_at", "person", "service", "started_at"),
    )

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    person: Mapped[str] = mapped_column(String(NAME_CHARS))
    service: Mapped[str] = mapped_column(String(NAME_CHARS))
    runtime: Mapped[str] = mapped_column(String(NAME_CHARS))
    mode: Mapped[str] = mapped_column(String(WORD_CHARS))
    line: Mapped[str] = mapped_column(Text)
    instance: Mapped[str] = mapped_column(String(NAME_CHARS))
    verdict: Mapped[str] = mapped_column(String(WORD_CHARS))
    rule: Mapped[str] = mapped_column(String(NAME_CHARS))
    state: Mapped[str] = mapped_column(String(WORD_CHARS), index=True)
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    exit_code: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(WORD_CHARS))
    """How it ended: exited, timeout, output-limit, stopped, lost; empty while it runs, and where it was refused."""
    sentence: Mapped[str] = mapped_column(Text)
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    bytes_count: Mapped[int | None] = mapped_column("bytes", BigInteger)
    truncated: Mapped[bool]
    connection: Mapped[str] = mapped_column(String(NAME_CHARS))
    identity: Mapped[str] = mapped_column(String(NAME_CHARS))
    audit_id: Mapped[int | None] = mapped_column(BigId)


class CommandOutputRow(Table):
    """What is kept of an output: sealed for the row of the same id. `size_bytes` is that of what is sealed."""

    __tablename__ = "command_outputs"
    __table_args__ = (Index("ix_command_outputs_service_kept_at", "service", "kept_at"),)

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    service: Mapped[str] = mapped_column(String(NAME_CHARS))
    kept_at: Mapped[datetime] = mapped_column(index=True)
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
