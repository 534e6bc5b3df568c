"""A real engine behind TLS on a TCP port: who may ask, who answers, and what stays on disk."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from connectors.base import Connection, Exit, Output
from runtimes.base import Runtime, Scope
from runtimes.commands import Command
from runtimes.docker.open import open_docker
from runtimes.engine import TLS
from runtimes.errors import Unavailable
from runtimes.podman.open import open_podman
from tests.contract.ways import LOOPBACK, Way
from tests.contract.world_engine import EngineWorld
from tests.contract.worlds import World
from tests.engines.certificates import Authority

pytestmark = pytest.mark.parametrize("engine", ["docker", "podman"], indirect=True)

HANDSHAKE_S = 5.0


NAME = "engine.example"


@dataclass
class Door:
    """A TLS port before an engine's socket, at the far end, that lets in who shows a certificate of `authority`."""

    address: str
    authority: Authority
    connection: Connection

    @property
    def key(self) -> TLS:
        certificate, key = self.authority.pair("opsmodal")
        return TLS(ca=self.authority.pem, certificate=certificate, key=key)


@pytest.fixture
def door(world: World, way: Way, tmp_path: Path) -> Iterator[Door]:
    assert isinstance(world, EngineWorld)
    authority = Authority()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listener = way.listening(way.place(LOOPBACK))
    host, port = listener.getsockname()
    for name, text in zip(("cert.pem", "key.pem"), authority.pair(NAME, host), strict=True):
        (tmp_path / name).write_text(text)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    context.load_verify_locations(cadata=authority.pem)
    context.verify_mode = ssl.CERT_REQUIRED
    with listener, _served(listener, context, world.engine.socket):
        address = f"tcp://{host}:{port}"
        with contextlib.closing(way.open(lambda: address)) as connection:
            yield Door(address, authority, connection)


@contextlib.contextmanager
def _served(listener: socket.socket, context: ssl.SSLContext, target: Path) -> Iterator[None]:
    listener.settimeout(0.05)
    over = threading.Event()
    threads: list[threading.Thread] = []

    def accept() -> None:
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                near, _ = listener.accept()
                threads.append(threading.Thread(target=_carry, args=(near, context, target, over), name="tls-carry"))
                threads[-1].start()

    accepting = threading.Thread(target=accept, name="tls-accept")
    accepting.start()
    try:
        yield
    finally:
        over.set()
        for thread in (accepting, *threads):
            thread.join()


def _carry(near: socket.socket, context: ssl.SSLContext, target: Path, over: threading.Event) -> None:
    """Carry one request after the other: an answer is read until the engine is quiet."""
    near.settimeout(HANDSHAKE_S)
    try:
        inner = context.wrap_socket(near, server_side=True)
    except OSError:
        near.close()
        return
    with inner, socket.socket(socket.AF_UNIX) as far, contextlib.suppress(OSError):
        far.connect(str(target))
        inner.settimeout(0.02)
        far.settimeout(0.02)
        while not over.is_set():
            for source, sink in ((inner, far), (far, inner)):
                try:
                    data = source.recv(65536)
                except TimeoutError:
                    continue
                if not data:
                    return
                sink.sendall(data)


def opened(world: EngineWorld, door: Door, tls: TLS | None, registered: str = "") -> Runtime:
    opener = open_docker if world.kind == "docker" else open_podman
    return opener("test", socket=registered or door.address, connection=door.connection, tls=tls, timeout_s=8)


def test_an_engine_behind_tls_is_operated_and_no_key_stays(
    world: EngineWorld, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    name = world.healthy()
    runtime = opened(world, door, door.key)
    assert len(list(tmp_path.glob("opsmodal-tls-*"))) == 1
    assert [each.name for each in runtime.instances.list(world.scope).items] == [name]
    assert isinstance(runtime.discover()[0].scope, Scope)
    assert "not encrypted" not in repr(runtime.identity)
    runtime.close()
    assert not list(tmp_path.glob("opsmodal-tls-*"))


def test_an_engine_that_another_authority_signed_is_not_trusted(world: EngineWorld, door: Door) -> None:
    ours = door.key
    with pytest.raises(Unavailable, match="was not signed by the registered CA"):
        opened(world, door, TLS(ca=Authority().pem, certificate=ours.certificate, key=ours.key))


def test_the_certificate_is_held_against_the_registered_name_wherever_the_way_ends(
    world: EngineWorld, door: Door
) -> None:
    runtime = opened(world, door, door.key, f"tcp://{NAME}:2376")
    assert runtime.instances.list(world.scope).items == ()
    runtime.close()
    for other in ("tcp://other.example:2376", "tcp://127.0.0.9:2376"):
        with pytest.raises(Unavailable, match="is for another name") as caught:
            opened(world, door, door.key, other)
        assert other in caught.value.sentence


@pytest.mark.smoke
def test_commands_go_over_tls_too_and_programs_get_no_key(
    world: EngineWorld, door: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    name = world.healthy()
    runtime = opened(world, door, door.key, f"tcp://{NAME}:2376")
    assert runtime.commands is not None
    own = runtime.commands.containers(world.scope).own[name]

    def ran(*argv: str, where: Literal["cli", "container"]) -> tuple[bytes, Exit]:
        assert runtime.commands is not None
        command = Command(argv=argv, limit_s=30, where=where, container=own)
        said = list(runtime.commands.run(world.scope, command).stream)
        assert isinstance(said[-1], Exit)
        return b"".join(each.data for each in said if isinstance(each, Output)), said[-1]

    try:
        assert ran("sh", "-c", "head -c 1000000 /dev/zero; exit 3", where="container") == (
            bytes(1_000_000),
            Exit(code=3),
        )
        shown, end = ran(world.kind, "inspect", "--format", "{{.Id}}", name, where="cli")
        assert (shown.decode().strip(), end.code) == (own, 0)
        assert len(list(temporary.rglob("key.pem"))) == 1, "the runtime's own, and none for the program"
    finally:
        runtime.close()
    assert not list(temporary.iterdir()), "no socket, folder or key is left"


def test_without_a_certificate_of_ours_the_engine_refuses(world: EngineWorld, door: Door) -> None:
    with pytest.raises(Unavailable) as caught:
        opened(world, door, TLS(ca=door.authority.pem))
    assert caught.value.hint
    assert "certificate" in caught.value.sentence + caught.value.hint


def test_a_plain_connection_to_a_tls_port_is_refused(world: EngineWorld, door: Door) -> None:
    with pytest.raises(Unavailable) as caught:
        opened(world, door, None)
    assert door.address in caught.value.sentence


@pytest.mark.parametrize("tls", [TLS(ca="no PEM"), TLS(ca="", certificate="x", key="y")])
def test_what_is_no_certificate_is_said_without_repeating_it(world: EngineWorld, door: Door, tls: TLS) -> None:
    with pytest.raises(Unavailable) as caught:
        opened(world, door, tls)
    assert caught.value.hint
    assert "no PEM" not in caught.value.sentence + caught.value.detail
