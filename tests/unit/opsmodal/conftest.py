"""Stores to test on: an SQLite file, and a real PostgreSQL where its programs are installed."""

from __future__ import annotations

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


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    """Give an open, empty store."""
    opened = open_store(address)
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
