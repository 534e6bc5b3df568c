"""Versions of ConfigMaps and Secrets: what was there before opsmodal changed one, and what it saved. Sealed.

Kubernetes keeps no history of them. A version is known by the runtime and namespace of its object, not by the service
that somebody came by: two services of a namespace see the same object. Bounded for each object and each namespace.
It refuses to say who may read one.
"""

from __future__ import annotations

import base64
import secrets
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec
from sqlalchemy import ColumnElement, and_, delete, func, select
from sqlalchemy.orm import Session

from opsmodal.errors import NotThere
from opsmodal.store.store import Store
from opsmodal.store.tables import ConfigVersionRow
from opsmodal.store.vault import Vault

VERSIONS_MAX = 30
"""Kept of one object; the oldest go."""
NAMESPACE_MAX_BYTES = 100_000_000
"""What the sealed versions of one namespace may take together."""
DELETED_MAX = 20
REASON_MAX_CHARS = 500
LEVEL = 6

Came = Literal["found", "created", "saved", "restored", "deleted"]
COLUMNS = tuple(column for column in ConfigVersionRow.__table__.columns if column.name != "sealed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which object: a ConfigMap or Secret of a namespace of a runtime."""

    runtime: str
    namespace: str
    holder: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What an object held."""

    values: Mapping[str, bytes] = field(repr=False)
    type: str = ""
    immutable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class By:
    """Who saved it, by which service, and why."""

    person: str
    service: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version without its values. "found" is what was there before somebody's change by opsmodal."""

    id: str
    holder: str
    name: str
    person: str
    action: str
    reason: str
    at: datetime
    type: str
    immutable: bool
    keys: tuple[str, ...]
    size_bytes: int


class Versions:
    """The versions of every object that was changed by opsmodal."""

    def __init__(self, store: Store, vault: Vault, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store
        self._vault = vault
        self._now = now

    def keep(self, place: Place, content: Content, action: Came, by: By) -> None:
        """Keep a version; what was found is kept only where it is not the newest one. Raise StoreProblem."""
        digest = self._digest(content)
        with self._store.reading() as session:
            newest = session.scalar(select(ConfigVersionRow.digest).where(*_of(place)).order_by(*_NEWEST).limit(1))
        if action == "found" and newest == digest:
            return
        version_id = secrets.token_hex(8)
        sealed = self._vault.seal_bytes(_owner(version_id), _packed(content))
        row = ConfigVersionRow(
            **_place_of(place),
            id=version_id,
            service=by.service,
            person=by.person,
            action=action,
            reason=by.reason[:REASON_MAX_CHARS],
            at=self._now(),
            type=content.type,
            immutable=content.immutable,
            key_names=sorted(content.values),
            size_bytes=sum(map(len, content.values.values())),
            digest=digest,
            sealed_bytes=len(sealed),
            sealed=sealed,
        )
        with self._store.session() as session:
            session.add(row)
            session.flush()
            _sweep(session, place)

    def list(self, place: Place) -> tuple[Version, ...]:
        """List the versions of one object, newest first. Raise StoreProblem."""
        with self._store.reading() as session:
            rows = session.execute(select(*COLUMNS).where(*_of(place)).order_by(*_NEWEST)).all()
        return tuple(_version(row) for row in rows)

    def get(self, place: Place, version_id: str) -> tuple[Version, Content]:
        """Open one version. Raise NotThere, WrongKey or StoreProblem."""
        with self._store.reading() as session:
            row = session.scalar(select(ConfigVersionRow).where(*_of(place), ConfigVersionRow.id == version_id))
        if row is None:
            raise NotThere("There is no such version.", hint="It may have been dropped for newer ones: see the list.")
        values = _unpacked(self._vault.open_bytes(_owner(row.id), row.sealed))
        return _version(row), Content(values=values, type=row.type, immutable=row.immutable)

    def deleted(self, runtime: str, namespace: str) -> tuple[Version, ...]:
        """List what was deleted by opsmodal and not made again by it since, newest first. Raise StoreProblem."""
        where = (ConfigVersionRow.runtime == runtime, ConfigVersionRow.namespace == namespace)
        same = (ConfigVersionRow.holder, ConfigVersionRow.name)
        newest = select(*same, func.max(ConfigVersionRow.at).label("at")).where(*where).group_by(*same).subquery()
        is_newest = and_(same[0] == newest.c.holder, same[1] == newest.c.name, ConfigVersionRow.at == newest.c.at)
        wanted = select(*COLUMNS).join(newest, is_newest).where(*where, ConfigVersionRow.action == "deleted")
        with self._store.reading() as session:
            rows = session.execute(wanted.order_by(*_NEWEST).limit(DELETED_MAX)).all()
        return tuple(_version(row) for row in rows)

    def fingerprint(self, place: Place, key: str, value: bytes) -> str:
        """Name a value without telling it, so that a page can say later which one it showed."""
        named = (place.runtime, place.namespace, place.holder, place.name, key, base64.b64encode(value).decode())
        return self._vault.fingerprint("\0".join(named))

    def _digest(self, content: Content) -> str:
        packed = msgspec.json.encode([content.type, content.immutable, sorted(content.values.items())])
        return self._vault.fingerprint(packed.decode())


_NEWEST = (ConfigVersionRow.at.desc(), ConfigVersionRow.id.desc())
_VALUES: msgspec.msgpack.Decoder[dict[str, bytes]] = msgspec.msgpack.Decoder(dict[str, bytes])


def _owner(version_id: str) -> tuple[str, str]:
    return ("config version", version_id)


def _place_of(place: Place) -> dict[str, str]:
    return {
        "runtime": place.runtime,
        "namespace": place.namespace,
        "holder": place.holder,
        "name": place.name,
    }


def _of(place: Place) -> list[ColumnElement[bool]]:
    return [getattr(ConfigVersionRow, column) == wanted for column, wanted in _place_of(place).items()]


def _packed(content: Content) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(dict(content.values)), LEVEL)


def _unpacked(packed: bytes) -> dict[str, bytes]:
    return _VALUES.decode(zlib.decompress(packed))


def _version(row: Any) -> Version:
    return Version(
        id=row.id,
        holder=row.holder,
        name=row.name,
        person=row.person,
        action=row.action,
        reason=row.reason,
        at=row.at,
        type=row.type,
        immutable=row.immutable,
        keys=tuple(row.key_names),
        size_bytes=row.size_bytes,
    )


def _sweep(session: Session, place: Place) -> None:
    """Drop the oldest versions of an object that has too many, and of a namespace that takes too much."""
    mine = session.scalars(select(ConfigVersionRow.id).where(*_of(place)).order_by(*_NEWEST).offset(VERSIONS_MAX))
    old = list(mine)
    if old:
        session.execute(delete(ConfigVersionRow).where(ConfigVersionRow.id.in_(old)))
    where = (ConfigVersionRow.runtime == place.runtime, ConfigVersionRow.namespace == place.namespace)
    if (session.scalar(select(func.sum(ConfigVersionRow.sealed_bytes)).where(*where)) or 0) <= NAMESPACE_MAX_BYTES:
        return
    running = func.sum(ConfigVersionRow.sealed_bytes).over(order_by=_NEWEST).label("running")
    sums = select(ConfigVersionRow.id, running).where(*where).subquery()
    beyond = select(sums.c.id).where(sums.c.running > NAMESPACE_MAX_BYTES)
    session.execute(delete(ConfigVersionRow).where(ConfigVersionRow.id.in_(beyond)))
