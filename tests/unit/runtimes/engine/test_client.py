"""The engine's own program: what is said when it is not there, and when it and the engine are too far apart."""

from __future__ import annotations

import contextlib
import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from connectors.base import Exit, Output
from runtimes.commands import Command
from runtimes.engine.client import Client, Explained
from runtimes.engine.dialled import Dialled
from runtimes.engine.problems import Kind, Place
from runtimes.errors import Missing, Unavailable

TOO_OLD = "client version 1.50 is too old. Minimum supported API version is 1.99, please upgrade your client"
SERVER_TOO_OLD = 'Error: server API version is too old. Client "4.0.0" server "2.2.1"'


class Newer(BaseHTTPRequestHandler):
    """An engine that speaks only versions of the API that are yet to come."""

    def do_GET(self) -> None:
        is_ping = self.path.endswith("/_ping")
        body = b"OK" if is_ping else json.dumps({"message": TOO_OLD}).encode()
        self.send_response(200 if is_ping else 400)
        self.send_header("API-Version", "1.99")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815  (the library's name)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def newer() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Newer)
    thread = threading.Thread(target=server.serve_forever, name="newer engine")
    thread.start()
    yield f"tcp://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def made(kind: Kind, address: str) -> Client:
    return Client(kind, Dialled(address=address, files=None, place=Place(kind=kind, address=address), timeout_s=5))


def test_an_old_program_and_a_new_engine_are_told_in_a_sentence(newer: str) -> None:
    if not shutil.which("docker"):
        pytest.skip("no docker on this machine")
    with contextlib.closing(made("docker", newer)) as client:
        *said, end = client.run(Command(argv=("docker", "ps"), limit_s=30)).stream
    assert isinstance(end, Exit)
    assert end.code == 1
    assert "no version of the API in common" in end.sentence
    assert newer in end.sentence
    assert TOO_OLD in b"".join(each.data for each in said if isinstance(each, Output)).decode()


class Words:
    """A stream of a few items."""

    def __init__(self, *items: Output | Exit) -> None:
        self._items = items

    def __iter__(self) -> Iterator[Output | Exit]:
        return iter(self._items)

    def close(self) -> None:
        """Nothing is open."""


@pytest.mark.parametrize(
    ("source", "text", "code", "told"),
    [
        ("stderr", SERVER_TOO_OLD, 125, True),
        ("stderr", f"Error response from daemon: {TOO_OLD}", 1, True),
        ("stdout", SERVER_TOO_OLD, 125, False),
        ("stderr", SERVER_TOO_OLD, 0, False),
        ("stderr", "Error: No such container: client", 1, False),
    ],
)
def test_only_its_own_complaint_of_a_failed_program_counts(source: str, text: str, code: int, told: bool) -> None:
    said = Explained(Words(Output(source, text.encode()), Exit(code=code)), "docker and Docker")  # type: ignore[arg-type]
    assert list(said)[-1] == Exit(
        code=code,
        sentence="docker and Docker have no version of the API in common: update the older of the two." if told else "",
    )


@pytest.mark.parametrize("kind", ["docker", "podman"])
def test_a_program_that_is_not_there_is_named_with_what_to_install(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    client = made(kind, "unix:///nowhere/engine.sock")
    assert f"There is no {kind} on this server. Install" in client.missing()
    with pytest.raises(Missing, match=f"no {kind}") as caught:
        client.run(Command(argv=(kind, "ps"), limit_s=1))
    assert kind in caught.value.hint
    client.close()


def test_a_script_that_stands_in_for_the_program_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """podman-docker's would run podman on this machine, whatever engine was meant."""
    (tmp_path / "docker").write_text(f'#!/bin/sh\ntouch {tmp_path}/ran; exec podman "$@"\n')
    (tmp_path / "docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    client = made("docker", "unix:///nowhere/engine.sock")
    assert "is a script" in client.missing()
    with pytest.raises(Missing, match="is a script"):
        client.run(Command(argv=("docker", "ps"), limit_s=1))
    assert not (tmp_path / "ran").exists()


def test_a_closed_runtime_starts_no_program() -> None:
    client = made("docker", "unix:///nowhere/engine.sock")
    client.close()
    with pytest.raises((Unavailable, Missing)):
        client.run(Command(argv=("docker", "ps"), limit_s=1))
