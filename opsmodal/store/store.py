"""Opens the store and hands out sessions: one that writes, one that only reads.

On SQLite a lock of this process stands before every write: SQLite's own waiting happens in C and would stop every
greenlet of a gevent worker, also the one that holds the transaction.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, text
from sqlalchemy.engine import Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DatabaseError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from opsmodal.store.address import checked, prepare_file
from opsmodal.store.errors import Busy, Unusable
from opsmodal.store.locks import hold
from opsmodal.store.migrate import upgrade

BUSY_TIMEOUT_MS = 5_000
"""How long SQLite waits for another process (a command on the same file) before it gives up."""
WRITE_WAIT_S = 20.0
POOL_SIZE = 8
POOL_OVERFLOW = 24
POOL_WAIT_S = 10.0
CONNECT_WAIT_S = 5
STATEMENT_LIMIT_MS = 30_000
READ_ONLY_PLACE = "read-only transaction"
BEGIN_OPTION = "sqlite_begin"


class Store:
    """The open store. Sessions are short: no session is kept while something else is waited for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.is_sqlite = engine.dialect.name == "sqlite"
        self._reading = engine.execution_options(
            **({BEGIN_OPTION: "BEGIN"} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"})
        )
        self._writing = threading.Lock()

    @property
    def engine(self) -> Engine:
        """Give the engine, for migrations and tests."""
        return self._engine

    @contextmanager
    def session(self) -> Iterator[Session]:
        """Open a session that may write: committed at the end, rolled back when anything is raised. Never nest them."""
        with self._turn(), self._answering(), Session(self._engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Open a transaction for statements without objects, as `session` does: it costs a third of one."""
        with self._turn(), self._answering(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Open a session that only reads, and sees one state of the store from its first to its last question."""
        with self._answering(), Session(self._reading, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def looking(self) -> Iterator[Connection]:
        """Open a transaction that reads without objects, as `reading` does: for what every request asks."""
        with self._answering(), self._reading.connect() as connection:
            yield connection

    def lock(self, session: Session | Connection, name: str) -> None:
        """Hold the named lock until this session ends, across all workers; SQLite has one writer at a time anyway."""
        hold(session, name)

    def check(self) -> None:
        """Ask the store whether it is there. Raise Unusable when it is not."""
        with self.reading() as session:
            session.execute(text("SELECT 1"))

    def close(self) -> None:
        """Give back every connection; may be called twice."""
        self._engine.dispose()

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._writing.acquire(timeout=WRITE_WAIT_S):
            raise Busy("The store is busy with another change.", hint="Try again in a moment.")
        try:
            yield
        finally:
            self._writing.release()

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except OperationalError as error:
            raise _said(error) from error
        except DatabaseError as error:
            if READ_ONLY_PLACE in str(error.orig):  # PostgreSQL after a change of places, or a copy that only reads
                raise _said(error) from error
            if type(error) is not DatabaseError:  # the others speak of what was asked, not of the store
                raise
            raise Unusable("The store's file is damaged.", hint="Restore it from a backup.") from error
        except PoolTimeout as error:
            raise Busy("The store has no connection free.", hint="Try again in a moment.") from error


def open_store(address: str) -> Store:
    """Open the store at an address and bring its tables up to date.

    Raises Unusable when it cannot be reached, TooNew when a newer opsmodal has written it, Busy when it is held.
    """
    url = checked(address)
    engine = _sqlite(url) if url.drivername.startswith("sqlite") else _postgresql(url)
    store = Store(engine)
    try:
        with store._answering():
            upgrade(engine)
    except sqlite3.DatabaseError as error:  # from the first look at the file, before SQLAlchemy wraps what is raised
        store.close()
        raise Unusable(f"The file {url.database} is no SQLite database.", hint="Choose another --data-dir.") from error
    except BaseException:
        store.close()
        raise
    return store


def _sqlite(url: URL) -> Engine:
    prepare_file(url)
    engine = _engine(url, connect_args={"timeout": 0})
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _postgresql(url: URL) -> Engine:
    options = f"-c statement_timeout={STATEMENT_LIMIT_MS} -c timezone=UTC"
    return _engine(url, pool_pre_ping=True, connect_args={"connect_timeout": CONNECT_WAIT_S, "options": options})


def _engine(url: URL, **options: Any) -> Engine:
    return create_engine(
        url,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=POOL_WAIT_S,
        hide_parameters=True,  # an error or a debug log that quotes a statement must not quote its hashes
        **options,
    )


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # The driver's own habit of opening transactions late would let a reader turn writer in the middle, which SQLite
    # answers with "locked" at once, whatever the timeout: transactions are begun by hand (`_begin_sqlite`).
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(BEGIN_OPTION, "BEGIN IMMEDIATE"))


def _said(error: DBAPIError) -> Busy | Unusable:
    words = str(error.orig)
    if "locked" in words or "busy" in words:
        return Busy("The store is held by another program.", hint="Try again in a moment.")
    if READ_ONLY_PLACE in words:
        return Unusable("The database can be read but not written.", hint="Name the one that takes changes.")
    if "readonly" in words or "read-only" in words:
        return Unusable("The store can be read but not written.", hint="Check owner and mode of its file and folder.")
    if "full" in words or "No space left" in words:
        return Unusable("The disk that holds the store is full.", hint="Make room on it.")
    if "disk I/O error" in words or "unable to open" in words:
        sentence = "The disk that holds the store cannot be written."
        return Unusable(sentence, hint="Check the disk, and owner, mode and mount of the store's folder.")
    return Unusable("The store does not answer.", hint="Check the database address and that the database is running.")
