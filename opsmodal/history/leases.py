"""Who collects from which runtime, of all workers and replicas: whoever holds its lease.

Every moment is the database's own: the clocks of replicas may differ by minutes without two of them believing to hold
the same lease. A worker that cannot reach the store counts by its own monotonic clock, from before it last asked, and
lets go before anybody else may take over. A lease that lies further ahead than any could is from before a clock was set
back, and is taken: otherwise its holder, once dead, would keep it for as long as the clock was wrong.
"""

from __future__ import annotations

from collections.abc import Collection
from time import monotonic

from sqlalchemy import ColumnElement, Double, cast, delete, extract, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from opsmodal.store.store import Store
from opsmodal.store.tables import LeaseRow

LASTS_S = 20.0
"""How long a lease lasts without being renewed: with a round every RENEW_S, a dead worker's is taken within 30 s."""
RENEW_S = 10.0
NOBODY = ""
_UNIX_EPOCH_JULIAN = 2440587.5
_DAY_S = 86400.0


class Leases:
    """The leases that one worker holds."""

    def __init__(self, store: Store, holder: str) -> None:
        self._store = store
        self._holder = holder
        self._until = 0.0
        self._held: frozenset[str] = frozenset()

    @property
    def held(self) -> frozenset[str]:
        """Name what this worker may collect at this moment, also while the store cannot be reached."""
        return self._held if monotonic() < self._until else frozenset()

    def keep(self, wanted: Collection[str]) -> frozenset[str]:
        """Renew what is held, take what is free, let go of the rest; name what is held now. Raise StoreProblem."""
        asked_at = monotonic()
        names = sorted(wanted)
        now = self._now()
        with self._store.session() as session:
            insert = sqlite.insert if self._store.is_sqlite else postgresql.insert
            if names:
                fresh = [{"name": name, "holder": NOBODY, "until": 0.0} for name in names]
                session.execute(insert(LeaseRow).on_conflict_do_nothing(), fresh)
                free = or_(LeaseRow.holder == self._holder, LeaseRow.until < now, LeaseRow.until > now + 2 * LASTS_S)
                session.execute(
                    update(LeaseRow)
                    .where(LeaseRow.name.in_(names), free)
                    .values(holder=self._holder, until=now + LASTS_S)
                    .execution_options(synchronize_session=False)
                )
            session.execute(
                delete(LeaseRow)
                .where(LeaseRow.holder == self._holder, LeaseRow.name.not_in(names))
                .execution_options(synchronize_session=False)
            )
            held = frozenset(session.scalars(select(LeaseRow.name).where(LeaseRow.holder == self._holder)))
        self._held, self._until = held, asked_at + LASTS_S
        return held

    def living(self) -> frozenset[str]:
        """Name every lease that somebody holds at this moment. Raise StoreProblem."""
        now = self._now()
        wanted = select(LeaseRow.name).where(LeaseRow.until >= now, LeaseRow.until <= now + 2 * LASTS_S)
        with self._store.reading() as session:
            return frozenset(session.scalars(wanted.where(LeaseRow.holder != NOBODY)))

    def holder(self, name: str) -> str:
        """Give who holds a lease, or held it last; empty when nobody does. Raise StoreProblem."""
        with self._store.reading() as session:
            return session.scalar(select(LeaseRow.holder).where(LeaseRow.name == name)) or NOBODY

    def drop(self, holder: str) -> None:
        """Take away what somebody holds who is known to be gone. Raise StoreProblem."""
        with self._store.session() as session:
            session.execute(
                delete(LeaseRow).where(LeaseRow.holder == holder).execution_options(synchronize_session=False)
            )

    def release(self) -> None:
        """Let everything go, so that another worker need not wait. Raise StoreProblem."""
        self._held = frozenset()
        with self._store.session() as session:
            session.execute(
                delete(LeaseRow).where(LeaseRow.holder == self._holder).execution_options(synchronize_session=False)
            )

    def _now(self) -> ColumnElement[float]:
        """Give the database's own clock, in seconds since 1970, as it is when the statement runs."""
        if self._store.is_sqlite:
            return (func.julianday("now", type_=Double) - _UNIX_EPOCH_JULIAN) * _DAY_S
        return cast(extract("epoch", func.clock_timestamp()), Double)
