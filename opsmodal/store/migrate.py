"""Brings the tables up to date at start, one server at a time, all or nothing.

It refuses a store that a newer opsmodal has written: an older program does not know what the newer one meant.
"""

from __future__ import annotations

import time
from pathlib import Path

from sqlalchemy import Engine, inspect, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import OperationalError

from opsmodal.store.errors import TooNew
from opsmodal.store.locks import hold

HEAD = "0013"
"""The newest migration; a test holds it against the scripts. Knowing it here spares most starts Alembic's import."""
MIGRATIONS = Path(__file__).with_name("migrations")
LOCK_NAME = "migrations"
WAL_TRIES = 50
WAL_PAUSE_S = 0.1


def upgrade(engine: Engine) -> None:
    """Bring the tables to HEAD. Raise TooNew when they are beyond it."""
    if engine.dialect.name == "sqlite":
        _use_wal(engine)
    with engine.begin() as connection:
        hold(connection, LOCK_NAME)
        revision = current(connection)
        if revision != HEAD:
            _run(connection, revision)


def current(connection: Connection) -> str:
    """Name the migration that the tables are at; empty for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    return str(connection.execute(text("SELECT version_num FROM alembic_version")).scalar() or "")


def _run(connection: Connection, revision: str) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision and revision not in known:
        raise TooNew(
            f"This store was written by a newer opsmodal (tables at {revision[:40]}; this program knows {HEAD}).",
            hint="Install the newer opsmodal again, or restore the backup from before its first start.",
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _use_wal(engine: Engine) -> None:
    """Let readers read while one writes. Two programs that switch at once get "locked" without SQLite's own waiting."""
    for attempt in range(WAL_TRIES):
        raw = engine.raw_connection()
        try:
            raw.cursor().execute("PRAGMA journal_mode = WAL")
        except engine.dialect.loaded_dbapi.OperationalError as error:
            if "locked" not in str(error) or attempt == WAL_TRIES - 1:
                raise OperationalError("PRAGMA journal_mode", {}, error) from error
            time.sleep(WAL_PAUSE_S)
        else:
            return
        finally:
            raw.close()
