"""Revisions of containers: what each was made with before opsmodal first changed it, and after each change. Sealed.

An engine keeps no history. A revision is known by the service and the name of its container, since the container itself
is another one after each update. The last KEPT_MAX are kept. It refuses to know what is in one.
"""

from __future__ import annotations

import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from opsmodal.errors import NotThere
from opsmodal.store.store import Store
from opsmodal.store.tables import RevisionRow
from opsmodal.store.vault import Vault
from runtimes.updates import Spec

KEPT_MAX = 10
REASON_MAX_CHARS = 500
CAUSE_MAX_CHARS = 255
LOCK = "container revisions"
FOUND = "found before the first change"
FOUND_CHANGED = "found, changed elsewhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """Whose revisions: a container of a service, by its name."""

    runtime: str
    service: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who made a revision, how and why. `id` is that of the update: kept twice, it is one."""

    person: str = ""
    cause: str = FOUND
    reason: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """One revision without its settings. `unshown`: its engine does not show all of it."""

    number: int
    container: str
    person: str
    cause: str
    reason: str
    at: datetime
    image: str
    image_id: str
    digest: str
    unshown: bool


class Revisions:
    """The revisions of all containers that opsmodal has changed."""

    def __init__(self, store: Store, vault: Vault, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._vault = vault
        self._now = now

    def keep(self, whose: Container, spec: Spec, by: By, *, unshown: bool = False) -> None:
        """Keep a revision; what was found is kept only where it is not the newest one. Raise StoreProblem."""
        digest, revision_id = self.digest(spec), by.id or secrets.token_hex(8)
        sealed = self._vault.seal_bytes(_owner(revision_id), zlib.compress(spec.data))
        with self._store.session() as session:
            self._store.lock(session.connection(), LOCK)
            newest = session.scalar(select(RevisionRow).where(*_of(whose)).order_by(RevisionRow.number.desc()).limit(1))
            is_known = newest is not None and by.cause == FOUND and self._is_still(newest, spec, digest)
            if is_known or session.get(RevisionRow, revision_id) is not None:
                return
            row = RevisionRow(
                id=revision_id,
                runtime=whose.runtime,
                service=whose.service,
                name=whose.name,
                number=newest.number + 1 if newest else 1,
                container=spec.container,
                person=by.person,
                cause=(FOUND_CHANGED if newest and by.cause == FOUND else by.cause)[:CAUSE_MAX_CHARS],
                reason=by.reason[:REASON_MAX_CHARS],
                at=self._now(),
                image=spec.image,
                image_id=spec.image_id,
                digest=digest,
                unshown=unshown,
                sealed=sealed,
            )
            session.add(row)
            session.flush()
            _sweep(session, whose)

    def list(self, whose: Container) -> tuple[Kept, ...]:
        """List the revisions of one container, newest first. Raise StoreProblem."""
        with self._store.reading() as session:
            rows = session.scalars(select(RevisionRow).where(*_of(whose)).order_by(RevisionRow.number.desc()))
            return tuple(map(_kept, rows))

    def newest(self, runtime: str, service: str) -> Mapping[str, int]:
        """Give the number of the newest revision of each container of a service. Raise StoreProblem."""
        where = (RevisionRow.runtime == runtime, RevisionRow.service == service)
        wanted = select(RevisionRow.name, func.max(RevisionRow.number)).where(*where).group_by(RevisionRow.name)
        with self._store.looking() as connection:
            return {name: int(number) for name, number in connection.execute(wanted)}

    def get(self, whose: Container, number: int) -> tuple[Kept, Spec]:
        """Open one; 0 is the one before the newest. Raise NotThere, WrongKey or StoreProblem."""
        wanted = select(RevisionRow).where(*_of(whose)).order_by(RevisionRow.number.desc())
        wanted = wanted.where(RevisionRow.number == number) if number else wanted.offset(1)
        with self._store.reading() as session:
            row = session.scalar(wanted.limit(1))
        if row is None:
            said = f"no revision {number}" if number else "no revision before the newest"
            raise NotThere(f"{whose.name} has {said}.", hint=f"The last {KEPT_MAX} are kept: see its page.")
        data = zlib.decompress(self._vault.open_bytes(_owner(row.id), row.sealed))
        return _kept(row), Spec(container=row.container, image=row.image, image_id=row.image_id, data=data)

    def unshown(self, whose: Container, container: str) -> Spec | None:
        """Give the newest revision, where it is of this very container and its engine does not show all of it."""
        newest = next(iter(self.list(whose)), None)
        if newest is None or not newest.unshown or newest.container != container:
            return None
        return self.get(whose, newest.number)[1]

    def digest(self, spec: Spec) -> str:
        """Name the settings of a spec without telling them."""
        return self._vault.fingerprint(msgspec.json.encode(sorted(spec.settings.items())).decode())

    @staticmethod
    def _is_still(newest: RevisionRow, spec: Spec, digest: str) -> bool:
        return newest.digest == digest or (newest.unshown and newest.container == spec.container)


def _owner(revision_id: str) -> tuple[str, str]:
    return ("container revision", revision_id)


def _of(whose: Container) -> list[ColumnElement[bool]]:
    by = {RevisionRow.runtime: whose.runtime, RevisionRow.service: whose.service, RevisionRow.name: whose.name}
    return [column == wanted for column, wanted in by.items()]


def _sweep(session: Session, whose: Container) -> None:
    numbers = select(RevisionRow.number).where(*_of(whose)).order_by(RevisionRow.number.desc()).offset(KEPT_MAX)
    if old := list(session.scalars(numbers)):
        session.execute(delete(RevisionRow).where(*_of(whose), RevisionRow.number.in_(old)))


def _kept(row: RevisionRow) -> Kept:
    return Kept(
        number=row.number,
        container=row.container,
        person=row.person,
        cause=row.cause,
        reason=row.reason,
        at=row.at,
        image=row.image,
        image_id=row.image_id,
        digest=row.digest,
        unshown=row.unshown,
    )
