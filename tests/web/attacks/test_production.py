"""The production server's own edge: what is refused before the application, and what a stranger may not pass on."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.unit.opsmodal.cli.programs import await_answer, free_port, running


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve an empty installation; give its port."""
    port, folder = free_port(), tmp_path_factory.mktemp("served")
    with running("serve", "--data-dir", str(folder), "--bind", f"127.0.0.1:{port}") as server:
        await_answer(port)
        yield port
        server.end()


def said(port: int, *lines: str, body: bytes = b"") -> bytes:
    """Send a request line for line; give all that comes back."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode("latin-1") + body)
        answer = bytearray()
        while part := line.recv(65536):
            answer += part
    return bytes(answer)


def test_nobody_moves_the_application_to_another_path(port: int) -> None:
    host = f"Host: 127.0.0.1:{port}"
    for name in ("SCRIPT_NAME", "Script-Name", "PATH_INFO"):
        answer = said(port, "GET /evil/services HTTP/1.1", host, f"{name}: /evil")
        assert b"Location: /sign-in?next=%2Fevil%2Fservices" in answer, name


@pytest.mark.parametrize(
    "lines",
    [
        (f"GET /services?search={'a' * 1_000_000} HTTP/1.1",),
        ("GET /services HTTP/1.1", f"X-Long: {'a' * 100_000}"),
        ("GET /services HTTP/1.1", *(f"X-{number}: a" for number in range(1_000))),
        ("GET /services HTTP/1.1", "Host: a\x00b"),
        ("GET /ser\x00vices HTTP/1.1",),
        ("POST /sign-in HTTP/1.1", "Content-Length: 5", "Transfer-Encoding: chunked"),
        ("POST /sign-in HTTP/1.1", "Content-Length: +5"),
        ("GET /services HTTP/9.9",),
        ("\x16\x03\x01\x02\x00",),
    ],
)
def test_a_request_out_of_shape_is_refused_and_shows_nothing(port: int, lines: tuple[str, ...]) -> None:
    named = lines if any(line.startswith("Host:") for line in lines) else (*lines, f"Host: 127.0.0.1:{port}")
    try:
        answer = said(port, *named)
    except ConnectionError:
        return  # cut off without a word is refused too
    assert not answer or answer.split(b" ")[1] in (b"400", b"403", b"405", b"413", b"414", b"431", b"505"), answer[:200]
    for word in (b"Traceback", b"site-packages", b"opsmodal.db"):
        assert word not in answer


def test_what_follows_a_body_is_not_taken_for_part_of_it(port: int) -> None:
    """Two readings of one length are how a request is smuggled past whoever checked the first."""
    hidden = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    head = ("POST /sign-in HTTP/1.1", f"Host: 127.0.0.1:{port}", "Transfer-Encoding: chunked", "Content-Length: 0")
    assert b"ok\n" not in said(port, *head, body=b"0\r\n\r\n" + hidden)
