"""What works once and lies in no table of ours until it is used: whoever uses it first has it, in whichever worker.

Kept among the leases, which are the store's names with an end and a primary key: a second use runs into the first.
"""

from __future__ import annotations

from sqlalchemy import delete
from sqlalchemy.exc import IntegrityError

from opsmodal.people.base import OverStore, hashed
from opsmodal.store.tables import LeaseRow

HOLDER = "used-once"


class Once(OverStore):
    """Remember what was used, for as long as somebody could use it again."""

    def use(self, secret: str, *, life_s: float) -> bool:
        """Use something up; tell whether nobody had before. Raise StoreProblem."""
        now = self._now().timestamp()
        try:
            with self._store.session() as session:
                session.execute(delete(LeaseRow).where(LeaseRow.holder == HOLDER, LeaseRow.until < now))
                session.add(LeaseRow(name=f"{HOLDER}:{hashed(secret)}", holder=HOLDER, until=now + life_s))
        except IntegrityError:
            return False
        return True
