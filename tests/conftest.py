"""Real engines for every test that asks for one: started once, cleaned after each test, gone at the end.

What this machine cannot start is skipped with the reason in the summary; kubectl alone is never skipped, it fails.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, TypeVar

import pytest
from hypothesis import settings

from tests.engines import browser as browsers
from tests.engines import caddy as caddies
from tests.engines import cluster, docker, podman, provider, sshd
from tests.engines.containers import ContainerEngine
from tests.engines.kubectl import NoKubectl, find_kubectl
from tests.engines.process import CannotStart

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from opsmodal.demo.cluster import Cluster

T = TypeVar("T")

PROGRAM_FOLDERS = ("/usr/local/sbin", "/usr/sbin", "/sbin")
"""Where dockerd and sshd are; an ordinary user's PATH leaves them out."""

MARKED_BY = {
    "docker_session": "docker",
    "podman_session": "podman",
    "rootless_session": "podman",
    "browser": "browser",
    "real_kubeconfig": "real",
}
"""A test that takes this fixture carries this mark, so that `-m 'not docker'` finds every one of them."""

# A busy machine makes single examples slow, so none has a deadline; `make test-all` asks for the thorough profile.
settings.register_profile("quick", deadline=None, max_examples=100)
settings.register_profile("thorough", deadline=None, max_examples=2_000)
settings.load_profile("quick")


def pytest_configure() -> None:
    """Find every program, and end orderly when a CI system stops the run: fixtures still take their engines down."""
    os.environ["PATH"] = os.pathsep.join([os.environ["PATH"], *PROGRAM_FOLDERS, *_postgresql_folders()])
    signal.signal(signal.SIGTERM, _stop)


def _postgresql_folders() -> list[str]:
    """Debian keeps initdb and postgres off the PATH, in a folder for each version; give the newest first."""
    return [str(folder) for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)]


TOGETHER = ("docker", "podman", "rootless", "cluster", "browser")
"""Tests of one of these run in one worker, one after the other: each engine is started once, not once a worker."""
BY_MODULE = {"cluster", "browser"}
"""These start within a second: their tests stay together by module only, so that no worker is left alone with them."""

ONCE = {"guard", "bench"}
"""Folders of unit tests that are pure: one try each. Other tests have threads, processes, sockets or an engine under
them, which a busy machine may make miss a deadline: one that fails is run again, twice at most, and the summary names
it as rerun. What fails three times fails."""
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook, and registers after this file
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test by the engines that it takes, and keep the tests of an engine together."""
    for item in items:
        for fixture in MARKED_BY.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(MARKED_BY[fixture])
        group = _group(item)
        if group or _may_be_late(item):
            item.add_marker(pytest.mark.flaky(reruns=2))
        if _is_seldom(item):
            item.add_marker(pytest.mark.exhaustive)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))


def _may_be_late(item: pytest.Item) -> bool:
    kind, *folders = item.path.relative_to(HERE).parts
    return kind != "unit" or not folders or folders[0] not in ONCE


def _is_seldom(item: pytest.Item) -> bool:
    """Tell whether a case has none of the parameters that its `often` mark names: those are for `make test-all`."""
    often = item.get_closest_marker("often")
    given = item.name.partition("[")[2].rstrip("]").split("-")
    return often is not None and not set(often.args) & set(given)


def _group(item: pytest.Item) -> str:
    if "packaging" in item.path.parts:
        return "packaging"
    fixtures = getattr(item, "fixturenames", ())
    words = " ".join(fixtures) + (item.name.partition("[")[2] if "engine" in fixtures else "")
    name = next((name for name in TOGETHER if name in words), "")
    return f"{name}-{item.path.stem}" if name in BY_MODULE else name


@pytest.fixture(scope="session", autouse=True)
def _passwords_cost_little() -> Iterator[None]:
    """Hash passwords of the tests' own process cheaply: at their real cost they took two minutes of the whole run.

    Servers and commands that tests start are processes of their own, and hash as they do for people.
    """
    from argon2 import PasswordHasher

    from opsmodal.people import passwords

    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", lambda: cheap)
        yield


def _stop(number: int, frame: FrameType | None) -> None:
    pytest.exit(f"stopped by {signal.Signals(number).name}", returncode=128 + number)


def _or_skip(start: Callable[[], T]) -> T:
    try:
        return start()
    except CannotStart as reason:
        pytest.skip(str(reason))


def _started(start: Callable[[], ContainerEngine]) -> Iterator[ContainerEngine]:
    engine = _or_skip(start)
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
def kubectl(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give a kubectl 1.31 or newer that is no dispatcher, with a cache of its own; its absence is a failure."""
    try:
        found = find_kubectl()
    except NoKubectl as reason:
        pytest.fail(str(reason))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KUBECACHEDIR", str(tmp_path_factory.mktemp("kubectl")))
        yield found


@pytest.fixture(scope="session")
def ssh_host() -> Iterator[sshd.Sshd]:
    """Give a running sshd on a loopback port, for the user of the tests."""
    server = _or_skip(sshd.start)
    yield server
    server.close()


@pytest.fixture
def simulated_cluster() -> Iterator[Cluster]:
    """Give a fresh simulated cluster with the demo's services."""
    with cluster.simulated() as started:
        yield started


@pytest.fixture
def empty_cluster() -> Iterator[Cluster]:
    """Give a fresh simulated cluster with nothing in it."""
    with cluster.simulated(example=False) as started:
        yield started


@pytest.fixture(scope="session")
def real_kubeconfig() -> Path:
    """Give the kubeconfig of a real cluster, where OPSMODAL_TEST_KUBECONFIG names one."""
    return _or_skip(cluster.real_kubeconfig_path)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Give a headless Chromium for the whole run; each test opens its own context in it."""
    with contextlib.ExitStack() as stack:
        yield _or_skip(lambda: stack.enter_context(browsers.started()))


@pytest.fixture(scope="session")
def oidc_provider() -> Iterator[provider.RealProvider]:
    """Give a real OpenID provider on loopback for the whole run."""
    started = _or_skip(provider.start)
    yield started
    started.close()


@pytest.fixture(scope="session")
def caddy_session() -> Iterator[caddies.Caddy]:
    """Give one Caddy for the whole run; take `caddy` unless a wider fixture needs it."""
    started = _or_skip(caddies.start)
    yield started
    started.close()


@pytest.fixture
def caddy(caddy_session: caddies.Caddy) -> Iterator[caddies.Caddy]:
    """Give a running Caddy with two servers and a route of somebody else in each."""
    with caddy_session.cleaned() as started:
        yield started


@pytest.fixture(scope="session")
def axe_script() -> Path:
    """Give the path of axe.min.js."""
    return _or_skip(browsers.axe_script)
