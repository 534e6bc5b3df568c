"""Who somebody is at a provider of identities, and who that is here.

The two are tied by issuer and subject, which a provider never gives to anybody else (OpenID Connect Core 1.0, section
2); names and mail addresses change hands. A user who is here already is never taken over by a name alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session as DbSession

from opsmodal.errors import InUse, NotThere, Problem, Rejected
from opsmodal.people.base import OverStore
from opsmodal.people.users import NAME_SHAPE, User, user_of
from opsmodal.store import tables

ISSUER_MAX_CHARS = 500
SUBJECT_MAX_CHARS = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Somebody as a provider knows them."""

    issuer: str
    subject: str
    user: str
    created_at: datetime


class Identities(OverStore):
    """Tie people to what providers call them."""

    def owner(self, issuer: str, subject: str) -> User | None:
        """Give whose identity this is, also when they are disabled."""
        with self._store.reading() as session:
            row = session.get(tables.Identity, (issuer, subject))
            found = session.get(tables.User, row.user) if row else None
            return user_of(found) if found else None

    def identities(self, user: str) -> tuple[Identity, ...]:
        """List the identities of a user, oldest first."""
        row = tables.Identity
        wanted = select(row).where(row.user == user).order_by(row.created_at, row.issuer, row.subject)
        with self._store.reading() as session:
            return tuple(_identity_of(each) for each in session.scalars(wanted))

    def adopt(self, issuer: str, subject: str, name: str) -> User:
        """Make a new user of somebody, tied to this identity. Raise InUse when there is one of that name."""
        with self._store.session() as session:
            self._store.lock(session, "users")
            if taken := like(session, name):
                raise InUse(f"There is a user {taken} already.")
            row = tables.User(name=name, password_hash=None, created_at=self._now())
            row.admin = row.auditor = row.disabled = False
            session.add(row)
            session.flush()
            session.add(tables.Identity(issuer=issuer, subject=subject, user=name, created_at=self._now()))
            return user_of(row)

    def named(self, name: str) -> str:
        """Give the user of this name, however it is capitalised; "" when there is none."""
        with self._store.reading() as session:
            return like(session, name)

    def tie(self, user: str, issuer: str, subject: str) -> None:
        """Let an identity sign in as a user. Raise NotThere, InUse when it is somebody else's, or Rejected."""
        _demand_shape("issuer", issuer, ISSUER_MAX_CHARS)
        _demand_shape("subject", subject, SUBJECT_MAX_CHARS)
        with self._store.session() as session:
            self._store.lock(session, "users")
            if not NAME_SHAPE.fullmatch(user) or session.get(tables.User, user) is None:
                raise NotThere(f"There is no user {user[:80]!r}.", hint="“opsmodal user list” shows them.")
            row = session.get(tables.Identity, (issuer, subject))
            if row is not None and row.user != user:
                raise InUse(f"This identity is {row.user}'s.", hint="Remove it there first.")
            if row is None:
                session.add(tables.Identity(issuer=issuer, subject=subject, user=user, created_at=self._now()))

    def untie(self, user: str, issuer: str, subject: str) -> None:
        """Let an identity sign in as this user no longer, and end the sessions that it began. Raise NotThere."""
        row = tables.Identity
        mine = (row.user == user, row.issuer == issuer, row.subject == subject)
        with self._store.session() as session:
            if session.execute(delete(row).where(*mine).returning(row.user)).first() is None:
                raise NotThere(f"{user[:80]} has no such identity.", hint="Without --subject the command lists them.")
            begun = (tables.Session.user == user, tables.Session.how == "oidc")
            session.execute(delete(tables.Session).where(*begun))


def like(session: DbSession, name: str) -> str:
    """Give the user whose name is this one but for its capitals: two such users could not be told apart by people."""
    found = session.scalar(select(tables.User.name).where(func.lower(tables.User.name) == name.lower()).limit(1))
    return found or ""


def _demand_shape(field: str, text: str, most: int) -> None:
    if not 0 < len(text) <= most or not text.isprintable():
        sentence = f"The {field} must be a text of 1 to {most} printable characters."
        raise Rejected(sentence, [Problem(field=field, sentence=sentence)])


def _identity_of(row: tables.Identity) -> Identity:
    return Identity(issuer=row.issuer, subject=row.subject, user=row.user, created_at=row.created_at)
