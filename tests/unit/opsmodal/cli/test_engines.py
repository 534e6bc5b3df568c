"""The demo finds real engines. Which sockets there are is decided by the test, not by the machine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from opsmodal.cli import engines
from opsmodal.cli.engines import Engines, sockets
from opsmodal.cli.opened import Installation, opened
from opsmodal.settings import Settings
from tests.engines.containers import ContainerEngine


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with opened(Settings(data_dir=tmp_path)) as installation:
        yield installation


def test_a_socket_that_nobody_answers_at_is_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "podman").mkdir()
    (tmp_path / "podman/podman.sock").touch()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    assert [place for place in sockets() if str(tmp_path) in place[2]] == []


def test_an_engine_is_registered_with_the_services_it_runs(
    docker_engine: ContainerEngine, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    docker_engine.run("sleep", "600", options=["--name", "Web_1"])
    monkeypatch.setattr(engines, "sockets", lambda: [("docker", "docker", str(docker_engine.socket))])
    found = Engines(installation)
    found.register()
    assert [(one.name, one.kind) for one in installation.registry.runtimes()] == [("docker", "docker")]
    found.discover()
    assert found._thread is not None
    found._thread.join(30)
    found.stop()
    assert [(one.name, one.runtime, one.containers) for one in installation.registry.services()] == [
        ("web-1", "docker", ("Web_1",))
    ]


def test_an_engine_that_hangs_keeps_nothing_from_ending(
    installation: Installation, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(engines, "sockets", lambda: [("docker", "docker", str(tmp_path / "gone.sock"))])
    found = Engines(installation)
    found.register()
    found.discover()
    assert found._thread is not None
    found._thread.join(30)
    found.stop()
    assert capfd.readouterr().err.startswith("docker: ")
    assert installation.registry.services() == ()
