"""The registry's rows: a state out of the store, and changes into it. The caller holds the transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import delete, func, select
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from opsmodal.registry import hostkeys, logins, single
from opsmodal.registry.changes import Change
from opsmodal.registry.reading import SECTIONS, SINGLE, plain, revived
from opsmodal.registry.schema import GrantSpec, GroupSpec, Spec
from opsmodal.registry.state import Entries, State
from opsmodal.store.tables import (
    Choice,
    ConfigVersionRow,
    Entry,
    Favorite,
    GrantEntry,
    GroupEntry,
    Mark,
    RuntimeEntry,
    ServiceEntry,
    User,
    VpnProfileEntry,
)
from opsmodal.store.tables.base import NAME_CHARS

VERSION = "registry-version"


class Granted(NamedTuple):
    """A grant with one target, and who wrote it down as it is now, when; `updated_by` is "" where nobody noted it."""

    spec: GrantSpec
    updated_by: str
    updated_at: datetime


class Grouped(NamedTuple):
    """A group, and who wrote it down as it is now, when."""

    spec: GroupSpec
    updated_by: str
    updated_at: datetime


TABLES: Mapping[str, type[Entry]] = {
    "vpnProfiles": VpnProfileEntry,
    "runtimes": RuntimeEntry,
    "services": ServiceEntry,
    "groups": GroupEntry,
    "grants": GrantEntry,
}

_VERSION_IS = select(Mark.__table__.c.value).where(Mark.__table__.c.name == VERSION)
"""Made once, and of columns instead of objects: it is asked several times for each request, and took a third of it."""


def version(session: Session | Connection) -> int:
    """Give the number that grows with every change."""
    return int(session.scalar(_VERSION_IS) or 0)


def load(session: Session) -> State:
    """Read everything, in order."""
    found = {section: _section(session, section) for section in SECTIONS}
    return State(version=version(session), entries=found, host_keys=hostkeys.load(session))


def save(session: Session, wanted: Entries, changes: Collection[Change], now: datetime, by: str) -> None:
    """Write the entries that are new or changed, and by whom; count the version up when there are any."""
    pending = [change for change in changes if change.action != "unchanged"]
    for change in pending:
        spec, author = wanted[change.section][change.name], by[:NAME_CHARS]
        if change.section in SINGLE:
            single.save(session, change.section, spec, now, author)
            continue
        row = _row(session, TABLES[change.section], change.name)
        row.spec, row.updated_at, row.updated_by = plain(spec), now, author
        session.flush()
    if pending:
        count_up(session)


def remove(session: Session, section: str, name: str) -> bool:
    """Remove an entry and what people liked, chose or saved of it; tell whether it was there."""
    if section in SINGLE:
        was_there = single.remove(session, section)
    else:
        row = session.get(TABLES[section], name)
        was_there = row is not None
        if row is not None:
            session.delete(row)
    if not was_there:
        return False
    if section == "services":
        session.execute(delete(Favorite).where(Favorite.service == name))
        session.execute(delete(Choice).where(Choice.service == name))
    if section == "runtimes":
        # Another cluster may get this name: what was saved in the one before is none of its managers' business.
        session.execute(delete(ConfigVersionRow).where(ConfigVersionRow.runtime == name))
        logins.drop(session, name)
    count_up(session)
    return True


def count_up(session: Session) -> None:
    """Let every worker see that something has changed."""
    mark = session.get(Mark, VERSION, with_for_update=True)
    if mark is None:
        session.add(Mark(name=VERSION, value="1"))
    else:
        mark.value = str(int(mark.value) + 1)


def granted(session: Session) -> tuple[Granted, ...]:
    """List the grants with who wrote each."""
    return tuple(Granted(*row) for row in _signed(session, "grants"))


def grouped(session: Session) -> tuple[Grouped, ...]:
    """List the groups with who wrote each."""
    return tuple(Grouped(*row) for row in _signed(session, "groups"))


def user_names(session: Session, *, only_admins: bool = False) -> tuple[str, ...]:
    """Name the people who are not disabled."""
    wanted = select(User.name).where(User.disabled.is_(False)).order_by(User.name)
    return tuple(session.scalars(wanted.where(User.admin.is_(True)) if only_admins else wanted))


def _section(session: Session, section: str) -> dict[str, Spec]:
    if section in SINGLE:
        return single.load(session, section)
    table = TABLES[section]
    rows = session.execute(select(table.name, table.spec).order_by(table.position, table.name))
    return {name: revived(section, spec) for name, spec in rows}


def _signed(session: Session, section: str) -> list[tuple[Any, str, datetime]]:
    table = TABLES[section]
    rows = session.execute(select(table.spec, table.updated_by, table.updated_at).order_by(table.position, table.name))
    return [(revived(section, spec), by, at) for spec, by, at in rows]


def _row(session: Session, table: type[Entry], name: str) -> Entry:
    row = session.get(table, name)
    if row is None:
        last = session.scalar(select(func.max(table.position)))
        row = table()
        row.name, row.position = name, (last or 0) + 1
        session.add(row)
    return row
