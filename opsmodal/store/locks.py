"""Locks that hold across workers, for as long as a transaction lasts. On SQLite there is one writer anyway."""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session


def hold(holder: Session | Connection, name: str) -> None:
    """Hold the named lock until the transaction ends; wait for whoever holds it, up to the statement limit."""
    connection = holder.connection() if isinstance(holder, Session) else holder
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _number(name)})


def _number(name: str) -> int:
    """PostgreSQL's advisory locks are named by 64-bit numbers."""
    return int.from_bytes(hashlib.sha256(f"opsmodal {name}".encode()).digest()[:8], "big", signed=True)
