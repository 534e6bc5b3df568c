"""Events, restarts and changes of version of the last week, in the store: bounded for each service.

What is told again is the same row: its count and last moment grow, whoever tells it and in whichever order. Seen
versions are kept beside, so that a change that happened while nobody collected is seen afterwards. Secrets in what a
runtime tells (an address with a password that could not be reached) are masked before they are kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import case, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from opsmodal.audit.redaction import redacted
from opsmodal.store.store import Store
from opsmodal.store.tables import HappenedRow, UsageRow, VersionRow
from opsmodal.store.tables.base import NAME_CHARS
from opsmodal.store.tables.history import KEY_CHARS, SUBJECT_CHARS
from runtimes.history import Report, Version

KEPT_DAYS = 7
ROWS_MAX = 2_000
"""Rows of one service. At 400 bytes a row, 200 services take at most 160 MB of store; a busy service has some 300."""
MESSAGE_MAX_CHARS = 1_000
BATCH_ROWS = 500
"""Rows of one statement: SQLite takes 32,766 values in one."""
WORKLOADS_MAX = 500
"""Workloads of one service whose version is remembered."""
VERSION = "version"

_COLUMNS = ("about", "kind", "reason", "subject", "message")


class Happened:
    """What happened to services."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, reports: Sequence[Report]) -> None:
        """Write reports in one transaction. Raise StoreProblem."""
        if not reports:
            return
        rows = [_row(report) for report in reports]
        with self._store.session() as session:
            for start in range(0, len(rows), BATCH_ROWS):
                self._upsert(session, rows[start : start + BATCH_ROWS])

    def read(
        self, service: str, *, since: datetime | None, until: datetime | None, limit: int = ROWS_MAX
    ) -> list[Report]:
        """Read what happened to a service, newest first."""
        wanted = select(HappenedRow).where(HappenedRow.service == service)
        wanted = wanted.where(HappenedRow.last_at >= since) if since else wanted
        wanted = wanted.where(HappenedRow.last_at < until) if until else wanted
        with self._store.reading() as session:
            rows = session.scalars(wanted.order_by(HappenedRow.last_at.desc(), HappenedRow.key).limit(limit))
            return [_report(row) for row in rows]

    def note_versions(self, seen: Mapping[str, Sequence[Version]], at: datetime) -> None:
        """Compare what services run with what they ran before; what differs is a change. Raise StoreProblem."""
        with self._store.reading() as session:
            known = {row.service: row.seen for row in session.scalars(_versions_of(seen))}
        changed = {
            service: {**_kept(known.get(service, {})), **fresh}
            for service, versions in seen.items()
            if (fresh := _fresh(known.get(service, {}), versions))
        }
        if not changed:
            return
        reports = [
            report for service in changed for report in changes(service, known.get(service, {}), seen[service], at)
        ]
        with self._store.session() as session:
            for service, now in changed.items():
                session.merge(VersionRow(service=service, seen=now))
            if reports:
                self._upsert(session, [_row(report) for report in reports])

    def sweep(self, services: Collection[str], now: datetime) -> None:
        """Remove what is older than a week, beyond what one service may have, or of no service any more."""
        with self._store.session() as session:
            session.execute(delete(HappenedRow).where(HappenedRow.last_at < now - timedelta(days=KEPT_DAYS)))
            for table in (HappenedRow, UsageRow, VersionRow):
                session.execute(delete(table).where(table.service.not_in(sorted(services))))
            counts = select(HappenedRow.service).group_by(HappenedRow.service).having(func.count() > ROWS_MAX)
            for service in list(session.scalars(counts)):
                newest = select(HappenedRow.last_at).where(HappenedRow.service == service)
                last = session.scalar(newest.order_by(HappenedRow.last_at.desc()).offset(ROWS_MAX - 1).limit(1))
                session.execute(delete(HappenedRow).where(HappenedRow.service == service, HappenedRow.last_at < last))

    def _upsert(self, session: Session, rows: list[dict[str, Any]]) -> None:
        insert = (sqlite.insert if self._store.is_sqlite else postgresql.insert)(HappenedRow).values(rows)
        new, old = insert.excluded, HappenedRow
        later = new.last_at >= old.last_at
        values: dict[str, Any] = {name: case((later, new[name]), else_=getattr(old, name)) for name in _COLUMNS}
        values |= {
            "count": case((new.count > old.count, new.count), else_=old.count),
            "first_at": case((new.first_at < old.first_at, new.first_at), else_=old.first_at),
            "last_at": case((later, new.last_at), else_=old.last_at),
        }
        session.execute(insert.on_conflict_do_update(index_elements=["service", "key"], set_=values))


def changes(service: str, known: Mapping[str, Any], versions: Sequence[Version], at: datetime) -> list[Report]:
    """Word what differs between what was seen before and what runs now. What is new is no change: nobody knows since
    when it has been there.
    """
    found = []
    for version in versions:
        before = known.get(version.workload)
        if before is None or before == _plain(version):
            continue
        key = hashlib.sha256(f"{version.workload} {at.isoformat()}".encode()).hexdigest()
        found.append(
            Report(
                service=service,
                key=f"{VERSION}/{key}",
                about="version",
                kind="Normal",
                reason="NewVersion",
                subject=version.workload,
                message=_difference(before, version),
                first_at=at,
                last_at=at,
            )
        )
    return found


def _difference(before: Mapping[str, Any], now: Version) -> str:
    parts = []
    old, new = list(before["images"]), list(now.images)
    if old != new:
        gone = [image for image in old if image not in new]
        come = [image for image in new if image not in old]
        parts.append(f"image {', '.join(gone) or 'none'} → {', '.join(come) or 'none'}")
    if before["revision"] != now.revision:
        parts.append(f"revision {before['revision'] or 'unknown'} → {now.revision or 'unknown'}")
    return "; ".join(parts)[:MESSAGE_MAX_CHARS]


def _fresh(known: Mapping[str, Any], versions: Sequence[Version]) -> dict[str, Any]:
    plain = {version.workload: _plain(version) for version in versions}
    return {workload: seen for workload, seen in plain.items() if known.get(workload) != seen}


def _kept(known: Mapping[str, Any]) -> Mapping[str, Any]:
    """Give what was seen before, the latest of it: containers that get a new name each time would add up."""
    return dict(list(known.items())[-WORKLOADS_MAX:])


def _plain(version: Version) -> dict[str, Any]:
    return {"revision": version.revision, "images": list(version.images)}


def _versions_of(seen: Collection[str]) -> Any:
    return select(VersionRow).where(VersionRow.service.in_(sorted(seen)))


def _row(report: Report) -> dict[str, Any]:
    return {
        "service": report.service,
        "key": report.key[:KEY_CHARS],
        "about": report.about,
        "kind": report.kind[:32],
        "reason": report.reason[:NAME_CHARS],
        "subject": report.subject[:SUBJECT_CHARS],
        "message": redacted(report.message)[:MESSAGE_MAX_CHARS].replace("\0", ""),  # which PostgreSQL keeps in no text
        "count": report.count,
        "first_at": report.first_at.astimezone(UTC),
        "last_at": report.last_at.astimezone(UTC),
    }


def _report(row: HappenedRow) -> Report:
    return Report(
        service=row.service,
        key=row.key,
        about=row.about,  # type: ignore[arg-type]  # what _row wrote
        kind=row.kind,
        reason=row.reason,
        subject=row.subject,
        message=row.message,
        count=row.count,
        first_at=row.first_at,
        last_at=row.last_at,
    )
