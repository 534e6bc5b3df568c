"""People and what they carry. Of every secret only its SHA-256 is kept: a copy of the store opens no door.

Passwords are argon2id; the other secrets are random and long, so that one round of SHA-256 is enough for them.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from opsmodal.store.tables.base import HASH_CHARS, NAME_CHARS, BigId, Table

ID_CHARS = 32
ADDRESS_CHARS = 64
"""An IPv6 address with a zone fits."""
AGENT_CHARS = 300


class User(Table):
    """Somebody. Without a `password_hash` there is no sign-in by password."""

    __tablename__ = "users"

    name: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    password_hash: Mapped[str | None] = mapped_column(String(255))
    admin: Mapped[bool] = mapped_column(default=False)
    auditor: Mapped[bool] = mapped_column(default=False)
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


def _owner() -> Mapped[str]:
    return mapped_column(String(NAME_CHARS), ForeignKey("users.name", ondelete="CASCADE"), index=True)


class Token(Table):
    """An API token. `services` and `permissions` narrow its owner's rights where they are not None."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(HASH_CHARS), unique=True)
    user: Mapped[str] = _owner()
    label: Mapped[str] = mapped_column(String(NAME_CHARS), default="")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    services: Mapped[list[str] | None]
    permissions: Mapped[list[str] | None]


class Session(Table):
    """A browser that is signed in."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(ID_CHARS), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(HASH_CHARS), unique=True)
    user: Mapped[str] = _owner()
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    address: Mapped[str] = mapped_column(String(ADDRESS_CHARS), default="")
    agent: Mapped[str] = mapped_column(String(AGENT_CHARS), default="")
    how: Mapped[str] = mapped_column(String(16), default="", server_default="")
    """How it began: password, link, oidc, header; empty where nobody wrote it down."""
    groups: Mapped[list[str] | None]
    """Groups that the sign-in itself brought along, beside those of the registry."""


class Ticket(Table):
    """A link that works once. It is removed when it is used, so that a second use finds nothing."""

    __tablename__ = "tickets"

    secret_hash: Mapped[str] = mapped_column(String(HASH_CHARS), primary_key=True)
    user: Mapped[str] = _owner()
    purpose: Mapped[str] = mapped_column(String(NAME_CHARS))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class SignInFailure(Table):
    """A failed sign-in, kept for a minute: all workers count the same ones. `subject` is `name:…` or `address:…`."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (Index("ix_sign_in_failures_subject_at", "subject", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    subject: Mapped[str] = mapped_column(String(HASH_CHARS))
    at: Mapped[datetime] = mapped_column(index=True)


class Favorite(Table):
    """A service that somebody wants first."""

    __tablename__ = "favorites"

    user: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), primary_key=True)
    service: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)


class Choice(Table):
    """The connection that somebody chose for a service."""

    __tablename__ = "choices"

    user: Mapped[str] = mapped_column(ForeignKey("users.name", ondelete="CASCADE"), primary_key=True)
    service: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    connection: Mapped[str] = mapped_column(String(NAME_CHARS))


class Identity(Table):
    """Somebody as a provider of identities knows them: `subject` is theirs for good, whatever they are called."""

    __tablename__ = "identities"

    issuer: Mapped[str] = mapped_column(String(500), primary_key=True)
    subject: Mapped[str] = mapped_column(String(NAME_CHARS), primary_key=True)
    user: Mapped[str] = _owner()
    created_at: Mapped[datetime]
