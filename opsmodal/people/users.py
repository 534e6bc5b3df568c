"""Who there is: users, their passwords and flags."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, exists, func, or_, select
from sqlalchemy.orm import Session as DbSession

from opsmodal.errors import LastAdministrator, NotThere, Problem, Rejected
from opsmodal.people.base import OverStore
from opsmodal.people.passwords import hash_password, is_outdated, matches
from opsmodal.store import tables

NAME_SHAPE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._@+-]{0,126}[A-Za-z0-9])?")
"""Login names and mail addresses, and nothing that could be taken for a path, an option or markup."""
NAME_HINT = "A name has letters, digits, dots, dashes, underscores, plus or @ inside, and at most 128 characters."


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody. `has_password` tells whether they can sign in by one."""

    name: str
    admin: bool = False
    auditor: bool = False
    disabled: bool = False
    has_password: bool = False
    created_at: datetime


class Users(OverStore):
    """Add, list, change and disable people."""

    def add(self, name: str, *, password: str | None = None, admin: bool = False, auditor: bool = False) -> User:
        """Add somebody. Raise Rejected when the name is taken or cannot be one, or the password is too weak."""
        if not NAME_SHAPE.fullmatch(name):
            raise _rejected(f"{name[:80]!r} cannot be the name of a user.", NAME_HINT)
        kept = None if password is None else hash_password(password)
        with self._store.session() as session:
            self._store.lock(session, "users")
            # Two names that differ in case only are one to whoever reads them.
            taken = session.scalar(select(tables.User.name).where(func.lower(tables.User.name) == name.lower()))
            if taken is not None:
                raise _rejected(f"There is a user {taken} already.", "Choose another name.")
            row = tables.User(
                name=name,
                password_hash=kept,
                admin=admin,
                auditor=auditor,
                disabled=False,
                created_at=self._now(),
            )
            session.add(row)
            return user_of(row)

    def user(self, name: str) -> User | None:
        """Find somebody by name."""
        row = self._row(name)
        return user_of(row) if row else None

    def users(self) -> tuple[User, ...]:
        """List everybody, by name."""
        with self._store.reading() as session:
            return tuple(
                User(
                    name=name,
                    admin=admin,
                    auditor=auditor,
                    disabled=disabled,
                    has_password=has_password,
                    created_at=created_at,
                )
                for name, admin, auditor, disabled, has_password, created_at in session.execute(_EVERYBODY)
            )

    def names(self) -> tuple[str, ...]:
        """Name everybody."""
        with self._store.reading() as session:
            return tuple(session.scalars(select(tables.User.name).order_by(tables.User.name)))

    def verify_password(self, name: str, password: str) -> User | None:
        """Give the user when the password is theirs and they are not disabled. Takes as long for a name nobody has."""
        row = self._row(name)
        kept = row.password_hash if row and not row.disabled else None
        if not matches(password, kept) or row is None or kept is None:
            return None
        if is_outdated(kept):
            self._change(name, password_hash=hash_password(password))
        return user_of(row)

    def set_password(self, name: str, password: str, *, keep: str = "") -> None:
        """Give somebody another password, and end their sessions but the one with the id `keep`.

        Raise NotThere, or Rejected for a weak one.
        """
        self._change(name, password_hash=hash_password(password), end_sessions=True, keep=keep)

    def set_flags(self, name: str, *, admin: bool | None = None, auditor: bool | None = None) -> User:
        """Make somebody an administrator or auditor, or no longer. Raise NotThere or LastAdministrator."""
        return self._change(name, admin=admin, auditor=auditor)

    def disable(self, name: str) -> User:
        """Shut somebody out now: sessions and tickets end, tokens no longer work.

        Raise NotThere or LastAdministrator.
        """
        return self._change(name, disabled=True, end_sessions=True)

    def enable(self, name: str) -> User:
        """Let somebody in again. Raise NotThere."""
        return self._change(name, disabled=False)

    def _row(self, name: str) -> tables.User | None:
        """Find a row. What cannot be a name is nobody's: some databases refuse to be asked for a NUL at all."""
        if not NAME_SHAPE.fullmatch(name):
            return None
        with self._store.reading() as session:
            return session.get(tables.User, name)

    def _change(self, name: str, *, end_sessions: bool = False, keep: str = "", **values: str | bool | None) -> User:
        with self._store.session() as session:
            # Two administrators who take the flag from each other at once must not both be right.
            self._store.lock(session, "users")
            row = session.get(tables.User, name, with_for_update=True)
            if row is None:
                raise NotThere(f"There is no user {name[:80]!r}.", hint="“opsmodal user list” shows them.")
            if row.admin and not row.disabled and (values.get("admin") is False or values.get("disabled")):
                _demand_another_administrator(session, name)
            for column, value in values.items():
                if value is not None:
                    setattr(row, column, value)
            if end_sessions:
                end_all(session, name, keep=keep)
            return user_of(row)


_EVERYBODY = select(
    tables.User.name,
    tables.User.admin,
    tables.User.auditor,
    tables.User.disabled,
    tables.User.password_hash.is_not(None),
    tables.User.created_at,
).order_by(tables.User.name)
"""Of columns instead of objects: of thousands of people the objects took most of the time."""


def user_of(row: tables.User) -> User:
    """Give the user of a row."""
    return User(
        name=row.name,
        admin=row.admin,
        auditor=row.auditor,
        disabled=row.disabled,
        has_password=row.password_hash is not None,
        created_at=row.created_at,
    )


def end_all(session: DbSession, name: str, *, keep: str = "") -> int:
    """End the sessions of somebody but the one with the id `keep`, and their tickets; count the sessions."""
    mine = (tables.Session.user == name, tables.Session.id != keep)
    ended = session.execute(delete(tables.Session).where(*mine).returning(tables.Session.id)).all()
    session.execute(delete(tables.Ticket).where(tables.Ticket.user == name))
    return len(ended)


def _demand_another_administrator(session: DbSession, name: str) -> None:
    """Raise LastAdministrator unless somebody else can sign in and administer.

    Where nobody can sign in by themselves (a demo, an installation that has just begun), any other one will do: the
    command line makes links.
    """
    user = tables.User
    known = exists().where(tables.Identity.user == user.name)
    can_sign_in = or_(user.password_hash.is_not(None), known)
    rows = session.execute(select(user.name, can_sign_in).where(user.admin.is_(True), user.disabled.is_(False)))
    by_name = {each: bool(can) for each, can in rows}
    able = {each for each, can in by_name.items() if can} or set(by_name)
    if able == {name}:
        raise LastAdministrator(
            f"{name} is the last administrator who can sign in.",
            hint="Make somebody else an administrator first.",
        )


def _rejected(sentence: str, hint: str) -> Rejected:
    return Rejected(sentence, [Problem(field="name", sentence=sentence, hint=hint)], hint=hint)
