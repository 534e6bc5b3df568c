"""Stores to test on: an SQLite file, and a real PostgreSQL where its programs are installed."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opsmodal.registry.registry import Registry
from opsmodal.store import Store, Vault, open_store, open_vault
from tests.engines.process import CannotStart
from tests.unit.opsmodal.store.postgresql import PostgreSQL, started

NewAddress = Callable[[], str]


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """Give a PostgreSQL server for the whole run."""
    try:
        with started() as server:
            yield server
    except CannotStart as reason:
        pytest.skip(str(reason))


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of an empty store, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/opsmodal.db"
    server: PostgreSQL = request.getfixturevalue("postgresql")
    return server.new_database()


@pytest.fixture(scope="session")
def made_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give an SQLite file with every table, and nothing in it: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("made") / "opsmodal.db"
    open_store(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def made_database(postgresql: PostgreSQL) -> str:
    """Name a PostgreSQL database with every table, and nothing in it."""
    address = postgresql.new_database()
    open_store(address).close()
    return postgresql.name_of(address)


@pytest.fixture(params=["sqlite", "postgresql"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the address of a store that has its tables already, of each kind in turn."""
    if request.param == "postgresql":
        template: str = request.getfixturevalue("made_database")
        server: PostgreSQL = request.getfixturevalue("postgresql")
        return server.new_database(template=template)
    (tmp_path / "data").mkdir(exist_ok=True)
    shutil.copy(request.getfixturevalue("made_file"), tmp_path / "data/opsmodal.db")
    return f"sqlite:///{tmp_path}/data/opsmodal.db"


@pytest.fixture
def store(made: str) -> Iterator[Store]:
    """Give an open, empty store."""
    opened = open_store(made)
    yield opened
    opened.close()


@pytest.fixture
def vault(store: Store, tmp_path: Path) -> Vault:
    """Give the vault of the store."""
    return open_vault(store, data_dir=tmp_path / "keys")


@pytest.fixture
def registry(store: Store, vault: Vault) -> Registry:
    """Give an empty registry."""
    return Registry(store, vault)
