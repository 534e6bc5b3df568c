"""Real engines for every test that asks for one: started once, cleaned after each test, gone at the end.

What this machine cannot start is skipped with the reason in the summary; kubectl alone is never skipped, it fails.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import docker, podman
from tests.engines.containers import ContainerEngine
from tests.engines.kubectl import NoKubectl, find_kubectl
from tests.engines.process import CannotStart


def _started(start: Callable[[], ContainerEngine]) -> Iterator[ContainerEngine]:
    try:
        engine = start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def docker_session() -> Iterator[ContainerEngine]:
    """Give one dockerd for the whole run; take `docker_engine` unless a wider fixture needs it."""
    yield from _started(docker.start)


@pytest.fixture(scope="session")
def podman_session() -> Iterator[ContainerEngine]:
    """Give one rootful podman service for the whole run; take `podman_engine` unless a wider fixture needs it."""
    yield from _started(podman.start)


@pytest.fixture(scope="session")
def rootless_session() -> Iterator[ContainerEngine]:
    """Give one podman service of an ordinary user for the whole run."""
    yield from _started(podman.start_rootless)


@pytest.fixture
def docker_engine(docker_session: ContainerEngine) -> Iterator[ContainerEngine]:
    """Give a running dockerd; what the test makes on it is removed afterwards."""
    with docker_session.cleaned() as engine:
        yield engine


@pytest.fixture
def podman_engine(podman_session: ContainerEngine) -> Iterator[ContainerEngine]:
    """Give a running rootful podman; what the test makes on it is removed afterwards."""
    with podman_session.cleaned() as engine:
        yield engine


@pytest.fixture
def rootless_engine(rootless_session: ContainerEngine) -> Iterator[ContainerEngine]:
    """Give a running podman of an ordinary user; what the test makes on it is removed afterwards."""
    with rootless_session.cleaned() as engine:
        yield engine


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """Give a kubectl 1.31 or newer that is no dispatcher; its absence is a failure."""
    try:
        return find_kubectl()
    except NoKubectl as reason:
        pytest.fail(str(reason))
