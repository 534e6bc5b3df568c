"""Whether a server says anything: real ones, and holes that only look like one."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.base import Endpoint
from opsmodal.demo.cluster import Cluster
from opsmodal.speaking import speaks


@contextlib.contextmanager
def listening(answer: bytes | None, *, path: Path | None = None) -> Iterator[str]:
    """Take every connection, and say `answer`: None hangs, b"" hangs up."""
    listener = socket.socket(socket.AF_UNIX) if path else socket.socket()
    listener.bind(str(path) if path else ("127.0.0.1", 0))
    listener.listen(8)
    held: list[socket.socket] = []

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                held.append(near)
                if answer is not None:
                    near.sendall(answer)
                    near.recv(65536)
                    near.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"unix://{path}" if path else f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for each in held:
            each.close()


def test_an_api_server_speaks_whoever_signed_its_certificate(simulated_cluster: Cluster) -> None:
    assert speaks(simulated_cluster.url, Endpoint(simulated_cluster.url), timeout_s=5.0) == ""


def test_an_engine_speaks_on_its_socket(tmp_path: Path) -> None:
    with listening(b"HTTP/1.1 200 OK\r\n\r\n", path=tmp_path / "engine.sock") as address:
        assert speaks(address, Endpoint(address), timeout_s=5.0) == ""
        assert speaks(address, Endpoint(address.removeprefix("unix://")), timeout_s=5.0) == ""


def test_whoever_refuses_in_plain_text_has_spoken() -> None:
    with listening(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n") as place:
        assert speaks(f"tcp://{place}", Endpoint(f"tcp://{place}"), timeout_s=5.0) == ""


@pytest.mark.parametrize("scheme", ["https", "tcp"])
def test_a_hole_that_takes_connections_is_no_server(scheme: str) -> None:
    with listening(None) as place:
        began = time.monotonic()
        words = speaks(f"{scheme}://{place}", Endpoint(f"{scheme}://{place}"), timeout_s=0.3)
        assert time.monotonic() - began < 2.0
    assert words == f"{place} takes connections, but nothing came back within 0.3 s."


@pytest.mark.parametrize("scheme", ["https", "tcp"])
def test_a_tunnel_whose_far_side_is_gone_hangs_up(scheme: str) -> None:
    with listening(b"") as place:
        words = speaks(f"{scheme}://{place}", Endpoint(f"{scheme}://{place}"), timeout_s=2.0)
    assert words.startswith(f"{place} takes connections, but ")
    assert words.endswith(("hangs up without an answer.", "breaks them off: connection reset by peer."))


def test_nothing_secret_is_sent() -> None:
    heard = bytearray()
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"tcp://127.0.0.1:{listener.getsockname()[1]}"

    def hear() -> None:
        near, _ = listener.accept()
        with near:
            heard.extend(near.recv(65536))

    thread = threading.Thread(target=hear)
    thread.start()
    speaks(address, Endpoint(address), timeout_s=2.0)
    thread.join(5)
    listener.close()
    assert bytes(heard) == b"HEAD /_ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
