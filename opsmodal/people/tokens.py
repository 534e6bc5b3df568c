"""API tokens: shown once, kept as a hash, narrowed to services and permissions where wanted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as DbSession

from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.people.base import TOUCH_EVERY_S, OverStore, hashed, is_id, new_id, new_secret
from opsmodal.people.users import User, user_of
from opsmodal.permissions import Permission
from opsmodal.store import tables

PREFIX = "opm_"
"""Lets scanners of code and logs recognise a token that got there."""
LIFETIME_MAX_S = 10 * 366 * 24 * 3600
TOKENS_MAX = 200
"""Of one user: more than anybody can tell apart, and few enough that a script gone wild does not fill the store."""
LABEL_MAX_CHARS = 100


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new token: its id, and its secret, which nothing gives a second time."""

    id: str
    secret: str = field(repr=False)


class Tokens(OverStore):
    """Issue, look up, list and revoke tokens."""

    def new_token(
        self,
        user: str,
        *,
        label: str = "",
        lifetime_s: float | None = None,
        services: Iterable[str] | None = None,
        permissions: Iterable[Permission] | None = None,
    ) -> Issued:
        """Make a token. Raise NotThere for an unknown or disabled user, Rejected for what no token can be."""
        _demand_possible(label, lifetime_s)
        secret, token_id, now = new_secret(PREFIX), new_id(), self._now()
        with self._store.session() as session:
            owner = session.get(tables.User, user)
            if owner is None or owner.disabled:
                raise NotThere(f"There is no active user {user[:80]!r}.", hint="“opsmodal user list” shows them.")
            _demand_few(session, user)
            session.add(
                tables.Token(
                    id=token_id,
                    secret_hash=hashed(secret),
                    user=user,
                    label=label,
                    created_at=now,
                    expires_at=None if lifetime_s is None else now + timedelta(seconds=lifetime_s),
                    services=None if services is None else sorted(set(services)),
                    permissions=None if permissions is None else sorted(set(permissions)),
                )
            )
        return Issued(id=token_id, secret=secret)

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

    def token_use(self) -> Mapping[str, tuple[int, datetime | None]]:
        """Count everybody's tokens, expired ones too, with the moment of the last use of one."""
        row = tables.Token
        wanted = select(row.user, func.count(), func.max(row.last_used_at)).group_by(row.user)
        with self._store.reading() as session:
            return {user: (count, last) for user, count, last in session.execute(wanted)}

    def revoke_token(self, token_id: str, *, user: str | None = None) -> None:
        """End a token by its id, of this user where one is given. Raise NotThere."""
        wanted = delete(tables.Token).where(tables.Token.id == token_id)
        if user is not None:
            wanted = wanted.where(tables.Token.user == user)
        with self._store.session() as session:
            if not is_id(token_id) or session.execute(wanted.returning(tables.Token.id)).first() is None:
                raise NotThere("There is no such token.", hint="It may have been revoked already.")

    def revoke_tokens(self, user: str) -> int:
        """End every token of a user; count them."""
        wanted = delete(tables.Token).where(tables.Token.user == user).returning(tables.Token.id)
        with self._store.session() as session:
            return len(session.execute(wanted).all())

    def _touch(self, token_id: str, now: datetime) -> None:
        with self._noting() as session:
            row = session.get(tables.Token, token_id)
            if row is not None:
                row.last_used_at = now


def _demand_possible(label: str, lifetime_s: float | None) -> None:
    if lifetime_s is not None and not 0 < lifetime_s <= LIFETIME_MAX_S:
        sentence = "A token lives longer than nothing and at most ten years."
        raise Rejected(sentence, [Problem(field="expires", sentence=sentence)])
    if len(label) > LABEL_MAX_CHARS or not label.isprintable():
        sentence = f"A label is at most {LABEL_MAX_CHARS} printable characters on one line."
        raise Rejected(sentence, [Problem(field="label", sentence=sentence)])


def _demand_few(session: DbSession, user: str) -> None:
    count = session.scalar(select(func.count()).where(tables.Token.user == user)) or 0
    if count >= TOKENS_MAX:
        sentence = f"{user} has {count} tokens already, which is as many as one may have."
        hint = "Revoke those that nobody uses."
        raise Rejected(sentence, [Problem(field="label", sentence=sentence, hint=hint)], hint=hint)


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
