"""Which connection each person wants for each service. Whoever has chosen none has Auto.

It refuses to know which connections there are: what is chosen may have been removed since, and then counts as Auto
(`opsmodal.fleet`). With a service or a person, what was chosen for or by them goes as well.
"""

from __future__ import annotations

from sqlalchemy import select

from opsmodal.store.store import Store
from opsmodal.store.tables import Choice

AUTO = "auto"


class Choices:
    """Read and set what people chose."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, user: str) -> dict[str, str]:
        """Give what somebody chose, by service."""
        with self._store.looking() as connection:
            rows = connection.execute(_OF.where(_COLUMNS.user == user))
            return {row.service: row.connection for row in rows}

    def get(self, user: str, service: str) -> str | None:
        """Give what somebody chose for a service; None when they never have."""
        with self._store.looking() as connection:
            return connection.scalar(_ONE.where(_COLUMNS.user == user, _COLUMNS.service == service))

    def set(self, user: str, service: str, connection: str) -> None:
        """Keep a choice; "auto" is one."""
        with self._store.session() as session:
            session.merge(Choice(user=user, service=service, connection=connection))


_COLUMNS = Choice.metadata.tables[Choice.__tablename__].c
_OF = select(_COLUMNS.service, _COLUMNS.connection)
_ONE = select(_COLUMNS.connection)
