"""The services that people want first."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from opsmodal.store.store import Store
from opsmodal.store.tables import Favorite


class Favorites:
    """Read and set the favourites of a person."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, user: str) -> frozenset[str]:
        """Name the favourites of a person."""
        with self._store.reading() as session:
            return frozenset(session.scalars(select(Favorite.service).where(Favorite.user == user)))

    def count(self, service: str) -> int:
        """Count the people who have a service among their favourites."""
        with self._store.reading() as session:
            return session.scalar(select(func.count()).where(Favorite.service == service)) or 0

    def set(self, user: str, service: str, *, wanted: bool) -> None:
        """Make a service a favourite, or no longer; doing it twice changes nothing."""
        with self._store.session() as session:
            session.execute(delete(Favorite).where(Favorite.user == user, Favorite.service == service))
            if wanted:
                session.add(Favorite(user=user, service=service))
