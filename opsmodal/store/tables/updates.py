"""Updates of containers: which step of each comes next, and which worker carries it on."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import NAME_CHARS, Table
from opsmodal.store.tables.jobs import ID_CHARS, WORD_CHARS


class UpdateRow(Table):
    """One update. `state` is JSON of `runtimes.updates.Update`, without any setting of a container.

    `stage` is that of it, "over" at its end; `old` the container that it kept, where it went through. `claim` names the
    worker that carries it on, who was heard of at `heard_at`.
    """

    __tablename__ = "updates"

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    runtime: Mapped[str] = mapped_column(String(NAME_CHARS), index=True)
    service: Mapped[str] = mapped_column(String(NAME_CHARS))
    person: Mapped[str] = mapped_column(String(NAME_CHARS))
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    stage: Mapped[str] = mapped_column(String(WORD_CHARS), index=True)
    state: Mapped[str] = mapped_column(Text)
    old: Mapped[str] = mapped_column(String(ID_CHARS))
    claim: Mapped[str] = mapped_column(String(ID_CHARS))
    started_at: Mapped[datetime] = mapped_column(index=True)
    heard_at: Mapped[datetime]
