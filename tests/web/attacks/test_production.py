"""The production server's own edge: what is refused before the application, and what a stranger may not pass on."""

from __future__ import annotations

import gzip
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from opsmodal.web.headers import FIXED
from tests.unit.opsmodal.cli.programs import await_answer, free_port, running


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve an empty installation; give its port."""
    port, folder = free_port(), tmp_path_factory.mktemp("served")
    generous = {"OPSMODAL_SIGN_IN_FAILURES_PER_MINUTE": "1000"}
    with running("serve", "--data-dir", str(folder), "--bind", f"127.0.0.1:{port}", env=generous) as server:
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


OWN = "Origin: http://127.0.0.1:{port}"
FORM = "Content-Type: application/x-www-form-urlencoded"
NEXT = "GET /healthz?smuggled HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


def statuses(port: int, *lines: str, body: bytes = b"") -> list[int]:
    """Send a request and behind it, on the same connection, another one; give the statuses of all that is answered."""
    head = "\r\n".join([*(line.format(port=port) for line in lines), "", ""]).encode("latin-1")
    answer = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=20) as line:
        line.sendall(head + body + NEXT.encode())
        line.shutdown(socket.SHUT_WR)
        with suppress(ConnectionError):  # cut off in the middle of what it no longer reads
            while part := line.recv(65536):
                answer += part
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) ", bytes(answer))]


@pytest.mark.parametrize(
    "lines",
    [
        ("GET /healthz HTTP/1.1",),
        ("GET /healthz HTTP/1.1", "Host:"),
        ("GET /healthz HTTP/1.1", "Host: evil.example"),
        ("GET /healthz HTTP/1.1", "Host: evil.example", "Host: 127.0.0.1:{port}"),
        ("GET /healthz HTTP/1.1", "Host: 127.0.0.1:{port}", "Host: evil.example"),
        ("GET /healthz HTTP/1.1", "Host: 127.0.0.1:{port}, evil.example"),
        ("GET http://evil.example/healthz HTTP/1.1", "Host: 127.0.0.1:{port}"),
        ("GET http://127.0.0.1:{port}@evil.example/healthz HTTP/1.1", "Host: 127.0.0.1:{port}"),
        ("GET http://127.0.0.1:{port}/healthz HTTP/1.1", "Host: evil.example"),
        ("GET /healthz HTTP/1.1", "Host: evil.example", "X-Forwarded-Host: 127.0.0.1:{port}"),
        ("GET /healthz HTTP/1.1", "Host: evil.example", "X_Forwarded_Host: 127.0.0.1:{port}"),
        ("GET /healthz HTTP/1.1", "Host: 127.0.0.1:{port}", "Host : evil.example"),
        ("GET /healthz HTTP/1.1", "Host: 127.0.0.1:{port}", "X: a", " Host: evil.example"),
    ],
)
def test_a_request_names_one_host_and_one_that_is_known(port: int, lines: tuple[str, ...]) -> None:
    assert b" 400 " in said(port, *(line.format(port=port) for line in lines)).split(b"\r\n")[0]


@pytest.mark.parametrize("target", ["http://127.0.0.1:{port}/healthz", "/healthz"])
def test_a_request_by_path_or_whole_address_is_answered(port: int, target: str) -> None:
    answer = said(port, f"GET {target.format(port=port)} HTTP/1.1", f"Host: 127.0.0.1:{port}")
    assert b" 200 " in answer.split(b"\r\n")[0]


@pytest.mark.parametrize("name", ["X_Forwarded_For", "Remote_Addr", "X_Opsmodal_Refresh", "Cookie_"])
def test_no_spelling_of_a_header_passes_for_another(port: int, name: str) -> None:
    answer = said(port, "GET /metrics HTTP/1.1", f"Host: 127.0.0.1:{port}", f"{name}: 203.0.113.9")
    assert answer.split(b" ")[1] in (b"200", b"401")
    assert b"203.0.113.9" not in answer


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (("Content-Length: 5", "Transfer-Encoding: chunked"), b"0\r\n\r\n"),
        (("Transfer-Encoding: chunked", "Content-Length: 5"), b"0\r\n\r\n"),
        (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), b"0\r\n\r\n"),
        (("Transfer-Encoding: xchunked",), b"0\r\n\r\n"),
        (("Transfer-Encoding : chunked",), b"0\r\n\r\n"),
        (("Transfer-Encoding:\x0bchunked",), b"0\r\n\r\n"),
        (("Content-Length: 0", "Content-Length: 5"), b"abcde"),
        (("Content-Length: -5",), b"abcde"),
        (("Content-Length: 0x5",), b"abcde"),
        (("Content-Length: 5_0",), b"abcde"),
        (("Transfer-Encoding: chunked", FORM), b"-5\r\nabcde\r\n0\r\n\r\n"),
        (("Transfer-Encoding: chunked", FORM), b"0x5\r\nabcde\r\n0\r\n\r\n"),
        (("Transfer-Encoding: chunked", FORM), b"5\nabcde\r\n0\r\n\r\n"),
        (("Transfer-Encoding: chunked", FORM), b"5\r\nabcdefg\r\n0\r\n\r\n"),
        (("Transfer-Encoding: chunked", FORM), b"5\r\nabcde\r\n0\r\nHost: evil.example\r\n\r\n"),
    ],
)
def test_two_readings_of_one_length_end_the_connection(port: int, headers: tuple[str, ...], body: bytes) -> None:
    """What follows is then answered by nobody, however a proxy in front has read it."""
    got = statuses(port, "POST /sign-in HTTP/1.1", "Host: 127.0.0.1:{port}", OWN, *headers, body=body)
    assert 200 not in got
    assert got[:1] in ([], [400], [401]), got


def test_a_body_that_nobody_reads_is_not_taken_for_the_next_request(port: int) -> None:
    head = ("GET /healthz HTTP/1.1", "Host: 127.0.0.1:{port}", f"Content-Length: {len(NEXT)}")
    assert statuses(port, *head, body=NEXT.encode()) == [200, 200]
    foreign = ("POST /sign-in HTTP/1.1", "Host: 127.0.0.1:{port}", "Origin: http://evil.example")
    assert statuses(port, *foreign, f"Content-Length: {len(NEXT)}", body=NEXT.encode()) == [403, 200]


def chunked(data: bytes, size: int = 8_000) -> bytes:
    """Cut a body into chunks."""
    parts = [data[at : at + size] for at in range(0, len(data), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


FIELDS = b"&".join(b"f%d=1" % number for number in range(100_000))
PARTS = b"".join(b'--x\r\nContent-Disposition: form-data; name="f%d"\r\n\r\n1\r\n' % number for number in range(2_000))
NESTED = b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n" * 300
LONG_HEAD = b"--x\r\nContent-Disposition: form-data; name=" + b"a" * 15_000 + b"\r\n\r\n1\r\n--x--\r\n"

BODIES = (
    *("a name of a megabyte", "fields", "percents", "emoji", "parts", "nested parts", "a long head", "a long boundary"),
    *("no boundary", "gzip"),
)


@pytest.mark.parametrize("way", ["whole", "chunked"])
@pytest.mark.parametrize(
    ("kind", "body", "expected"),
    [
        (FORM, b"name=" + b"a" * 1_000_000 + b"&password=x", 413),
        (FORM, FIELDS, 413),
        (FORM, b"%" * 15_000, 401),
        (FORM, b"name=" + b"%F0%9F%98%80" * 1_000, 401),
        ("Content-Type: multipart/form-data; boundary=x", PARTS + b"--x--\r\n", 413),
        ("Content-Type: multipart/form-data; boundary=x", NESTED, 401),
        ("Content-Type: multipart/form-data; boundary=x", LONG_HEAD, 401),
        ("Content-Type: multipart/form-data; boundary=" + "x" * 7_000, b"--x--\r\n", 401),
        ("Content-Type: multipart/form-data", b"--x--\r\n", 401),
        (f"{FORM}\r\nContent-Encoding: gzip", gzip.compress(b"name=admin&password=" + b"a" * 10_000_000), 401),
    ],
    ids=BODIES,
)
def test_no_body_of_a_stranger_costs_much_or_breaks_anything(
    port: int, kind: str, body: bytes, expected: int, way: str
) -> None:
    length = "Transfer-Encoding: chunked" if way == "chunked" else f"Content-Length: {len(body)}"
    sent = chunked(body) if way == "chunked" else body
    began = time.monotonic()
    got = statuses(port, "POST /sign-in HTTP/1.1", "Host: 127.0.0.1:{port}", OWN, kind, length, body=sent)
    assert got[0] in (expected, *([400] if expected == 401 else [])), got
    assert time.monotonic() - began < 10


def test_a_head_that_comes_a_byte_at_a_time_holds_one_place_and_nobody_up(port: int) -> None:
    lines = [socket.create_connection(("127.0.0.1", port), timeout=20) for _ in range(200)]
    for line in lines:
        line.sendall(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
    began = time.monotonic()
    assert b" 200 " in said(port, "GET /healthz HTTP/1.1", f"Host: 127.0.0.1:{port}").split(b"\r\n")[0]
    assert time.monotonic() - began < 5
    for line in lines:
        line.close()


def test_no_answer_names_a_program_or_a_version(port: int) -> None:
    host = f"Host: 127.0.0.1:{port}"
    for lines in (("GET /sign-in HTTP/1.1", host), ("GET /nothing HTTP/1.1", host), ("nonsense",), ("GET / HTTP/1.1",)):
        answer = said(port, *lines)
        assert b"\r\nServer: opsmodal\r\n" in answer, lines
        for word in (b"gunicorn", b"gevent", b"Werkzeug", b"Python"):
            assert word.lower() not in answer.lower(), lines


def test_what_never_reaches_the_application_has_its_headers(port: int) -> None:
    head = said(port, "nonsense").partition(b"\r\n\r\n")[0].decode()
    for name, value in FIXED.items():
        assert f"{name}: {value}" in head
