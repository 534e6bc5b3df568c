"""API tokens: shown once, kept as a hash, narrowed to services and permissions where wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session as DbSession

from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.people.base import TOUCH_EVERY_S, OverStore, hashed, new_id, new_secret
from opsmodal.people.users import User, user_of
from opsmodal.permissions import Permission
from opsmodal.store import tables

PREFIX = "opm_"
"""Lets scanners of code and logs recognise a token that got there."""
LIFETIME_MAX_S = 10 * 366 * 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token, without its secret. `services` and `permissions` are None where it is as wide as its owner."""

    id: str
    user: User
    label: str
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    services: frozenset[str] | None
    permissions: frozenset[Permission] | None


class Tokens(OverStore):
    """Issue, look up, list and revoke tokens."""

    def issue_token(
        self,
        user: str,
        *,
        label: str = "",
        lifetime_s: float | None = None,
        services: Iterable[str] | None = None,
        permissions: Iterable[Permission] | None = None,
    ) -> str:
        """Give a new token's secret, which is never shown again. Raise NotThere for an unknown or disabled user."""
        if lifetime_s is not None and not 0 < lifetime_s <= LIFETIME_MAX_S:
            sentence = "A token lives longer than nothing and at most ten years."
            raise Rejected(sentence, [Problem(field="expires", sentence=sentence)])
        secret, now = new_secret(PREFIX), self._now()
        with self._store.session() as session:
            owner = session.get(tables.User, user)
            if owner is None or owner.disabled:
                raise NotThere(f"There is no active user {user[:80]!r}.", hint="“opsmodal user list” shows them.")
            session.add(
                tables.Token(
                    id=new_id(),
                    secret_hash=hashed(secret),
                    user=user,
                    label=label[:100],
                    created_at=now,
                    expires_at=None if lifetime_s is None else now + timedelta(seconds=lifetime_s),
                    services=None if services is None else sorted(set(services)),
                    permissions=None if permissions is None else sorted(set(permissions)),
                )
            )
        return secret

    def token(self, secret: str) -> Token | None:
        """Find the token with this secret; None when it is unknown, expired, or its owner disabled."""
        now = self._now()
        with self._store.reading() as session:
            row = session.scalar(select(tables.Token).where(tables.Token.secret_hash == hashed(secret)))
            found = _token_of(session, row) if row else None
        if row is None or found is None or found.user.disabled or (found.expires_at and found.expires_at <= now):
            return None
        if row.last_used_at is None or (now - row.last_used_at).total_seconds() > TOUCH_EVERY_S:
            self._touch(row.id, now)
        return found

    def tokens(self, user: str | None = None) -> tuple[Token, ...]:
        """List tokens, of one user or of all, newest first."""
        wanted = select(tables.Token).order_by(tables.Token.created_at.desc(), tables.Token.id)
        if user is not None:
            wanted = wanted.where(tables.Token.user == user)
        with self._store.reading() as session:
            return tuple(_token_of(session, row) for row in session.scalars(wanted))

    def revoke_token(self, token_id: str) -> None:
        """End a token by its id. Raise NotThere."""
        with self._store.session() as session:
            gone = session.execute(delete(tables.Token).where(tables.Token.id == token_id).returning(tables.Token.id))
            if gone.first() is None:
                raise NotThere("There is no such token.", hint="It may have been revoked already.")

    def _touch(self, token_id: str, now: datetime) -> None:
        with self._noting() as session:
            row = session.get(tables.Token, token_id)
            if row is not None:
                row.last_used_at = now


def _token_of(session: DbSession, row: tables.Token) -> Token:
    owner = session.get_one(tables.User, row.user)
    return Token(
        id=row.id,
        user=user_of(owner),
        label=row.label,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        services=None if row.services is None else frozenset(row.services),
        permissions=None if row.permissions is None else frozenset(Permission(word) for word in row.permissions),
    )
