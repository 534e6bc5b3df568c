"""What was collected of services: events for a week, figures for an hour, versions, and who collects (leases).

Nothing here is worth a backup: it is collected anew. Every table is bounded by what writes it (`opsmodal.history`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Double, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import NAME_CHARS, Table

KEY_CHARS = 128
"""What an engine's own identity of an event takes, with room."""
SUBJECT_CHARS = 320
"""A kind and a name of at most 253 characters (RFC 1123)."""


class HappenedRow(Table):
    """Something that happened to a service: the same thing again is the same row, with a count."""

    __tablename__ = "happened"
    __table_args__ = (Index("ix_happened_service_last_at", "service", "last_at"),)

    service: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    key: Mapped[str] = mapped_column(String(KEY_CHARS), primary_key=True)
    about: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(32))
    reason: Mapped[str] = mapped_column(String(NAME_CHARS))
    subject: Mapped[str] = mapped_column(String(SUBJECT_CHARS))
    message: Mapped[str] = mapped_column(Text)
    count: Mapped[int] = mapped_column(BigInteger)
    first_at: Mapped[datetime]
    last_at: Mapped[datetime] = mapped_column(index=True)


class UsageRow(Table):
    """What the instances of a service used at one moment; `place` is the place of the moment in the ring of an hour."""

    __tablename__ = "used"

    service: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    figures: Mapped[bytes] = mapped_column(LargeBinary)
    note: Mapped[str] = mapped_column(Text)


class VersionRow(Table):
    """What a service runs, as it was last seen: what differs from it next time is a change."""

    __tablename__ = "versions"

    service: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    seen: Mapped[dict[str, Any]]


class LeaseRow(Table):
    """Who collects what. `until` is in seconds since 1970 by the clock of the database, which all workers share."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    holder: Mapped[str] = mapped_column(String(NAME_CHARS))
    until: Mapped[float] = mapped_column(Double)
