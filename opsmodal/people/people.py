"""The one door to people: users, tokens, sessions and tickets, and signing in by password under a rate limit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session as DbSession

from opsmodal.errors import NotSignedIn, Problem, Refusal, Rejected, TooMany
from opsmodal.networks import place_of
from opsmodal.people.base import hashed, utc_now
from opsmodal.people.links import SIGN_IN
from opsmodal.people.sessions import IDLE_S, LIFE_S, Sessions
from opsmodal.people.tokens import Tokens
from opsmodal.people.users import User, Users
from opsmodal.store import Store, tables

FAILURES_PER_MINUTE = 5
WINDOW = timedelta(minutes=1)


class People(Users, Tokens, Sessions):
    """Everybody, and what they carry."""

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime] = utc_now,
        idle_s: float = IDLE_S,
        life_s: float = LIFE_S,
        failures_per_minute: int = FAILURES_PER_MINUTE,
    ) -> None:
        Sessions.__init__(self, store, now=now, idle_s=idle_s, life_s=life_s)
        self._failures_max = failures_per_minute

    def sign_in(self, name: str, password: str, *, address: str) -> User:
        """Give the user whose password this is. Raise NotSignedIn, or TooMany after failures of name or address.

        An attempt counts as failed from its beginning: attempts side by side cannot slip under the limit together.
        """
        attempts = self._count_attempt((hashed(f"name:{name.lower()}"), _place(address)))
        try:
            user = self.verify_password(name, password)
        except TooMany:  # nobody looked at the password: it was no failure
            self._forget(attempts)
            raise
        if user is None:
            raise NotSignedIn(
                "Name or password is wrong.",
                hint=f"After {self._failures_max} failures within a minute, wait a minute.",
            )
        self._forget(attempts)
        return user

    def sign_in_by_ticket(self, ticket: str, *, address: str, purpose: str = SIGN_IN) -> User:
        """Use up a one-time link and give its user. Raise NotSignedIn, or TooMany after failures of this address."""
        attempts = self._count_attempt((_place(address),))
        user = self.redeem(ticket, purpose=purpose)
        if user is None:
            raise NotSignedIn("This link has been used or has expired.", hint="Ask for a new one, or sign in.")
        self._forget(attempts)
        return user

    @contextmanager
    def attempt(self, address: str) -> Iterator[None]:
        """Let a sign-in by somebody else's word be tried. Raise TooMany after failures of this address.

        What fails because nobody could be asked is no failure of whoever signs in.
        """
        attempts = self._count_attempt((_place(address),))
        try:
            yield
        except NotSignedIn:
            raise
        except Refusal:
            self._forget(attempts)
            raise
        self._forget(attempts)

    def change_password(self, name: str, *, old: str, new: str, address: str, keep: str) -> None:
        """Give somebody who knows their password another one, and end their sessions but the one with the id `keep`.

        Counts like a sign-in, or an open browser would be a place to guess at. Raise Rejected, or TooMany.
        """
        attempts = self._count_attempt((hashed(f"name:{name.lower()}"), _place(address)))
        try:
            is_theirs = self.verify_password(name, old) is not None
        except TooMany:
            self._forget(attempts)
            raise
        if not is_theirs:
            sentence = "The old password is wrong."
            raise Rejected(sentence, [Problem(field="old", sentence=sentence)], hint="Nothing was changed.")
        self._forget(attempts)
        self.set_password(name, new, keep=keep)

    def _forget(self, attempts: list[int]) -> None:
        with self._store.session() as session:
            session.execute(delete(tables.SignInFailure).where(tables.SignInFailure.id.in_(attempts)))

    def _count_attempt(self, subjects: tuple[str, ...]) -> list[int]:
        now = self._now()
        with self._store.session() as session:
            self._store.lock(session, "sign-in")
            at = tables.SignInFailure.at
            # A clock that was set back leaves failures of the future, which would lock people out until it is there.
            session.execute(delete(tables.SignInFailure).where(or_(at <= now - WINDOW, at > now + WINDOW)))
            for subject in subjects:
                self._demand_few(session, subject, now)
            rows = [tables.SignInFailure(subject=subject, at=now) for subject in subjects]
            session.add_all(rows)
            session.flush()
            return [row.id for row in rows]

    def _demand_few(self, session: DbSession, subject: str, now: datetime) -> None:
        failure = tables.SignInFailure
        count, oldest = session.execute(
            select(func.count(), func.min(failure.at)).where(failure.subject == subject)
        ).one()
        if count >= self._failures_max:
            raise TooMany(
                "Too many failed sign-ins.",
                hint="Wait a minute and try again.",
                retry_after_s=max(1.0, (oldest + WINDOW - now).total_seconds()),
            )


def _place(address: str) -> str:
    """Give the subject that attempts of an address count for."""
    return hashed(f"address:{place_of(address)}")
