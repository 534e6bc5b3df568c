"""Tasks: what goes on in the background for somebody, across all workers, and how it ended."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import NAME_CHARS, Table
from opsmodal.store.tables.jobs import ID_CHARS, WORD_CHARS


class TaskRow(Table):
    """One task. `state`: running, done, failed, stopped. `steps` is JSON of `runtimes.planning.Step`.

    `heard_at` is when its worker last said that it goes on. `stop_by` names who wants it to end: so any worker asks it.
    """

    __tablename__ = "tasks"
    __table_args__ = (Index("ix_tasks_service_started_at", "service", "started_at"),)

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    kind: Mapped[str] = mapped_column(String(NAME_CHARS))
    target: Mapped[str] = mapped_column(String(NAME_CHARS))
    service: Mapped[str] = mapped_column(String(NAME_CHARS))
    person: Mapped[str] = mapped_column(String(NAME_CHARS))
    state: Mapped[str] = mapped_column(String(WORD_CHARS), index=True)
    sentence: Mapped[str] = mapped_column(Text)
    steps: Mapped[str] = mapped_column(Text)
    error: Mapped[str] = mapped_column(Text)
    hint: Mapped[str] = mapped_column(Text)
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]
    heard_at: Mapped[datetime]
    stop_by: Mapped[str] = mapped_column(String(NAME_CHARS))
