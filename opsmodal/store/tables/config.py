"""Versions of ConfigMaps and Secrets that were saved by opsmodal: their values sealed, names of keys beside them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import HASH_CHARS, NAME_CHARS, Table
from opsmodal.store.tables.jobs import ID_CHARS, WORD_CHARS


class ConfigVersionRow(Table):
    """One version. `action` is how it came: found, created, saved, restored, deleted.

    `digest` is keyed: it tells whether two versions are alike, and nothing else. `sealed_bytes` is that of `sealed`.
    """

    __tablename__ = "config_versions"
    __table_args__ = (Index("ix_config_versions_place", "runtime", "namespace", "holder", "name", "at"),)

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    runtime: Mapped[str] = mapped_column(String(NAME_CHARS))
    namespace: Mapped[str] = mapped_column(String(NAME_CHARS))
    holder: Mapped[str] = mapped_column(String(WORD_CHARS))
    name: Mapped[str] = mapped_column(String(NAME_CHARS))
    service: Mapped[str] = mapped_column(String(NAME_CHARS))
    person: Mapped[str] = mapped_column(String(NAME_CHARS))
    action: Mapped[str] = mapped_column(String(WORD_CHARS))
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(index=True)
    type: Mapped[str] = mapped_column(String(NAME_CHARS))
    immutable: Mapped[bool]
    key_names: Mapped[list[str]]
    size_bytes: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str] = mapped_column(String(HASH_CHARS))
    sealed_bytes: Mapped[int] = mapped_column(BigInteger)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
