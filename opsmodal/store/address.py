"""Where the store is: an address is checked and completed before anything is opened. It opens nothing itself."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from opsmodal.store.errors import Unusable

EXAMPLES = "Examples: sqlite:////var/lib/opsmodal/opsmodal.db, postgresql://opsmodal@db.example/opsmodal"
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def checked(address: str) -> URL:
    """Give the address with its driver. Raise Unusable for what is no SQLite file and no PostgreSQL."""
    try:
        url = make_url(address)
    except ArgumentError:
        raise Unusable("The database address cannot be read as one.", hint=EXAMPLES) from None
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        return _sqlite(url)
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return _postgresql(url)
    raise Unusable(f"opsmodal cannot keep its data in {url.drivername[:40]!r}.", hint=EXAMPLES)


def prepare_file(url: URL) -> None:
    """Make the file of an SQLite address for its owner only, before SQLite would make it for everybody to read."""
    path = Path(url.database or "")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE))
    except OSError as error:
        raise Unusable(
            f"The database file {path} cannot be written: {error.strerror}.",
            hint="Choose another folder with --data-dir, or give this one to the user that runs opsmodal.",
        ) from error


def demand_file(url: URL) -> None:
    """Raise Unusable when the file of an SQLite address is not there: whoever only reads must not make it."""
    path = Path(url.database or "")
    if url.drivername.startswith("sqlite") and not path.exists():
        raise Unusable(
            f"There is no store at {path}.",
            hint="Name its folder with --data-dir; “opsmodal apply”, “user add” and “serve” make a new one.",
        )


def _sqlite(url: URL) -> URL:
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        raise Unusable("The database address names no file.", hint=EXAMPLES)
    return url


def _postgresql(url: URL) -> URL:
    if importlib.util.find_spec("psycopg") is None:
        raise Unusable(
            "PostgreSQL needs a driver that is not installed.",
            hint="Install it with: pip install 'opsmodal[postgresql]'",
        )
    return url.set(drivername="postgresql+psycopg")
