"""Browsers that are signed in, and the one-time tickets that start or accompany a session."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, not_, or_, select

from opsmodal.errors import NotThere
from opsmodal.people.base import TOUCH_EVERY_S, OverStore, hashed, is_id, new_id, new_secret, utc_now
from opsmodal.people.links import LIFETIMES_S, SIGN_IN
from opsmodal.people.users import User, end_all, user_of
from opsmodal.store import Store, tables
from opsmodal.store.tables.people import ADDRESS_CHARS, AGENT_CHARS

IDLE_S = 12 * 3600
LIFE_S = 7 * 24 * 3600
AHEAD_MAX = timedelta(minutes=5)
"""Clocks of workers may differ by this. What was made later than that from now on was made by a clock that has been set
back since, and its lifetime says nothing: a session of next year would otherwise live for a year and a week."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A session, without its secret; it ends at `ends_at` at the latest.

    `how` is password, link, oidc or header, and empty where nobody wrote it down. `groups` came with the
    sign-in itself.
    """

    id: str
    user: User
    created_at: datetime
    seen_at: datetime
    ends_at: datetime
    address: str
    agent: str
    how: str
    groups: frozenset[str]


class Sessions(OverStore):
    """Start, find and end sessions; issue and redeem tickets."""

    def __init__(
        self, store: Store, *, now: Callable[[], datetime] = utc_now, idle_s: float = IDLE_S, life_s: float = LIFE_S
    ) -> None:
        super().__init__(store, now=now)
        self._idle = timedelta(seconds=idle_s)
        self._life = timedelta(seconds=life_s)

    def start_session(
        self, user: str, *, how: str = "", groups: Sequence[str] | None = None, address: str = "", agent: str = ""
    ) -> str:
        """Give the secret of a new session. Sessions that have ended are swept away at the same time.

        `how` says how it began; `groups` are those that the sign-in brought along, None where it knows of none.
        """
        secret, now = new_secret(), self._now()
        with self._store.session() as session:
            session.execute(delete(tables.Session).where(self._ended(now)))
            session.add(
                tables.Session(
                    id=new_id(),
                    secret_hash=hashed(secret),
                    user=user,
                    created_at=now,
                    seen_at=now,
                    address=address[:ADDRESS_CHARS],
                    agent=_printable(agent)[:AGENT_CHARS],
                    how=how,
                    groups=None if groups is None else sorted(set(groups)),
                )
            )
        return secret

    def session(self, secret: str, *, used: bool = True) -> SignedIn | None:
        """Find the session with this secret; None when it has ended or its user is disabled.

        `used` is False for what a page does by itself: that keeps no session from ending for want of use.
        """
        now = self._now()
        with self._store.reading() as session:
            row = session.scalar(select(tables.Session).where(tables.Session.secret_hash == hashed(secret)))
            owner = session.get(tables.User, row.user) if row else None
        if row is None or owner is None or owner.disabled or self._has_ended(row, now):
            return None
        if used and (now - row.seen_at).total_seconds() > TOUCH_EVERY_S:
            self._see(row.id, now)
        return self._signed_in(row, owner)

    def sessions(self, user: str | None = None) -> tuple[SignedIn, ...]:
        """List the sessions that have not ended, of one user or of all, newest first."""
        wanted = (
            select(tables.Session, tables.User)
            .join(tables.User, tables.User.name == tables.Session.user)
            .where(not_(self._ended(self._now())))
            .order_by(tables.Session.created_at.desc(), tables.Session.id)
        )
        if user is not None:
            wanted = wanted.where(tables.Session.user == user)
        with self._store.reading() as session:
            return tuple(self._signed_in(row, owner) for row, owner in session.execute(wanted))

    def session_use(self) -> Mapping[str, tuple[int, datetime]]:
        """Count everybody's sessions that have not ended, with the moment of the last use of one."""
        row = tables.Session
        wanted = select(row.user, func.count(), func.max(row.seen_at)).where(not_(self._ended(self._now())))
        with self._store.reading() as session:
            return {user: (count, last) for user, count, last in session.execute(wanted.group_by(row.user))}

    def end_session(self, secret: str) -> None:
        """End a session; one that has ended already stays so."""
        with self._store.session() as session:
            session.execute(delete(tables.Session).where(tables.Session.secret_hash == hashed(secret)))

    def end_session_of(self, user: str, session_id: str) -> None:
        """End one session of a user by its id. Raise NotThere."""
        mine = (tables.Session.user == user, tables.Session.id == session_id)
        ended = delete(tables.Session).where(*mine).returning(tables.Session.id)
        with self._store.session() as session:
            if not is_id(session_id) or session.execute(ended).first() is None:
                raise NotThere("There is no such session.", hint="It may have ended already.")

    def end_sessions(self, user: str, *, keep: str = "") -> int:
        """End every session of a user but the one with the id `keep`, and their one-time links; count the sessions."""
        with self._store.session() as session:
            return end_all(session, user, keep=keep)

    def issue_ticket(self, user: str, lifetime_s: float | None = None, *, purpose: str = SIGN_IN) -> str:
        """Give the secret of a ticket that works once, for one purpose, and no longer than that purpose allows."""
        secret, now, longest_s = new_secret(), self._now(), LIFETIMES_S[purpose]
        with self._store.session() as session:
            session.execute(delete(tables.Ticket).where(tables.Ticket.expires_at <= now))
            session.add(
                tables.Ticket(
                    secret_hash=hashed(secret),
                    user=user,
                    purpose=purpose,
                    created_at=now,
                    expires_at=now + timedelta(seconds=longest_s if lifetime_s is None else min(lifetime_s, longest_s)),
                )
            )
        return secret

    def redeem(self, ticket: str, *, purpose: str = SIGN_IN) -> User | None:
        """Use a ticket up; give its user, or None when it is unknown, used, expired or for something else."""
        wanted = (tables.Ticket.secret_hash == hashed(ticket), tables.Ticket.purpose == purpose)
        with self._store.session() as session:
            used = session.execute(
                delete(tables.Ticket)
                .where(*wanted)
                .returning(tables.Ticket.user, tables.Ticket.created_at, tables.Ticket.expires_at)
            ).first()
            now = self._now()
            if used is None or used.expires_at <= now or used.created_at > now + AHEAD_MAX:
                return None
            owner = session.get(tables.User, used.user)
            return None if owner is None or owner.disabled else user_of(owner)

    def _has_ended(self, row: tables.Session, now: datetime) -> bool:
        is_over = row.seen_at + self._idle <= now or row.created_at + self._life <= now
        return is_over or row.created_at > now + AHEAD_MAX

    def _ended(self, now: datetime) -> ColumnElement[bool]:
        """Say the same to the database."""
        kept = tables.Session
        return or_(
            kept.seen_at <= now - self._idle, kept.created_at <= now - self._life, kept.created_at > now + AHEAD_MAX
        )

    def _signed_in(self, row: tables.Session, owner: tables.User) -> SignedIn:
        return SignedIn(
            id=row.id,
            user=user_of(owner),
            created_at=row.created_at,
            seen_at=row.seen_at,
            ends_at=row.created_at + self._life,
            address=row.address,
            agent=row.agent,
            how=row.how,
            groups=frozenset(row.groups or ()),
        )

    def _see(self, session_id: str, now: datetime) -> None:
        with self._noting() as session:
            row = session.get(tables.Session, session_id)
            if row is not None:
                row.seen_at = now


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())
