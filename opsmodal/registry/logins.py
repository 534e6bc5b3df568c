"""Logins for image registries: what a runtime signs in with when it pulls an image, sealed, one for each registry.

They stand beside the entries of the document, as trusted host keys do: a document holds no secrets, and applying one
neither gives nor takes them. Nothing here gives a password to anybody but the pull that needs it.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from opsmodal.errors import NotThere
from opsmodal.store import Store, Vault
from opsmodal.store.keys import login_owner
from opsmodal.store.tables import RegistryLogin
from runtimes.registries import Login


class KnownLogin(NamedTuple):
    """A login without its password: for which registry of which runtime, as whom, and who gave it when."""

    runtime: str
    host: str
    user: str
    given_by: str
    given_at: datetime


class RegistryLogins:
    """The logins of all runtimes."""

    def __init__(self, store: Store, vault: Vault) -> None:
        self._store = store
        self._vault = vault

    def known(self, runtime: str) -> tuple[KnownLogin, ...]:
        """List those of a runtime, by registry."""
        columns = (getattr(RegistryLogin, name) for name in KnownLogin._fields)
        wanted = select(*columns).where(RegistryLogin.runtime == runtime).order_by(RegistryLogin.host)
        with self._store.reading() as session:
            return tuple(KnownLogin(*row) for row in session.execute(wanted))

    def login(self, runtime: str, host: str) -> Login | None:
        """Open the one for a registry, as a pull needs it; None where there is none. Raise WrongKey."""
        with self._store.reading() as session:
            row = session.get(RegistryLogin, (runtime, host))
            if row is None:
                return None
            return Login(user=row.user, secret=self._vault.open(login_owner(runtime, host), row.sealed))

    def put(self, known: KnownLogin, secret: str) -> bool:
        """Keep a login in place of the one there is for its registry; tell whether there was one."""
        sealed = self._vault.seal(login_owner(known.runtime, known.host), secret)
        with self._store.session() as session:
            row = session.get(RegistryLogin, (known.runtime, known.host), with_for_update=True)
            if row is None:
                session.add(RegistryLogin(**known._asdict(), sealed=sealed))
                return False
            row.user, row.sealed = known.user, sealed
            row.given_by, row.given_at = known.given_by, known.given_at
        return True

    def remove(self, runtime: str, host: str) -> None:
        """Forget the login for a registry. Raise NotThere where there is none."""
        with self._store.session() as session:
            row = session.get(RegistryLogin, (runtime, host), with_for_update=True)
            if row is None:
                raise NotThere(f"The runtime {runtime[:80]} has no login for {host[:80]}.")
            session.delete(row)


def drop(session: Session, runtime: str) -> None:
    """Forget every login of a runtime that goes."""
    session.execute(delete(RegistryLogin).where(RegistryLogin.runtime == runtime))
