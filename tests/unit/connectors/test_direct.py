"""A probe says in one sentence who answered, how fast, or why nobody did."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors import Connectors
from connectors.base import Connection
from connectors.direct import Dial, Direct, dial
from connectors.errors import NotAvailable, Unreachable
from connectors.options import DirectOptions


@pytest.fixture
def listener() -> Iterator[tuple[str, int]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://10.0.0.5:6443", Dial(host="10.0.0.5", port=6443)),
        ("https://10.0.0.5:6443/k8s/clusters/c-1", Dial(host="10.0.0.5", port=6443)),
        ("https://kube.example", Dial(host="kube.example", port=443)),
        ("http://kube.example", Dial(host="kube.example", port=80)),
        ("https://[::1]:6443", Dial(host="::1", port=6443)),
        ("tcp://10.0.0.5:2376", Dial(host="10.0.0.5", port=2376)),
        ("unix:///var/run/docker.sock", Dial(path="/var/run/docker.sock")),
        ("/var/run/docker.sock", Dial(path="/var/run/docker.sock")),
    ],
)
def test_an_address_is_read(address: str, expected: Dial) -> None:
    assert dial(address) == expected
    assert Direct().reach(address).address == address


@pytest.mark.parametrize(
    "address", ["", "tcp://10.0.0.5", "ftp://x:1", "https://", "https://x:99999", "unix://docker.sock", "docker.sock"]
)
def test_what_is_no_address_is_unreachable_with_a_hint(address: str) -> None:
    with pytest.raises(Unreachable) as caught:
        Direct().reach(address)
    assert "unix:///path" in caught.value.hint
    assert not Direct().probe(address, timeout_s=1).ok


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(Unreachable) as caught:
        dial("ftp://root:hunter2@host:21")
    assert "hunter2" not in caught.value.sentence


def test_a_port_that_listens_answers_with_its_latency(listener: tuple[str, int]) -> None:
    probe = Direct().probe(f"https://127.0.0.1:{listener[1]}", timeout_s=2)
    assert probe.ok
    assert probe.latency_ms is not None
    assert 0 < probe.latency_ms < 2000
    assert probe.sentence.startswith(f"127.0.0.1:{listener[1]} answered in ")


def test_a_port_nobody_listens_on_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    probe = Direct().probe(f"tcp://127.0.0.1:{port}", timeout_s=2)
    assert (probe.ok, probe.latency_ms) == (False, None)
    assert probe.sentence == f"127.0.0.1:{port}: connection refused: is the server running?"


def test_a_full_backlog_is_a_timeout() -> None:
    with contextlib.ExitStack() as held:
        server = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            near = held.enter_context(contextlib.closing(socket.socket()))
            near.setblocking(False)
            near.connect_ex(server.getsockname())
        probe = Direct().probe(f"tcp://127.0.0.1:{server.getsockname()[1]}", timeout_s=0.2)
    assert not probe.ok
    assert "did not answer within 0.2 s" in probe.sentence


def test_a_name_that_does_not_resolve_is_said() -> None:
    probe = Direct().probe("tcp://nowhere.invalid:1", timeout_s=5)
    assert not probe.ok
    assert "nowhere.invalid" in probe.sentence


def test_a_socket_that_listens_answers(tmp_path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        assert Direct().probe(f"unix://{tmp_path}/s", timeout_s=2).ok


def test_a_missing_socket_is_named(tmp_path: Path) -> None:
    assert Direct().probe(f"{tmp_path}/none", timeout_s=2).sentence == f"There is no socket {tmp_path}/none."


def test_a_socket_left_behind_by_a_dead_engine_is_said(tmp_path: Path) -> None:
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(tmp_path / "s"))
    assert "is the engine running?" in Direct().probe(f"{tmp_path}/s", timeout_s=2).sentence


def test_a_socket_of_another_group_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("connectors.direct._knock", refused)  # the tests may run as root, whom no mode stops
    probe = Direct().probe(f"{tmp_path}/s", timeout_s=2)
    assert "must be in the group of the socket" in probe.sentence


def test_a_direct_connection_can_be_closed_twice(tmp_path: Path) -> None:
    connection: Connection = Connectors(tmp_path).open(DirectOptions())
    connection.close()
    connection.close()
    assert connection.kind == "direct"


def test_an_address_alone_is_no_host_to_run_something_on() -> None:
    with pytest.raises(NotAvailable, match="runs no commands"):
        Direct().run(["true"], timeout_s=1)
