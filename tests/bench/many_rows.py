"""Fill an audit log with a million rows that are a whole chain, signed head and all, in half a minute.

Through the door they would take the better part of an hour. The rows are what a busy year leaves: 50 people, 200
services, pairs of intent and outcome, one refusal among fifty, moments that grow. Indexes are made when all are there.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from opsmodal.audit.appending import HEAD_PLACE
from opsmodal.audit.chain import GENESIS, chained
from opsmodal.audit.heads import Signer
from opsmodal.cli.opened import opened
from opsmodal.settings import Settings
from opsmodal.store.tables import AuditRow

PEOPLE, SERVICES = 50, 200
ACTIONS = ("logs.download", "instance.restart", "instance.delete", "registry.change", "sign-in")
REFUSED_EVERY = 50
APART_S = 31
"""Half a million actions, evenly over half a year."""
RARE = "needle"
RARE_EVERY = 100_000
"""How seldom a target has the word that the benchmark looks for."""
CACHE_KB = 400_000
COLUMNS = tuple(column.name for column in AuditRow.__table__.columns)
FIELDS = tuple("bytes_count" if name == "bytes" else name for name in COLUMNS)


class Line(msgspec.Struct, kw_only=True):
    """A row as the chain reads it: an object of SQLAlchemy costs as much to make as all the rest."""

    id: int
    entry: str
    intent_id: int | None
    at: datetime
    actor: str
    service: str
    action: str
    target: str
    outcome: str = ""
    verdict: str = "allow"
    rule: str = ""
    duration_ms: int | None = None
    via: str = "session:f00d"
    address: str = "192.0.2.7"
    exit_code: int | None = None
    bytes_count: int | None = None
    detail: str = ""
    reason: str = ""
    request_id: str = ""
    hash: str = ""


def lines(count: int, *, since: datetime) -> Iterator[Line]:
    """Give so many rows without hashes, oldest first."""
    number = 0
    for place in range(count):
        who, service, action = f"user{place % PEOPLE}", f"shop-{place % SERVICES}", ACTIONS[place % len(ACTIONS)]
        target = f"pod/{RARE if place % RARE_EVERY == 0 else 'web'}-{place % 997}"
        told: dict[str, Any] = {"actor": who, "service": service, "action": action, "target": target}
        told |= {"at": since + timedelta(seconds=place * APART_S), "request_id": f"{place:016x}"}
        number += 1
        if place % REFUSED_EVERY == 0:
            refused = {"entry": "refusal", "verdict": "refuse", "rule": "needs manage", "outcome": "refused"}
            yield Line(id=number, intent_id=None, **told, **refused)
        else:
            yield Line(id=number, entry="intent", intent_id=None, **told)
            number += 1
            yield Line(id=number, entry="outcome", intent_id=number - 1, **told, outcome="done", duration_ms=place % 90)
        if number >= count:
            return


def fill(settings: Settings, count: int) -> int:
    """Fill the empty log of an installation that nobody serves; give how many rows it has then."""
    with opened(settings) as installation:
        signer = Signer(installation.vault)
    path = settings.data_dir / "opsmodal.db"
    since = datetime.now(UTC) - timedelta(seconds=count // 2 * APART_S)
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        connection.execute("BEGIN IMMEDIATE")
        indexes = _without_indexes(connection)
        last = _filled(connection, lines(count, since=since))
        head = signer.signed(number=last.id, row_hash=last.hash, at=last.at)
        values = (HEAD_PLACE, head.id, head.hash, _stored(head.at), head.signature)
        connection.execute("INSERT OR REPLACE INTO audit_head VALUES (?, ?, ?, ?, ?)", values)
        for statement in indexes:
            connection.execute(statement)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return last.id


def _without_indexes(connection: sqlite3.Connection) -> list[str]:
    """Drop the indexes that can be dropped; give the statements that make them again."""
    wanted = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'audit' AND sql IS NOT NULL"
    found = connection.execute(wanted).fetchall()
    for name, _ in found:
        connection.execute(f"DROP INDEX {name}")
    return [statement for _, statement in found]


def _filled(connection: sqlite3.Connection, rows: Iterator[Line]) -> Line:
    before, last = GENESIS, None

    def values() -> Iterator[tuple[Any, ...]]:
        nonlocal before, last
        for last in rows:
            last.hash = before = chained(before, last)  # type: ignore[arg-type]  # it reads the same fields
            yield tuple(_stored(getattr(last, field)) for field in FIELDS)

    places = ", ".join("?" * len(COLUMNS))
    connection.executemany(f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({places})", values())
    assert last is not None
    return last


def _stored(value: Any) -> Any:
    """Give a value as SQLAlchemy stores it on SQLite: moments without their zone."""
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def main() -> None:
    """Read what is wanted from the standard input; print how many rows there are."""
    wanted = json.load(sys.stdin)
    sys.stdout.write(json.dumps({"rows": fill(Settings(data_dir=Path(wanted["data"])), wanted["rows"])}))


if __name__ == "__main__":
    main()
