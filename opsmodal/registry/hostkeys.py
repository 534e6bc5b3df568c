"""Host keys of SSH servers that an administrator has trusted by hand, beside those of the registered known_hosts files.

A host may have one trusted key of each algorithm: another one never takes its place, it has to be forgotten first.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from opsmodal.errors import NotThere, Problem, Rejected
from opsmodal.store.tables import HostKey


class Trusted(NamedTuple):
    """A trusted host key: `line` is as in a known_hosts file (sshd(8)), `fingerprint` as ssh-keygen shows it."""

    host: str
    port: int
    algorithm: str
    line: str
    fingerprint: str
    trusted_by: str
    trusted_at: datetime


def load(session: Session) -> tuple[Trusted, ...]:
    """List the trusted keys, by host."""
    rows = session.scalars(select(HostKey).order_by(HostKey.host, HostKey.port, HostKey.algorithm))
    return tuple(
        Trusted(row.host, row.port, row.algorithm, row.line, row.fingerprint, row.trusted_by, row.trusted_at)
        for row in rows
    )


def trust(session: Session, key: Trusted) -> None:
    """Add a key. Raise Rejected when the host has another one of this algorithm."""
    known = session.get(HostKey, (key.host, key.port, key.algorithm))
    if known is not None and known.line != key.line:
        sentence = f"{key.host} has another trusted {key.algorithm} key: {known.fingerprint}."
        hint = "If the host was really installed anew, forget the old key first."
        raise Rejected("The key was not trusted.", [Problem(field="fingerprint", sentence=sentence, hint=hint)])
    if known is None:
        session.add(HostKey(**key._asdict()))


def forget(session: Session, host: str, port: int) -> None:
    """Drop every trusted key of a host. Raise NotThere when it has none."""
    found = session.scalars(select(HostKey).where(HostKey.host == host, HostKey.port == port)).all()
    if not found:
        raise NotThere(f"No key of {host[:80]} port {port} was trusted by hand.")
    session.execute(delete(HostKey).where(HostKey.host == host, HostKey.port == port))
