"""A connection through real sshd reaches ports, sockets and engines, says which part failed, and survives a loss."""

from __future__ import annotations

import contextlib
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from connectors import Connectors
from connectors.base import Connection, Phase
from connectors.errors import Forbidden, HostKeyUnknown, LoginRefused, Unreachable
from connectors.options import Hop, Identity, SshOptions
from tests.engines import sshd
from tests.engines.containers import ContainerEngine
from tests.engines.process import own_folder, processes_of, sweep, wait_for
from tests.unit.connectors.processes import keepers, naming
from tests.unit.connectors.ssh.conftest import StartSshd, hop_to

SAY_S = 15.0
SOCKETS_REFUSED = "AllowStreamLocalForwarding no"


@pytest.fixture
def connectors() -> Iterator[Connectors]:
    """Give connectors, and see that no thread, socket, process or file of theirs is left."""
    folder = own_folder("ends")
    folder.chmod(0o700)
    made = Connectors(folder)
    try:
        yield made
    finally:
        made.close()
        wait_for(lambda: not _threads(), "the threads of the connections ended", within_s=SAY_S)
        assert not [path for path in folder.rglob("*") if path.is_socket()]
        assert not processes_of(folder)
        sweep(folder)


class Server:
    """A server on loopback that says back what it hears; it notes how many have come."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.address = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.accepted: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.listener.close()
        for each in self.accepted:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self.listener.accept()
                self.accepted.append(accepted)
                threading.Thread(target=self._echo, args=(accepted,), daemon=True).start()

    def _echo(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := accepted.recv(65536):
                accepted.sendall(data)
            accepted.shutdown(socket.SHUT_WR)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


def test_making_one_dials_nothing(connectors: Connectors) -> None:
    hop = Hop(host="192.0.2.1", user="nobody", identity=Identity())
    began = time.monotonic()
    connection = connectors.open(SshOptions(hops=(hop,)))
    assert connection.reach("tcp://10.0.0.1:1").address.startswith("tcp://127.0.0.1:")
    assert connection.standing().phase is Phase.IDLE
    assert time.monotonic() - began < 2


def test_a_port_is_reached(connectors: Connectors, ssh_host: sshd.Sshd, server: Server) -> None:
    connection = _open(connectors, ssh_host)
    with _dialled(connection, server.address) as near:
        near.sendall(b"hello" * 100_000)
        near.shutdown(socket.SHUT_WR)
        assert _all(near) == b"hello" * 100_000
    assert connection.standing().phase is Phase.UP


def test_a_name_is_looked_up_at_the_far_end(connectors: Connectors, ssh_host: sshd.Sshd, server: Server) -> None:
    connection = _open(connectors, ssh_host)
    port = urlsplit(server.address).port
    assert connection.probe(f"tcp://localhost:{port}", timeout_s=SAY_S).ok
    probe = connection.probe("https://nowhere.invalid", timeout_s=SAY_S)
    assert not probe.ok
    assert f"{ssh_host.port} does not reach nowhere.invalid:443" in probe.sentence


@pytest.mark.parametrize("own", ["AllowStreamLocalForwarding yes", SOCKETS_REFUSED], ids=["streamlocal", "dial-stdio"])
def test_a_docker_socket_is_reached(
    connectors: Connectors, start_sshd: StartSshd, docker_engine: ContainerEngine, own: str
) -> None:
    connection = _open(connectors, start_sshd(own))
    for _ in range(3):
        assert _ping(connection, docker_engine.url) == b"OK"
    probe = connection.probe(docker_engine.url, timeout_s=SAY_S)
    assert probe.ok, probe.sentence
    connection.close()
    wait_for(lambda: not naming("dial-stdio", str(docker_engine.socket)), "no program is left", within_s=SAY_S)


@pytest.mark.parametrize("own", ["AllowStreamLocalForwarding yes", SOCKETS_REFUSED], ids=["streamlocal", "dial-stdio"])
def test_a_podman_socket_is_reached(
    connectors: Connectors, start_sshd: StartSshd, podman_engine: ContainerEngine, own: str
) -> None:
    connection = _open(connectors, start_sshd(own))
    assert _ping(connection, podman_engine.url) == b"OK"
    probe = connection.probe(podman_engine.url, timeout_s=SAY_S)
    assert probe.ok, probe.sentence


@pytest.mark.parametrize("own", ["AllowStreamLocalForwarding yes", SOCKETS_REFUSED], ids=["streamlocal", "dial-stdio"])
def test_the_socket_of_a_rootless_podman_is_reached(
    connectors: Connectors, start_sshd: StartSshd, rootless_engine: ContainerEngine, own: str
) -> None:
    assert _ping(_open(connectors, start_sshd(own)), rootless_engine.url) == b"OK"


def test_a_noisy_shell_does_not_spoil_dial_stdio(
    connectors: Connectors, start_sshd: StartSshd, docker_engine: ContainerEngine
) -> None:
    noisy = 'ForceCommand echo Welcome; echo oops >&2; eval "$SSH_ORIGINAL_COMMAND"'
    assert _ping(_open(connectors, start_sshd(SOCKETS_REFUSED, noisy)), docker_engine.url) == b"OK"


def test_a_key_that_runs_only_dial_stdio_is_enough(
    connectors: Connectors, start_sshd: StartSshd, docker_engine: ContainerEngine
) -> None:
    """As docs/connections.md recommends; the program dials what the account's own settings say."""
    forced = f"ForceCommand docker -H {docker_engine.url} system dial-stdio"
    connection = _open(connectors, start_sshd("DisableForwarding yes", forced))
    assert _ping(connection, "unix:///var/run/docker.sock") == b"OK"
    assert connection.probe("unix:///var/run/docker.sock", timeout_s=SAY_S).ok


