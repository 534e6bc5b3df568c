"""The whole application over the simulated cluster, with people of every role. Nothing is mocked."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.serving import make_server
from werkzeug.test import TestResponse

from opsmodal.app import close_app, create_app
from opsmodal.demo import example
from opsmodal.demo.cluster import Cluster, start
from opsmodal.people import People
from opsmodal.permissions import Permission
from opsmodal.registry.registry import Registry
from opsmodal.settings import Settings
from opsmodal.store import open_store, open_vault
from opsmodal.store.store import Store
from opsmodal.store.tables import AuditRow

PASSWORD = "correct horse battery"
ROLES = ("viewer", "developer", "operator", "manager")


@dataclass
class Installation:
    """One installation: its application, its people's tokens by name, and what it operates."""

    app: Flask
    store: Store
    people: People
    registry: Registry
    tokens: dict[str, str]
    cluster: Cluster
    folder: Path

    def client(self, token: str = "admin") -> Caller:
        """Call the API as somebody."""
        return Caller(self.app.test_client(), self.tokens.get(token, token))

    def audited(self) -> set[tuple[str, str, str]]:
        """Name what the audit log holds, as (actor, action, outcome)."""
        with self.store.reading() as session:
            return {(row.actor, row.action, row.outcome) for row in session.scalars(select(AuditRow))}

    def browser(self, user: str = "admin") -> FlaskClient:
        """Sign in with a password, as a browser does."""
        client = self.app.test_client()
        response = client.post("/sign-in", data={"name": user, "password": PASSWORD}, headers=own_page())
        assert response.status_code == 303, response.text
        return client


@dataclass
class Caller:
    """A program that calls the API with a token."""

    client: FlaskClient
    token: str

    def call(self, method: str, path: str, **more: Any) -> TestResponse:
        """Call one address below /api/v1."""
        headers = {"Authorization": f"Bearer {self.token}", **more.pop("headers", {})}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **more)

    def get(self, path: str, **more: Any) -> TestResponse:
        """Read."""
        return self.call("GET", path, **more)


def own_page() -> dict[str, str]:
    """The headers that a browser sends from one of our own pages."""
    return {"Origin": "http://localhost", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="session")
def example_cluster() -> Iterator[Cluster]:
    """Give one simulated cluster with its three services for tests that only read."""
    cluster = start()
    yield cluster
    cluster.stop()


@dataclass(frozen=True)
class Seed:
    """A data folder with people, services and grants in it: making them takes longer than all the rest, so it is done
    once. Its runtime is gone."""

    folder: Path
    tokens: dict[str, str]


@pytest.fixture(scope="session")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Seed:
    """Make people of every role, a token for each, and the example's services."""
    folder = tmp_path_factory.mktemp("seed")
    store = open_store(Settings(data_dir=folder).store_url)
    registry = Registry(store, open_vault(store, data_dir=folder))
    people, tokens = People(store), {}
    for name in ("admin", "auditor", "nobody", *ROLES):
        people.add(name, password=PASSWORD, admin=name == "admin", auditor=name == "auditor")
        tokens[name] = people.new_token(name).secret
    tokens["narrow"] = people.new_token("manager", services=["shop"], permissions=[Permission.VIEW]).secret
    document = example.registry("demo.yaml")
    registry.put("runtimes", document["runtimes"][0], {"kubeconfig": _gone()})
    for service in document["services"]:
        registry.put("services", service)
    for name in ROLES:
        registry.put("grants", {"user": name, "role": name, "services": ["shop"]})
    store.close()
    return Seed(folder, tokens)


def _gone() -> str:
    """Give the kubeconfig of a cluster that is stopped: each installation has another one put in its place."""
    cluster = start()
    cluster.stop()
    return cluster.kubeconfig()


def installed(folder: Path, seed: Seed, cluster: Cluster, **more: Any) -> Installation:
    """Make an installation that operates a cluster's example services; `more` are settings."""
    shutil.copytree(seed.folder, folder, dirs_exist_ok=True)
    settings = Settings(data_dir=folder, **more)
    store = open_store(settings.store_url)
    registry = Registry(store, open_vault(store, data_dir=folder))
    document = example.registry("demo.yaml")
    registry.put("runtimes", document["runtimes"][0], {"kubeconfig": cluster.kubeconfig()})
    # Made after that: an app that has read the seed's runtime goes on operating the cluster that is only read.
    app = create_app(settings, store)
    return Installation(app, store, People(store), registry, seed.tokens, cluster, folder)


def closed(installation: Installation) -> None:
    """Close an installation."""
    close_app(installation.app)
    installation.store.close()


@pytest.fixture(scope="session")
def shown(example_cluster: Cluster, seed: Seed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Give one installation for tests that only read."""
    installation = installed(tmp_path_factory.mktemp("shown"), seed, example_cluster)
    yield installation
    closed(installation)


@pytest.fixture
def changed(tmp_path: Path, seed: Seed) -> Iterator[Installation]:
    """Give an installation and a cluster of their own to a test that changes or breaks something."""
    cluster = start()
    installation = installed(tmp_path, seed, cluster)
    yield installation
    closed(installation)
    cluster.stop()


@pytest.fixture
def served(changed: Installation) -> Iterator[str]:
    """Serve an installation on a loopback port, with threads; give its address."""
    server = make_server("127.0.0.1", 0, changed.app, threaded=True)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="test-server", daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(10)
    server.server_close()
