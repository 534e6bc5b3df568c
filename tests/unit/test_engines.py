"""The engines of the tests are tested themselves: a contract suite on a broken engine proves nothing."""

from __future__ import annotations

import contextlib
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import paramiko
import pytest

from tests.engines import docker, podman, sshd
from tests.engines.bridge import Bridge
from tests.engines.containers import ContainerEngine
from tests.engines.kubectl import release
from tests.engines.process import CannotStart, mounts_of, processes_of, wait_for

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from opsmodal.demo.cluster import Cluster

ENGINES = (
    pytest.param("docker_engine", marks=pytest.mark.docker),
    pytest.param("podman_engine", marks=pytest.mark.podman),
    pytest.param("rootless_engine", marks=pytest.mark.podman),
)
SAYS = "echo one; cat /etc/version; exec sleep 1000"


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> ContainerEngine:
    given = request.getfixturevalue(request.param)
    assert isinstance(given, ContainerEngine)
    return given


def logs_show(engine: ContainerEngine, container: str, text: str) -> None:
    wait_for(lambda: text in engine.cli("logs", container), f"{text!r} in the log", within_s=20)


def test_a_container_of_each_image_says_which_it_is(engine: ContainerEngine) -> None:
    for tag, image in zip("12", engine.images, strict=True):
        logs_show(engine, engine.run("sh", "-c", SAYS, image=image), f"one\n{tag}")


def test_the_image_serves_and_fetches_a_page(engine: ContainerEngine) -> None:
    container = engine.run("sh", "-c", "httpd -p 8080 -h /www; exec sleep 1000")
    fetch = ("exec", container, "wget", "-qO-", "http://127.0.0.1:8080/")
    wait_for(lambda: engine.cli(*fetch, check=False) == "version 1", "the page", within_s=20)
    asked = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 8080"
    assert engine.cli("exec", container, "sh", "-c", asked).endswith("version 1")


def test_a_restarted_engine_keeps_its_socket_and_its_containers(engine: ContainerEngine) -> None:
    container = engine.run("sleep", "1000", options=["--init=false", "--name", "kept", "--stop-timeout", "0"])
    engine.restart()
    assert container in engine.cli("ps", "-aq", "--no-trunc")
    assert engine.socket.is_socket()


def test_a_killed_engine_does_not_answer_until_it_is_started_again(engine: ContainerEngine) -> None:
    engine.kill()
    assert not engine.running
    engine.start()
    assert engine.cli("ps", "-aq") == ""


def test_what_a_test_makes_is_removed_and_the_rest_is_kept(docker_session: ContainerEngine) -> None:
    with docker_session.cleaned() as engine:
        kept = engine.run("sleep", "1000")
        with engine.cleaned():
            engine.run("sleep", "1000")
            engine.cli("network", "create", "made")
            engine.cli("volume", "create", "made")
        assert engine.cli("ps", "-aq", "--no-trunc") == kept
        assert "made" not in engine.cli("network", "ls") + engine.cli("volume", "ls")


def test_podman_runs_a_container_in_a_pod(podman_engine: ContainerEngine) -> None:
    podman_engine.cli("pod", "create", "--name", "pair")
    podman_engine.run("sleep", "1000", options=["--pod", "pair"])
    assert "Running" in podman_engine.cli("pod", "ps", "--format", "{{.Status}}")


@pytest.mark.parametrize(
    ("start", "needs"),
    [
        pytest.param(docker.start, "docker_session", marks=pytest.mark.docker, id="docker"),
        pytest.param(podman.start, "podman_session", marks=pytest.mark.podman, id="podman"),
        pytest.param(podman.start_rootless, "rootless_session", marks=pytest.mark.podman, id="rootless"),
    ],
)
def test_nothing_is_left_behind(
    start: Callable[[], ContainerEngine], needs: str, request: pytest.FixtureRequest
) -> None:
    request.getfixturevalue(needs)
    engine = start()
    container = engine.run("sleep", "1000")
    sandbox = Path(engine.cli("inspect", "--format", "{{.NetworkSettings.SandboxKey}}", container) or engine.folder)
    assert len(processes_of(engine.folder)) > 1, "the container must be found, or the check below proves nothing"
    engine.kill()
    engine.close()
    assert not engine.folder.exists()
    assert processes_of(engine.folder) == []
    assert mounts_of(engine.folder) == []
    assert list(leftovers(engine)) == []
    assert not sandbox.exists(), "the network namespace of the container"


def leftovers(engine: ContainerEngine) -> Iterator[Path]:
    bridge = getattr(engine, "bridge", None)
    if isinstance(bridge, Bridge):
        yield from Path("/sys/class/net").glob(bridge.name)
    yield from Path("/sys/fs/cgroup").glob(engine.folder.name)
    yield from Path("/sys/fs/cgroup").glob(f"*/{engine.folder.name}")


def test_sshd_lets_the_key_in_and_its_connections_end_with_it() -> None:
    try:
        host = sshd.start()
    except CannotStart as reason:
        pytest.skip(str(reason))
    with signed_in(host) as client:
        assert client.exec_command("echo hello", timeout=20)[1].read() == b"hello\n"
        host.restart()
        with signed_in(host):
            host.kill()
            wait_for(lambda: not listening(host), "the port closed", within_s=20)
    host.close()
    assert processes_of(host.folder) == []
    assert not host.folder.exists()


def signed_in(host: sshd.Sshd) -> paramiko.SSHClient:
    client = paramiko.SSHClient()
    client.load_host_keys(str(host.known_hosts))
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.connect(
        host.host,
        port=host.port,
        username=host.user,
        key_filename=str(host.key),
        allow_agent=False,
        look_for_keys=False,
        timeout=20,
    )
    return client


def listening(host: sshd.Sshd) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host.host, host.port), timeout=5):
        return True
    return False


def test_chromium_renders_a_page(browser: Browser) -> None:
    page = browser.new_page()
    page.set_content("<title>there</title><p>hello")
    assert page.title() == "there"
    page.close()


def test_axe_finds_an_image_without_a_name(browser: Browser, axe_script: Path) -> None:
    page = browser.new_page()
    page.set_content("<main><img src=data:,></main>")
    page.add_script_tag(path=axe_script)
    found = page.evaluate("async () => (await axe.run()).violations.map(violation => violation.id)")
    page.close()
    assert "image-alt" in found


def test_kubectl_finds_something_on_the_simulated_cluster(
    kubectl: Path, simulated_cluster: Cluster, tmp_path: Path
) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(simulated_cluster.kubeconfig())
    asked = [kubectl, "--kubeconfig", kubeconfig, "get", "namespaces", "-o", "name"]
    said = subprocess.run(asked, check=True, capture_output=True, text=True, timeout=60)
    assert len(said.stdout.split()) >= 3


@pytest.mark.parametrize(
    ("git_version", "expected"),
    [
        ("v1.32.3", (1, 32)),
        ("v1.31.0+k3s1", (1, 31)),
        ("v1.32.4-dispatcher", None),
        ("v1.33.0-alpha.1", None),
        ("", None),
    ],
)
def test_kubectl_is_told_from_a_dispatcher(git_version: str, expected: tuple[int, int] | None) -> None:
    assert release(git_version) == expected


def test_a_kubectl_is_there(kubectl: Path) -> None:
    assert kubectl.is_file()