def test_a_key_that_runs_something_else_is_told(connectors: Connectors, start_sshd: StartSshd) -> None:
    connection = _open(connectors, start_sshd("DisableForwarding yes", "ForceCommand echo only backups here"))
    probe = connection.probe("unix:///var/run/docker.sock", timeout_s=SAY_S)
    assert probe.sentence.endswith("failed: only backups here.")


def test_dial_stdio_is_content_with_one_session_at_a_time(
    connectors: Connectors, start_sshd: StartSshd, docker_engine: ContainerEngine
) -> None:
    connection = _open(connectors, start_sshd(SOCKETS_REFUSED, "MaxSessions 1"))
    said: list[bytes] = []
    threads = [threading.Thread(target=lambda: said.append(_ping(connection, docker_engine.url))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(2 * SAY_S)
    assert said == [b"OK"] * 4


def test_a_socket_that_is_not_there_is_said_by_the_engines_own_program(
    connectors: Connectors, ssh_host: sshd.Sshd, tmp_path: Path
) -> None:
    connection = _open(connectors, ssh_host)
    probe = connection.probe(f"unix://{tmp_path}/gone.sock", timeout_s=SAY_S)
    assert not probe.ok
    assert "docker system dial-stdio on" in probe.sentence
    with _dialled(connection, f"unix://{tmp_path}/gone.sock") as near:
        _ended(near)
    wait_for(lambda: "dial-stdio" in connection.standing().sentence, "the reason is told", within_s=SAY_S)


@pytest.mark.parametrize("path", ["/tmp/it's $(here)/a b.sock", '/tmp/;\\n\n"/x.sock'])
def test_the_path_of_a_socket_is_no_shell(
    connectors: Connectors, start_sshd: StartSshd, tmp_path: Path, path: str
) -> None:
    probe = _open(connectors, start_sshd(SOCKETS_REFUSED)).probe(f"unix://{path}", timeout_s=SAY_S)
    assert not probe.ok
    assert "docker system dial-stdio" in probe.sentence


@pytest.mark.parametrize("own", ["AllowTcpForwarding no", "DisableForwarding yes", "PermitOpen 10.9.9.9:1"])
def test_forwarding_that_is_disabled_is_said(
    connectors: Connectors, start_sshd: StartSshd, server: Server, own: str
) -> None:
    connection = _open(connectors, start_sshd(own))
    probe = connection.probe(server.address, timeout_s=SAY_S)
    assert isinstance(probe.problem, Forbidden)
    assert "does not allow TCP forwarding to 127.0.0.1:" in probe.sentence
    assert "AllowTcpForwarding" in probe.hint
    with _dialled(connection, server.address) as near:
        _ended(near)
    wait_for(lambda: connection.standing().sentence == probe.sentence, "the reason is told", within_s=SAY_S)
    assert list(connection.run(["echo", "programs run nevertheless"], timeout_s=SAY_S))


def test_a_port_that_nobody_listens_on_is_the_far_ends_word(connectors: Connectors, ssh_host: sshd.Sshd) -> None:
    probe = _open(connectors, ssh_host).probe(f"tcp://127.0.0.1:{sshd.free_port()}", timeout_s=SAY_S)
    assert isinstance(probe.problem, Unreachable)
    assert probe.sentence.endswith("connection refused.")


def test_each_part_of_the_way_has_its_own_word(connectors: Connectors, ssh_host: sshd.Sshd, server: Server) -> None:
    def problem(**other: object) -> object:
        options = SshOptions(hops=(hop_to(ssh_host, **other),))
        return connectors.open(options).probe(server.address, timeout_s=SAY_S).problem

    assert isinstance(problem(known_hosts=""), HostKeyUnknown)
    assert isinstance(problem(identity=Identity(password="wrong")), LoginRefused)
    assert isinstance(problem(port=sshd.free_port()), Unreachable)
    assert problem() is None


def test_a_probe_keeps_its_deadline(connectors: Connectors, server: Server) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # it accepts and says nothing
        hop = Hop(host="127.0.0.1", port=silent.getsockname()[1], user="x", identity=Identity(password="x"))
        began = time.monotonic()
        assert not connectors.open(SshOptions(hops=(hop,))).probe(server.address, timeout_s=1).ok
        assert time.monotonic() - began < 3


def test_a_loss_in_mid_stream_is_a_reset_and_the_next_request_is_carried(
    connectors: Connectors, start_sshd: StartSshd, server: Server
) -> None:
    host = start_sshd()
    connection = _open(connectors, host)
    endpoint = connection.reach(server.address)
    with _dialled(connection, server.address) as near:
        near.sendall(b"first")
        assert near.recv(100) == b"first"
        sshd.sweep_connections(host.daemon)
        with pytest.raises(ConnectionResetError):
            near.recv(100)
    assert connection.reach(server.address) == endpoint

    def carried() -> bool:
        with contextlib.suppress(OSError), _dialled(connection, server.address) as near:
            near.sendall(b"again")
            return near.recv(100) == b"again"
        return False

    wait_for(carried, "the next request is carried", within_s=SAY_S)


def test_equal_options_share_one_transport(connectors: Connectors, start_sshd: StartSshd, server: Server) -> None:
    host = start_sshd()
    first, second = _open(connectors, host), _open(connectors, host)
    for connection in (first, second):
        assert connection.probe(server.address, timeout_s=SAY_S).ok
    children = Path(f"/proc/{host.daemon.pid}/task/{host.daemon.pid}/children")
    assert len(children.read_text().split()) == 1
    first.close()
    assert second.probe(server.address, timeout_s=SAY_S).ok
    second.close()
    wait_for(lambda: not children.read_text().split(), "the transport went with its last user", within_s=SAY_S)


def test_streams_share_a_line_fairly(connectors: Connectors, ssh_host: sshd.Sshd) -> None:
    count, for_s = 20, 3.0
    counts = [0] * count
    connection = _open(connectors, ssh_host)
    stop = threading.Event()

    def follow(number: int, address: str) -> None:
        with _dialled(connection, address) as near:
            while not stop.is_set() and (data := near.recv(1 << 18)):
                counts[number] += len(data)

    with contextlib.closing(_Pouring()) as pouring:
        threads = [threading.Thread(target=follow, args=(number, pouring.address)) for number in range(count)]
        for thread in threads:
            thread.start()
        wait_for(lambda: all(counts), "every stream flows", within_s=SAY_S)
        before = list(counts)
        time.sleep(for_s)  # the time over which is measured
        flowed = [now - then for now, then in zip(counts, before, strict=True)]
        stop.set()
        for thread in threads:
            thread.join(SAY_S)
    assert max(flowed) <= 2 * min(flowed)


def test_closing_ends_streams_and_programs(connectors: Connectors, ssh_host: sshd.Sshd, server: Server) -> None:
    connection = _open(connectors, ssh_host)
    running = connection.run(["sleep", "71234567"], timeout_s=60)
    assert keepers(ssh_host.port)
    with _dialled(connection, server.address) as near:
        near.sendall(b"x")
        assert near.recv(1) == b"x"
        began = time.monotonic()
        connection.close()
        connection.close()
        assert time.monotonic() - began < 3
        _ended(near)
    assert list(running) == []
    wait_for(lambda: not naming("sleep", "71234567"), "the program ended", within_s=SAY_S)
    wait_for(lambda: not keepers(ssh_host.port), "its keeper ended", within_s=SAY_S)


class _Pouring(Server):
    """A server that pours as fast as it is read."""

    def _echo(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted.sendall(bytes(1 << 16))


def _threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.lower().startswith("ssh")]


def _open(connectors: Connectors, host: sshd.Sshd) -> Connection:
    return connectors.open(SshOptions(hops=(hop_to(host),)))


def _dialled(connection: Connection, address: str) -> socket.socket:
    given = connection.reach(address).address
    if given.startswith("unix://"):
        near = socket.socket(socket.AF_UNIX)
        near.settimeout(SAY_S)
        near.connect(given.removeprefix("unix://"))
        return near
    return socket.create_connection(("127.0.0.1", urlsplit(given).port or 0), timeout=SAY_S)


def _ping(connection: Connection, url: str) -> bytes:
    """Ask an engine for a sign of life, over a connection of its own."""
    asking = http.client.HTTPConnection("engine")
    asking.sock = _dialled(connection, url)
    try:
        asking.request("GET", "/_ping", headers={"Connection": "close"})
        return asking.getresponse().read()
    finally:
        asking.close()


def _all(end: socket.socket) -> bytes:
    parts = []
    while data := end.recv(1 << 20):
        parts.append(data)
    return b"".join(parts)


def _ended(near: socket.socket) -> None:
    with contextlib.suppress(ConnectionError):
        assert near.recv(1) == b""
