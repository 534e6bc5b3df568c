"""Where many sign-ins stand now, found out with three questions to the store, however many there are.

Asking for each of a thousand open streams by itself took 250 times the processor time of asking for all at once
(docs/decisions.md). This knows sessions and tokens by their ids, never by their secrets, and is no use of either.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from sqlalchemy import Row, select
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.orm import Session as DbSession

from opsmodal.people.sessions import Sessions
from opsmodal.permissions import Permission
from opsmodal.store import tables

SESSION, TOKEN = "session", "token"
ASKED_AT_ONCE = 500
"""Names in one question: databases bound how many values a statement may carry (SQLite once 999)."""

K = TypeVar("K", bound=str)


class Over(StrEnum):
    """Why a sign-in is no longer one."""

    SESSION_ENDED = "session-ended"
    SESSION_UNUSED = "session-unused"
    SESSION_OVER = "session-over"
    TOKEN_REVOKED = "token-revoked"  # noqa: S105  (a word for people, no secret)
    TOKEN_EXPIRED = "token-expired"  # noqa: S105  (the same)
    USER_DISABLED = "user-disabled"
    USER_REMOVED = "user-removed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stands:
    """A sign-in as the store has it. `over` says why it is none any more; the rest is of its user and its token."""

    over: Over | None = None
    admin: bool = False
    auditor: bool = False
    groups: frozenset[str] = frozenset()
    services: frozenset[str] | None = None
    permissions: frozenset[Permission] | None = None
    seen_at: datetime | None = None
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the store says of all that was asked for, by id and by name."""

    sessions: Mapping[str, Row[Any]]
    tokens: Mapping[str, Row[Any]]
    users: Mapping[str, Row[Any]]
    now: datetime


class Standing(Sessions):
    """Say where sign-ins stand. A sign-in is a user's name and the `via` of an actor: `session:ID` or `token:ID`."""

    def of(self, sign_ins: Collection[tuple[str, str]]) -> dict[tuple[str, str], Stands]:
        """Give how each of these stands now. Raise StoreProblem."""
        ids: dict[str, set[str]] = {SESSION: set(), TOKEN: set()}
        for _, via in sign_ins:
            kind, _, number = via.partition(":")
            ids.get(kind, set()).add(number)
        with self._store.reading() as session:
            asked = _Asked(
                sessions=_rows(session, tables.Session.id, ids[SESSION], _SESSION),
                tokens=_rows(session, tables.Token.id, ids[TOKEN], _TOKEN),
                users=_rows(session, tables.User.name, {name for name, _ in sign_ins}, _USER),
                now=self._now(),
            )
        return {each: self._stands(asked, *each) for each in sign_ins}

    def groups_brought(self) -> dict[str, frozenset[str]]:
        """Give by user the groups that the sign-ins of their open sessions have brought along."""
        brought: dict[str, frozenset[str]] = {}
        with self._store.reading() as session:
            kept = select(tables.Session.user, tables.Session.groups).where(tables.Session.groups.is_not(None))
            for user, groups in session.execute(kept.where(~self._ended(self._now()))):
                brought[user] = brought.get(user, frozenset()) | frozenset(groups or ())
        return brought

    def why_gone(self, last: Stands | None) -> Over:
        """Say why a session that is no longer kept has ended, by what was last known: what has expired is swept."""
        if last is None or last.seen_at is None or last.created_at is None:
            return Over.SESSION_ENDED
        return self._why_over(last.created_at, last.seen_at, self._now()) or Over.SESSION_ENDED

    def _stands(self, asked: _Asked, name: str, via: str) -> Stands:
        user = asked.users.get(name)
        if user is None or user.disabled:
            return Stands(over=Over.USER_REMOVED if user is None else Over.USER_DISABLED)
        kind, _, number = via.partition(":")
        if kind == SESSION:
            return self._session_stands(asked.sessions.get(number), user, asked.now)
        if kind == TOKEN:
            return _token_stands(asked.tokens.get(number), user, asked.now)
        return Stands(admin=user.admin, auditor=user.auditor)

    def _session_stands(self, row: Row[Any] | None, user: Row[Any], now: datetime) -> Stands:
        if row is None or row.user != user.name:
            return Stands(over=Over.SESSION_ENDED)
        has_ended = self._has_ended(cast("tables.Session", row), now)  # of whose columns it has those that matter
        why = self._why_over(row.created_at, row.seen_at, now) or Over.SESSION_OVER
        return Stands(
            over=why if has_ended else None,
            admin=user.admin,
            auditor=user.auditor,
            groups=frozenset(row.groups or ()),
            seen_at=row.seen_at,
            created_at=row.created_at,
        )

    def _why_over(self, created_at: datetime, seen_at: datetime, now: datetime) -> Over | None:
        if created_at + self._life <= now:
            return Over.SESSION_OVER
        return Over.SESSION_UNUSED if seen_at + self._idle <= now else None


_SESSION = (
    tables.Session.user,
    tables.Session.created_at,
    tables.Session.seen_at,
    tables.Session.groups,
)
_TOKEN = (tables.Token.user, tables.Token.expires_at, tables.Token.services, tables.Token.permissions)
_USER = (tables.User.name, tables.User.admin, tables.User.auditor, tables.User.disabled)


def _token_stands(row: Row[Any] | None, user: Row[Any], now: datetime) -> Stands:
    if row is None or row.user != user.name:
        return Stands(over=Over.TOKEN_REVOKED)
    return Stands(
        over=Over.TOKEN_EXPIRED if row.expires_at is not None and row.expires_at <= now else None,
        admin=user.admin,
        auditor=user.auditor,
        services=None if row.services is None else frozenset(row.services),
        permissions=None if row.permissions is None else frozenset(Permission(word) for word in row.permissions),
    )


def _rows(
    session: DbSession, key: InstrumentedAttribute[str], wanted: set[str], columns: Sequence[InstrumentedAttribute[Any]]
) -> dict[str, Row[Any]]:
    question = select(key.label("wanted"), *columns)
    return {row.wanted: row for part in _parts(wanted) for row in session.execute(question.where(key.in_(part)))}


def _parts(wanted: Iterable[K]) -> Iterator[list[K]]:
    ordered = sorted(wanted)
    for at in range(0, len(ordered), ASKED_AT_ONCE):
        yield ordered[at : at + ASKED_AT_ONCE]
