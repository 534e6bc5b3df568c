"""Jobs that run, across all workers: whose they are, where they run, and when that worker was last heard of."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import NAME_CHARS, Table

WORD_CHARS = 16
ID_CHARS = 64


class JobRow(Table):
    """One job. `kind`: follow, command. `state`: running; a command also ends as done, failed, stopped or lost.

    A follow is gone when it has ended: its page goes on by itself. A command is found for a while where it ran. One
    whose worker is not heard of any more is lost: it was running when it was last heard of, and nobody knows what
    became of it.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_person_state", "person", "state"),)

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    person: Mapped[str] = mapped_column(String(NAME_CHARS))
    service: Mapped[str] = mapped_column(String(NAME_CHARS))
    kind: Mapped[str] = mapped_column(String(WORD_CHARS))
    state: Mapped[str] = mapped_column(String(WORD_CHARS))
    worker: Mapped[str] = mapped_column(String(ID_CHARS), index=True)
    host: Mapped[str] = mapped_column(String(NAME_CHARS))
    place: Mapped[int | None]
    """The worker's place among those of its host, where they can ask each other; see `opsmodal.neighbours`."""
    started_at: Mapped[datetime]
    heard_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
