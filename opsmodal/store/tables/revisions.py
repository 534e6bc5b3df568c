"""Revisions of containers: what each was made with, sealed, so that it can be made so again."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import HASH_CHARS, NAME_CHARS, Table
from opsmodal.store.tables.jobs import ID_CHARS


class RevisionRow(Table):
    """One revision of a container of a service, numbered from 1. `id` is that of the update which made it.

    `cause` is how it came in words, `digest` is keyed: it tells whether two are alike, and nothing else. `unshown`: its
    engine does not show all of it, so that what it shows later is less.
    """

    __tablename__ = "container_revisions"
    __table_args__ = (Index("ux_container_revisions_number", "runtime", "service", "name", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    runtime: Mapped[str] = mapped_column(String(NAME_CHARS))
    service: Mapped[str] = mapped_column(String(NAME_CHARS))
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    number: Mapped[int]
    container: Mapped[str] = mapped_column(String(ID_CHARS))
    person: Mapped[str] = mapped_column(String(NAME_CHARS))
    cause: Mapped[str] = mapped_column(String(NAME_CHARS))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    image: Mapped[str] = mapped_column(Text)
    image_id: Mapped[str] = mapped_column(String(NAME_CHARS))
    digest: Mapped[str] = mapped_column(String(HASH_CHARS))
    unshown: Mapped[bool]
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
