"""A PostgreSQL server of its own for the tests: in a folder in /tmp, on a Unix socket only, run by an ordinary user."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engines.process import CannotStart, own_folder, sweep

WAIT_S = 60
PORT = 54329
"""Only names the socket file; nothing listens on the network."""
FAST = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "listen_addresses=", f"port={PORT}")
_numbers = itertools.count(1)


class PostgreSQL:
    """A running server."""

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner

    def new_database(self, *, template: str = "template1") -> str:
        """Create a database, empty or as `template` is, and give its address."""
        import psycopg

        name = f"test_{next(_numbers)}"
        with psycopg.connect(self._info("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")  # type: ignore[call-overload]
        return f"postgresql://{self._owner}@/{name}?host={self._folder}&port={PORT}"

    def name_of(self, address: str) -> str:
        """Give the name of the database at an address that `new_database` gave."""
        return address.partition("@/")[2].partition("?")[0]

    def _info(self, database: str) -> str:
        return f"host={self._folder} port={PORT} user={self._owner} dbname={database} connect_timeout=5"


@contextmanager
def started() -> Iterator[PostgreSQL]:
    """Start a server; raise CannotStart with the reason where that is not possible."""
    missing = [program for program in ("initdb", "pg_ctl", "postgres") if shutil.which(program) is None]
    if missing:
        raise CannotStart(f"PostgreSQL is not installed here: {', '.join(missing)} not on the PATH")
    owner = _ordinary_user()
    folder = own_folder("postgresql")
    data = folder / "data"
    try:
        shutil.chown(folder, owner)
        _run(owner, folder, "initdb", "-D", data, "-A", "trust", "-U", owner, "-E", "UTF8", "--no-sync")
        options = " ".join(f"-c {option}" for option in (*FAST, f"unix_socket_directories={folder}"))
        _run(owner, folder, "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", options, "start")
        try:
            yield PostgreSQL(folder, owner)
        finally:
            _run(owner, folder, "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        sweep(folder)


def _ordinary_user() -> str:
    """PostgreSQL refuses to be run by root."""
    if os.getuid() != 0:
        return pwd.getpwuid(os.getuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _run(owner: str, folder: Path, *argv: str | Path) -> None:
    as_other = {"user": owner, "group": pwd.getpwnam(owner).pw_gid, "extra_groups": []} if os.getuid() == 0 else {}
    with (folder / "output").open("ab") as output:
        done = subprocess.run(
            [str(part) for part in argv],
            cwd=folder,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            timeout=WAIT_S,
            check=False,
            **as_other,  # type: ignore[call-overload]
        )
    if done.returncode:
        raise CannotStart(f"{argv[0]} failed: {(folder / 'output').read_text()[-400:]}")
